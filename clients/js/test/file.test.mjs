// examples/file-storage.mjs, which others copy.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { FileStorage } from "../examples/file-storage.mjs";

function folder(test) {
  const folder = mkdtempSync(path.join(tmpdir(), "tokenpair-js-"));
  test.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const never = new AbortController().signal;

test("what is written is read again; only a file that is not there is nobody", async (t) => {
  const file = path.join(folder(t), "login.json");
  const storage = new FileStorage(file);
  assert.equal(await storage.read(), null);
  await storage.write({ access: "a" });
  assert.deepEqual(await storage.read(), { access: "a" });
  await storage.write(null);
  assert.equal(await storage.read(), null);
  writeFileSync(file, "{");
  await assert.rejects(storage.read(), SyntaxError);
  await assert.rejects(new FileStorage(path.dirname(file)).read(), { code: "EISDIR" });
});

test("a lock that was left behind is taken over by one after the other", async (t) => {
  const file = path.join(folder(t), "login.json");
  writeFileSync(`${file}.lock`, "killed");
  utimesSync(`${file}.lock`, new Date(0), new Date(0));
  let holders = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, (holders += 1));
    await new Promise((resolve) => setTimeout(resolve, 5));
    holders -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => new FileStorage(file).lock(work, never)));
  assert.equal(most, 1);
  assert.deepEqual(readdirSync(path.dirname(file)), []);
});

test("who was too slow does not remove the lock of another", async (t) => {
  const file = path.join(folder(t), "login.json");
  const slow = () => Promise.resolve(writeFileSync(`${file}.lock`, "another"));
  await new FileStorage(file).lock(slow, never);
  assert.equal(readFileSync(`${file}.lock`, "utf8"), "another");
});
