import { inBodies, inCookies } from "./delivery.js";
import { isOutage } from "./endpoint.js";
import { LoggedOut, Refused, Unavailable } from "./errors.js";
import { Events, type AuthEvent, type Listener } from "./events.js";
import { authorizedFetch } from "./fetch.js";
import { here, host } from "./host.js";
import { defaultLock, type Lock } from "./lock.js";
import type { Login } from "./login.js";
import { Session, type Paths } from "./session.js";
import { memory, webStorage, type LoginStorage } from "./storage.js";
import { abortable } from "./time.js";

export interface Options {
  /** What the paths begin with, such as `https://example.com/api`. The tokens go to its origin alone. */
  baseUrl: string;
  /** `/token/`, `/token/refresh/`, `/token/blacklist/` (with cookies `/logout/`), `/register/`, `/me/` */
  paths?: Partial<Paths>;
  /** The word before the token, `AUTH_HEADER_TYPES` of the server. Default: `Bearer` */
  headerType?: string;
  /** `"cookie"`: the server puts the tokens into cookies that no script can read. Default: `"body"` */
  delivery?: "body" | "cookie";
  /** Default: `memory()`; with cookies `webStorage("localStorage")`, for when the login ends: no token is in it. */
  storage?: LoginStorage;
  /** What keeps others who share the storage from refreshing at the same time. Default: a Web Lock if `storage.shared`. */
  lock?: Lock;
  /** For how many milliseconds a refresh is tried in an outage. Default: 15 000 */
  patience?: number;
  /** Called when the login has ended and this window did not ask for it. */
  onLogout?: (event: AuthEvent) => void;
  /** Where to go then, such as `/login`. */
  redirect?: string;
  /** Default: the global `fetch` */
  fetch?: typeof fetch;
  /** Our clock in milliseconds. Default: `Date.now` */
  clock?: () => number;
}

/** What a request carries, and what to do when it got 401. */
export interface Pass {
  /** `Authorization`, or with cookies perhaps `X-CSRFToken`. */
  headers: Record<string, string>;
  credentials?: RequestInit["credentials"];
  /** Another pass for a second try, after a refresh if that is needed. Null: nobody had been logged in. */
  renew(signal?: AbortSignal | null): Promise<Pass | null>;
}

export interface Auth {
  /** As the global `fetch`, with the login's whole care. A path such as `/me/` is put behind `baseUrl`. */
  fetch: typeof fetch;
  /** Logs in; yields what the server answered beside the tokens. */
  login(credentials: object): Promise<Record<string, unknown>>;
  /** Signs up, and logs in if the server does so. */
  register(fields: object): Promise<Record<string, unknown>>;
  /** Logs out, at the server first. Yields false if the server could not be reached: the refresh token lives on there. */
  logout(): Promise<boolean>;
  /** Who is logged in, as the server says. */
  user<User = Record<string, unknown>>(): Promise<User>;
  /** Whether a login is stored. The server may see it otherwise. */
  loggedIn(): Promise<boolean>;
  /** Yields what ends it. */
  on(type: AuthEvent["type"], listener: Listener): () => void;
  /** For other ways to send a request: its pass, or null if it is to go without, to another origin or with nobody logged in. */
  authorize(url: string, options?: { method?: string; signal?: AbortSignal | null }): Promise<Pass | null>;
}

/** Keeps one login. Make one of it for the whole application. */
export function createAuth(options: Options): Auth {
  const base = () => new URL(options.baseUrl, here());
  const url = (path: string) => base().href.replace(/\/*$/, "/") + path.replace(/^\/+/, "");
  const delivery = options.delivery === "cookie" ? inCookies(base) : inBodies(options.headerType ?? "Bearer");
  const storage = options.storage ?? (options.delivery === "cookie" ? webStorage("localStorage") : memory());
  const paths: Paths = {
    login: "/token/",
    refresh: "/token/refresh/",
    logout: delivery.logout,
    register: "/register/",
    user: "/me/",
    ...options.paths,
  };
  const events = new Events(storage.shared);
  const send: typeof fetch = (input, init) => (options.fetch ?? fetch)(input, init);
  const session = new Session({
    url,
    paths,
    delivery,
    storage,
    lock: options.lock ?? defaultLock(storage.shared),
    events,
    clock: options.clock ?? Date.now,
    patience: options.patience ?? 15_000,
    send,
  });

  events.on("logout", (event) => {
    if (event.reason === "asked" && !event.elsewhere) return;
    options.onLogout?.(event);
    if (options.redirect) host.location?.assign(options.redirect);
  });

  function pass(login: Login | null, method: string, number: number): Pass | null {
    const headers = delivery.pass(login, method);
    if (!headers) return null;
    return {
      headers,
      credentials: delivery.credentials,
      async renew(signal) {
        try {
          return pass(await abortable(session.next(login, number), signal), method, number);
        } catch (error) {
          if (!login && error instanceof LoggedOut) return null;
          throw error;
        }
      },
    };
  }

  const authorize: Auth["authorize"] = async (address, { method = "GET", signal } = {}) => {
    if (new URL(address, here()).origin !== base().origin) return null;
    const { number } = session;
    return pass(await abortable(session.fresh(), signal), method.toUpperCase(), number);
  };
  const authorized = authorizedFetch({ authorize, url, send });

  return {
    fetch: authorized,
    login: (credentials) => session.begin(paths.login, credentials),
    register: (fields) => session.begin(paths.register, fields),
    logout: () => session.end(),
    async user<User>() {
      const answer = await authorized(url(paths.user));
      if (isOutage(answer.status)) throw new Unavailable(answer.status);
      if (!answer.ok) throw new Refused(paths.user, answer.status);
      return (await answer.json()) as User;
    },
    loggedIn: async () => (await session.stored()) !== null,
    on: (type, listener) => events.on(type, listener),
    authorize,
  };
}
