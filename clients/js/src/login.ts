import { LoggedOut } from "./errors.js";

interface Common {
  /** Of the log-in, and the same after each refresh. Logins that somebody put into the storage without one are one login. */
  id?: string;
  /** Of the `baseUrl` that the tokens are from. */
  origin?: string;
  /** When the access token came, in seconds of the server's clock. Its `iat` may be older: some servers copy the refresh token's. */
  start?: number;
  /** Milliseconds that the server's clock is ahead of ours, if that is known. */
  skew?: number;
}

/** A log-in with the tokens at hand. */
export interface TokenLogin extends Common {
  access: string;
  /** Without one the login is never refreshed. */
  refresh?: string;
}

/** A log-in whose tokens are in cookies that no script can read. Nothing in it is secret. */
export interface CookieLogin extends Common {
  /** Another one after each refresh. */
  version: number;
  start: number;
  /** When the access token ends, in seconds of the server's clock. */
  end: number;
  csrf?: string;
}

/** What a storage keeps, as a whole. */
export type Login = TokenLogin | CookieLogin;

/** Whether both carry the same access token. */
export function isSame(one: Login | null, other: Login | null): boolean {
  return one === other || (one !== null && other !== null && name(one) === name(other));
}

const name = (login: Login) => ("access" in login ? login.access : login.version);

/** What came in the place of `before`. Another log-in is none: what one user asked for must not be done by the next. */
export function successor<Next extends Login | null>(before: Login | null, next: Next): Next {
  if ((before && !next) || before?.id !== next?.id) throw new LoggedOut();
  return next;
}

/** From when to when the access token is good, in milliseconds of the server's clock, if that can be read. */
export function life(login: Login): { start: number; end: number } | undefined {
  const { start: issued, end } = "access" in login ? claims(login.access) : login;
  const start = login.start ?? issued;
  return start !== undefined && end !== undefined && end > start ? { start: start * 1000, end: end * 1000 } : undefined;
}

/** `iat` and `exp` of a token, without any check: the server does that. */
export function claims(token: string): { start?: number; end?: number } {
  try {
    const payload = token.split(".")[1] ?? "";
    const { iat, exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
    return { start: number(iat), end: number(exp) };
  } catch {
    return {};
  }
}

const number = (value: unknown) => (Number.isFinite(value) ? (value as number) : undefined);
