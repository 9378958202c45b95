// One login for several processes of Node: a storage and a lock of your own.
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock that is older was left behind: a refresh, a log-in or a log-out holds it for 10 s at most. */
const STALE = 12_000;

export class FileStorage {
  #path;
  #lock;

  constructor(path) {
    this.#path = path;
    this.#lock = `${path}.lock`;
  }

  /** Only a file that is not there means that nobody is logged in. */
  async read() {
    return JSON.parse((await ifThere(readFile(this.#path, "utf8"))) ?? "null");
  }

  /** In one piece: nobody ever reads half of it. */
  async write(login) {
    const draft = `${this.#path}.${unique()}`;
    await writeFile(draft, JSON.stringify(login), { mode: 0o600 });
    await rename(draft, this.#path);
  }

  async lock(work, signal) {
    const me = unique();
    while (!(await this.#take(me))) await sleep(20, undefined, { signal });
    try {
      return await work();
    } finally {
      if ((await this.#owner()) === me) await rm(this.#lock, { force: true });
    }
  }

  async #take(me) {
    try {
      await writeFile(this.#lock, me, { flag: "wx" });
      return true;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const owner = await this.#owner();
    const age = Date.now() - ((await ifThere(stat(this.#lock)))?.mtimeMs ?? Infinity);
    if (age > STALE) await this.#remove(owner);
    return false;
  }

  #owner() {
    return ifThere(readFile(this.#lock, "utf8"));
  }

  /** Others may do the same, and one of them may hold a new lock already: that one is put back. */
  async #remove(owner) {
    const aside = `${this.#lock}.${unique()}`;
    await ifThere(rename(this.#lock, aside));
    const moved = await ifThere(readFile(aside, "utf8"));
    if (moved !== undefined && moved !== owner) await link(aside, this.#lock).catch(() => undefined);
    await rm(aside, { force: true });
  }
}

const unique = () => `${process.pid}.${Math.random()}`;

/** Undefined if there is no such file. */
function ifThere(promise) {
  return promise.catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
}
