// Time that passes only when a test says so.

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  now: Date.now,
  performance: performance.now,
};

/** Replaces timers, `Date.now` and `performance.now` until the test ends. */
export function fakeClock(test) {
  const start = Date.UTC(2030, 0, 1);
  let now = start;
  let timers = [];
  globalThis.setTimeout = (work, milliseconds = 0) => {
    const timer = { at: now + milliseconds, work };
    timers.push(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => {
    timers = timers.filter((other) => other !== timer);
  };
  Date.now = () => now;
  performance.now = () => now - start;
  test.after(() => {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Date.now = real.now;
    performance.now = real.performance;
  });

  async function advance(milliseconds) {
    const end = now + milliseconds;
    for (;;) {
      await settle();
      const [next] = timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
      if (!next) break;
      clearTimeout(next);
      now = Math.max(now, next.at);
      next.work();
    }
    now = end;
  }

  return {
    now: () => now,
    /** Milliseconds since the test began. */
    passed: () => now - start,
    advance,
    /** Lets time pass until `promise` is settled. */
    async until(promise) {
      let settled = false;
      promise.then(
        () => (settled = true),
        () => (settled = true),
      );
      await settle();
      while (!settled) await advance(10);
      return promise;
    },
  };
}

/** Everything that waits for nothing but other promises is done afterwards. */
async function settle() {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
