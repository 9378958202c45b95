// Tokens in cookies, as docs/cookies.md has them: no script sees one, the CSRF token goes with what changes something.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuth, memory } from "tokenpair";
import { fakeClock } from "./support/clock.mjs";
import { BASE } from "./support/server.mjs";
import { names } from "./support/setup.mjs";

const LATER = 2 * 60 * 60_000;

/** A server whose cookies the "browser" keeps, so that the client sees nothing of them. */
function arrange(test, options) {
  const clock = fakeClock(test);
  const server = { requests: [], access: 0, refresh: false, csrf: 0, isOut: false, showsDate: true };
  const fetch = async (url, init = {}) => {
    const path = new URL(url).pathname.replace("/api", "");
    server.requests.push({ path, init, headers: Object.fromEntries(new Headers(init.headers)), body: init.body });
    if (server.isOut) throw new TypeError("fetch failed");
    const status = answer(path);
    const now = Math.floor(clock.now() / 1000);
    const data = { access_expires: now + 3600, refresh_expires: now + 86400, csrf_token: `csrf-${server.csrf}` };
    const headers = server.showsDate ? { Date: new Date(clock.now()).toUTCString() } : {};
    return new Response(JSON.stringify(status === 200 && path.includes("token") ? data : {}), { status, headers });
  };
  function answer(path) {
    if (path === "/logout/") server.refresh = false;
    if (path === "/token/") server.refresh = true;
    if (path.startsWith("/token/") && server.refresh) {
      server.access = clock.now() + 3_600_000;
      server.csrf += 1;
    }
    if (path.startsWith("/token/")) return server.refresh ? 200 : 401;
    return path === "/logout/" || server.access > clock.now() ? 200 : 401;
  }
  const storage = memory();
  const auth = createAuth({ baseUrl: BASE, delivery: "cookie", storage, fetch, ...options });
  const events = [];
  for (const type of ["login", "refresh", "logout"]) auth.on(type, (event) => events.push(event));
  return { auth, clock, events, fetch, server, storage };
}

const paths = ({ requests }) => requests.map(({ path }) => path);

test("a log-in asks for cookies and stores no token", async (t) => {
  const { auth, server, storage } = arrange(t);
  await auth.login({ username: "test", password: "test" });
  assert.equal(server.requests[0].headers["x-token-delivery"], "cookie");
  assert.equal(server.requests[0].init.credentials, "include");
  assert.deepEqual(Object.keys(storage.read()), ["version", "start", "end", "csrf", "skew", "id", "origin"]);
});

test("a request carries cookies alone, and the CSRF token where it changes something", async (t) => {
  const { auth, server } = arrange(t);
  await auth.login({});
  for (const method of ["GET", "HEAD", "OPTIONS", "POST", "put", "PATCH", "DELETE"])
    await auth.fetch("/me/", { method });
  const sent = server.requests.slice(1);
  assert.ok(sent.every(({ init, headers }) => init.credentials === "include" && !headers.authorization));
  const tokens = sent.map(({ headers }) => headers["x-csrftoken"]);
  assert.deepEqual(tokens, [undefined, undefined, undefined, "csrf-1", "csrf-1", "csrf-1", "csrf-1"]);
});

test("another origin gets nothing", async (t) => {
  const { auth, server } = arrange(t);
  await auth.login({});
  await auth.fetch("https://example.com/api/me/", { method: "POST" });
  const { headers, init } = server.requests.at(-1);
  assert.deepEqual([headers, init.credentials], [{}, undefined]);
});

test("the CSRF token is read from the cookie where the page can", async (t) => {
  const { auth, server } = arrange(t);
  await auth.login({});
  t.after(() => delete globalThis.document);
  const read = async (baseURI, cookie) => {
    globalThis.document = { baseURI, cookie };
    await auth.fetch("/me/", { method: "POST" });
    return server.requests.at(-1).headers["x-csrftoken"];
  };
  assert.equal(await read("https://api.example.com/", "a=1; __Host-csrftoken=newer; b=2"), "newer");
  assert.equal(await read("https://api.example.com/", "csrftoken=plain"), "plain");
  assert.equal(await read("https://api.example.com/", "csrftoken=of-django; __Host-csrftoken=ours"), "ours");
  assert.equal(await read("https://api.example.com/", "xcsrftoken=other"), "csrf-1");
  assert.equal(await read("https://app.example.com/", "csrftoken=of-the-page"), "csrf-1");
});

test("the access token is refreshed ahead of time, without a body, and CSRF goes with the newest token", async (t) => {
  const { auth, clock, events, server } = arrange(t);
  await auth.login({});
  await clock.advance(56 * 60_000);
  await Promise.all([1, 2, 3].map(() => auth.fetch("/me/", { method: "POST" })));
  assert.deepEqual(paths(server), ["/token/", "/token/refresh/", "/me/", "/me/", "/me/"]);
  const { body, headers } = server.requests[1];
  assert.deepEqual([body, headers["content-type"], headers["x-token-delivery"]], [undefined, undefined, "cookie"]);
  assert.equal(server.requests[2].headers["x-csrftoken"], "csrf-2");
  assert.deepEqual(names(events), ["login", "refresh"]);
});

test("a login that the storage knows nothing of is found after a 401", async (t) => {
  const { auth, events, server } = arrange(t);
  server.refresh = true;
  assert.equal(await auth.loggedIn(), false);
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.deepEqual(paths(server), ["/me/", "/token/refresh/", "/me/"]);
  assert.equal(await auth.loggedIn(), true);
  assert.deepEqual(names(events), ["refresh"]);
});

test("where nobody has been logged in, the 401 comes back and nobody is told of an end", async (t) => {
  const { auth, events, server } = arrange(t);
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.deepEqual(paths(server), ["/me/", "/token/refresh/", "/me/"]);
  assert.deepEqual(events, []);
});

test("who logs in by a page of the server after that is found by an answer that is no 401", async (t) => {
  const { auth, clock, server } = arrange(t);
  assert.equal((await auth.fetch("/me/")).status, 401);
  server.refresh = true;
  server.access = clock.now() + 1000;
  assert.equal((await auth.fetch("/me/")).status, 200);
  await clock.advance(1001);
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.deepEqual(paths(server), ["/me/", "/token/refresh/", "/me/", "/me/", "/token/refresh/", "/me/"]);
});

test("many requests of a login that the storage knows nothing of make one refresh", async (t) => {
  const { auth, server } = arrange(t);
  server.refresh = true;
  const answers = await Promise.all([1, 2, 3].map(() => auth.fetch("/me/")));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(paths(server).filter((path) => path === "/token/refresh/").length, 1);
});

test("a refused refresh ends the login", async (t) => {
  const { auth, clock, events, server } = arrange(t);
  await auth.login({});
  server.refresh = false;
  await clock.advance(LATER);
  await assert.rejects(auth.fetch("/me/"), { name: "LoggedOut" });
  assert.deepEqual(names(events), ["login", "logout refused"]);
});

test("a log-out goes to its own path; false says that the cookies are still there", async (t) => {
  const { auth, clock, server } = arrange(t);
  await auth.login({});
  server.isOut = true;
  assert.equal(await auth.logout(), false);
  assert.equal(await auth.loggedIn(), false);
  server.isOut = false;
  await clock.advance(LATER);
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal(await auth.loggedIn(), false);
  assert.equal(await auth.logout(), true);
  assert.deepEqual(paths(server), ["/token/", "/logout/", "/me/", "/logout/"]);
});

for (const hours of [-5, 5]) {
  for (const showsDate of [true, false]) {
    const how = showsDate ? "ahead of time by Date" : "after a 401 without Date";
    test(`a clock that is wrong by ${hours} h makes one refresh for each token, ${how}`, async (t) => {
      const { auth, clock, server } = arrange(t, { clock: () => Date.now() - hours * 60 * 60_000 });
      server.showsDate = showsDate;
      await auth.login({});
      for (let minute = 0; minute < 10 * 60; minute += 1) {
        await clock.advance(60_000);
        assert.equal((await auth.fetch("/me/")).status, 200);
      }
      const refreshes = paths(server).filter((path) => path === "/token/refresh/").length;
      assert.equal(refreshes, Math.floor(600 / (showsDate ? 56 : 60)));
      assert.equal(paths(server).length, 1 + 600 + refreshes + (showsDate ? 0 : refreshes));
    });
  }
}

test("two windows make one refresh", async (t) => {
  let last = Promise.resolve();
  const lock = (work) => (last = last.then(work, work));
  const { auth, clock, fetch, server, storage } = arrange(t, { lock });
  const other = createAuth({ baseUrl: BASE, delivery: "cookie", storage, lock, fetch });
  await auth.login({});
  await clock.advance(LATER);
  await Promise.all([auth, other, auth, other].map((client) => client.fetch("/me/")));
  assert.equal(paths(server).filter((path) => path === "/token/refresh/").length, 1);
});

test("windows whose storages are their own share the cookies: one lock, and what happens is told", async (t) => {
  const asked = [];
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const value = { locks: { request: (name, _, work) => (asked.push(name), work()) } };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value });
  t.after(() => {
    delete globalThis.navigator;
    if (navigator) Object.defineProperty(globalThis, "navigator", navigator);
  });
  const { auth, clock, fetch } = arrange(t, { baseUrl: `${BASE}/` });
  const other = createAuth({ baseUrl: `${BASE}/`, delivery: "cookie", storage: memory(), fetch });
  const told = [];
  for (const type of ["login", "logout"]) other.on(type, (event) => told.push(event));
  const until = async (count) => {
    for (let turn = 0; told.length < count && turn < 100; turn += 1) await clock.advance(10);
  };
  await auth.login({});
  await until(1);
  await clock.advance(2 * 60 * 60_000);
  assert.equal((await other.fetch("/me/")).status, 200);
  assert.equal(await other.loggedIn(), true);
  await auth.logout();
  await until(2);
  assert.deepEqual(names(told), ["login", "logout asked"]);
  assert.equal(await other.loggedIn(), false);
  assert.deepEqual(asked, Array(3).fill(`tokenpair:${BASE}/`));
});
