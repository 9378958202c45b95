// Rule 1 over real connections: what follows a redirect leaves the token behind.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Refused, createAuth, memory } from "tokenpair";

const seen = [];
const servers = [];
let [base, elsewhere] = [];

async function listen() {
  const server = createServer((request, response) => {
    const { authorization, host } = request.headers;
    seen.push({ authorization, isForeign: elsewhere.endsWith(host), url: request.url });
    if (request.url === "/away/") response.writeHead(307, { Location: `${elsewhere}/me/` });
    if (request.url === "/refused/") response.writeHead(302, { Location: `${elsewhere}/401/` });
    if (request.url === "/401/") response.writeHead(401);
    if (request.url === "/within/") response.writeHead(302, { Location: "/me/" });
    if (request.url === "/token/refresh/") response.writeHead(307, { Location: `${elsewhere}/token/refresh/` });
    response.end("{}");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${server.address().port}`;
}

before(async () => {
  base = await listen();
  elsewhere = await listen();
});
after(() => servers.forEach((server) => server.close()));

function client(access) {
  const storage = memory();
  storage.write({ access, refresh: "refresh" });
  seen.length = 0;
  return createAuth({ baseUrl: base, storage });
}

test("a redirect to another origin carries no token, one within the origin does", async () => {
  const auth = client("opaque");
  await auth.fetch("/away/", { method: "POST", body: "text" });
  await auth.fetch("/within/");
  assert.deepEqual(
    seen.map(({ authorization, isForeign }) => [isForeign, authorization]),
    [
      [false, "Bearer opaque"],
      [true, undefined],
      [false, "Bearer opaque"],
      [false, "Bearer opaque"],
    ],
  );
});

test("a 401 of another origin, after a redirect, is the caller's", async () => {
  const auth = client("opaque");
  assert.equal((await auth.fetch("/refused/")).status, 401);
  assert.deepEqual(
    seen.map(({ url }) => url),
    ["/refused/", "/401/"],
  );
});

test("a refresh follows no redirect: the refresh token would go with it", async () => {
  await assert.rejects(client("opaque").fetch("/401/"), Refused);
  assert.deepEqual(
    seen.map(({ url }) => url),
    ["/401/", "/token/refresh/"],
  );
});
