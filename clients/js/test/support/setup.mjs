import { createAuth, memory } from "tokenpair";
import { fakeClock } from "./clock.mjs";
import { BASE, Server } from "./server.mjs";

/** A client that is logged in, its server and its clock. */
export async function loggedIn(test, { server: settings, ...options } = {}) {
  const stage = arrange(test, { server: settings, ...options });
  await stage.clock.until(stage.auth.login({ username: "test", password: "test" }));
  stage.server.requests = [];
  stage.events.length = 0;
  return stage;
}

export function arrange(test, { server: settings, ...options } = {}) {
  const clock = fakeClock(test);
  const server = Object.assign(new Server(clock.now), settings);
  const storage = options.storage ?? memory();
  const auth = createAuth({ baseUrl: BASE, fetch: server.fetch, storage, ...options });
  const events = [];
  for (const type of ["login", "refresh", "logout"]) auth.on(type, (event) => events.push(event));
  return { auth, clock, events, server, storage };
}

export const statuses = async (answers) => (await Promise.all(answers)).map(({ status }) => status);
export const names = (events) => events.map(({ type, reason }) => (reason ? `${type} ${reason}` : type));
