from .base import *  # noqa: F403
from .base import DATABASES
from .base import env

SECRET_KEY = env("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["bookshop.example.com"])
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
CORS_ALLOWED_ORIGIN_REGEXES = [r"^https://\w+\.bookshop\.example\.com$"]
