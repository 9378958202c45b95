"""Bodies that are sent a second time (rule 11)."""

from __future__ import annotations

from collections.abc import Callable

Rewind = Callable[[], object]


def rewinder(body: object) -> Rewind | None:
    """What takes a body back to where it is now; None for one that can be read once."""
    if body is None or isinstance(body, (str, bytes, bytearray)):
        return _nothing
    seek, tell = getattr(body, "seek", None), getattr(body, "tell", None)
    if seek is None or tell is None:
        return None
    try:
        start = tell()
        seek(start)
    except (OSError, ValueError):  # a pipe, a closed file
        return None
    return lambda: seek(start)


def _nothing() -> None:
    pass
