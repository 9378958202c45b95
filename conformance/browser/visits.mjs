// What people do on the pages, and what they must see then.
import assert from "node:assert/strict";

/** Pages that the API's document does not list. */
export const PAGES = ["/api/docs/", "/auth/login/", "/auth/logout/"];

const seen = async (page, text) => assert.ok((await page.textContent("main")).includes(text), `${text} is not on the page`);

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
async function logIn(page, base, { username, password }) {
  await page.goto(`${base}/api/me/`);
  await seen(page, "HTTP 401 Unauthorized");
  await page.click("nav.account a");
  await fillIn(page, username, password);
  assert.equal(page.url(), `${base}/api/me/`);
  await seen(page, "HTTP 200 OK");
  assert.match(await page.textContent("nav.account"), new RegExp(`Logged in as ${username}`));
}

async function fillIn(page, username, password) {
  await page.fill("#username", username);
  await page.fill("#password", password);
  await page.click("main button.primary");
}

async function logInAndOut(page, base, user) {
  await logIn(page, base, user);
  await page.click("nav.account button");
  await page.waitForSelector("nav.account a");
  await page.goto(`${base}/api/me/`);
  await seen(page, "HTTP 401 Unauthorized");
}

let people = 0;

/** From sign-up to log-out, with two sessions between. */
async function live(page, base) {
  const username = `grace${(people += 1)}`;
  const [first, second] = ["nanoseconds of wire", "a moth in relay 70"];
  await page.goto(`${base}/api/register/`);
  await page.fill("#post-username", username);
  await page.fill("#post-password", first);
  await page.click("form:has(#post-password) button.primary");
  await seen(page, "HTTP 201 Created");
  await logIn(page, base, { username, password: first });
  await page.goto(`${base}/api/password/change/`);
  await page.fill("#post-old_password", first);
  await page.fill("#post-new_password", second);
  await page.click("form:has(#post-old_password) button.primary");
  await seen(page, "HTTP 200 OK");
  await page.goto(`${base}/auth/login/`);
  await fillIn(page, username, second);
  await page.waitForURL(`${base}/api/me/`);
  await page.goto(`${base}/api/sessions/`);
  await seen(page, '"current": true');
  const sessions = page.locator("pre.body a");
  assert.equal(await sessions.count(), 2);
  await sessions.nth(1).click();
  await seen(page, '"current": false');
  await page.click("button.danger");
  await seen(page, "HTTP 204 No Content");
  await page.goto(`${base}/api/sessions/`);
  assert.equal(await sessions.count(), 1);
  await page.click("nav.account button");
  await page.waitForSelector("nav.account a");
  await page.goto(`${base}/api/sessions/`);
  await seen(page, "HTTP 401 Unauthorized");
}

export const VISITS = {
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
      await page.goto(`${base}/api/token/verify/`);
      await page.click("summary");
      await page.fill("#post--content", '{"token": 5}');
      await page.click("details button.primary");
      await seen(page, "Token is invalid");
    },
  },
  "somebody signs up, changes the password and ends a session": { visit: live },
  "somebody lives without JavaScript": { javaScriptEnabled: false, visit: live },
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
  "a form is filled in and sent with the keyboard alone": {
    async visit(page, base, { username, password }) {
      await page.goto(`${base}/api/token/`);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => location.hash), "#main");
      const into = async (id) => {
        for (let step = 0; step < 30; step += 1) {
          if ((await page.evaluate(() => document.activeElement.id)) === id) return;
          await page.keyboard.press("Tab");
        }
        assert.fail(`${id} cannot be reached`);
      };
      await into("post-username");
      await page.keyboard.type(username);
      await into("post-password");
      await page.keyboard.type(password);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      await seen(page, "HTTP 200 OK");
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
