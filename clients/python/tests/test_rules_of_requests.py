"""Rules 1, 2, 4, 5 and 11 of clients/README.md, for each face. Rule 3 is in test_parallel.py."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from conftest import Face, Make
from fakes import BASE_URL, Call, FakeClock, Reply, Server, always, replies

from tokenpair import LoggedOut, MemoryStorage, Refused, Tokens, Unavailable

REFRESH = "/token/refresh/"
BLACKLIST = "/token/blacklist/"


# 1. Bearer


def test_a_request_carries_the_token(face: Face, server: Server) -> None:
    assert face.send() == 200
    assert server.calls[-1].token == f"Bearer {face.login.access_token}"


def test_nobody_logged_in_means_no_token_and_the_401_for_the_caller(make: Make, server: Server) -> None:
    assert make().send() == 401
    assert server.calls[-1].token is None
    assert server.refreshes == 0


def test_the_word_before_the_token_is_an_option(make: Make, server: Server) -> None:
    face = make(auth_header_type="JWT")
    face.login.login("test", "test")
    face.send()
    assert server.calls[-1].token == f"JWT {face.login.access_token}"


@pytest.mark.parametrize("other", ["http://other.test/", "https://api.test/api/me/", "http://api.test:8080/api/me/"])
def test_another_origin_gets_no_token(face: Face, server: Server, other: str) -> None:
    assert face.send(other) == 401
    assert server.calls[-1].token is None
    assert server.refreshes == 0


@pytest.mark.parametrize(
    "other", ["http://other.test/", "http://api.test:8080/", "https://api.test:8443/", "https://sub.api.test/"]
)
def test_a_redirect_to_another_origin_takes_no_token_along(face: Face, server: Server, other: str) -> None:
    server.on["/moved/"] = lambda _: Reply(302, headers={"Location": other})
    assert face.send("/moved/") == 401
    assert [bool(call.token) for call in server.calls[-2:]] == [True, False]
    assert server.refreshes == 0


def test_a_redirect_from_https_to_http_takes_no_token_along(make: Make, server: Server) -> None:
    face = make(base_url="https://api.test/api")
    face.login.login("test", "test")
    server.on["/moved/"] = lambda _: Reply(302, headers={"Location": "http://api.test/api/me/"})
    assert face.send("/moved/") == 401
    assert server.calls[-1].token is None


def test_a_redirect_from_http_to_https_of_the_same_host_takes_the_token_along(face: Face, server: Server) -> None:
    server.on["/moved/"] = lambda _: Reply(301, headers={"Location": "https://api.test/api/me/"})
    assert face.send("/moved/") == 200
    assert server.calls[-1].url == "https://api.test/api/me/"


def test_a_redirect_of_the_refresh_is_not_followed(face: Face, server: Server) -> None:
    server.on[REFRESH] = lambda _: Reply(307, headers={"Location": "http://other.test/"})
    server.expire()
    with pytest.raises(Refused):
        face.send()
    assert all("other.test" not in call.url for call in server.calls)


@pytest.mark.parametrize("other", ["http://other.test/api", "https://api.test/api", "http://api.test:8080/api"])
def test_a_client_of_another_origin_sees_nobody_and_touches_nothing(make: Make, server: Server, other: str) -> None:
    storage = MemoryStorage()
    make(storage=storage).login.login("test", "test")
    held = storage.load()
    elsewhere = make(storage=storage, base_url=other)
    assert not elsewhere.login.logged_in
    assert elsewhere.send() == 401
    assert server.calls[-1].token is None
    with pytest.raises(LoggedOut):
        elsewhere.login.refresh()
    assert elsewhere.login.logout()
    assert (server.refreshes, server.count(BLACKLIST)) == (0, 0)
    assert storage.load() == held
    elsewhere.login.login("test", "test")
    assert elsewhere.send() == 200


@pytest.mark.parametrize("same", ["http://api.test:80/api", "HTTP://API.TEST/other/"])
def test_an_origin_can_be_written_in_several_ways(make: Make, same: str) -> None:
    storage = MemoryStorage()
    make(storage=storage).login.login("test", "test")
    assert make(storage=storage, base_url=same).login.logged_in


def test_a_base_url_that_changes_takes_no_token_along(face: Face, server: Server) -> None:
    face.login.base_url = "http://other.test/api"
    assert face.send("http://other.test/api/me/") == 401
    assert server.calls[-1].token is None
    face.login.base_url = BASE_URL
    assert face.send() == 200


def test_tokens_without_an_origin_are_ours(make: Make, server: Server) -> None:
    storage, pair = MemoryStorage(), server.pair()
    storage.save(Tokens(pair["access"], pair["refresh"]))
    face = make(storage=storage)
    server.expire()
    assert face.send() == 200
    assert not make(storage=storage, base_url="http://other.test/api").login.logged_in, "now it is known whose they are"


def test_the_token_endpoints_are_asked_for_json(face: Face, server: Server) -> None:
    face.login.refresh()
    face.login.logout()
    assert [call.headers["Accept"] for call in server.calls] == ["application/json"] * 3


# 2. One try more


def test_a_401_refreshes_and_sends_once_more(face: Face, server: Server) -> None:
    server.expire()
    assert face.send(method="POST", content=b"hello") == 200
    assert server.refreshes == 1
    assert [call.body for call in server.calls if call.path == "/me/"] == [b"hello", b"hello"]


def test_a_second_401_is_given_to_the_caller(face: Face, server: Server) -> None:
    server.on["/me/"] = always(401)
    assert face.send() == 401
    assert (server.count("/me/"), server.refreshes) == (2, 1)
    assert face.login.logged_in


def test_a_token_replaced_meanwhile_is_used_without_a_refresh(make: Make, server: Server) -> None:
    def answer(_: Call) -> Reply:
        del server.on["/me/"]
        server.renew(storage)
        return Reply(401)

    storage = MemoryStorage()
    face = make(storage=storage)
    face.login.login("test", "test")
    server.on["/me/"] = answer
    assert face.send() == 200
    assert server.refreshes == 0


def test_a_token_replaced_meanwhile_that_is_near_its_end_is_refreshed_before_the_second_try(make: Make, server: Server) -> None:
    def answer(_: Call) -> Reply:
        del server.on["/me/"]
        tokens = storage.load()
        assert tokens
        storage.save(replace(tokens, access=server.token("access", 10), due=server.now - 1))
        return Reply(401)

    storage = MemoryStorage()
    face = make(storage=storage)
    face.login.login("test", "test")
    server.on["/me/"] = answer
    assert face.send() == 200
    assert [call.path for call in server.calls[1:]] == ["/me/", REFRESH, "/me/"]


@pytest.mark.parametrize("status", [204, 400, 403, 404, 500, 503])
def test_every_other_answer_is_given_to_the_caller(face: Face, server: Server, status: int) -> None:
    server.on["/me/"] = always(status)
    assert face.send() == status
    assert (server.count("/me/"), server.refreshes) == (1, 0)


def test_a_server_that_gives_the_same_token_again_gets_the_request_again(face: Face, server: Server) -> None:
    access = face.login.access_token
    server.on["/me/"] = replies(401)
    server.on[REFRESH] = lambda _: Reply(200, {"access": access})
    assert face.send() == 200


def test_without_a_refresh_token_the_401_is_given_to_the_caller(make: Make, server: Server) -> None:
    face = make()
    face.login.access_token = server.token("access", -1)
    assert face.send() == 401
    assert server.refreshes == 0
    with pytest.raises(LoggedOut, match="no refresh token"):
        face.login.refresh()


def test_without_a_refresh_token_nothing_is_refreshed_ahead_of_time(make: Make, server: Server, clock: FakeClock) -> None:
    server.on["/token/"] = lambda _: Reply(200, {"access": server.token("access", 3600)})
    face = make()
    face.login.login("test", "test")
    clock.now += 3500
    assert face.send() == 200
    assert server.refreshes == 0


# 4. Ahead of time


@pytest.mark.parametrize(("lifetime", "rest"), [(3600, 300), (300, 60), (10, 2)])
def test_a_token_near_its_end_is_refreshed_first(
    make: Make, server: Server, clock: FakeClock, lifetime: float, rest: float
) -> None:
    server.lifetime = lifetime
    face = make()
    face.login.login("test", "test")
    clock.now += lifetime - rest - 1
    assert face.send() == 200
    assert server.refreshes == 0
    clock.now += 1
    assert face.send() == 200
    assert [call.path for call in server.calls[-2:]] == [REFRESH, "/me/"]


def test_an_outage_does_not_hold_up_a_token_that_still_lives(face: Face, server: Server, clock: FakeClock) -> None:
    clock.now += 3600 - 200
    server.on[REFRESH] = always(503)
    assert face.send() == 200
    tried = server.refreshes
    assert face.send() == 200
    assert server.refreshes == tried  # the next request does not wait as long again
    clock.now += 30
    del server.on[REFRESH]
    assert face.send() == 200
    assert server.refreshes == tried + 1


def test_an_outage_is_an_error_once_the_token_is_dead(face: Face, server: Server, clock: FakeClock) -> None:
    clock.now += 3600
    server.on[REFRESH] = always(503)
    with pytest.raises(Unavailable):
        face.send()
    assert server.count("/me/") == 0


# 5. The server's clock


@pytest.mark.parametrize("ahead", [-7200, -600, 600, 7200])
@pytest.mark.parametrize("dates", [True, False])
def test_a_clock_that_is_wrong_changes_nothing(make: Make, server: Server, clock: FakeClock, ahead: float, dates: bool) -> None:
    server.ahead, server.dates = ahead, dates
    face = make()
    face.login.login("test", "test")
    assert face.send() == 200
    assert server.refreshes == 0
    clock.now += 3300
    assert face.send() == 200
    assert (server.refreshes, server.count("/me/")) == (1, 2)


def test_a_token_that_cannot_be_read_is_used_until_it_gets_a_401(make: Make, server: Server, clock: FakeClock) -> None:
    face = make()
    server.on["/token/"] = lambda _: Reply(200, {"access": "opaque", "refresh": server.token("refresh", 86400)})
    face.login.login("test", "test")
    clock.now += 86_000
    assert face.send() == 200
    assert [call.path for call in server.calls] == ["/token/", "/me/", REFRESH, "/me/"]


@pytest.mark.parametrize("end", ["1" + "0" * 400, "1e999", "NaN", "-1e999", "true"])
def test_an_end_that_is_no_time_is_not_read(make: Make, server: Server, end: str) -> None:
    claims = base64.urlsafe_b64encode(f'{{"exp": {end}, "iat": {end}}}'.encode()).decode().rstrip("=")
    face = make()
    server.on["/token/"] = lambda _: Reply(200, server.pair() | {"access": f"eyJ9.{claims}.c2ln"})
    server.on["/me/"] = lambda _: Reply(200)
    face.login.login("test", "test")
    assert face.send() == 200
    assert server.refreshes == 0


def test_an_iat_copied_from_the_refresh_token_does_not_make_every_request_refresh(
    make: Make, server: Server, clock: FakeClock
) -> None:
    server.lifetime, server.iat = 300, int(clock.now)
    face = make()
    face.login.login("test", "test")
    clock.now += 3600
    assert face.send() == 200
    assert face.send() == 200
    assert server.refreshes == 1


def test_a_date_that_calls_a_new_token_dead_does_not_make_every_request_refresh(make: Make, server: Server) -> None:
    face = make()
    server.on["/token/"] = lambda call: Reply(200, server.pair(), {"Date": "Fri, 01 Jan 2100 00:00:00 GMT"})
    face.login.login("test", "test")
    assert face.send() == 200
    assert server.refreshes == 0


def test_tokens_from_elsewhere_are_used_until_a_401_as_the_clock_is_not_known_yet(
    make: Make, server: Server, clock: FakeClock
) -> None:
    storage = MemoryStorage()
    make(storage=storage).login.login("test", "test")
    server.ahead = -7200
    clock.now += 7200  # only ours went ahead
    assert make(storage=storage).send() == 200
    assert server.refreshes == 0


# 11. Bodies that can be read once


def test_a_stream_is_not_sent_twice_but_the_token_is_refreshed(face: Face, server: Server) -> None:
    server.expire()
    assert face.send(method="POST", content=face.stream(b"a", b"b")) == 401
    assert (server.count("/me/"), server.refreshes) == (1, 1)
    assert face.send(method="POST", content=face.stream(b"a", b"b")) == 200


@pytest.mark.parametrize("status", [401, 404, 503, 0])
def test_a_stream_gets_its_401_also_if_the_refresh_fails(face: Face, server: Server, status: int) -> None:
    server.expire()
    server.on[REFRESH] = always(status)
    assert face.send(method="POST", content=face.stream(b"a")) == 401
    assert server.refreshes
    assert face.login.logged_in == (status != 401)


def test_a_stream_does_not_go_out_with_a_token_that_looks_dead(make: Make, server: Server, clock: FakeClock) -> None:
    storage = MemoryStorage()
    make(storage=storage).login.login("test", "test")
    clock.now += 7200
    later = make(storage=storage)  # has not measured the server's clock
    assert later.send(method="POST", content=later.stream(b"a")) == 200
    assert server.count("/me/") == 1
