"""An outage is no end (rule 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tokenpair._engine.answers import Answer, NoAnswer
from tokenpair._engine.clock import Clock
from tokenpair.errors import Unavailable

SINGLE_TRY = 10.0
SHORTEST_TRY = 1.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0

Send = Callable[[float], Answer]
"""Sends a request that may take so many seconds. Raises NoAnswer."""
Limit = Callable[[], float]
"""How many seconds a try may take that begins now."""
T = TypeVar("T")


def once(send: Send, timeout: float, clock: Clock) -> Answer:
    """One try; an outage is `Unavailable`."""
    try:
        answer = send(timeout)
    except NoAnswer as error:
        raise Unavailable("the token server gave no answer") from error.__cause__
    if answer.is_outage:
        raise Unavailable(f"the token server answered {answer.status}", answer.status, answer.retry_after(clock.time()))
    return answer


def until_answered(attempt: Callable[[Limit], T], patience: float, clock: Clock) -> T:
    """Tries again while it is `Unavailable`, but no longer than `patience` seconds."""
    end = clock.monotonic() + patience
    pause = FIRST_PAUSE
    while True:
        try:
            return attempt(lambda: max(SHORTEST_TRY, min(SINGLE_TRY, end - clock.monotonic())))
        except Unavailable as outage:
            wait = outage.retry_after or pause * (1 - clock.chance() / 2)
            if clock.monotonic() + wait >= end:
                raise
        clock.sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE)
