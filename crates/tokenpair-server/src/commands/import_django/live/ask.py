# Run by `manage.py shell -c`: prints what tokenpair needs to know of this project, as one line of JSON. Changes nothing.
import datetime
import importlib.metadata
import inspect
import json
import pathlib
import re

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import get_hashers
from django.db.models.query_utils import DeferredAttribute
from django.urls import get_resolver
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from rest_framework.permissions import AllowAny

NAMES = """
SIMPLE_JWT SECRET_KEY DATABASES DATABASE_ROUTERS INSTALLED_APPS AUTH_USER_MODEL ROOT_URLCONF REST_FRAMEWORK MIDDLEWARE
USE_TZ TIME_ZONE USE_I18N LANGUAGE_CODE AUTHENTICATION_BACKENDS FORCE_SCRIPT_NAME DATA_UPLOAD_MAX_MEMORY_SIZE
CSRF_TRUSTED_ORIGINS UPDATE_LAST_LOGIN JWT_AUTH
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
SERIALIZER = "rest_framework_simplejwt.serializers.TokenObtainPairSerializer"


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


def place(thing):
    """Where a class or a function is written."""
    try:
        lines, line = inspect.getsourcelines(thing)
    except (OSError, TypeError):
        return {"file": None, "line": None}
    # A method is known by its `def`, below its decorators.
    above = 0 if inspect.isclass(thing) else next((n for n, text in enumerate(lines) if text.lstrip().startswith("def ")), 0)
    return {"file": inspect.getsourcefile(thing), "line": line + above}


def backends():
    found = []
    for name in settings.AUTHENTICATION_BACKENDS:
        method = vars(import_string(name)).get("authenticate")
        if method is not None and not name.startswith("django."):
            found.append({"name": name, **place(method)})
    return found


def kind(field):
    """Django's kind of field, or the field's own class where Python code stands between the column and the attribute."""
    is_plain = field.is_relation or field.descriptor_class is DeferredAttribute and not hasattr(field, "from_db_value")
    return field.get_internal_type() if is_plain else type(field).__name__


def user():
    model = get_user_model()
    if model._meta.label == "auth.User":
        return None
    remarks = []
    for name in ("check_password", "get_session_auth_hash", "is_active"):
        own = getattr(model, name)
        is_column = any(field.name == name for field in model._meta.concrete_fields)
        if not is_column and own is not True and own is not getattr(AbstractBaseUser, name, None):
            text = f"the model's own {name}, which is Python code, is not asked"
            remarks.append({"text": text, **place(getattr(own, "fget", own))})
    manager = type(model._default_manager)
    lookup = getattr(manager, "get_by_natural_key", None)
    if lookup is not BaseUserManager.get_by_natural_key:
        text = "its manager's get_by_natural_key, which is Python code, is not asked"
        remarks.append({"text": text, **place(lookup)})
    return {
        "name": model._meta.label,
        "table": model._meta.db_table,
        "username_field": model.USERNAME_FIELD,
        "tables": len({model._meta.db_table, *(each._meta.db_table for each in model._meta.get_parent_list())}),
        "remarks": remarks,
        "fields": [
            [field.name, field.column, kind(field), field.primary_key, field.null]
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


def serializer(cls):
    """Where a log-in serializer is written that is right on top of Simple JWT's."""
    if [f"{base.__module__}.{base.__qualname__}" for base in cls.__bases__] != [SERIALIZER]:
        return None
    return {"name": cls.__qualname__, **place(cls)}


def setting():
    name = getattr(settings, "SIMPLE_JWT", {}).get("TOKEN_OBTAIN_SERIALIZER")
    try:
        return serializer(import_string(name)) if isinstance(name, str) else None
    except ImportError:
        return None


def is_of_rest_auth(cls):
    """dj-rest-auth's views that hand out tokens."""
    uses_tokens = getattr(settings, "REST_AUTH", {}).get("USE_JWT", getattr(settings, "REST_USE_JWT", False))
    names = ("LoginView", "LogoutView", "RefreshViewWithCookieSupport")
    return uses_tokens and any(each.__module__.startswith("dj_rest_auth.") and each.__name__ in names for each in cls.__mro__)


def is_harmless(cls, name):
    """Whether an attribute of a view says what Simple JWT's says, or is there for documentation only."""
    if name == "permission_classes":
        return all(each is AllowAny for each in cls.permission_classes)
    return name in ("schema", "swagger_schema") or name == "authentication_classes" and not cls.authentication_classes


def view(callback):
    cls = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if cls is None:
        return None
    if is_of_rest_auth(cls):
        return {"class": f"{cls.__module__}.{cls.__qualname__}".split(".<locals>")[0], "how": ""}
    base = next((each for each in cls.__mro__ if each.__module__ == VIEWS and each.__name__.endswith("View")), None)
    if base is None:
        return None
    own = cls.__mro__[: cls.__mro__.index(base)]
    names = sorted({name for each in own for name in vars(each) if not name.startswith("__") and not is_harmless(cls, name)})
    how = []
    if names or len(cls.__bases__) > 1 and own:
        how.append("has its own " + ", ".join(names) if names else "adds further bases")
    given = sorted(getattr(callback, "initkwargs", {}))
    if given:
        how.append("is given " + ", ".join(given))
    around = wrapper(callback)
    if around:
        how.append(f"is wrapped in {around}")
    is_serializer = names == ["serializer_class"] and len(how) == 1 and len(cls.__bases__) == 1
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "base": base.__name__,
        "how": " and ".join(how),
        "serializer": serializer(cls.serializer_class) if is_serializer else None,
    }


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
        "serializer": setting(),
        "backends": backends(),
        "routes": list(routes(get_resolver().url_patterns, [])),
    }


print("\ntokenpair: " + json.dumps(facts()))
