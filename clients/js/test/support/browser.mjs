// What browsers have and Node has not.

export class Area {
  #items = new Map();
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  setItem(key, value) {
    this.#items.set(key, String(value));
  }
  removeItem(key) {
    this.#items.delete(key);
  }
}

/** Web Locks: one after the other, and a signal that ends the waiting. */
export function locks() {
  let last = Promise.resolve();
  return {
    request(name, { signal }, work) {
      const turn = last;
      const run = turn.then(() => {
        signal.throwIfAborted();
        return work();
      });
      last = run.catch(() => undefined);
      return run;
    },
  };
}
