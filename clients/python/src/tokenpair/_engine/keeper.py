"""Who keeps the tokens."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace

from tokenpair._engine.tokens import NOBODY, Tokens
from tokenpair.storage import Storage

LOCK_TIMEOUT = 10.0
"""Seconds after which a refresh goes on without the storage's lock: a lock that hangs must not hang the application."""

log = logging.getLogger("tokenpair")


class Keeper:
    """Reads and writes the storage. What the storage could not take (a full disk) is kept here, so that it is not lost."""

    origin: str
    """Whose tokens are ours. Those of another origin are left where they are, until somebody logs in here."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._unsaved: Tokens | None = None
        self.unlock_after_fork()

    def unlock_after_fork(self) -> None:
        self._mutex = threading.RLock()

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """The storage's lock; gives whether it is held. A lock that fails is one that could not be got."""
        lock: AbstractContextManager[object] = nullcontext()
        try:
            lock = self._storage.lock(LOCK_TIMEOUT)
            held = lock.__enter__() is not False
        except Exception as error:  # noqa: BLE001 - somebody else's storage
            log.warning("going on without the lock of the storage, which failed with %s", type(error).__name__)
            lock, held = nullcontext(), False
        try:
            yield held
        finally:
            with suppress(Exception):
                lock.__exit__(None, None, None)

    def load(self) -> Tokens:
        held = self._read()
        if not self._is_ours(held):
            return NOBODY
        return held if held.origin else replace(held, origin=self.origin)

    def save(self, tokens: Tokens) -> None:
        with self._mutex:
            try:
                self._storage.save(tokens or None)
            except BaseException:
                self._unsaved = tokens
                raise
            self._unsaved = None

    def begin(self, tokens: Tokens, origin: str) -> None:
        """Saves the tokens of a new login."""
        with self.lock():
            self.save(replace(tokens, login=_new_login(), origin=origin))

    def put(self, **token: str | None) -> None:
        """Puts `access` or `refresh` beside the other. As nobody knows whose it is, that makes another login."""
        with self.lock(), self._mutex:
            self.save(replace(self.load(), due=None, login=_new_login(), **token))

    def swap(self, old: Tokens, new: Tokens) -> bool:
        """Saves `new` if `old` is still the login; not so if somebody logged out or in meanwhile."""
        with self._mutex:
            try:
                held = self._read()
            except Exception:
                if not new:
                    raise
                held = old  # which may be worth nothing any more, and `new` is nowhere else
            if (held.login, held.refresh) != (old.login, old.refresh):
                return False
            self.save(new)
            return True

    def look(self) -> Tokens | None:
        """None if the storage cannot be read."""
        try:
            return self.load()
        except Exception:  # noqa: BLE001 - somebody else's storage
            return None

    def take(self) -> Tokens | None:
        """What was there, None if that cannot be read; it goes in any case, unless it is another origin's."""
        with self.lock(), self._mutex:
            try:
                held = self._read()
            except Exception:  # noqa: BLE001 - somebody else's storage
                held = None
            if held is not None and not self._is_ours(held):
                return NOBODY
            self.save(NOBODY)
            return held

    def _read(self) -> Tokens:
        unsaved = self._unsaved  # once, as a save in another thread ends in None
        return unsaved if unsaved is not None else self._storage.load() or NOBODY

    def _is_ours(self, tokens: Tokens) -> bool:
        return tokens.origin in {None, self.origin}


def _new_login() -> str:
    return uuid.uuid4().hex
