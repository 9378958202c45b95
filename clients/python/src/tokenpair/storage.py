"""Where tokens are kept."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

from tokenpair._engine.tokens import Tokens
from tokenpair._lockfile import locked

TRIES = 20
PAUSE = 0.01
T = TypeVar("T")


class Storage(ABC):
    """Keeps the tokens of one login. Derive from it to keep them elsewhere."""

    @abstractmethod
    def load(self) -> Tokens | None:
        """Reads the tokens; this happens with every request. None while nobody is logged in."""

    @abstractmethod
    def save(self, tokens: Tokens | None) -> None:
        """Replaces the tokens in one piece; None: nobody is logged in."""

    def lock(self, timeout: float) -> AbstractContextManager[object]:  # noqa: ARG002
        """Held during a refresh, so that of all who share the storage one refreshes, and while log-ins and log-outs write.

        After `timeout` seconds of waiting they go on without the lock, which then gives False; so they do if it raises. Without
        others there is nothing to lock.
        """
        return nullcontext()


class MemoryStorage(Storage):
    """Forgets with the process. Several clients may share one."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None
        self._lock = threading.Lock()

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    @contextmanager
    def lock(self, timeout: float) -> Iterator[bool]:
        held = self._lock.acquire(timeout=timeout)
        try:
            yield held
        finally:
            if held:
                self._lock.release()


class FileStorage(Storage):
    """A file that only its owner can read, for any number of processes. Beside it lies a file `….lock`, which stays.

    The file is replaced, never written into: whoever reads it, and whenever the power goes, it is whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()

    def load(self) -> Tokens | None:
        """Raises ValueError if the file has something else in it."""
        try:
            text = _once_it_is_free(lambda: self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Tokens.from_json(text) if text else None

    def save(self, tokens: Tokens | None) -> None:
        if tokens is None:
            _once_it_is_free(lambda: self.path.unlink(missing_ok=True))
        else:
            self._write(tokens.to_json())

    def lock(self, timeout: float) -> AbstractContextManager[bool]:
        self._make_folder()
        return locked(self.path.with_name(self.path.name + ".lock"), timeout)

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _write(self, text: str) -> None:
        self._make_folder()
        descriptor, name = tempfile.mkstemp(prefix=self.path.name, dir=self.path.parent)  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            _once_it_is_free(lambda: temporary.replace(self.path))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(self.path.parent)


def _once_it_is_free(work: Callable[[], T]) -> T:
    """Windows does not let a file be replaced while somebody reads it, nor be read while it is replaced: both are soon done."""
    for _ in range(TRIES):
        with suppress(PermissionError):
            return work()
        time.sleep(PAUSE)
    return work()


def _sync_folder(folder: Path) -> None:
    """Makes a renaming last, where folders can be synced: not on Windows, nor on every network disk."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
