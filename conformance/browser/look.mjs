// Opens a page as people do, and says what is wrong with it.
import axe from "axe-core";

export const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 360, height: 720 } };
export const SCHEMES = ["light", "dark"];
/** What axe-core must not find. */
const GRAVE = ["moderate", "serious", "critical"];

/** What depends on colours. */
export const COLOURS = ["color-contrast"];

/** A page of this context that collects what a good page never does. */
export async function open(context, base) {
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`a script failed: ${error}`));
  page.on("console", (message) => {
    // A browser tells of every 4xx, and a page may be one.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      problems.push(`console: ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !url.startsWith("data:")) problems.push(`asked for ${url}`);
  });
  return { page, problems };
}

/** What is wrong with the page as it is shown now, by all rules, or by those that are named. */
export async function inspect(page, rules = undefined) {
  const problems = [];
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (excess > 0) problems.push(`is ${excess} pixels wider than the window`);
  await page.evaluate(shorten);
  if (await page.evaluate(() => !("axe" in window))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate((runOnly) => axe.run(document, { runOnly, resultTypes: ["violations"] }), rules);
  for (const { id, impact, help, nodes } of violations) {
    const line = `axe: ${id} (${impact}): ${help}: ${nodes[0].html.slice(0, 200)}`;
    if (GRAVE.includes(impact)) problems.push(line);
    else console.log(`  note: ${line}`);
  }
  return problems;
}

/** Leaves the beginning of a long body: the rest is no different, and axe-core would take a minute for it. */
function shorten() {
  const body = document.querySelector("pre.body code");
  const place = body?.children[100];
  if (!place) return;
  const rest = new Range();
  rest.setStartBefore(place);
  rest.setEndAfter(body.lastChild);
  rest.deleteContents();
}
