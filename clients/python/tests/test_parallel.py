"""Rule 3: one refresh, for threads, tasks, event loops and processes."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import anyio
import httpx
import pytest
from conftest import AsyncHttpx, Face, Requests
from fakes import Call, Lost, Reply, Server

from tokenpair import LoggedOut, MemoryStorage, Storage, Tokens, Unavailable
from tokenpair._engine.refresher import Refresh
from tokenpair.httpx import _call_soon

REFRESH = "/token/refresh/"
CROWD = 50
PATIENCE = 10.0
"""Seconds after which a test that hangs fails."""


def after(server: Server, wanted: Callable[[], bool], answer: Callable[[Call], Reply]) -> None:
    """The refresh is answered once `wanted` is so: whoever shall wait for it does."""
    arrived = threading.Condition()

    def arrive(call: Call) -> Reply:
        with arrived:
            arrived.notify_all()
        return server.answer(call)

    def held(call: Call) -> Reply:
        with arrived:
            assert arrived.wait_for(wanted, PATIENCE)
        return answer(call)

    server.on["/me/"] = arrive
    server.on[REFRESH] = held


@pytest.fixture(params=["rotating", "not rotating"])
def expired(request: pytest.FixtureRequest, face: Face, server: Server) -> Face:
    server.rotates = request.param == "rotating"
    server.expire()
    return face


def test_fifty_threads_make_one_refresh(expired: Face, server: Server) -> None:
    after(server, lambda: server.count("/me/") == CROWD, server.answer)
    with ThreadPoolExecutor(CROWD) as pool:
        statuses = list(pool.map(lambda _: expired.send(), range(CROWD)))
    assert statuses == [200] * CROWD
    assert (server.refreshes, server.count("/me/")) == (1, 2 * CROWD)
    assert expired.events == ["refresh"]


def test_fifty_threads_that_are_logged_out_get_to_know_and_the_application_once(face: Face, server: Server) -> None:
    server.good.clear()
    after(server, lambda: server.count("/me/") == CROWD, server.answer)

    def send(_: int) -> None:
        with pytest.raises(LoggedOut):
            face.send()

    with ThreadPoolExecutor(CROWD) as pool:
        list(pool.map(send, range(CROWD)))
    assert server.refreshes == 1
    assert face.events == ["logout refused"]


@pytest.fixture
def tasks(server: Server) -> AsyncHttpx:
    face = AsyncHttpx(server)
    face.login.login("test", "test")
    face.events.clear()
    server.expire()
    return face


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_fifty_tasks_make_one_refresh(tasks: AsyncHttpx, server: Server, backend: str) -> None:
    statuses: list[int] = []

    async def crowd() -> None:
        async with httpx.AsyncClient(**tasks.options()) as client, anyio.create_task_group() as group:

            async def send() -> None:
                statuses.append((await client.get("/me/")).status_code)

            for _ in range(CROWD):
                group.start_soon(send)

    after(server, lambda: server.count("/me/") == CROWD, server.answer)
    anyio.run(crowd, backend=backend)
    assert statuses == [200] * CROWD
    assert (server.refreshes, server.count("/me/")) == (1, 2 * CROWD)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_task_stops_neither_the_refresh_nor_the_others(tasks: AsyncHttpx, server: Server, backend: str) -> None:
    go_on = threading.Event()
    status: list[int] = []

    async def play() -> None:
        refreshing = anyio.Event()
        call_soon = _call_soon()

        def held(call: Call) -> Reply:
            call_soon(refreshing.set)
            assert go_on.wait(PATIENCE)
            return server.answer(call)

        server.on[REFRESH] = held
        async with httpx.AsyncClient(**tasks.options()) as client, anyio.create_task_group() as group:

            async def send() -> None:
                status.append((await client.get("/me/")).status_code)

            async with anyio.create_task_group() as impatient:
                impatient.start_soon(send)
                await refreshing.wait()
                impatient.cancel_scope.cancel()
            assert status == []
            group.start_soon(send)
            while server.count("/me/") < 2:
                await anyio.lowlevel.checkpoint()
            go_on.set()

    anyio.run(play, backend=backend)
    assert status == [200]
    assert server.refreshes == 1
    assert tasks.events == ["refresh"]


def test_an_event_loop_that_ends_during_a_refresh_loses_nothing(tasks: AsyncHttpx, server: Server) -> None:
    go_on = threading.Event()

    def held(call: Call) -> Reply:
        assert go_on.wait(PATIENCE)
        return server.answer(call)

    async def give_up() -> None:
        async with httpx.AsyncClient(**tasks.options()) as client:
            sending = asyncio.create_task(client.get("/me/"))
            while not server.count("/me/"):  # noqa: ASYNC110
                await asyncio.sleep(0)
            sending.cancel()

    server.on[REFRESH] = held
    server.rotates = True
    asyncio.run(give_up())
    go_on.set()
    assert tasks.send() == 200
    assert server.refreshes == 1


def test_threads_and_event_loops_share_a_refresh(tasks: AsyncHttpx, server: Server) -> None:
    after(server, lambda: server.count("/me/") == 8, server.answer)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: tasks.send(), range(8))) == [200] * 8  # a loop each
    assert server.refreshes == 1


def test_waiting_requests_all_get_to_know_of_an_outage(face: Face, server: Server) -> None:
    def lose(_: Call) -> Reply:
        raise Lost

    after(server, lambda: server.count("/me/") == 5, lose)

    def send(_: int) -> Unavailable:
        with pytest.raises(Unavailable) as caught:
            face.send()
        return caught.value

    server.expire()
    with ThreadPoolExecutor(5) as pool:
        errors = list(pool.map(send, range(5)))
    assert face.login.logged_in
    assert all(error.__cause__ for error in errors)
    traces = ["".join(traceback.format_exception(error)) for error in errors]
    assert [trace.count("in _access_after") for trace in traces] == [1] * 5, "each has its own story alone"


def test_who_joins_a_refresh_that_began_for_an_older_token_is_not_sent_with_the_refused_one_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(MemoryStorage):
        @contextmanager
        def lock(self, timeout: float) -> Iterator[bool]:
            if joined.is_set() or not self.load():
                yield True
                return
            server.renew(self)  # another process has the lock
            server.expire()
            waiting.append(pool.submit(face.send, method="POST"))
            assert joined.wait(PATIENCE)
            yield True

    joined, waiting = threading.Event(), list[Future[int]]()
    face = Requests(server, storage=Busy())
    face.login.login("test", "test")
    server.expire()
    refresh, calls = face.login._refresher.refresh, itertools.count(1)  # noqa: SLF001

    def counted(used: Tokens) -> Refresh:
        under_way = refresh(used)
        if next(calls) == 2:
            joined.set()
        return under_way

    monkeypatch.setattr(face.login._refresher, "refresh", counted)  # noqa: SLF001
    with ThreadPoolExecutor(1) as pool:
        face.send()
        assert [future.result(PATIENCE) for future in waiting] == [200]
    refused, good = [call.token for call in server.calls if call.method == "POST" and call.path == "/me/"]
    assert refused != good
    assert server.refreshes == 1


def test_a_process_that_ends_waits_for_the_refresh_also_of_a_daemon(face: Face, server: Server) -> None:
    def look(call: Call) -> Reply:
        refreshing.extend(thread.daemon for thread in threading.enumerate() if thread.name == "tokenpair-refresh")
        return server.answer(call)

    refreshing: list[bool] = []
    server.on[REFRESH] = look
    server.expire()
    daemon = threading.Thread(target=face.send, daemon=True)
    daemon.start()
    daemon.join(PATIENCE)
    assert refreshing == [False]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_of_a_fork_does_not_wait_for_the_refresh_of_its_parent(server: Server) -> None:
    class Unlocked(Storage):
        tokens: Tokens | None = None

        def load(self) -> Tokens | None:
            return self.tokens

        def save(self, tokens: Tokens | None) -> None:
            self.tokens = tokens

    face = Requests(server, storage=Unlocked())
    face.login.login("test", "test")
    asked, go_on = threading.Event(), threading.Event()

    def held(call: Call) -> Reply:
        asked.set()
        assert go_on.wait(PATIENCE)
        return server.answer(call)

    server.on[REFRESH] = held
    server.expire()
    waiting = threading.Thread(target=face.send)
    waiting.start()
    assert asked.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        server.on.clear()
        os._exit(0 if face.send() == 200 else 1)
    go_on.set()
    waiting.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
