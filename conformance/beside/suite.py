"""Simple JWT's own HTTP tests, played against tokenpair on the test database that Django's test runner makes.

The tests are those of the source distribution and stay as they are; what changes is what they stand on:

- their client sends over HTTP to tokenpair what DRF's client would hand to a view;
- a transaction that is never committed would hide their users from tokenpair: they are stored, and deleted afterwards;
- what `override_api_settings` sets is what tokenpair is started with. A lifetime of no seconds, which tokenpair
  refuses, is one second, and the client waits until it is over.
"""

import re
import sys
import tarfile
import time
import unittest
import warnings
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

from .django_side import in_process
from .flaw import expect, same
from .profiles import Profile
from .servers import Client
from .tokens import claims_of

FILES = ("test_views", "test_integration")
TEST_VIEW = "test_view"
PATHS = (
    *("token_obtain_pair", "token_refresh", "token_verify", "token_blacklist"),
    *("token_obtain_sliding", "token_refresh_sliding"),
)
# Tests of those files that are not played, or that must fail, and why.
NO_HTTP = {
    "TestCustomTokenView.test_custom_view_class": "calls a Python view class of its own",
    "TestTokenViewBase.test_serializer_class_not_set_in_settings_and_class_attribute_or_wrong_path": (
        "calls a Python view class of its own"
    ),
}
MUST_FAIL = {
    "TestTokenRefreshView.test_it_should_return_access_token_if_everything_ok": (
        "sets the clock of the process it runs in back, and so not tokenpair's"
    ),
}


def check(scene, profile, source):
    """`source` is the source distribution. Returns what to say about it."""
    folder = scene.folder / "suite"
    if not folder.exists():
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    played, failed = in_process(_play, scene, profile, root)
    for name, reason in {**NO_HTTP, **MUST_FAIL}.items():
        print(f"  not applicable: {name}: {reason}")
    total = sum(len(re.findall(r"^    def test_", path.read_text(), re.M)) for path in root.glob("tests/test_*.py"))
    same("tests that fail", sorted(MUST_FAIL), sorted(failed))
    return (
        f"{played - len(failed)} of Simple JWT's own HTTP tests passed; {len(NO_HTTP) + len(MUST_FAIL)} do not apply;"
        f" the other {total - played - len(NO_HTTP)} of its {total} tests call Python classes"
    )


def _play(scene, profile, root):
    """How many tests were played, and the names of those that failed."""
    _configure(profile, root)
    warnings.simplefilter("ignore")  # their key is a short one
    from django.db import connection
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases(aliases=["default"])
    try:
        with ExitStack() as servers:
            own = profile.but(database=profile.database.named(connection.settings_dict["NAME"]))
            tests = _tests(lambda settings: servers.enter_context(_served(scene, own, settings)))
            result = unittest.TestResult()
            tests.run(result)
    finally:
        connection.close()
        runner.teardown_databases(databases)
    problems = [*result.failures, *result.errors]
    for test, told in problems:
        if _name(test) not in MUST_FAIL:
            print(f"  {_name(test)}:\n{told}")
    expect(not result.skipped, f"skipped: {result.skipped}")
    return result.testsRun, [_name(test) for test, _told in problems]


def _configure(profile, root):
    """Their own settings, on our database."""
    from django.conf import LazySettings

    sys.path.insert(0, str(root))
    configure = LazySettings.configure

    def configured(self, **options):
        configure(self, **{**options, "DATABASES": {"default": profile.database.django()}})

    LazySettings.configure = configured
    from tests.conftest import pytest_configure

    pytest_configure()


def _tests(start):
    """The tests, with our client. `start` yields the port of tokenpair with the settings it is given."""
    import django.test

    django.test.TestCase = _test_case_class()
    suite = unittest.TestSuite()
    for name in FILES:
        suite.addTests(unittest.defaultTestLoader.loadTestsFromName(f"tests.{name}"))
    tests = [test for test in _flat(suite) if _name(test) not in NO_HTTP]
    client = _client_class(start)
    for test in tests:
        type(test).client_class = client
    return unittest.TestSuite(tests)


def _test_case_class():
    from django.contrib.auth import get_user_model
    from django.test import TransactionTestCase
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    class CommittingTestCase(TransactionTestCase):
        def _fixture_teardown(self):
            for model in (OutstandingToken, get_user_model()):
                model.objects.all().delete()

    return CommittingTestCase


def _flat(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flat(item)
        else:
            yield item


def _name(test):
    return ".".join(test.id().split(".")[-2:])


def _served(scene, profile, settings):
    from django.conf import settings as theirs
    from django.urls import reverse

    paths = {name: reverse(name) for name in PATHS}
    own = {"SIGNING_KEY": theirs.SECRET_KEY, "PASSWORD_HASHERS": ["md5"], "INSECURE_ALLOW_SHORT_KEYS": True}
    ours = {"simple_jwt": {**own, **settings}, "paths": {**paths, "me": reverse(TEST_VIEW)}}
    return scene.tokenpair(Profile(profile.database, ours=ours))


def _settings_now():
    """What the settings are while a test runs, as tokenpair takes them."""
    from rest_framework_simplejwt.settings import api_settings
    from rest_framework_simplejwt.tokens import AccessToken

    settings = dict(api_settings.user_settings)
    if AccessToken.lifetime != api_settings.ACCESS_TOKEN_LIFETIME:
        settings["ACCESS_TOKEN_LIFETIME"] = max(AccessToken.lifetime, timedelta(seconds=1))
    return {
        name: int(value.total_seconds()) if isinstance(value, timedelta) else value for name, value in settings.items()
    }


def _client_class(start):
    from django.urls import reverse
    from rest_framework.test import APIRequestFactory

    clients = {}

    def client_now():
        settings = _settings_now()
        key = repr(sorted(settings.items()))
        if key not in clients:
            clients[key] = Client(start(settings))
        return clients[key], settings.get("ACCESS_TOKEN_LIFETIME") == 1

    class TokenpairClient:
        """Takes what tests call on DRF's `APIClient`."""

        def __init__(self, **_options):
            self.headers = {}

        def credentials(self, HTTP_AUTHORIZATION):  # noqa: N803, that is how it is called
            self.headers = {"Authorization": HTTP_AUTHORIZATION}

        def get(self, path):
            return self._send(APIRequestFactory().get(path))

        def post(self, path, data=None):
            return self._send(APIRequestFactory().post(path, data))

        def _send(self, request):
            client, is_short = client_now()
            headers = {**self.headers, "Content-Type": request.META.get("CONTENT_TYPE", "")}
            answer = client.send(request.method, request.path, request.body, headers)
            if is_short and "access" in answer.body:
                while time.time() <= claims_of(answer.body["access"])["exp"]:
                    time.sleep(0.05)
            if request.path == reverse(TEST_VIEW) and answer.status == 200:
                answer.body = {"foo": "bar"}  # what their view answers is not tokenpair's
            return SimpleNamespace(status_code=answer.status, data=answer.body)

    return TokenpairClient
