"""Starts and stops tokenpair, and talks HTTP to either server."""

import http.client
import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .flaw import Flaw

START_TIMEOUT = 30
ANSWER_TIMEOUT = 60
POLL = 0.02


@dataclass
class Answer:
    status: int
    body: object

    def __str__(self):
        return f"{self.status} {json.dumps(self.body)}"


class Client:
    """One connection to a server on this machine, kept as long as the server keeps it. Not for several threads."""

    def __init__(self, port, name=""):
        self.port = port
        self.name = name
        self.connection = None
        self.reconnects = 0

    def post(self, path, body):
        return self.send("POST", path, json.dumps(body), {"Content-Type": "application/json"})

    def get(self, path, token=None):
        return self.send("GET", path, None, {"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method, path, body, headers):
        is_used = self.connection is not None
        try:
            return self._exchange(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            if not is_used:
                raise
            self.reconnects += 1
        return self._exchange(method, path, body, headers)  # the server had ended an idle connection

    def _exchange(self, method, path, body, headers):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT)
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        raw = answer.read()
        try:
            return Answer(answer.status, json.loads(raw))
        except ValueError:
            return Answer(answer.status, raw.decode(errors="replace"))

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def log_in(self, path, users, name, password):
        return self.post(path, {users.login: name, "password": password})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port, is_alive, log_path):
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and is_alive():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(POLL)
    raise Flaw(f"a server does not start; its log ends:\n{Path(log_path).read_text(errors='replace')[-2000:]}")


class Tokenpair:
    """The program under test."""

    def __init__(self, program, folder):
        self.program = str(Path(program).resolve())
        self.folder = Path(folder)

    def run(self, profile, *arguments, text=""):
        """A command's standard output."""
        command = [self.program, *arguments, "--config", self._configuration(profile)]
        run = subprocess.run(
            command, input=text, capture_output=True, text=True, cwd=self.folder, env=self._environment(), check=False
        )
        if run.returncode != 0:
            raise Flaw(f"`tokenpair {' '.join(arguments)}` ended with {run.returncode}: {run.stderr}")
        return run.stdout

    @contextmanager
    def served(self, profile, log_path):
        """Yields the port."""
        port = free_port()
        command = [self.program, "serve", "--config", self._configuration(profile), "--listen", f"127.0.0.1:{port}"]
        with open(log_path, "ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self._environment()
            )
        try:
            await_port(port, lambda: process.poll() is None, log_path)
            yield port
        finally:
            process.terminate()
            process.wait(START_TIMEOUT)

    def _configuration(self, profile):
        path = self.folder / "tokenpair.toml"
        profile.write_toml(path)
        return str(path)

    def _environment(self):
        return {name: value for name, value in os.environ.items() if not name.startswith("TOKENPAIR_")}
