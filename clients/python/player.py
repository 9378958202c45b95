#!/usr/bin/env python3
"""Plays the lines of clients/scenarios/README.md with `APIClient`, or with `JWTAuth` on an `httpx.AsyncClient` (--async)."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from typing import Any, TypeVar

import httpx
import requests

from tokenpair import APIClient, Clock, FileStorage, LoggedOut, Refused, TokenPairError, Unavailable
from tokenpair._engine.login import Login
from tokenpair.httpx import JWTAuth

Line = dict[str, Any]
Result = int | str
"""A status, or the word for an error."""
TIMEOUT = 30.0
JSON = {"Content-Type": "application/json"}
LOOP = asyncio.new_event_loop()
TLS = ssl.create_default_context()
"""Made once, as it takes long, and not used with http."""
FEW = httpx.Limits(max_connections=10)
"""httpx looks at every connection for every request: with 100, fifty requests at once take longer than a token lives."""
T = TypeVar("T")


class AheadClock(Clock):
    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def time(self) -> float:
        return super().time() + self._ahead


class Part(ABC):
    """One client."""

    login: Login

    def __init__(self) -> None:
        self.refreshes = 0
        self.logouts = 0
        self._counting = threading.Lock()

    def options(self, line: Line) -> dict[str, Any]:
        return {
            "storage": FileStorage(line["storage"]) if line.get("storage") else None,
            "clock": AheadClock(line.get("clock", 0)),
            "patience": line.get("patience", 15),
            "on_refresh": self._refreshed,
            "on_logout": self._logged_out,
        }

    @abstractmethod
    def send(self, line: Line) -> list[Result]: ...

    @abstractmethod
    def close(self) -> None: ...

    def _refreshed(self) -> None:
        with self._counting:
            self.refreshes += 1

    def _logged_out(self, reason: str) -> None:
        with self._counting:
            self.logouts += reason == "refused"


class RequestsPart(Part):
    def __init__(self, line: Line) -> None:
        super().__init__()
        self.login = self._client = APIClient(line["base_url"], timeout=TIMEOUT, **self.options(line))

    def send(self, line: Line) -> list[Result]:
        pool = ThreadPoolExecutor(line.get("count", 1))
        sent = [pool.submit(self._send, line) for _ in range(line.get("count", 1))]
        results = [self._result(future, line.get("abort_after")) for future in sent]
        pool.shutdown(wait=False)
        return results

    def close(self) -> None:
        self._client.close()

    def _send(self, line: Line) -> Result:
        body = line.get("body", "").encode()
        data: bytes | Iterator[bytes] = iter([body]) if line.get("stream") else body
        try:
            return self._client.request(line["method"], line["path"], data=data, headers=JSON).status_code
        except requests.RequestException as error:
            return word(error)

    @staticmethod
    def _result(future: Future[Result], abort_after: float | None) -> Result:
        """requests cannot be cancelled: who gives up stops waiting."""
        try:
            return future.result(abort_after)
        except Late:
            return "aborted"


class AsyncPart(Part):
    def __init__(self, line: Line) -> None:
        super().__init__()
        asking = httpx.Client(verify=TLS, limits=httpx.Limits(max_keepalive_connections=0))
        self.login = auth = JWTAuth(line["base_url"], client=asking, **self.options(line))
        self._client = httpx.AsyncClient(verify=TLS, limits=FEW, base_url=line["base_url"], auth=auth, timeout=TIMEOUT)

    def send(self, line: Line) -> list[Result]:
        return self._run(self._send_all(line))

    def close(self) -> None:
        self._run(self._client.aclose())

    @staticmethod
    def _run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, LOOP).result()

    async def _send_all(self, line: Line) -> list[Result]:
        return await asyncio.gather(*(self._send(line) for _ in range(line.get("count", 1))))

    async def _send(self, line: Line) -> Result:
        body = line.get("body", "").encode()
        content = stream(body) if line.get("stream") else body
        sending = self._client.request(line["method"], line["path"], content=content, headers=JSON)
        try:
            return (await asyncio.wait_for(sending, line.get("abort_after"))).status_code
        except asyncio.TimeoutError:
            return "aborted"
        except (TokenPairError, httpx.RequestError) as error:
            return word(error)


async def stream(body: bytes) -> AsyncIterator[bytes]:
    yield body


def word(error: Exception) -> str:
    words = {LoggedOut: "logged_out", Unavailable: "unavailable", Refused: "refused"}
    return words.get(type(error), "network")


class Player:
    def __init__(self, part: Callable[[Line], Part]) -> None:
        self._part = part
        self._parts: dict[str, Part] = {}
        self._writing = threading.Lock()

    def play(self, text: str) -> None:
        line: Line = {}
        try:
            line = json.loads(text)
            answer = self._answer(line)
        except Exception as error:  # noqa: BLE001 - whatever it is, the stage is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        with self._writing:
            print(json.dumps({"id": line.get("id"), **answer}), flush=True)

    def _answer(self, line: Line) -> Line:
        if line["do"] == "open":
            self._parts[line["client"]] = self._part(line)
            return {}
        part = self._parts[line["client"]]
        match line["do"]:
            case "login":
                return log_in(part, line)
            case "request":
                results = part.send(line)
                return {
                    "statuses": [result for result in results if isinstance(result, int)],
                    "errors": [result for result in results if isinstance(result, str)],
                }
            case "state":
                return {"logged_in": part.login.logged_in, "logouts": part.logouts, "refreshes": part.refreshes}
            case "logout":
                return {"revoked": part.login.logout()}
            case "close":
                self._parts.pop(line["client"]).close()
                return {}
            case unknown:
                raise ValueError(f"cannot {unknown}")


def log_in(part: Part, line: Line) -> Line:
    try:
        part.login.login(line["username"], line["password"])
    except (Refused, Unavailable) as error:
        return {"error": word(error), "status": error.status}
    return {"status": 200}


def main() -> None:
    player = Player(AsyncPart if "--async" in sys.argv[1:] else RequestsPart)
    threading.Thread(target=LOOP.run_forever, daemon=True).start()
    for text in sys.stdin:
        playing = threading.Thread(target=player.play, args=(text,), daemon=True)
        playing.start()
        if '"open"' in text:
            playing.join()  # the lines after it may need the client
    os._exit(0)  # refreshes that nobody waits for


if __name__ == "__main__":
    main()
