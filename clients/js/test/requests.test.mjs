// Rules 1 and 2: what a request carries, and its one try more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAuth } from "tokenpair";
import { BASE, status } from "./support/server.mjs";
import { arrange, loggedIn } from "./support/setup.mjs";

test("a request carries the access token, a path is put behind the base", async (t) => {
  const { auth, server, storage } = await loggedIn(t);
  assert.equal((await auth.fetch("/me/?page=2")).status, 200);
  assert.equal(server.requests[0].url, `${BASE}/me/?page=2`);
  assert.equal(server.requests[0].headers.authorization, `Bearer ${storage.read().access}`);
});

test("the word before the token is an option", async (t) => {
  const { auth, server } = await loggedIn(t, { authHeaderType: "JWT" });
  await auth.fetch("/me/");
  assert.match(server.requests[0].headers.authorization, /^JWT ey/);
});

test("without a login a request goes as it is, and its 401 comes back", async (t) => {
  const { auth, server } = arrange(t);
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.deepEqual([server.requests.length, server.requests[0].headers.authorization], [1, undefined]);
});

test("another origin gets no token, however it is spelt", async (t) => {
  const { auth, server } = await loggedIn(t);
  const others = ["https://example.com/api/me/", "http://api.example.com/api/me/", "https://api.example.com:8443/api/"];
  for (const url of others) {
    await auth.fetch(url);
    await auth.fetch(new URL(url));
    await auth.fetch(new Request(url));
  }
  assert.equal(server.requests.length, 9);
  for (const { headers } of server.requests) assert.equal(headers.authorization, undefined);
});

test("a path cannot lead to another origin", async (t) => {
  const { auth, server } = await loggedIn(t);
  await auth.fetch("/\\evil.example/me/");
  await auth.fetch("/@evil.example/");
  for (const { url } of server.requests) assert.equal(new URL(url).origin, "https://api.example.com");
});

test("headers of the caller are kept, also an Authorization of its own", async (t) => {
  const { auth, server } = await loggedIn(t);
  await auth.fetch("/me/", { headers: [["X-One", "1"]] });
  await auth.fetch(new Request(`${BASE}/me/`, { headers: { "X-Two": "2" } }));
  await auth.fetch("/me/", { headers: { authorization: "Basic dGVzdA==" } });
  assert.equal(server.requests[0].headers["x-one"], "1");
  assert.match(server.requests[0].headers.authorization, /^Bearer/);
  assert.equal(server.requests[1].headers["x-two"], "2");
  assert.equal(server.requests[2].headers.authorization, "Basic dGVzdA==");
  assert.equal(server.requests.length, 3);
});

test("a 401 refreshes and the request is sent once more", async (t) => {
  const { auth, events, server } = await loggedIn(t);
  server.fault("/me/", status(401));
  assert.equal((await auth.fetch("/me/")).status, 200);
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ["/me/", "/token/refresh/", "/me/"],
  );
  assert.notEqual(server.requests[0].headers.authorization, server.requests[2].headers.authorization);
  assert.deepEqual(events, [{ type: "refresh", reason: undefined, elsewhere: false }]);
});

test("a second 401 is given to the caller", async (t) => {
  const { auth, server } = await loggedIn(t);
  server.fault("/me/", status(401));
  server.fault("/me/", status(401));
  assert.equal((await auth.fetch("/me/")).status, 401);
  assert.equal(server.requests.length, 3);
});

test("every other answer is given to the caller as it is", async (t) => {
  const { auth, server } = await loggedIn(t);
  for (const code of [400, 403, 404, 429, 500, 503]) {
    server.fault("/me/", status(code));
    assert.equal((await auth.fetch("/me/")).status, code);
  }
  assert.equal(server.requests.length, 6);
});

test("a 401 of a token that was replaced meanwhile needs no refresh", async (t) => {
  const { auth, server } = await loggedIn(t);
  let answerSlow;
  server.fault("/slow/", () => new Promise((resolve) => (answerSlow = () => resolve(status(401)()))));
  server.fault("/me/", status(401));
  const slow = auth.fetch("/slow/");
  await auth.fetch("/me/");
  answerSlow();
  assert.equal((await slow).status, 200);
  assert.equal(server.count("/token/refresh/"), 1);
});

test("a base address that is a path needs a page", () => {
  const auth = createAuth({ baseUrl: "/api" });
  return assert.rejects(auth.fetch("/me/"), TypeError);
});

test("the requests of a failed network fail as they would without us", async (t) => {
  const { auth, server } = await loggedIn(t);
  server.fault("/me/", () => Promise.reject(new TypeError("fetch failed")));
  await assert.rejects(auth.fetch("/me/"), { name: "TypeError", message: "fetch failed" });
});
