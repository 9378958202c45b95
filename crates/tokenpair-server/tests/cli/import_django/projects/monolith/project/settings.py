import os
import sys
from datetime import timedelta

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(BASE_DIR, "apps"))


def env_bool(name, default="False"):
    return os.environ.get(name, default).lower() in ("1", "true", "yes")


SECRET_KEY = os.environ.get("SECRET_KEY") or "monolith-4e1d7b0a3c6f9e2d5b8a1c4f7e0d3b6a9c2f5e8d"
DEBUG = env_bool("DEBUG", "True")
SITE_ID = 1
USE_TZ = False
TIME_ZONE = "Asia/Kolkata"
LANGUAGES = (("en", "English"), ("de", "Deutsch"))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "common",
    "members",
]
MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
ROOT_URLCONF = "project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
AUTH_USER_MODEL = "members.Member"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.%s" % os.environ.get("DB", "sqlite3"),
        "NAME": os.path.join(BASE_DIR, "monolith.db"),
    },
}
if os.environ.get("DB") == "postgresql":
    DATABASES["default"].update(
        NAME=os.environ["PGDATABASE"],
        USER=os.environ["PGUSER"],
        PASSWORD=os.environ.get("PGPASSWORD"),
        HOST=os.environ.get("PGHOST", "localhost"),
        PORT=int(os.environ.get("PGPORT", 5432)),
    )
SIMPLE_JWT = dict(
    ACCESS_TOKEN_LIFETIME=timedelta(minutes=5) * 2,
    REFRESH_TOKEN_LIFETIME=timedelta(weeks=1),
    SIGNING_KEY=SECRET_KEY,
    AUTH_HEADER_TYPES=["Bearer"],
    USER_ID_FIELD="member_no",
)
PASSWORD_HASHERS = ["project.hashers.QuickPBKDF2PasswordHasher"]
