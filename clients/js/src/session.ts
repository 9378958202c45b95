import type { Delivery } from "./delivery.js";
import { post, type Answer } from "./endpoint.js";
import { LoggedOut, Refused, Unavailable } from "./errors.js";
import type { Events } from "./events.js";
import type { Keeper } from "./keeper.js";
import { exclusively, type Lock } from "./lock.js";
import { isSame, life, successor, type Login } from "./login.js";
import { patiently, TRY } from "./patience.js";
import { abortable, sleep } from "./time.js";

export interface Paths {
  login: string;
  refresh: string;
  logout: string;
  register: string;
  user: string;
}

export interface Parts {
  url: (path: string) => string;
  paths: Paths;
  delivery: Delivery;
  keeper: Keeper;
  lock: Lock;
  events: Events;
  clock: () => number;
  patience: number;
  send: typeof fetch;
}

/** The access token is refreshed if less than this many milliseconds remain, or less than this share of its life. */
const MARGIN = 5 * 60_000;
const SHARE = 1 / 5;

/** For so many milliseconds nothing is refreshed ahead of time after that found no server: every request would wait. */
const REST = 30_000;

/** How many refreshes one request waits for: a server may yield the same token again and again. */
const ROUNDS = 3;

/** Members of answers that nobody but the storage gets. */
const SECRETS = ["access", "refresh", "csrf_token"];

/** One login: how it begins, is kept fresh, and ends. */
export class Session {
  readonly #parts: Parts;
  #renewal: Promise<Login> | undefined;
  #loggingOut = new AbortController();
  /** Of the server's clock, as measured in this window: a shared storage may be fed by a computer with another clock. */
  #skew: number | undefined;
  /** When a refresh ahead of time last found no server. Clocks are set back; this one is not. */
  #restsSince = -Infinity;
  /** Whether there was no login either of which the storage knows nothing. */
  #isNobody = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The login for a request, refreshed ahead of time. A request that can be sent only once has to get it right. */
  async fresh(isOnce?: boolean): Promise<Login | null> {
    return this.#ahead(await this.#parts.keeper.read(), isOnce);
  }

  /** The login for the second try of a request that got 401 with `used`, or null if there is nothing to refresh it. */
  async next(used: Login | null): Promise<Login | null> {
    const login = successor(used, await this.#parts.keeper.read());
    if (!isSame(login, used)) return this.#ahead(login);
    return this.#parts.delivery.mayRenew(used) && (used || !this.#isNobody) ? this.#renewed(used) : null;
  }

  /** A request without a stored login got an answer that is no 401. */
  found(): void {
    this.#isNobody = false;
  }

  /** Another window has changed the cookies, and what is stored here tells of those before. */
  async drop(): Promise<void> {
    this.#isNobody = false;
    await this.#parts.keeper.write(null);
  }

  /** Logs in, or signs up, which may bring no tokens yet. Yields what the server answered beside them. */
  begin(path: string, fields: object, isSignUp = false): Promise<Record<string, unknown>> {
    return exclusively(this.#parts.lock, async () => {
      const answer = await this.#post(path, fields, TRY);
      const data = Object.fromEntries(Object.entries(answer.data).filter(([name]) => !SECRETS.includes(name)));
      const login = answer.ok ? this.#loginOf(answer, null, `${Math.random()}`) : undefined;
      if (login) {
        this.#isNobody = false;
        await this.#parts.keeper.write(login);
        this.#parts.events.tell("login");
      } else if (!answer.ok || !isSignUp) throw new Refused(path, answer.status, data);
      return data;
    });
  }

  /** Logs out, at the server first. Yields whether the refresh token is no good any more. */
  end(): Promise<boolean> {
    this.#loggingOut.abort(new LoggedOut());
    this.#loggingOut = new AbortController();
    return exclusively(this.#parts.lock, async () => {
      const { delivery, keeper } = this.#parts;
      const login = await keeper.read().catch(() => undefined);
      if (login === null && !delivery.mayRenew(null)) return true;
      const isRevoked = await this.#revoke(login ?? null);
      // Null: another origin's may be there.
      if (login !== null) await keeper.write(null);
      this.#isNobody = true;
      this.#parts.events.tell("logout", "asked");
      return isRevoked;
    });
  }

  async #revoke(login: Login | null): Promise<boolean> {
    const { delivery, paths } = this.#parts;
    if (!delivery.mayRenew(login)) return false;
    const answer = await this.#post(paths.logout, delivery.body(login), TRY).catch(() => undefined);
    return answer !== undefined && (answer.ok || answer.status === 401);
  }

  async #ahead(login: Login | null, isOnce?: boolean): Promise<Login | null> {
    if (!login || !this.#isDue(login, isOnce)) return login;
    const lives = () => this.#remains(login, isOnce) > 0;
    if (lives() && performance.now() - this.#restsSince < REST) return login;
    try {
      return await this.#renewed(login);
    } catch (error) {
      if (!(error instanceof Unavailable && lives())) throw error;
      this.#restsSince = performance.now();
      return login;
    }
  }

  /** The refresh under way may have begun for a token of before, and yield the one that was used: then there is another. */
  async #renewed(used: Login | null): Promise<Login> {
    for (let round = 1; ; round += 1) {
      const login = successor(used, await this.#renew(used));
      if (round === ROUNDS || !isSame(login, used)) return login;
    }
  }

  /** One refresh for everybody who waits. A log-out ends the waiting; a try that was sent goes on, for it may bring new tokens. */
  #renew(used: Login | null): Promise<Login> {
    if (!this.#renewal) {
      const { lock, patience: total } = this.#parts;
      const { signal } = this.#loggingOut;
      const attempt = (limit: () => number) => exclusively(lock, (isHeld) => this.#attempt(used, isHeld, limit));
      this.#renewal = abortable(patiently(attempt, { total, signal }), signal).finally(() => {
        this.#renewal = undefined;
      });
      // Perhaps everybody who waits for it gives up.
      this.#renewal.catch(() => undefined);
    }
    return this.#renewal;
  }

  /** Under the lock. What the storage holds decides, before and after: other windows, log-ins and log-outs go on meanwhile. */
  async #attempt(used: Login | null, isHeld: boolean, limit: () => number): Promise<Login> {
    const { delivery, events, keeper, paths } = this.#parts;
    const sent = await keeper.read();
    if (!isSame(sent, used)) return present(sent);
    const answer = await this.#post(paths.refresh, delivery.body(sent), limit());
    // Who holds the lock may have been answered and be about to store it.
    if (answer.status === 401 && !isHeld) await sleep(1000);
    const login = answer.ok ? this.#loginOf(answer, sent) : undefined;
    const latest = await keeper.read().catch((error: unknown) => {
      // New tokens are nowhere else, and the old ones perhaps worth nothing any more.
      if (answer.ok) return sent;
      throw error;
    });
    if (!isSame(latest, sent)) {
      // Who logged out knew nothing of these.
      if (login && !latest) void this.#revoke(login);
      return present(latest);
    }
    if (answer.status === 401) {
      this.#isNobody = true;
      if (sent) {
        await keeper.write(null);
        events.tell("logout", "refused");
      }
      throw new LoggedOut();
    }
    if (!login) throw new Refused(paths.refresh, answer.status);
    await keeper.write(login);
    events.tell("refresh");
    return login;
  }

  #post(path: string, body: object | undefined, limit: number): Promise<Answer> {
    const { delivery, send, url } = this.#parts;
    const { credentials, headers } = delivery;
    return post(send, { url: url(path), headers, body, limit, credentials });
  }

  #loginOf(answer: Answer, before: Login | null, id = before?.id): Login | undefined {
    const login = this.#parts.delivery.login(answer, this.#parts.clock(), before);
    this.#skew = login?.skew ?? this.#skew;
    return login && { ...login, id };
  }

  #isDue(login: Login, isOnce?: boolean): boolean {
    if (!this.#parts.delivery.mayRenew(login)) return false;
    const { start = 0, end = Infinity } = life(login) ?? {};
    return this.#remains(login, isOnce) < Math.min(MARGIN, (end - start) * SHARE);
  }

  /** Milliseconds, for ever if the token cannot be read, or no clock is known by which to read it. */
  #remains(login: Login, isOnce?: boolean): number {
    const skew = this.#skew ?? login.skew ?? (isOnce ? 0 : -Infinity);
    return (life(login)?.end ?? Infinity) - this.#parts.clock() - skew;
  }
}

function present(login: Login | null): Login {
  if (!login) throw new LoggedOut();
  return login;
}
