"""Every message in every language; only for profiles that translate."""

from ..profiles import DROP
from .build import ENDPOINTS, VIEWS, case, consume, request, token

LANGUAGES = (
    "ar", "bg", "ca", "cs", "da", "de", "el", "en-gb", "es", "es-ar", "es-mx", "et", "fa", "fi", "fr", "he", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "nb", "nl", "nn", "pl", "pt", "pt-br", "ro", "ru", "sk", "sl", "sv", "th", "tr", "uk", "vi",
    "zh-hans", "zh-hant",
)  # fmt: skip
NEGOTIATED = (
    "de-AT", "de-CH, fr", "fr;q=0.3, de;q=0.8", "de;q=0, fr", "xx, de", "*", "", "de;q=abc", ",,,", "DE", "zh-CN", "zh-TW",
    "zh-hk", "zh", "pt-PT", "es-419", "es-cl", "en-US,en;q=0.5", "en-au", "sr-latn", "sr_Latn", "nb-NO", "no", "he-IL", "iw",
    "tlh", "de, *;q=0.1", "*;q=1, de;q=0.2", "x" * 600, "de;q=1.1", "de;q=0.1234", "d e", "kk", "ky", "ug", "de-1996", "fil",
    "fr-CA-x-private", "de\t,fr",
)  # fmt: skip


def cases(view):
    if not (view.profile["locale_middleware"] or view.profile["language_code"] != "en-us"):
        return
    steps = _messages(view)
    for language in LANGUAGES:
        for name, step in steps.items():
            yield case(f"i18n-{language}-{name}", "i18n", _spoken(step, {"Accept-Language": language}))
    sample = [steps["bad-login"], steps["anonymous"], steps["missing-fields"]]
    for index, header in enumerate(NEGOTIATED):
        for number, step in enumerate(sample):
            yield case(f"i18n-nego-{index}-{number}", "i18n", _spoken(step, {"Accept-Language": header}))
    cookies = ("de", "xx", "pt-br", "DE", "zh_Hans", "")
    for index, language in enumerate(cookies):
        headers = {"Cookie": f"a=b; django_language={language}", "Accept-Language": "fr"}
        yield case(f"i18n-cookie-{index}", "i18n", _spoken(steps["bad-login"], headers))


def _spoken(step, headers):
    original = step["request"].get("headers", {})
    return {**step, "request": {**step["request"], "headers": {**original, **headers}}}


def _messages(view):
    """One step for every message that can be translated."""
    obtain, me = ENDPOINTS["obtain"], VIEWS["me"]
    refused = {
        "expired": {"exp": "<now-5>"}, "no-exp": {"exp": DROP}, "no-id": {view.id_claim: DROP}, "no-type": {view.type_claim: DROP},
        "wrong-type": {view.type_claim: "x"}, "inactive": {view.user_claim: "3"}, "no-user": {view.user_claim: DROP},
        "unknown-user": {view.user_claim: "999"}, "revoked": {view.revoke_claim: "0"}, "fine": {},
    }  # fmt: skip
    steps = {
        "missing-fields": request("POST", obtain, json={}),
        "blank": request("POST", obtain, json={view.login_field: "", "password": ""}),
        "null": request("POST", obtain, json={view.login_field: None, "password": None}),
        "no-string": request("POST", obtain, json={view.login_field: [], "password": {}}),
        "nul": request("POST", obtain, json={view.login_field: "\0", "password": "x"}),
        "surrogate": request(
            "POST", obtain, headers={"Content-Type": "application/json"}, body='{"username":"\\ud800","password":"x"}'
        ),
        "bad-login": request("POST", obtain, json={view.login_field: "alice", "password": "x"}),
        "list": request("POST", obtain, json=[]),
        "no-data": request("POST", obtain, headers={"Content-Type": "application/json"}, body="null"),
        "bad-json": request("POST", obtain, headers={"Content-Type": "application/json"}, body="{"),
        "media-type": request("POST", obtain, headers={"Content-Type": "text/plain"}, body="x"),
        "charset": request("POST", obtain, headers={"Content-Type": "application/json; charset=hex"}, body="{}"),
        "multipart": request("POST", obtain, headers={"Content-Type": "multipart/form-data"}, body="x"),
        "method": request("GET", obtain),
        "options": request("OPTIONS", obtain),
        "accept": request("GET", me, headers={"Accept": "image/png"}),
        "format": request("GET", me + "?format=xml"),
        "no-path": request("GET", "/api/nope/"),
        "no-slash": request("POST", "/api/token", json={}),
        "anonymous": request("GET", me),
        "bad-header": request("GET", me, headers=view.bearer("a b")),
        "forbidden": request("GET", VIEWS["admin"], headers=view.bearer(), mint=[token(view.claims(view.bearer_kind))]),
        "no-window": consume(
            view, "sliding-refresh", mint=[token(view.claims("sliding", **{view.window_claim: DROP}))]
        ),
        "window": consume(
            view, "sliding-refresh", mint=[token(view.claims("sliding", **{view.window_claim: "<now-5>"}))]
        ),
    }
    for name, change in refused.items():
        for consumer, kind in {"me": view.bearer_kind, "refresh": "refresh", "verify": "access"}.items():
            steps[f"{consumer}-{name}"] = consume(view, consumer, mint=[token(view.claims(kind, **change))])
    return steps
