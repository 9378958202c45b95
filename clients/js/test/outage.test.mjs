// Rule 8: an outage is no end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused, Unavailable } from "tokenpair";
import { answerLost, lost, silence, status } from "./support/server.mjs";
import { loggedIn, names, statuses } from "./support/setup.mjs";

const REFRESH = "/token/refresh/";
const usual = (answer) => answer();
const brokenOff = () => new Response(new ReadableStream({ pull: (stream) => stream.error(new TypeError("reset")) }));

/** A client whose token is dead, and what happens to its refreshes. */
async function expired(test, faults, options) {
  const stage = await loggedIn(test, options);
  await stage.clock.advance(2 * 60 * 60_000);
  for (const fault of faults) stage.server.fault(REFRESH, fault);
  return stage;
}

/** Seconds between one refresh and the next. */
function pauses({ requests }) {
  const times = requests.filter(({ path }) => path === REFRESH).map(({ at }) => at / 1000);
  return times.slice(1).map((time, index) => time - times[index]);
}

const verdictless = {
  lost,
  silence,
  brokenOff,
  408: status(408),
  425: status(425),
  429: status(429),
  500: status(500),
  503: status(503),
};
for (const [what, fault] of Object.entries(verdictless)) {
  test(`a refresh without a verdict (${what}) is tried again`, async (t) => {
    const { auth, clock, events, server } = await expired(t, [fault, usual]);
    assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
    assert.equal(server.count(REFRESH), 2);
    assert.deepEqual(names(events), ["refresh"]);
  });
}

test("an error says why there was no answer", async (t) => {
  const { auth, clock } = await expired(t, Array(20).fill(lost), { patience: 1000 });
  const error = await clock.until(auth.fetch("/me/").catch((error) => error));
  assert.equal(error.cause.message, "fetch failed");
});

test("the same refresh token is sent again after a lost answer", async (t) => {
  const { auth, clock, server } = await expired(t, [answerLost, usual], { server: { rotate: false } });
  await clock.until(auth.fetch("/me/"));
  const bodies = server.requests.filter(({ path }) => path === REFRESH).map(({ body }) => body);
  assert.equal(bodies.length, 2);
  assert.equal(bodies[0], bodies[1]);
});

test("pauses are doubled from 0.25 s to 5 s, and shortened by up to half by chance", async (t) => {
  for (const [chance, expected] of [
    [0, [0.25, 0.5, 1, 2, 4, 5]],
    [1, [0.125, 0.25, 0.5, 1, 2, 2.5, 2.5, 2.5, 2.5]],
  ]) {
    t.mock.method(Math, "random", () => chance);
    const { auth, clock, server } = await expired(t, Array(20).fill(lost));
    await assert.rejects(clock.until(auth.fetch("/me/")), Unavailable);
    assert.deepEqual(
      pauses(server).map((pause) => Math.round(pause * 1000) / 1000),
      expected,
    );
  }
});

test("after 15 s in all the requests get an error, and the login stays", async (t) => {
  const { auth, clock, events, server } = await expired(t, Array(20).fill(lost));
  const begin = clock.now();
  const requests = [1, 2, 3].map(() => auth.fetch("/me/"));
  for (const { reason } of await clock.until(Promise.allSettled(requests))) assert.ok(reason instanceof Unavailable);
  assert.ok(clock.now() - begin <= 15_000);
  assert.ok(await auth.loggedIn());
  assert.deepEqual(events, []);
});

test("a clock that is set back does not make the patience longer", async (t) => {
  const { auth, clock } = await expired(t, Array(20).fill(lost), { clock: () => Date.now() });
  const begin = clock.now();
  const request = auth.fetch("/me/").catch((error) => error);
  await clock.advance(1000);
  const { now } = Date;
  Date.now = () => now() - 60 * 60_000;
  assert.ok((await clock.until(request)) instanceof Unavailable);
  assert.ok(clock.now() - begin <= 15_000, `${clock.now() - begin}`);
});

test("the next request tries again", async (t) => {
  const { auth, clock, server } = await expired(t, [lost, lost], { patience: 100 });
  await assert.rejects(clock.until(auth.fetch("/me/")), Unavailable);
  await assert.rejects(clock.until(auth.fetch("/me/")), Unavailable);
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.equal(server.count(REFRESH), 3);
});

test("a single try ends after 10 s, and all of them after the patience", async (t) => {
  const { auth, clock, server } = await expired(t, [silence, silence, silence]);
  const begin = clock.now();
  await assert.rejects(clock.until(auth.fetch("/me/")), Unavailable);
  const [pause] = pauses(server);
  assert.ok(pause > 10 && pause <= 10.26, `${pause}`);
  assert.ok(Math.abs(clock.now() - begin - 15_000) <= 10, `${clock.now() - begin}`);
});

test("a fetch that does not care for signals cannot hang the application", async (t) => {
  const { auth, clock } = await expired(t, [() => new Promise(() => {}), usual]);
  assert.equal((await clock.until(auth.fetch("/me/"))).status, 200);
});

test("Retry-After is obeyed, as seconds and as a date of the server's clock", async (t) => {
  const { auth, clock, server } = await expired(t, [], { server: { skew: 7_200_000 } });
  server.fault(REFRESH, () => server.answer(503, {}, { "Retry-After": "3" }));
  server.fault(REFRESH, () => {
    const date = new Date(server.now() + 4000).toUTCString();
    return server.answer(429, {}, { "Retry-After": date });
  });
  await clock.until(auth.fetch("/me/"));
  const [first, second] = pauses(server);
  assert.ok(Math.abs(first - 3) < 0.02, `${first}`);
  assert.ok(Math.abs(second - 4) < 0.02, `${second}`);
});

for (const value of ["0", "soon", "-5", ""]) {
  test(`a Retry-After of "${value}" is none`, async (t) => {
    const { auth, clock, server } = await expired(t, Array(9).fill(status(503, { "Retry-After": value })));
    await assert.rejects(clock.until(auth.fetch("/me/")), { name: "Unavailable", retryAfter: undefined });
    assert.ok(server.count(REFRESH) >= 5);
  });
}

test("a Retry-After beyond the patience is not waited for, but told", async (t) => {
  const { auth, clock, server } = await expired(t, [status(503, { "Retry-After": "120" })]);
  await assert.rejects(clock.until(auth.fetch("/me/")), { name: "Unavailable", status: 503, retryAfter: 120 });
  assert.equal(server.count(REFRESH), 1);
});

const portal = () => new Response("<h1>Accept our terms</h1>");
for (const [what, fault] of Object.entries({
  302: status(302),
  400: status(400),
  403: status(403),
  404: status(404),
  "200 of a portal": portal,
})) {
  test(`another answer to a refresh (${what}) is an error that keeps the login, and is not tried again`, async (t) => {
    const { auth, events, server } = await expired(t, [fault]);
    await assert.rejects(auth.fetch("/me/"), Refused);
    assert.equal(server.count(REFRESH), 1);
    assert.equal(server.count("/me/"), 0);
    assert.ok(await auth.loggedIn());
    assert.deepEqual(events, []);
    assert.deepEqual(await statuses([auth.fetch("/me/")]), [200]);
  });
}
