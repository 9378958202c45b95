"""Django with `USE_TZ = False`: which times it writes otherwise than tokenpair, and what a flush does to living tokens.

Simple JWT then writes the times of tokens as UTC without a zone, Django its own times as local ones without a zone.
SQLite keeps what is written; PostgreSQL takes all of it for local time and stores the moment. tokenpair writes UTC.
"""

import time
from datetime import UTC, datetime

from . import fixtures
from .django_side import in_django
from .flaw import same
from .tokens import answered, claims_of, obtain

EAST, WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
# Hours from UTC.
ZONES = {EAST: 14, WEST: -11}
NAME = "ada@example.com"
SETTINGS = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": True,
    "ACCESS_TOKEN_LIFETIME": 1800,
    "REFRESH_TOKEN_LIFETIME": 3600,
}
OUTSTANDING = "token_blacklist_outstandingtoken"
BLACKLISTED = "token_blacklist_blacklistedtoken"


def check(scene, profile, zone):
    """Returns what to say about it."""
    profile = profile.but(simple_jwt=SETTINGS, theirs={"USE_TZ": False, "TIME_ZONE": zone})
    in_django(profile, fixtures.create_users, [NAME])
    with scene.clients(profile) as servers:
        living = {server.name: obtain(profile, server) for server in servers}
        ended = {server.name: _crosses(profile, server, other) for server, other in (servers, servers[::-1])}
        found = {server.name: _hours_off(profile, server, ended[server.name]) for server in servers}
        same("hours off UTC of the times that each writes", _expected(profile, ZONES[zone]), found)

        before = profile.database.query(f"SELECT jti FROM {OUTSTANDING}")
        scene.program.run(profile, "flushexpiredtokens")
        same("tokens after tokenpair's flush", before, profile.database.query(f"SELECT jti FROM {OUTSTANDING}"))
        for server in servers:
            for origin in servers:
                _is(server, ended[origin.name], 401)
                _verifies(server, living[origin.name]["refresh"], 200)

        in_django(profile, _flush)
        takes_too_much = profile.database.kind == "PostgreSQL" and ZONES[zone] < 0
        for name in found:
            is_kept = not takes_too_much or name == "Django"
            same(f"rows of {name}'s tokens after Django's flush", int(is_kept), _rows(profile, ended[name]))
        for server in servers:
            _is(server, ended["Django"], 401)
            _verifies(server, ended["tokenpair"], 200 if takes_too_much else 400)
    in_django(profile, fixtures.expect_clean)
    lost = "neither flush takes a living token"
    if takes_too_much:
        lost = "Django's flush takes living tokens of tokenpair's, which revives blacklisted ones; tokenpair's none"
    return f"{lost}; off by {found['Django']} hours in Django's rows and none in tokenpair's"


def _expected(profile, hours):
    of_tokens, own = (0, hours) if profile.database.kind == "SQLite" else (-hours, 0)
    django = {"last_login": own, "created_at": of_tokens, "expires_at": of_tokens, "blacklisted_at": own}
    return {"Django": django, "tokenpair": dict.fromkeys(django, 0)}


def _crosses(profile, origin, other):
    """Accepted, exchanged and refused across. Returns a refresh token that `origin` issued and blacklisted."""
    first = obtain(profile, origin)
    answered(other, "access token", other.get("/api/me/", first["access"]))
    answered(other, "refresh", other.post("/api/token/refresh/", {"refresh": first["refresh"]}))
    _is(origin, first["refresh"], 401)
    last = obtain(profile, origin)["refresh"]
    answered(origin, "log-out", origin.post("/api/token/blacklist/", {"refresh": last}))
    _is(other, last, 401)
    return last


def _is(server, refresh, status):
    answered(server, "refresh token", server.post("/api/token/refresh/", {"refresh": refresh}), status)


def _verifies(server, refresh, status):
    answered(server, "verify", server.post("/api/token/verify/", {"token": refresh}), status)


def _hours_off(profile, server, refresh):
    """What `server` has written about this log-in and this token, as hours from the truth."""
    claims, now = claims_of(refresh), time.time()
    obtain(profile, server)
    (user,) = profile.database.query(f"SELECT last_login FROM {profile.users.table}")
    (token,) = profile.database.query(
        f"SELECT created_at, expires_at, blacklisted_at FROM {OUTSTANDING} AS o JOIN {BLACKLISTED} AS b"
        f" ON b.token_id = o.id WHERE jti = '{claims['jti']}'"
    )
    truth = {"last_login": now, "created_at": claims["iat"], "expires_at": claims["exp"], "blacklisted_at": now}
    return {name: round((_moment({**user, **token}[name]) - truth[name]) / 3600) for name in truth}


def _moment(stored):
    """SQLite's texts are read as UTC."""
    if isinstance(stored, str):
        stored = datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored.timestamp()


def _rows(profile, refresh):
    jti = claims_of(refresh)["jti"]
    return len(profile.database.query(f"SELECT 1 FROM {OUTSTANDING} WHERE jti = '{jti}'"))


def _flush():
    from django.core.management import call_command

    call_command("flushexpiredtokens")
