import type { Auth, Pass } from "./auth.js";
import { isReadOnce } from "./body.js";

interface Parts {
  authorize: Auth["authorize"];
  isOurs: (address: string) => boolean;
  url: (path: string) => string;
  send: typeof fetch;
}

/** `fetch` with a pass, and one try more after a 401. */
export function authorizedFetch({ authorize, isOurs, url, send }: Parts): typeof fetch {
  return async (input, init = {}) => {
    const target = typeof input === "string" && !isAbsolute(input) ? url(input) : input;
    const request = typeof target === "object" && "url" in target ? target : undefined;
    const headers = new Headers(init.headers ?? request?.headers);
    const method = init.method ?? request?.method;
    const signal = init.signal ?? request?.signal;
    const address = request?.url ?? (target as string | URL).toString();
    const isOnce = isReadOnce(init.body);
    const pass = headers.has("Authorization") ? null : await authorize(address, { method, signal, isOnce });
    if (!pass) return send(target, init);

    const attempt = (pass: Pass) => {
      for (const [name, value] of Object.entries(pass.headers)) headers.set(name, value);
      const credentials = init.credentials ?? pass.credentials;
      return send(request?.clone() ?? target, { ...init, headers, credentials });
    };
    const answer = await attempt(pass);
    if (answer.status !== 401) pass.accepted();
    // A redirect elsewhere carried no token.
    else if (isOurs(answer.url || address)) {
      const another = await pass.renew(signal).catch((error: unknown) => {
        if (isOnce) return null;
        throw error;
      });
      if (another && !isOnce) {
        await answer.body?.cancel();
        return attempt(another);
      }
    }
    return answer;
  };
}

const isAbsolute = (address: string) => /^([a-z][a-z\d+.-]*:|\/\/)/i.test(address);
