// Rules 3 to 6: one refresh, ahead of time, by the server's clock, stored first.
import assert from "node:assert/strict";
import { test } from "node:test";
import { memory } from "tokenpair";
import { silence, status } from "./support/server.mjs";
import { loggedIn, statuses } from "./support/setup.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const fifty = (auth) => Array.from({ length: 50 }, () => auth.fetch("/me/"));

test("fifty requests with a dead token make one refresh", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  await clock.advance(2 * 60 * MINUTE);
  assert.deepEqual(await statuses(fifty(auth)), Array(50).fill(200));
  assert.equal(server.count("/token/refresh/"), 1);
});

test("fifty requests that get 401 make one refresh", async (t) => {
  const { auth, server } = await loggedIn(t);
  for (let request = 0; request < 50; request += 1) server.fault("/me/", status(401));
  assert.deepEqual(await statuses(fifty(auth)), Array(50).fill(200));
  assert.equal(server.count("/token/refresh/"), 1);
});

test("who gives up waiting stops neither the refresh nor the others", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  await clock.advance(2 * 60 * MINUTE);
  let answer;
  server.fault("/token/refresh/", (usual) => new Promise((resolve) => (answer = () => resolve(usual()))));
  const controller = new AbortController();
  const impatient = auth.fetch("/me/", { signal: controller.signal });
  const patient = auth.fetch("/me/");
  await clock.advance(100);
  controller.abort();
  await assert.rejects(impatient, { name: "AbortError" });
  answer();
  assert.equal((await clock.until(patient)).status, 200);
  assert.equal(server.count("/token/refresh/"), 1);
  assert.equal(server.count("/me/"), 1);
});

test("a refresh that fails when everybody has given up is nobody's unhandled rejection", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  await clock.advance(2 * 60 * MINUTE);
  server.fault("/token/refresh/", (_, signal) => silence(_, signal));
  server.fault("/token/refresh/", status(400));
  const controller = new AbortController();
  const request = auth.fetch("/me/", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(request, { message: "enough" });
  await clock.advance(MINUTE);
  assert.equal(server.count("/token/refresh/"), 2);
});

for (const [life, refreshes] of [
  [3600, 5 * 60],
  [600, 2 * 60],
  [10, 2],
]) {
  test(`an access token of ${life} s is refreshed when less than ${refreshes} s remain`, async (t) => {
    const { auth, clock, server } = await loggedIn(t, { server: { life } });
    await clock.advance((life - refreshes) * SECOND);
    await auth.fetch("/me/");
    assert.equal(server.count("/token/refresh/"), 0);
    await clock.advance(1);
    await auth.fetch("/me/");
    assert.equal(server.count("/token/refresh/"), 1);
  });
}

/** A client that found no server ahead of time, a moment ago. */
async function resting(test, options) {
  const stage = await loggedIn(test, { patience: 1000, ...options });
  const { auth, clock, server } = stage;
  await clock.advance((server.life - Math.min(server.life / 5, 300)) * SECOND + 1);
  server.fault("/token/refresh/", status(503, { "Retry-After": "9" }));
  assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
  assert.equal(server.count("/token/refresh/"), 1);
  return stage;
}

test("if no server is found ahead of time, requests go out with the token that still lives, without a wait for 30 s", async (t) => {
  const { auth, clock, server } = await resting(t);
  for (const pause of [0, 15 * SECOND, 15 * SECOND - 1]) {
    await clock.advance(pause);
    assert.deepEqual(await statuses(fifty(auth)), Array(50).fill(200));
  }
  assert.equal(server.count("/token/refresh/"), 1);
  await clock.advance(1);
  await auth.fetch("/me/");
  assert.equal(server.count("/token/refresh/"), 2);
});

test("a token that dies in those 30 s, or gets 401, is refreshed", async (t) => {
  const { auth, clock, server } = await resting(t, { server: { life: 60 } });
  server.fault("/me/", status(401));
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.equal(server.count("/token/refresh/"), 2);
  const late = await resting(t, { server: { life: 60 } });
  await late.clock.advance(12 * SECOND);
  assert.equal((await late.auth.fetch("/me/")).status, 200);
  assert.equal(late.server.count("/token/refresh/"), 2);
  assert.equal(late.server.count("/me/"), 2);
});

test("a clock that is set back does not make those 30 s hours", async (t) => {
  let change = 0;
  const { auth, clock, server } = await resting(t, { clock: () => Date.now() + change });
  change = -10 * 60 * MINUTE;
  await clock.advance(MINUTE);
  server.fault("/me/", status(401));
  await auth.fetch("/me/");
  await clock.advance(56 * MINUTE);
  await auth.fetch("/me/");
  assert.equal(server.count("/token/refresh/"), 3);
});

for (const hours of [-5, 5]) {
  for (const showsDate of [true, false]) {
    const how = showsDate ? "Date" : "iat";
    test(`a clock that is wrong by ${hours} h changes nothing, by ${how}`, async (t) => {
      const { auth, clock, server } = await loggedIn(t, { server: { skew: hours * 60 * MINUTE, showsDate } });
      await clock.advance(50 * MINUTE);
      await auth.fetch("/me/");
      assert.equal(server.count("/token/refresh/"), 0);
      await clock.advance(6 * MINUTE);
      await auth.fetch("/me/");
      assert.equal(server.count("/token/refresh/"), 1);
      await auth.fetch("/me/");
      assert.equal(server.count("/token/refresh/"), 1);
      assert.equal(server.count("/me/"), 3);
    });
  }
}

test("what is stored remembers the server's clock for the next page", async (t) => {
  const storage = memory();
  const { server } = await loggedIn(t, { storage, server: { skew: 5 * 60 * MINUTE } });
  const { createAuth } = await import("tokenpair");
  await createAuth({ baseUrl: "https://api.example.com/api", storage, fetch: server.fetch }).fetch("/me/");
  assert.equal(server.count("/token/refresh/"), 0);
});

for (const access of ["opaque", "a.b.c", "a.bnVsbA.c", "ey.ey.ey.ey.ey"]) {
  test(`a token that cannot be read (${access}) is used until it gets 401`, async (t) => {
    const { auth, clock, server } = await loggedIn(t);
    server.fault("/token/", () => server.answer(200, { ...server.pair(), access }));
    await auth.login({});
    server.fault("/me/", () => server.answer(200));
    await clock.advance(10 * 60 * MINUTE);
    assert.equal((await auth.fetch("/me/")).status, 200);
    assert.equal(server.requests.at(-1).headers.authorization, `Bearer ${access}`);
    assert.equal((await auth.fetch("/me/")).status, 200);
    assert.equal(server.count("/token/refresh/"), 1);
  });
}

test("new tokens are stored, whole, before any request goes on", async (t) => {
  const log = [];
  const kept = memory();
  const storage = {
    read: () => Promise.resolve(kept.read()),
    async write(login) {
      log.push("write begins");
      await new Promise((resolve) => setTimeout(resolve, 50));
      kept.write(login);
      log.push(`written with ${login.refresh}`);
    },
  };
  const { clock, server } = await loggedIn(t, {});
  const { createAuth } = await import("tokenpair");
  const auth = createAuth({ baseUrl: "https://api.example.com/api", storage, fetch: server.fetch });
  await clock.until(auth.login({}));
  log.length = 0;
  await clock.advance(2 * 60 * MINUTE);
  const request = auth.fetch("/me/").then(() => log.push("answered"));
  await clock.until(request);
  assert.deepEqual(log, ["write begins", `written with ${kept.read().refresh}`, "answered"]);
});

test("without rotation the refresh token stays", async (t) => {
  const { auth, clock, server, storage } = await loggedIn(t, { server: { rotate: false } });
  const { access, refresh } = storage.read();
  await clock.advance(2 * 60 * MINUTE);
  await auth.fetch("/me/");
  assert.equal(storage.read().refresh, refresh);
  assert.notEqual(storage.read().access, access);
  assert.equal(server.count("/token/refresh/"), 1);
});
