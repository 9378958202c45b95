#!/usr/bin/env python3
"""Django with Simple JWT and tokenpair on one database: who may come first, and what one accepts of the other.

    beside.py TOKENPAIR [--full] [--only NAME...] [--suite SOURCE]

Runs on SQLite, and at the same time on the PostgreSQL server whose address is in the environment as TEST_POSTGRES.
Needs the packages of reference/requirements.txt. Exit status 1: something is not as it should be.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE / "reference"))

from beside import accounts, claims, moving_in, passwords, suite, tokenpair_first, tokens, traffic, transactions  # noqa: E402
from beside.databases import Postgres, Sqlite  # noqa: E402
from beside.django_side import CONTEXT, import_what_costs_time, in_django  # noqa: E402
from beside.fixtures import migrate  # noqa: E402
from beside.flaw import Flaw  # noqa: E402
from beside.keys import ALGORITHMS  # noqa: E402
from beside.profiles import INTEGER, USER_MODELS, UUID, Profile  # noqa: E402
from beside.scene import Scene  # noqa: E402


# One that knows the case of every letter; the databases of these checks may have one that knows ASCII.
LOCALE = "C.UTF-8"


class Plan:
    """The checks on one kind of database: each a title, the database to start from, a function and its arguments."""

    def __init__(self, options, empty, migrated):
        self.options = options
        self.empty = empty
        self.migrated = migrated
        self.is_sqlite = isinstance(empty, Sqlite)

    def django_first(self):
        for users in USER_MODELS:
            yield f"Django first, {users.name}", self.migrated[users], moving_in.check, ()
        yield "Django first, no blacklist app", Profile(self.empty), moving_in.check_without_blacklist, ()

    def tokenpair_first(self):
        for users in USER_MODELS:
            yield f"tokenpair first, {users.name}", Profile(self.empty, users), tokenpair_first.check, ()

    def tokens(self):
        """In the short form each algorithm once: half of them on each database, with or without the revoke claim."""
        for number, algorithm in enumerate(ALGORITHMS):
            is_here = number % 2 == self.is_sqlite
            for revoke in (False, True) if self.options.full else [number // 2 % 2 == 0] if is_here else []:
                claim = "with revoke claim" if revoke else "without revoke claim"
                profile = self.migrated[UUID if revoke else INTEGER]
                yield f"tokens, {algorithm} {claim}", profile, tokens.check, (algorithm, revoke)

    def passwords(self):
        full = self.options.full
        yield "passwords", self.migrated[INTEGER], passwords.check, (passwords.LITTLE_WORK,)
        if full or self.is_sqlite:
            some = passwords.OWN_WORK if full else passwords.OWN_WORK[:1]
            older = passwords.OLDER if full else ()
            yield "passwords", self.migrated[INTEGER], passwords.check, (some, True, older)

    def accounts(self):
        yield "accounts", self.migrated[INTEGER], accounts.check, ()

    def claims(self):
        for users in USER_MODELS:
            yield f"claims, {users.name}", self.migrated[users], claims.check, ()
        yield "names without case", self.migrated[INTEGER], claims.check_names, ()
        if not self.is_sqlite:
            yield "names without case, all letters", Profile(self.empty), claims.check_names, (LOCALE,)

    def traffic(self):
        figures = (3, 10_000) if self.options.full else (0.3, 100)
        yield "traffic", self.migrated[INTEGER], traffic.check, figures

    def transactions(self):
        seconds = 30 if self.options.full else 2
        profile = self.migrated[INTEGER]
        if self.is_sqlite:
            yield "transactions as Django has them", profile, transactions.check, (seconds, False)
            yield "transactions", profile, transactions.check, (seconds, True, {"transaction_mode": "IMMEDIATE"})
        else:
            yield "transactions", profile, transactions.check, (seconds, True)

    def suite(self):
        if self.options.suite:
            yield "Simple JWT's tests", self.migrated[INTEGER], suite.check, (self.options.suite,)


NAMES = [name.replace("_", "-") for name in vars(Plan) if not name.startswith("_")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tokenpair", help="the program under test")
    parser.add_argument("--full", action="store_true", help="every combination, and 10,000 tokens each way")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--suite", metavar="SOURCE", help="Simple JWT's source distribution; its tests are played")
    options = parser.parse_args()
    if "TEST_POSTGRES" not in os.environ:
        parser.error("TEST_POSTGRES names no PostgreSQL server, such as postgres://USER:PASSWORD@localhost/postgres")
    import_what_costs_time()
    with ProcessPoolExecutor(2, CONTEXT) as processes:
        runs = [processes.submit(run, options, kind) for kind in (Sqlite, Postgres)]
        outcomes = [is_fine for done in runs for is_fine in done.result()]
    failed = outcomes.count(False)
    print(f"{len(outcomes) - failed} checks of Django and tokenpair on one database passed, {failed} failed")
    return 1 if failed else 0


def run(options, kind):
    """Whether each check passes on this kind of database."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        scene = Scene(options.tokenpair, folder)
        empty = kind(folder) if kind is Sqlite else kind(os.environ["TEST_POSTGRES"], "template1")
        migrated = {users: Profile(stack.enter_context(empty.copied()), users) for users in USER_MODELS}
        for profile in migrated.values():
            in_django(profile, migrate)
        plan = Plan(options, empty, migrated)
        methods = [getattr(plan, name.replace("-", "_")) for name in options.only]
        return [passes(scene, kind, *check) for method in methods for check in method()]


def passes(scene, kind, title, profile, check, arguments):
    started = time.monotonic()
    try:
        with profile.database.copied() as database:
            told, is_fine = check(scene, profile.but(database=database), *arguments), True
    except Flaw as flaw:
        told, is_fine = f"FAILED: {flaw}", False
    print(f"{kind.kind}, {title}: {told} ({time.monotonic() - started:.1f} s)", flush=True)
    return is_fine


if __name__ == "__main__":
    sys.exit(main())
