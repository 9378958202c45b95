import type { Answer } from "./endpoint.js";
import { here, host } from "./host.js";
import { claims, life, type Login } from "./login.js";

/** How tokens come and go: in bodies and the header `Authorization`, or in cookies. */
export interface Delivery {
  /** The path of the log-out, unless another one is given. */
  logout: string;
  /** Whether something may refresh this login, or, for null, one that the storage knows nothing of. */
  mayRenew(login: Login | null): boolean;
  credentials?: RequestInit["credentials"];
  /** What the token endpoints want to see. */
  headers: Record<string, string>;
  /** What refresh and log-out send. */
  body(login: Login | null): object | undefined;
  /** What a request carries. */
  pass(login: Login | null, method: string): Record<string, string> | undefined;
  /** The login that an answer brings, if it brings one, by our clock in milliseconds. */
  login(answer: Answer, clock: number, before: Login | null): Login | undefined;
}

export function inBodies(authHeaderType: string): Delivery {
  return {
    logout: "/token/blacklist/",
    mayRenew: (login) => refreshOf(login) !== undefined,
    headers: {},
    body: (login) => ({ refresh: refreshOf(login) }),
    pass: (login) => (login && "access" in login ? { Authorization: `${authHeaderType} ${login.access}` } : undefined),
    login({ data, date }, clock, before) {
      const { access, refresh } = data;
      if (!isToken(access)) return undefined;
      const next = isToken(refresh) ? refresh : undefined;
      const start = date === undefined ? arrival(access, next, before) : date / 1000;
      return {
        access,
        refresh: next ?? refreshOf(before),
        start,
        skew: start === undefined ? undefined : start * 1000 - clock,
      };
    },
  };
}

/**
 * When tokens came, in seconds of the server's clock, from the tokens alone. None of these can be later than that: what is
 * copied is older, and access tokens live for as long as the one before.
 */
function arrival(access: string, refresh = "", before: Login | null): number | undefined {
  const { start, end = NaN } = claims(access);
  const { start: from, end: to } = (before && life(before)) ?? { start: NaN, end: NaN };
  const known = [start, claims(refresh).start, end - (to - from) / 1000].filter(Number.isFinite) as number[];
  return known.length ? Math.max(...known) : undefined;
}

/** What a header can hold. */
const isToken = (value: unknown): value is string => typeof value === "string" && /^[!-~]+$/.test(value);

const refreshOf = (login: Login | null) => (login && "access" in login ? login.refresh : undefined);

export function inCookies(base: () => URL): Delivery {
  return {
    logout: "/logout/",
    mayRenew: () => true,
    credentials: "include",
    headers: { "X-Token-Delivery": "cookie" },
    body: () => undefined,
    pass(login, method) {
      const token = isSafe(method)
        ? undefined
        : (csrfCookie(base()) ?? (login && "end" in login ? login.csrf : undefined));
      const headers: Record<string, string> = {};
      if (token) headers["X-CSRFToken"] = token;
      return headers;
    },
    login({ data, date }, clock) {
      const { access_expires: end, csrf_token: csrf } = data;
      if (typeof end !== "number") return undefined;
      return {
        version: Math.random(),
        start: (date ?? clock) / 1000,
        end,
        csrf: typeof csrf === "string" ? csrf : undefined,
        skew: (date ?? clock) - clock,
      };
    },
  };
}

const isSafe = (method: string) => ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method);

/** The page sees the server's cookies only if both are of one host. Without the prefix it may be Django's. */
function csrfCookie(base: URL): string | undefined {
  if (!host.document || new URL(here() ?? base).hostname !== base.hostname) return undefined;
  const { cookie } = host.document;
  return (/(?:^|; )__Host-csrftoken=([^;]*)/.exec(cookie) ?? /(?:^|; )csrftoken=([^;]*)/.exec(cookie))?.[1];
}
