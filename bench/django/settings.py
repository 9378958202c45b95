"""Django, DRF and Simple JWT as fast as they get on two cores, and as durable as tokenpair; from the environment.

DATABASE is `sqlite:FILE` or `postgres://…`, KEY the secret; BLACKLIST and ROTATE are true or false; HASHER is a class.
"""

import os
from urllib.parse import parse_qsl, urlsplit


def is_on(name):
    return os.environ.get(name) == "true"


def sqlite(path):
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
        },
    }


def postgres(url):
    """A connection for each thread, kept for good: with a pool it answered a third less."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.hostname,
        "PORT": url.port,
        "CONN_MAX_AGE": None,
        "OPTIONS": dict(parse_qsl(url.query)),
    }


url = urlsplit(os.environ["DATABASE"])

DEBUG = False
SECRET_KEY = os.environ["KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
MIDDLEWARE = []
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
if is_on("BLACKLIST"):
    INSTALLED_APPS.append("rest_framework_simplejwt.token_blacklist")
DATABASES = {"default": sqlite(url.path) if url.scheme == "sqlite" else postgres(url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
USE_I18N = False
LOGGING_CONFIG = None
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
SIMPLE_JWT = {"ROTATE_REFRESH_TOKENS": is_on("ROTATE"), "BLACKLIST_AFTER_ROTATION": is_on("ROTATE")}
if "HASHER" in os.environ:
    PASSWORD_HASHERS = [os.environ["HASHER"]]
