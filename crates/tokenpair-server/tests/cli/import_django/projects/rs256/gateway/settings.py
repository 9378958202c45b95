import json
import os
from datetime import timedelta
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve(strict=True).parents[1]

with open(PROJECT_ROOT / "config.json") as config_file:
    config = json.load(config_file)

SECRET_KEY = config["SECRET_KEY"]
DEBUG = config.get("DEBUG", False)
ENABLE_SLIDING = os.getenv("ENABLE_SLIDING", "True") == "True"

INSTALLED_APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt",
)
MIDDLEWARE = ()
ROOT_URLCONF = "gateway.urls"
AUTHENTICATION_BACKENDS = ["gateway.backends.EmailBackend"]


def get_secret(name, default=None):
    """Docker secrets."""
    path = Path("/run/secrets") / name
    return path.read_text().strip() if path.exists() else default


DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(PROJECT_ROOT / "users.sqlite3"),
    },
    "reports": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "reports",
        "USER": "reports",
        "PASSWORD": get_secret("reports_password", "reports"),
        "HOST": "reports.db",
    },
}
DATABASE_ROUTERS = []
USE_TZ = True
SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    "SIGNING_KEY": open(PROJECT_ROOT / "keys" / "jwt-private.pem").read(),
    "VERIFYING_KEY": (PROJECT_ROOT / "keys" / "jwt-public.pem").read_text(),
    "ISSUER": config["ISSUER"],
    "AUDIENCE": ["web", "mobile"],
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=3),
    "SLIDING_TOKEN_LIFETIME": timedelta(minutes=30),
    "SLIDING_TOKEN_REFRESH_LIFETIME": timedelta(days=2),
    "AUTH_TOKEN_CLASSES": (
        "rest_framework_simplejwt.tokens.AccessToken",
        "rest_framework_simplejwt.tokens.SlidingToken",
    ),
}
