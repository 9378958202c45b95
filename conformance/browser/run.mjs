// Every page of the demo in a real Chromium: narrow and wide, light and dark, with axe-core; with the keyboard alone; without
// JavaScript.
//
//   node run.mjs TOKENPAIR CHROMIUM FOLDER-FOR-SCREENSHOTS
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { COLOURS, SCHEMES, SIZES, inspect, open } from "./look.mjs";
import { mailbox } from "./mailbox.mjs";
import { TEST, serve, serveWithMail } from "./server.mjs";
import * as visits from "./visits.mjs";

const [tokenpair, executablePath, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const mail = await mailbox();
const [plain, mailing] = await Promise.all([serve(tokenpair), serveWithMail(tokenpair, mail.port)]);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let [looks, failures] = [0, 0];

function report(where, problems) {
  looks += 1;
  failures += problems.length > 0 ? 1 : 0;
  for (const problem of problems) console.log(`FAILED ${where}: ${problem}`);
}

/** What is to be looked at by nobody, and by somebody who is logged in. */
async function pages() {
  const document = await (await fetch(`${plain.base}/api/schema/`)).json();
  const described = Object.keys(document.paths).filter((known) => !known.includes("{"));
  const stranger = await browser.newContext();
  const somebody = await browser.newContext();
  await visits.logIn(await somebody.newPage(), mailing.base, TEST);
  const at = (context, base) => (visited) => ({ context, base, visited });
  return [
    ...[...described, ...visits.PAGES].map(at(stranger, plain.base)),
    ...visits.PEOPLES.map(at(somebody, mailing.base)),
  ];
}

/** One page in each of its looks. */
async function everyLook({ context, base, visited }) {
  const { page, problems } = await open(context, base);
  await page.goto(base + visited);
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      const where = visited.split("?")[0].replaceAll("/", " ").trim().replaceAll(" ", "-");
      const name = `${where || "home"}-${size}-${colorScheme}`;
      await page.emulateMedia({ colorScheme });
      report(name, [...(await inspect(page, colorScheme === "dark" ? COLOURS : undefined)), ...problems.splice(0)]);
      await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
    }
  }
  await page.close();
}

async function visit([name, { javaScriptEnabled = true, colorScheme = "light", people = false, visit }]) {
  const { base } = people ? mailing : plain;
  const context = await browser.newContext({ viewport: SIZES.wide, javaScriptEnabled, colorScheme });
  const { page, problems } = await open(context, base);
  try {
    await visit(page, base, people ? mail : TEST);
    if (javaScriptEnabled) problems.push(...(await inspect(page)));
  } catch (error) {
    problems.push(error.stack);
  }
  await page.screenshot({ path: path.join(folder, `${name.replaceAll(" ", "-")}.png`), fullPage: true });
  report(name, problems);
  await context.close();
}

/** Each after the other, in two rows. */
async function inTwoRows(jobs, work) {
  const row = async () => {
    for (let job; (job = jobs.shift()); ) await work(job);
  };
  await Promise.all([row(), row()]);
}

try {
  await inTwoRows(await pages(), everyLook);
  await inTwoRows(Object.entries(visits.VISITS), visit);
} finally {
  await browser.close();
  for (const { stop } of [plain, mailing, mail]) stop();
}
console.log(`${looks} looks, ${failures} with faults; screenshots in ${folder}`);
process.exitCode = failures > 0 ? 1 : 0;
