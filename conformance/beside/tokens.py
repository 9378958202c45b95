"""Two writers: what one signs, exchanges or blacklists counts for the other at the next request."""

import base64
import json

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .keys import settings_for

NAME = "ada@example.com"
SETTINGS = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "AUTH_TOKEN_CLASSES": tuple(f"rest_framework_simplejwt.tokens.{kind}Token" for kind in ("Access", "Sliding")),
}


def check(scene, profile, algorithm, revoke):
    """Both directions, for every kind of token. Returns what to say about it."""
    profile = profile.but(simple_jwt={**SETTINGS, **settings_for(algorithm), "CHECK_REVOKE_TOKEN": revoke})
    key = in_django(profile, fixtures.create_users, [NAME])[0]
    with scene.clients(profile) as (django, tokenpair):
        _expect_alike(profile, django, tokenpair)
        accepted = sum(
            _pair_crosses(profile, key, *way) + _sliding_crosses(profile, key, *way)
            for way in ((django, tokenpair), (tokenpair, django))
        )
    return f"{accepted} uses of the other's tokens"


def answered(server, what, answer, status=200):
    expect(answer.status == status, f"{server.name}, {what}: expected {status}, got {answer}")
    return answer.body


def obtain(profile, server, path="/api/token/", name=NAME, password=fixtures.PASSWORD):
    return answered(server, "log-in", server.log_in(path, profile.users, name, password))


def _expect_alike(profile, django, tokenpair):
    """The same headers, the same claims in the same order, but for times and ids."""
    for path in ("/api/token/", "/api/token/sliding/"):
        theirs, ours = obtain(profile, django, path), obtain(profile, tokenpair, path)
        same("keys of the answer", list(theirs), list(ours))
        for kind in theirs:
            same(f"{kind} token", described(theirs[kind]), described(ours[kind]))


VARYING = ("exp", "iat", "jti", "serial", "refresh_exp")


def described(token):
    header, claims = _parts(token)
    return list(header.items()), [(name, "…" if name in VARYING else value) for name, value in claims.items()]


def claims_of(token):
    return _parts(token)[1]


def _parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def _pair_crosses(profile, key, origin, other):
    first = obtain(profile, origin)
    uses = _is_good(other, first["access"], key)
    uses += _is_verified(other, first["refresh"])
    second = answered(other, "refresh", other.post("/api/token/refresh/", {"refresh": first["refresh"]}))
    uses += 1 + _is_good(origin, second["access"], key) + _is_verified(origin, second["refresh"])

    _is_refused(origin, first["refresh"])  # the other has exchanged it
    third = answered(origin, "refresh", origin.post("/api/token/refresh/", {"refresh": second["refresh"]}))
    _is_refused(other, second["refresh"])
    answered(other, "blacklist", other.post("/api/token/blacklist/", {"refresh": third["refresh"]}))
    _is_refused(origin, third["refresh"])
    return uses + 2


def _sliding_crosses(profile, key, origin, other):
    first = obtain(profile, origin, "/api/token/sliding/")["token"]
    uses = _is_good(other, first, key)
    second = answered(other, "sliding refresh", other.post("/api/token/sliding/refresh/", {"token": first}))["token"]
    return uses + 1 + _is_good(origin, second, key)


def _is_good(server, token, key):
    me = answered(server, "authenticated view", server.get("/api/me/", token))
    same(f"{server.name}, user of the token", key, str(me["id"]))
    return 1 + _is_verified(server, token)


def _is_verified(server, token):
    answered(server, "verify", server.post("/api/token/verify/", {"token": token}))
    return 1


def _is_refused(server, refresh):
    answered(server, "verify of a blacklisted token", server.post("/api/token/verify/", {"token": refresh}), 400)
    for path in ("/api/token/refresh/", "/api/token/blacklist/"):
        answered(server, f"{path} of a blacklisted token", server.post(path, {"refresh": refresh}), 401)
