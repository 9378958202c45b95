// Windows of a real browser with one login: access tokens of 3 s, rotation with grace, and one window killed while it holds
// the lock. Nobody may be logged out, no request may see a 401.
//
//   TOKENPAIR_BIN=… npm run test:browser [-- SECONDS]     CHROMIUM names the browser, otherwise the one in the PATH
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { ROTATION, TEST, serve } from "../support/demo.mjs";

const seconds = Number(process.argv[2] ?? 20);
const executablePath = process.env.CHROMIUM ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
const root = new URL("../../", import.meta.url);
const REFRESH = "**/api/token/refresh/";

const server = await serve({ ACCESS_TOKEN_LIFETIME: "3s", ...ROTATION });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** The page and the package come from the origin of the API. */
async function openContext() {
  const context = await browser.newContext();
  await context.route(`${server.url}/app/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    const isPage = pathname === "/app/";
    const body = readFileSync(new URL(isPage ? "test/browser/page.html" : pathname.replace("/app/", ""), root));
    return route.fulfill({ body, contentType: isPage ? "text/html" : "text/javascript" });
  });
  return context;
}

async function openWindow(context, mode) {
  const page = await context.newPage();
  await page.goto(`${server.url}/app/?${mode}`);
  return page;
}

/** Kills the next page that refreshes, under the lock: the server exchanges the token, and the answer does not arrive. */
async function killDuringRefresh(context) {
  const page = await new Promise((resolve) => {
    const answer = async (route) => {
      await route.fetch();
      resolve(route.request().frame().page());
    };
    void context.route(REFRESH, answer, { times: 1 });
  });
  const other = context.pages().find((candidate) => candidate !== page);
  const { held } = await other.evaluate(() => navigator.locks.query());
  const session = await context.newCDPSession(page);
  const crash = new Promise((resolve) => page.once("crash", resolve));
  session.send("Page.crash").catch(() => undefined);
  await crash;
  return { killed: page, locks: held.length };
}

async function play(mode, count) {
  const context = await openContext();
  let sent = 0;
  context.on("request", (request) => (sent += request.url().endsWith("/token/refresh/") ? 1 : 0));
  let pages = [];
  for (let page = 0; page < count; page += 1) pages.push(await openWindow(context, mode));
  await pages[0].evaluate((user) => auth.login(user), TEST);
  for (const page of pages) await page.evaluate(() => use());

  await pages[1].waitForTimeout((seconds * 1000) / 2);
  const { killed, locks } = await killDuringRefresh(context);
  pages = pages.filter((page) => page !== killed);
  await pages[0].waitForTimeout((seconds * 1000) / 2);

  const refreshes = sent;
  const seen = await Promise.all(pages.map((page) => page.evaluate(() => seen)));
  const sum = (name) => seen.reduce((total, page) => total + page[name], 0);
  const problems = seen.flatMap((page) => page.problems);
  if (sum("logouts") > 0) problems.push(`${sum("logouts")} windows were logged out`);
  if (locks !== 1) problems.push(`${locks} locks were held when the window was killed`);
  if (sum("refreshes") < seconds / 3 / 2) problems.push("too few refreshes");
  if (refreshes > seconds) problems.push("too many refreshes");
  problems.push(...(await logOutEverywhere(pages)));
  await context.close();
  console.log(
    `${mode}, ${count} windows: ${sum("answers")} answers, ${refreshes} refreshes, ${problems.length} problems`,
  );
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

let problems = 0;
try {
  for (const mode of ["storage", "cookie"]) {
    for (const count of [2, 5]) problems += await play(mode, count);
  }
} finally {
  await browser.close();
  server.stop();
}
process.exitCode = problems > 0 ? 1 : 0;
