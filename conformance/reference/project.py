"""Django settings out of a conformance profile."""

from datetime import timedelta

BUILT_IN_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
HASHERS = [
    "PBKDF2PasswordHasher",
    "PBKDF2SHA1PasswordHasher",
    "Argon2PasswordHasher",
    "BCryptSHA256PasswordHasher",
    "ScryptPasswordHasher",
]


def simple_jwt_of(profile):
    """The `SIMPLE_JWT` dictionary: lifetimes are seconds in a profile."""
    return {
        name: timedelta(seconds=value) if name.endswith("_LIFETIME") else value
        for name, value in profile["simple_jwt"].items()
    }


def apps_of(profile):
    optional = {
        "rest_framework_simplejwt": profile["simplejwt_app"],
        "rest_framework_simplejwt.token_blacklist": profile["blacklist_app"],
        "customers": profile["user_model"] == "customer-email",
    }
    return BUILT_IN_APPS + [name for name, installed in optional.items() if installed]


def middleware_of(profile):
    locale = ["django.middleware.locale.LocaleMiddleware"] if profile["locale_middleware"] else []
    return [*locale, "django.middleware.common.CommonMiddleware"]


def settings_of(profile, database):
    return {
        "DEBUG": profile["debug"],
        "SECRET_KEY": profile["secret_key"],
        "SIMPLE_JWT": simple_jwt_of(profile),
        "INSTALLED_APPS": apps_of(profile),
        "MIDDLEWARE": middleware_of(profile),
        "AUTH_USER_MODEL": "customers.Customer" if profile["user_model"] == "customer-email" else "auth.User",
        "DATABASES": {
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database, "OPTIONS": {"timeout": 20}}
        },
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "PASSWORD_HASHERS": [f"django.contrib.auth.hashers.{name}" for name in profile.get("hashers", HASHERS)],
        "LANGUAGE_CODE": profile["language_code"],
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "ALLOWED_HOSTS": ["*"],
        "APPEND_SLASH": True,
        "ROOT_URLCONF": "urls",
        "STATIC_URL": "/static/",
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    }
