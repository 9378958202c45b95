// An account from sign-up to a forgotten password, on the pages for people.
import assert from "node:assert/strict";

const PASSWORDS = ["nanoseconds of wire", "a moth in relay 70", "an admiral retires"];
const MAIN = "main button.primary";
const sections = { password: "section[aria-labelledby=password]", sessions: "section[aria-labelledby=sessions]" };

let people = 0;

/** With these hands; `inspect` looks at every page that is new. */
export const live = ({ type, press }, inspect) => async (page, base, mail) => {
  const username = `ada${(people += 1)}`;
  const email = `${username}@example.org`;
  const at = async (title) => {
    assert.equal(await page.title(), `${title} – tokenpair`);
    assert.deepEqual(await inspect(page), []);
  };
  const logIn = async (password) => {
    await at("Log in");
    await type(page, "#username", username);
    await type(page, "#password", password);
    await press(page, MAIN);
    await at("Your account");
  };

  await page.goto(`${base}/auth/account/`);
  await press(page, "main a[href='/auth/register/']");
  await at("Create an account");
  await type(page, "#post-username", `${username} `);
  await type(page, "#post-email", email);
  await type(page, "#post-password", "12345678");
  await press(page, MAIN);
  await at("Error: Create an account");
  assert.match(await page.textContent("#post-password-note"), /This password is too common/);
  assert.equal(await page.inputValue("#post-email"), email);
  assert.equal(await page.locator(":focus").getAttribute("id"), "post-password");
  await type(page, "#post-password", PASSWORDS[0]);
  await press(page, MAIN);
  await at("Check your mail");

  await page.goto(await mail.link(email));
  await at("Confirm your address");
  await type(page, "#post-password", "12345678");
  await press(page, MAIN);
  await at("Error: Confirm your address");
  await type(page, "#post-password", PASSWORDS[0]);
  await press(page, MAIN);
  assert.equal(page.url(), `${base}/auth/account/`);
  await at("Your account");

  await type(page, "#patch-first_name", "Ada");
  await press(page, "form:has(#patch-email) button");
  assert.match(await page.textContent("[role=status]"), /profile is saved/);
  assert.equal(await page.inputValue("#patch-first_name"), "Ada");
  await type(page, "#post-old_password", PASSWORDS[0]);
  await type(page, "#post-new_password", "ada");
  await press(page, `${sections.password} button`);
  await at("Error: Your account");
  assert.equal(await page.locator(":focus").getAttribute("id"), "post-new_password");
  await type(page, "#post-new_password", PASSWORDS[1]);
  await page.fill("#post-old_password", PASSWORDS[0]);
  await press(page, `${sections.password} button`);
  assert.match(await page.textContent("[role=status]"), /password is changed/);

  await twoSessions(page, base, { username, password: PASSWORDS[1] }, { press, at });

  await press(page, "nav.account button");
  await press(page, "main a[href='/auth/password/reset/']");
  await at("Forgot your password?");
  await type(page, "#post-email", email);
  await press(page, MAIN);
  await at("Check your mail");
  const link = await mail.link(email);
  await page.goto(link);
  await at("Set a new password");
  await type(page, "#post-new_password", PASSWORDS[2]);
  await press(page, MAIN);
  await at("Your password is set");
  assert.ok(!page.url().includes("token="), "the link stays in the address");
  await page.goto(link);
  await type(page, "#post-new_password", PASSWORDS[0]);
  await press(page, MAIN);
  await at("Error: Set a new password");
  await press(page, "main a[href='/auth/login/']");
  await logIn(PASSWORDS[2]);
  await press(page, `${sections.sessions} > form button`);
  await at("Log in");
};

/** The one in another browser is seen, and ended. */
async function twoSessions(page, base, { username, password }, { press, at }) {
  const context = await page.context().browser().newContext();
  const other = await context.newPage();
  await other.goto(`${base}/auth/account/`);
  await other.fill("#username", username);
  await other.fill("#password", password);
  await other.click(MAIN);
  assert.equal(other.url(), `${base}/auth/account/`);

  const sessions = page.locator(`${sections.sessions} li`);
  await page.goto(`${base}/auth/account/`);
  await at("Your account");
  assert.equal(await sessions.count(), 2);
  await press(page, `${sections.sessions} li button`);
  assert.match(await page.textContent("[role=status]"), /session has ended/);
  assert.equal(await sessions.count(), 1);
  await other.goto(`${base}/auth/account/`);
  assert.equal(await other.title(), "Log in – tokenpair");
  await context.close();
}
