// `tokenpair serve --demo` on a port of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

export const TEST = { username: "test", password: "test" };

/** Starts the server of `TOKENPAIR_BIN` with settings, such as `{ ACCESS_TOKEN_LIFETIME: "2s" }`. */
export async function serve(settings = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), "tokenpair-js-"));
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("TOKENPAIR_"));
  const given = Object.entries(settings).map(([name, value]) => [`TOKENPAIR_${name}`, value]);
  const server = spawn(process.env.TOKENPAIR_BIN, ["serve", "--demo", "--listen", "127.0.0.1:0", "--json"], {
    cwd: folder,
    env: { ...Object.fromEntries([...kept, ...given]), TOKENPAIR_LOG: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = readline.createInterface({ input: server.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    server.once("error", reject);
    server.once("exit", (status) => reject(new Error(`the demo did not start: status ${status}`)));
  });
  return {
    url: JSON.parse(first).listening,
    stop() {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** With rotation, as it should be set up. */
export const ROTATION = {
  ROTATE_REFRESH_TOKENS: "true",
  BLACKLIST_AFTER_ROTATION: "true",
  ROTATION_GRACE_PERIOD: "10s",
  REUSE_DETECTION: "true",
};
