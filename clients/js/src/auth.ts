import { inBodies, inCookies } from "./delivery.js";
import { isOutage } from "./endpoint.js";
import { LoggedOut, Refused, Unavailable } from "./errors.js";
import { Events, type AuthEvent, type Listener } from "./events.js";
import { authorizedFetch } from "./fetch.js";
import { here, host } from "./host.js";
import { Keeper } from "./keeper.js";
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
  /** The word before the token, one of the server's `AUTH_HEADER_TYPES`. Default: `Bearer` */
  authHeaderType?: string;
  /** `"cookie"`: the server puts the tokens into cookies that no script can read. Default: `"body"` */
  delivery?: "body" | "cookie";
  /** Default: `memory()`; with cookies `webStorage("localStorage")`, for when the login ends: no token is in it. */
  storage?: LoginStorage;
  /** What keeps others who share the storage from refreshing at the same time. Default: a Web Lock if `storage.shared`, or with cookies. */
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

/** What is to be known of a request before it is sent. */
export interface Plan {
  method?: string;
  signal?: AbortSignal | null;
  /** Whether its body can be read but once, so that there is no second try. */
  isOnce?: boolean;
}

/** What a request carries, and what to do when it got 401. */
export interface Pass {
  /** `Authorization`, or with cookies perhaps `X-CSRFToken`. */
  headers: Record<string, string>;
  credentials?: RequestInit["credentials"];
  /** To be called when the answer is no 401: whoever logged in by a page of the server is found by that. */
  accepted(): void;
  /** Another pass for a second try, after a refresh if that is needed. Null: the 401 stays. */
  renew(signal?: AbortSignal | null): Promise<Pass | null>;
}

export interface Auth {
  /** As the global `fetch`, with the login's whole care. A path such as `/me/` is put behind `baseUrl`. */
  fetch: typeof fetch;
  /** Logs in; yields what the server answered beside the tokens. Throws `Refused` if it answered without any. */
  login(credentials: object): Promise<Record<string, unknown>>;
  /** Signs up, and logs in if the server does so. */
  register(fields: object): Promise<Record<string, unknown>>;
  /** Logs out, at the server first. Yields false whenever the server did not take the refresh token back: it lives on there. */
  logout(): Promise<boolean>;
  /** Who is logged in, as the server says. Throws `Refused` and `Unavailable` by its answer, and whatever `fetch` here does. */
  user<User = Record<string, unknown>>(): Promise<User>;
  /** Whether a login is stored. The server may see it otherwise. */
  loggedIn(): Promise<boolean>;
  /** Yields what ends it. */
  on(type: AuthEvent["type"], listener: Listener): () => void;
  /** For other ways to send a request: its pass, or null if it is to go without, to another origin or with nobody logged in. */
  authorize(url: string, plan?: Plan): Promise<Pass | null>;
}

/** Keeps one login. Make one of it for the whole application. */
export function createAuth(options: Options): Auth {
  const isCookie = options.delivery === "cookie";
  const base = () => new URL(options.baseUrl, here());
  const url = (path: string) => base().href.replace(/\/*$/, "/") + path.replace(/^\/+/, "");
  const delivery = isCookie ? inCookies(base) : inBodies(options.authHeaderType ?? "Bearer");
  const storage = options.storage ?? (isCookie ? webStorage("localStorage") : memory());
  // Windows share the cookies, whatever the storage.
  const shared = storage.shared ?? (isCookie ? `tokenpair:${options.baseUrl}` : undefined);
  const keeper = new Keeper(storage, () => base().origin);
  const paths: Paths = {
    login: "/token/",
    refresh: "/token/refresh/",
    logout: delivery.logout,
    register: "/register/",
    user: "/me/",
    ...options.paths,
  };
  const events = new Events(shared);
  const send: typeof fetch = (input, init) => (options.fetch ?? fetch)(input, init);
  const session = new Session({
    url,
    paths,
    delivery,
    keeper,
    lock: options.lock ?? defaultLock(shared),
    events,
    clock: options.clock ?? Date.now,
    patience: options.patience ?? 15_000,
    send,
  });

  for (const type of ["login", "logout"] as const) {
    events.on(type, ({ elsewhere }) => {
      if (elsewhere && !storage.shared) session.drop().catch(() => undefined);
    });
  }
  events.on("logout", (event) => {
    if (event.reason === "asked" && !event.elsewhere) return;
    options.onLogout?.(event);
    if (options.redirect) host.location?.assign?.(options.redirect);
  });

  function pass(login: Login | null, method: string): Pass | null {
    const headers = delivery.pass(login, method);
    if (!headers) return null;
    return {
      headers,
      credentials: delivery.credentials,
      accepted() {
        if (!login) session.found();
      },
      async renew(signal) {
        try {
          const next = await abortable(session.next(login), signal);
          return next && pass(next, method);
        } catch (error) {
          if (!login && error instanceof LoggedOut) return null;
          throw error;
        }
      },
    };
  }

  const isOurs = (address: string) => new URL(address, here()).origin === base().origin;
  const authorize: Auth["authorize"] = async (address, { method = "GET", signal, isOnce } = {}) =>
    isOurs(address) ? pass(await abortable(session.fresh(isOnce), signal), method.toUpperCase()) : null;
  const authorized = authorizedFetch({ authorize, isOurs, url, send });

  return {
    fetch: authorized,
    login: (credentials) => session.begin(paths.login, credentials),
    register: (fields) => session.begin(paths.register, fields, true),
    logout: () => session.end(),
    async user<User>() {
      const answer = await authorized(url(paths.user));
      if (isOutage(answer.status)) throw new Unavailable(answer.status);
      if (!answer.ok) throw new Refused(paths.user, answer.status);
      return (await answer.json()) as User;
    },
    loggedIn: async () => (await keeper.read()) !== null,
    on: (type, listener) => events.on(type, listener),
    authorize,
  };
}
