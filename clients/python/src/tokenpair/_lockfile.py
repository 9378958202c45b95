"""A lock between processes. The operating system frees it when its process dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAUSE = 0.02

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[bool]:
    """Waits for the lock, but no longer than `timeout` seconds; gives whether it is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        held = _wait(descriptor, time.monotonic() + timeout)
        try:
            yield held
        finally:
            if held:
                _unlock(descriptor)  # closing is not enough: a child of a fork would hold it on
    finally:
        os.close(descriptor)


def _wait(descriptor: int, end: float) -> bool:
    while True:
        try:
            _try_lock(descriptor)
        except (BlockingIOError, PermissionError):  # somebody has it, as POSIX and as Windows say so
            if time.monotonic() >= end:
                return False
        except OSError:  # not on this network disk
            return False
        else:
            return True
        time.sleep(PAUSE)
