"""Against tokenpair and against Django with Simple JWT, both with access tokens of two seconds and strict rotation."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from servers import PROJECT, SOURCES, RealServer, django, tokenpair, wait_for

from tokenpair import APIClient, FileStorage, LoggedOut
from tokenpair.httpx import JWTAuth

CROWD = 50
REFUSED = "an.access.token"
JSON = {"Content-Type": "application/json"}
ROTATION = {"ROTATE_REFRESH_TOKENS": "true", "BLACKLIST_AFTER_ROTATION": "true"}


@pytest.fixture(scope="module", params=["tokenpair", "django"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    folder = tmp_path_factory.mktemp(request.param)
    with tokenpair(folder, **ROTATION) if request.param == "tokenpair" else django(folder) as running:
        yield running


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with tokenpair(tmp_path_factory.mktemp("demo"), **ROTATION) as running:
        yield running


class Counted:
    """The options of a client that counts."""

    def __init__(self) -> None:
        self.refreshes = 0
        self.logouts: list[str] = []

    def options(self) -> dict[str, Any]:
        return {"on_refresh": self._refreshed, "on_logout": self.logouts.append}

    def _refreshed(self) -> None:
        self.refreshes += 1


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_fifty_threads_at_expiry_make_one_refresh(server: RealServer, counted: Counted) -> None:
    with APIClient(server.base_url, **counted.options()) as client, ThreadPoolExecutor(CROWD) as pool:
        client.session.mount("http://", HTTPAdapter(pool_maxsize=CROWD))
        client.login(server.username, server.password)
        for expiry in (1, 2):
            server.wait_until_refused(client.access_token)
            client.session.close()  # gunicorn closes connections that rest for two seconds, which is as long as a token lives
            statuses = list(pool.map(lambda _: client.get("/me/").status_code, range(CROWD)))
            assert statuses == [200] * CROWD
            assert counted.refreshes == expiry
        assert client.logout()
    assert counted.logouts == ["asked"]


def test_fifty_tasks_at_expiry_make_one_refresh(server: RealServer, counted: Counted) -> None:
    async def play() -> list[int]:
        await auth.alogin(server.username, server.password)
        server.wait_until_refused(auth.access_token)
        async with httpx.AsyncClient(base_url=server.base_url, auth=auth, timeout=60) as client:
            return [answer.status_code for answer in await asyncio.gather(*(client.get("/me/") for _ in range(CROWD)))]

    auth = JWTAuth(server.base_url, **counted.options())
    assert asyncio.run(play()) == [200] * CROWD
    assert counted.refreshes == 1


def test_a_login_ended_at_the_server_is_told_once(server: RealServer, counted: Counted) -> None:
    with APIClient(server.base_url, **counted.options()) as client:
        client.login(server.username, server.password)
        requests.post(f"{server.base_url}/token/blacklist/", json={"refresh": client.refresh_token}, timeout=10)
        server.wait_until_refused(client.access_token)
        with pytest.raises(LoggedOut):
            client.get("/me/")
        assert client.get("/me/").status_code == 401
    assert counted.logouts == ["refused"]


def test_the_first_refresh_of_tokens_from_elsewhere(server: RealServer) -> None:
    """As users of the class of this name in tutorials hold it."""
    tokens = requests.post(
        f"{server.base_url}/token/", json={"username": server.username, "password": server.password}, timeout=10
    ).json()
    client = APIClient(server.base_url)
    client.access_token, client.refresh_token = tokens["access"], tokens["refresh"]
    assert client.request("GET", "/me/").status_code == 200
    server.wait_until_refused(client.access_token)
    assert client.request("GET", "/me/", headers={"Accept": "application/json"}, timeout=5).status_code == 200
    assert client.refresh_token != tokens["refresh"]
    client.close()


class LossyAdapter(HTTPAdapter):
    """Loses the first answer to a refresh after the server has worked."""

    lost = 0

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        answer = super().send(request, *arguments, **options)
        if (request.url or "").endswith("/token/refresh/") and not self.lost:
            self.lost += 1
            answer.close()
            raise requests.ConnectionError("lost")
        return answer


def test_a_lost_answer_costs_nothing_with_a_grace_period(tmp_path: Path, counted: Counted) -> None:
    adapter = LossyAdapter()
    with (
        tokenpair(tmp_path, **ROTATION, ROTATION_GRACE_PERIOD="30s") as server,
        APIClient(server.base_url, **counted.options()) as client,
    ):
        client.session.mount("http://", adapter)
        client.login("test", "test")
        server.wait_until_refused(client.access_token)
        assert client.get("/me/").status_code == 200
    assert (adapter.lost, counted.refreshes, counted.logouts) == (1, 1, [])


def test_files_are_sent_whole_a_second_time(demo: RealServer) -> None:
    body = b'{"first_name": "Ada"}'
    auth = JWTAuth(demo.base_url)
    auth.login("test", "test")
    with httpx.Client(base_url=demo.base_url, auth=auth) as client:
        auth.access_token = REFUSED
        answer = client.patch("/me/", content=io.BytesIO(body), headers=JSON)
        assert (answer.status_code, answer.json()["first_name"]) == (200, "Ada")
        auth.access_token = REFUSED
        form = client.patch("/me/", files={"first_name": (None, b"Grace"), "file": io.BytesIO(b"x" * 100_000)})
        assert (form.status_code, form.json()["first_name"]) == (200, "Grace")
        assert [len(answer.history), len(form.history)] == [1, 1]
    with APIClient(demo.base_url) as requests_client:
        requests_client.login("test", "test")
        requests_client.access_token = REFUSED
        assert requests_client.patch("/me/", data=io.BytesIO(body), headers=JSON).json()["first_name"] == "Ada"


def test_a_refused_request_leaves_its_connection_to_the_refresh(demo: RealServer) -> None:
    with httpx.Client(base_url=demo.base_url, limits=httpx.Limits(max_connections=1)) as client:
        client.auth = auth = JWTAuth(demo.base_url, client=client, patience=1)
        auth.login("test", "test")
        auth.access_token = REFUSED
        assert client.get("/me/").status_code == 200


def test_a_generator_is_not_sent_a_second_time(demo: RealServer) -> None:
    auth = JWTAuth(demo.base_url)
    auth.login("test", "test")
    auth.access_token = REFUSED
    with httpx.Client(base_url=demo.base_url, auth=auth, headers=JSON) as client:
        assert client.patch("/me/", content=(part for part in [b"{", b"}"])).status_code == 401
        assert client.patch("/me/", content=(part for part in [b"{", b"}"])).status_code == 200


@pytest.mark.parametrize("flags", [[], ["--async"]], ids=["requests", "httpx"])
def test_players_that_share_a_file_refresh_once_per_expiry(
    demo: RealServer, tmp_path: Path, flags: list[str], request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "tokens.json"
    with APIClient(demo.base_url, storage=FileStorage(path)) as client:
        client.login("test", "test")
        players = [Playing(flags, request.addfinalizer) for _ in range(3)]
        for player in players:
            opened = player.ask(do="open", client="a", base_url=demo.base_url, storage=str(path), clock=-600, patience=15)
            assert opened == {}
        for expiry in (1, 2):
            demo.wait_until_refused(client.access_token)
            for player in players:
                player.tell(do="request", client="a", method="GET", path="/me/", count=10)
            for player in players:
                assert player.answer() == {"statuses": [200] * 10, "errors": []}
            states = [player.ask(do="state", client="a") for player in players]
            assert all(state["logged_in"] and state["logouts"] == 0 for state in states)
            assert sum(state["refreshes"] for state in states) == expiry
        assert players[0].ask(do="logout", client="a") == {"revoked": True}
        assert [player.ask(do="state", client="a")["logged_in"] for player in players] == [False] * 3


class Playing:
    """A player in a process of its own."""

    def __init__(self, flags: list[str], at_end: Callable[[Callable[[], None]], None]) -> None:
        command = [sys.executable, str(PROJECT / "player.py"), *flags]
        self.process = subprocess.Popen(command, env=SOURCES, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        at_end(self.end)

    def ask(self, **line: Any) -> Any:
        self.tell(**line)
        return self.answer()

    def tell(self, **line: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"id": 1, **line}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline())
        assert answer.pop("id") == 1
        return answer

    def end(self) -> None:
        with self.process:
            assert self.process.stdin
            self.process.stdin.close()
            assert self.process.wait(10) == 0


def test_a_player_says_what_it_does_not_understand(request: pytest.FixtureRequest) -> None:
    player = Playing([], request.addfinalizer)
    assert "'a'" in player.ask(do="login", client="a")["error"]
    assert player.ask(do="open", client="a", base_url="http://127.0.0.1:1/api") == {}
    assert "cannot fly" in player.ask(do="fly", client="a")["error"]


README = (PROJECT / "README.md").read_text().split("```python\n")[1:]
EXAMPLES = [part.split("```")[0] for part in README if "from tokenpair" in part.split("```")[0]]


@pytest.mark.parametrize("example", EXAMPLES, ids=["first", "httpx", "tasks", "file"])
def test_an_example_of_the_readme_runs_as_printed(demo: RealServer, tmp_path: Path, example: str) -> None:
    assert "http://127.0.0.1:8000/api" in example
    script = tmp_path / "example.py"
    script.write_text(example.replace("http://127.0.0.1:8000/api", demo.base_url))
    environment = {**SOURCES, "HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True, text=True)
    assert ran.stderr == ""
    assert ran.stdout.startswith("test\n" if example == EXAMPLES[0] else "")


def test_the_log_of_the_server_knows_of_as_many_refreshes(demo: RealServer, counted: Counted) -> None:
    before = demo.refreshes
    with APIClient(demo.base_url, **counted.options()) as client, ThreadPoolExecutor(8) as pool:
        client.login("test", "test")
        demo.wait_until_refused(client.access_token)
        list(pool.map(lambda _: client.get("/me/"), range(8)))
    wait_for(lambda: demo.refreshes > before)
    assert demo.refreshes - before == counted.refreshes == 1
