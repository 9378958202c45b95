"""What a strict reader refuses in a token although the reference lets it pass."""

import json
import math

from .jose import segments_of

LONGEST_TOKEN = 128 * 1024
LONGEST_KEY_ID = 256
LAST_SECOND = 253402300799  # the end of the year 9999
DEEPEST = 128
REFUSED_HEADERS = {"crit", "b64", "zip", "enc"}


def violations(token, id_claim="jti"):
    """Rules that a well-formed token breaks; an unreadable one breaks none, both sides refuse it."""
    if len(token) > LONGEST_TOKEN:
        return {"T1 longer than 128 KiB"}
    try:
        header, payload = segments_of(token)
    except ValueError:
        return set()
    found = {"T2 padding"} if "=" in token else set()
    return found | _header_violations(header) | _payload_violations(payload, id_claim)


def _header_violations(raw):
    header, found = _read(raw, "T3 header")
    if not isinstance(header, dict):
        return found
    if REFUSED_HEADERS & header.keys():
        found.add("T4 crit, b64, zip or enc")
    if len(str(header.get("kid", "")).encode("utf-8", "replace")) > LONGEST_KEY_ID:
        found.add("T4 long kid")
    if not isinstance(header.get("typ", ""), str):
        found.add("T5 typ is no string")
    return found


def _payload_violations(raw, id_claim):
    payload, found = _read(raw, "T7 payload")
    if not isinstance(payload, dict):
        return found
    if "exp" in payload and not _is_time(payload["exp"]):
        found.add("T8 exp")
    for name in ("nbf", "iat"):
        if name in payload and not _is_number(payload[name]):
            found.add(f"T9 {name}")
    if id_claim in payload and not _is_id(payload[id_claim]):
        found.add("T10 jti")
    return found


def _read(raw, label):
    """The JSON value of a segment as the reference reads it, and the strict rules its text breaks."""
    found = set()

    def pairs(items):
        if len({name for name, _ in items}) != len(items):
            found.add(f"{label}: duplicate names")
        return dict(items)

    def constant(_text):
        found.add(f"{label}: NaN or Infinity")
        return math.nan

    try:
        value = json.loads(raw, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError):
        return None, found
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = ""
    if not text.lstrip().startswith("{"):
        found.add(f"{label}: not UTF-8 or with a byte order mark")
    if depth_of(text) > DEEPEST:
        found.add(f"{label}: too deep")
    if any("\ud800" <= character <= "\udfff" for character in json.dumps(value, ensure_ascii=False)):
        found.add(f"{label}: lone surrogate")
    return value, found


def depth_of(text):
    """The deepest nesting of brackets in a text; strings are not told apart."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_time(value):
    return _is_number(value) and 0 < value <= LAST_SECOND


def _is_id(value):
    return isinstance(value, str) and 0 < len(value) <= 255 and "\0" not in value
