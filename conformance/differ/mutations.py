"""Random changes to systematic cases."""

import copy
import json

from .cases.parsing import CONTENT_TYPES, FIELD_VALUES
from .cases.requests import ACCEPTS, AUTHORIZATIONS, FORMATS
from .cases.tokens import EXTRA_CLAIMS, HEADERS, TRANSFORMS
from .cases.users import ID_VALUES
from .jose import algorithm_of

CHARACTERS = "aZ09 _-.=+/\\\"'{}[]:,;&%<>?#*\t\0\u00a0\u00e9\u0130\u200b\u2028\ufeff１😀"
HEADER_CHARACTERS = "aZ09 _-.=+/\\\"'{}[]:,;&%<>?#*\u00a0\u00e9"
PATH_CHARACTERS = "aZ09_-.=+/:;&%?~!$'()*,@"
NUMBERS = (
    0,
    1,
    -1,
    2**31,
    2**53,
    2**63,
    10**30,
    0.5,
    -0.0,
    1e300,
    "<now>",
    "<now-1000>",
    "<now+1000>",
    "<float:now+9.5>",
)
TEXTS = ("", " ", "x", "null", "\0", "é", "a" * 300, "<hex32>", "access", "refresh", "sliding", "1")


def mutated(case, source, number, profile):
    """A copy of the case with one to three random changes."""
    result = copy.deepcopy(case)
    steps = [step for step in result["steps"] if "request" in step]
    result["steps"] = [step for step in result["steps"] if step.get("action") != "sleep"]
    for _ in range(source.randint(1, 3)):
        step = source.choice(steps)
        changes = [_change_header, _change_target, _change_body]
        if step.get("mint"):
            changes += [_change_claims, _change_claims, _change_token, _change_mint]
        source.choice(changes)(step, source, profile)
    return {**result, "id": f"random-{number}-{case['id']}", "title": f"random change of {case['id']}"}


def edited(text, source, alphabet=CHARACTERS):
    """The text with one character inserted, removed, replaced or repeated."""
    if len(text) > 5000:
        return text
    at = source.randrange(len(text) + 1)
    new = source.choice(alphabet)
    return source.choice(
        [
            text[:at] + new + text[at:],
            text[:at] + text[at + 1 :],
            text[:at] + new + text[at + 1 :],
            text[:at] + text[at - 1 :],
        ]
    )


def _value(source):
    scalars = (None, True, False, source.choice(NUMBERS), source.choice(TEXTS), source.choice(list(ID_VALUES.values())))
    return source.choice([*scalars, [source.choice(scalars)], {"a": source.choice(scalars)}])


def _change_claims(step, source, _profile):
    description = source.choice(step["mint"])
    claims = description.get("claims")
    if not claims:
        return
    description.pop("unicode", None)  # the new value may be a lone surrogate
    name = source.choice(list(claims))
    kind = source.randrange(5)
    if kind == 0:
        del claims[name]
    elif kind == 1:
        claims[name] = _value(source)
    elif kind == 2:
        claims[source.choice(["sub", "aud", "iss", "nbf", "jti", "x", name.upper(), ""])] = _value(source)
    elif kind == 3:
        items = list(claims.items())
        source.shuffle(items)
        claims.clear()
        claims.update(items)
    else:
        claims.update(source.choice(list(EXTRA_CLAIMS.values())))


def _change_mint(step, source, profile):
    description = source.choice(step["mint"])
    if source.random() < 0.4:
        header = json.dumps(source.choice(list(HEADERS.values()))).replace('"ALG"', json.dumps(algorithm_of(profile)))
        description["header"] = json.loads(header)
    elif source.random() < 0.5:
        header = json.dumps({"alg": algorithm_of(profile), "typ": "JWT"})
        description["header_raw"] = edited(header, source)
    else:
        description["transform"] = [source.choice(TRANSFORMS)]


def _change_token(step, source, _profile):
    """Edits what is sent around the placeholder of a token."""
    request = step["request"]
    placeholder = "{{" + step["mint"][0]["var"] + "}}"
    glued = source.choice(["{} ", " {}", "{}.", ".{}", "{}=", "{}a", "a{}", "{}.{}", "{},{}", '"{}"', "{}-", "{}\t"])
    glued = glued.replace("{}", placeholder)
    for part in ("json", "body", "headers"):
        if part in request:
            text = json.dumps(request[part], ensure_ascii=False)
            request[part] = json.loads(text.replace(placeholder, json.dumps(glued, ensure_ascii=False)[1:-1]))


def _change_header(step, source, _profile):
    headers = dict(step["request"].get("headers") or {})
    kind = source.randrange(4)
    if kind == 0:
        headers["Accept"] = source.choice(list(ACCEPTS.values()))
    elif kind == 1 and "body" in step["request"]:
        headers["Content-Type"] = source.choice(list(CONTENT_TYPES.values()))
    elif kind == 2 and "mint" not in step:
        template = source.choice(list(AUTHORIZATIONS.values()))
        headers["Authorization"] = template.format(S="Bearer", s="bearer", U="BEARER").replace("{{t}}", "x.y.z")
    elif headers:
        name = source.choice(list(headers))
        if isinstance(headers[name], str) and "{{" not in headers[name]:
            headers[name] = edited(headers[name], source, HEADER_CHARACTERS)
    step["request"]["headers"] = headers


def _change_target(step, source, _profile):
    request = step["request"]
    kind = source.randrange(4)
    if kind == 0:
        request["method"] = source.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    elif kind == 1 and "{{" not in request["path"]:
        request["path"] = "/" + edited(request["path"][1:], source, PATH_CHARACTERS)
    elif kind == 2:
        request["path"] += f"?format={source.choice(FORMATS)}"
    else:
        request["path"] += "?x=" + source.choice(["", "1", "%20", "a&b"])


def _change_body(step, source, _profile):
    request = step["request"]
    if "json" in request and isinstance(request["json"], dict) and request["json"] and source.random() < 0.5:
        name = source.choice(list(request["json"]))
        if source.random() < 0.5:
            request["json"][name] = _value(source)
        else:
            request["json"] = {**request["json"], edited(name, source): request["json"].pop(name)}
    elif "json" in request:
        text = json.dumps(request.pop("json"), ensure_ascii=False)
        request["body"] = _edited_around_placeholders(text, source)
        request["headers"] = {**(request.get("headers") or {}), "Content-Type": "application/json"}
    elif "body" in request:
        request["body"] = _edited_around_placeholders(request["body"], source)
    elif request["method"] == "POST":
        request["json"] = {"username": json.loads(source.choice(list(FIELD_VALUES.values())))}


def _edited_around_placeholders(text, source):
    changed = edited(text, source)
    return changed if changed.count("{{") == text.count("{{") and changed.count("}}") == text.count("}}") else text
