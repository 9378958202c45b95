"""Placeholders in cases: `{{var}}`, `{{var#claim}}`, `<now+N>`, `<hex32>`, `<repeat:c:n>`."""

import json
import re
import time
import uuid

from .jose import payload_of

VARIABLE = re.compile(r"\{\{([^{}]+)\}\}")
NOW = re.compile(r"^<(str:|float:)?now([+-]\d+(?:\.\d+)?)?>$")
REPEAT = re.compile(r"^<repeat:(.):(\d+)>$", re.S)


def variables_in(value):
    """Names of the variables that a request or a mint mentions."""
    names = VARIABLE.findall(json.dumps(value, ensure_ascii=False))
    return {name.split("#", 1)[0] for name in names}


def fill(value, variables, now=None):
    """`value` with every placeholder replaced."""
    if isinstance(value, dict):
        return {key: fill(item, variables, now) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, variables, now) for item in value]
    if isinstance(value, str):
        return _fill_text(value, variables, time.time() if now is None else now)
    return value


def _fill_text(text, variables, now):
    if found := NOW.match(text):
        return _instant(found, now)
    if found := REPEAT.match(text):
        return found.group(1) * int(found.group(2))
    if text == "<hex32>":
        return uuid.uuid4().hex
    if whole := VARIABLE.fullmatch(text):
        return _look_up(whole.group(1), variables)
    return VARIABLE.sub(lambda match: str(_look_up(match.group(1), variables)), text)


def _instant(found, now):
    kind, offset = found.groups()
    moment = now + float(offset or 0)
    if kind == "float:":
        return moment
    return str(int(moment)) if kind == "str:" else int(moment)


def _look_up(name, variables):
    variable, _, claim = name.partition("#")
    return payload_of(variables[variable])[claim] if claim else variables[variable]
