// The player of clients/scenarios/README.md: does what the lines on standard input say, with the package as a user has it.
import readline from "node:readline";
import { LoggedOut, Refused, Unavailable, createAuth } from "tokenpair";
import { FileStorage } from "./examples/file-storage.mjs";

const clients = new Map();

const actions = {
  open({ client, base_url: baseUrl, storage, clock = 0, patience = 15 }) {
    const file = storage ? new FileStorage(storage) : undefined;
    const auth = createAuth({
      baseUrl,
      storage: file,
      lock: file && ((work, signal) => file.lock(work, signal)),
      clock: () => Date.now() + clock * 1000,
      patience: patience * 1000,
    });
    const counts = { logouts: 0, refreshes: 0 };
    auth.on("logout", ({ reason }) => (counts.logouts += reason === "refused" ? 1 : 0));
    auth.on("refresh", () => (counts.refreshes += 1));
    clients.set(client, { auth, counts });
    return {};
  },

  async login({ client, username, password }) {
    try {
      await clients.get(client).auth.login({ username, password });
      return { status: 200 };
    } catch (error) {
      return { error: kind(error), status: error.status };
    }
  },

  async request({ client, count = 1, ...request }) {
    const { auth } = clients.get(client);
    const outcomes = await Promise.allSettled(Array.from({ length: count }, () => send(auth, request)));
    return {
      statuses: outcomes.flatMap(({ value }) => value ?? []),
      errors: outcomes.flatMap(({ reason }) => (reason ? kind(reason) : [])),
    };
  },

  async state({ client }) {
    const { auth, counts } = clients.get(client);
    return { logged_in: await auth.loggedIn(), ...counts };
  },

  async logout({ client }) {
    return { revoked: await clients.get(client).auth.logout() };
  },

  close({ client }) {
    clients.delete(client);
    return {};
  },
};

async function send(auth, { method, path, body, stream, abort_after: abortAfter }) {
  const init = { method, body, headers: body === undefined ? {} : { "Content-Type": "application/json" } };
  if (stream) Object.assign(init, { body: new Blob([body]).stream(), duplex: "half" });
  if (abortAfter !== undefined) init.signal = AbortSignal.timeout(abortAfter * 1000);
  const answer = await auth.fetch(path, init);
  await answer.arrayBuffer();
  return answer.status;
}

function kind(error) {
  if (error instanceof LoggedOut) return "logged_out";
  if (error instanceof Unavailable) return "unavailable";
  if (error instanceof Refused) return "refused";
  return ["AbortError", "TimeoutError"].includes(error.name) ? "aborted" : "network";
}

async function play(line) {
  const { id, do: action, ...rest } = JSON.parse(line);
  try {
    return { id, ...(await actions[action](rest)) };
  } catch (error) {
    return { id, error: String(error) };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  play(line)
    .catch((error) => ({ id: null, error: String(error) }))
    .then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
}
