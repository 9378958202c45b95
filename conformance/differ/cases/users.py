"""The user claim in every form, user state, and permissions."""

from ..profiles import DROP
from .build import VIEWS, case, consume, get, kind_for, request, token

CONSUMERS = ("refresh", "me", "open", "blacklist", "sliding-refresh", "stateless", "verify")
ID_VALUES = {
    "deleted": "99999", "inactive": "3", "text": "abc", "null": None, "zero": 0, "zero-text": "0", "empty": "", "list": [1],
    "empty-list": [], "object": {"a": 1}, "empty-object": {}, "int": 1, "true": True, "false": False, "float": 1.0,
    "float-frac": 1.5, "float-big": 1e30, "negative": "-1", "negative-int": -1, "spaces": " 1 ", "plus": "+1",
    "underscore": "1_0", "double-underscore": "1__0", "leading-zero": "01", "fullwidth": "１", "arabic": "١", "hex": "0x1",
    "huge": "99999999999999999999999999", "huge-int": 10**30, "overflow64": "9223372036854775808",
    "max64": "9223372036854775807", "float-string": "1.0", "exponent": "1e0", "nul": "1\x00", "newline": "1\n",
    "nbsp": "\u00a01", "zero-width": "\u200b1", "sql": "1 OR 1=1", "digits-5000": "1" * 5000, "nan": "nan",
    "surrogate": "\ud800", "minus-zero": "-0",
}  # fmt: skip
TEXT_VALUES = {
    "name": "alice", "unknown": "nobody", "upper": "ALICE", "space-before": " alice", "space-after": "alice ", "mail": "ann@example.com",
    "mail-case": "ANN@example.com", "unknown-mail": "no@example.com", "digits": "12345", "digits-int": 12345, "true-text": "True",
    "long": "x" * 300, "unicode": "józef-日本", "inactive-name": "carol", "inactive-mail": "off@example.com", "list-text": ["alice"],
    "nul-text": "alice\0", "quote": "a'b", "percent": "ali%", "float-text": 1.25,
}  # fmt: skip
UUID_VALUES = {
    "hyphens": "11111111-2222-3333-4444-555555555555", "plain": "11111111222233334444555555555555",
    "braces": "{11111111-2222-3333-4444-555555555555}", "urn": "urn:uuid:11111111-2222-3333-4444-555555555555",
    "upper": "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE", "odd-hyphens": "1-1-1-1-1-1-1-1222233334444555555555555",
    "short": "11111111-2222-3333-4444-55555555555", "not-hex": "g1111111-2222-3333-4444-555555555555",
    "unknown": "00000000-0000-0000-0000-000000000000", "inactive": "33333333333333333333333333333333",
    "int-value": 22685491128062564230891640495451214097, "spaces": " 11111111-2222-3333-4444-555555555555 ",
    "upper-urn": "URN:UUID:11111111-2222-3333-4444-555555555555", "staff": "44444444444444444444444444444444",
    "underscore": "11111111_22223333444455555555555", "prefix": "0x111111222233334444555555555555",
    "uuid-only": "uuid:11111111222233334444555555555555",
}  # fmt: skip
PLENTY_OF_USERS = 10


def cases(view):
    yield from _claim_cases(view)
    yield from _state_cases(view)
    yield from _permission_cases(view)
    yield from _stateless_cases(view)


def _claim_cases(view):
    values = {**ID_VALUES}
    field = view.settings.get("USER_ID_FIELD", "id")
    if field in ("username", "email"):
        values.update(TEXT_VALUES)
    if field == "public_id":
        values.update({f"uuid-{name}": value for name, value in UUID_VALUES.items()})
    for consumer in CONSUMERS:
        kind = kind_for(view, consumer)
        for name, value in {**values, "absent": DROP}.items():
            minted = token(view.claims(kind, **{view.user_claim: value}))
            steps = [consume(view, consumer, mint=[minted], capture={"a": "access"})]
            if consumer == "refresh":
                steps.append(get(view, "me", "{{a}}"))
            yield case(f"{consumer}-user-{name}", "user-lookup", *steps)


def _state_cases(view):
    user = view.user()
    changes = {
        "deleted": {"action": "delete_user", "user_id": user["id"]},
        "deactivated": {"action": "deactivate_user", "user_id": user["id"]},
        "renamed": {
            "action": "set_field",
            "user_id": user["id"],
            "field": view.login_field,
            "value": "renamed@example.com",
        },
        "promoted": {"action": "set_field", "user_id": user["id"], "field": "is_staff", "value": 1},
        "password-changed": {"action": "set_password", "user_id": user["id"], "encoded": view.user(1)["encoded"]},
        "unusable": {"action": "set_password", "user_id": user["id"], "encoded": "!unusable"},
        "empty-password": {"action": "set_password", "user_id": user["id"], "encoded": ""},
    }
    for name, action in changes.items():
        for consumer in (*CONSUMERS, "admin"):
            minted = token(view.claims(kind_for(view, consumer)))
            steps = [consume(view, "me", mint=[token(view.claims(view.bearer_kind), var="m")], variable="m")]
            steps += [action, consume(view, consumer, mint=[minted]), get(view, "me", "{{m}}")]
            yield case(f"{name}-{consumer}", "user-lookup", *steps)
    reactivated = [
        {"action": "deactivate_user", "user_id": user["id"]},
        get(view, "me", mint=[token(view.claims(view.bearer_kind))]),
        {"action": "activate_user", "user_id": user["id"]},
        get(view, "me"),
    ]
    yield case("reactivated-me", "user-lookup", *reactivated)


def _permission_cases(view):
    for label, path in VIEWS.items():
        yield case(f"perm-{label}-anonymous", "permissions", request("GET", path))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
            body = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
            for who, headers in {"anonymous": {}, "bad": view.bearer("garbage")}.items():
                yield case(
                    f"perm-{label}-{method.lower()}-{who}",
                    "permissions",
                    request(method, path, headers=headers, **body),
                )
        for user in view.users[:PLENTY_OF_USERS]:
            minted = [token(view.claims(view.bearer_kind, user))]
            steps = [get(view, label, mint=minted)]
            steps += [request(method, path, headers=view.bearer()) for method in ("OPTIONS", "DELETE", "HEAD")]
            steps += [request("POST", path, headers=view.bearer(), json={})]
            yield case(f"perm-{label}-user-{user['id']}", "permissions", *steps)
        headers = {view.header_name: "Basic xyz"}
        yield case(f"perm-{label}-other-scheme", "permissions", request("GET", path, headers=headers))


def _stateless_cases(view):
    odd = (True, False, None, 0, 1, "no", "", [], [0], {}, {"a": 1}, 1.5)
    for name in ("username", "is_staff", "is_superuser"):
        for index, value in enumerate(odd):
            minted = [token(view.claims(view.bearer_kind, **{name: value}))]
            steps = [get(view, "stateless", mint=minted), get(view, "stateless-admin")]
            yield case(f"stateless-{name}-{index}", "stateless", *steps)
    extra = {"id": 9, "pk": 8, "groups": [1], "is_active": False, "is_authenticated": False, "is_anonymous": True}
    for name, value in extra.items():
        minted = [token(view.claims(view.bearer_kind, **{name: value}))]
        yield case(f"stateless-claim-{name}", "stateless", get(view, "stateless", mint=minted))
