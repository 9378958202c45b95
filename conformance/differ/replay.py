"""Sends one case to both servers, step by step, and finds the first difference."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException

from . import agreed
from .compare import differences
from .database import Database
from .describe import Describer
from .jose import mint
from .recording import recorded_steps
from .server import Server
from .template import fill, variables_in

LOGIN_PATHS = ("/api/token/", "/api/token/sliding/")


@dataclass
class Outcome:
    """`differences` is empty when the servers agree or the difference is agreed on (`reason`).

    `recorded` is the case with the reference's answers, up to the step that differs.
    """

    recorded: dict
    differences: list = field(default_factory=list)
    reason: str | None = None


class Side:
    """One of the two servers, with its database and what it has answered so far."""

    def __init__(self, command, profile):
        self.profile = profile
        self.server = Server(command, profile)
        self.describer = Describer(profile)
        self.database = None

    def open(self):
        self.server.wait()
        self.database = Database(self.server.database_path, self.profile)

    def begin(self):
        self.describer = Describer(self.profile)

    def act(self, step):
        jti = fill(step.get("jti"), self.describer.variables)
        self.database.act(step, jti)

    def perform(self, step):
        """Sends the request and describes the answer."""
        request = step["request"]
        watches_users = request["method"] == "POST" and request["path"] in LOGIN_PATHS
        marks = self.database.marks()
        before = self.database.users() if watches_users else {}
        started = time.time()
        try:
            response = self.server.send(request, self.describer.variables)
        except (OSError, ValueError, HTTPException) as error:  # cannot be sent at all, or broken off
            return {"status": 0, "broken": type(error).__name__}
        body = _json_or_none(response.body)
        rows = self.describer.rows(*self.database.rows_since(marks), body, started)
        expectation = self.describer.answer(response, request, started)
        if self.profile["blacklist_app"] and response.status != 500:
            expectation["db"] = rows
        if watches_users and (changed := self.describer.changed_users(before, self.database.users(), started)):
            expectation.setdefault("db", {})["users"] = changed
        self._capture(step, body)
        return expectation

    def _capture(self, step, body):
        for variable, key in step.get("capture", {}).items():
            if isinstance(body, dict) and isinstance(body.get(key), str):
                self.describer.remember(variable, body[key])

    def finish(self):
        self.database.restore_users()


class Pair:
    """Both servers on one profile."""

    def __init__(self, reference_command, our_command, profile, listed):
        self.profile = profile
        self.listed = listed
        self.reference = Side(reference_command, profile)
        self.ours = Side(our_command, profile)
        self.sides = (self.reference, self.ours)
        self.pool = ThreadPoolExecutor(2)

    def __enter__(self):
        try:
            for side in self.sides:
                side.open()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        for side in self.sides:
            side.server.stop()
        self.pool.shutdown()

    def run(self, case):
        for side in self.sides:
            side.begin()
        try:
            return self._run_steps(case)
        finally:
            for side in self.sides:
                side.finish()

    def _run_steps(self, case):
        recorded = {**case, "steps": []}
        for step in case["steps"]:
            if "action" in step:
                self._act(step)
                recorded["steps"].append(step)
                continue
            if variables_in(step["request"]) - self._known_variables(step):
                break  # an earlier answer, alike on both sides, had nothing to capture
            try:
                self._mint(step)
            except (KeyError, TypeError, ValueError):
                break  # a random change took away what the token is made of
            theirs, ours = self.pool.map(lambda side: side.perform(step), self.sides)
            recorded["steps"] += recorded_steps(step, theirs)
            if found := differences(theirs, ours):
                return self._judge(recorded, step, theirs, ours, found)
        return Outcome(recorded)

    def _act(self, step):
        if step["action"] == "sleep":
            time.sleep(step["seconds"])
            return
        for side in self.sides:
            side.act(step)

    def _known_variables(self, step):
        return self.reference.describer.variables.keys() | {item["var"] for item in step.get("mint", [])}

    def _mint(self, step):
        """Both sides get the same token, unless it is made of something a server answered."""
        for description in step.get("mint", []):
            now = time.time()
            shared = None
            for side in self.sides:
                if variables_in(description) or shared is None:
                    shared = mint(fill(description, side.describer.variables, now), self.profile)
                side.describer.remember(description["var"], shared)

    def _judge(self, recorded, step, theirs, ours, found):
        name = f"{self.profile['name']}/{recorded['id']}"
        exchange = agreed.Exchange(self.profile, step["request"], self.ours.describer.variables, theirs, ours)
        reason = agreed.listed_reason(self.listed, name) or agreed.reason_for(exchange)
        return Outcome(recorded, [] if reason else found, reason)


def _json_or_none(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return None
