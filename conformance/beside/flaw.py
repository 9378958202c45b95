"""What a check says when something is not as it should be."""


class Flaw(Exception):
    """A sentence about tokenpair, Django, or the two together."""


def expect(condition, sentence):
    if not condition:
        raise Flaw(sentence)


def same(what, expected, found):
    if expected != found:
        raise Flaw(f"{what}: expected {expected!r}, found {found!r}")
