// Rule 12: no token where somebody looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { lost, status } from "./support/server.mjs";
import { loggedIn } from "./support/setup.mjs";

const deep = (value) =>
  inspect(value, { depth: 20, showHidden: true, getters: true }) + JSON.stringify(value) + String(value);

test("the client shows no token", async (t) => {
  const { auth, events, server, storage } = await loggedIn(t);
  const { access, refresh } = storage.read();
  server.fault("/me/", status(401));
  await auth.fetch("/me/");
  await auth.logout();
  for (const shown of [deep(auth), deep(events)]) {
    assert.ok(!shown.includes(access) && !shown.includes(refresh) && !shown.includes("eyJ"), shown);
  }
});

test("errors show no token", async (t) => {
  const { auth, clock, server } = await loggedIn(t, { patience: 10 });
  const echo = async (usual) => {
    await usual();
    return server.answer(400, { detail: server.requests.at(-1).body });
  };
  const chatty = () => Promise.reject(Object.assign(new Error(), { config: server.requests.at(-1) }));
  for (const fault of [echo, lost, chatty, status(503), status(401)]) {
    server.fault("/me/", status(401));
    server.fault("/token/refresh/", fault);
    const error = await clock.until(auth.fetch("/me/").catch((error) => error));
    assert.ok(error instanceof Error);
    assert.ok(!deep(error).includes("eyJ"), deep(error));
    await auth.login({});
  }
});
