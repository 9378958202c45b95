import { area, host, SETTLE } from "./host.js";
import { sleep, within } from "./time.js";

/** Runs `work` while nobody else who shares the storage does. It may reject when `signal` aborts, without having run it. */
export type Lock = (work: () => Promise<unknown>, signal: AbortSignal) => Promise<unknown>;

/** For how long a lock is waited for, in milliseconds. */
const WAIT = 10_000;

/** For how long a note is good, in milliseconds: longer than a try. */
const NOTE = 15_000;

/** Runs `work` under the lock, or without it when it cannot be had in time or at all: no lock hangs the application. */
export async function exclusively<T>(lock: Lock, work: (isHeld: boolean) => Promise<T>): Promise<T> {
  let running: Promise<T> | undefined;
  const once = (isHeld: boolean) => (running ??= work(isHeld));
  await within(WAIT, Error, async (signal) => {
    await new Promise<void>((resolve) => {
      const granted = () => {
        resolve();
        return once(!("isLoose" in lock));
      };
      lock(granted, signal).then(() => {
        resolve();
      }, resolve);
    });
  }).catch(() => undefined);
  return once(false);
}

/** A Web Lock for a storage that windows share, or the next best; for any other storage, one within this window. */
export function defaultLock(shared?: string): Lock {
  if (!shared) return queue();
  const locks = host.navigator?.locks;
  const store = area("localStorage");
  const look = () => store?.getItem(shared);
  if (locks) return (work, signal) => locks.request(shared, { signal }, settled(work, look));
  return store ? lease(store, `${shared}:lock`) : queue();
}

/** Keeps the lock until other windows see what was changed under it. */
function settled(work: () => Promise<unknown>, look: () => unknown): () => Promise<void> {
  return async () => {
    const before = look();
    await work();
    if (look() !== before) await sleep(SETTLE);
  };
}

/** One after the other. */
function queue(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => (last = last.then(work, work));
}

/**
 * For pages over plain HTTP, where browsers have no Web Locks: a note that ends by itself, read again to see who was last to
 * write one. Other windows see it late, and a window that the browser has put to sleep may find that it has ended.
 */
function lease(store: Storage, key: string): Lock {
  const lock: Lock = async (work, signal) => {
    const me = `${Math.random()}`;
    const holder = () => {
      const [name, end] = (store.getItem(key) ?? "").split(" ");
      const left = Number(end) - Date.now();
      // Too much may be left after a clock was set.
      return left >= 0 && left <= NOTE ? name : undefined;
    };
    try {
      for (let name = holder(); name !== me; name = holder()) {
        if (!name) store.setItem(key, `${me} ${Date.now() + NOTE}`);
        await sleep(name ? 50 : 2 * SETTLE, signal);
      }
      return await work();
    } finally {
      if (holder() === me) store.removeItem(key);
    }
  };
  return Object.assign(lock, { isLoose: true });
}
