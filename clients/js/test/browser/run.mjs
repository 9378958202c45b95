// Windows of a real browser with one login, rotation with grace, and a clock that is wrong by hours. Nobody may be logged out, no
// request may come to a 401. Pages of the API's origin: one window is killed while it holds the lock. Pages of another origin:
// the browser asks for leave (CORS) and hides `Date`.
//
//   TOKENPAIR_BIN=… npm run test:browser [-- SECONDS, 10 or more]     CHROMIUM names the browser, otherwise the one in the PATH
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { chromium } from "playwright-core";
import { ROTATION, TEST, serve } from "../support/demo.mjs";

const seconds = Number(process.argv[2] ?? 20);
const executablePath = process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
const root = new URL("../../", import.meta.url);
const REFRESH = "/api/token/refresh/";

/** The page, or a file of the package. */
function file(url) {
  const { pathname } = new URL(url, "http://127.0.0.1");
  const isPage = pathname === "/app/";
  const body = readFileSync(new URL(isPage ? "test/browser/page.html" : pathname.replace("/app/", ""), root));
  return { body, contentType: isPage ? "text/html" : "text/javascript" };
}

const pageServer = http.createServer(({ url }, answer) => {
  const { body, contentType } = file(url);
  answer.setHeader("Content-Type", contentType).end(body);
});
await new Promise((resolve) => pageServer.listen(0, "127.0.0.1", resolve));
const pageOrigin = `http://127.0.0.1:${pageServer.address().port}`;

const LIFE = 3;
/** Long enough that none ends on the way: `Date` and `iat` are whole seconds. */
const LIFE_ELSEWHERE = 8;
const near = await serve({ ACCESS_TOKEN_LIFETIME: `${LIFE}s`, ...ROTATION });
const far = await serve({
  ACCESS_TOKEN_LIFETIME: `${LIFE_ELSEWHERE}s`,
  ...ROTATION,
  CORS_ALLOWED_ORIGINS: pageOrigin,
  CORS_ALLOW_CREDENTIALS: "true",
  CSRF_TRUSTED_ORIGINS: pageOrigin,
});
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** Windows with one login, which use it. */
async function openWindows(mode, count, { origin, api }) {
  const context = await browser.newContext();
  // Where there is a route, the browser does not ask for leave (CORS).
  if (!api) await context.route(`${origin}/app/**`, (route) => route.fulfill(file(route.request().url())));
  const seen = { refreshes: 0, refused: 0 };
  context.on("response", (response) => {
    seen.refused += response.status() === 401 ? 1 : 0;
  });
  context.on("request", (request) => {
    seen.refreshes += request.method() === "POST" && request.url().endsWith(REFRESH) ? 1 : 0;
  });
  const open = async () => {
    const page = await context.newPage();
    await page.goto(`${origin}/app/?${mode}&api=${api}`);
    return page;
  };
  const pages = await Promise.all(Array.from({ length: count }, open));
  await pages[0].evaluate((user) => auth.login(user), TEST);
  for (const page of pages) await page.evaluate(() => use());
  return { context, pages, seen };
}

/** Kills the next page that refreshes, under the lock: the server exchanges the token, and the answer does not arrive. */
async function killDuringRefresh(context) {
  const page = await new Promise((resolve) => {
    const answer = async (route) => {
      await route.fetch();
      resolve(route.request().frame().page());
    };
    void context.route(`**${REFRESH}`, answer, { times: 1 });
  });
  const other = context.pages().find((candidate) => candidate !== page);
  const { held } = await other.evaluate(() => navigator.locks.query());
  const session = await context.newCDPSession(page);
  const crash = new Promise((resolve) => page.once("crash", resolve));
  session.send("Page.crash").catch(() => undefined);
  await crash;
  return { killed: page, locks: held.length };
}

async function playNear(mode, count) {
  const windows = await openWindows(mode, count, { origin: near.url, api: "" });
  await wait(seconds / 2);
  const { killed, locks } = await killDuringRefresh(windows.context);
  await wait(seconds / 2);
  windows.pages = windows.pages.filter((page) => page !== killed);
  const problems = locks === 1 ? [] : [`${locks} locks were held when the window was killed`];
  return report(`${mode}, ${count} windows`, windows, LIFE, problems);
}

async function playElsewhere(mode, count) {
  const windows = await openWindows(mode, count, { origin: pageOrigin, api: far.url });
  await wait(seconds);
  const { refused } = windows.seen;
  const problems = refused === 0 ? [] : [`${refused} requests were sent with a dead token`];
  return report(`${mode}, ${count} windows of another origin`, windows, LIFE_ELSEWHERE, problems);
}

/** Yields the number of problems. */
async function report(what, { context, pages, seen: { refreshes } }, life, problems) {
  const seen = await Promise.all(pages.map((page) => page.evaluate(() => seen)));
  const sum = (name) => seen.reduce((total, page) => total + page[name], 0);
  problems.push(...seen.flatMap((page) => page.problems));
  if (sum("logouts") > 0) problems.push(`${sum("logouts")} windows were logged out`);
  if (sum("refreshes") < seconds / life / 2) problems.push("too few refreshes");
  if (refreshes > seconds) problems.push("too many refreshes");
  problems.push(...(await logOutEverywhere(pages)));
  await context.close();
  console.log(`${what}: ${sum("answers")} answers, ${refreshes} refreshes, ${problems.length} problems`);
  for (const problem of problems.slice(0, 10)) console.log(`  ${problem}`);
  return problems.length;
}

/** A log-out in one window is told in the others. */
async function logOutEverywhere([first, ...others]) {
  const isRevoked = await first.evaluate(() => auth.logout());
  for (const page of others) await page.waitForFunction(() => seen.logouts === 1, undefined, { timeout: 5000 });
  const isLoggedIn = await first.evaluate(() => auth.loggedIn());
  return isRevoked && !isLoggedIn ? [] : ["the log-out failed"];
}

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

let problems = 0;
try {
  for (const [play, count] of [
    [playNear, 2],
    [playNear, 5],
    [playElsewhere, 2],
  ]) {
    const both = await Promise.all(["storage", "cookie"].map((mode) => play(mode, count)));
    problems += both[0] + both[1];
  }
} finally {
  await browser.close();
  pageServer.close();
  near.stop();
  far.stop();
}
process.exitCode = problems > 0 ? 1 : 0;
