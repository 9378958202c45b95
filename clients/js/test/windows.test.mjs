// Rule 9: one login, many windows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LoggedOut, createAuth, memory, webStorage } from "tokenpair";
import { Area, locks } from "./support/browser.mjs";
import { BASE, lost, silence, status } from "./support/server.mjs";
import { arrange, loggedIn, names, statuses } from "./support/setup.mjs";

const LATER = 2 * 60 * 60_000;
const REFRESH = "/token/refresh/";

/** Two clients of one storage, whose tokens are dead, as in two windows. */
async function windows(test, options) {
  const one = await loggedIn(test, options);
  const { server, storage } = one;
  const other = createAuth({ baseUrl: BASE, fetch: server.fetch, storage, ...options });
  const refreshes = [];
  other.on("refresh", (event) => refreshes.push(event));
  await one.clock.advance(LATER);
  return { ...one, other, refreshes };
}

for (const [how, options] of Object.entries({
  "Web Locks": { locks: locks() },
  "without Web Locks": { locks: undefined },
})) {
  test(`two windows make one refresh, ${how}`, async (t) => {
    browser(t, options);
    const { auth, clock, events, other, refreshes, server } = await windows(t, { storage: webStorage("localStorage") });
    const requests = [auth, other, auth, other].map((client) => client.fetch("/me/"));
    assert.deepEqual(await clock.until(statuses(requests)), [200, 200, 200, 200]);
    assert.equal(server.count(REFRESH), 1);
    assert.equal(events.length + refreshes.length, 1);
  });
}

test("a note that a killed window has left behind is waited for until it ends", async (t) => {
  const { localStorage } = browser(t, {});
  const { auth, clock, server } = await windows(t, { storage: webStorage("localStorage") });
  localStorage.setItem("tokenpair:lock", `another ${Date.now() + 4000}`);
  const begin = clock.now();
  assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
  const waited = clock.now() - begin;
  assert.ok(waited > 4000 && waited < 4300, `${waited}`);
  assert.equal(server.count(REFRESH), 1);
  assert.equal(localStorage.getItem("tokenpair:lock"), null);
});

test("without Web Locks two windows that see each other's note late have one holder", async (t) => {
  const { localStorage } = browser(t, {});
  const { auth, clock, server } = await windows(t, { storage: webStorage("localStorage") });
  const answer = auth.fetch("/me/");
  await clock.advance(1);
  const mine = localStorage.getItem("tokenpair:lock");
  assert.ok(Number(mine.split(" ")[1]) - Date.now() > 14_000);
  await clock.advance(99);
  // Written at the same time, seen now.
  localStorage.setItem("tokenpair:lock", `another ${Date.now() + 1000}`);
  await clock.advance(900);
  assert.equal(server.count(REFRESH), 0);
  assert.equal((await clock.until(answer)).status, 200);
  assert.equal(server.count(REFRESH), 1);
});

test("a note is no lock: a 401 is no end while another window is about to store new tokens", async (t) => {
  browser(t, {});
  const { auth, clock, events, server, storage } = await windows(t, { storage: webStorage("localStorage") });
  server.fault(REFRESH, () => {
    setTimeout(() => storage.write({ ...storage.read(), ...server.pair() }), 500);
    return status(401)();
  });
  assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
  assert.deepEqual(events, []);
});

for (const [what, note] of Object.entries({
  "whose end is too far away, as a clock was wrong": `another ${Date.UTC(2030, 0, 2)}`,
  "that is spoilt": "another day",
})) {
  test(`a note ${what} is not waited for`, async (t) => {
    const { localStorage } = browser(t, {});
    const { auth, clock, server } = await windows(t, { storage: webStorage("localStorage") });
    localStorage.setItem("tokenpair:lock", note);
    const begin = clock.now();
    assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
    assert.ok(clock.now() - begin < 300, `${clock.now() - begin}`);
    assert.equal(server.count(REFRESH), 1);
  });
}

for (const [what, lock] of Object.entries({
  "is never granted": () => new Promise(() => {}),
  "waits for its signal": (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
})) {
  test(`a lock that ${what} is waited for for 10 s`, async (t) => {
    const { auth, clock, server } = arrange(t, { lock });
    await clock.until(auth.login({}));
    server.fault("/me/", status(401));
    const begin = clock.now();
    assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
    assert.ok(Math.abs(clock.now() - begin - 10_000) <= 20, `${clock.now() - begin}`);
  });
}

for (const [what, lock] of Object.entries({
  rejects: () => Promise.reject(new Error("no locks here")),
  throws: () => {
    throw new Error("no locks here");
  },
})) {
  test(`a lock that ${what} is none`, async (t) => {
    const { auth, server } = await loggedIn(t, { lock });
    server.fault("/me/", status(401));
    assert.equal((await auth.fetch("/me/")).status, 200);
    assert.equal(server.count(REFRESH), 1);
  });
}

test("the lock is free between two tries, and who gets it reads the storage first", async (t) => {
  browser(t, { locks: locks() });
  const { auth, clock, other, server } = await windows(t, { storage: webStorage("localStorage") });
  server.fault(REFRESH, status(503, { "Retry-After": "9" }));
  const first = auth.fetch("/me/");
  await clock.advance(100);
  assert.equal((await clock.until(other.fetch("/me/"))).status, 200);
  assert.equal((await clock.until(first)).status, 200);
  assert.equal(server.count(REFRESH), 2);
});

test("a 401 without the lock is no end while somebody else is about to store new tokens", async (t) => {
  const { auth, clock, events, server, storage } = await loggedIn(t, { lock: () => Promise.reject(new Error()) });
  server.fault("/me/", status(401));
  server.fault(REFRESH, () => {
    setTimeout(() => storage.write({ ...storage.read(), ...server.pair() }), 500);
    return status(401)();
  });
  assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
  assert.deepEqual(events, []);
});

test("a log-out and a log-in are told in the other windows", async (t) => {
  browser(t, { locks: locks() });
  const ends = [];
  const storage = webStorage("localStorage");
  const { auth, clock, server } = arrange(t, { storage });
  const other = createAuth({ baseUrl: BASE, fetch: server.fetch, storage, onLogout: (event) => ends.push(event) });
  const told = [];
  for (const type of ["login", "refresh", "logout"]) other.on(type, (event) => told.push(event));
  await clock.until(auth.login({}));
  server.fault("/me/", status(401));
  await clock.until(auth.fetch("/me/"));
  await clock.until(auth.logout());
  while (told.length < 2) await clock.advance(10);
  assert.deepEqual(names(told), ["login", "logout asked"]);
  assert.ok(told.every(({ elsewhere }) => elsewhere));
  assert.deepEqual(names(ends), ["logout asked"]);
  assert.equal(await other.loggedIn(), false);
});

test("a window is told when it can see the change in its storage, which browsers show it late", async (t) => {
  browser(t, { locks: locks() });
  const storage = webStorage("localStorage");
  let visible = null;
  const write = (login) => {
    storage.write(login);
    setTimeout(() => (visible = login), 90);
  };
  const { auth, clock, server } = arrange(t, { storage: { ...storage, write } });
  const late = { ...storage, read: () => visible };
  const other = createAuth({ baseUrl: BASE, fetch: server.fetch, storage: late });
  const told = [];
  for (const type of ["login", "logout"]) other.on(type, async () => told.push([type, await other.loggedIn()]));
  await clock.until(auth.login({}));
  await clock.until(auth.logout());
  while (told.length < 2) await clock.advance(10);
  assert.deepEqual(told, [
    ["login", true],
    ["logout", false],
  ]);
});

test("a log-out in one window ends the requests of the other", async (t) => {
  const { auth, clock, other, server } = await windows(t, { storage: memory() });
  server.fault(REFRESH, lost);
  const request = other.fetch("/me/");
  await clock.advance(1);
  await clock.until(auth.logout());
  await assert.rejects(clock.until(request), LoggedOut);
  assert.equal(server.count(REFRESH), 1);
});

test("a lock is held no longer than a single try", async (t) => {
  browser(t, { locks: locks() });
  const { auth, clock, other, server } = await windows(t, { storage: webStorage("localStorage") });
  server.fault(REFRESH, silence);
  const first = auth.fetch("/me/").then(() => 0);
  const second = clock.until(other.fetch("/me/"));
  assert.equal((await second).status, 200);
  await clock.until(first);
  assert.equal(server.count(REFRESH), 2);
});

test("web storages: one window or all of them, spoilt contents, and none at all", (t) => {
  const { localStorage } = browser(t, {});
  const all = webStorage("localStorage", "key");
  assert.equal(all.shared, "key");
  assert.equal(webStorage("sessionStorage").shared, undefined);
  all.write({ access: "a" });
  assert.deepEqual(all.read(), { access: "a" });
  localStorage.setItem("key", "{");
  assert.equal(all.read(), null);
  all.write(null);
  assert.equal(localStorage.getItem("key"), null);
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get() {
      throw new Error("SecurityError");
    },
  });
  const none = () => webStorage("localStorage");
  assert.equal(none().shared, undefined);
  // As Node 25 has it without a file.
  Object.defineProperty(globalThis, "localStorage", { configurable: true, value: {} });
  const memory = none();
  memory.write({ access: "a" });
  assert.deepEqual(memory.read(), { access: "a" });
});

/** Gives Node what a browser has, until the test ends. */
function browser(test, { locks }) {
  const given = { localStorage: new Area(), sessionStorage: new Area(), navigator: { locks } };
  const before = Object.keys(given).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  test.after(() => {
    for (const [name, descriptor] of before) {
      delete globalThis[name];
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    }
  });
  return given;
}
