"""One refresh for whoever waits (rules 3, 6, 7 and 9)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass

from tokenpair._engine.clock import Clock
from tokenpair._engine.endpoints import Endpoints
from tokenpair._engine.keeper import Keeper
from tokenpair._engine.retries import Limit, until_answered
from tokenpair._engine.tokens import NOBODY, Tokens
from tokenpair.errors import LoggedOut


class Refresh(Future[None]):
    """A refresh under way, and the tokens it began for."""

    def __init__(self, used: Tokens) -> None:
        super().__init__()
        self._used = used
        self.set_running_or_notify_cancel()

    def is_for(self, tokens: Tokens) -> bool:
        return _same_access(self._used, tokens)


@dataclass(frozen=True)
class Outcome:
    """What the waiting requests and the application get to know."""

    problem: BaseException | None = None
    tell: Callable[[], None] | None = None


class Refresher:
    """Refreshes in a thread of its own, so that nobody who gives up waiting takes it along: a lost answer may be a lost login."""

    def __init__(
        self,
        keeper: Keeper,
        endpoints: Endpoints,
        patience: float,
        clock: Clock,
        *,
        on_refresh: Callable[[], None],
        on_refused: Callable[[], None],
    ) -> None:
        self._keeper = keeper
        self._endpoints = endpoints
        self._patience = patience
        self._clock = clock
        self._on_refresh = on_refresh
        self._on_refused = on_refused
        self.leaving: str | None = None
        """The refresh token that a log-out is about to revoke: that it is refused then is no news."""
        self.forget_after_fork()

    def forget_after_fork(self) -> None:
        """The thread of the parent is not in the child."""
        self._mutex = threading.Lock()
        self._under_way: Refresh | None = None

    def refresh(self, used: Tokens) -> Refresh:
        """The refresh under way, whichever tokens it is for; else a new one, which has nothing to do if `used` are replaced."""
        with self._mutex:
            if self._under_way is None:
                under_way = Refresh(used)
                threading.Thread(target=self._run, args=(under_way, used), name="tokenpair-refresh", daemon=False).start()
                self._under_way = under_way
            return self._under_way

    def _run(self, under_way: Refresh, used: Tokens) -> None:
        try:
            outcome = until_answered(lambda limit: self._try(used, limit), self._patience, self._clock)
        except BaseException as problem:  # noqa: BLE001 - nobody must wait for ever
            outcome = Outcome(problem)
        with self._mutex:
            self._under_way = None
        try:
            if outcome.tell:
                outcome.tell()  # before the others go on; what is called may use the client
        finally:
            _settle(under_way, outcome.problem)

    def _try(self, used: Tokens, limit: Limit) -> Outcome:
        """Between two tries it is the turn of others who share the storage: each may be the one that reaches the server."""
        with self._keeper.lock() as held:
            return self._renew(used, limit, has_lock=held)

    def _renew(self, used: Tokens, limit: Limit, *, has_lock: bool) -> Outcome:
        tokens = self._keeper.load()
        if not tokens:
            raise LoggedOut("nobody is logged in")
        if not _same_access(tokens, used):
            return Outcome()
        if tokens.refresh is None:
            raise LoggedOut("there is no refresh token")
        try:
            fresh = self._endpoints.refresh(tokens, limit())
        except LoggedOut as end:
            return self._refused(tokens, end, has_lock=has_lock)
        if self._keeper.swap(tokens, fresh):
            return Outcome(tell=self._on_refresh)
        return self._overtaken(fresh)

    def _refused(self, tokens: Tokens, end: LoggedOut, *, has_lock: bool) -> Outcome:
        if tokens.refresh == self.leaving:
            return Outcome(end)
        # Whoever has the lock may have been answered, and is about to save.
        with nullcontext() if has_lock else self._keeper.lock():
            is_over = self._keeper.swap(tokens, NOBODY)
        if is_over:
            return Outcome(end, self._on_refused)
        return self._overtaken()

    def _overtaken(self, fresh: Tokens | None = None) -> Outcome:
        """Somebody put other tokens into the storage, which are used then, or logged out: then so are the fresh ones."""
        if self._keeper.load():
            return Outcome()
        if fresh and fresh.refresh and fresh.origin == self._keeper.origin:
            self._endpoints.revoke(fresh.refresh)
        return Outcome(LoggedOut("somebody logged out"))


def _same_access(one: Tokens, other: Tokens) -> bool:
    return (one.login, one.access) == (other.login, other.access)


def _settle(under_way: Refresh, problem: BaseException | None) -> None:
    if problem:
        under_way.set_exception(problem)
    else:
        under_way.set_result(None)
