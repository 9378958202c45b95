"""Runs a server under test on a profile and talks HTTP to it."""

import base64
import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .template import fill

START_TIMEOUT = 60
ANSWER_TIMEOUT = 60


class ServerFailure(Exception):
    """The server did not start, or stopped answering."""


@dataclass
class Response:
    status: int
    headers: list
    body: bytes

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name]
        return ", ".join(values) if values else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process in a group of its own, with a fresh database in a temporary directory."""

    def __init__(self, command, profile):
        self.directory = tempfile.TemporaryDirectory(prefix="differential-")
        here = Path(self.directory.name)
        self.port = free_port()
        self.database_path = str(here / "db.sqlite3")
        self.log_path = here / "server.log"
        profile_path = here / "profile.json"
        profile_path.write_text(json.dumps(profile, ensure_ascii=False), encoding="utf-8")
        values = {"{profile_json}": str(profile_path), "{port}": str(self.port), "{db}": self.database_path}
        arguments = [_replace_all(argument, values) for argument in shlex.split(command)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                self.send({"method": "GET", "path": "/api/open/"}, {})
                return
            except OSError:
                time.sleep(0.05)
        raise ServerFailure(f"no answer on port {self.port}; its log ends:\n{self.log_tail()}")

    def log_tail(self):
        return self.log_path.read_text(errors="replace")[-2000:]

    def send(self, request, variables):
        body, headers = encode_request(request, variables)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT)
        try:
            connection.putrequest(request["method"], fill(request["path"], variables), skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode())
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.directory.cleanup()


def _replace_all(text, values):
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def encode_request(request, variables):
    """Body bytes (or None) and header pairs, as the recorded cases define them."""
    body = _encode_body(request, variables)
    headers = []
    for name, value in (request.get("headers") or {}).items():
        for single in value if isinstance(value, list) else [value]:
            headers.append((name, fill(single, variables)))
    if "json" in request and "content-type" not in {name.lower() for name, _ in headers}:
        headers.append(("Content-Type", "application/json"))
    if body is not None or request["method"] in ("POST", "PUT", "PATCH"):
        headers.append(("Content-Length", str(len(body or b""))))
    headers.append(("Connection", "close"))
    return body, headers


def _encode_body(request, variables):
    if "json" in request:
        text = json.dumps(fill(request["json"], variables), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")
    if "body" in request:
        return fill(request["body"], variables).encode()
    if "body_b64" in request:
        return base64.b64decode(request["body_b64"])
    return None
