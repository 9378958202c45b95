"""Tokens in the keyring of the operating system: `pip install 'tokenpair[keyring]'`."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

import keyring
from keyring.util import platform_

from tokenpair._engine.tokens import Tokens
from tokenpair._lockfile import locked
from tokenpair.storage import Storage


class KeyringStorage(Storage):
    """An entry of the keyring, for any number of processes of one user.

    It is read with every request, which takes some milliseconds: made for command lines and desktops. Windows keeps no more than
    1,280 characters, enough for a pair signed with HS256.
    """

    def __init__(self, service: str, username: str = "tokenpair") -> None:
        self.service = service
        self.username = username

    def load(self) -> Tokens | None:
        text = keyring.get_password(self.service, self.username)
        return Tokens.from_json(text) if text else None

    def save(self, tokens: Tokens | None) -> None:
        if tokens:
            keyring.set_password(self.service, self.username, tokens.to_json())
        elif keyring.get_password(self.service, self.username) is not None:
            keyring.delete_password(self.service, self.username)

    def lock(self, timeout: float) -> AbstractContextManager[bool]:
        """A file, as keyrings have no locks."""
        folder = Path(platform_.data_root())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        entry = hashlib.sha256(f"{self.service}\0{self.username}".encode()).hexdigest()
        return locked(folder / f"tokenpair-{entry[:16]}.lock", timeout)
