// What is stored: only what can be used, and what cannot be stored is not lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, memory } from "tokenpair";
import { status } from "./support/server.mjs";
import { arrange, loggedIn, names } from "./support/setup.mjs";

const LATER = 2 * 60 * 60_000;
const REFRESH = "/token/refresh/";

test("a storage that cannot be read loses no tokens, and a log-out leaves none in it", async (t) => {
  const kept = memory();
  let failures = 0;
  const read = () => {
    if (failures > 0 && --failures === 0) throw new Error("busy");
    return kept.read();
  };
  const storage = { read, write: (login) => kept.write(login) };
  const { auth, clock, server } = await loggedIn(t, { storage });
  await clock.advance(LATER);
  const [before, { access }] = [server.count("/token/refresh/"), kept.read()];
  failures = 3;
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.equal(failures, 0);
  assert.equal(server.count("/token/refresh/"), before + 1);
  assert.notEqual(kept.read().access, access);

  failures = 1;
  assert.equal(await auth.logout(), false);
  assert.equal(kept.read(), null);
});

/** A storage that can be full. */
function small() {
  const kept = memory();
  const storage = {
    isFull: false,
    read: () => kept.read(),
    write(login) {
      if (storage.isFull) throw new Error("QuotaExceededError");
      kept.write(login);
    },
  };
  return storage;
}

test("what the storage cannot take is kept and used, until it can", async (t) => {
  const storage = small();
  const { auth, clock, server } = await loggedIn(t, { storage });
  const before = storage.read();
  await clock.advance(LATER);
  storage.isFull = true;
  await assert.rejects(auth.fetch("/me/"), { message: "QuotaExceededError" });
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.deepEqual(storage.read(), before);
  storage.isFull = false;
  server.fault("/me/", status(401));
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.equal(server.count(REFRESH), 2);
  assert.notEqual(storage.read().access, before.access);
});

test("a log-out revokes and forgets what the storage could not take", async (t) => {
  const storage = small();
  const { auth, clock, server } = await loggedIn(t, { storage });
  await clock.advance(LATER);
  storage.isFull = true;
  await assert.rejects(auth.fetch("/me/"));
  storage.isFull = false;
  assert.equal(await auth.logout(), true);
  assert.notEqual(server.requests.at(-1).body, server.requests[0].body);
  assert.equal(storage.read(), null);
  assert.equal(await auth.loggedIn(), false);
});

for (const refresh of [null, "", 7, "a\nb", ["a"]]) {
  test(`a refresh token that is none (${JSON.stringify(refresh)}) is as if absent`, async (t) => {
    const { auth, server, storage } = await loggedIn(t, { server: { rotate: false } });
    const before = storage.read();
    server.fault("/me/", status(401));
    server.fault(REFRESH, () => server.answer(200, { access: server.access(), refresh }));
    assert.equal((await auth.fetch("/me/")).status, 200);
    assert.equal(storage.read().refresh, before.refresh);
  });
}

for (const access of [undefined, null, "", 7, "a\nb", {}]) {
  test(`an access token that is none (${JSON.stringify(access)}) is refused`, async (t) => {
    const { auth, server, storage } = await loggedIn(t);
    const before = storage.read();
    server.fault("/me/", status(401));
    server.fault(REFRESH, () => server.answer(200, { ...server.pair(), access }));
    await assert.rejects(auth.fetch("/me/"), Refused);
    assert.deepEqual(storage.read(), before);
    server.fault("/token/", () => server.answer(200, { ...server.pair(), access, detail: "Confirm first." }));
    await assert.rejects(auth.login({}), { name: "Refused", status: 200, data: { detail: "Confirm first." } });
    assert.deepEqual(storage.read(), before);
  });
}

test("a login without a refresh token is never refreshed, and its 401 is the caller's", async (t) => {
  const { auth, clock, events, server } = arrange(t);
  server.fault("/token/", () => server.answer(200, { access: server.access() }));
  await auth.login({});
  await clock.advance(LATER);
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal(server.count("/me/"), 1);
  assert.equal(server.count(REFRESH), 0);
  assert.equal(await auth.loggedIn(), true);
  assert.equal(await auth.logout(), false);
  assert.deepEqual(names(events), ["login", "logout asked"]);
  assert.equal(server.count("/token/blacklist/"), 0);
});

test("the token endpoints are asked for JSON", async (t) => {
  const { auth, server } = await loggedIn(t);
  server.fault("/me/", status(401));
  await auth.fetch("/me/");
  await auth.logout();
  const asked = server.requests.filter(({ path }) => path.startsWith("/token/"));
  assert.deepEqual(
    asked.map(({ headers }) => headers.accept),
    ["application/json", "application/json"],
  );
});
