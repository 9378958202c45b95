"""Writes down a step with the reference's answer so that the conformance runner can replay it."""

import copy
import json


def recorded_steps(step, expectation):
    expectation = copy.deepcopy(expectation)
    result = {**step, "expect": expectation}
    _keep_present_captures(result)
    _keep_expressible_rows(expectation.get("db", {}))
    _write_out_literals(result)
    if expectation.get("db", {}).get("users"):
        # Any action makes the runner restore the users afterwards: a log-in may have changed a hash.
        return [{"action": "sleep", "seconds": 0}, result]
    return [result]


def _keep_present_captures(step):
    body = step["expect"].get("body")
    present = {name: key for name, key in step.pop("capture", {}).items() if isinstance(body, dict) and key in body}
    if present:
        step["capture"] = present


def _keep_expressible_rows(rows):
    """The format has no words for a stored token whose claims, or id, are not those of a known one."""
    for row in rows.get("outstanding_new", []):
        if not str(row["token"]).startswith("<"):
            del row["token"]
        if row["jti"] == "<hex32>":
            del row["jti"]


def _write_out_literals(step):
    """Ready-made tokens become part of the request: the format only knows minted ones."""
    literals = [item for item in step.get("mint", []) if "literal" in item]
    if not literals:
        return
    text = json.dumps(step["request"])
    for item in literals:
        text = text.replace("{{" + item["var"] + "}}", item["literal"])
    step["request"] = json.loads(text)
    step["mint"] = [item for item in step["mint"] if "literal" not in item]
    for part in ("db", "claims"):  # they refer to the token by its variable
        step["expect"].pop(part, None)
