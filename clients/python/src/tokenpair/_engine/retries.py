"""An outage is no end (rule 8)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
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


def within(limit: float, work: Callable[[], T]) -> T:
    """What comes later than that is no answer: the time-outs of the libraries are for each step alone, and DNS has none."""
    answered: Future[T] = Future()

    def run() -> None:
        try:
            answered.set_result(work())
        except BaseException as problem:  # noqa: BLE001 - who waits raises it
            answered.set_exception(problem)

    threading.Thread(target=run, name="tokenpair-try", daemon=True).start()
    if not wait([answered], limit).done:
        raise NoAnswer
    return answered.result()


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
    """Tries again while it is `Unavailable`, but no longer than `patience` seconds after it first asked for the limit."""
    end: float | None = None

    def limit() -> float:
        nonlocal end
        if end is None:
            end = clock.monotonic() + patience
        return max(SHORTEST_TRY, min(SINGLE_TRY, end - clock.monotonic()))

    pause = FIRST_PAUSE
    while True:
        try:
            return attempt(limit)
        except Unavailable as outage:
            rest = outage.retry_after or pause * (1 - clock.chance() / 2)
            if end is None or clock.monotonic() + rest >= end:
                raise
        clock.sleep(rest)
        pause = min(pause * 2, LONGEST_PAUSE)
