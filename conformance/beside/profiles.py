"""One configuration said twice: as Django's settings and as `tokenpair.toml`."""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import django
from django.contrib.auth import hashers

PROJECT = "beside.project"
APPS = (
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "rest_framework_simplejwt",
)
BLACKLIST_APP = "rest_framework_simplejwt.token_blacklist"
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)
# Django's hasher, the same with little work, and tokenpair's name for that work.
HASHERS = {
    "pbkdf2_sha256": ("PBKDF2PasswordHasher", "PBKDF2", {"pbkdf2_sha256_iterations": 1000}),
    "pbkdf2_sha1": ("PBKDF2SHA1PasswordHasher", "PBKDF2SHA1", {"pbkdf2_sha1_iterations": 1000}),
    "argon2": (
        "Argon2PasswordHasher",
        "Argon2",
        {"argon2_time_cost": 1, "argon2_memory_cost": 1024, "argon2_parallelism": 1},
    ),
    "bcrypt_sha256": ("BCryptSHA256PasswordHasher", "BCryptSHA256", {"bcrypt_rounds": 4}),
    "bcrypt": ("BCryptPasswordHasher", "BCrypt", {"bcrypt_rounds": 4}),
    "scrypt": ("ScryptPasswordHasher", "Scrypt", {"scrypt_work_factor": 1024, "scrypt_parallelism": 1}),
    "md5": ("MD5PasswordHasher", "MD5", {}),
}
if django.VERSION < (5, 1):
    HASHERS |= {
        "sha1": ("SHA1PasswordHasher", "SHA1", {}),
        "unsalted_md5": ("UnsaltedMD5PasswordHasher", "UnsaltedMD5", {}),
        "unsalted_sha1": ("UnsaltedSHA1PasswordHasher", "UnsaltedSHA1", {}),
    }
LITTLE_WORK = {name: value for _django, _quick, work in HASHERS.values() for name, value in work.items()}
# What an older Django does, said to tokenpair as `import-django` does. Of 5.2 nothing needs to be said.
DJANGOS_WORK = (
    {}
    if django.VERSION >= (5, 2)
    else {
        "pbkdf2_sha256_iterations": hashers.PBKDF2PasswordHasher.iterations,
        "pbkdf2_sha1_iterations": hashers.PBKDF2SHA1PasswordHasher.iterations,
        "scrypt_parallelism": hashers.ScryptPasswordHasher.parallelism,
    }
)
DEFAULT_HASHERS = ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "scrypt")


@dataclass(frozen=True, eq=False)
class Users:
    """A user model; `columns` is tokenpair's section `[user_model]`."""

    name: str
    model: str
    key: str
    login: str
    columns: dict
    app: str | None = None

    @property
    def table(self):
        return self.columns.get("table", "auth_user")


INTEGER = Users("integer keys", "auth.User", "id", "username", {})
BIGINT = Users(
    "bigint keys, other names",
    "members.Member",
    "member_no",
    "handle",
    {
        "table": "crm_member",
        "id": "member_no",
        "username": "login_name",
        "username_field": "handle",
        "password": "secret",
        "is_active": "enabled",
        "is_staff": "may_administer",
        "is_superuser": "may_everything",
        "last_login": "seen_at",
    },
    f"{PROJECT}.members",
)
UUID = Users(
    "UUID keys, log-in by e-mail",
    "customers.Customer",
    "id",
    "email",
    {"table": "customers_customer", "id_kind": "uuid", "username": "email"},
    f"{PROJECT}.customers",
)
USER_MODELS = (INTEGER, BIGINT, UUID)


@dataclass(frozen=True)
class Profile:
    """What both servers are told. Lifetimes in `simple_jwt` are seconds.

    `theirs` are settings for Django alone, `ours` sections for tokenpair alone.
    """

    database: object
    users: Users = INTEGER
    simple_jwt: dict = field(default_factory=dict)
    hashers: tuple = DEFAULT_HASHERS
    full_work: bool = False
    blacklist: bool = True
    theirs: dict = field(default_factory=dict)
    ours: dict = field(default_factory=dict)
    key: str = "one key for both, and long enough for HS512: " + "k" * 40

    def but(self, **changes):
        return replace(self, **changes)

    def _simple_jwt(self):
        return {"SIGNING_KEY": self.key, "USER_ID_FIELD": self.users.key, **self.simple_jwt}

    def django_settings(self):
        apps = [*APPS, self.users.app, BLACKLIST_APP if self.blacklist else None]
        return {
            "SECRET_KEY": "Django's own",
            "ALLOWED_HOSTS": ["*"],
            "INSTALLED_APPS": [app for app in apps if app],
            "AUTH_USER_MODEL": self.users.model,
            "DATABASES": {"default": self.database.django()},
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "MIDDLEWARE": MIDDLEWARE,
            "PASSWORD_HASHERS": [self._django_hasher(name) for name in self.hashers],
            "REST_FRAMEWORK": {"TEST_REQUEST_DEFAULT_FORMAT": "json"},
            "ROOT_URLCONF": f"{PROJECT}.urls",
            "SIMPLE_JWT": {
                name: timedelta(seconds=value) if name.endswith("_LIFETIME") else value
                for name, value in self._simple_jwt().items()
            },
            "STATIC_URL": "/static/",
            "TEMPLATES": [
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "APP_DIRS": True,
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ]
                    },
                }
            ],
            "USE_TZ": True,
            **self.theirs,
        }

    def _django_hasher(self, name):
        djangos, quick, _work = HASHERS[name]
        return f"django.contrib.auth.hashers.{djangos}" if self.full_work else f"{PROJECT}.hashers.{quick}"

    def write_toml(self, path):
        column = self.users.columns.get("id", self.users.key)
        settings = {**self._simple_jwt(), "USER_ID_FIELD": column, "PASSWORD_HASHERS": list(self.hashers)}
        settings["PASSWORD_ROUNDS"] = DJANGOS_WORK if self.full_work else LITTLE_WORK
        sections = {
            "server": {"flush_interval": 0},
            "database": {"url": self.database.url, "token_blacklist": self.blacklist, **self.database.ours},
            "user_model": self.users.columns,
            "simple_jwt": settings,
        }
        for name, values in self.ours.items():
            sections[name] = {**sections.get(name, {}), **values}
        Path(path).write_text("".join(_section(*section) for section in sections.items()), encoding="utf-8")


def _section(name, values):
    lines = [f"{key} = {_toml(value)}\n" for key, value in values.items()]
    return f"[{name}]\n" + "".join(lines)


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(list(value) if isinstance(value, tuple) else value)
