"""Time and chance."""

from __future__ import annotations

import random
import time


class Clock:
    """Time and chance as this machine has them. Tests put another in its place."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def chance(self) -> float:
        """A number of [0, 1)."""
        return random.random()  # noqa: S311


class ServerClock:
    """The server's time, told by our clock and the difference that was last measured."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._difference: float | None = None

    @property
    def is_known(self) -> bool:
        return self._difference is not None

    def now(self) -> float:
        return self._clock.time() + (self._difference or 0.0)

    def set(self, time: float) -> None:
        self._difference = time - self._clock.time()
