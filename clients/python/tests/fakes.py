"""A server, a clock and a network without any I/O."""

from __future__ import annotations

import base64
import io
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from tokenpair import Clock, MemoryStorage, Storage, Tokens

BASE_URL = "http://api.test/api"


class FakeClock(Clock):
    """Stands still but for those who sleep."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def chance(self) -> float:
        return 0.0


@dataclass
class Reply:
    status: int = 200
    data: object = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if self.status == 204:
            return b""
        return self.data if isinstance(self.data, bytes) else json.dumps(self.data).encode()


class Lost(Exception):
    """The connection breaks."""


@dataclass
class Call:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path.removeprefix("/api")

    @property
    def data(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def token(self) -> str | None:
        return self.headers.get("Authorization")


Handler = Callable[[Call], Reply]


class Server:
    """Speaks Simple JWT for the user test, password test.

    `on[path]` is asked first; it raises LookupError to leave the call to us.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.ahead = 0.0
        self.lifetime = 3600.0
        self.iat = 0
        self.rotates = False
        self.dates = True
        self.calls: list[Call] = []
        self.on: dict[str, Handler] = {}
        self.good: set[str] = set()
        self._numbers = itertools.count(1)
        self._mutex = threading.Lock()

    def __call__(self, call: Call) -> Reply:
        with self._mutex:
            self.calls.append(call)
        reply = self._answer(call)
        if self.dates:
            reply.headers.setdefault("Date", formatdate(self.now, usegmt=True))
        return reply

    @property
    def now(self) -> float:
        return self.clock.now + self.ahead

    def count(self, path: str) -> int:
        return sum(call.path == path for call in self.calls)

    @property
    def refreshes(self) -> int:
        return self.count("/token/refresh/")

    def expire(self) -> None:
        """All access tokens end now, for this server alone."""
        self.good = {token for token in self.good if not _is_access(token)}

    def _answer(self, call: Call) -> Reply:
        try:
            return self.on[call.path](call)
        except LookupError:
            return self.answer(call)

    def answer(self, call: Call) -> Reply:
        with self._mutex:
            match call.path:
                case "/token/":
                    return self._log_in(call.data)
                case "/register/":
                    return Reply(201, {"user": {"username": call.data["username"]}} | self.pair())
                case "/token/refresh/":
                    return self._refresh(call.data["refresh"])
                case "/token/blacklist/":
                    self.good.discard(call.data["refresh"])
                    return Reply()
                case _:
                    return self._resource(call)

    def pair(self) -> dict[str, str]:
        return {"access": self.token("access", self.lifetime), "refresh": self.token("refresh", 86400)}

    def renew(self, storage: Storage) -> None:
        """Another process refreshes the login that is there."""
        tokens = storage.load()
        assert tokens
        pair = self.pair()
        storage.save(replace(tokens, access=pair["access"], refresh=pair["refresh"]))

    def token(self, kind: str, lifetime: float) -> str:
        claims = {
            "token_type": kind,
            "iat": self.iat or int(self.now),
            "exp": int(self.now + lifetime),
            "jti": next(self._numbers),
        }
        token = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "none"}, claims, {}))
        self.good.add(token)
        return token

    def _log_in(self, data: Mapping[str, str]) -> Reply:
        if data.get("password") != "test":
            return Reply(401, {"detail": "No active account found with the given credentials"})
        return Reply(200, self.pair())

    def _refresh(self, refresh: str) -> Reply:
        if refresh not in self.good:
            return Reply(401, {"detail": "Token is invalid", "code": "token_not_valid"})
        if not self.rotates:
            return Reply(200, {"access": self.token("access", self.lifetime)})
        self.good.discard(refresh)
        return Reply(200, self.pair())

    def _resource(self, call: Call) -> Reply:
        token = (call.token or "").removeprefix("Bearer ")
        if token not in self.good or _claims(token)["exp"] <= self.now:
            return Reply(401, {"detail": "Given token not valid for any token type"})
        return Reply(200, {"username": "test", "sent": call.body.decode()})


class Full(MemoryStorage):
    is_full = False

    def save(self, tokens: Tokens | None) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        super().save(tokens)


class Unlocked(MemoryStorage):
    """Nobody waits for another, as where the lock of a storage could not be got in time."""

    @contextmanager
    def lock(self, timeout: float) -> Iterator[bool]:
        yield False


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def _is_access(token: str) -> bool:
    return bool(_claims(token)["token_type"] == "access")


class Adapter(BaseAdapter):
    """The network of requests."""

    def __init__(self, server: Handler) -> None:
        super().__init__()
        self.server = server
        self.timeouts: list[object] = []
        self.closed = 0

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        self.timeouts.append(options["timeout"])
        body: Any = request.body or b""
        content = body.read() if hasattr(body, "read") else body if isinstance(body, (bytes, str)) else b"".join(body)
        content = content.encode() if isinstance(content, str) else content
        headers: Any = request.headers
        try:
            reply = self.server(Call(request.method or "", request.url or "", headers, content))
        except Lost as error:
            raise requests.ConnectionError(str(error), request=request) from error
        return self._response(request, reply)

    def _response(self, request: requests.PreparedRequest, reply: Reply) -> requests.Response:
        response = requests.Response()
        response.status_code = reply.status
        response.headers = CaseInsensitiveDict(reply.headers)
        response.raw = HTTPResponse(io.BytesIO(reply.content), reply.headers, reply.status, preload_content=False)
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        self.closed += 1


def session(server: Handler) -> requests.Session:
    made = requests.Session()
    adapter = Adapter(server)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def transport(server: Handler) -> httpx.MockTransport:
    """The network of httpx; bodies are there when the handler is asked."""

    def handle(request: httpx.Request) -> httpx.Response:
        try:
            reply = server(Call(request.method, str(request.url), request.headers, request.content))
        except Lost as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return httpx.Response(reply.status, headers=reply.headers, content=reply.content)

    return httpx.MockTransport(handle)


def replies(*statuses: int, **headers: str) -> Callable[[Call], Reply]:
    """These answers first, then the server's own; 0 is none at all."""
    left = iter(statuses)

    def answer(_: Call) -> Reply:
        status = next(left, None)
        if status is None:
            raise LookupError
        if status == 0:
            raise Lost
        return Reply(status, {"detail": "a fault"}, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def always(status: int, **headers: str) -> Callable[[Call], Reply]:
    return replies(*itertools.repeat(status, 1000), **headers)
