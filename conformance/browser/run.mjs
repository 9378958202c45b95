// Every page of the demo in a real Chromium: narrow and wide, light and dark, with axe-core; with the keyboard alone; without
// JavaScript.
//
//   node run.mjs TOKENPAIR CHROMIUM FOLDER-FOR-SCREENSHOTS
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { SCHEMES, SIZES, inspect, open } from "./look.mjs";
import { TEST, serve } from "./server.mjs";
import * as visits from "./visits.mjs";

const [tokenpair, executablePath, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const server = await serve(tokenpair);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let [looks, failures] = [0, 0];

function report(where, problems) {
  looks += 1;
  failures += problems.length > 0 ? 1 : 0;
  for (const problem of problems) console.log(`FAILED ${where}: ${problem}`);
}

/** Every path of the document, and the pages that are not in it. */
async function paths() {
  const document = await (await fetch(`${server.base}/api/schema/`)).json();
  const described = Object.keys(document.paths).filter((known) => !known.includes("{"));
  return [...described, ...visits.PAGES];
}

async function everyPage() {
  const all = await paths();
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ viewport, colorScheme });
      for (const visited of all) {
        const name = `${visited.replaceAll("/", " ").trim().replaceAll(" ", "-")}-${size}-${colorScheme}`;
        const { page, problems } = await open(context, server.base);
        await page.goto(server.base + visited);
        report(name, [...(await inspect(page)), ...problems]);
        await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
        await page.close();
      }
      await context.close();
    }
  }
}

async function everyVisit() {
  for (const [name, { javaScriptEnabled = true, colorScheme = "light", visit }] of Object.entries(visits.VISITS)) {
    const context = await browser.newContext({ viewport: SIZES.wide, javaScriptEnabled, colorScheme });
    const { page, problems } = await open(context, server.base);
    try {
      await visit(page, server.base, TEST);
      if (javaScriptEnabled) problems.push(...(await inspect(page)));
    } catch (error) {
      problems.push(String(error));
    }
    await page.screenshot({ path: path.join(folder, `${name.replaceAll(" ", "-")}.png`), fullPage: true });
    report(name, problems);
    await context.close();
  }
}

try {
  await everyPage();
  await everyVisit();
} finally {
  await browser.close();
  server.stop();
}
console.log(`${looks} looks, ${failures} with faults; screenshots in ${folder}`);
process.exitCode = failures > 0 ? 1 : 0;
