"""Seed 002's axios interceptor in a real Chromium, with axios itself, in pages of other origins than the server's."""
import json
import os
import pathlib

from browser import told_by_a_page_of
from demo import INVALID, PRINTED, TEST, example, expect, log_in, who_is

# Where `run.py` leaves the folder of the package.
PACKAGE = "TOKENPAIR_SEEDS_AXIOS"
# The package as one module, made for browsers.
MODULE = "dist/esm/axios.js"
PAGE = """<!doctype html><meta charset="utf-8"><title>Example</title>
<script type="importmap">{"imports": {"axios": "/axios.js"}}</script>
<script type="module" src="%s"></script>
"""
# Holds tokens and calls through the example's `api`, one call after the other. If the example leaves for another page, that one tells.
CALLS = """
const { tokens, calls, eachAfterExpiry } = %s;
Object.assign(localStorage, tokens);

const exchanges = [];
const { open } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, address, ...rest) {
  const { pathname } = new URL(address, location);
  this.addEventListener('readystatechange', () => {
    if (this.readyState === XMLHttpRequest.DONE) exchanges.push(`${method} ${pathname} ${this.status}`);
  });
  return open.call(this, method, address, ...rest);
};

const untilExpiry = token => {
  const { exp } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
  return new Promise(resolve => setTimeout(resolve, exp * 1000 - Date.now() + 1));
};

let isLeaving = false;
navigation.addEventListener('navigate', () => { isLeaving = true; });

const outcomes = [];
let failure = null;
try {
  const { default: api } = await import('/api.js');
  for (const call of calls) {
    if (eachAfterExpiry) await untilExpiry(localStorage.getItem('access_token'));
    outcomes.push(await api(call).then(
      ({ status, data }) => [status, data],
      ({ name, code, response }) => [name, response?.status ?? code, response?.data],
    ));
  }
} catch (error) {
  failure = String(error);
}
sessionStorage.setItem('told', JSON.stringify({ failure, outcomes, exchanges }));
if (!isLeaving) await import('/tell.js');
"""
TELL = """
const told = JSON.parse(sessionStorage.getItem('told'));
const report = { ...told, tokens: { ...localStorage }, place: location.pathname };
fetch('/report', { method: 'POST', body: JSON.stringify(report) });
"""
ME = {"url": "/me/"}
REFRESHED = ["GET /api/me/ 401", "POST /api/token/refresh/ 200", "GET /api/me/ 200"]


def called(calls, tokens, host="localhost", each_after_expiry=False):
    """What comes of these calls in a page of `http://HOST:5173` with these tokens."""
    axios = pathlib.Path(os.environ[PACKAGE], MODULE).read_text(encoding="utf-8")
    given = json.dumps({"tokens": tokens, "calls": calls, "eachAfterExpiry": each_after_expiry})
    scripts = {"/axios.js": axios, "/api.js": example("002_axios.js"), "/calls.js": CALLS % given, "/tell.js": TELL}
    contents = {path: ("text/javascript", text) for path, text in scripts.items()}
    contents |= {"/": ("text/html", PAGE % "/calls.js"), "/login": ("text/html", PAGE % "/tell.js")}
    told = json.loads(told_by_a_page_of(host, contents))
    expect(told["failure"], None)
    return told


def stored(access, refresh):
    return {"access_token": access, "refresh_token": refresh}


def expect_me(outcomes, times=1):
    """That so many calls were answered, each to the demo's user."""
    expect([(status, data["username"]) for status, data in outcomes], [(200, "test")] * times)


def seed_002_axios_adds_the_token():
    tokens = stored(*log_in())
    told = called([ME], tokens)
    expect(told["exchanges"], ["GET /api/me/ 200"])
    expect_me(told["outcomes"])
    expect(told["tokens"], tokens)


def seed_002_axios_refreshes_and_repeats_the_request():
    _, refresh = log_in()
    told = called([ME], stored("x.y.z", refresh), host="127.0.0.1")
    expect(told["exchanges"], REFRESHED)
    expect_me(told["outcomes"])
    expect(told["tokens"]["refresh_token"], refresh)
    expect(who_is(told["tokens"]["access_token"]), "test")


def seed_002_axios_refreshes_once():
    _, refresh = log_in()
    wrong = {"method": "post", "url": "/token/", "data": TEST | {"password": "wrong"}}
    told = called([wrong], stored("x.y.z", refresh))
    expect(told["exchanges"], ["POST /api/token/ 401", "POST /api/token/refresh/ 200", "POST /api/token/ 401"])
    expect(told["outcomes"], [["AxiosError", 401, {"detail": "No active account found with the given credentials"}]])
    expect((told["place"], who_is(told["tokens"]["access_token"])), ("/", "test"))


def seed_002_axios_whose_refresh_is_refused():
    told = called([ME], stored("x.y.z", PRINTED))
    expect(told["exchanges"], ["GET /api/me/ 401", "POST /api/token/refresh/ 401"])
    expect(told["outcomes"], [["AxiosError", 401, INVALID]])
    expect((told["place"], told["tokens"]), ("/login", {}))


def seed_002_axios_without_tokens():
    told = called([ME], {})
    expect(told["exchanges"], ["GET /api/me/ 401", "POST /api/token/refresh/ 400"])
    expect((told["place"], told["tokens"]), ("/login", {}))


def seed_002_axios_leaves_other_errors_alone():
    tokens = stored(*log_in())
    told = called([{"url": "/nothing/"}, {"method": "post", "url": "/token/", "data": {}}], tokens)
    expect(told["exchanges"], ["GET /api/nothing/ 404", "POST /api/token/ 400"])
    missing = ["This field is required."]
    expect([outcome[:2] for outcome in told["outcomes"]], [["AxiosError", 404], ["AxiosError", 400]])
    expect(told["outcomes"][1][2], {"username": missing, "password": missing})
    expect((told["place"], told["tokens"]), ("/", tokens))


def seed_002_axios_from_a_strange_origin():
    tokens = stored(*log_in())
    told = called([ME], tokens, host="strange.example")
    expect(told["exchanges"], ["GET /api/me/ 0"])
    expect(told["outcomes"], [["AxiosError", "ERR_NETWORK", None]])
    expect((told["place"], told["tokens"]), ("/", tokens))


def seed_002_axios_over_three_expiries():
    tokens = stored(*log_in())
    told = called([ME] * 3, tokens, each_after_expiry=True)
    expect(told["exchanges"], REFRESHED * 3)
    expect_me(told["outcomes"], times=3)
    expect(told["tokens"]["refresh_token"], tokens["refresh_token"])


EXAMPLES = [
    seed_002_axios_adds_the_token,
    seed_002_axios_refreshes_and_repeats_the_request,
    seed_002_axios_refreshes_once,
    seed_002_axios_whose_refresh_is_refused,
    seed_002_axios_without_tokens,
    seed_002_axios_leaves_other_errors_alone,
    seed_002_axios_from_a_strange_origin,
]
EXAMPLES_WITH_2_SECONDS = [seed_002_axios_over_three_expiries]
