# Run by `manage.py shell -c`: prints what tokenpair needs to know of this project, as one line of JSON. Changes nothing.
import datetime
import importlib.metadata
import json
import pathlib
import re

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import get_hashers
from django.urls import get_resolver
from django.utils.functional import Promise

NAMES = """
SIMPLE_JWT SECRET_KEY DATABASES DATABASE_ROUTERS INSTALLED_APPS AUTH_USER_MODEL ROOT_URLCONF REST_FRAMEWORK MIDDLEWARE
USE_TZ TIME_ZONE USE_I18N LANGUAGE_CODE AUTHENTICATION_BACKENDS FORCE_SCRIPT_NAME DATA_UPLOAD_MAX_MEMORY_SIZE
UPDATE_LAST_LOGIN JWT_AUTH
""".split()
ROUNDS = {
    "pbkdf2_sha256": {"iterations": "pbkdf2_sha256_iterations"},
    "pbkdf2_sha1": {"iterations": "pbkdf2_sha1_iterations"},
    "argon2": {
        "time_cost": "argon2_time_cost",
        "memory_cost": "argon2_memory_cost",
        "parallelism": "argon2_parallelism",
    },
    "bcrypt_sha256": {"rounds": "bcrypt_rounds"},
    "bcrypt": {"rounds": "bcrypt_rounds"},
    "scrypt": {
        "work_factor": "scrypt_work_factor",
        "block_size": "scrypt_block_size",
        "parallelism": "scrypt_parallelism",
    },
}
VIEWS = "rest_framework_simplejwt.views"


def plain(value):
    if isinstance(value, Promise):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime.timedelta):
        return {"timedelta": value // datetime.timedelta(microseconds=1)}
    if isinstance(value, pathlib.PurePath):
        return {"path": str(value)}
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, dict):
        return {"dict": [[str(name), plain(member)] for name, member in value.items()]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(member) for member in value]
    if hasattr(value, "__qualname__"):
        return {"name": f"{value.__module__}.{value.__qualname__}"}
    return {"unknown": type(value).__name__}


def user():
    model = get_user_model()
    if model._meta.label == "auth.User":
        return None
    remarks = []
    for name in ("check_password", "get_session_auth_hash"):
        if getattr(model, name) is not getattr(AbstractBaseUser, name, None):
            remarks.append(f"the model's own {name}, which is Python code, is not asked")
    manager = type(model._default_manager)
    if getattr(manager, "get_by_natural_key", None) is not BaseUserManager.get_by_natural_key:
        remarks.append("its manager's get_by_natural_key, which is Python code, is not asked")
    return {
        "name": model._meta.label,
        "table": model._meta.db_table,
        "username_field": model.USERNAME_FIELD,
        "tables": len(model._meta.get_parent_list()) + 1,
        "remarks": remarks,
        "fields": [
            [field.name, field.column, field.get_internal_type(), field.primary_key]
            for field in model._meta.concrete_fields
        ],
    }


def wrapper(callback):
    """A decorator around the view other than those that REST framework itself puts there."""
    while callback is not None:
        code = getattr(callback, "__code__", None)
        place = code.co_filename.replace("\\", "/") if code else ""
        if not place.endswith(("django/views/decorators/csrf.py", "django/views/generic/base.py", "rest_framework/views.py")):
            return getattr(code, "co_qualname", getattr(code, "co_name", "something"))
        callback = getattr(callback, "__wrapped__", None)
    return None


def view(callback):
    cls = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if cls is None:
        return None
    base = next((each for each in cls.__mro__ if each.__module__ == VIEWS and each.__name__.endswith("View")), None)
    if base is None:
        return None
    own = cls.__mro__[: cls.__mro__.index(base)]
    names = sorted({name for each in own for name in vars(each) if not name.startswith("__")})
    how = []
    if names or len(cls.__bases__) > 1 and own:
        how.append("has its own " + ", ".join(names) if names else "adds further bases")
    given = sorted(getattr(callback, "initkwargs", {}))
    if given:
        how.append("is given " + ", ".join(given))
    around = wrapper(callback)
    if around:
        how.append(f"is wrapped in {around}")
    return {"class": f"{cls.__module__}.{cls.__qualname__}", "base": base.__name__, "how": " and ".join(how)}


def part(pattern):
    if hasattr(pattern, "_route"):
        return ["path", str(pattern._route)]
    if hasattr(pattern, "_regex"):
        return ["regex", str(pattern._regex)]
    return ["language", ""]


def routes(patterns, parts):
    for pattern in patterns:
        here = [*parts, part(pattern.pattern)]
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, here)
        else:
            found = view(pattern.callback)
            if found:
                yield {**found, "parts": here}


def hashers():
    names, rounds = [], {}
    for hasher in get_hashers():
        names.append(hasher.algorithm)
        for attribute, name in ROUNDS.get(hasher.algorithm, {}).items():
            rounds[name] = getattr(hasher, attribute)
    return names, rounds


def simple_jwt():
    try:
        return importlib.metadata.version("djangorestframework_simplejwt")
    except importlib.metadata.PackageNotFoundError:
        return None


def facts():
    names, rounds = hashers()
    wanted = {name: plain(getattr(settings, name)) for name in NAMES if hasattr(settings, name)}
    wanted.update({name: plain(getattr(settings, name)) for name in dir(settings) if name.startswith("CORS_")})
    return {
        "django": django.get_version(),
        "simple_jwt": simple_jwt(),
        "module": settings.SETTINGS_MODULE,
        "settings": wanted,
        "hashers": names,
        "rounds": rounds,
        "user": user(),
        "routes": list(routes(get_resolver().url_patterns, [])),
    }


print("\ntokenpair: " + json.dumps(facts()))
