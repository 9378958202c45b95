"""Answers of the token endpoints, whichever library brought them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

TOKENS = frozenset({"access", "refresh"})
JWT = re.compile(rb"eyJ[\w-]+(?:\.[\w-]*)+")


class NoAnswer(Exception):
    """The server could not be reached, or its answer was lost."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_outage(self) -> bool:
        """Whether nothing was decided, so that the same may be asked again."""
        return self.status in {408, 425, 429} or self.status >= 500

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object in it; empty if it is none, as the page of a captive portal."""
        return _object(self.content)

    def data_without_tokens(self, sent: object) -> dict[str, Any]:
        """What may be shown: neither the tokens that came, nor the one that was sent."""
        content = JWT.sub(b"", self.content)
        if isinstance(sent, str):
            content = content.replace(sent.encode(), b"")
        return {name: value for name, value in _object(content).items() if name not in TOKENS or not isinstance(value, str)}

    @property
    def date(self) -> float | None:
        return http_date(self.headers.get("Date", ""))

    def retry_after(self, now: float) -> float | None:
        """The seconds to wait, which the header says as a number or as a date."""
        value = self.headers.get("Retry-After", "")
        if value.isdecimal():
            return float(value)
        until = http_date(value)
        return None if until is None else max(0.0, until - (self.date or now))


def _object(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def http_date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


HEADERS = {"Accept": "application/json"}
"""What a request to the token endpoints carries beside its JSON."""
Post = Callable[[str, Mapping[str, Any], float], Answer]
"""How the token endpoints are reached: with an address, the JSON to send and the seconds it may take.

It follows no redirect, which could take a token elsewhere, and raises `NoAnswer` from the library's error.
"""
