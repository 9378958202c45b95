import type { Login } from "./login.js";
import type { LoginStorage } from "./storage.js";

/** The storage, as far as it is of one origin. What it could not take (it is full) is kept here, so that it is not lost. */
export class Keeper {
  readonly #storage: LoginStorage;
  readonly #origin: () => string;
  #unsaved: Login | null | undefined;

  constructor(storage: LoginStorage, origin: () => string) {
    this.#storage = storage;
    this.#origin = origin;
  }

  /** A login of another origin is nobody here: its tokens must not come to this one. */
  async read(): Promise<Login | null> {
    const login = this.#unsaved === undefined ? await this.#storage.read() : this.#unsaved;
    return login?.origin && login.origin !== this.#origin() ? null : login;
  }

  async write(login: Login | null): Promise<void> {
    const kept = login && { ...login, origin: this.#origin() };
    try {
      await this.#storage.write(kept);
      this.#unsaved = undefined;
    } catch (error) {
      this.#unsaved = kept;
      throw error;
    }
  }
}
