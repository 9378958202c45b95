"""Sequences: log in, refresh, rotate, black-list, verify; with the database looked at after each step."""

from ..jose import revoke_digest
from ..profiles import DROP
from .build import TOKEN_KINDS, case, consume, get, post, token

SHORT = 60  # seconds; a profile with shorter tokens gets cases that wait
CLAIM_SETS = {
    "custom": {"zeta": 1, "name": "Zoë", "roles": ["x"], "nbf": "<now-60>"},
    "foreign": {"iss": "i", "aud": "a", "sub": "s"},
    "number-forms": {"f": 1.0, "g": 100.0, "h": -0.0, "big": 12345678901234567890123},
}


def cases(view):
    yield from _login_flows(view)
    yield from _refresh_flows(view)
    yield from _blacklist_flows(view)
    yield from _window_flows(view)
    yield from _claim_value_flows(view)
    yield from _revoke_flows(view)
    if view.settings.get("REFRESH_TOKEN_LIFETIME", SHORT) < SHORT:
        yield from _expiry_flows(view)


def _login_flows(view):
    login = post("obtain", view.credentials(view.user()), capture={"r": "refresh", "a": "access"})
    slide = post("sliding", view.credentials(view.user()), capture={"s": "token"})
    refreshed = consume(view, "refresh", variable="r", capture={"a2": "access", "r2": "refresh"})
    yield case("flow-full", "rotation", login, get(view, "me", "{{a}}"), get(view, "stateless", "{{a}}"), refreshed,
               get(view, "me", "{{a2}}"), consume(view, "verify", variable="a2"), consume(view, "verify", variable="r"),
               consume(view, "refresh", variable="r"), consume(view, "blacklist", variable="r"))  # fmt: skip
    chain = consume(view, "refresh", variable="r2", capture={"r3": "refresh"})
    yield case("flow-chain", "rotation", login, refreshed, chain, consume(view, "refresh", variable="r3"),
               consume(view, "refresh", variable="r2"), consume(view, "blacklist", variable="r3"))  # fmt: skip
    yield case("flow-logout", "blacklist", login, consume(view, "blacklist", variable="r"),
               consume(view, "blacklist", variable="r"), consume(view, "refresh", variable="r"),
               consume(view, "verify", variable="r"), get(view, "me", "{{a}}"))  # fmt: skip
    yield case("flow-wrong-tokens", "blacklist", login, consume(view, "refresh", variable="a"),
               consume(view, "blacklist", variable="a"), consume(view, "sliding-refresh", variable="r"),
               get(view, "me", "{{r}}"))  # fmt: skip
    slid = consume(view, "sliding-refresh", variable="s", capture={"s2": "token"})
    yield case("flow-sliding", "sliding", slide, slid, consume(view, "sliding-refresh", variable="s2"),
               consume(view, "sliding-refresh", variable="s"), get(view, "me", "{{s2}}"),
               consume(view, "verify", variable="s2"), consume(view, "blacklist", variable="s2"),
               consume(view, "refresh", variable="s2"))  # fmt: skip
    failed = post("obtain", view.credentials(view.user(), "wrong"))
    yield case("flow-failed-then-right", "db", failed, login, failed)
    yield case("flow-two-logins", "db", login, post("obtain", view.credentials(view.user()), capture={"q": "refresh"}),
               consume(view, "blacklist", variable="r"), consume(view, "refresh", variable="q"))  # fmt: skip
    low = view.credentials(view.user(1))
    yield case("flow-rehash", "passwords", post("obtain", low), post("sliding", low))
    inactive = view.credentials(view.user(2))
    yield case("flow-inactive", "passwords", post("obtain", inactive), post("sliding", inactive))


def _refresh_flows(view):
    claims = view.claims("refresh")
    capture = {"a": "access", "r": "refresh"}
    for name, extra in CLAIM_SETS.items():
        for consumer in ("refresh", "sliding-refresh", "blacklist"):
            minted = [token(view.claims(TOKEN_KINDS[consumer], **extra))]
            steps = [consume(view, consumer, mint=minted, capture={**capture, "s": "token"}), consume(view, consumer)]
            yield case(f"claims-{name}-{consumer}", "rotation", *steps)
    variants = {
        "plain": claims,
        "no-iat": {name: value for name, value in claims.items() if name != "iat"},
        "no-user": view.claims("refresh", **{view.user_claim: DROP}),
        "reversed": dict(reversed(claims.items())),
        "float-exp": {**claims, "exp": "<float:now+600.5>"},
        "old-names": {**claims, "jti_extra": "x", "refresh_exp": 5, "token_types": "y"},
    }
    for name, variant in variants.items():
        yield case(f"reuse-{name}", "rotation", consume(view, "refresh", mint=[token(variant)], capture=capture),
                   get(view, "me", "{{a}}"), consume(view, "verify"), consume(view, "refresh"), consume(view, "blacklist"),
                   consume(view, "verify"))  # fmt: skip
    for user in view.users[:6]:
        minted = [token(view.claims("refresh", user))]
        yield case(f"rotate-user-{user['id']}", "rotation", consume(view, "refresh", mint=minted, capture=capture),
                   consume(view, "refresh", variable="r"), consume(view, "blacklist", variable="r"))  # fmt: skip


def _blacklist_flows(view):
    minted = [token(view.claims("refresh"))]
    yield case("blacklist-minted", "blacklist", consume(view, "blacklist", mint=minted), consume(view, "blacklist"),
               consume(view, "refresh"), consume(view, "verify"))  # fmt: skip
    if not view.id_claim:
        return
    for kind in ("access", "sliding", "refresh"):
        shared = token(view.claims(kind, **{view.id_claim: f"{{{{t#{view.id_claim}}}}}"}), var="u")
        steps = [consume(view, "blacklist", mint=minted)]
        steps += [consume(view, "me", mint=[shared], variable="u"), consume(view, "verify", variable="u")]
        steps += [consume(view, "sliding-refresh", variable="u"), consume(view, "stateless", variable="u")]
        steps += [consume(view, "refresh", variable="u"), consume(view, "blacklist", variable="u")]
        yield case(f"blacklist-shared-{kind}", "blacklist", *steps)
    broken = {"expired": {"exp": "<now-5>"}, "no-exp": {"exp": DROP}, "wrong-type": {view.type_claim or "x": "access"}}
    for name, change in broken.items():
        shared = token(view.claims("refresh", **{view.id_claim: f"{{{{t#{view.id_claim}}}}}", **change}), var="u")
        steps = [consume(view, "blacklist", mint=minted), consume(view, "refresh", mint=[shared], variable="u")]
        yield case(f"blacklist-then-{name}", "blacklist", *steps, consume(view, "blacklist", variable="u"))
    if view.profile["blacklist_app"]:
        lifted = {"action": "delete_outstanding", "jti": f"{{{{t#{view.id_claim}}}}}"}
        yield case("unblacklist", "blacklist", consume(view, "blacklist", mint=minted), consume(view, "refresh"), lifted,
                   consume(view, "refresh"), consume(view, "blacklist"))  # fmt: skip


def _window_flows(view):
    leeway = view.settings.get("LEEWAY", 0)
    for offset in (-leeway - 10, -leeway + 10, 100):
        moments = {"exp": f"<now{offset:+d}>", "nbf": f"<now{-offset:+d}>", "iat": f"<now{-offset:+d}>"}
        for claim, moment in moments.items():
            for consumer in (*TOKEN_KINDS, "me"):
                kind = TOKEN_KINDS.get(consumer, view.bearer_kind)
                minted = [token(view.claims(kind, **{claim: moment}))]
                yield case(f"leeway-{consumer}-{claim}{offset:+d}", "settings", consume(view, consumer, mint=minted))
        window = token(view.claims("sliding", **{view.window_claim: f"<now{offset:+d}>"}))
        yield case(f"leeway-window{offset:+d}", "sliding", consume(view, "sliding-refresh", mint=[window]),
                   consume(view, "verify"), get(view, "me"))  # fmt: skip


def _claim_value_flows(view):
    audiences = ("other", ["x", "y"], ["x", "shop-api"], ["billing"], "shop-api", "billing", "SHOP-API", "shop", "", [],
                 None, 5, {"a": 1}, [5], ["shop-api", 5], "shop-api ")  # fmt: skip
    issuers = (
        "https://issuer.example/",
        "https://issuer.example//",
        "me",
        "Me",
        "other",
        "",
        None,
        5,
        ["me"],
        {"a": 1},
    )
    for claim, values in {"aud": audiences, "iss": issuers}.items():
        for index, value in enumerate((*values, DROP)):
            for consumer in ("me", "refresh", "verify", "sliding-refresh"):
                kind = TOKEN_KINDS.get(consumer, view.bearer_kind)
                minted = [token(view.claims(kind, **{claim: value}))]
                yield case(f"{claim}-{index}-{consumer}", "settings", consume(view, consumer, mint=minted))


def _revoke_flows(view):
    digest = revoke_digest(view.user()["encoded"])
    values = {"right": digest, "lower": digest.lower(), "zeros": "0" * 32, "null": None, "empty": "", "int": 5, "absent": DROP,
              "list": [digest], "other-user": revoke_digest(view.user(1)["encoded"])}  # fmt: skip
    for name, value in values.items():
        for consumer in ("me", "open", "stateless", "refresh", "sliding-refresh", "verify", "blacklist"):
            kind = TOKEN_KINDS.get(consumer, view.bearer_kind)
            minted = [token(view.claims(kind, **{view.revoke_claim: value}))]
            yield case(f"revoke-{name}-{consumer}", "settings", consume(view, consumer, mint=minted))


def _expiry_flows(view):
    login = post("obtain", view.credentials(view.user()), capture={"r": "refresh", "a": "access"})
    wait = {"action": "sleep", "seconds": 6}
    yield case("short-expiry", "settings", login, wait, consume(view, "refresh", variable="r"), get(view, "me", "{{a}}"),
               consume(view, "verify", variable="r"), consume(view, "blacklist", variable="r"))  # fmt: skip
