"""Rule 10 of clients/README.md, for each face: log-outs, and log-ins of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Face, Make
from fakes import Call, FakeClock, Full, Reply, Server, Unlocked, always

from tokenpair import LoggedOut, MemoryStorage, Tokens

REFRESH = "/token/refresh/"
BLACKLIST = "/token/blacklist/"


def test_a_log_out_tells_the_server_then_forgets(face: Face, server: Server) -> None:
    refresh = face.login.refresh_token
    assert face.login.logout()
    assert server.calls[-1].path == BLACKLIST
    assert server.calls[-1].data == {"refresh": refresh}
    assert not face.login.logged_in
    assert face.events == ["logout asked"]
    assert face.send() == 401


@pytest.mark.parametrize("status", [0, 404, 503])
def test_a_log_out_without_the_server_forgets_all_the_same(face: Face, server: Server, status: int) -> None:
    server.on[BLACKLIST] = always(status)
    assert not face.login.logout()
    assert not face.login.logged_in


def test_two_log_outs_at_once_are_one(face: Face, server: Server) -> None:
    def answer(call: Call) -> Reply:
        del server.on[BLACKLIST]
        assert face.login.logout()
        return server.answer(call)

    server.on[BLACKLIST] = answer
    assert face.login.logout()
    assert face.events == ["logout asked"]


def test_a_log_out_after_a_refresh_that_came_between_revokes_what_it_brought(face: Face, server: Server) -> None:
    def answer(call: Call) -> Reply:
        del server.on[BLACKLIST]
        face.login.refresh()
        return Reply()

    server.rotates = True
    server.on[BLACKLIST] = answer
    assert face.login.logout()
    server.expire()
    assert not server.good
    assert not face.login.logged_in


def test_a_refresh_on_its_way_does_not_bring_the_login_back(make: Make, server: Server) -> None:
    face = make(storage=Unlocked())
    face.login.login("test", "test")

    def answer(call: Call) -> Reply:
        reply = server.answer(call)
        del server.on[REFRESH]
        face.login.logout()
        return reply

    server.rotates = True
    server.expire()
    server.on[REFRESH] = answer
    with pytest.raises(LoggedOut):
        face.send()
    assert not face.login.logged_in
    assert face.events == ["login", "logout asked"]
    server.expire()
    assert not server.good, "the tokens that came too late are revoked, too"


def test_a_refresh_refused_because_of_the_log_out_is_no_news(face: Face, server: Server) -> None:
    def answer(call: Call) -> Reply:
        server.answer(call)
        server.expire()
        with pytest.raises(LoggedOut):
            face.send()
        return Reply()

    server.on[BLACKLIST] = answer
    assert face.login.logout()
    assert face.events == ["logout asked"]


def test_who_is_logged_out_while_a_request_is_on_its_way_gets_to_know(face: Face, server: Server) -> None:
    def answer(_: Call) -> Reply:
        face.login.logout()
        return Reply(401)

    server.on["/me/"] = answer
    with pytest.raises(LoggedOut):
        face.send()
    assert server.refreshes == 0


def test_a_log_out_of_nobody_leaves_nothing_to_tell_the_server(make: Make, server: Server) -> None:
    face = make()
    assert face.login.logout()
    assert (server.calls, face.events) == ([], [])
    face.login.access_token = server.token("access", 3600)
    assert not face.login.logout()  # it lives on, and nothing could be revoked


class Locked(MemoryStorage):
    """Is written while its lock is held."""

    is_held = False
    saves = 0

    @contextmanager
    def lock(self, timeout: float) -> Iterator[bool]:
        with super().lock(timeout) as held:
            self.is_held = held
            yield held
            self.is_held = False

    def save(self, tokens: Tokens | None) -> None:
        assert self.is_held
        self.saves += 1
        super().save(tokens)


def test_whoever_writes_holds_the_lock_so_that_a_refresh_elsewhere_cannot_undo_it(make: Make, server: Server) -> None:
    storage = Locked()
    face = make(storage=storage)
    face.login.login("test", "test")
    face.login.refresh()
    face.login.access_token = server.token("access", 3600)
    face.login.logout()
    face.login.register(username="ada", password="analytical-engine")
    assert storage.saves == 5
    server.good.clear()
    with pytest.raises(LoggedOut):
        face.send()
    assert storage.load() is None


def test_a_log_out_also_clears_what_the_storage_could_not_take(make: Make, server: Server) -> None:
    storage = Full()
    face = make(storage=storage)
    face.login.login("test", "test")
    storage.is_full = True
    with pytest.raises(OSError, match="No space"):
        face.login.refresh()
    storage.is_full = False
    assert face.login.logout()
    assert storage.load() is None
    assert not face.login.logged_in


def test_a_log_out_that_the_storage_cannot_take_is_one_here(make: Make, server: Server) -> None:
    storage = Full()
    face = make(storage=storage)
    face.login.login("test", "test")
    refresh = face.login.refresh_token
    storage.is_full = True
    with pytest.raises(OSError, match="No space"):
        face.login.logout()
    assert not face.login.logged_in
    storage.is_full = False
    face.login.refresh_token = refresh
    with pytest.raises(LoggedOut):
        face.send()
    assert face.events == ["login", "logout refused"], "nobody is logging out any more"


# What one user asked for is not done by the next


@pytest.fixture(params=["here", "in another window"])
def pair(request: pytest.FixtureRequest, make: Make) -> tuple[Face, Face]:
    """Who is logged in, and who logs in next."""
    storage = Unlocked()
    face = make(storage=storage)
    face.login.login("test", "test")
    face.events.clear()
    return face, face if request.param == "here" else make(storage=storage)


@pytest.mark.parametrize("leaves_first", [True, False])
def test_a_request_that_waits_for_a_refresh_is_not_sent_as_the_next(
    pair: tuple[Face, Face], server: Server, leaves_first: bool
) -> None:
    def answer(call: Call) -> Reply:
        del server.on[REFRESH]
        reply = server.answer(call)
        if leaves_first:
            following.login.logout()
        following.login.login("test", "test")
        return reply

    face, following = pair
    server.rotates = True
    server.expire()
    server.on[REFRESH] = answer
    with pytest.raises(LoggedOut):
        face.send()
    assert server.count("/me/") == 1
    assert face.send() == 200
    assert "refresh" not in face.events


def test_a_request_that_waits_for_a_refresh_ahead_of_time_is_not_sent_as_the_next(
    pair: tuple[Face, Face], server: Server, clock: FakeClock
) -> None:
    def answer(call: Call) -> Reply:
        following.login.login("test", "test")
        return server.answer(call)

    face, following = pair
    clock.now += 3600
    server.on[REFRESH] = answer
    with pytest.raises(LoggedOut):
        face.send()
    assert server.count("/me/") == 0


@pytest.mark.parametrize("leaves_first", [True, False])
def test_a_request_on_its_way_to_a_401_is_not_sent_as_the_next(
    pair: tuple[Face, Face], server: Server, leaves_first: bool
) -> None:
    def answer(_: Call) -> Reply:
        if leaves_first:
            following.login.logout()
        following.login.login("test", "test")
        return Reply(401)

    face, following = pair
    server.on["/me/"] = answer
    with pytest.raises(LoggedOut):
        face.send()
    assert (server.count("/me/"), server.refreshes) == (1, 0)


def test_a_refresh_that_was_asked_for_is_not_that_of_the_next(pair: tuple[Face, Face], server: Server) -> None:
    def answer(call: Call) -> Reply:
        following.login.login("test", "test")
        return server.answer(call)

    face, following = pair
    server.on[REFRESH] = answer
    with pytest.raises(LoggedOut):
        face.login.refresh()


def test_a_request_of_nobody_is_not_sent_as_who_logs_in_meanwhile(make: Make, server: Server) -> None:
    def answer(_: Call) -> Reply:
        face.login.login("test", "test")
        return Reply(401)

    face = make()
    server.on["/me/"] = answer
    assert face.send() == 401
    assert server.count("/me/") == 1


def test_tokens_without_a_login_are_of_one_login(make: Make, server: Server) -> None:
    storage = MemoryStorage()
    pair = server.pair()
    storage.save(Tokens(pair["access"], pair["refresh"]))
    face = make(storage=storage)
    server.expire()
    assert face.send() == 200
    assert face.events == ["refresh"]


# Tokens that the application puts in


def test_tokens_that_are_put_in_one_after_the_other_are_one_login(make: Make, server: Server) -> None:
    storage, pair = MemoryStorage(), server.pair()
    face = make(storage=storage)
    face.login.access_token = pair["access"]
    face.login.refresh_token = pair["refresh"]
    tokens = storage.load()
    assert tokens
    assert (tokens.access, tokens.refresh, tokens.origin) == (pair["access"], pair["refresh"], "http://api.test")
    server.expire()
    assert face.send() == 200


def test_a_refresh_on_its_way_does_not_replace_tokens_that_are_put_in(make: Make, server: Server) -> None:
    def answer(call: Call) -> Reply:
        face.login.access_token = put
        return server.answer(call)

    face = make(storage=Unlocked())
    face.login.login("test", "test")
    put = server.token("access", 3600)
    server.on["/me/"] = always(401)
    server.on[REFRESH] = answer
    with pytest.raises(LoggedOut):
        face.send()
    assert face.login.access_token == put


class Ill(MemoryStorage):
    """Cannot be read for so many times."""

    failures = 0

    def load(self) -> Tokens | None:
        if self.failures:
            self.failures -= 1
            raise OSError(5, "Input/output error")
        return super().load()


def test_new_tokens_are_not_lost_if_the_storage_cannot_be_read(make: Make, server: Server) -> None:
    storage = Ill()
    server.rotates = True
    face = make(storage=storage)
    face.login.login("test", "test")

    def answer(call: Call) -> Reply:
        storage.failures = 1
        return server.answer(call)

    server.on[REFRESH] = answer
    server.expire()
    assert face.send() == 200
    assert storage.failures == 0
    assert face.send() == 200
    assert server.refreshes == 1


def test_a_log_out_leaves_nothing_in_a_storage_that_cannot_be_read(make: Make, server: Server) -> None:
    storage = Ill()
    face = make(storage=storage)
    face.login.login("test", "test")
    storage.failures = 2
    assert not face.login.logout()
    assert storage.load() is None
    assert face.events == ["login", "logout asked"]
    assert server.count(BLACKLIST) == 0
