"""Records into django_postgres.json what Django creates in PostgreSQL for auth and Simple JWT's blacklist.

pip install django==5.2.19 djangorestframework-simplejwt==5.5.1 'psycopg[binary]'
python django_postgres.py HOST PORT USER PASSWORD   (of a server where databases can be made)
"""

import json
import pathlib
import sys
from importlib import metadata

import django
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

NAME = "tokenpair_recording"
HERE = pathlib.Path(__file__)
HISTORY = "SELECT app, name FROM django_migrations ORDER BY app, name"

host, port, user, password = sys.argv[1:]


def administer(*statements):
    with psycopg.connect(host=host, port=port, user=user, password=password, dbname="postgres", autocommit=True) as db:
        for statement in statements:
            db.execute(statement)


def rows(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [list(row) for row in cursor.fetchall()]


administer(f"DROP DATABASE IF EXISTS {NAME}", f"CREATE DATABASE {NAME} TEMPLATE template0")
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": NAME,
            "HOST": host,
            "PORT": port,
            "USER": user,
            "PASSWORD": password,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework_simplejwt.token_blacklist",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
call_command("migrate", verbosity=0)
recording = {
    "django": metadata.version("django"),
    "simplejwt": metadata.version("djangorestframework-simplejwt"),
    "objects": [line for [line] in rows(HERE.with_suffix(".sql").read_text())],
    "history": rows(HISTORY),
}
connection.close()
administer(f"DROP DATABASE {NAME}")
HERE.with_suffix(".json").write_text(json.dumps(recording, indent=1) + "\n")
