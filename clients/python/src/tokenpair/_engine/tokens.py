"""A pair of tokens, and what can be read from an access token."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any, TypeGuard

AHEAD = 300.0
"""Seconds before its end at which an access token is due, unless its life is shorter than five times that."""
SHARE = 5
NO_TIME = 1e12
"""Numbers from here on, in the year 33658, are not read: among them are those that are too large for a float."""
FITS_A_HEADER = re.compile("[!-~]+").fullmatch
"""Anything else would be refused where the header is written, with the token in the error."""


@dataclass(frozen=True)
class Tokens:
    """What a login consists of."""

    access: str | None = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    due: float | None = None
    """When to refresh ahead of time, by the server's clock; None: not before a 401."""
    login: str | None = None
    """The same at random for as long as one login lasts: what one user asked for must not be done by the next."""
    origin: str | None = None
    """Where they were got, and may be sent to."""

    def __post_init__(self) -> None:
        for token in (self.access, self.refresh):
            if token is not None and not is_usable(token):
                raise ValueError("a token has characters that no token has, such as a line break")

    def __bool__(self) -> bool:
        """Whether somebody is logged in."""
        return self.access is not None or self.refresh is not None

    def to_json(self) -> str:
        """The text that storages keep."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Tokens:
        """Raises ValueError for a text that `to_json` did not write; the text is not in the error."""
        try:
            data = json.loads(text)
            return cls(data["access"], data["refresh"], data.get("due"), data.get("login"), data.get("origin"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError("no tokens are stored here, but something else") from None


NOBODY = Tokens(None)


def is_usable(token: object) -> TypeGuard[str]:
    return isinstance(token, str) and FITS_A_HEADER(token) is not None


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified; none of a token that cannot be read."""
    try:
        _, payload, _ = token.split(".")
        read = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def seconds(token: str, claim: str) -> float | None:
    """A claim that is a time, such as `exp`."""
    value = claims(token).get(claim)
    return float(value) if isinstance(value, (int, float)) and abs(value) < NO_TIME else None


def when_due(access: str, now: float) -> float | None:
    """When an access token that came at `now` is due.

    Its life is counted from its arrival: older servers copy the `iat` of the refresh token into the access token.
    """
    end = seconds(access, "exp")
    if end is None or end <= now:
        return None  # a token is not dead when it comes: the clock that says so is not the one that signed it
    return end - min(AHEAD, (end - now) / SHARE)
