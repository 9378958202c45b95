"""Django's admin site, asked over HTTP by a superuser's browser: what it shows, and what may be deleted there."""

import re
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from . import fixtures
from .flaw import expect, same

ADMIN = "root"
SITE = "/admin/"
# A project's own site, where outstanding tokens may be deleted, too: Simple JWT's own page lets nobody do that.
OWN_SITE = "/own-admin/"
OUTSTANDING = "token_blacklist/outstandingtoken/"
BLACKLISTED = "token_blacklist/blacklistedtoken/"
FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """Keeps cookies, follows redirects, and sends a form with the token that stands in it."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.pages = 0

    def get(self, path, status=200):
        return self._open(path, None, status)

    def send(self, path, **fields):
        """Fills in the form that stands there. Returns the page that comes of it."""
        (token, *_) = FIELD.findall(self.get(path))
        return self._open(path, urlencode({"csrfmiddlewaretoken": token, **fields}).encode(), 200)

    def _open(self, path, data, status):
        self.pages += 1
        try:
            answer = self.opener.open(self.address + path, data)
        except HTTPError as error:
            answer = error
        with answer:
            same(f"Django's admin, {path}", status, answer.status)
            return answer.read().decode()


def logged_in(port):
    browser = Browser(port)
    page = browser.send(f"{SITE}login/?next={SITE}", username=ADMIN, password=fixtures.PASSWORD)
    expect("logout" in page, "no log-in to Django's admin")
    return browser


def check(scene, profile, names):
    """The superuser and each of `names`, who have an outstanding and a blacklisted token each, are shown and deleted.

    Returns how many pages were asked for.
    """
    users = "{}/{}/".format(*profile.users.model.lower().split("."))
    with scene.django(profile) as port:
        browser = logged_in(port)
        expected = ((users, 1 + len(names)), (OUTSTANDING, 2 * len(names)), (BLACKLISTED, len(names)))
        for model, rows in expected:
            _expect_shown(browser, SITE + model, rows)
        _expect_shows(browser, SITE + users, names)
        _expect_shows(browser, SITE + BLACKLISTED, _ids(profile, blacklisted=True))
        _expect_shows(browser, SITE + OUTSTANDING, _ids(profile))

        _delete(browser, SITE + BLACKLISTED)
        expect_outstanding_are_kept(browser)
        for _ in _rows(browser, OWN_SITE + BLACKLISTED):  # goes with its outstanding token
            (token,) = profile.database.query("SELECT token_id FROM token_blacklist_blacklistedtoken LIMIT 1")
            _delete(browser, OWN_SITE + OUTSTANDING, f"{token['token_id']}/change/")
        same("blacklisted tokens after their outstanding ones are gone", [], _rows(browser, SITE + BLACKLISTED))
        kept = len(_rows(browser, SITE + OUTSTANDING))
        for row in _rows(browser, SITE + users):
            if _is_form_of(browser.get(row), names):
                _delete(browser, SITE + users, row.removeprefix(SITE + users))
    same("users that are left", 1, _count(profile, profile.users.table))
    same("outstanding tokens of deleted users", kept, _count(profile, "token_blacklist_outstandingtoken"))
    same("of those with no user", kept, _count(profile, "token_blacklist_outstandingtoken WHERE user_id IS NULL"))
    return browser.pages


def expect_outstanding_are_kept(browser):
    """Simple JWT's own page shows outstanding tokens and refuses to delete them."""
    for row in _rows(browser, SITE + OUTSTANDING):
        browser.get(row.replace("/change/", "/delete/"), 403)


def _rows(browser, model):
    return sorted(set(re.findall(rf'href="({re.escape(model)}[^"/]+/change/)[?"]', browser.get(model))))


def _expect_shown(browser, model, number):
    rows = _rows(browser, model)
    same(f"rows that {model} shows", number, len(rows))
    for row in rows:
        browser.get(row)


def _expect_shows(browser, model, texts):
    listed = browser.get(model)
    for text in texts:
        expect(text in listed, f"{text} is not in {model}")


def _is_form_of(page, names):
    """Looks at values only: a short name may stand in a key, or in the form's token."""
    return any(re.search(rf'value="{re.escape(name)}\b', page) for name in names)


def _ids(profile, blacklisted=False):
    some = "WHERE id IN (SELECT token_id FROM token_blacklist_blacklistedtoken)" if blacklisted else ""
    return [row["jti"] for row in profile.database.query(f"SELECT jti FROM token_blacklist_outstandingtoken {some}")]


def _delete(browser, model, row=None):
    before = _rows(browser, model)
    gone = model + row if row else before[0]
    browser.send(gone.replace("/change/", "/delete/"), post="yes")
    same(f"rows of {model} after {gone} was deleted", [row for row in before if row != gone], _rows(browser, model))


def _count(profile, what):
    return profile.database.query(f"SELECT count(*) AS number FROM {what}")[0]["number"]
