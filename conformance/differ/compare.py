"""Compares two expectations (see describe.py): what the reference did against what our server did."""

from .template import NOW

TOLERANCE = 3  # seconds


def differences(theirs, ours):
    """Human readable differences, empty if the answers agree."""
    return list(_compare("", theirs, ours))


def _compare(where, theirs, ours):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from _compare_objects(where, theirs, ours)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (their_item, our_item) in enumerate(zip(theirs, ours)):
            yield from _compare(f"{where}[{index}]", their_item, our_item)
    elif not _equal(where, theirs, ours):
        yield f"{where.lstrip('.')}: reference {theirs!r}, ours {ours!r}"


def _compare_objects(where, theirs, ours):
    for key in theirs.keys() - ours.keys():
        yield f"{where}.{key}".lstrip(".") + f": reference {theirs[key]!r}, ours has none"
    for key in ours.keys() - theirs.keys():
        yield f"{where}.{key}".lstrip(".") + f": reference has none, ours {ours[key]!r}"
    if theirs.keys() == ours.keys() and list(theirs) != list(ours):
        yield f"{where.lstrip('.')}: key order: reference {list(theirs)}, ours {list(ours)}"
    for key in theirs:
        if key in ours:
            yield from _compare(f"{where}.{key}", theirs[key], ours[key])


def _equal(where, theirs, ours):
    if type(theirs) is not type(ours):
        return False
    if theirs == ours:
        return repr(theirs) == repr(ours)  # 0.0 is not -0.0
    if not isinstance(theirs, str):
        return theirs != theirs and ours != ours
    if where == ".headers.vary":
        return _words(theirs) == _words(ours)
    if where == ".headers.content-type":
        return theirs.lower().replace(" ", "") == ours.lower().replace(" ", "")
    if theirs.startswith("<claims-of:"):
        return ours == theirs.replace("<claims-of:", "<same:")
    return _times_agree(NOW.match(theirs), NOW.match(ours))


def _words(header):
    return {word.strip().lower() for word in header.split(",")}


def _times_agree(theirs, ours):
    if not theirs or not ours or theirs.group(1) != ours.group(1):
        return False
    return abs(float(theirs.group(2) or 0) - float(ours.group(2) or 0)) <= TOLERANCE
