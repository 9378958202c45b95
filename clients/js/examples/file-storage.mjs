// One login for several processes of Node: a storage and a lock of your own.
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock that is older was left behind: a refresh holds it for 10 s at most. */
const STALE = 12_000;

export class FileStorage {
  #path;
  #lock;

  constructor(path) {
    this.#path = path;
    this.#lock = `${path}.lock`;
  }

  async read() {
    return JSON.parse(await readFile(this.#path, "utf8").catch(() => "null"));
  }

  /** In one piece: nobody ever reads half of it. */
  async write(login) {
    const draft = `${this.#path}.${process.pid}.${Math.random()}`;
    await writeFile(draft, JSON.stringify(login), { mode: 0o600 });
    await rename(draft, this.#path);
  }

  async lock(work, signal) {
    while (!(await this.#take())) await sleep(20, undefined, { signal });
    try {
      return await work();
    } finally {
      await rm(this.#lock, { force: true });
    }
  }

  async #take() {
    try {
      await (await open(this.#lock, "wx")).close();
      return true;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const { mtimeMs } = await stat(this.#lock).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > STALE) await rm(this.#lock, { force: true });
      return false;
    }
  }
}
