import { Unavailable } from "./errors.js";
import { sleep } from "./time.js";

/** A single try, in milliseconds. */
export const TRY = 10_000;

export interface Patience {
  /** For how long it is tried, in milliseconds from the first try on. */
  total: number;
  /** Ends the pauses; a try that has begun goes on. */
  signal: AbortSignal;
}

/**
 * Repeats `attempt` while the server is not available: after `Retry-After`, else after 0.25 s, doubled up to 5 s, each
 * shortened by up to half by chance. An attempt asks `limit` how long it may take when it really begins: the time that it
 * waited for a lock before the first try does not count.
 */
export async function patiently<T>(
  attempt: (limit: () => number) => Promise<T>,
  { total, signal }: Patience,
): Promise<T> {
  let end: number | undefined;
  const left = () => (end ??= performance.now() + total) - performance.now();
  for (let pause = 250; ; pause = Math.min(2 * pause, 5000)) {
    try {
      return await attempt(() => {
        signal.throwIfAborted();
        if (left() <= 0) throw new Unavailable();
        return Math.min(TRY, left());
      });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      const wait = error.retryAfter ? error.retryAfter * 1000 : pause * (1 - Math.random() / 2);
      if (wait >= left()) throw error;
      await sleep(wait, signal);
    }
  }
}
