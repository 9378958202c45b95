#!/usr/bin/env python3
"""Django with Simple JWT and tokenpair on one database: who may come first, and what one accepts of the other.

    beside.py TOKENPAIR [--full] [--only NAME...]

Runs on SQLite, and on the PostgreSQL server whose address is in the environment as TEST_POSTGRES. Needs the packages of
reference/requirements.txt. Exit status 1: something is not as it should be.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE / "reference"))

from beside import accounts, moving_in, passwords, tokenpair_first, tokens  # noqa: E402
from beside.databases import Postgres, Sqlite  # noqa: E402
from beside.django_side import import_what_costs_time, in_django  # noqa: E402
from beside.fixtures import migrate  # noqa: E402
from beside.flaw import Flaw  # noqa: E402
from beside.keys import ALGORITHMS  # noqa: E402
from beside.profiles import INTEGER, USER_MODELS, UUID, Profile  # noqa: E402
from beside.scene import Scene  # noqa: E402


def moving_in_checks(scene, empty, templates, _full):
    for users in USER_MODELS:
        profile = Profile(templates[users], users)
        yield f"Django first, {users.name}", lambda p=profile: moving_in.check(scene, p.but(database=p.database.copy()))


def tokenpair_first_checks(scene, empty, _templates, _full):
    for users in USER_MODELS:
        profile = Profile(empty, users)
        yield (
            f"tokenpair first, {users.name}",
            lambda p=profile: tokenpair_first.check(scene, p.but(database=p.database.fresh())),
        )


def tokens_checks(scene, empty, templates, full):
    """In the short form each algorithm once: half of them on each database, with and without the revoke claim."""
    for number, algorithm in enumerate(ALGORITHMS):
        is_here = number % 2 == (empty.kind == "SQLite")
        for revoke in (False, True) if full else [number // 2 % 2 == 0] if is_here else []:
            users = UUID if revoke else INTEGER
            profile = Profile(templates[users], users)
            claim = "with revoke claim" if revoke else "without revoke claim"
            yield (
                f"tokens, {algorithm} {claim}",
                lambda p=profile, a=algorithm, r=revoke: tokens.check(scene, p.but(database=p.database.copy()), a, r),
            )


def passwords_checks(scene, empty, templates, full):
    for full_work in (False, True):
        names = passwords.hashers_to_check(full_work)
        names = names if full or not full_work else names[:1]
        if full or not full_work or empty.kind == "SQLite":
            profile = Profile(templates[INTEGER])
            yield (
                "passwords",
                lambda p=profile, n=names, f=full_work: passwords.check(scene, p.but(database=p.database.copy()), n, f),
            )


def accounts_checks(scene, empty, templates, _full):
    profile = Profile(templates[INTEGER])
    yield "accounts", lambda: accounts.check(scene, profile.but(database=profile.database.copy()))


CHECKS = {
    "django-first": moving_in_checks,
    "tokenpair-first": tokenpair_first_checks,
    "tokens": tokens_checks,
    "passwords": passwords_checks,
    "accounts": accounts_checks,
}


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("tokenpair", help="the program under test")
    options.add_argument("--full", action="store_true", help="every combination, and 10,000 tokens each way")
    options.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS))
    options = options.parse_args()
    import_what_costs_time()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(options.tokenpair, folder)
        for empty in (Sqlite(folder), Postgres(os.environ["TEST_POSTGRES"])):
            templates = {users: migrated(empty, users) for users in USER_MODELS}
            for name in options.only:
                for title, check in CHECKS[name](scene, empty, templates, options.full):
                    outcomes.append(passes(f"{empty.kind}, {title}", check))
    failed = outcomes.count(False)
    print(f"{len(outcomes) - failed} checks passed, {failed} failed")
    return 1 if failed else 0


def migrated(empty, users):
    """A database as Django's `migrate` leaves it."""
    database = empty.fresh()
    in_django(Profile(database, users), migrate)
    return database


def passes(title, check):
    started = time.monotonic()
    try:
        told, is_fine = check(), True
    except Flaw as flaw:
        told, is_fine = f"FAILED: {flaw}", False
    print(f"{title}: {told} ({time.monotonic() - started:.1f} s)", flush=True)
    return is_fine


if __name__ == "__main__":
    sys.exit(main())
