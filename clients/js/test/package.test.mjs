// What npm would publish, in an empty project.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const CONSUMER = `
import axios from "axios";
import { createAuth, LoggedOut, webStorage, type Auth, type LoginStorage } from "tokenpair";
import { attach } from "tokenpair/axios";

const storage: LoginStorage = webStorage("sessionStorage");
const auth: Auth = createAuth({ baseUrl: "https://example.com/api", storage, onLogout: ({ reason }) => console.log(reason) });
export const api = attach(axios.create({ baseURL: "https://example.com/api" }), auth);
export const answer: Promise<Response> = auth.fetch("/me/").catch((error: unknown) => {
  throw error instanceof LoggedOut ? error : new Error();
});
export const name: Promise<string> = auth.user<{ username: string }>().then((user) => user.username);
`;

test("the package holds what it should, installs, runs and is typed", (t) => {
  const project = mkdtempSync(path.join(tmpdir(), "tokenpair-js-"));
  t.after(() => rmSync(project, { recursive: true }));
  const run = (program, arguments_, cwd = project) => {
    const { status, stdout, stderr } = spawnSync(program, arguments_, { cwd, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  };

  const pack = ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", project];
  const packed = Object.values(JSON.parse(run("npm", pack, root)))[0];
  const files = packed.files.map((file) => file.path);
  const isExpected = (file) =>
    /^((dist|src)\/[a-z]+\.|(package\.json|README\.md|CHANGELOG\.md|LICENSE-\w+)$)/.test(file);
  assert.deepEqual(
    files.filter((file) => !isExpected(file)),
    [],
  );
  for (const file of ["dist/index.js", "dist/index.d.ts", "dist/index.js.map", "dist/axios.js", "LICENSE-MIT"]) {
    assert.ok(files.includes(file), file);
  }

  writeFileSync(path.join(project, "package.json"), '{ "type": "module" }');
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", path.join(project, packed.filename)]);
  const script =
    'import { createAuth } from "tokenpair"; console.log(typeof createAuth({ baseUrl: "https://a.b" }).fetch)';
  assert.equal(run("node", ["--input-type=module", "--eval", script]), "function\n");

  const dependencies = path.join(project, "node_modules");
  for (const name of ["axios", "@types", "undici-types"]) {
    symlinkSync(path.join(root, "node_modules", name), path.join(dependencies, name));
  }
  writeFileSync(path.join(project, "consumer.ts"), CONSUMER);
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  for (const options of [
    { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"], types: [] },
    { module: "nodenext", moduleResolution: "nodenext", lib: ["es2022"], types: ["node"] },
  ]) {
    const compilerOptions = { noEmit: true, strict: true, target: "es2022", ...options };
    writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    run("node", [tsc]);
  }
});
