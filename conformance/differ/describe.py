"""Turns an answer and the rows it left behind into an expectation in the format of the recorded cases.

Whatever differs from run to run (times, ids, tokens) becomes a placeholder, so that two servers' answers can be compared
and an answer of the reference can be replayed later.
"""

import datetime
import json
import re

from .jose import payload_of, segments_of, signature_is_valid

COMPARED_HEADERS = ("content-type", "www-authenticate", "allow", "vary", "location", "content-language")
TOKEN = re.compile(r"^[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*$")
LOWER_HEX = re.compile(r"^[0-9a-f]{32}$")
UPPER_HEX = re.compile(r"^[0-9A-F]{32}$")
NEAR = 10_000_000  # seconds from now within which a number is taken for a time
CLOCK_SLACK = 3


class Describer:
    """Describes the answers of one server in one case."""

    def __init__(self, profile):
        self.profile = profile
        self.variables = {}
        self.known_ids = set()
        settings = profile["simple_jwt"]
        self.id_claim = settings.get("JTI_CLAIM", "jti")
        unnamed = None in (self.id_claim, settings.get("TOKEN_TYPE_CLAIM", "token_type"))
        self.ignored_claims = ["null"] if unnamed else []  # what the reference calls a claim without a name

    def remember(self, name, token):
        self.variables[name] = token
        self.known_ids.update(_ids_in(token))

    def answer(self, response, request, started):
        expectation = {"status": response.status}
        if response.status == 500:
            return {**expectation, "reference_crash": True}
        expectation["headers"] = self._headers(response)
        expectation.update(self._body(response, request, started))
        return expectation

    def _headers(self, response):
        headers = {name: response.header(name) for name in COMPARED_HEADERS}
        if headers["location"]:
            headers["location"] = re.sub(r"^https?://[^/]+", "", headers["location"])
        kept = ["content-type", "www-authenticate"]
        return {name: value for name, value in headers.items() if value is not None or name in kept}

    def _body(self, response, request, started):
        if not response.body:
            return {"kind": "empty"}
        if (response.header("content-type") or "").startswith("text/html"):
            return {"kind": "html"}
        try:
            body = json.loads(response.body)
        except ValueError:
            return {"text": response.body.decode("utf-8", "replace")}
        compact = response.body == _compact(body)
        if request["method"] == "OPTIONS" and isinstance(body, dict) and "description" in body:
            body["description"] = "<string>"
            return {"body": body} if compact else {"body": body, "indented": True}
        claims = {}
        described = self._describe_tokens(body, "", claims, started)
        result = {"body": described}
        if not compact:
            result = {"body": described, "indented": True} if claims else {"text": response.body.decode()}
        return {**result, "claims": claims} if claims else result

    def _describe_tokens(self, value, path, claims, started):
        if isinstance(value, dict):
            return {
                key: self._describe_tokens(item, f"{path}.{key}" if path else key, claims, started)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._describe_tokens(item, f"{path}.{index}", claims, started) for index, item in enumerate(value)]
        if isinstance(value, str) and TOKEN.match(value):
            claims[path] = self._token(value, started)
            return f"<jwt:{path}>"
        return value

    def _token(self, token, started):
        header, payload = (json.loads(segment) for segment in segments_of(token))
        described = {"header": header, "payload": self._claims(payload, started)}
        self.known_ids.update(_ids_in(token))
        if not signature_is_valid(self.profile, token):
            described["flaw"] = "bad signature"
        elif self.ignored_claims:  # the reference may write such a claim twice
            described["ignore_keys"] = self.ignored_claims
        elif [_ascii(header), _ascii(payload)] != list(segments_of(token)):
            described["flaw"] = "JSON not compact or not ASCII"
        return described

    def _claims(self, payload, started):
        return {
            name: self._claim(name, value, started)
            for name, value in payload.items()
            if name not in self.ignored_claims
        }

    def _claim(self, name, value, started):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value - int(started)) < NEAR:
            return f"<now{value - int(started):+d}>"
        if isinstance(value, float) and abs(value - started) < NEAR:
            return f"<float:now{value - started:+.1f}>"
        if isinstance(value, str) and LOWER_HEX.match(value):
            return self._identifier(name, value)
        if isinstance(value, str) and UPPER_HEX.match(value):
            return "<HEX32>"
        return value

    def _identifier(self, name, value):
        if value not in self.known_ids:
            return "<hex32:fresh>"
        for variable, token in self.variables.items():
            if _payload_or_nothing(token).get(name) == value:
                return f"<claim:{variable}.{name}>"
        return "<hex32>"

    def rows(self, outstanding, blacklisted, body, started):
        """The `db` part: rows inserted by the request."""
        body = body if isinstance(body, dict) else {}
        answered = {
            f"body.{key}": value for key, value in body.items() if isinstance(value, str) and TOKEN.match(value)
        }
        candidates = {**answered, **self.variables}
        return {
            "outstanding_new": [self._outstanding(row, candidates, started) for row in outstanding],
            "blacklisted_new": [
                {
                    "jti": self._row_id(row["jti"], candidates),
                    "blacklisted_at": _instant(row["blacklisted_at"], started),
                }
                for row in blacklisted
            ],
        }

    def _outstanding(self, row, candidates, started):
        return {
            "user_id": row["user_id"],
            "jti": self._row_id(row["jti"], candidates),
            "token": self._row_token(row, candidates),
            "created_at": _instant(row["created_at"], started),
            "expires_at": _expiry(row),
        }

    def _reference(self, jti, candidates):
        for name, token in candidates.items():
            if str(_payload_or_nothing(token).get(self.id_claim)) == jti:
                return name
        return None

    def _row_id(self, jti, candidates):
        name = self._reference(jti, candidates)
        if name:
            return f"<jti-of:{name}>"
        return "<hex32>" if LOWER_HEX.match(jti) else jti

    def _row_token(self, row, candidates):
        name = self._reference(row["jti"], candidates)
        if not name:
            return "unknown"
        token = candidates[name].strip()
        if token == row["token"]:
            return f"<same:{name}>"
        stored = _payload_or_nothing(row["token"])
        if list(stored.items()) == list(_payload_or_nothing(token).items()) and signature_is_valid(
            self.profile, row["token"]
        ):
            return f"<claims-of:{name}>"
        return {"other claims": self._claims(stored, 0)}

    def changed_users(self, before, after, started):
        """The `users` part: rows whose password or last login changed."""
        changed = []
        for user_id, row in after.items():
            old = before.get(user_id)
            if old is None or row == old:
                continue
            entry = {"id": user_id, "last_login": _instant(row["last_login"], started)}
            entry["password"] = row["password"] if row["password"] == old["password"] else _hash_shape(row["password"])
            changed.append(entry)
        return changed


def _compact(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode("utf-8", "surrogatepass")


def _ascii(value):
    return json.dumps(value, separators=(",", ":")).encode()


def _ids_in(token):
    return {value for value in _payload_or_nothing(token).values() if isinstance(value, str) and LOWER_HEX.match(value)}


def _payload_or_nothing(token):
    try:
        payload = payload_of(token.strip())
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _instant(text, started):
    """`<now:us>` for a moment between the request and now, otherwise the text itself."""
    if text is None:
        return None
    moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()
    return "<now:us>" if abs(moment - started) <= CLOCK_SLACK else text


def _expiry(row):
    expiry = _payload_or_nothing(row["token"]).get("exp")
    try:
        text = datetime.datetime.fromtimestamp(int(expiry), datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    except (TypeError, ValueError, OverflowError):
        text = None
    return "<exp>" if row["expires_at"] == text else row["expires_at"]


def _hash_shape(encoded):
    parts = encoded.split("$")
    if len(parts) != 4:
        return encoded
    return {"algorithm": parts[0], "iterations": int(parts[1]), "salt_length": len(parts[2])}
