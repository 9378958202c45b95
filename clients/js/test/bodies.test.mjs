// Rule 11: what can be sent twice is, what cannot is not.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BASE, status } from "./support/server.mjs";
import { loggedIn } from "./support/setup.mjs";

const form = () => {
  const data = new FormData();
  data.set("name", "value");
  data.set("file", new Blob(["contents"]), "file.txt");
  return data;
};
const bytes = new TextEncoder().encode("contents");
const stream = () => new Blob(["contents"]).stream();
async function* pieces() {
  yield bytes;
}

const again = {
  string: "contents",
  FormData: form(),
  URLSearchParams: new URLSearchParams({ name: "value" }),
  Blob: new Blob(["contents"]),
  ArrayBuffer: bytes.buffer,
  Uint8Array: bytes,
};
for (const [kind, body] of Object.entries(again)) {
  test(`a body that is a ${kind} is sent again`, async (t) => {
    const { auth, server } = await loggedIn(t);
    server.fault("/echo/", status(401));
    assert.equal((await auth.fetch("/echo/", { method: "POST", body })).status, 200);
    const [first, , second] = server.requests;
    assert.match(first.body, /contents|value/);
    const withoutBoundary = (text) => text.replaceAll(/-+formdata-\S+/g, "");
    assert.equal(withoutBoundary(second.body), withoutBoundary(first.body));
  });
}

for (const [kind, body] of Object.entries({
  stream: stream(),
  "stream of Node": Readable.from([bytes]),
  generator: pieces(),
})) {
  test(`a body that is a ${kind} is not sent again: the 401 comes back, with fresh tokens for the next request`, async (t) => {
    const { auth, server } = await loggedIn(t);
    server.fault("/echo/", status(401));
    const answer = await auth.fetch("/echo/", { method: "POST", body, duplex: "half" });
    assert.equal(answer.status, 401);
    assert.equal(server.count("/echo/"), 1);
    assert.equal(server.count("/token/refresh/"), 1);
    assert.equal(await answer.text(), "{}");
    assert.equal((await auth.fetch("/me/")).status, 200);
    assert.equal(server.count("/token/refresh/"), 1);
  });
}

test("the 401 of a stream comes back also if the refresh fails", async (t) => {
  const { auth, server } = await loggedIn(t);
  for (const code of [400, 401]) {
    server.fault("/echo/", status(401));
    server.fault("/token/refresh/", status(code));
    assert.equal((await auth.fetch("/echo/", { method: "POST", body: stream(), duplex: "half" })).status, 401);
  }
  assert.equal(server.count("/token/refresh/"), 2);
  assert.equal(await auth.loggedIn(), false);
});

test("a Request with a body is sent again, and so is one changed by init", async (t) => {
  const { auth, server } = await loggedIn(t);
  const request = () => new Request(`${BASE}/echo/`, { method: "PUT", body: "contents" });
  for (const init of [undefined, { headers: { "X-One": "1" } }]) {
    server.fault("/echo/", status(401));
    assert.equal((await auth.fetch(request(), init)).status, 200);
    const last = server.requests.at(-1);
    assert.deepEqual([last.method, last.body, last.headers["x-one"]], ["PUT", "contents", init && "1"]);
  }
});

test("the signal of a Request counts, too", async (t) => {
  const { auth, clock, server } = await loggedIn(t);
  await clock.advance(2 * 60 * 60_000);
  server.fault("/token/refresh/", () => new Promise(() => {}));
  const controller = new AbortController();
  const request = auth.fetch(new Request(`${BASE}/me/`, { signal: controller.signal }));
  controller.abort();
  await assert.rejects(request, { name: "AbortError" });
  assert.equal(server.count("/me/"), 0);
});
