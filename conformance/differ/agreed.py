"""Differences from the reference that are intended: its crashes, its unsafe edges, and the list in differences.txt."""

import fnmatch
import json
import re
import time
from pathlib import Path

from .jose import payload_of
from .strictness import DEEPEST, depth_of, violations
from .template import fill

TOKEN = re.compile(r"[\w-]+=*\.[\w-]*=*\.[\w-]*=*", re.ASCII)
CLOCK_ALLOWANCE = 5  # seconds an iat may lie in the future
USER_REFUSALS = ("No active account found for the given token.", "The user's password has been changed.")


def read_list(path):
    """Pairs (pattern of PROFILE/CASE, reason) of a file with one difference a line."""
    lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
    entries = []
    for line in lines:
        pattern, _, reason = line.strip().partition(" ")
        if pattern and not pattern.startswith("#"):
            entries.append((pattern, reason.strip() or "listed"))
    return entries


def listed_reason(entries, name):
    return next((reason for pattern, reason in entries if fnmatch.fnmatchcase(name, pattern)), None)


class Exchange:
    """One step as both servers answered it."""

    def __init__(self, profile, request, variables, theirs, ours):
        self.profile = profile
        self.settings = profile["simple_jwt"]
        self.request = request
        self.theirs = theirs
        self.ours = ours
        self.path = request["path"].partition("?")[0]
        sent = fill({key: request[key] for key in ("json", "body", "headers") if key in request}, variables)
        self.text = json.dumps(sent, ensure_ascii=False)
        self.tokens = TOKEN.findall(self.text)

    def our_detail(self):
        """The detail of our answer, also of an indented one, of which only the text was kept."""
        body = self.ours.get("body")
        if body is None and self.ours.get("text", "").startswith("{"):
            body = json.loads(self.ours["text"])
        return body.get("detail") if isinstance(body, dict) else None

    def ours_is_clean_refusal(self):
        """A 4xx in JSON, or without a body after HEAD, or as a page because a page was asked for."""
        asked_for_page = "html" in self.text.lower() or "format=api" in self.request["path"]
        page = self.ours.get("kind") == "html" and not asked_for_page
        return 400 <= self.ours["status"] < 500 and not page


def reason_for(exchange):
    """Why the difference is intended, or None."""
    return next((reason for rule in RULES if (reason := rule(exchange))), None)


def _crash(exchange):
    if exchange.theirs["status"] == 500 and exchange.ours_is_clean_refusal():
        return "D4 the reference crashes"
    return None


def _strict_token(exchange):
    if exchange.ours["status"] != 401 or not exchange.ours_is_clean_refusal():
        return None
    found = set()
    for token in exchange.tokens:
        found |= violations(token, exchange.settings.get("JTI_CLAIM", "jti"))
    if exchange.theirs["status"] == 401:  # only the reason of the refusal differs
        found -= {"T8 exp", "T9 nbf", "T9 iat"}
    return ", ".join(sorted(found)) or None


def _future_issue(exchange):
    if exchange.theirs["status"] != 401:
        return None
    latest = CLOCK_ALLOWANCE + float(exchange.settings.get("LEEWAY", 0))
    for token in exchange.tokens:
        try:
            ahead = payload_of(token)["iat"] - time.time()
        except (ValueError, KeyError, TypeError):
            continue
        if -2 < ahead <= latest:
            return "D4 iat up to 5 s in the future"
    return None


def _untrimmed_password(exchange):
    if exchange.path not in ("/api/token/", "/api/token/sliding/"):
        return None
    password = exchange.request.get("json", {})
    password = password.get("password") if isinstance(password, dict) else None
    if isinstance(password, str) and password != password.strip() and exchange.ours["status"] == 200:
        return "D5 the password is compared as received first"
    return None


def _user_at_refresh(exchange):
    checked = exchange.path == "/api/token/sliding/refresh/" or (
        exchange.path == "/api/token/refresh/" and exchange.settings.get("CHECK_REVOKE_TOKEN")
    )
    if checked and exchange.theirs["status"] == 200 and exchange.our_detail() in USER_REFUSALS:
        return "D4 user and revoke claim are checked at refresh"
    return None


def _blacklisted_at_verify(exchange):
    on = exchange.profile["blacklist_app"] and not exchange.settings.get("BLACKLIST_AFTER_ROTATION")
    if (
        on
        and exchange.path == "/api/token/verify/"
        and exchange.ours.get("body") == {"non_field_errors": ["Token is blacklisted"]}
    ):
        return "D4 verify honours the blacklist"
    return None


def _uuid_accident(exchange):
    errors = exchange.theirs.get("body") if exchange.theirs["status"] == 400 else None
    if isinstance(errors, dict) and "UUID" in str(errors.get("non_field_errors")) and exchange.ours["status"] == 401:
        return "T12 a malformed UUID is nobody"
    return None


def _deep_body(exchange):
    if depth_of(exchange.text) > DEEPEST and exchange.ours["status"] == 400:
        return "H1 JSON deeper than 128"
    return None


def _legacy_charset(exchange):
    """Text codecs that only Python knows are read as UTF-8, as unknown ones are."""
    declared = re.search(r"charset=\W*(utf[-_ ]?7|punycode|idna|unicode_escape|raw_unicode_escape)", exchange.text, re.I)
    return "charsets beyond UTF, ASCII, Latin-1 and cp1252 are unknown" if declared else None


def _server_refusal(exchange):
    """The WSGI server's own page has a bare content type; Django never saw the request."""
    their_type = exchange.theirs.get("headers", {}).get("content-type")
    if their_type == "text/html" and 400 <= exchange.theirs["status"] < 500:
        return "the HTTP server refuses the request"
    return None


RULES = (
    _crash,
    _server_refusal,
    _strict_token,
    _future_issue,
    _untrimmed_password,
    _user_at_refresh,
    _blacklisted_at_verify,
    _uuid_accident,
    _deep_body,
    _legacy_charset,
)
