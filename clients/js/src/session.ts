import type { Delivery } from "./delivery.js";
import { post, type Answer } from "./endpoint.js";
import { LoggedOut, Refused, Unavailable } from "./errors.js";
import type { Events } from "./events.js";
import { exclusively, type Lock } from "./lock.js";
import { isSame, life, type Login } from "./login.js";
import { patiently, TRY } from "./patience.js";
import type { LoginStorage } from "./storage.js";
import { sleep } from "./time.js";

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
  storage: LoginStorage;
  lock: Lock;
  events: Events;
  clock: () => number;
  patience: number;
  send: typeof fetch;
}

interface Attempt {
  isHeld: boolean;
  limit: () => number;
  signal: AbortSignal;
}

/** The access token is refreshed if less than this many milliseconds remain, or less than this share of its life. */
const MARGIN = 5 * 60_000;
const SHARE = 1 / 5;

/** For so many milliseconds nothing is refreshed ahead of time after that found no server: every request would wait. */
const REST = 30_000;

/** Members of answers that nobody but the storage gets. */
const SECRETS = ["access", "refresh", "csrf_token"];

/** One login: how it begins, is kept fresh, and ends. */
export class Session {
  readonly #parts: Parts;
  #renewal: Promise<Login> | undefined;
  #loggingOut = new AbortController();
  /** Of the server's clock, as measured in this window: a shared storage may be fed by a computer with another clock. */
  #skew: number | undefined;
  /** Of the login: another one may be another user's, who must not do what this one asked for. */
  number = 0;
  /** When a refresh ahead of time last found no server. */
  #restsSince = -Infinity;
  /** Whether it is certain that nobody is logged in of whom the storage knows nothing. */
  #isNobody: boolean;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#isNobody = !parts.delivery.mayBeUnknown;
  }

  async stored(): Promise<Login | null> {
    return this.#parts.storage.read();
  }

  /** The login for a request, refreshed ahead of time. */
  async fresh(): Promise<Login | null> {
    const { number } = this;
    const login = await this.stored();
    if (!login || !this.#isDue(login)) return login;
    const lives = () => this.#remains(login) > 0;
    // Clocks are also set back: a rest may not last for hours then.
    if (lives() && Math.abs(this.#parts.clock() - this.#restsSince) < REST) return login;
    try {
      return await this.#renewed(login, number);
    } catch (error) {
      if (!(error instanceof Unavailable && lives())) throw error;
      this.#restsSince = this.#parts.clock();
      return login;
    }
  }

  /** The login for the second try of a request that got 401 with `used`, of the login with this number. */
  async next(used: Login | null, number: number): Promise<Login> {
    if (number !== this.number || (!used && this.#isNobody)) throw new LoggedOut();
    const isUsed = isSame(await this.stored(), used);
    const login = isUsed ? await this.#renewed(used, number) : await this.fresh();
    if (!login) throw new LoggedOut();
    return login;
  }

  /** Logs in, or signs up. Yields what the server answered, without the tokens. */
  begin(path: string, fields: object): Promise<Record<string, unknown>> {
    return exclusively(this.#parts.lock, async () => {
      const answer = await this.#post(path, fields, TRY);
      if (!answer.ok) throw new Refused(path, answer.status, answer.data);
      const login = this.#loginOf(answer, null);
      if (login) {
        this.number += 1;
        await this.#parts.storage.write(login);
        // Also for who has read the new login under the number of before.
        this.number += 1;
        this.#parts.events.tell("login");
      }
      return Object.fromEntries(Object.entries(answer.data).filter(([name]) => !SECRETS.includes(name)));
    });
  }

  /** Logs out, at the server first. Yields whether the refresh token is no good any more. */
  end(): Promise<boolean> {
    this.#loggingOut.abort(new LoggedOut());
    this.#loggingOut = new AbortController();
    this.number += 1;
    return exclusively(this.#parts.lock, async () => {
      const { delivery, paths } = this.#parts;
      const login = await this.stored().catch(() => undefined);
      if (login === null && !delivery.mayBeUnknown) return true;
      const post = () => this.#post(paths.logout, delivery.body(login ?? null), TRY).catch(() => undefined);
      const answer = login || delivery.mayBeUnknown ? await post() : undefined;
      await this.#forget("asked");
      return answer !== undefined && (answer.ok || answer.status === 401);
    });
  }

  async #renewed(used: Login | null, number: number): Promise<Login> {
    const login = await this.#renew(used);
    if (number !== this.number) throw new LoggedOut();
    return login;
  }

  /** One refresh for everybody who waits. */
  #renew(used: Login | null): Promise<Login> {
    if (!this.#renewal) {
      const { lock, clock, patience: total } = this.#parts;
      const { signal } = this.#loggingOut;
      const attempt = (limit: () => number) =>
        exclusively(lock, (isHeld) => this.#attempt(used, { isHeld, limit, signal }));
      this.#renewal = patiently(attempt, { total, clock, signal }).finally(() => {
        this.#renewal = undefined;
      });
      // Perhaps everybody who waits for it gives up.
      this.#renewal.catch(() => undefined);
    }
    return this.#renewal;
  }

  /** Under the lock. What the storage holds decides, before and after: other windows, log-ins and log-outs go on meanwhile. */
  async #attempt(used: Login | null, { isHeld, limit, signal }: Attempt): Promise<Login> {
    const { delivery, events, paths, storage } = this.#parts;
    const sent = await this.stored();
    if (!isSame(sent, used)) return present(sent);
    const answer = await this.#post(paths.refresh, delivery.body(sent), limit(), signal);
    // Who holds the lock may have been answered and be about to store it.
    if (answer.status === 401 && !isHeld) await sleep(1000, signal);
    const latest = await this.stored().catch((error: unknown) => {
      // New tokens are nowhere else, and the old ones perhaps worth nothing any more.
      if (answer.ok) return sent;
      throw error;
    });
    if (!isSame(latest, sent)) return present(latest);
    if (answer.status === 401) {
      if (sent) await this.#forget("refused");
      this.#isNobody = true;
      throw new LoggedOut();
    }
    const login = answer.ok ? this.#loginOf(answer, sent) : undefined;
    if (!login) throw new Refused(paths.refresh, answer.status);
    await storage.write(login);
    events.tell("refresh");
    return login;
  }

  async #forget(reason: "asked" | "refused"): Promise<void> {
    this.#isNobody = true;
    await this.#parts.storage.write(null);
    this.#parts.events.tell("logout", reason);
  }

  #post(path: string, body: object | undefined, limit: number, signal?: AbortSignal): Promise<Answer> {
    const { delivery, send, url } = this.#parts;
    const { credentials, headers } = delivery;
    return post(send, { url: url(path), headers, body, limit, signal, credentials });
  }

  #loginOf(answer: Answer, before: Login | null): Login | undefined {
    const login = this.#parts.delivery.login(answer, this.#parts.clock(), before);
    this.#skew = login?.skew ?? this.#skew;
    return login;
  }

  #isDue(login: Login): boolean {
    const { start = 0, end = Infinity } = life(login) ?? {};
    return this.#remains(login) < Math.min(MARGIN, (end - start) * SHARE);
  }

  /** Milliseconds, for ever if the token cannot be read. */
  #remains(login: Login): number {
    return (life(login)?.end ?? Infinity) - this.#parts.clock() - (this.#skew ?? login.skew ?? 0);
  }
}

function present(login: Login | null): Login {
  if (!login) throw new LoggedOut();
  return login;
}
