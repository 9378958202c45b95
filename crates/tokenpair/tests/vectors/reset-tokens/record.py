"""Records Django's password reset tokens: python record.py > tokens.json (Django 5.2 has to be installed)."""

import json
import uuid
from datetime import datetime, timedelta, timezone

import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"], SECRET_KEY="unused", USE_TZ=True)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.tokens import PasswordResetTokenGenerator  # noqa: E402
from django.utils.encoding import force_bytes  # noqa: E402
from django.utils.http import urlsafe_base64_encode  # noqa: E402

SECRETS = ["a secret of at least 32 bytes, kept out of the code", "clé secrète", "k" * 200]
HASH = "pbkdf2_sha256$1000000$Zr0l9v4Wd6bJ2qkC1yXhTn$JYNnvpEXE9Bi3xhdSAEqhXn2WkFmJKO7Y4z7Wb0yTnY="
LOGINS = [None, datetime(2026, 7, 1, 10, 11, 12, 500000, timezone.utc), datetime(1999, 12, 31, 23, 59, 59, 0, timezone.utc)]
USERS = [
    {"pk": 1, "password": HASH, "email": "ada@example.com"},
    {"pk": 9223372036854775807, "password": "", "email": ""},
    {"pk": uuid.UUID("0192f0c1-2d3e-7a4b-8c5d-6e7f8091a2b3"), "password": "!unusable", "email": "Ångström@example.org"},
    {"pk": "a text key/ü", "password": HASH, "email": "x@y.zz"},
]
TIMES = [978307200, 978307235, 1800000000, 4102444800]


class Generator(PasswordResetTokenGenerator):
    def __init__(self, secret, now):
        super().__init__()
        self.secret, self.now = secret, now

    def _now(self):
        return datetime(1970, 1, 1) + timedelta(seconds=self.now)


def cases():
    for secret in SECRETS:
        for person in USERS:
            for last_login in LOGINS:
                for now in TIMES:
                    user = User(last_login=last_login, **person)
                    yield {
                        "secret": secret,
                        "pk": str(user.pk),
                        "kind": {int: "integer", uuid.UUID: "uuid", str: "text"}[type(user.pk)],
                        "password": user.password,
                        "email": user.email,
                        "last_login": last_login and last_login.isoformat(),
                        "now": now,
                        "uid": urlsafe_base64_encode(force_bytes(user.pk)),
                        "token": Generator(secret, now).make_token(user),
                    }


print("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases()) + "\n]")
