"""What is particular to `APIClient`, and what users of the class of that name in tutorials expect."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest
import requests
from conftest import Requests
from fakes import BASE_URL, Adapter, Call, Lost, Reply, Server, session

from tokenpair import APIClient, LoggedOut, Paths, Refused, TokenPairError, Unavailable


@pytest.fixture
def client(server: Server) -> APIClient:
    return Requests(server).client


@pytest.fixture
def ada(client: APIClient) -> APIClient:
    client.login("test", "test")
    return client


def adapter(client: APIClient) -> Adapter:
    found = client.session.get_adapter(BASE_URL)
    assert isinstance(found, Adapter)
    return found


# The names of the class


def test_tokens_can_be_put_and_read_as_attributes(client: APIClient, server: Server) -> None:
    assert (client.base_url, client.access_token, client.refresh_token) == (BASE_URL, None, None)
    pair = server.pair()
    client.access_token = pair["access"]
    client.refresh_token = pair["refresh"]
    assert client.request("GET", "/me/").status_code == 200
    server.expire()
    assert client.request("get", "/me/").status_code == 200
    assert client.access_token not in {None, pair["access"]}
    client.access_token = client.refresh_token = None
    assert not client.logged_in


def test_a_refresh_token_alone_is_enough(client: APIClient, server: Server) -> None:
    client.refresh_token = server.pair()["refresh"]
    assert client.request("GET", "/me/").status_code == 200
    assert server.count("/me/") == 1


def test_refresh_access_token_says_whether_it_worked(ada: APIClient, server: Server) -> None:
    before = ada.access_token
    assert ada._refresh_access_token() is True  # noqa: SLF001
    assert ada.access_token != before
    server.good.clear()
    assert ada._refresh_access_token() is False  # noqa: SLF001
    assert APIClient(BASE_URL)._refresh_access_token() is False  # noqa: SLF001


def test_headers_of_the_caller_are_sent_and_not_changed(ada: APIClient, server: Server) -> None:
    headers = {"X-Shop": "1"}
    ada.request("GET", "/me/", headers=headers)
    assert server.calls[-1].headers["X-Shop"] == "1"
    assert server.calls[-1].token
    assert headers == {"X-Shop": "1"}


def test_errors_are_caught_as_those_of_requests(ada: APIClient, server: Server) -> None:
    server.good.clear()
    with pytest.raises(requests.RequestException):
        ada.get("/me/")
    assert all(issubclass(error, TokenPairError) for error in (LoggedOut, Unavailable, Refused))


@pytest.mark.parametrize(
    "error", [LoggedOut("over"), Unavailable("away", 503, 2.0), Refused("no", 400, {"username": ["This field is required."]})]
)
def test_errors_come_whole_out_of_other_processes(error: TokenPairError) -> None:
    come = pickle.loads(pickle.dumps(error))
    assert (type(come), str(come), vars(come)) == (type(error), str(error), vars(error))


# Requests


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete"])
def test_verbs_have_methods(ada: APIClient, server: Server, verb: str) -> None:
    assert getattr(ada, verb)("/me/", params={"page": 2}).status_code == 200
    assert (server.calls[-1].method, server.calls[-1].url) == (verb.upper(), f"{BASE_URL}/me/?page=2")


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [(BASE_URL, "/me/"), (BASE_URL, "me/"), (f"{BASE_URL}/", "/me/"), ("http://elsewhere.test", f"{BASE_URL}/me/")],
)
def test_endpoints_are_put_behind_the_base_url(client: APIClient, server: Server, base_url: str, endpoint: str) -> None:
    client.base_url = base_url
    client.get(endpoint)
    assert server.calls[-1].url == f"{BASE_URL}/me/"


@pytest.mark.parametrize("endpoint", ["@other.test/", "//other.test/", ".other.test/"])
def test_an_endpoint_does_not_change_the_host(ada: APIClient, server: Server, endpoint: str) -> None:
    ada.get(endpoint)
    assert server.calls[-1].url.startswith(f"{BASE_URL}/")


@pytest.mark.parametrize("base_url", ["", "api", "/api", "http://"])
def test_a_base_url_without_a_host_is_an_error_at_once(base_url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        APIClient(base_url)


def test_a_host_in_another_script_gets_its_token(server: Server) -> None:
    client = APIClient("http://bücher.test/api", session=session(server), clock=server.clock)
    client.login("test", "test")
    assert client.get("/me/").status_code == 200


def test_every_request_has_a_time_out(ada: APIClient, server: Server) -> None:
    server.expire()
    ada.get("/me/")
    ada.get("/me/", timeout=3)
    ada.get("/me/", timeout=None)
    ada.timeout = (1, 2)
    ada.get("/me/")
    assert adapter(ada).timeouts == [10.0, 10.0, 10.0, 10.0, 3, None, (1, 2)]


def test_credentials_of_the_caller_go_out_instead_of_the_token(ada: APIClient, server: Server) -> None:
    assert ada.get("/me/", auth=("ada", "secret")).status_code == 401
    assert (server.calls[-1].token or "").startswith("Basic ")
    assert server.refreshes == 0


def test_a_netrc_does_not_replace_the_token(ada: APIClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.test login ada password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert ada.get("/me/").status_code == 200


def test_a_file_is_rewound_to_where_it_was(ada: APIClient, server: Server) -> None:
    file = io.BytesIO(b"headbody")
    file.seek(4)
    server.expire()
    assert ada.post("/me/", data=file).json()["sent"] == "body"
    assert server.count("/me/") == 2


def test_a_form_with_files_is_sent_whole_again(ada: APIClient, server: Server) -> None:
    server.expire()
    assert "content" in ada.post("/me/", files={"file": io.BytesIO(b"content")}).json()["sent"]


def test_a_file_that_cannot_seek_is_sent_once(ada: APIClient, server: Server) -> None:
    class Pipe(io.BytesIO):
        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

    server.expire()
    assert ada.post("/me/", data=Pipe(b"once")).status_code == 401
    assert (server.count("/me/"), server.refreshes) == (1, 1)


def test_cookies_of_the_session_stay_and_are_sent(ada: APIClient, server: Server) -> None:
    ada.session.cookies.set("theme", "dark", domain="api.test")
    server.expire()
    assert ada.get("/me/").status_code == 200
    assert [call.headers.get("Cookie") for call in server.calls[-3:]] == ["theme=dark"] * 3
    assert ada.session.cookies.get_dict() == {"theme": "dark"}


def test_a_request_without_an_answer_raises_what_requests_raises(ada: APIClient, server: Server) -> None:
    def lose(_: Call) -> Reply:
        raise Lost

    server.on["/me/"] = lose
    with pytest.raises(requests.ConnectionError):
        ada.get("/me/")


def test_hooks_and_history_are_those_of_requests(ada: APIClient, server: Server) -> None:
    seen: list[int] = []
    server.on["/old/"] = lambda _: Reply(301, headers={"Location": "/api/me/"})
    answer = ada.get("/old/", hooks={"response": lambda response, **_: seen.append(response.status_code)})
    assert (answer.status_code, [response.status_code for response in answer.history], seen) == (200, [301], [301, 200])
    assert ada.get("/old/", allow_redirects=False).status_code == 301


def test_a_hook_that_raises_sees_each_answer_and_the_caller_the_last(ada: APIClient, server: Server) -> None:
    ada.session.hooks["response"].append(lambda response, **_: response.raise_for_status())
    server.expire()
    assert ada.get("/me/").status_code == 200
    server.on["/me/"] = lambda _: Reply(401)
    with pytest.raises(requests.HTTPError, match="401"):
        ada.get("/me/")
    with pytest.raises(Refused):
        ada.login("test", "wrong")
    server.good.clear()
    with pytest.raises(LoggedOut):
        ada.get("/me/")


def test_a_401_that_is_streamed_is_closed_before_the_next_try(ada: APIClient, server: Server) -> None:
    closed: list[int] = []
    server.expire()

    def watch(response: requests.Response, **_: Any) -> None:
        def close() -> None:
            closed.append(response.status_code)

        response.close = close  # type: ignore[method-assign]

    answer = ada.get("/me/", stream=True, hooks={"response": watch})
    assert (closed, answer.status_code) == ([401], 200)
    server.good.clear()
    with pytest.raises(LoggedOut):
        ada.get("/me/", stream=True, hooks={"response": watch})
    assert closed == [401, 401]


# The login


def test_a_login_takes_the_fields_of_the_server(client: APIClient, server: Server) -> None:
    client.login(email="ada@example.com", password="test")
    assert server.calls[-1].data == {"email": "ada@example.com", "password": "test"}
    client.login("ada", password="test", otp="123456")
    assert server.calls[-1].data == {"username": "ada", "password": "test", "otp": "123456"}


def test_a_wrong_password_is_refused_with_the_words_of_the_server(client: APIClient) -> None:
    with pytest.raises(Refused, match="401 No active account found with the given credentials") as caught:
        client.login("test", "wrong")
    assert caught.value.status == 401
    assert not client.logged_in


def test_a_login_that_fails_keeps_the_one_before(ada: APIClient) -> None:
    before = ada.access_token
    with pytest.raises(Refused):
        ada.login("test", "wrong")
    assert ada.access_token == before


def test_a_login_in_an_outage_is_unavailable(client: APIClient, server: Server) -> None:
    server.on["/token/"] = lambda _: Reply(503, headers={"Retry-After": "7"})
    with pytest.raises(Unavailable) as caught:
        client.login("test", "test")
    assert (caught.value.status, caught.value.retry_after) == (503, 7)


def test_a_sign_up_logs_in_and_gives_back_no_token(client: APIClient) -> None:
    assert client.register(username="ada", password="analytical-engine") == {"user": {"username": "ada"}}
    assert client.user()["username"] == "test"


def test_a_sign_up_that_waits_for_a_mail_logs_nobody_in(client: APIClient, server: Server) -> None:
    server.on["/register/"] = lambda _: Reply(201, {"detail": "A link is on its way."})
    assert client.register(username="ada") == {"detail": "A link is on its way."}
    assert not client.logged_in


def test_a_sign_up_that_is_refused_says_which_field(client: APIClient, server: Server) -> None:
    server.on["/register/"] = lambda _: Reply(400, {"password": ["Too short."]})
    with pytest.raises(Refused) as caught:
        client.register(username="ada", password="x")
    assert caught.value.data == {"password": ["Too short."]}


def test_user_raises_if_nobody_is_logged_in(client: APIClient) -> None:
    with pytest.raises(requests.HTTPError):
        client.user()


def test_paths_are_options(server: Server) -> None:
    client = APIClient(BASE_URL, session=session(server), clock=server.clock, paths=Paths(token="/jwt/create"))
    server.on["/jwt/create"] = lambda _: Reply(200, server.pair())
    client.login("test", "test")
    assert client.get("/me/").status_code == 200


def test_a_client_is_a_context_that_closes_its_connections(server: Server) -> None:
    with Requests(server).client as client:
        client.login("test", "test")
    assert adapter(client).closed
    assert client.logged_in


def test_a_repr_says_where_but_not_with_which_password(server: Server) -> None:
    assert repr(APIClient("https://ada:secret@api.test/api")) == "<APIClient https://api.test>"
