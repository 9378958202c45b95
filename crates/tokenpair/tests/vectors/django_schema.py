"""Records into django_schema.json what Django creates in SQLite for auth and Simple JWT's blacklist.

pip install django==5.2.19 djangorestframework-simplejwt==5.5.1 && python django_schema.py
"""

import json
import pathlib
import tempfile
from importlib import metadata

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name"
HISTORY = "SELECT app, name FROM django_migrations ORDER BY app, name"


def rows(sql):
    with connection.cursor() as cursor:
        return [list(row) for row in cursor.execute(sql).fetchall()]


with tempfile.TemporaryDirectory() as folder:
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db.sqlite3"}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "rest_framework_simplejwt.token_blacklist",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    )
    django.setup()
    call_command("migrate", verbosity=0)
    recording = {
        "django": metadata.version("django"),
        "simplejwt": metadata.version("djangorestframework-simplejwt"),
        "objects": rows(OBJECTS),
        "history": rows(HISTORY),
    }
    connection.close()

target = pathlib.Path(__file__).with_suffix(".json")
target.write_text(json.dumps(recording, indent=1) + "\n")
