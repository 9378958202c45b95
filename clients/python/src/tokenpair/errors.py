"""What can go wrong with a login. No error holds a token or a password."""

from __future__ import annotations

import requests


class TokenPairError(requests.RequestException):
    """Anything that this package raises of its own. Who catches requests' errors catches these, too."""


class LoggedOut(TokenPairError):
    """The login has ended. Log in again.

    The refresh token has expired, was revoked or refused; or somebody logged out, or logged in as somebody else, meanwhile.
    """


class Unavailable(TokenPairError):
    """The server could not be reached or could not work. The login stays: try again later."""

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The last answer's status, None where none came."""
        self.retry_after = retry_after
        """The seconds that the server asked to wait for."""


class Refused(TokenPairError):
    """The server said no: a wrong password, a missing field, an endpoint that is not there. A login that was there stays."""

    def __init__(self, message: str, status: int, data: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.data = data
        """The answer's JSON without its tokens, such as `{"username": ["This field is required."]}`."""

    def __reduce__(self) -> tuple[type[Refused], tuple[str, int, object]]:
        """For `pickle`, which would leave out the status."""
        return type(self), (str(self), self.status, self.data)
