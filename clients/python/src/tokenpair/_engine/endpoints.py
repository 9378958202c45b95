"""The token endpoints: what is sent to them, and what their answers mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tokenpair._engine.answers import Answer, NoAnswer, Post
from tokenpair._engine.clock import Clock, ServerClock
from tokenpair._engine.retries import SINGLE_TRY, once, within
from tokenpair._engine.tokens import NOBODY, Tokens, is_usable, seconds, when_due
from tokenpair.errors import LoggedOut, Refused


@dataclass(frozen=True)
class Paths:
    """Where the endpoints are, behind `base_url`."""

    token: str = "/token/"
    refresh: str = "/token/refresh/"
    blacklist: str = "/token/blacklist/"
    register: str = "/register/"
    me: str = "/me/"


class Endpoints:
    def __init__(self, post: Post, url: Callable[[str], str], paths: Paths, clock: Clock) -> None:
        self._send = post
        self._url = url
        self._paths = paths
        self._clock = clock
        self.server_clock = ServerClock(clock)

    def log_in(self, credentials: Mapping[str, Any]) -> Tokens:
        path = self._paths.token
        answer = self._ask_once(path, credentials)
        tokens = self._tokens(answer, NOBODY)
        if tokens is None:
            raise _refused(path, answer, credentials)
        return tokens

    def register(self, fields: Mapping[str, Any]) -> tuple[Tokens | None, dict[str, Any]]:
        """The tokens, unless the server asks for a proof of the address first, and the rest of its answer."""
        answer = self._ask_once(self._paths.register, fields)
        rest = {name: value for name, value in answer.data.items() if name not in {"access", "refresh"}}
        return self._tokens(answer, NOBODY), rest

    def refresh(self, tokens: Tokens, limit: float) -> Tokens:
        """One try. Raises `LoggedOut` for a 401, and for that alone."""
        sent = {"refresh": tokens.refresh}
        answer = once(lambda timeout: self._post(self._paths.refresh, sent, timeout), limit, self._clock)
        if answer.status == 401:
            raise LoggedOut("the login has ended: the server refused the refresh token")
        fresh = self._tokens(answer, tokens) if answer.is_success else None
        if fresh is None:
            raise _refused(self._paths.refresh, answer, sent)
        return fresh

    def revoke(self, refresh: str) -> bool:
        """Whether the server knows now that the token is over."""
        try:
            answer = self._post(self._paths.blacklist, {"refresh": refresh}, SINGLE_TRY)
        except NoAnswer:
            return False
        return answer.is_success or answer.status == 401

    def _ask_once(self, path: str, data: Mapping[str, Any]) -> Answer:
        answer = once(lambda timeout: self._post(path, data, timeout), SINGLE_TRY, self._clock)
        if not answer.is_success:
            raise _refused(path, answer, data)
        return answer

    def _post(self, path: str, data: Mapping[str, Any], timeout: float) -> Answer:
        return within(timeout, lambda: self._send(self._url(path), data, timeout))

    def _tokens(self, answer: Answer, before: Tokens) -> Tokens | None:
        """The tokens of an answer; the refresh token of before stays where the server does not rotate."""
        data = answer.data
        access = data.get("access")
        if not is_usable(access):
            return None
        rotated = data.get("refresh")
        refresh = rotated if is_usable(rotated) else before.refresh
        now = answer.date or seconds(access, "iat")
        if now is not None:
            self.server_clock.set(now)
        due = None if now is None else when_due(access, now)
        return replace(before, access=access, refresh=refresh, due=due)


def _refused(path: str, answer: Answer, sent: Mapping[str, Any]) -> Refused:
    data = answer.data_without_tokens(sent.get("refresh"))
    detail = data.get("detail", "")
    if not isinstance(detail, str) or any(str(value) in detail for value in sent.values()):
        detail = ""  # nothing that was sent, such as a password, comes back in an error
    return Refused(f"{path} was answered {answer.status} {detail}".rstrip(), answer.status, data)
