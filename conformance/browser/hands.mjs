// Two ways to use a page.
import assert from "node:assert/strict";

/** With a pointer. */
export const pointer = {
  type: (page, selector, text) => page.fill(selector, text),
  press: (page, selector) => page.click(selector),
};

/** With Tab, Enter and letters, and nothing else. */
export const keyboard = {
  async type(page, selector, text) {
    await reach(page, selector);
    await page.keyboard.type(text);
  },
  async press(page, selector) {
    await reach(page, selector);
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  },
};

/** Tab by Tab, each of which must show where one is. */
async function reach(page, selector) {
  for (let step = 0; step < 80; step += 1) {
    const place = await page.evaluate((wanted) => {
      const place = document.activeElement;
      const isSeen = place === document.body || getComputedStyle(place).outlineStyle !== "none";
      return { isThere: place.matches(wanted), isSeen, html: place.outerHTML.slice(0, 120) };
    }, selector);
    assert.ok(place.isSeen, `nothing shows that ${place.html} has the focus`);
    if (place.isThere) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${selector} cannot be reached with Tab`);
}
