"""The face for httpx: `pip install 'tokenpair[httpx]'`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import partial
from typing import Any

try:
    import anyio
    import httpx
    from anyio.to_thread import run_sync
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("tokenpair.httpx needs what pip install 'tokenpair[httpx]' brings", name=error.name) from error

from tokenpair._engine.answers import HEADERS, Answer, NoAnswer
from tokenpair._engine.bodies import Rewind, rewinder
from tokenpair._engine.clock import Clock
from tokenpair._engine.endpoints import Paths
from tokenpair._engine.login import PATIENCE, Login, Reason, Send, origin
from tokenpair.storage import Storage


class JWTAuth(Login, httpx.Auth):
    """The `auth` of httpx clients, sync and async: their requests have an access token that is always fresh.

    Any number of clients, threads, tasks and event loops may share one. Tokens go to the origin of `base_url` alone.

    `storage` keeps the tokens, in memory by default. `client` is what the token endpoints are asked with, such as one with your
    proxy and certificates. `auth_header_type` is the word before the token (Simple JWT's `AUTH_HEADER_TYPES`), `paths` are those
    of your server, `patience` the seconds for which a refresh is tried.
    """

    def __init__(
        self,
        base_url: str,
        *,
        storage: Storage | None = None,
        client: httpx.Client | None = None,
        auth_header_type: str = "Bearer",
        paths: Paths = Paths(),
        patience: float = PATIENCE,
        clock: Clock | None = None,
        on_login: Callable[[], object] | None = None,
        on_refresh: Callable[[], object] | None = None,
        on_logout: Callable[[Reason], object] | None = None,
    ) -> None:
        # Refreshes are rare: a connection that rests would be dead when it is needed, or shared after a fork.
        self._client = client or httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
        super().__init__(
            base_url,
            self._post,
            storage=storage,
            auth_header_type=auth_header_type,
            paths=paths,
            patience=patience,
            clock=clock,
            on_login=on_login,
            on_refresh=on_refresh,
            on_logout=on_logout,
        )

    async def alogin(self, username: str | None = None, password: str | None = None, **fields: object) -> None:
        """`login` for tasks. Who cancels it stops waiting only when the server has answered."""
        await run_sync(partial(self.login, username, password, **fields))

    async def aregister(self, **fields: object) -> dict[str, Any]:
        """`register` for tasks."""
        return await run_sync(partial(self.register, **fields))

    async def alogout(self) -> bool:
        """`logout` for tasks."""
        return await run_sync(self.logout)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for step in self._steps_of(request):
            if isinstance(step, Future):
                wait([step])
            elif self._note(step, response := (yield request)):
                response.read()  # frees its connection, which the refresh may need

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        for step in self._steps_of(request):
            if isinstance(step, Future):
                await _end_of(step)
            elif self._note(step, response := (yield request)):
                await response.aread()

    def _steps_of(self, request: httpx.Request) -> Generator[Send | Future[None], None, None]:
        """The steps, each with the request made ready for it."""
        if _origin(request.url) != self._origin:
            yield Send(None)
            return
        rewind = _rewinder(request.stream)
        for step in self._steps(repeatable=rewind is not None):
            if isinstance(step, Send):
                if step.again and rewind:
                    rewind()
                header = self._header(step)
                if header:
                    request.headers["Authorization"] = header
            yield step

    def _note(self, step: Send, response: httpx.Response) -> bool:
        # after a redirect to another origin the last request carries no token
        carried = response.request.headers.get("Authorization")
        step.refused = response.status_code == 401 and carried is not None and carried == self._header(step)
        return step.refused

    def _post(self, url: str, data: Mapping[str, Any], timeout: float) -> Answer:
        try:
            response = self._client.request(
                "POST", url, json=data, headers=HEADERS, timeout=timeout, follow_redirects=False, auth=None
            )
        except httpx.HTTPStatusError as error:  # a hook called raise_for_status before there was a content
            return Answer(error.response.status_code, error.response.headers, b"")
        except httpx.RequestError as error:
            raise NoAnswer from error
        return Answer(response.status_code, response.headers, response.content)

    @staticmethod
    def _origin_of(url: str) -> str:
        parsed = httpx.URL(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("base_url must begin with http:// or https:// and a host")
        return _origin(parsed)


def _origin(url: httpx.URL) -> str:
    return origin(url.scheme, url.raw_host.decode("ascii"), url.port)


def _rewinder(stream: object) -> Rewind | None:
    """httpx keeps what a stream is read from in attributes without a promise; where they are missing, it can be read once."""
    if isinstance(stream, httpx.ByteStream):
        return rewinder(None)
    if hasattr(stream, "fields"):  # multipart
        sources = [getattr(field, "file", None) for field in stream.fields]
    else:
        sources = [getattr(stream, "_stream", stream)]
    rewinds = [rewinder(source) for source in sources]
    known = [rewind for rewind in rewinds if rewind]
    return (lambda: [rewind() for rewind in known]) if len(known) == len(rewinds) else None


async def _end_of(future: Future[None]) -> None:
    """Waits for a thread's work without holding up the event loop; whoever is cancelled stops nothing."""
    ended = anyio.Event()
    call_soon = _call_soon()

    def tell(_: Future[None]) -> None:
        with suppress(RuntimeError):  # nobody waits any more, the loop is closed
            call_soon(ended.set)

    future.add_done_callback(tell)
    await ended.wait()


def _call_soon() -> Callable[[Callable[[], None]], object]:
    """How another thread calls something in the event loop that runs here."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio  # noqa: PLC0415 - it runs here, so it is there

        return trio.lowlevel.current_trio_token().run_sync_soon
