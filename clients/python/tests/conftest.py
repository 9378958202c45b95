from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fakes import BASE_URL, FakeClock, Server, session, transport

from tokenpair import APIClient
from tokenpair._engine.login import Login
from tokenpair.httpx import JWTAuth


class Face(ABC):
    """A client as its users hold it, the same for all three."""

    login: Login

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clock = server.clock
        self.events: list[str] = []

    def listeners(self) -> dict[str, Any]:
        return {
            "on_login": lambda: self.events.append("login"),
            "on_refresh": lambda: self.events.append("refresh"),
            "on_logout": lambda reason: self.events.append(f"logout {reason}"),
        }

    @abstractmethod
    def send(self, path: str = "/me/", method: str = "GET", content: Any = None) -> int:
        """The status."""

    def stream(self, *parts: bytes) -> Any:
        """A content that can be read once."""
        return iter(parts)


class Requests(Face):
    def __init__(self, server: Server, **options: Any) -> None:
        super().__init__(server)
        self.login = self.client = APIClient(
            options.pop("base_url", BASE_URL),
            session=session(server),
            **{"clock": server.clock, **self.listeners(), **options},
        )

    def send(self, path: str = "/me/", method: str = "GET", content: Any = None) -> int:
        return self.client.request(method, path, data=content).status_code


class Httpx(Face):
    def __init__(self, server: Server, **options: Any) -> None:
        super().__init__(server)
        self.base_url = options.pop("base_url", BASE_URL)
        self.login = self.auth = JWTAuth(
            self.base_url,
            client=httpx.Client(transport=transport(server)),
            **{"clock": server.clock, **self.listeners(), **options},
        )

    def options(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "auth": self.auth,
            "transport": transport(self.server),
            "follow_redirects": True,
        }

    def send(self, path: str = "/me/", method: str = "GET", content: Any = None) -> int:
        with httpx.Client(**self.options()) as client:
            return client.request(method, path, content=content).status_code


class AsyncHttpx(Httpx):
    async def stream(self, *parts: bytes) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    def send(self, path: str = "/me/", method: str = "GET", content: Any = None) -> int:
        async def send() -> int:
            async with httpx.AsyncClient(**self.options()) as client:
                return (await client.request(method, path, content=content)).status_code

        return asyncio.run(send())


Make = Callable[..., Face]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> Server:
    return Server(clock)


@pytest.fixture(params=[Requests, Httpx, AsyncHttpx])
def make(request: pytest.FixtureRequest, server: Server) -> Make:
    return lambda **options: request.param(server, **options)


@pytest.fixture
def face(make: Make) -> Face:
    """Logged in."""
    made = make()
    made.login.login("test", "test")
    made.events.clear()
    return made


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
