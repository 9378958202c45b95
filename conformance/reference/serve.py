#!/usr/bin/env python3
"""Serves Simple JWT itself, configured by a profile, as the oracle of the conformance suite.

    serve.py PROFILE.json PORT DB

Creates a fresh SQLite database at DB with the profile's users and listens on 127.0.0.1:PORT until it is killed. With
`"existing_database": true` in the profile DB is used as it is: neither created nor seeded.

Needs the packages of requirements.txt.
"""

import json
import sys
import uuid
from pathlib import Path

import django
from django.conf import settings
from project import settings_of


def load_profile(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def create_database(path, profile):
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    for leftover in (path, f"{path}-journal", f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    call_command("migrate", verbosity=0)
    user_model = get_user_model()
    columns = {field.name for field in user_model._meta.fields}
    for row in profile["users"]:
        known = {name: value for name, value in row.items() if name in columns and name != "password"}
        if "public_id" in known:
            known["public_id"] = uuid.UUID(known["public_id"])
        user_model.objects.create(password=row["encoded"], **known)


def serve(port):
    from django.core.wsgi import get_wsgi_application
    from django.db import connections
    from gunicorn.app.base import BaseApplication

    class Gunicorn(BaseApplication):
        def load_config(self):
            self.cfg.set("control_socket_disable", True)  # it would live in the HOME of whoever runs the tests
            self.cfg.set("bind", f"127.0.0.1:{port}")
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("threads", 8)
            self.cfg.set("timeout", 300)
            self.cfg.set("graceful_timeout", 1)
            self.cfg.set("loglevel", "warning")

        def load(self):
            return get_wsgi_application()

    connections.close_all()
    Gunicorn().run()


def main(arguments):
    if len(arguments) != 3:
        sys.exit(__doc__)
    profile_path, port, database = arguments
    profile = load_profile(profile_path)
    settings.configure(**settings_of(profile, database))
    django.setup()
    if not profile.get("existing_database"):
        create_database(database, profile)
    serve(int(port))


if __name__ == "__main__":
    main(sys.argv[1:])
