"""Where a run keeps its files, and the servers it starts."""

from contextlib import contextmanager
from itertools import count
from pathlib import Path

from . import django_side
from .servers import Client, Tokenpair


class Scene:
    def __init__(self, program, folder):
        self.folder = Path(folder)
        self.program = Tokenpair(program, folder)
        self._numbers = count(1)

    def _log(self, name):
        return self.folder / f"{name}-{next(self._numbers)}.log"

    def tokenpair(self, profile):
        return self.program.served(profile, self._log("tokenpair"))

    def django(self, profile, workers=1):
        return django_side.served(profile, self._log("django"), workers)

    @contextmanager
    def both(self, profile, workers=1):
        """Yields the ports of Django and tokenpair."""
        with self.django(profile, workers) as theirs, self.tokenpair(profile) as ours:
            yield theirs, ours

    @contextmanager
    def clients(self, profile):
        """Yields a client of Django's and one of tokenpair's."""
        with self.both(profile) as (theirs, ours):
            clients = Client(theirs, "Django"), Client(ours, "tokenpair")
            yield clients
            for client in clients:
                client.close()
