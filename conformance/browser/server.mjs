// The demo server on a port of its own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

export const TEST = { username: "test", password: "test" };

/** Starts `tokenpair serve --demo`; yields its address and what ends it. */
export async function serve(tokenpair) {
  const folder = mkdtempSync(path.join(tmpdir(), "pages-"));
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith("TOKENPAIR_"));
  const server = spawn(path.resolve(tokenpair), ["serve", "--demo", "--listen", "127.0.0.1:0", "--json"], {
    cwd: folder,
    env: { ...Object.fromEntries(environment), TOKENPAIR_LOG: "warn" },
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
