// What people do on the pages, and what they must see then.
import assert from "node:assert/strict";
import { keyboard, pointer } from "./hands.mjs";
import { inspect } from "./look.mjs";
import { live } from "./people.mjs";

/** Pages that the API's document does not list. */
export const PAGES = ["/", "/auth/login/", "/auth/logout/", "/auth/register/"];

/** Pages for people, as somebody sees them who is logged in, where there is mail. */
export const PEOPLES = [
  "/auth/account/",
  "/auth/register/",
  "/auth/register/verify/?uid=MQ&token=x",
  "/auth/register/resend/?done=yes",
  "/auth/password/reset/",
  "/auth/password/reset/confirm/?uid=MQ&token=x",
  "/auth/password/reset/confirm/",
];

export const seen = async (page, text) => assert.ok((await page.textContent("main")).includes(text), `${text} is not on ${page.url()}`);

async function tryTokens(page, base, { username, password }) {
  await page.goto(`${base}/api/token/`);
  await page.fill("#post-username", username);
  await page.fill("#post-password", password);
  await page.click("form button.primary");
  await seen(page, "HTTP 200 OK");
  await seen(page, '"refresh"');
  assert.equal(await page.inputValue("#post-password"), "", "the password is written into the page");
}

/** By the link of a page that needs somebody, and back to it. */
export async function logIn(page, base, { username, password }, { type, press } = pointer) {
  await page.goto(`${base}/api/me/`);
  await seen(page, "HTTP 401 Unauthorized");
  await press(page, "nav.account a");
  await type(page, "#username", username);
  await type(page, "#password", password);
  await press(page, "main button.primary");
  assert.equal(page.url(), `${base}/api/me/`);
  await seen(page, "HTTP 200 OK");
  assert.match(await page.textContent("nav.account"), new RegExp(`Logged in as ${username}`));
}

async function logInAndOut(page, base, user) {
  await logIn(page, base, user);
  await page.click("nav.account button");
  await page.waitForSelector("nav.account a.button");
  await page.goto(`${base}/api/me/`);
  await seen(page, "HTTP 401 Unauthorized");
}

let people = 0;

/** On the pages of the endpoints themselves: from sign-up to log-out, with two sessions between. */
const browse = ({ type, press }) => async (page, base) => {
  const username = `grace${(people += 1)}`;
  const [first, second] = ["nanoseconds of wire", "a moth in relay 70"];
  await page.goto(`${base}/api/register/`);
  await type(page, "#post-username", username);
  await type(page, "#post-password", first);
  await press(page, "form:has(#post-password) button.primary");
  await seen(page, "HTTP 201 Created");
  await logIn(page, base, { username, password: first }, { type, press });
  await page.goto(`${base}/api/password/change/`);
  await type(page, "#post-old_password", first);
  await type(page, "#post-new_password", second);
  await press(page, "form:has(#post-old_password) button.primary");
  await seen(page, "HTTP 200 OK");
  await page.goto(`${base}/auth/login/`);
  await type(page, "#username", username);
  await type(page, "#password", second);
  await press(page, "main button.primary");
  await page.waitForURL(`${base}/auth/account/`);
  await page.goto(`${base}/api/sessions/`);
  await seen(page, '"current": true');
  const sessions = page.locator("pre.body a");
  assert.equal(await sessions.count(), 2);
  const other = await sessions.nth(1).getAttribute("href");
  await press(page, `pre.body a[href='${other}']`);
  await seen(page, '"current": false');
  await press(page, "button.danger");
  await seen(page, "HTTP 204 No Content");
  await page.goto(`${base}/api/sessions/`);
  assert.equal(await sessions.count(), 1);
  await press(page, "nav.account button");
  await page.waitForSelector("nav.account a.button");
  await page.goto(`${base}/api/sessions/`);
  await seen(page, "HTTP 401 Unauthorized");
};

export const VISITS = {
  "somebody lives with the keyboard alone": { people: true, visit: live(keyboard, inspect) },
  "somebody lives without JavaScript": { people: true, javaScriptEnabled: false, visit: live(pointer, async () => []) },
  "somebody uses the endpoints with the keyboard alone": { visit: browse(keyboard) },
  "somebody uses the endpoints without JavaScript": { javaScriptEnabled: false, visit: browse(pointer) },
  "a browser logs in and out": { visit: logInAndOut },
  "a browser logs in and out without JavaScript": { javaScriptEnabled: false, visit: logInAndOut },
  "a wrong password is told": {
    colorScheme: "dark",
    async visit(page, base) {
      await page.goto(`${base}/auth/login/`);
      await page.fill("#username", "test");
      await page.fill("#password", "wrong");
      await page.click("main button.primary");
      assert.ok(await page.locator("[role=alert]").isVisible());
    },
  },
  "OPTIONS and raw data are sent by forms": {
    javaScriptEnabled: false,
    async visit(page, base, user) {
      await logIn(page, base, user);
      await page.click("button[value=OPTIONS]");
      await seen(page, '"renders"');
      assert.equal(await page.locator("#patch-email").count(), 0, "an empty form would wipe the profile");
      await page.goto(`${base}/api/token/verify/`);
      await page.click("summary");
      await page.fill("#post--content", '{"token": 5}');
      await page.click("details button.primary");
      await seen(page, "Token is invalid");
    },
  },
  "the raw data of a form is tidied and its place kept": {
    colorScheme: "dark",
    async visit(page, base, user) {
      await logIn(page, base, user);
      await page.goto(`${base}/api/token/verify/`);
      await page.click("summary");
      await page.fill("#post--content", '{"token":"x"}');
      await page.click("text=Tidy JSON");
      assert.equal(await page.inputValue("#post--content"), '{\n    "token": "x"\n}');
    },
  },
  "a form is sent and its answer is shown": { visit: tryTokens },
  "a form works without JavaScript": { javaScriptEnabled: false, visit: tryTokens },
  "an error stands beside its field": {
    colorScheme: "dark",
    async visit(page, base) {
      await page.goto(`${base}/api/token/verify/`);
      await page.fill("#post-token", " ");
      await page.click("form button.primary");
      await seen(page, "HTTP 400 Bad Request");
      assert.match(await page.textContent("#post-token-note"), /This field may not be blank/);
      assert.equal(await page.evaluate(() => document.activeElement.id), "post-token");
    },
  },
  "the first Tab leads to the content": {
    async visit(page, base) {
      await page.goto(`${base}/api/token/`);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => location.hash), "#main");
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement.closest("main")));
    },
  },
  "a hidden place of the documentation is found by its link": {
    async visit(page, base) {
      await page.goto(`${base}/api/docs/`);
      await page.click("nav.contents a[href='#token_verify']");
      assert.ok(await page.locator("#token_verify h2").isVisible());
    },
  },
};
