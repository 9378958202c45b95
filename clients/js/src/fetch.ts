import type { Auth, Pass } from "./auth.js";
import { isReadOnce } from "./body.js";

interface Parts {
  authorize: Auth["authorize"];
  url: (path: string) => string;
  send: typeof fetch;
}

/** `fetch` with a pass, and one try more after a 401. */
export function authorizedFetch({ authorize, url, send }: Parts): typeof fetch {
  return async (input, init = {}) => {
    const target = typeof input === "string" && !isAbsolute(input) ? url(input) : input;
    const request = typeof target === "object" && "url" in target ? target : undefined;
    const headers = new Headers(init.headers ?? request?.headers);
    const method = init.method ?? request?.method;
    const signal = init.signal ?? request?.signal;
    const address = request?.url ?? (target as string | URL).toString();
    const pass = headers.has("Authorization") ? null : await authorize(address, { method, signal });
    if (!pass) return send(target, init);

    const attempt = (pass: Pass) => {
      for (const [name, value] of Object.entries(pass.headers)) headers.set(name, value);
      const credentials = init.credentials ?? pass.credentials;
      return send(request?.clone() ?? target, { ...init, headers, credentials });
    };
    const answer = await attempt(pass);
    if (answer.status !== 401) return answer;
    const another = await pass.renew(signal);
    if (!another || isReadOnce(init.body)) return answer;
    await answer.body?.cancel();
    return attempt(another);
  };
}

const isAbsolute = (address: string) => /^([a-z][a-z\d+.-]*:|\/\/)/i.test(address);
