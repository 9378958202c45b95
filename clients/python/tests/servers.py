"""Real servers: tokenpair (TOKENPAIR_BIN) and Django with Simple JWT (TEST_DJANGO_PYTHON)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

PROJECT = Path(__file__).parents[1]
SOURCES = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
"""The environment of programs that use the package."""
CONFORMANCE = PROJECT.parents[1] / "conformance"
LIFETIME = 2
DEADLINE = 60.0
"""Seconds after which what is waited for does not come any more."""


@dataclass
class RealServer:
    """A server whose access tokens live for two seconds."""

    base_url: str
    username: str
    password: str
    log: Path
    refresh_line: str
    """What the log says of a refresh that succeeded."""

    @property
    def refreshes(self) -> int:
        return self.log.read_text().count(self.refresh_line)

    def wait_until_refused(self, access: str | None) -> None:
        """Waits until an access token is dead."""
        headers = {"Authorization": f"Bearer {access}"}
        wait_for(lambda: requests.get(f"{self.base_url}/me/", headers=headers, timeout=10).status_code == 401)


def wait_for(condition: Any) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited for in vain"
        time.sleep(0.05)


def given(variable: str, what: str) -> str:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: the path of {what}")
    return value


@contextmanager
def tokenpair(folder: Path, **settings: str) -> Iterator[RealServer]:
    program = given("TOKENPAIR_BIN", "the program tokenpair")
    log = folder / "tokenpair.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENPAIR_")}
    for name, value in {"ACCESS_TOKEN_LIFETIME": f"{LIFETIME}s", **settings}.items():
        environment[f"TOKENPAIR_{name}"] = value
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [program, "serve", "--demo", "--json", "--listen", "127.0.0.1:0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
        ) as process,
    ):
        assert process.stdout
        try:
            told = json.loads(process.stdout.readline())
            yield RealServer(f"{told['listening']}/api", "test", "test", log, '"refresh success"')
        finally:
            process.terminate()


@contextmanager
def django(folder: Path) -> Iterator[RealServer]:
    """The reference of the conformance suite, with rotation and blacklist."""
    python = given("TEST_DJANGO_PYTHON", "a Python with the packages of conformance/reference/requirements.txt")
    profile = json.loads((CONFORMANCE / "recorded" / "rotate-blacklist.json").read_text())["profile"]
    profile["simple_jwt"]["ACCESS_TOKEN_LIFETIME"] = LIFETIME
    (folder / "profile.json").write_text(json.dumps(profile))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "django.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [python, CONFORMANCE / "reference" / "serve.py", folder / "profile.json", str(port), folder / "db.sqlite3"],
            stdout=output,
            stderr=output,
            cwd=CONFORMANCE / "reference",
        ) as process,
    ):
        try:
            server = RealServer(f"http://127.0.0.1:{port}/api", "bob", "bob-secret-1", log, "")
            wait_for(lambda: answers(server, process))
            yield server
        finally:
            process.terminate()


def answers(server: RealServer, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, server.log.read_text()
    try:
        return requests.get(f"{server.base_url}/open/", timeout=10).ok
    except requests.ConnectionError:
        return False
