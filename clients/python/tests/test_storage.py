from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import keyring
import keyring.backend
import pytest
from conftest import Make
from fakes import Server
from servers import SOURCES

from tokenpair import FileStorage, MemoryStorage, Storage, Tokens
from tokenpair._lockfile import locked
from tokenpair.keyring import KeyringStorage

PAIR = Tokens("aaa.bbb.ccc", "ddd.eee.fff", 1.5, "5f1c", "http://api.test")
HOLD = """
import sys
from pathlib import Path
from tokenpair._lockfile import locked
with locked(Path(sys.argv[1]), 0) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


class FakeKeyring(keyring.backend.KeyringBackend):
    priority = 1
    entries: ClassVar[dict[tuple[str, str], str]]

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture(params=["memory", "file", "keyring"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    if request.param == "memory":
        yield MemoryStorage()
    elif request.param == "file":
        yield FileStorage(tmp_path / "folder" / "tokens.json")
    else:
        monkeypatch.setattr("keyring.util.platform_.data_root", lambda: tmp_path)
        before = keyring.get_keyring()
        FakeKeyring.entries = {}
        keyring.set_keyring(FakeKeyring())  # type: ignore[no-untyped-call]
        yield KeyringStorage("shop")
        keyring.set_keyring(before)


def test_a_storage_gives_back_what_it_got(storage: Storage) -> None:
    assert storage.load() is None
    storage.save(None)
    storage.save(PAIR)
    assert storage.load() == PAIR
    storage.save(Tokens(None, "ddd.eee.fff"))
    assert storage.load() == Tokens(None, "ddd.eee.fff")
    storage.save(None)
    assert storage.load() is None


def test_the_lock_of_a_storage_is_held_by_one_and_waited_for_in_vain_no_longer_than_told(storage: Storage) -> None:
    with storage.lock(0), storage.lock(0):
        pass
    with storage.lock(0):
        pass


def test_a_login_outlives_its_client(make: Make, server: Server, storage: Storage) -> None:
    make(storage=storage).login.login("test", "test")
    later = make(storage=storage)
    assert later.login.logged_in
    server.expire()
    assert later.send() == 200


@pytest.mark.skipif(os.name != "posix", reason="Windows has no modes")
def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "tokens.json"
    FileStorage(path).save(PAIR)
    with FileStorage(path).lock(0):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in [path, path.parent, *path.parent.iterdir()]}
    assert modes == {"tokens.json": 0o600, "folder": 0o700, "tokens.json.lock": 0o600}


def test_a_file_that_everybody_could_read_is_replaced_by_one_that_nobody_else_can(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.touch(0o644)
    storage = FileStorage(path)
    assert storage.load() is None
    storage.save(PAIR)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_tokens_and_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    storage = FileStorage(tmp_path / "tokens.json")
    storage.save(PAIR)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        storage.save(Tokens("other", "other"))
    assert storage.load() == PAIR
    assert [file.name for file in tmp_path.iterdir()] == ["tokens.json"]


@pytest.mark.parametrize("work", ["read_text", "replace", "unlink"])
def test_a_file_that_another_process_has_open_on_windows_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    def busy(path: Path, *arguments: Any, **options: Any) -> Any:
        if next(refusals, None):
            raise PermissionError(errno.EACCES, "Access is denied")
        return done(path, *arguments, **options)

    storage = FileStorage(tmp_path / "tokens.json")
    storage.save(Tokens("other", "other"))
    done = getattr(Path, work)
    monkeypatch.setattr(Path, work, busy)
    refusals = iter([True, True])
    storage.save(PAIR)
    assert storage.load() == PAIR
    storage.save(None)
    assert next(refusals, None) is None
    assert storage.load() is None


def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(PermissionError):
        FileStorage(tmp_path / "tokens.json").load()


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"access": "secret"}', '{"access": 1, "refresh": "secret"}', "secret"])
def test_another_file_is_no_login_and_is_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="something else") as caught:
        FileStorage(path).load()
    assert "secret" not in str(caught.value)


def test_other_members_of_the_file_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"access": "a", "refresh": "b", "user": "ada"}))
    assert FileStorage(path).load() == Tokens("a", "b")


def test_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileStorage("~/tokens.json").path == tmp_path / "tokens.json"


def test_a_lock_keeps_other_processes_out_until_its_holder_dies(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    holder = subprocess.Popen(command, env=SOURCES, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdin
    assert holder.stdout.readline() == "True\n"
    with locked(path, 0) as held:
        assert not held
    with locked(path, 0.03) as held:
        assert not held
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    with locked(path, 10) as held:
        assert held


def test_where_files_cannot_be_locked_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("tokenpair._lockfile._try_lock", fail)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("waits"))
    with locked(tmp_path / "lock", 10) as held:
        assert not held


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(LookupError), locked(path, 0):
        raise LookupError
    with locked(path, 0) as held:
        assert held
