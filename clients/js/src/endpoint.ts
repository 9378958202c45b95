import { Unavailable } from "./errors.js";
import { within } from "./time.js";

/** An answer that decides something: no outage. */
export interface Answer {
  ok: boolean;
  status: number;
  data: Record<string, unknown>;
  /** The server's clock, in milliseconds. Pages of another origin cannot read it. */
  date?: number;
}

export interface Post {
  url: string;
  headers: Record<string, string>;
  body?: object;
  /** The time limit in milliseconds. */
  limit: number;
  credentials?: RequestInit["credentials"];
}

/** Posts once. Follows no redirect: tokens go to one origin. Throws `Unavailable` in an outage. */
export function post(send: typeof fetch, { url, headers, body, limit, credentials }: Post): Promise<Answer> {
  const work = async (signal: AbortSignal) => {
    const all: Record<string, string> = { Accept: "application/json", ...headers };
    if (body) all["Content-Type"] = "application/json";
    const init: RequestInit = { method: "POST", headers: all, redirect: "manual", cache: "no-store", signal };
    if (body) init.body = JSON.stringify(body);
    // The new cookies are kept even if the page is closed meanwhile.
    if (credentials) Object.assign(init, { credentials, keepalive: true });
    const answer = await send(url, init).catch(unreached);
    const date = Date.parse(answer.headers.get("Date") ?? "") || undefined;
    if (isOutage(answer.status)) throw new Unavailable(answer.status, seconds(answer.headers.get("Retry-After"), date));
    return { ok: answer.ok, status: answer.status, data: parse(await answer.text().catch(unreached)), date };
  };
  return within(limit, () => new Unavailable(), work);
}

export const isOutage = (status: number) => status >= 500 || [408, 425, 429].includes(status);

/** Errors of `fetch` are TypeErrors, and show no token. Those of a `fetch` that somebody else made may show anything. */
function unreached(error: unknown): never {
  throw new Unavailable(undefined, undefined, error instanceof TypeError ? { cause: error } : undefined);
}

/** `Retry-After` is a number of seconds or a date of the server's clock. */
function seconds(value: string | null, now = Date.now()): number | undefined {
  const number = Number(value ?? NaN);
  const wait = Number.isNaN(number) ? (Date.parse(value ?? "") - now) / 1000 : number;
  return wait > 0 ? wait : undefined;
}

function parse(text: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
