"""A login that stays: access tokens that are always fresh, for servers that speak Simple JWT.

`APIClient` is for requests, `tokenpair.httpx.JWTAuth` for httpx.
"""

from tokenpair._engine.clock import Clock
from tokenpair._engine.endpoints import Paths
from tokenpair._engine.login import Reason
from tokenpair._engine.tokens import Tokens
from tokenpair.client import APIClient
from tokenpair.errors import LoggedOut, Refused, TokenPairError, Unavailable
from tokenpair.storage import FileStorage, MemoryStorage, Storage

__all__ = [
    "APIClient",
    "Clock",
    "FileStorage",
    "LoggedOut",
    "MemoryStorage",
    "Paths",
    "Reason",
    "Refused",
    "Storage",
    "TokenPairError",
    "Tokens",
    "Unavailable",
]
