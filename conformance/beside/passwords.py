"""Passwords that one hashed and the other checks; who hashes anew, and when nobody does."""

import time

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .profiles import HASHERS
from .servers import Client
from .tokens import answered

ALL = tuple(HASHERS)
# Iterations of `pbkdf2_sha256` in Django 4.2, 5.0 and 5.1.
OLDER = (600_000, 720_000, 870_000)
# As Djangos before 3.2 made them; any hasher that looks at its salt takes a longer one.
SHORT_SALT = "twelve chars"
# Seconds.
PATIENCE = 120


def check(scene, profile, names, full_work=False, older=()):
    """For every hasher in `names`, with little work or with Django's own, and for hashes of `older` Djangos.

    Returns what to say about it.
    """
    profile = profile.but(hashers=tuple(HASHERS), full_work=full_work)
    stored = in_django(profile, _create_hashes, names, older)
    for name in names:  # with the same hasher preferred by both nobody hashes anew
        theirs = profile.but(hashers=_preferring(name))
        _expect_log_ins(scene, theirs, {name: stored[name]})
        same(f"tokenpair preferring {name}", {name: stored[name]}, in_django(profile, _stored, [name]))
        command = ("createuser", "--username", f"our-{name}", "--password-stdin")
        scene.program.run(theirs, *command, text=fixtures.PASSWORD)
    ours = {f"our-{name}": name for name in names}
    in_django(profile, _expect_hashes_are_djangos, ours)

    preferred = profile.but(hashers=_preferring("pbkdf2_sha256"))
    _expect_log_ins(scene, preferred, stored)
    anew = in_django(preferred, _expect_all_preferred, list(stored), "pbkdf2_sha256")
    in_django(preferred, _log_in, list(stored))
    same("hashes of tokenpair's after log-ins at Django", anew, in_django(profile, _stored, list(stored)))

    in_django(preferred, _log_in, list(ours))
    anew = in_django(preferred, _expect_all_preferred, list(ours), "pbkdf2_sha256")
    _expect_log_ins(scene, preferred, ours)
    same("hashes of Django's after log-ins at tokenpair", anew, in_django(profile, _stored, list(ours)))
    work = "Django's own work" if full_work else "little work"
    told = f"{len(stored)} hashes of Django's and {len(ours)} of tokenpair's"
    return f"{told} with {work}, hashed anew once by the other and by nobody after that"


def _preferring(name):
    return (name, *(other for other in HASHERS if other != name))


def _create_hashes(names, iterations):
    """Users with the name of their password's hasher, and the hashes."""
    from django.contrib.auth.hashers import get_hasher, make_password
    from django.contrib.auth.models import User

    for name in names:
        User.objects.create(username=name, password=make_password(fixtures.PASSWORD, hasher=name))
    hasher = get_hasher("pbkdf2_sha256")
    for number in iterations:
        encoded = hasher.encode(fixtures.PASSWORD, hasher.salt(), iterations=number)
        User.objects.create(username=f"pbkdf2_sha256-{number}", password=encoded)
    User.objects.create(username="short-salt", password=hasher.encode(fixtures.PASSWORD, SHORT_SALT))
    return dict(User.objects.values_list("username", "password"))


def _expect_log_ins(scene, profile, names):
    with scene.tokenpair(profile) as port:
        client = Client(port, "tokenpair")
        for name in names:
            for password, status in (("wrong", 401), (fixtures.PASSWORD, 200)):
                answer = _log_in_patiently(client, profile.users, name, password)
                answered(client, f"{name}, log-in with {password!r}", answer, status)
        client.close()


def _log_in_patiently(client, users, name, password):
    """Asks again where the answer is 503: a busy machine may need longer for Django's own work than a request gets."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = client.log_in("/api/token/", users, name, password)
        if answer.status != 503 or time.monotonic() > end:
            return answer


def _stored(names):
    from django.contrib.auth.models import User

    return dict(User.objects.filter(username__in=names).values_list("username", "password"))


def _expect_hashes_are_djangos(names):
    """Users that tokenpair made: Django takes their passwords and has no reason to hash anew."""
    from django.contrib.auth.hashers import check_password, identify_hasher
    from django.contrib.auth.models import User

    anew = []
    for name, hasher in names.items():
        encoded = User.objects.get(username=name).password
        same(f"hasher of {encoded}", hasher, identify_hasher(encoded).algorithm)
        expect(check_password(fixtures.PASSWORD, encoded, anew.append, preferred=hasher), f"Django refuses {encoded}")
        expect(not check_password("wrong", encoded, preferred=hasher), f"Django takes any password for {encoded}")
    same("hashes that Django would make anew", [], anew)


def _expect_all_preferred(names, hasher):
    from django.contrib.auth.hashers import identify_hasher

    hashes = _stored(names)
    for name, encoded in hashes.items():
        found = identify_hasher(encoded)
        same(f"hasher of {name} after its log-in", hasher, found.algorithm)
        expect(not found.must_update(encoded), f"Django would hash {name} anew after its log-in: {encoded}")
    return hashes


def _log_in(names):
    from django.test import Client as DjangoClient

    for name in names:
        credentials = {"username": name, "password": fixtures.PASSWORD}
        answer = DjangoClient().post("/api/token/", credentials, content_type="application/json")
        same(f"Django, log-in of {name}", 200, answer.status_code)
