from .base import *

DEBUG = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
    }
}
SIMPLE_JWT["ISSUER"] = f"https://{'shop'}.example.com"
SIMPLE_JWT.update({"AUDIENCE": ["shop", "admin"]})

try:
    from .secret import *
except ImportError:
    pass
