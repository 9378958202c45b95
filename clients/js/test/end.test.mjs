// Rules 7, 10 and 13: how a login begins and ends, and who is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LoggedOut, Unavailable } from "tokenpair";
import { answerLost, lost, silence, status } from "./support/server.mjs";
import { arrange, loggedIn, names } from "./support/setup.mjs";

const LATER = 2 * 60 * 60_000;

test("a log-in stores the tokens and is told; what else was answered is yielded", async (t) => {
  const { auth, events, server, storage } = arrange(t);
  server.fault("/token/", () => server.answer(200, { ...server.pair(), greeting: "Hello" }));
  assert.equal(await auth.loggedIn(), false);
  assert.deepEqual(await auth.login({ username: "test", password: "test" }), { greeting: "Hello" });
  assert.equal(await auth.loggedIn(), true);
  assert.deepEqual(Object.keys(storage.read()), ["access", "refresh", "start", "skew", "id", "origin"]);
  assert.deepEqual(names(events), ["login"]);
  assert.equal(server.requests[0].body, '{"username":"test","password":"test"}');
  assert.equal(server.requests[0].headers["content-type"], "application/json");
});

test("a log-in that is refused says why, and changes nothing", async (t) => {
  const { auth, events, server } = arrange(t);
  server.fault("/token/", () => server.answer(401, { detail: "No active account" }));
  await assert.rejects(auth.login({}), { name: "Refused", status: 401, data: { detail: "No active account" } });
  server.fault("/token/", lost);
  await assert.rejects(auth.login({}), Unavailable);
  assert.equal(await auth.loggedIn(), false);
  assert.deepEqual(events, []);
});

test("a redirect, whose status browsers hide, is called so", async (t) => {
  const { auth, server } = arrange(t, { paths: { login: "/token" } });
  server.fault("/token", () => Response.error());
  await assert.rejects(auth.login({}), { name: "Refused", status: 0, message: "/token answered with a redirect." });
});

test("a sign-up logs in if it brings tokens", async (t) => {
  const { auth, server } = arrange(t);
  server.fault("/register/", () => server.answer(201, { user: { id: 4 }, detail: "Verification e-mail sent." }));
  assert.deepEqual(await auth.register({}), { user: { id: 4 }, detail: "Verification e-mail sent." });
  assert.equal(await auth.loggedIn(), false);
  server.fault("/register/", () => server.answer(400, { username: ["This field is required."] }));
  await assert.rejects(auth.register({}), { status: 400, data: { username: ["This field is required."] } });
  server.fault("/register/", () => server.answer(201, { user: { id: 4 }, ...server.pair() }));
  assert.deepEqual(await auth.register({}), { user: { id: 4 } });
  assert.equal(await auth.loggedIn(), true);
});

test("user asks the server who is logged in", async (t) => {
  const { auth, server } = await loggedIn(t);
  assert.equal((await auth.user()).id, 1);
  server.fault("/me/", status(404));
  await assert.rejects(auth.user(), { name: "Refused", status: 404 });
  server.fault("/me/", status(503));
  await assert.rejects(auth.user(), { name: "Unavailable", status: 503 });
});

test("paths are options", async (t) => {
  const { auth, server } = arrange(t, { paths: { login: "/auth/token/" } });
  await auth.login({}).catch(() => undefined);
  assert.equal(server.requests[0].path, "/auth/token/");
});

test("a 401 of the refresh endpoint ends the login, and everybody is told once", async (t) => {
  let calls = 0;
  const { auth, clock, events, server, storage } = await loggedIn(t, { onLogout: () => (calls += 1) });
  await clock.advance(LATER);
  server.revoke();
  const requests = Array.from({ length: 20 }, () => auth.fetch("/me/"));
  for (const request of requests) await assert.rejects(request, LoggedOut);
  assert.equal(storage.read(), null);
  assert.deepEqual(names(events), ["logout refused"]);
  assert.equal(calls, 1);
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal(server.count("/token/refresh/"), 1);
});

test("requests whose 401 comes after the end get the same error, and nobody is told twice", async (t) => {
  const { auth, events, server } = await loggedIn(t);
  server.revoke();
  let answer;
  server.fault("/slow/", () => new Promise((resolve) => (answer = () => resolve(status(401)()))));
  server.fault("/me/", status(401));
  const slow = auth.fetch("/slow/");
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  answer();
  await assert.rejects(slow, LoggedOut);
  assert.deepEqual(names(events), ["logout refused"]);
});

test("after the end the browser goes where the application says", async (t) => {
  const visited = [];
  globalThis.location = { href: "https://example.com/", assign: (url) => visited.push(url) };
  t.after(() => delete globalThis.location);
  const { auth, server } = await loggedIn(t, { redirect: "/login" });
  server.revoke();
  server.fault("/me/", status(401));
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  assert.deepEqual(visited, ["/login"]);
});

test("a worker, whose location cannot go elsewhere, has no defect by that", async (t) => {
  globalThis.location = { href: "https://example.com/worker.js" };
  t.after(() => delete globalThis.location);
  const { auth, events, server } = await loggedIn(t, { redirect: "/login" });
  server.revoke();
  server.fault("/me/", status(401));
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  assert.deepEqual(names(events), ["logout refused"]);
});

test("before the end the storage is read again, and somebody else's tokens are used", async (t) => {
  const { auth, clock, events, server, storage } = await loggedIn(t);
  await clock.advance(LATER);
  server.fault("/token/refresh/", () => {
    storage.write({ ...storage.read(), ...server.pair() });
    return status(401)();
  });
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.deepEqual(events, []);
});

test("a log-out goes to the server first, then the tokens are gone", async (t) => {
  let calls = 0;
  const { auth, events, server, storage } = await loggedIn(t, { onLogout: () => (calls += 1) });
  const { refresh } = storage.read();
  server.fault("/token/blacklist/", (usual) => {
    assert.notEqual(storage.read(), null);
    return usual();
  });
  assert.equal(await auth.logout(), true);
  assert.equal(server.requests[0].body, JSON.stringify({ refresh }));
  assert.equal(await auth.loggedIn(), false);
  assert.deepEqual(names(events), ["logout asked"]);
  assert.equal(calls, 0);
  assert.equal(await auth.logout(), true);
  assert.equal(events.length, 1);
});

for (const [what, fault, isRevoked] of [
  ["lost", lost, false],
  ["silence", silence, false],
  ["503", status(503), false],
  ["404", status(404), false],
  ["401, no good already", status(401), true],
]) {
  test(`a log-out forgets the tokens whatever the server says (${what})`, async (t) => {
    const { auth, clock, events, server } = await loggedIn(t);
    server.fault("/token/blacklist/", fault);
    assert.equal(await clock.until(auth.logout()), isRevoked);
    assert.equal(await auth.loggedIn(), false);
    assert.deepEqual(names(events), ["logout asked"]);
  });
}

test("a log-out lets a refresh that was sent come to its end, and revokes what it brings", async (t) => {
  const { auth, clock, events, server, storage } = await loggedIn(t);
  await clock.advance(LATER);
  let brought;
  server.fault("/token/refresh/", async (usual) => {
    const answer = await usual();
    brought = (await answer.clone().json()).refresh;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return answer;
  });
  const request = auth.fetch("/me/");
  await clock.advance(10);
  const logout = auth.logout();
  await assert.rejects(request, LoggedOut);
  assert.equal(server.count("/token/blacklist/"), 0);
  assert.equal(await clock.until(logout), true);
  assert.equal(server.requests.at(-1).body, JSON.stringify({ refresh: brought }));
  assert.equal(storage.read(), null);
  assert.equal(names(events).at(-1), "logout asked");
});

test("a refresh that waits for its turn when somebody logs out is not sent", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  await clock.advance(LATER);
  let answer;
  server.fault("/register/", () => new Promise((resolve) => (answer = () => resolve(server.answer(201)))));
  const signUp = auth.register({});
  await clock.advance(1);
  const request = auth.fetch("/me/");
  await clock.advance(1);
  const logout = auth.logout();
  await assert.rejects(request, LoggedOut);
  answer();
  await signUp;
  assert.equal(await logout, true);
  assert.equal(server.count("/token/refresh/"), 0);
});

test("a refresh whose answer comes too late does not bring the login back", async (t) => {
  const { auth, clock, events, server, storage } = await loggedIn(t);
  await clock.advance(LATER);
  let answer;
  server.fault("/token/refresh/", (usual) => new Promise((resolve) => (answer = () => resolve(usual()))));
  const request = auth.fetch("/me/");
  await clock.advance(10);
  const logout = auth.logout();
  await assert.rejects(request, LoggedOut);
  assert.equal(await clock.until(logout), true);
  assert.ok(clock.passed() - LATER <= 10_010);
  answer();
  await clock.advance(60_000);
  assert.equal(storage.read(), null);
  assert.deepEqual(names(events), ["logout asked"]);
});

test("a refresh that finds that somebody logged out elsewhere revokes what it got", async (t) => {
  const { auth, clock, events, server, storage } = await loggedIn(t);
  await clock.advance(LATER);
  let brought;
  server.fault("/token/refresh/", async (usual) => {
    storage.write(null);
    const answer = await usual();
    brought = (await answer.clone().json()).refresh;
    return answer;
  });
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  await clock.advance(1);
  assert.equal(server.requests.at(-1).path, "/token/blacklist/");
  assert.equal(server.requests.at(-1).body, JSON.stringify({ refresh: brought }));
  assert.equal(storage.read(), null);
  assert.deepEqual(events, []);
});

test("a log-out ends a refresh that waits for the server to come back", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  await clock.advance(LATER);
  for (let time = 0; time < 20; time += 1) server.fault("/token/refresh/", answerLost);
  const request = auth.fetch("/me/");
  await clock.advance(1);
  assert.equal(await auth.logout(), true);
  await assert.rejects(request, LoggedOut);
  await clock.advance(60_000);
  assert.equal(server.count("/token/refresh/"), 1);
});

test("a refresh during a log-out finds nobody logged in", async (t) => {
  const { auth, clock, events, server } = await loggedIn(t);
  let answer;
  server.fault("/token/blacklist/", (usual) => new Promise((resolve) => (answer = () => resolve(usual()))));
  await clock.advance(LATER);
  const logout = auth.logout();
  await clock.advance(1);
  const request = auth.fetch("/me/");
  await clock.advance(1);
  answer();
  await assert.rejects(request, LoggedOut);
  assert.equal(await logout, true);
  assert.deepEqual(names(events), ["logout asked"]);
});

test("a refresh that ends after somebody else has logged in does not replace the new login", async (t) => {
  const { auth, clock, server, storage } = await loggedIn(t);
  await clock.advance(LATER);
  const other = server.pair();
  server.fault("/token/refresh/", (usual) => {
    storage.write(other);
    return usual();
  });
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  assert.deepEqual(storage.read(), other);
});

test("whoever listens can stop, and a listener's defect harms nobody", async (t) => {
  const { auth, server } = await loggedIn(t);
  const defects = [];
  const { queueMicrotask } = globalThis;
  const watched = (work) => {
    try {
      work();
    } catch (error) {
      defects.push(error.message);
    }
  };
  t.mock.method(globalThis, "queueMicrotask", (work) => queueMicrotask(() => watched(work)));
  let calls = 0;
  const stop = auth.on("refresh", () => (calls += 1));
  auth.on("refresh", () => {
    throw new Error("defect");
  });
  for (const _ of [1, 2]) {
    server.fault("/me/", status(401));
    assert.equal((await auth.fetch("/me/")).status, 200);
    stop();
  }
  assert.equal(calls, 1);
  assert.deepEqual(defects, ["defect", "defect"]);
});
