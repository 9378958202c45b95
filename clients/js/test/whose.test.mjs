// Whose tokens: what one user asked for is never done by the next, and tokens of one origin never come to another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LoggedOut, createAuth, memory } from "tokenpair";
import { BASE, Server, status } from "./support/server.mjs";
import { arrange, loggedIn } from "./support/setup.mjs";

const LATER = 2 * 60 * 60_000;
const REFRESH = "/token/refresh/";

test("what one user asked for is not sent as the next one", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  server.fault("/me/", async () => {
    await auth.logout();
    await auth.login({ username: "other" });
    return new Response("{}", { status: 401 });
  });
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  assert.equal(server.count("/me/"), 1);

  await clock.advance(LATER);
  const login = auth.login({ username: "third" });
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  await login;
  assert.equal(server.count("/me/"), 1);
  assert.equal((await auth.fetch("/me/")).status, 200);
});

/** Two clients of one storage and a lock of both, as in two windows. */
async function windows(test) {
  let last = Promise.resolve();
  const lock = (work) => (last = last.then(work, work));
  const stage = await loggedIn(test, { lock });
  const other = createAuth({ baseUrl: BASE, fetch: stage.server.fetch, storage: stage.storage, lock });
  return { ...stage, other };
}

test("nor if the next one logs in in another window, while the request waits for a refresh", async (t) => {
  const { auth, clock, other, server } = await windows(t);
  await clock.advance(LATER);
  const login = other.login({ username: "other" });
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  await login;
  assert.equal(server.count("/me/"), 0);
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.equal(server.count(REFRESH), 0);
});

test("nor while it is on its way to a 401", async (t) => {
  const { auth, other, server } = await windows(t);
  server.fault("/me/", async () => {
    await other.login({ username: "other" });
    return status(401)();
  });
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  assert.equal(server.count("/me/"), 1);
  assert.equal(server.count(REFRESH), 0);
});

test("a login is the same after refreshes, another one after a log-in, and one without an id stays so", async (t) => {
  const { auth, clock, server, storage } = await loggedIn(t);
  const { id } = storage.read();
  await clock.advance(LATER);
  await auth.fetch("/me/");
  assert.equal(storage.read().id, id);
  await auth.login({});
  assert.notEqual(storage.read().id, id);

  storage.write(server.pair());
  server.fault("/me/", () => {
    storage.write(server.pair());
    return status(401)();
  });
  assert.equal((await auth.fetch("/me/")).status, 200);
  await clock.advance(LATER);
  await auth.fetch("/me/");
  assert.equal(storage.read().id, undefined);
});

test("a request that began with nobody logged in is not sent as who logs in meanwhile", async (t) => {
  const { auth, server } = arrange(t);
  server.fault("/me/", async () => {
    await auth.login({});
    return status(401)();
  });
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal(server.count("/me/"), 1);
});

test("a client of another origin sees nobody, sends no token, and leaves the login alone until it logs in itself", async (t) => {
  const { auth, clock, storage } = await loggedIn(t);
  const elsewhere = new Server(clock.now);
  const other = createAuth({ baseUrl: "https://other.example.com/api", fetch: elsewhere.fetch, storage });
  const before = storage.read();
  assert.equal(before.origin, "https://api.example.com");
  assert.equal(await other.loggedIn(), false);
  assert.equal((await other.fetch("/me/")).status, 401);
  assert.equal(elsewhere.requests[0].headers.authorization, undefined);
  assert.equal(await other.logout(), true);
  assert.equal(elsewhere.requests.length, 1);
  assert.deepEqual(storage.read(), before);
  assert.equal((await auth.fetch("/me/")).status, 200);

  await other.login({});
  assert.equal(storage.read().origin, "https://other.example.com");
  assert.equal(await auth.loggedIn(), false);
});

test("who joins a refresh of before, which yields the very token that was refused, waits for another", async (t) => {
  const { auth, server, storage } = await loggedIn(t);
  const before = storage.read();
  server.fault("/me/", status(401));
  let refresh;
  server.fault(REFRESH, (usual) => new Promise((resolve) => (refresh = () => resolve(usual()))));
  const first = auth.fetch("/me/");
  while (!refresh) await new Promise(setImmediate);
  // Another window was quicker.
  const pair = server.pair();
  storage.write({ ...before, ...pair });
  server.fault("/slow/", status(401));
  const second = auth.fetch("/slow/");
  while (server.count("/slow/") === 0) await new Promise(setImmediate);
  await new Promise(setImmediate);
  refresh();
  assert.deepEqual([(await first).status, (await second).status], [200, 200]);
  const sent = server.requests.filter(({ path }) => path === "/slow/").map(({ headers }) => headers.authorization);
  assert.equal(sent[0], `Bearer ${pair.access}`);
  assert.notEqual(sent[1], sent[0]);
  assert.equal(server.count(REFRESH), 2);
});

test("a server that yields the same token again and again is not asked for ever", async (t) => {
  const { auth, server, storage } = await loggedIn(t);
  const { access } = storage.read();
  server.fault("/me/", status(401));
  server.fault("/me/", status(401));
  for (let time = 0; time < 9; time += 1) server.fault(REFRESH, () => server.answer(200, { access }));
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal(server.count(REFRESH), 3);
});
