"""Who keeps the tokens."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager

from tokenpair._engine.tokens import NOBODY, Tokens
from tokenpair.storage import Storage

LOCK_TIMEOUT = 10.0
"""Seconds after which a refresh goes on without the storage's lock: a lock that hangs must not hang the application."""


class Keeper:
    """Reads and writes the storage. What the storage could not take (a full disk) is kept here, so that it is not lost."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._unsaved: Tokens | None = None
        self.unlock_after_fork()

    def unlock_after_fork(self) -> None:
        self._mutex = threading.RLock()

    def lock(self) -> AbstractContextManager[object]:
        return self._storage.lock(LOCK_TIMEOUT)

    def load(self) -> Tokens:
        unsaved = self._unsaved  # once, as a save in another thread ends in None
        return unsaved if unsaved is not None else self._storage.load() or NOBODY

    def save(self, tokens: Tokens) -> None:
        with self._mutex:
            try:
                self._storage.save(tokens or None)
            except BaseException:
                self._unsaved = tokens
                raise
            self._unsaved = None

    def swap(self, old: Tokens, new: Tokens) -> bool:
        """Saves `new` if `old` is still the login; not so if somebody logged out or in meanwhile."""
        with self._mutex:
            try:
                held = self.load()
            except Exception:
                if not new:
                    raise
                held = old  # which may be worth nothing any more, and `new` is nowhere else
            if held.refresh != old.refresh:
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
        """What was there, None if that cannot be read; it goes in any case."""
        with self._mutex:
            held = self.look()
            self.save(NOBODY)
            return held
