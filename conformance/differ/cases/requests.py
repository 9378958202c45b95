"""Methods, paths, Authorization headers, and content negotiation."""

from .build import ENDPOINTS, VIEWS, case, get, post, request, token

METHODS = ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "LINK", "M-SEARCH")
ACCEPTS = {
    "wild": "*/*", "app-wild": "application/*", "text-wild": "text/*", "html": "text/html", "json": "application/json",
    "browser": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "image": "image/png", "xml": "application/xml",
    "json-indent": "application/json; indent=4", "json-indent-2": "application/json;indent=2", "wild-json-xml": "application/xml, */*",
    "garbage": "garbage", "comma": ",", "empty": "", "html-and-json": "application/json, text/html", "slash": "/",
    "html-first": "text/html, application/json", "q-zero": "application/json;q=0", "q-html": "text/html;q=0.1, application/json;q=0.9",
    "indent-zero": "application/json; indent=0", "indent-big": "application/json; indent=99", "indent-bad": "application/json; indent=x",
    "indent-minus": "application/json; indent=-1", "indent-float": "application/json; indent=1.5", "indent-quoted": 'application/json; indent="2"',
    "wild-indent": "*/*; indent=2", "app-wild-indent": "application/*; indent=3", "charset": "application/json; charset=utf-8",
    "upper": "APPLICATION/JSON", "upper-html": "TEXT/HTML", "problem": "application/problem+json", "vendor": "application/vnd.api+json",
    "spaces": "  application/json  ", "semicolon": "application/json;", "params": "application/json; a=b; c=d", "wild-json": "*/json",
    "wild-html": "*/html", "json-then-image": "image/png, application/json", "version": "application/json; version=1.0",
    "star": "*", "unicode": "application/jsón", "many": ", ".join(["image/png"] * 60), "indent-nine": "application/json; indent=9",
    "indent-one": "application/json; indent=1", "indent-space": "application/json; indent= 2", "html-indent": "text/html; indent=2",
    "json-version-html": "application/json; version=2, text/html", "quoted-comma": 'application/json; a="b,c"',
}  # fmt: skip
FORMATS = ("json", "api", "xml", "JSON", "html", "", "json%20", "json&format=api", "j%73on", "jsonx", ".json")
AUTHORIZATIONS = {
    "scheme-only": "{S}", "scheme-space": "{S} ", "lower": "{s} {{{{t}}}}", "upper": "{U} {{{{t}}}}", "jwt-scheme": "JWT {{{{t}}}}",
    "bearer-scheme": "Bearer {{{{t}}}}", "token-scheme": "Token {{{{t}}}}", "basic": "Basic YWxpY2U6eA==", "token-only": "{{{{t}}}}",
    "double-space": "{S}   {{{{t}}}}", "tab": "{S}\t{{{{t}}}}", "leading-space": "  {S} {{{{t}}}}", "trailing-space": "{S} {{{{t}}}}  ",
    "three-parts": "{S} {{{{t}}}} x", "three-parts-tab": "{S} {{{{t}}}}\tx", "colon": "{S}: {{{{t}}}}", "comma": "{S}, {{{{t}}}}",
    "equals": "{S}={{{{t}}}}", "quoted": '{S} "{{{{t}}}}"', "null": "{S} null", "undefined": "{S} undefined", "empty": "",
    "blank": "   ", "twice": "{S} {S} {{{{t}}}}", "comma-list": "{S} {{{{t}}}}, {S} {{{{t}}}}", "semicolon": "{S} {{{{t}}}};",
    "nbsp": "{S}\u00a0{{{{t}}}}", "nbsp-inside": "{S} {{{{t}}}}\u00a0x", "unicode-token": "{S} żółć", "unicode-scheme": "Béarer {{{{t}}}}",
    "next-line": "{S}\u0085{{{{t}}}}", "zero-width": "{S} \u200b{{{{t}}}}", "prefix": "{S}X {{{{t}}}}", "digest": "Digest a=b",
    "dots": "{S} ..", "one-dot": "{S} .", "token-dot": "{S} {{{{t}}}}.", "token-eq": "{S} {{{{t}}}}=", "vertical": "{S}\x0b{{{{t}}}}",
    "form-feed": "{S}\x0c{{{{t}}}}", "unit-separator": "{S}\x1f{{{{t}}}}",
}  # fmt: skip
PATHS = (
    "/", "/api", "/api/", "/api/nope/", "/api/nope", "/api/token/nope/", "/api//token/", "/api/token//", "//api/token/", "/API/token/",
    "/api/Token/", "/api/%74oken/", "/api/token%2F", "/api/token%2Frefresh/", "/api/token/?foo=bar", "/api/token/?", "/api/token?x=1",
    "/api/token/refresh?x=%20", "/api/token/;x", "/api/./token/", "/api/../api/token/", "/api/token/%00", "/api/t%C3%B6ken/",
    "/api/token%", "/api/token%zz/", "/api/token/%", "/api/token/refresh/x", "/api/token/verify/index.html", "/api/me/.json",
    "/api/me.json", "/api/token/sliding/refresh//", "/%61pi/me/", "/api/me/%20", "/api/me%20/", "/api/token/sliding", "/api/me",
    "/api/open?format=json", "/api/token/#x", "/favicon.ico", "/admin/", "/api/%FF/", "/api/token/blacklist", "/api/token+/", "/api/token/verify/?format=json&x",
    "/api/stateless?next=//evil.example/", "/%2Fevil.example/api/me", "/api/me?", "/api/me?a=b?c", "/api/me?%zz",
)  # fmt: skip


def cases(view):
    yield from _methods()
    yield from _paths()
    yield from _negotiation(view)


def _methods():
    for label, path in ENDPOINTS.items():
        for method in METHODS:
            yield case(f"method-{label}-{method.lower()}", "methods", request(method, path))
        yield case(f"method-{label}-put-body", "methods", request("PUT", path, json={}))
        headers = {"X-HTTP-Method-Override": "GET", "X-Method-Override": "PUT"}
        yield case(f"method-{label}-override", "methods", request("POST", path, headers=headers, json={}))
        cross = {"Origin": "https://other.example", "Access-Control-Request-Method": "POST"}
        yield case(f"method-{label}-preflight", "methods", request("OPTIONS", path, headers=cross))
        yield case(f"method-{label}-options-html", "methods", request("OPTIONS", path, headers={"Accept": "text/html"}))
        yield case(f"url-noslash-{label}", "urls", request("POST", path.rstrip("/"), json={}))
        yield case(f"url-noslash-get-{label}", "urls", request("GET", path.rstrip("/") + "?a=b&c=%20d"))


def _paths():
    for index, path in enumerate(PATHS):
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            body = {"json": {}} if method == "POST" else {}
            yield case(f"url-{index}-{method.lower()}", "urls", request(method, path, **body))


def authorizations(view):
    """Authorization headers of every form at the views."""
    minted = [token(view.claims(view.bearer_kind))]
    scheme = view.scheme
    for name, template in AUTHORIZATIONS.items():
        value = template.format(S=scheme, s=scheme.lower(), U=scheme.upper())
        for label in ("me", "open", "stateless"):
            step = request("GET", VIEWS[label], headers={view.header_name: value}, mint=minted)
            yield case(f"header-{name}-{label}", "auth-header", step)
    for kind in ("refresh", "access", "sliding"):
        for label in VIEWS:
            yield case(f"header-{kind}-{label}", "auth-header", get(view, label, mint=[token(view.claims(kind))]))
    repeated = {view.header_name: [f"{scheme} {{{{t}}}}", f"{scheme} {{{{t}}}}"]}
    yield case("header-repeated", "auth-header", request("GET", VIEWS["me"], headers=repeated, mint=minted))
    both = {view.header_name: f"{scheme} {{{{t}}}}", "X-Other": "Bearer x"}
    yield case("header-both", "auth-header", request("GET", VIEWS["me"], headers=both, mint=minted))
    plain = {"Authorization": "Bearer {{t}}"}
    yield case("header-standard", "auth-header", request("GET", VIEWS["me"], headers=plain, mint=minted))
    cased = {view.header_name.swapcase(): f"{scheme} {{{{t}}}}"}
    yield case("header-name-case", "auth-header", request("GET", VIEWS["me"], headers=cased, mint=minted))
    cookie = {"Cookie": "access={{t}}; Authorization=Bearer {{t}}"}
    yield case("header-cookie", "auth-header", request("GET", VIEWS["me"], headers=cookie, mint=minted))
    query = f"{VIEWS['me']}?token={{{{t}}}}&access_token={{{{t}}}}"
    yield case("header-query", "auth-header", request("GET", query, mint=minted))
    for length in (2000, 7000):
        long_token = token(view.claims(view.bearer_kind, blob=f"<repeat:z:{length * 3 // 4}>"))
        yield case(f"header-long-{length}", "auth-header", get(view, "me", mint=[long_token]))
    for endpoint in ENDPOINTS:
        step = request("POST", ENDPOINTS[endpoint], headers=view.bearer("a b c"), json={})
        yield case(f"header-ignored-{endpoint}", "auth-header", step)


def _negotiation(view):
    good = [token(view.claims("access"))]
    for name, accept in ACCEPTS.items():
        headers = {"Accept": accept}
        yield case(f"accept-{name}", "negotiation", request("POST", ENDPOINTS["verify"], headers=headers, json={"token": "garbage"}),
                   request("POST", ENDPOINTS["verify"], headers=headers, json={"token": "{{t}}"}, mint=good),
                   request("POST", ENDPOINTS["obtain"], headers=headers, json={}),
                   *[request("GET", path, headers=headers) for path in (VIEWS["open"], ENDPOINTS["obtain"], VIEWS["me"])],
                   request("OPTIONS", ENDPOINTS["verify"], headers=headers),
                   request("GET", "/api/nope/", headers=headers))  # fmt: skip
    for index, value in enumerate(FORMATS):
        for accept in (
            {},
            {"Accept": "text/html"},
            {"Accept": "application/xml"},
            {"Accept": "application/json; indent=2"},
        ):
            suffix = accept.get("Accept", "none").replace("/", "-").split(";")[0]
            yield case(f"format-{index}-{suffix}", "negotiation",
                       request("POST", f"{ENDPOINTS['verify']}?format={value}", headers=accept, json={"token": "garbage"}),
                       request("GET", f"{VIEWS['open']}?format={value}", headers=accept),
                       request("GET", f"{VIEWS['me']}?format={value}", headers=accept))  # fmt: skip
    repeated = request("GET", VIEWS["open"], headers={"Accept": ["image/png", "application/json; indent=2"]})
    yield case("accept-repeated", "negotiation", repeated)
    none = post("verify", {"token": "x"}, headers={"Accept-Encoding": "gzip", "Accept-Charset": "x"})
    yield case("accept-encoding-ignored", "negotiation", none)
