// The demo server on a port of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

export const TEST = { username: "test", password: "test" };

/** A port that nobody listens on, for who has to know it before the server does. */
async function freePort() {
  const probe = net.createServer();
  await new Promise((ready) => probe.listen(0, "127.0.0.1", ready));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** The demo where new users prove their address, and forgotten passwords are set anew, by mail to this port. */
export async function serveWithMail(tokenpair, mailPort) {
  const port = await freePort();
  return serve(tokenpair, port, {
    TOKENPAIR_EMAIL_HOST: "127.0.0.1",
    TOKENPAIR_EMAIL_PORT: String(mailPort),
    TOKENPAIR_DEFAULT_FROM_EMAIL: "noreply@example.org",
    TOKENPAIR_SITE_URL: `http://127.0.0.1:${port}`,
    TOKENPAIR_EMAIL_VERIFICATION: "true",
  });
}

/** Starts `tokenpair serve --demo`; yields its address and what ends it. */
export async function serve(tokenpair, port = 0, variables = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), "pages-"));
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith("TOKENPAIR_"));
  const server = spawn(path.resolve(tokenpair), ["serve", "--demo", "--listen", `127.0.0.1:${port}`, "--json"], {
    cwd: folder,
    // With a hash that takes no time, as a machine that does other things would answer 503 to the log-ins.
    env: { ...Object.fromEntries(environment), TOKENPAIR_LOG: "error", TOKENPAIR_PASSWORD_HASHERS: "md5", ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = readline.createInterface({ input: server.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    server.once("exit", (status) => reject(new Error(`the demo did not start: status ${status}`)));
  });
  return {
    base: JSON.parse(first).listening,
    stop() {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
