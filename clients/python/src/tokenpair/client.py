"""The face for requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from tokenpair._engine.answers import HEADERS, Answer, NoAnswer
from tokenpair._engine.bodies import rewinder
from tokenpair._engine.clock import Clock
from tokenpair._engine.endpoints import Paths
from tokenpair._engine.login import PATIENCE, Login, Reason, Send, origin
from tokenpair.errors import TokenPairError
from tokenpair.storage import Storage

if TYPE_CHECKING:
    from typing_extensions import Self

TIMEOUT = 10.0
SENDING = ("stream", "verify", "cert")


class APIClient(Login):
    """Sends requests with an access token that is always fresh. Threads may share one.

    `session` is the `requests.Session` it sends with; `timeout` is for every request that has none of its own. The other options
    are those of `tokenpair.httpx.JWTAuth`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        storage: Storage | None = None,
        session: requests.Session | None = None,
        timeout: float | tuple[float, float] | None = TIMEOUT,
        auth_header_type: str = "Bearer",
        paths: Paths = Paths(),
        patience: float = PATIENCE,
        clock: Clock | None = None,
        on_login: Callable[[], object] | None = None,
        on_refresh: Callable[[], object] | None = None,
        on_logout: Callable[[Reason], object] | None = None,
    ) -> None:
        self.session = session or requests.Session()
        self.timeout = timeout
        self._paths = paths
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

    def request(self, method: str, endpoint: str, **kwargs: Any) -> requests.Response:
        """Sends a request; `endpoint` is a path behind `base_url` or a whole address. Options as `requests.request` has them.

        With `auth` it goes out as it is, without a token; a header `Authorization` is replaced while somebody is logged in.
        Raises `LoggedOut`, `Unavailable` or `Refused` if the access token had to be refreshed and could not be, else what
        requests raises.
        """
        timeout = kwargs.pop("timeout", self.timeout)
        allow_redirects = kwargs.pop("allow_redirects", True)
        proxies = kwargs.pop("proxies", None) or {}
        sending = {name: kwargs.pop(name, None) for name in SENDING}
        prepared = self.session.prepare_request(requests.Request(method.upper(), self._url(endpoint), **kwargs))
        settings = self.session.merge_environment_settings(prepared.url or "", proxies, **sending)
        settings |= {"timeout": timeout, "allow_redirects": allow_redirects}
        if kwargs.get("auth") is not None or _origin(prepared.url) != self._origin:
            return self.session.send(prepared, **settings)
        return self._send_with_token(prepared, settings)

    def get(self, endpoint: str, **kwargs: Any) -> requests.Response:
        return self.request("GET", endpoint, **kwargs)

    def post(self, endpoint: str, **kwargs: Any) -> requests.Response:
        return self.request("POST", endpoint, **kwargs)

    def put(self, endpoint: str, **kwargs: Any) -> requests.Response:
        return self.request("PUT", endpoint, **kwargs)

    def patch(self, endpoint: str, **kwargs: Any) -> requests.Response:
        return self.request("PATCH", endpoint, **kwargs)

    def delete(self, endpoint: str, **kwargs: Any) -> requests.Response:
        return self.request("DELETE", endpoint, **kwargs)

    def user(self) -> dict[str, Any]:
        """Who is logged in: the JSON of `/me/`. Raises `requests.HTTPError` for a 401, if nobody is, and every other error."""
        answer = self.get(self._paths.me)
        answer.raise_for_status()
        user: dict[str, Any] = answer.json()
        return user

    def close(self) -> None:
        """Closes the connections. The login stays."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _send_with_token(self, prepared: requests.PreparedRequest, settings: Mapping[str, Any]) -> requests.Response:
        rewind = rewinder(prepared.body)
        answers: list[requests.Response] = []
        raised: requests.HTTPError | None = None
        try:
            for step in self._steps(repeatable=rewind is not None):
                if isinstance(step, Future):
                    wait([step])
                    continue
                if step.again and rewind:
                    answers[-1].close()
                    rewind()
                answer, raised = self._send(prepared.copy(), step, settings)
                answers.append(answer)
        except BaseException:
            for answer in answers:
                answer.close()
            raise
        if raised:
            raise raised
        return answers[-1]

    def _send(
        self, request: requests.PreparedRequest, step: Send, settings: Mapping[str, Any]
    ) -> tuple[requests.Response, requests.HTTPError | None]:
        """The answer, and what a hook raised over it, such as one that calls `raise_for_status`."""
        header, raised = self._header(step), None
        if header:
            request.headers["Authorization"] = header
        try:
            answer = self.session.send(request, **settings)
        except requests.HTTPError as error:
            answer, raised = _answer_of(error), error
        # after a redirect to another origin the last request carries no token
        step.refused = answer.status_code == 401 and answer.request.headers.get("Authorization") == header
        return answer, raised

    def _post(self, url: str, data: Mapping[str, Any], timeout: float) -> Answer:
        try:
            answer = self.session.post(url, json=data, headers=HEADERS, timeout=timeout, allow_redirects=False)
        except requests.HTTPError as error:
            answer = _answer_of(error)
        except requests.RequestException as error:
            raise NoAnswer from error
        return Answer(answer.status_code, answer.headers, answer.content)

    @staticmethod
    def _origin_of(url: str) -> str:
        return _origin(requests.Request("GET", url).prepare().url)

    def _after_fork(self) -> None:
        super()._after_fork()
        self.session.close()  # the parent goes on with these connections

    def _refresh_access_token(self) -> bool:
        """As the class of this name in many tutorials has it."""
        try:
            self.refresh()
        except TokenPairError:
            return False
        return True


def _answer_of(error: requests.HTTPError) -> requests.Response:
    if error.response is None:
        raise error
    return error.response


def _origin(prepared_url: str | None) -> str:
    parts = urlsplit(prepared_url or "")
    return origin(parts.scheme, parts.hostname or "", parts.port)
