#!/usr/bin/env python3
"""Asks the real django-cors-headers, over a few views, and writes what it answered to `recorded.json`.

    pip install -r conformance/cors/requirements.txt
    python3 conformance/cors/record.py

`answers_are_those_of_django_cors_headers` in the server crate plays the same requests against our own layer. Nothing
in the recording is written by hand; run this again after a change here or of the versions.
"""

import io
import json
import platform
from importlib.metadata import version
from itertools import product
from pathlib import Path
from urllib.parse import unquote_to_bytes

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test.utils import override_settings
from django.urls import path
from django.utils.log import DEFAULT_LOGGING

HERE = Path(__file__).parent


def view(name, status=200, methods=None, **headers):
    """A view that says it was reached; OPTIONS is allowed everywhere, as Django REST Framework's metadata."""

    def answer(request):
        allowed = methods is None or request.method in (*methods, "OPTIONS")
        response = HttpResponse("seen", status=status if allowed else 405)
        response["X-Reached"] = f"{request.method} {name}"
        for header, value in headers.items():
            response[header.replace("_", "-")] = value
        return response

    return path(name, answer)


urlpatterns = [
    view("api/open/", Vary="Accept"),
    view("api/plain/"),
    view("api/post/", methods=["POST"], Vary="Accept"),
    view("api/busy/", status=503, Vary="Accept"),
    view("api/cookie/", Vary="Accept , Cookie,Origin"),
    view("api/star/", Vary="*"),
    view("api/own/", Access_Control_Allow_Origin="https://own.example", Access_Control_Expose_Headers="X-Own"),
    view("other/", Vary="Accept"),
]

APP = "https://app.example.com"
SETTINGS = {
    # Which origins are allowed.
    "nothing": {},
    "one origin": {"CORS_ALLOWED_ORIGINS": [APP]},
    "several origins": {
        "CORS_ALLOWED_ORIGINS": [APP, "http://localhost:8080", "http://127.0.0.1:9000", "https://[::1]:8443"]
    },
    "origins in capitals and with a space": {
        "CORS_ALLOWED_ORIGINS": ["HTTPS://App.Example.com", " https://spaced.example.com"]
    },
    "null": {"CORS_ALLOWED_ORIGINS": ["null"]},
    "files": {"CORS_ALLOWED_ORIGINS": ["file://", APP]},
    "any subdomain": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://\w+\.example\.com$"]},
    "expression without an end": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"https://app\.example\.com"]},
    "expression without a beginning": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"app\.example\.com$"]},
    "expression in capitals": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"(?i)^HTTPS://APP\.EXAMPLE\.COM\Z"]},
    "expression with comments": {"CORS_ALLOWED_ORIGIN_REGEXES": ["(?x) https:// (app|api) [.]example[.]com  # ours"]},
    "alternatives": {"CORS_ALLOWED_ORIGIN_REGEXES": [r"http://localhost|null$", r"^https://\[::1\]:\d+$"]},
    "empty expression": {"CORS_ALLOWED_ORIGIN_REGEXES": [""]},
    "all": {"CORS_ALLOW_ALL_ORIGINS": True},
    "all with credentials": {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True},
    "origins and expressions": {
        "CORS_ALLOWED_ORIGINS": ["http://localhost:8080"],
        "CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://.*\.example\.com(:443)?$"],
        "CORS_ALLOW_CREDENTIALS": True,
    },
    # What an allowed origin is told.
    "credentials": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_CREDENTIALS": True},
    "exposed headers": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_EXPOSE_HEADERS": ["X-Total", "Content-Range"]},
    "own methods and headers": {
        "CORS_ALLOWED_ORIGINS": [APP],
        "CORS_ALLOW_METHODS": ["GET", "POST"],
        "CORS_ALLOW_HEADERS": ["authorization", "x-own"],
    },
    "no methods and no headers": {
        "CORS_ALLOWED_ORIGINS": [APP],
        "CORS_ALLOW_METHODS": [],
        "CORS_ALLOW_HEADERS": [],
    },
    "no memory": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_PREFLIGHT_MAX_AGE": 0},
    "short memory": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_PREFLIGHT_MAX_AGE": 5},
    "private network": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_ALLOW_PRIVATE_NETWORK": True},
    "all and private network": {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_PRIVATE_NETWORK": True},
    # Where it is told.
    "only below api": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_URLS_REGEX": r"^/api/.*$"},
    "two paths": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_URLS_REGEX": r"/api/(open|post)/$"},
    "a path from its middle": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_URLS_REGEX": r"api/"},
    "no path": {"CORS_ALLOWED_ORIGINS": [APP], "CORS_URLS_REGEX": r"^$"},
    "a path in capitals": {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_URLS_REGEX": r"(?i)^/API/OPEN"},
    "a decoded path": {"CORS_ALLOW_ALL_ORIGINS": True, "CORS_URLS_REGEX": r"^/(é|%FF| )/$"},
    "everything": {
        "CORS_ALLOWED_ORIGINS": [APP, "null"],
        "CORS_ALLOWED_ORIGIN_REGEXES": [r"^http://localhost(:\d+)?$"],
        "CORS_URLS_REGEX": r"^/api/",
        "CORS_ALLOW_METHODS": ["POST"],
        "CORS_ALLOW_HEADERS": ["authorization", "content-type"],
        "CORS_EXPOSE_HEADERS": ["X-Request-ID"],
        "CORS_PREFLIGHT_MAX_AGE": 600,
        "CORS_ALLOW_CREDENTIALS": True,
        "CORS_ALLOW_PRIVATE_NETWORK": True,
    },
}
NAMES = list(SETTINGS)
ABOUT_ORIGINS = NAMES[: NAMES.index("credentials")]
ABOUT_ANSWERS = ["nothing", "all", "all with credentials", *NAMES[NAMES.index("credentials") :]]
ABOUT_NETWORKS = ["nothing", "private network", "all and private network", "everything"]
ABOUT_PATHS = ["nothing", "one origin", *NAMES[NAMES.index("only below api") :]]

ORIGINS = [
    "",
    APP,
    "HTTPS://app.example.com",
    "https://App.Example.com",
    "https://app.example.com/",
    "https://app.example.com/a?b#c",
    "https://app.example.com:443",
    "http://app.example.com",
    "https://api.example.com",
    "https://a.b.example.com",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://app.example.com@evil.example",
    "https://evil.example",
    "https://evil.example/https://app.example.com",
    "https://appXexample.com",
    "https://app.exa\tmple.com",
    "https://spaced.example.com",
    "http://localhost:8080",
    "http://localhost:8081",
    "http://localhost",
    "http://127.0.0.1:9000",
    "https://[::1]:8443",
    "null",
    "nullify",
    "garbage",
    "app.example.com",
    "//app.example.com",
    "file://",
    "file:///home/me/page.html",
    "1https://app.example.com",
    # urlsplit raises for these.
    "https://[::1",
    "https://::1]",
    "https://[127.0.0.1]",
    "https://[v1.future]",
    "https://[v1]",
    "https://[host]",
    "https://[fe80::1%25eth0]",
    "https://\xe9t\xe9.example.com",
]
METHODS = [
    ("GET", []),
    ("HEAD", []),
    ("POST", []),
    ("OPTIONS", []),
    ("OPTIONS", [("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization, x-own")]),
    ("OPTIONS", [("Access-Control-Request-Method", "")]),
    ("OPTIONS", [("Access-Control-Request-Headers", "authorization")]),
    ("GET", [("Access-Control-Request-Method", "GET")]),
]
PREFLIGHT = METHODS[4]
PRIVATE = [[("Access-Control-Request-Private-Network", value)] for value in ("true", "True", "false", "")]
PATHS = [
    "/api/open/",
    "/api/plain/",
    "/api/post/",
    "/api/busy/",
    "/api/cookie/",
    "/api/star/",
    "/api/own/",
    "/other/",
    "/missing/",
    "/API/open/",
    "/%61pi/open/",
    "/api%2Fopen/",
    "/%C3%A9/",
    "/%FF/",
    "/%20/",
    "/api/open/%0A",
    "/api/%0Aopen/",
    "/?/api/open/",
]


def requests():
    """(name of the settings, method, target, headers); some more than once."""
    for name, origin in product(ABOUT_ORIGINS, ORIGINS):
        yield name, "GET", "/api/open/", [("Origin", origin)]
    for name, origins, (method, more) in product(ABOUT_ANSWERS, ([], [APP]), METHODS):
        yield name, method, "/api/post/", [*(("Origin", origin) for origin in origins), *more]
    for name, (method, more) in product(ABOUT_ANSWERS, METHODS):
        yield name, method, "/api/open/", [("Origin", "https://evil.example"), *more]
    for name, target, (method, more) in product(ABOUT_PATHS, PATHS, (METHODS[0], PREFLIGHT)):
        yield name, method, target, [("Origin", APP), *more]
    for name, more, (method, preflight) in product(ABOUT_NETWORKS, PRIVATE, (METHODS[0], PREFLIGHT)):
        yield name, method, "/api/open/", [("Origin", APP), *preflight, *more]
    for name in SETTINGS:
        yield name, "GET", "/api/open/", [("Origin", APP), ("Origin", "https://evil.example")]


def environ(method, target, headers):
    """What a WSGI server makes of a request."""
    path, _, query = target.partition("?")
    made = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    for name, value in headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        made[key] = f"{made[key]},{value}" if key in made else value
    return made


def play(application, request):
    told = {}

    def start_response(status, headers):
        told["status"] = int(status.split()[0])
        told["headers"] = {
            name.lower(): value for name, value in headers if is_compared(name.lower(), told["status"], dict(headers))
        }

    list(application(environ(*request), start_response))
    return told["status"], dict(sorted(told["headers"].items()))


def is_compared(name, status, headers):
    """Of what the views themselves answer only whether they were reached; of a preflight answer everything."""
    return name.startswith("access-control-") or name in ("vary", "x-reached") or "X-Reached" not in headers and status == 200


# Settings for its system checks.
CHECKED = [
    {},
    {"CORS_ALLOWED_ORIGINS": [APP, "null", "file://", "http://localhost:8000", "https://[::1]", " https://a.example"]},
    {"CORS_ALLOWED_ORIGINS": ["HTTPS://APP.EXAMPLE.COM", "https://user@a.example:1", "x:////"]},
    {"CORS_PREFLIGHT_MAX_AGE": -1},
    {"CORS_PREFLIGHT_MAX_AGE": 0},
    *(
        {"CORS_ALLOWED_ORIGINS": [APP, origin]}
        for origin in (
            "",
            "*",
            "app.example.com",
            "//app.example.com",
            "localhost:8000",
            "127.0.0.1:8000",
            "https://",
            "https:app.example.com",
            "https:///a",
            "://app.example.com",
            "file:///a",
            "NULL",
            "https://app.example.com/",
            "https://app.example.com/api",
            "https://app.example.com?a",
            "https://app.example.com#a",
            "https://app.example.com/a?b#c",
        )
    ),
]


def check(given):
    from corsheaders.checks import check_settings

    with override_settings(**given):
        return [{"id": error.id, "msg": error.msg} for error in check_settings()]


def cases():
    seen = set()
    for name, *request in requests():
        key = json.dumps([name, *request])
        if key in seen:
            continue
        seen.add(key)
        with override_settings(**SETTINGS[name]):
            status, headers = play(WSGIHandler(), request)
        yield [name, *request, status, headers]


def main():
    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="not a secret",
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["corsheaders"],
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware"],
        LOGGING={**DEFAULT_LOGGING, "loggers": {"django.request": {"level": "CRITICAL"}}},
    )
    django.setup()
    versions = {name: version(name) for name in ("django-cors-headers", "Django")}
    versions["Python"] = platform.python_version()
    lines = [json.dumps(case, ensure_ascii=True) for case in cases()]
    checks = [json.dumps({"settings": given, "errors": check(given)}) for given in CHECKED]
    profiles = [f"{json.dumps(name)}: {json.dumps(given)}" for name, given in SETTINGS.items()]
    (HERE / "recorded.json").write_text(
        f'{{"versions": {json.dumps(versions)},\n"settings": {{\n{block(profiles)}}},\n'
        f'"case": ["settings", "method", "target", "headers", "status", "answered headers"],\n'
        f'"cases": [\n{block(lines)}],\n"checks": [\n{block(checks)}]}}\n'
    )
    print(f"{len(lines)} cases, {len(checks)} checks")


def block(lines):
    return ",\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
