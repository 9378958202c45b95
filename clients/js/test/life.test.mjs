// Rule 5: how long a token lives is counted from its arrival. Older servers copy the `iat` of the refresh token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "./support/server.mjs";
import { arrange, loggedIn } from "./support/setup.mjs";

const SECOND = 1000;
const HOUR = 3_600_000;
const REFRESH = "/token/refresh/";
const older = { copiesIat: true, life: 300, skew: 5 * HOUR };

/** A request every ten seconds. */
async function use({ auth, clock }, hours) {
  const requests = (hours * HOUR) / (10 * SECOND);
  for (let request = 0; request < requests; request += 1) {
    await clock.advance(10 * SECOND);
    assert.equal((await auth.fetch("/me/")).status, 200);
  }
  return requests;
}

for (const showsDate of [true, false]) {
  for (const rotate of [true, false]) {
    const how = `${showsDate ? "with" : "without"} Date, ${rotate ? "with" : "without"} rotation`;

    test(`a copied iat changes nothing: one refresh for each token, none too late, ${how}`, async (t) => {
      const stage = await loggedIn(t, { server: { ...older, showsDate, rotate } });
      const requests = await use(stage, 12);
      assert.equal(stage.server.count(REFRESH), Math.floor((12 * HOUR) / (250 * SECOND)));
      assert.equal(stage.server.count("/me/"), requests);
    });
  }
}

for (const showsDate of [true, false]) {
  test(`a login from elsewhere with a copied iat is as any other after a refresh (${showsDate ? "Date" : "rotation"})`, async (t) => {
    const stage = arrange(t, { server: { ...older, showsDate, rotate: !showsDate } });
    const { server, storage } = stage;
    const { refresh } = server.pair();
    await stage.clock.advance(12 * HOUR);
    storage.write({ access: server.access(server.now() / SECOND - 12 * 3600), refresh });
    server.fault("/me/", status(401));
    await stage.auth.fetch("/me/");
    server.requests = [];
    await use(stage, 1);
    assert.equal(server.count(REFRESH), Math.floor(HOUR / (250 * SECOND)));
    assert.equal(server.count("/me/"), 360);
  });
}

test("a login from elsewhere, of which no clock is known, is used until it gets 401", async (t) => {
  const { auth, clock, server, storage } = arrange(t);
  storage.write(server.pair());
  await clock.advance(2 * HOUR);
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ["/me/", REFRESH, "/me/"],
  );
});

test("unless the request can be sent only once: then it is refreshed by our clock", async (t) => {
  const { auth, clock, server, storage } = arrange(t, { server: { life: 600 } });
  storage.write(server.pair());
  const send = () => auth.fetch("/echo/", { method: "POST", body: new Blob(["text"]).stream(), duplex: "half" });
  await clock.advance(480 * SECOND);
  assert.equal((await send()).status, 200);
  assert.equal(server.count(REFRESH), 0);
  await clock.advance(1);
  assert.equal((await send()).status, 200);
  assert.equal(server.count(REFRESH), 1);
});

test("what is stored remembers when the token came, for the next page", async (t) => {
  const { auth, clock, server, storage } = await loggedIn(t, { server: older });
  await clock.advance(HOUR);
  await auth.fetch("/me/");
  server.requests = [];
  const { createAuth } = await import("tokenpair");
  const next = createAuth({ baseUrl: "https://api.example.com/api", storage, fetch: server.fetch });
  await clock.advance(240 * SECOND);
  await next.fetch("/me/");
  assert.equal(server.count(REFRESH), 0);
  await clock.advance(1);
  await next.fetch("/me/");
  assert.equal(server.count(REFRESH), 1);
});
