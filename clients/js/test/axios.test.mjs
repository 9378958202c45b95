// The interceptors, over real connections: what the seeds' interceptor does, and the rules.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import { inspect } from "node:util";
import axios from "axios";
import { LoggedOut, createAuth } from "tokenpair";
import { attach } from "tokenpair/axios";

const seen = [];
const servers = [];
let [base, elsewhere] = [];
let tokens;
let redirect;

/** `/token/` and `/token/refresh/` hand out tokens by number; the others want the newest one. */
function answer(request, body) {
  if (request.url === "/redirect/") return [302, {}, { Location: redirect }];
  if (request.url.startsWith("/token/")) {
    if (tokens.isRefused) return [401, {}];
    tokens.newest += 1;
    return [200, { access: `secret-${tokens.newest}`, refresh: `secret-r${tokens.newest}` }];
  }
  if (request.url === "/never/") return [401, { detail: "No." }];
  if (request.url === "/forbidden/") return [403, { detail: "No." }];
  const isGood = request.headers.authorization === `Bearer secret-${tokens.newest}` && !tokens.isRefused;
  return isGood ? [200, { body, type: request.headers["content-type"] }] : [401, { detail: "No." }];
}

async function listen() {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    seen.push({ url: request.url, host: request.headers.host, authorization: request.headers.authorization, body });
    const [status, data, headers] = answer(request, body);
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(data));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${server.address().port}`;
}

before(async () => {
  base = await listen();
  elsewhere = await listen();
});
beforeEach(() => {
  tokens = { newest: 0, isRefused: false };
  seen.length = 0;
});
after(() => servers.forEach((server) => server.close()));

async function loggedIn(config) {
  const auth = createAuth({ baseUrl: base });
  await auth.login({});
  seen.length = 0;
  return { auth, api: attach(axios.create({ baseURL: base, ...config }), auth) };
}

/** The server knows the token no more. */
const expire = () => (tokens.newest += 1);
const urls = () => seen.map(({ url }) => url);

for (const adapter of ["http", "fetch"]) {
  test(`${adapter}: a request carries the token, and a 401 is tried once more`, async () => {
    const { api } = await loggedIn({ adapter });
    assert.equal((await api.get("/me/")).status, 200);
    expire();
    assert.equal((await api.get("/me/", { params: { page: 2 } })).status, 200);
    assert.deepEqual(urls(), ["/me/", "/me/?page=2", "/token/refresh/", "/me/?page=2"]);
  });

  test(`${adapter}: a second 401 is rejected, as axios rejects it`, async () => {
    const { api } = await loggedIn({ adapter });
    await assert.rejects(api.get("/never/"), (error) => axios.isAxiosError(error) && error.response.status === 401);
    assert.deepEqual(urls(), ["/never/", "/token/refresh/", "/never/"]);
  });

  test(`${adapter}: other errors come through unchanged`, async () => {
    const { api } = await loggedIn({ adapter });
    await assert.rejects(
      api.get("/forbidden/"),
      ({ name, response }) => name === "AxiosError" && response.status === 403,
    );
    assert.deepEqual(urls(), ["/forbidden/"]);
  });

  test(`${adapter}: fifty requests make one refresh`, async () => {
    const { api } = await loggedIn({ adapter });
    expire();
    const answers = await Promise.all(Array.from({ length: 50 }, () => api.get("/me/")));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(urls().filter((url) => url === "/token/refresh/").length, 1);
  });

  test(`${adapter}: neither errors nor answers show a token`, async () => {
    const { api } = await loggedIn({ adapter });
    const forbidden = await api.get("/forbidden/").catch((error) => error);
    const good = await api.get("/me/");
    expire();
    const repeated = await api.get("/me/");
    for (const shown of [forbidden, good, repeated]) {
      assert.ok(!inspect(shown, { depth: 9 }).includes("secret"), inspect(shown, { depth: 9 }));
    }
    assert.ok(!JSON.stringify(forbidden).includes("secret"));
  });

  test(`${adapter}: another origin gets no token, nor does a redirect to one`, async () => {
    const { api } = await loggedIn({ adapter });
    await api.get(`${elsewhere}/me/`).catch(() => undefined);
    redirect = `${elsewhere}/me/`;
    await api.get("/redirect/").catch(() => undefined);
    const foreign = seen.filter(({ host }) => elsewhere.endsWith(host));
    assert.equal(foreign.length >= 2, true);
    assert.ok(foreign.every(({ authorization }) => authorization === undefined));
  });

  test(`${adapter}: whoever gives up waiting gets the error of axios`, async () => {
    const { api } = await loggedIn({ adapter });
    const controller = new AbortController();
    expire();
    const request = api.get("/me/", { signal: controller.signal });
    while (!urls().includes("/me/")) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await assert.rejects(request, (error) => axios.isCancel(error));
  });
}

test("a 401 of another origin, after a redirect, is the caller's", async () => {
  const { api } = await loggedIn();
  redirect = `${elsewhere}/never/`;
  await assert.rejects(api.get("/redirect/"), ({ response }) => response.status === 401);
  assert.deepEqual(urls(), ["/redirect/", "/never/"]);
});

test("a redirect within the origin keeps the token", async () => {
  const { api } = await loggedIn();
  redirect = "/me/";
  assert.equal((await api.get("/redirect/")).status, 200);
});

test("bodies are sent again as axios makes them; streams are not", async () => {
  const { api } = await loggedIn();
  for (const [data, expected] of [
    [{ name: "value" }, '{"name":"value"}'],
    ["text", "text"],
    [new URLSearchParams({ name: "value" }), "name=value"],
  ]) {
    expire();
    assert.equal((await api.post("/echo/", data)).data.body, expected);
  }
  const form = new FormData();
  form.set("name", "value");
  expire();
  const { body, type } = (await api.post("/echo/", form)).data;
  assert.match(body, /name="name"\s+value/);
  assert.ok(body.includes(type.split("boundary=")[1]));
  expire();
  seen.length = 0;
  await assert.rejects(api.post("/echo/", Readable.from(["text"])), ({ response }) => response.status === 401);
  assert.deepEqual(urls(), ["/echo/", "/token/refresh/"]);
});

test("the 401 of a stream comes back also if the refresh fails", async () => {
  const { api } = await loggedIn();
  tokens.isRefused = true;
  await assert.rejects(api.post("/echo/", Readable.from(["text"])), ({ response }) => response.status === 401);
  assert.deepEqual(urls(), ["/echo/", "/token/refresh/"]);
});

for (const [kind, adapter] of Object.entries({ "stream of Node": "http", stream: "fetch" })) {
  test(`a refused answer that is a ${kind} is closed before the second try`, async () => {
    const { api } = await loggedIn({ adapter });
    const refused = [];
    const watched = async (config) => {
      const send = axios.getAdapter(adapter);
      return send(config).catch((error) => {
        refused.push(error.response.data);
        throw error;
      });
    };
    expire();
    const { data } = await api.get("/me/", { adapter: watched, responseType: "stream" });
    let text = "";
    for await (const piece of data) text += Buffer.from(piece);
    assert.equal(JSON.parse(text).body, "");
    assert.equal(refused.length, 1);
    const [stream] = refused;
    const isClosed = stream.destroyed ?? (await stream.getReader().read()).done;
    assert.ok(isClosed);
  });
}

test("transformations and other interceptors see a request once", async () => {
  const { api } = await loggedIn();
  const calls = [];
  api.interceptors.request.use((config) => (calls.push("request"), config));
  api.interceptors.response.use((response) => (calls.push("response"), response.data));
  expire();
  const sent = await api.post("/echo/", "text", { transformRequest: (data) => `<${data}>` });
  assert.equal(sent.body, "<text>");
  assert.deepEqual(calls, ["request", "response"]);
});

test("a validateStatus that lets everything pass does not hide a 401", async () => {
  const { api } = await loggedIn({ validateStatus: () => true });
  expire();
  assert.equal((await api.get("/me/")).status, 200);
  assert.equal((await api.get("/forbidden/")).status, 403);
});

test("a refused refresh clears the login and rejects", async () => {
  const { api, auth } = await loggedIn();
  tokens.isRefused = true;
  await assert.rejects(api.get("/me/"), LoggedOut);
  assert.equal(await auth.loggedIn(), false);
  await assert.rejects(api.get("/me/"), ({ response }) => response.status === 401);
  assert.deepEqual(urls(), ["/me/", "/token/refresh/", "/me/"]);
});

test("an Authorization of the caller stays", async () => {
  const { api } = await loggedIn();
  await api.get("/me/", { headers: { Authorization: "Basic dGVzdA==" } }).catch(() => undefined);
  assert.deepEqual(
    seen.map(({ authorization }) => authorization),
    ["Basic dGVzdA=="],
  );
});

test("name and password of the caller stay", async () => {
  const { api } = await loggedIn();
  const auth = { username: "test", password: "test" };
  await api.get("/me/", { auth }).catch(() => undefined);
  assert.deepEqual(
    seen.map(({ authorization }) => authorization),
    ["Basic dGVzdDp0ZXN0"],
  );
});

test("a configuration that is used again after a log-out has no second try", async () => {
  const { api, auth } = await loggedIn();
  const { config } = await api.get("/me/");
  await auth.logout();
  await auth.login({});
  seen.length = 0;
  const basic = { username: "test", password: "test" };
  await assert.rejects(api.request({ ...config, auth: basic }), ({ response }) => response.status === 401);
  assert.deepEqual(urls(), ["/me/"]);
});

test("older versions of axios: the token is taken out before a foreign redirect", async () => {
  const { api } = await loggedIn();
  const redirects = [];
  const adapter = async (config) => {
    for (const href of [`${base}/me/`, `${elsewhere}/me/`]) {
      const options = { href, headers: { Authorization: "Bearer secret" } };
      config.beforeRedirect(options, {}, {});
      redirects.push(options.headers.Authorization);
    }
    return { status: 200, data: {}, headers: {}, config };
  };
  let calls = 0;
  await api.get("/me/", { adapter, beforeRedirect: () => (calls += 1) });
  assert.deepEqual(redirects, ["Bearer secret", undefined]);
  assert.equal(calls, 2);
});

test("older versions of axios: an address of another origin gets no token, also where none is allowed", async () => {
  const { api } = await loggedIn();
  api.defaults.allowAbsoluteUrls = false;
  const carried = [];
  const adapter = async (config) => {
    carried.push([config.url, config.headers.has("Authorization")]);
    return { status: 200, data: {}, headers: {}, config };
  };
  const foreign = `${elsewhere}/me/`;
  for (const url of ["/me/", foreign]) await api.get(url, { adapter });
  assert.deepEqual(carried, [
    ["/me/", true],
    [foreign, false],
  ]);
});
