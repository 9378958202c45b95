"""Transactions of Django's applications, which read and then write, while tokenpair writes."""

import threading
import time
from collections import Counter

from . import fixtures
from .django_side import in_django
from .flaw import expect
from .servers import Client

NAMES = ["ada@example.com", "grace@example.com"]
CLIENTS = 4
PAUSE = 0.01


def check(scene, profile, seconds, must_hold, sqlite_options=None):
    """`must_hold`: no transaction may fail. Returns what to say about it."""
    profile = profile.but(simple_jwt={"UPDATE_LAST_LOGIN": True})
    if sqlite_options:
        profile = profile.but(database=profile.database.with_options(**sqlite_options))
    in_django(profile, fixtures.create_users, NAMES)
    with scene.tokenpair(profile) as port:
        statuses, done, failures = in_django(profile, _work, profile.users, port, seconds)
    expect(set(statuses) == {200}, f"tokenpair's answers to log-ins: {statuses}")
    expect(done, "Django had no time for a transaction")
    told = f"{failures.total()} of {done} transactions of Django's failed beside {statuses[200]} log-ins at tokenpair"
    expect(not must_hold or not failures, f"{told}: {dict(failures)}")
    return told if must_hold else f"for information: {told}"


def _work(users, port, seconds):
    """Inside Django: transactions for so long, and threads that are tokenpair's clients meanwhile."""
    end = time.monotonic() + seconds
    statuses, failures, done = Counter(), Counter(), 0

    def log_in():
        client = Client(port)
        while time.monotonic() < end:
            statuses[client.log_in("/api/token/", users, NAMES[0], fixtures.PASSWORD).status] += 1
        client.close()

    clients = [threading.Thread(target=log_in) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    while time.monotonic() < end:
        done += 1
        if failure := _transaction(users.login):
            failures[failure] += 1
        time.sleep(PAUSE)
    for client in clients:
        client.join()
    return statuses, done, failures


def _transaction(login):
    """Why it failed, if it did."""
    from django.contrib.auth import get_user_model
    from django.db import OperationalError, transaction

    try:
        with transaction.atomic():
            user = get_user_model().objects.get(**{login: NAMES[1]})
            time.sleep(PAUSE)  # an application does something in between
            user.save()
    except OperationalError as error:
        return str(error)
    return None
