"""What the faces have in common: the login, and how a request is taken care of."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Literal

from tokenpair._engine.answers import Post
from tokenpair._engine.clock import Clock
from tokenpair._engine.endpoints import Endpoints, Paths
from tokenpair._engine.keeper import Keeper
from tokenpair._engine.refresher import Refresher
from tokenpair._engine.tokens import Tokens, seconds
from tokenpair.errors import LoggedOut, TokenPairError, Unavailable
from tokenpair.storage import MemoryStorage, Storage

PATIENCE = 15.0
"""Seconds for which a refresh is tried."""
BREATHER = 30.0
"""Seconds for which nothing is refreshed ahead of time after that found no server."""

DEFAULT_PORTS = {"http": 80, "https": 443}
Reason = Literal["asked", "refused"]
log = logging.getLogger("tokenpair")


@dataclass
class Send:
    """A step of a request: send it with this access token."""

    access: str | None = field(repr=False)
    again: bool = False
    refused: bool = False
    """Whether the answer was a 401 to a request with this token; whoever sends says so."""


class Login:
    """A login that is kept, with its events.

    `on_login()`, `on_refresh()` and `on_logout(reason)` are called in whichever thread the thing happens; an error in them is
    logged. The reason is "asked" or "refused".
    """

    def __init__(
        self,
        base_url: str,
        post: Post,
        *,
        storage: Storage | None,
        auth_header_type: str,
        paths: Paths,
        patience: float,
        clock: Clock | None,
        on_login: Callable[[], object] | None,
        on_refresh: Callable[[], object] | None,
        on_logout: Callable[[Reason], object] | None,
    ) -> None:
        self._keeper = Keeper(storage or MemoryStorage())
        self.base_url = base_url
        self.auth_header_type = auth_header_type
        self.on_login, self.on_refresh, self.on_logout = on_login, on_refresh, on_logout
        self._clock = clock or Clock()
        self._endpoints = Endpoints(post, self._url, paths, self._clock)
        self._refresher = Refresher(
            self._keeper, self._endpoints, patience, self._clock, on_refresh=self._tell_refresh, on_refused=self._tell_refused
        )
        self._rested_at = self._clock.monotonic()
        _all.add(self)

    @property
    def base_url(self) -> str:
        """What the paths begin with. Tokens go to its origin alone."""
        return self._base_url

    @base_url.setter
    def base_url(self, value: str) -> None:
        self._keeper.origin = self._origin_of(value)
        self._base_url = value

    @property
    def _origin(self) -> str:
        return self._keeper.origin

    @property
    def access_token(self) -> str | None:
        return self._keeper.load().access

    @access_token.setter
    def access_token(self, value: str | None) -> None:
        self._keeper.put(access=_stripped(value))

    @property
    def refresh_token(self) -> str | None:
        return self._keeper.load().refresh

    @refresh_token.setter
    def refresh_token(self, value: str | None) -> None:
        self._keeper.put(refresh=_stripped(value))

    @property
    def logged_in(self) -> bool:
        """Whether there are tokens. Whether the server still takes them shows with the next request."""
        return bool(self._keeper.load())

    def login(self, username: str | None = None, password: str | None = None, **fields: object) -> None:
        """Logs in with name and password, or with the fields that your server asks for: `login(email=…, password=…)`.

        Raises `Refused` if the server does not let you in, also if it answers without an access token; `Unavailable` if it cannot
        be asked.
        """
        named = {"username": username, "password": password}
        credentials = {name: value for name, value in named.items() if value is not None}
        origin = self._origin
        self._begin(self._endpoints.log_in(credentials | fields), origin)

    def register(self, **fields: object) -> dict[str, Any]:
        """Signs up and logs in. Gives back the server's answer without the tokens.

        A server that first sends a link by mail answers without tokens: then nobody is logged in yet. Raises as `login` does;
        the `data` of a `Refused` says what is wrong with which field.
        """
        origin = self._origin
        tokens, answer = self._endpoints.register(fields)
        if tokens:
            self._begin(tokens, origin)
        return answer

    def logout(self) -> bool:
        """Ends the login, at the server and here.

        False: the server did not take the token back, which lives until it expires. It could not be reached, has no such endpoint
        (Django without the blacklist app) or answered with another error.
        """
        tokens = self._keeper.look()
        self._refresher.leaving = tokens.refresh if tokens else None
        revoked = tokens is not None and self._revoke(tokens)
        try:
            left = self._keeper.take()
        finally:
            self._refresher.leaving = None
        if left and (tokens is None or left.refresh != tokens.refresh):
            revoked = self._revoke(left)  # refreshed meanwhile
        if left is None or left:
            self._tell(self.on_logout, "asked")
        return revoked

    def _begin(self, tokens: Tokens, origin: str) -> None:
        self._keeper.begin(tokens, origin)
        self._tell(self.on_login)

    def _load_of(self, began: Tokens) -> Tokens:
        """The tokens now of the login that a request began with."""
        tokens = self._keeper.load()
        if not tokens or tokens.login != began.login:
            raise LoggedOut("somebody logged out, or logged in as somebody else, meanwhile")
        return tokens

    def refresh(self) -> None:
        """Refreshes now. Raises `LoggedOut`, `Unavailable` or `Refused`."""
        began = self._keeper.load()
        for under_way in self._refreshed(began):
            wait([under_way])
        self._load_of(began)

    def _steps(self, repeatable: bool) -> Iterator[Send | Future[None]]:
        """How to send one request: wait for what is to be waited for, send what is to be sent, say if it was refused."""
        began = tokens = self._keeper.load()
        if self._is_due(tokens, repeatable):
            yield from self._refresh_ahead(tokens)
            tokens = self._load_of(began)
        sent = Send(tokens.access)
        yield sent
        if not sent.access or not sent.refused:
            return
        try:
            access = yield from self._access_after(sent.access, began, repeatable)
        except Exception:
            if repeatable:
                raise
        else:
            if access and repeatable:
                yield Send(access, again=True)

    def _access_after(self, refused: str, began: Tokens, repeatable: bool) -> Generator[Future[None], None, str | None]:
        """What a request goes out with a second time; None if that is of no use."""
        tokens = self._load_of(began)
        if tokens.access == refused:
            if tokens.refresh is None:
                return None
            yield from self._refreshed(tokens)
        elif repeatable and self._is_due(tokens, repeatable):
            yield from self._refresh_ahead(tokens)
        return self._load_of(began).access

    def _refreshed(self, tokens: Tokens) -> Iterator[Future[None]]:
        """Waits for the refresh of these tokens. One that is under way for others says nothing about them."""
        under_way = self._refresher.refresh(tokens)
        while not under_way.is_for(tokens):
            yield under_way
            under_way = self._refresher.refresh(tokens)
        yield under_way
        _raise_from(under_way)

    def _refresh_ahead(self, tokens: Tokens) -> Iterator[Future[None]]:
        try:
            yield from self._refreshed(tokens)
        except Unavailable:
            if not self._lives(tokens):
                raise
            self._rested_at = self._clock.monotonic() + BREATHER

    def _is_due(self, tokens: Tokens, repeatable: bool) -> bool:
        if tokens.refresh is None:
            return False
        if tokens.access is None:
            return True
        if repeatable and not self._endpoints.server_clock.is_known:
            return False  # our own clock may be wrong, and a 401 costs such a request little
        if tokens.due is None or self._endpoints.server_clock.now() < tokens.due:
            return False
        return self._clock.monotonic() >= self._rested_at or not self._lives(tokens)

    def _lives(self, tokens: Tokens) -> bool:
        end = seconds(tokens.access or "", "exp")
        return end is not None and self._endpoints.server_clock.now() < end

    def _revoke(self, tokens: Tokens) -> bool:
        """Whether the server has no more to be told."""
        return not tokens or (tokens.refresh is not None and self._endpoints.revoke(tokens.refresh))

    def _tell_refresh(self) -> None:
        self._tell(self.on_refresh)

    def _tell_refused(self) -> None:
        self._tell(self.on_logout, "refused")

    def _tell(self, listener: Callable[..., object] | None, *arguments: object) -> None:
        try:
            if listener:
                listener(*arguments)
        except Exception:
            log.exception("a listener of %r failed", self)

    def _header(self, step: Send) -> str | None:
        """The `Authorization` that a step goes with."""
        return f"{self.auth_header_type} {step.access}" if step.access else None

    def _url(self, path: str) -> str:
        """A path behind `base_url`; a whole address, such as the next page's, as it is."""
        if path.startswith(("http://", "https://")):
            return path
        return f"{self.base_url.rstrip('/')}/{path.removeprefix('/')}"

    @staticmethod
    def _origin_of(url: str) -> str:
        """As the library that sends understands it. Raises ValueError."""
        raise NotImplementedError

    def _after_fork(self) -> None:
        self._keeper.unlock_after_fork()
        self._refresher.forget_after_fork()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._origin}>"


def origin(scheme: str, host: str, port: int | None) -> str:
    """As browsers write it, so that clients which share a storage mean the same."""
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" if port in {None, DEFAULT_PORTS.get(scheme)} else f"{scheme}://{host}:{port}"


def _stripped(token: str | None) -> str | None:
    """As it comes out of a file."""
    return (token or "").strip() or None


def _raise_from(under_way: Future[None]) -> None:
    """Raises what went wrong, a copy for each who waited: one error for all would gather the tracebacks of all."""
    problem = under_way.exception()
    if isinstance(problem, TokenPairError):
        own = copy(problem)
        own.__cause__ = problem.__cause__
        raise own.with_traceback(problem.__traceback__)
    under_way.result()


_all: weakref.WeakSet[Login] = weakref.WeakSet()


def _after_fork() -> None:
    for login in list(_all):
        login._after_fork()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
