"""Rules 6 to 9, 12 and 13 of clients/README.md, for each face. Rule 10 is in test_rules_of_logouts.py."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Face, Make
from fakes import Call, FakeClock, Full, Reply, Server, always, replies

from tokenpair import LoggedOut, MemoryStorage, Refused, TokenPairError, Tokens, Unavailable

REFRESH = "/token/refresh/"


# 6. New tokens first


def test_a_rotated_pair_is_stored_in_one_piece_before_the_request_goes_on(make: Make, server: Server) -> None:
    class Recorder(MemoryStorage):
        def save(self, tokens: Tokens | None) -> None:
            assert tokens is None or face.login.access_token != tokens.access
            super().save(tokens)
            saved.append((tokens, server.count("/me/")))

    saved: list[tuple[Tokens | None, int]] = []
    server.rotates = True
    face = make(storage=Recorder())
    face.login.login("test", "test")
    first = face.login.refresh_token
    server.expire()
    assert face.send() == 200
    _, (second, requests_before) = saved
    assert second is not None
    assert second.refresh not in {None, first}
    assert server.calls[-1].token == f"Bearer {second.access}"
    assert requests_before == 1  # the one that got the 401


def test_without_rotation_the_refresh_token_stays(face: Face, server: Server) -> None:
    before = face.login.refresh_token
    server.expire()
    face.send()
    assert face.login.refresh_token == before


def test_what_the_storage_cannot_take_is_not_lost(make: Make, server: Server) -> None:
    storage = Full()
    server.rotates = True
    face = make(storage=storage)
    face.login.login("test", "test")
    storage.is_full = True
    server.expire()
    with pytest.raises(OSError, match="No space"):
        face.send()
    assert face.send() == 200
    storage.is_full = False
    server.expire()
    assert face.send() == 200
    assert storage.load() == face.login._keeper.load()  # noqa: SLF001
    assert server.refreshes == 2


UNUSABLE = [None, "", 1, "aaa\nbbb", "aaa bbb"]


@pytest.mark.parametrize("refresh", UNUSABLE)
def test_a_refresh_token_of_no_use_counts_as_absent(face: Face, server: Server, refresh: object) -> None:
    before = face.login.refresh_token
    server.on[REFRESH] = lambda _: Reply(200, {"access": server.token("access", 3600), "refresh": refresh})
    server.expire()
    assert face.send() == 200
    assert face.login.refresh_token == before


@pytest.mark.parametrize("access", UNUSABLE)
def test_an_access_token_of_no_use_is_refused_and_keeps_the_login(face: Face, server: Server, access: object) -> None:
    before = face.login.refresh_token
    server.on[REFRESH] = server.on["/token/"] = lambda _: Reply(200, server.pair() | {"access": access})
    server.expire()
    with pytest.raises(Refused):
        face.send()
    with pytest.raises(Refused):
        face.login.login("test", "test")
    assert face.login.refresh_token == before
    assert face.events == []


# 7. The end


def test_a_refused_refresh_ends_the_login_and_says_so_once(face: Face, server: Server) -> None:
    server.good.clear()
    with pytest.raises(LoggedOut):
        face.send()
    assert face.events == ["logout refused"]
    assert not face.login.logged_in
    assert face.send() == 401
    assert face.events == ["logout refused"]
    assert server.refreshes == 1


@pytest.mark.parametrize("status", [400, 403, 404, 408, 425, 429, 500, 502, 503, 504, 0])
def test_nothing_but_a_401_ends_a_login(face: Face, server: Server, status: int) -> None:
    server.on[REFRESH] = always(status)
    server.expire()
    with pytest.raises((Unavailable, Refused)):
        face.send()
    assert face.login.logged_in
    assert face.events == []
    del server.on[REFRESH]
    assert face.send() == 200


def test_a_refresh_token_put_there_meanwhile_is_used(make: Make, server: Server) -> None:
    storage = MemoryStorage()
    face = make(storage=storage)
    face.login.login("test", "test")

    def answer(_: Call) -> Reply:
        server.renew(storage)
        return Reply(401)

    server.expire()
    server.on[REFRESH] = answer
    assert face.send() == 200
    assert "logout refused" not in face.events


# 8. An outage is no end


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 0])
def test_an_outage_is_tried_again_with_the_same_token(face: Face, server: Server, clock: FakeClock, status: int) -> None:
    server.on[REFRESH] = replies(status, status, status)
    server.expire()
    assert face.send() == 200
    assert clock.slept == [0.25, 0.5, 1.0]
    assert len({call.data["refresh"] for call in server.calls if call.path == REFRESH}) == 1


@pytest.mark.parametrize("value", ["3", "Fri, 15 Jan 2027 08:00:03 GMT"])
def test_retry_after_is_kept(face: Face, server: Server, clock: FakeClock, value: str) -> None:
    server.on[REFRESH] = replies(503, Retry_After=value)
    server.expire()
    assert face.send() == 200
    assert clock.slept == [3.0]


def test_pauses_grow_up_to_five_seconds_and_end_with_the_patience(make: Make, server: Server, clock: FakeClock) -> None:
    face = make(patience=60)
    face.login.login("test", "test")
    start = clock.now
    server.on[REFRESH] = always(503)
    server.expire()
    with pytest.raises(Unavailable) as caught:
        face.send()
    assert caught.value.status == 503
    assert clock.slept[:7] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert 50 < clock.now - start < 60


def test_pauses_are_shortened_by_chance(face: Face, server: Server, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "chance", lambda: 0.5)
    server.on[REFRESH] = replies(503, 503)
    server.expire()
    face.send()
    assert clock.slept == [0.1875, 0.375]


def test_who_is_told_to_wait_for_longer_than_that_does_not_wait(face: Face, server: Server, clock: FakeClock) -> None:
    server.on[REFRESH] = always(503, Retry_After="120")
    server.expire()
    with pytest.raises(Unavailable) as caught:
        face.send()
    assert caught.value.retry_after == 120
    assert clock.slept == []


def test_the_patience_begins_when_the_lock_is_there(make: Make, server: Server, clock: FakeClock) -> None:
    class Slow(MemoryStorage):
        @contextmanager
        def lock(self, timeout: float) -> Iterator[bool]:
            clock.now += 0 if clock.slept else 60
            yield True

    face = make(storage=Slow())
    face.login.login("test", "test")
    server.expire()
    server.on[REFRESH] = replies(503)
    assert face.send() == 200
    assert clock.slept == [0.25]


def test_a_try_ends_in_time_however_slowly_the_answer_comes(make: Make, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(call: Call) -> Reply:
        go_on.wait(10)
        return server.answer(call)

    monkeypatch.setattr("tokenpair._engine.retries.SHORTEST_TRY", 0.05)
    go_on = threading.Event()
    face = make(patience=0)
    face.login.login("test", "test")
    server.expire()
    server.on[REFRESH] = hang
    with pytest.raises(Unavailable):
        face.send()
    assert not go_on.is_set()
    go_on.set()
    assert face.login.logged_in


@pytest.mark.parametrize("status", [301, 400, 403, 404])
def test_any_other_answer_is_an_error_that_is_not_tried_again(face: Face, server: Server, status: int) -> None:
    server.on[REFRESH] = always(status)
    server.expire()
    with pytest.raises(Refused) as caught:
        face.send()
    assert caught.value.status == status
    assert server.refreshes == 1


@pytest.mark.parametrize("content", [b"<html>Please pay for the wireless</html>", b"[]", b'{"access": 1}', b"[" * 100_000])
def test_a_page_instead_of_tokens_keeps_the_login(face: Face, server: Server, content: bytes) -> None:
    server.on[REFRESH] = lambda _: Reply(200, content)
    server.expire()
    with pytest.raises(Refused):
        face.send()
    assert face.login.logged_in


# 9. One login, many windows


def test_who_gets_the_lock_reads_the_storage_first(make: Make, server: Server) -> None:
    class Shared(MemoryStorage):
        @contextmanager
        def lock(self, timeout: float) -> Iterator[bool]:
            timeouts.append(timeout)
            if self.load():
                server.renew(self)  # another process was quicker
            yield True

    timeouts: list[float] = []
    face = make(storage=Shared())
    face.login.login("test", "test")
    server.expire()
    assert face.send() == 200
    assert server.refreshes == 0
    assert timeouts == [10.0, 10.0]  # the log-in's, too


def test_two_clients_of_one_storage_have_one_login(make: Make, server: Server) -> None:
    storage = MemoryStorage()
    one, other = make(storage=storage), make(storage=storage)
    one.login.login("test", "test")
    server.expire()
    assert (one.send(), other.send()) == (200, 200)
    assert server.refreshes == 1


def test_a_lock_that_hangs_does_not_hang_the_application(make: Make, server: Server) -> None:
    class Impatient(MemoryStorage):
        def lock(self, timeout: float) -> object:  # type: ignore[override]
            return super().lock(0)

    storage = Impatient()
    face = make(storage=storage)
    face.login.login("test", "test")
    server.expire()
    with MemoryStorage.lock(storage, 1):  # somebody holds it
        assert face.send() == 200
    assert server.refreshes == 1


def test_between_two_tries_it_is_somebody_elses_turn(
    make: Make, server: Server, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_: float) -> None:
        with storage.lock(0) as held:
            assert held
            server.renew(storage)

    monkeypatch.setattr(clock, "sleep", sleep)
    storage = MemoryStorage()
    face = make(storage=storage)
    face.login.login("test", "test")
    server.expire()
    server.on[REFRESH] = always(503)
    assert face.send() == 200
    assert server.refreshes == 1


@pytest.mark.parametrize("moment", ["made", "entered", "left"])
def test_a_lock_that_fails_is_gone_on_without(make: Make, server: Server, moment: str, caplog: pytest.LogCaptureFixture) -> None:
    @contextmanager
    def failing() -> Iterator[None]:
        if moment == "entered":
            raise PermissionError
        yield
        raise PermissionError

    class ReadOnlyHome(MemoryStorage):
        def lock(self, timeout: float) -> object:  # type: ignore[override]
            if moment == "made":
                raise PermissionError
            return failing()

    face = make(storage=ReadOnlyHome())
    face.login.login("test", "test")
    server.expire()
    assert face.send() == 200
    assert face.login.logout()
    assert ("PermissionError" in caplog.text) == (moment != "left")


def test_who_is_refused_without_the_lock_lets_its_holder_save_first(make: Make, server: Server) -> None:
    class Busy(MemoryStorage):
        waited = 0

        @contextmanager
        def lock(self, timeout: float) -> Iterator[bool]:
            self.waited += 1
            if self.waited == 3:
                server.renew(self)
            yield self.waited != 2

    face = make(storage=Busy())
    face.login.login("test", "test")
    server.expire()
    server.on[REFRESH] = always(401)
    assert face.send() == 200
    assert face.events == ["login"]


# 12. Secrets


def test_no_token_is_in_an_error_a_log_or_a_repr(face: Face, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def echo(call: Call) -> Reply:
        return Reply(400, {"detail": f"what is {call.data['refresh']}?"})

    def fail() -> None:
        raise ValueError("a listener's mistake")

    tokens = face.login._keeper.load()  # noqa: SLF001
    assert tokens.access
    assert tokens.refresh
    texts = [repr(face.login), repr(tokens), str(vars(face.login))]
    caplog.set_level(logging.DEBUG)
    server.expire()
    for handler in (echo, always(503), replies(*[0] * 100), always(401)):
        server.on[REFRESH] = handler
        with pytest.raises(TokenPairError) as caught:
            face.send()
        texts += [repr(caught.value), str(caught.value), repr(caught.value.__cause__)]
    face.login.on_login = fail
    face.login.login("test", "test")
    texts.append(caplog.text)
    assert "a listener's mistake" in caplog.text
    assert all(token not in text for token in (tokens.access, tokens.refresh) for text in texts)


def test_what_a_refusal_tells_has_no_token_in_it(face: Face, server: Server) -> None:
    pair, sent = server.pair(), face.login.refresh_token
    face.login.refresh_token = "opaque"
    server.on[REFRESH] = lambda _: Reply(400, {"opaque": [f"{sent} or opaque"], "refresh": ["This field is required."]})
    with pytest.raises(Refused) as caught:
        face.login.refresh()
    assert caught.value.data == {"": [" or "], "refresh": ["This field is required."]}
    answer = {"access": None, "refresh": "opaque", "jwt": [pair["refresh"]], "next": {"method": "app", "ticket": "1234"}}
    server.on["/token/"] = lambda _: Reply(200, answer)
    with pytest.raises(Refused) as caught:
        face.login.login("test", "test")
    assert caught.value.data == {"access": None, "jwt": [""], "next": {"method": "app", "ticket": "1234"}}


def test_a_token_with_a_line_break_is_refused_before_an_error_can_show_it(make: Make) -> None:
    face = make()
    face.login.access_token = " aaa.bbb.ccc\n"  # as it comes out of a file
    assert face.login.access_token == "aaa.bbb.ccc"
    with pytest.raises(ValueError, match="a token has characters") as caught:
        face.login.access_token = "aaa\nbbb"
    assert "aaa" not in str(caught.value)


# 13. Events


def test_events_tell_of_log_in_refresh_and_log_out(make: Make, server: Server) -> None:
    face = make()
    face.login.login("test", "test")
    server.expire()
    face.send()
    face.login.logout()
    assert face.events == ["login", "refresh", "logout asked"]


def test_a_listener_may_use_the_client(face: Face, server: Server) -> None:
    statuses: list[int] = []
    face.login.on_refresh = lambda: statuses.append(face.send())
    face.login.on_logout = lambda _: face.login.login("test", "test")
    server.expire()
    assert face.send() == 200
    assert statuses == [200]
    server.good.clear()
    with pytest.raises(LoggedOut):
        face.send()
    assert face.send() == 200
