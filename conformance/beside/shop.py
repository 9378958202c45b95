"""A shop whose clients log in, refresh and ask again by themselves: they never notice who answers."""

import json
import shutil
import subprocess
from itertools import chain, cycle, repeat

import jwt
import requests

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .keys import settings_for
from .profiles import PROJECT, Users
from .switch import switch
from .tokens import claims_of, described

SHOP = Users(
    "the shop",
    "shop.Shopper",
    "number",
    "mail",
    {
        "table": "shop_account",
        "id": "shopper_no",
        "username": "mail_address",
        "username_field": "mail",
        "password": "pass_hash",
        "is_active": "may_buy",
        "is_staff": "sells",
        "last_login": "last_visit",
    },
    f"{PROJECT}.shop",
)
SETTINGS = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    "AUTH_HEADER_TYPES": ("JWT", "Shop"),
    "AUTH_HEADER_NAME": "HTTP_X_SHOP_AUTH",
    "USER_ID_CLAIM": "shopper",
    "TOKEN_TYPE_CLAIM": "kind",
    "JTI_CLAIM": "serial",
    "ISSUER": "https://shop.example.com",
    "AUDIENCE": ["web", "app"],
}
HEADER = "X-Shop-Auth"
NAME, GONE = "ada@example.com", "gone@example.com"
WAYS = {
    "tokenpair alone": lambda: repeat("tokenpair"),
    "in turn": lambda: cycle(("Django", "tokenpair")),
    "in turn, tokenpair first": lambda: cycle(("tokenpair", "Django")),
    "by two": lambda: chain(("Django",), cycle(("tokenpair", "tokenpair", "Django", "Django"))),
}
LONG_AGO = 24 * 60 * 60
# Of the connection, of the moment, or tokenpair's own additions, which COMPATIBILITY.md names.
OTHER_HEADERS = {"date", "server", "connection", "content-length", "x-request-id", "cache-control"}
TOKENS = ("access", "refresh")


def check(scene, profile, ways):
    """Plays the clients against Django alone and then `ways`. Returns what to say about it."""
    profile = profile.but(users=SHOP, simple_jwt={**SETTINGS, **settings_for("RS256")})
    in_django(profile, fixtures.migrate)
    in_django(profile, fixtures.create_users, [NAME])
    in_django(profile, _create_inactive)
    expected, _who = _play(scene, profile, repeat("Django"))
    answered = []
    for way in ways:
        found, who = _play(scene, profile, WAYS[way]())
        for theirs, ours in zip(expected, found, strict=False):
            same(f"{way}, {theirs[0]}", theirs, ours)
        same(f"{way}: answers", len(expected), len(found))
        answered.append(f"{way} ({who['Django']} by Django, {who['tokenpair']} by tokenpair)")
    return f"{len(expected)} answers to requests and curl as from Django alone, 0 differences: {', '.join(answered)}"


def _create_inactive():
    fixtures.create_users([GONE], is_active=False)


def _play(scene, profile, turns):
    with profile.database.copied() as database, scene.both(profile.but(database=database)) as (theirs, ours):
        with switch({"Django": theirs, "tokenpair": ours}, turns) as (address, answered):
            diary = Diary(address, profile.simple_jwt["SIGNING_KEY"])
            for visit in (_shops, _curls, _errs):
                visit(diary)
    return diary.entries, answered


class Diary:
    """What was answered, with tokens described and times left out."""

    def __init__(self, address, key):
        self.address = address
        self.key = key
        self.session = requests.Session()
        self.entries = []

    def ask(self, what, method, path, **options):
        answer = self.session.request(method, self.address + path, timeout=60, allow_redirects=False, **options)
        return self.note(what, answer.status_code, answer.headers, answer.text)

    def note(self, what, status, headers, text):
        # A profile can be changed at tokenpair's /api/me/.
        kept = ((name.lower(), value.replace("PATCH, ", "")) for name, value in headers.items())
        shown = sorted((name, value) for name, value in kept if name not in OTHER_HEADERS)
        body = json.loads(text) if text.startswith(("{", "[")) else text
        is_pair = status == 200 and isinstance(body, dict)
        without_times = {name: described(body[name]) for name in TOKENS if is_pair and name in body}
        if without_times:
            told = {**body, **without_times}
        elif isinstance(body, dict):
            told = {name: value for name, value in body.items() if name != "description"}  # prose of OPTIONS
        else:
            told = body
        self.entries.append((what, status, shown, told))
        return status, body


class ApiClient:
    """The client that guides to Simple JWT print: refreshes on a 401 and asks once more; keeps the rotated token."""

    def __init__(self, diary):
        self.diary = diary
        self.access = self.refresh = None

    def log_in(self, **how):
        _status, pair = self.diary.ask("log-in", "POST", "/api/token/", **how)
        self._keep(pair)

    def _keep(self, pair):
        self.access, self.refresh = pair["access"], pair["refresh"]

    def _refresh(self):
        status, pair = self.diary.ask("refresh", "POST", "/api/token/refresh/", json={"refresh": self.refresh})
        if status == 200:
            self._keep(pair)
        return status == 200

    def request(self, method, path, kind="JWT", **options):
        for _ in range(2):
            headers = {HEADER: f"{kind} {self.access}"}
            status, body = self.diary.ask(f"{method} {path}", method, path, headers=headers, **options)
            if status != 401 or not self._refresh():
                break
        return status, body

    def let_expire(self):
        """The access token becomes one that the server issued long ago."""
        claims = claims_of(self.access)
        claims.update(iat=claims["iat"] - LONG_AGO, exp=claims["exp"] - LONG_AGO)
        self.access = jwt.encode(claims, self.diary.key, "RS256")

    def log_out(self):
        return self.diary.ask("log-out", "POST", "/api/token/blacklist/", json={"refresh": self.refresh})


def _shops(diary):
    """Two customers at once, by JSON and by form; their access tokens end while they shop."""
    web, app = ApiClient(diary), ApiClient(diary)
    web.log_in(json={"mail": NAME, "password": fixtures.PASSWORD})
    app.log_in(data={"mail": NAME, "password": fixtures.PASSWORD})
    for _ in range(2):
        for client, kind in ((web, "JWT"), (app, "Shop")):
            same("the shopper", (200, NAME), _name(client.request("GET", "/api/me/", kind)))
            client.request("POST", "/api/read-or-auth/", kind, json={"basket": [1, 2]})
            client.request("GET", "/api/admin-only/", kind)
            diary.ask("verify", "POST", "/api/token/verify/", json={"token": client.refresh})
        web.let_expire()
        old = web.refresh
        same("the shopper, after a refresh of its client's own", (200, NAME), _name(web.request("GET", "/api/me/")))
        expect(web.refresh != old, "the client did not refresh")
        diary.ask("rotated token", "POST", "/api/token/refresh/", json={"refresh": old})
    web.log_out()
    diary.ask("ended session", "POST", "/api/token/refresh/", json={"refresh": web.refresh})
    app.let_expire()
    app.log_out()
    status, _body = app.request("GET", "/api/me/")
    same("after the log-out, once the access token is over", 401, status)


def _name(answer):
    status, body = answer
    return status, body.get("username")


def _curls(diary):
    """The commands that guides print."""
    credentials = json.dumps({"mail": NAME, "password": fixtures.PASSWORD})
    _status, pair = _curl(diary, "log-in", "/api/token/", credentials)
    _curl(diary, "call", "/api/me/", None, f"{HEADER}: JWT {pair['access']}")
    _status, rotated = _curl(diary, "refresh", "/api/token/refresh/", json.dumps({"refresh": pair["refresh"]}))
    _curl(diary, "call", "/api/me/", None, f"{HEADER}: JWT {rotated['access']}")
    _curl(diary, "refresh again", "/api/token/refresh/", json.dumps({"refresh": pair["refresh"]}))
    _curl(diary, "log-out", "/api/token/blacklist/", json.dumps({"refresh": rotated["refresh"]}))


def _curl(diary, what, path, body, *headers):
    program = shutil.which("curl")
    expect(program, "curl is not there")
    headers = ["Content-Type: application/json", *headers] if body else headers
    options = [part for header in headers for part in ("--header", header)] + (["--data", body] if body else [])
    shown = "\n%{http_code} %{header_json}"
    command = [program, "--silent", "--show-error", "--write-out", shown, *options, diary.address + path]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text, _newline, rest = told.partition("\n")
    status, _space, shown = rest.partition(" ")
    return diary.note(f"curl, {what}", int(status), {name: ", ".join(v) for name, v in json.loads(shown).items()}, text)


def _errs(diary):
    """What clients do wrong."""
    good = {"mail": NAME, "password": fixtures.PASSWORD}
    for wrong in (
        {**good, "password": "wrong"},
        {**good, "mail": NAME.upper()},
        {**good, "mail": GONE},
        {"mail": NAME},
        {"username": NAME, "password": fixtures.PASSWORD},
        {},
        {"mail": ["a"], "password": {"b": 1}},
    ):
        diary.ask(f"log-in with {list(wrong)}", "POST", "/api/token/", json=wrong)
    _status, pair = diary.ask("log-in", "POST", "/api/token/", json=good)
    for header, value in (
        (HEADER, f"Bearer {pair['access']}"),
        ("Authorization", f"JWT {pair['access']}"),
        (HEADER, "JWT"),
        (HEADER, f"JWT {pair['access']} more"),
        (HEADER, f"JWT {pair['refresh']}"),
        (HEADER, f"JWT {pair['access'][:-8]}"),
        (HEADER, f"JWT {pair['access']}"),
    ):
        diary.ask(f"call with {header}", "GET", "/api/me/", headers={header: value})
    for path, name in (
        ("/api/token/refresh/", "refresh"),
        ("/api/token/verify/", "token"),
        ("/api/token/blacklist/", "refresh"),
    ):
        for body in ({name: "no token"}, {name: ""}, {}, {name: None}, {name: pair["access"][:-8]}):
            diary.ask(f"{path} with {body and name}", "POST", path, json=body)
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD"):
            diary.ask(f"{method} {path}", method, path)
        diary.ask(f"{path} with broken JSON", "POST", path, data="{", headers={"Content-Type": "application/json"})
        diary.ask(f"{path} with XML", "POST", path, data="<a/>", headers={"Content-Type": "application/xml"})
    diary.ask("access token as refresh token", "POST", "/api/token/refresh/", json={"refresh": pair["access"]})
    diary.ask("not acceptable", "POST", "/api/token/", json=good, headers={"Accept": "image/png"})
    diary.ask("without the slash", "GET", "/api/token")
