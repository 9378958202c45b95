"""The demo server, and what every example needs from it."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import requests

EXAMPLES = pathlib.Path(__file__).parent / "examples"
BASE = "http://localhost:8000"
TEST = {"username": "test", "password": "test"}
INVALID = {"detail": "Token is invalid", "code": "token_not_valid"}
# The refresh token of seed 002's examples, dots included.
PRINTED = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9..."


@contextlib.contextmanager
def serve(tokenpair, variables):
    """`tokenpair serve --demo` on port 8000, with these variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENPAIR_")}
    environment["TOKENPAIR_LOG"] = "warn"
    command = [os.path.abspath(tokenpair), "serve", "--demo"]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(command, cwd=folder, env={**environment, **variables}, stdout=subprocess.PIPE, text=True)
        try:
            greeting = server.stdout.readline()
            if "http://127.0.0.1:8000" not in greeting:
                raise SystemExit(f"the demo did not start: {greeting}")
            yield
        finally:
            server.terminate()
            server.communicate()


def log_in():
    """Access and refresh token of the demo's user."""
    answer = requests.post(f"{BASE}/api/token/", json=TEST)
    answer.raise_for_status()
    return answer.json()["access"], answer.json()["refresh"]


def who_is(access):
    answer = requests.get(f"{BASE}/api/me/", headers={"Authorization": f"Bearer {access}"})
    return answer.json().get("username")


def example(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


def expect(found, wanted):
    if found != wanted:
        raise AssertionError(f"expected {wanted!r}, got {found!r}")
