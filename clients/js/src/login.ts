/** A log-in with the tokens at hand. */
export interface TokenLogin {
  access: string;
  refresh?: string;
  /** When the access token came, in seconds of the server's clock. Its `iat` may be older: some servers copy the refresh token's. */
  start?: number;
  /** Milliseconds that the server's clock is ahead of ours, if that is known. */
  skew?: number;
}

/** A log-in whose tokens are in cookies that no script can read. Nothing in it is secret. */
export interface CookieLogin {
  /** Another one after each refresh. */
  id: number;
  /** When the access token came and when it ends, in seconds of the server's clock. */
  start: number;
  end: number;
  csrf?: string;
  skew?: number;
}

/** What a storage keeps, as a whole. */
export type Login = TokenLogin | CookieLogin;

/** Whether both carry the same access token. */
export function isSame(one: Login | null, other: Login | null): boolean {
  return one === other || (one !== null && other !== null && name(one) === name(other));
}

const name = (login: Login) => ("access" in login ? login.access : login.id);

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
