"""What `django-admin startproject` writes, with DRF and Simple JWT, on a database as durable as tokenpair's.

From the environment: DATABASE is `sqlite:FILE` or `postgres://…`, KEY the secret; BLACKLIST and ROTATE are true or false;
HASHER is a class. BARE leaves out whatever the workloads can do without.
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
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {"default": sqlite(url.path) if url.scheme == "sqlite" else postgres(url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
}
SIMPLE_JWT = {"ROTATE_REFRESH_TOKENS": is_on("ROTATE"), "BLACKLIST_AFTER_ROTATION": is_on("ROTATE")}
if is_on("BARE"):
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
    MIDDLEWARE = []
    USE_I18N = False
    LOGGING_CONFIG = None
    REST_FRAMEWORK |= {
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    }
if is_on("BLACKLIST"):
    INSTALLED_APPS.append("rest_framework_simplejwt.token_blacklist")
if "HASHER" in os.environ:
    PASSWORD_HASHERS = [os.environ["HASHER"]]
