#!/usr/bin/env python3
"""Customises the real Simple JWT as its documentation says and writes what it answered to `recorded.json`.

    pip install -r conformance/reference/requirements.txt
    python3 conformance/extending/record.py

Time stands still and ids count, as in the Rust tests below `tests/it/extending`, which make the same requests to the same
customisations in tokenpair: even the tokens have to be the same, byte for byte. Nothing in the recording is written by hand.
With `--print` it goes to standard output instead.
"""

import itertools
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import django
import jwt.api_jwt
from django.conf import settings

NOW = 1_800_000_000
ROOT = "rest_framework_simplejwt"

settings.configure(
    SECRET_KEY="unused",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", f"{ROOT}.token_blacklist"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    SIMPLE_JWT={"SIGNING_KEY": "a secret of at least 32 bytes, kept out of the code"},
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework.permissions import BasePermission, IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView, exception_handler  # noqa: E402
from rest_framework_simplejwt import tokens  # noqa: E402
from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication  # noqa: E402
from rest_framework_simplejwt.models import TokenUser  # noqa: E402
from rest_framework_simplejwt.serializers import (  # noqa: E402
    TokenObtainPairSerializer,
    TokenObtainSlidingSerializer,
    TokenRefreshSerializer,
)
from rest_framework_simplejwt.settings import api_settings  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token  # noqa: E402
from rest_framework_simplejwt.views import (  # noqa: E402
    TokenObtainPairView,
    TokenObtainSlidingView,
    TokenRefreshView,
)


class StillTime(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


jwt.api_jwt.datetime = StillTime
tokens.aware_utcnow = lambda: datetime.fromtimestamp(NOW, timezone.utc)


class Named(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["name"] = user.username
        token["groups"] = ["editors"]
        return token


class NamedSliding(TokenObtainSlidingSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["name"] = user.username
        return token


class WithUser(TokenObtainPairSerializer):
    def validate(self, attrs):
        data = super().validate(attrs)
        data["username"] = self.user.username
        data["is_staff"] = self.user.is_staff
        return data


class WithCode(TokenObtainPairSerializer):
    code = serializers.CharField(write_only=True)

    def validate(self, attrs):
        if attrs["code"] != "123456":
            raise AuthenticationFailed(self.error_messages["no_active_account"])
        return super().validate(attrs)


class OtherText(TokenObtainPairSerializer):
    default_error_messages = {"no_active_account": "Wrong name or password."}


class LongLived(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token.set_exp(lifetime=timedelta(days=30))
        return token


class RenewedClaims(TokenRefreshSerializer):
    def validate(self, attrs):
        data = super().validate(attrs)
        access = AccessToken(data["access"])
        access["role"] = "editor"
        return {**data, "access": str(access)}


class CookieAuthentication(JWTAuthentication):
    def authenticate(self, request):
        raw_token = request.COOKIES.get("access_token")
        if raw_token is None:
            return None
        validated_token = self.get_validated_token(raw_token)
        return self.get_user(validated_token), validated_token


class Member(TokenUser):
    @property
    def tenant(self):
        return self.token.get("tenant", "")


class IsSuperuser(BasePermission):
    def has_permission(self, request, view):
        return bool(request.user.is_superuser)


class PasswordResetToken(Token):
    token_type = "password_reset"
    lifetime = timedelta(minutes=10)


def me(authentication, answer, permission=IsAuthenticated):
    class Me(APIView):
        authentication_classes = [authentication]
        permission_classes = [permission]

        def get(self, request):
            return Response(answer(request))

    return Me.as_view()


def of_user(request):
    return {"id": request.user.id, "username": request.user.username}


def of_both(request):
    return {"username": request.user.username, "name": request.auth["name"]}


def with_serializer(view, serializer):
    return view.as_view(serializer_class=serializer)


def wrapped(exc, context):
    response = exception_handler(exc, context)
    response.data = {"error": response.data["detail"]}
    return response


class Wrapped(TokenRefreshView):
    def get_exception_handler(self):
        return wrapped


urlpatterns = [
    path("token/", TokenObtainPairView.as_view()),
    path("named/", with_serializer(TokenObtainPairView, Named)),
    path("named/sliding/", with_serializer(TokenObtainSlidingView, NamedSliding)),
    path("named/refresh/", TokenRefreshView.as_view()),
    path("with-user/", with_serializer(TokenObtainPairView, WithUser)),
    path("with-code/", with_serializer(TokenObtainPairView, WithCode)),
    path("other-text/", with_serializer(TokenObtainPairView, OtherText)),
    path("long-lived/", with_serializer(TokenObtainPairView, LongLived)),
    path("renewed/", with_serializer(TokenRefreshView, RenewedClaims)),
    path("wrapped/", Wrapped.as_view()),
    path("me/", me(JWTAuthentication, of_user)),
    path("cookie/", me(CookieAuthentication, of_user)),
    path("member/", me(JWTStatelessUserAuthentication, lambda request: {"tenant": request.user.tenant})),
    path("both/", me(JWTAuthentication, of_both)),
    path("superuser/", me(JWTAuthentication, of_user, IsSuperuser)),
]

ALICE = {"username": "alice", "password": "secret"}


def begin():
    """Every case starts with the same ids."""
    ids = itertools.count(1)
    tokens.uuid4 = lambda: SimpleNamespace(hex=f"{next(ids):032x}")
    tokens.OutstandingToken.objects.all().delete()


def answer(response):
    return {"status": response.status_code, "body": response.content.decode()}


def post(url, body):
    return answer(Client().post(url, json.dumps(body), "application/json"))


def get(url, token=None, cookie=None):
    client = Client()
    if cookie:
        client.cookies["access_token"] = cookie
    return answer(client.get(url, headers={"authorization": f"Bearer {token}"} if token else {}))


def manual(change=lambda refresh: None):
    refresh = RefreshToken.for_user(User.objects.get(username="alice"))
    change(refresh)
    return {"refresh": str(refresh), "access": str(refresh.access_token)}


def text(value):
    return {"status": 200, "body": json.dumps(value, separators=(",", ":"))}


def named_refresh():
    pair = json.loads(post("/named/", ALICE)["body"])
    return post("/named/refresh/", {"refresh": pair["refresh"]})


def renewed():
    pair = json.loads(post("/token/", ALICE)["body"])
    return post("/renewed/", {"refresh": pair["refresh"]})


def both():
    return get("/both/", json.loads(post("/named/", ALICE)["body"])["access"])


def only_staff(user):
    return user is not None and user.is_staff


def under(name, value, ask):
    """What is answered while a setting has another value."""
    before = getattr(api_settings, name)
    setattr(api_settings, name, value)
    try:
        return ask()
    finally:
        setattr(api_settings, name, before)


def tenant(refresh):
    refresh["tenant"] = "acme"


CASES = {
    "own claims": lambda: post("/named/", ALICE),
    "own claims, refreshed": named_refresh,
    "own claims, sliding": lambda: post("/named/sliding/", ALICE),
    "own answer fields": lambda: post("/with-user/", ALICE),
    "own input field missing": lambda: post("/with-code/", ALICE),
    "own input field wrong": lambda: post("/with-code/", {**ALICE, "code": "1"}),
    "own input field right": lambda: post("/with-code/", {**ALICE, "code": "123456"}),
    "own error text": lambda: post("/other-text/", {**ALICE, "password": "wrong"}),
    "own error shape": lambda: post("/wrapped/", {"refresh": "rubbish"}),
    "own lifetime": lambda: post("/long-lived/", ALICE),
    "claims renewed at refresh": renewed,
    "own rule, staff": lambda: under("USER_AUTHENTICATION_RULE", only_staff, lambda: post("/token/", ALICE)),
    "own rule, not staff": lambda: under(
        "USER_AUTHENTICATION_RULE", only_staff, lambda: post("/token/", {**ALICE, "username": "dave"})
    ),
    "cookie": lambda: get("/cookie/", cookie=manual()["access"]),
    "cookie missing": lambda: get("/cookie/"),
    "cookie bad": lambda: get("/cookie/", cookie="rubbish"),
    "own token user": lambda: under(
        "TOKEN_USER_CLASS", Member, lambda: get("/member/", manual(tenant)["access"])
    ),
    "user and claims": both,
    "own permission, anybody": lambda: get("/superuser/"),
    "own permission, not granted": lambda: get("/superuser/", manual()["access"]),
    "by hand": lambda: text(manual()),
    "by hand, own claim": lambda: text(manual(tenant)),
    "by hand, own lifetime": lambda: text(manual(lambda refresh: refresh.set_exp(lifetime=timedelta(days=30)))),
    "own type": lambda: text({"token": str(PasswordResetToken.for_user(User.objects.get(username="alice")))}),
    "own type at a view": lambda: get("/me/", str(PasswordResetToken.for_user(User.objects.get(username="alice")))),
}


def main():
    call_command("migrate", verbosity=0)
    for name, staff in [("alice", True), ("dave", False)]:
        User.objects.create(username=name, is_staff=staff, password="md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95")
    recorded = {}
    for name, ask in CASES.items():
        begin()
        recorded[name] = ask()
    text = json.dumps(recorded, indent=1) + "\n"
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(text)
    else:
        Path(__file__).with_name("recorded.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
