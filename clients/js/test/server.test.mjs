// Against the real server: set TOKENPAIR_BIN to the binary.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import axios from "axios";
import { LoggedOut, createAuth } from "tokenpair";
import { attach } from "tokenpair/axios";
import { ROTATION, TEST, serve } from "./support/demo.mjs";

assert.ok(process.env.TOKENPAIR_BIN, "TOKENPAIR_BIN has to name the server's binary");

let server;
let baseUrl;
before(async () => {
  server = await serve({ ACCESS_TOKEN_LIFETIME: "2s", ...ROTATION });
  baseUrl = `${server.url}/api`;
});
after(() => server.stop());

/** A clock that is ahead of the server's token: its end is near. */
function hasty() {
  const clock = { ahead: 0 };
  return [() => Date.now() + clock.ahead, () => (clock.ahead += 10_000)];
}

test("log in, ask, refresh, log out", async () => {
  const [clock, wait] = hasty();
  const auth = createAuth({ baseUrl, clock });
  let refreshes = 0;
  auth.on("refresh", () => (refreshes += 1));
  await assert.rejects(auth.login({ ...TEST, password: "wrong" }), { name: "Refused", status: 401 });
  await auth.login(TEST);
  assert.equal((await auth.user()).username, "test");
  wait();
  const answers = await Promise.all(Array.from({ length: 50 }, () => auth.fetch("/me/")));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(refreshes, 1);
  assert.equal(await auth.logout(), true);
  assert.equal((await auth.fetch("/me/")).status, 401);
});

test("a refresh token that was revoked elsewhere ends the login", async () => {
  const [clock, wait] = hasty();
  let kept;
  const storage = { read: () => kept ?? null, write: (login) => (kept = login) };
  const auth = createAuth({ baseUrl, clock, storage });
  await auth.login(TEST);
  const { refresh } = kept;
  const body = JSON.stringify({ refresh });
  await fetch(`${baseUrl}/token/blacklist/`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  wait();
  await assert.rejects(auth.fetch("/me/"), LoggedOut);
  assert.equal(kept, null);
});

test("sign up", async () => {
  const auth = createAuth({ baseUrl });
  const { user } = await auth.register({ username: "ada", password: "analytical-engine" });
  assert.equal(user.username, "ada");
  assert.equal((await auth.user()).username, "ada");
  await assert.rejects(auth.register({ username: "ada", password: "x" }), ({ status, data }) => {
    return status === 400 && data.username[0] === "A user with that username already exists.";
  });
});

test("axios", async () => {
  const [clock, wait] = hasty();
  const auth = createAuth({ baseUrl, clock });
  const api = attach(axios.create({ baseURL: baseUrl }), auth);
  await auth.login(TEST);
  wait();
  assert.equal((await api.get("/me/")).data.username, "test");
  assert.equal((await api.patch("/me/", { first_name: "Ada" })).data.first_name, "Ada");
});

test("the examples of the README run as printed", async () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const examples = [...text.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code);
  const outputs = ["{ id: 1, username: 'test', ", "401 No active account found with the given credentials"];
  assert.equal(examples.length, outputs.length);
  for (const [index, example] of examples.entries()) {
    const code = example.replace("http://127.0.0.1:8000", server.url);
    const run = promisify(execFile)("node", ["--input-type=module", "--eval", code], {
      cwd: new URL("..", import.meta.url),
    });
    assert.ok((await run).stdout.replaceAll(/\s+/g, " ").startsWith(outputs[index]));
  }
});

test("the player plays, two clients sharing a storage", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "tokenpair-js-"));
  const player = spawn("node", [fileURLToPath(new URL("../player.mjs", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => rmSync(folder, { recursive: true }));
  const lines = readline.createInterface({ input: player.stdout })[Symbol.asyncIterator]();
  let id = 0;
  const play = async (line) => {
    player.stdin.write(`${JSON.stringify({ id: (id += 1), ...line })}\n`);
    const { id: given, ...answer } = JSON.parse((await lines.next()).value);
    assert.equal(given, id);
    return answer;
  };
  const storage = path.join(folder, "login.json");
  for (const [client, clock] of [
    ["a", 0],
    ["b", 600],
    ["c", 0],
  ]) {
    const open = { do: "open", client, base_url: baseUrl, storage: client === "c" ? null : storage, clock };
    assert.deepEqual(await play(open), {});
  }
  assert.deepEqual(await play({ do: "login", client: "a", ...TEST, password: "no" }), {
    error: "refused",
    status: 401,
  });
  assert.deepEqual(await play({ do: "login", client: "a", ...TEST }), { status: 200 });
  const request = { do: "request", client: "b", method: "GET", path: "/me/", count: 5 };
  assert.deepEqual(await play(request), { statuses: [200, 200, 200, 200, 200], errors: [] });
  const aborted = await play({ ...request, count: 1, client: "a", abort_after: 0 });
  assert.deepEqual(aborted, { statuses: [], errors: ["aborted"] });
  const state = await play({ do: "state", client: "b" });
  assert.deepEqual([state.logged_in, state.logouts], [true, 0]);
  const stream = { do: "request", client: "c", method: "POST", path: "/me/", body: "{}", stream: true };
  assert.deepEqual(await play(stream), { statuses: [401], errors: [] });
  assert.deepEqual(await play({ do: "logout", client: "b" }), { revoked: true });
  assert.deepEqual(await play({ do: "state", client: "a" }), { logged_in: false, logouts: 0, refreshes: 0 });
  assert.deepEqual(await play({ do: "close", client: "a" }), {});
  assert.match((await play({ do: "dance" })).error, /./);
  player.stdin.end();
  assert.equal(await new Promise((resolve) => player.on("exit", resolve)), 0);
});
