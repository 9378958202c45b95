"""What is particular to `JWTAuth`."""

from __future__ import annotations

import asyncio
import importlib
import sys

import httpx
import pytest
from conftest import AsyncHttpx, Httpx
from fakes import BASE_URL, Server, transport

from tokenpair import Refused
from tokenpair.httpx import JWTAuth


@pytest.fixture
def face(server: Server) -> Httpx:
    made = Httpx(server)
    made.login.login("test", "test")
    return made


def test_tasks_log_in_sign_up_and_log_out(server: Server) -> None:
    async def play() -> None:
        auth = AsyncHttpx(server).auth
        with pytest.raises(Refused):
            await auth.alogin("test", "wrong")
        await auth.alogin("test", "test")
        assert auth.logged_in
        assert await auth.alogout()
        assert await auth.aregister(username="ada", password="analytical-engine") == {"user": {"username": "ada"}}
        assert auth.logged_in

    asyncio.run(play())


def test_one_auth_serves_many_clients(face: Httpx, server: Server) -> None:
    server.expire()
    with httpx.Client(auth=face.auth, transport=transport(server)) as one:
        assert one.get(f"{BASE_URL}/me/").status_code == 200
    with httpx.Client(auth=face.auth, transport=transport(server)) as other:
        assert other.get(f"{BASE_URL}/me/").status_code == 200
    assert server.refreshes == 1


def test_an_auth_may_ask_with_the_client_that_has_it(server: Server) -> None:
    client = httpx.Client(transport=transport(server), follow_redirects=True)
    client.auth = auth = JWTAuth(BASE_URL, client=client, clock=server.clock)
    auth.login("test", "test")
    server.expire()
    assert client.get(f"{BASE_URL}/me/").status_code == 200
    assert [call.token is None for call in server.calls] == [True, False, True, False]


def test_a_hook_of_the_asking_client_may_raise(server: Server) -> None:
    hooks = {"response": [httpx.Response.raise_for_status]}
    auth = JWTAuth(BASE_URL, client=httpx.Client(transport=transport(server), event_hooks=hooks), clock=server.clock)
    with pytest.raises(Refused):
        auth.login("test", "wrong")


def test_a_streamed_answer_is_closed_before_the_next_try(face: Httpx, server: Server) -> None:
    server.expire()
    with httpx.Client(**face.options()) as client, client.stream("GET", "/me/") as response:
        assert response.status_code == 200
        assert [earlier.is_closed for earlier in response.history] == [True]


def test_a_401_of_nobody_can_be_read_as_it_came() -> None:
    network = httpx.MockTransport(lambda _: httpx.Response(401, content=iter([b"who ", b"are you"])))
    with httpx.Client(auth=JWTAuth(BASE_URL), transport=network) as client, client.stream("GET", f"{BASE_URL}/me/") as response:
        assert b"".join(response.iter_raw()) == b"who are you"


@pytest.mark.parametrize("base_url", ["", "api", "/api", "ftp://api.test", "http://"])
def test_a_base_url_without_a_host_is_an_error_at_once(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must begin with"):
        JWTAuth(base_url)


def test_a_host_in_another_script_gets_its_token(server: Server) -> None:
    face = Httpx(server, base_url="http://bücher.test/api")
    face.login.login("test", "test")
    assert face.send() == 200


@pytest.mark.parametrize("missing", ["httpx", "anyio"])
def test_who_lacks_the_extra_is_told_its_name(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delitem(sys.modules, "tokenpair.httpx")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tokenpair\[httpx\]'"):
        importlib.import_module("tokenpair.httpx")


def test_a_repr_says_where_but_not_with_which_password() -> None:
    assert repr(JWTAuth("https://ada:secret@api.test/api")) == "<JWTAuth https://api.test>"
