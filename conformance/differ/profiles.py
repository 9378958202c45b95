"""The configurations to compare under: profiles.json, where users are kept once for all profiles."""

import json
from pathlib import Path

from .jose import revoke_digest

FILE = Path(__file__).with_name("profiles.json")


def load_profiles():
    data = json.loads(FILE.read_text(encoding="utf-8"))
    return [{**profile, "users": data["users"][profile["users"]]} for profile in data["profiles"]]


class View:
    """What the case generators ask about a profile."""

    def __init__(self, profile):
        self.profile = profile
        self.name = profile["name"]
        self.settings = profile["simple_jwt"]
        self.users = profile["users"]
        self.login_field = "email" if profile["user_model"] == "customer-email" else "username"
        self.type_claim = self.settings.get("TOKEN_TYPE_CLAIM", "token_type")
        self.id_claim = self.settings.get("JTI_CLAIM", "jti")
        self.user_claim = self.settings.get("USER_ID_CLAIM", "user_id")
        self.window_claim = self.settings.get("SLIDING_TOKEN_REFRESH_EXP_CLAIM", "refresh_exp")
        self.revoke_claim = self.settings.get("REVOKE_TOKEN_CLAIM", "hash_password")
        types = self.settings.get("AUTH_HEADER_TYPES", ["Bearer"])
        self.scheme = types if isinstance(types, str) else types[0]
        self.header_name = _http_name(self.settings.get("AUTH_HEADER_NAME", "HTTP_AUTHORIZATION"))

    @property
    def bearer_kind(self):
        """The kind of token that the protected views take first."""
        first = self.settings.get("AUTH_TOKEN_CLASSES", ["AccessToken"])[0]
        return "sliding" if first.endswith("SlidingToken") else "access"

    def user(self, number=0):
        return self.users[number]

    def user_value(self, user):
        """The value of the user claim for a user."""
        field = self.settings.get("USER_ID_FIELD", "id")
        if field == "public_id":
            raw = user["public_id"]
            return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
        return str(user[field])

    def claims(self, kind, user=None, /, **changes):
        """Claims of a valid token in the order the reference writes them; a change to DROP drops the claim."""
        user = user or self.user()
        claims = {
            self.type_claim: kind,
            "exp": "<now+86400>" if kind == "refresh" else "<now+300>",
            "iat": "<now>",
            self.id_claim: "<hex32>",
        }
        claims.pop(None, None)
        if kind == "sliding":
            claims[self.window_claim] = "<now+86400>"
        claims[self.user_claim] = self.user_value(user)
        if self.settings.get("CHECK_REVOKE_TOKEN"):
            claims[self.revoke_claim] = revoke_digest(user["encoded"])
        audience = self.settings.get("AUDIENCE")
        if audience is not None:
            claims["aud"] = audience
        if self.settings.get("ISSUER") is not None:
            claims["iss"] = self.settings["ISSUER"]
        return {name: value for name, value in {**claims, **changes}.items() if value is not DROP}

    def bearer(self, token="{{t}}"):
        return {self.header_name: f"{self.scheme} {token}"}

    def credentials(self, user, password=None):
        return {self.login_field: user[self.login_field], "password": password or user["password"] or "x"}


DROP = object()


def _http_name(cgi_name):
    return cgi_name.removeprefix("HTTP_").replace("_", "-").title()
