# Run by `manage.py shell -c`: puts Django on a copy of its database, as its own test runner does, and serves it until
# standard input ends. Then the copies are removed, also if whoever started this was killed. The original is only read.
import json
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application
from django.db import connections, router
from django.test.utils import override_settings
from django.utils import timezone
from rest_framework.settings import api_settings
from rest_framework.views import APIView

PROGRESS_SECONDS = 5
POSTGRES_REASONS = {
    "42501": "the role may not create databases (ALTER ROLE … CREATEDB lets it)",
    "55006": "the database is in use, so that it can only be copied by pg_dump and psql, which are not installed here",
}


class Failed(Exception):
    """A sentence for whoever started this."""


def tell(**event):
    print("\ntokenpair: " + json.dumps(event), flush=True)


def size_text(number):
    for unit in ("bytes", "KB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


class Ending:
    """Whether standard input has ended, which is to stop whatever goes on."""

    def __init__(self):
        self.has_come = threading.Event()
        self.interrupt = lambda: None
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self):
        # Past Python's buffer, whose lock would make the interpreter abort when it ends meanwhile.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        self.has_come.set()
        self.interrupt()

    def stops(self, interrupt):
        """Has `interrupt` called when the end comes, or now."""
        self.interrupt = interrupt
        if self.has_come.is_set():
            interrupt()

    def check(self):
        self.interrupt = lambda: None
        if self.has_come.is_set():
            raise Failed("it was stopped")


class Sqlite:
    """Two files in the folder that was named."""

    def __init__(self, connection, order, ending):
        self.source = str(connection.settings_dict["NAME"])
        if not os.path.isfile(self.source):
            raise Failed(f"the database is no file that could be copied: {self.source}")
        self.folder = Path(order["folder"])
        self.django, self.tokenpair = (str(self.folder / f"{name}.sqlite3") for name in ("django", "tokenpair"))
        self.ending = ending

    def copy(self):
        size = os.path.getsize(self.source)
        tell(progress=f"copying {self.source} ({size_text(size)})")
        free = shutil.disk_usage(self.folder).free
        if free < 2 * size:
            raise Failed(
                f"two copies need {size_text(2 * size)} and {self.folder.parent} has {size_text(free)} left: "
                "name another folder with --copies"
            )
        # Read-only wherever there is something to write back; else writable, or reading would leave SQLite's own files.
        pending = any(os.path.exists(self.source + suffix) for suffix in ("-wal", "-journal"))
        address = f"{Path(self.source).absolute().as_uri()}?mode={'ro' if pending else 'rw'}"
        connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            self.ending.stops(connection.interrupt)
            connection.execute("VACUUM INTO ?", [self.django])
        except sqlite3.OperationalError as error:
            self.ending.check()
            raise Failed(f"{self.source} cannot be copied: {error}") from error
        finally:
            connection.close()
        self.ending.check()

    def copy_again(self):
        shutil.copyfile(self.django, self.tokenpair)

    def is_at_copy(self, cursor):
        cursor.execute("PRAGMA database_list")
        return any(os.path.samefile(row[2], self.django) for row in cursor.fetchall() if row[1] == "main")

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres:
    """Two databases beside the original."""

    def __init__(self, connection, order, ending):
        self.admin = connection.copy()
        with self.admin.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            (self.source,) = cursor.fetchone()
        self.admin.close()
        of = re.sub(r"\W", "_", self.source, flags=re.ASCII)[:24]
        begin = f"tokenpair_shadow_{of}_{order['label']}"
        self.django, self.tokenpair = f"{begin}_django", f"{begin}_tokenpair"
        self.ending = ending

    def copy(self):
        ((size,),) = self.execute("SELECT pg_database_size(current_database())")
        tell(progress=f"copying the database {self.source} ({size_text(size)})")
        if shutil.which("pg_dump") and shutil.which("psql"):
            self.create_like_source()
            self.dump_and_restore()
        else:
            self.create(self.django, self.source)

    def copy_again(self):
        self.create(self.tokenpair, self.django)

    def is_at_copy(self, cursor):
        cursor.execute("SELECT current_database()")
        return cursor.fetchone()[0] == self.django

    def remove(self):
        for name in (self.django, self.tokenpair):
            try:
                self.drop(name)
            except Exception as error:
                tell(left=name, reason=type(error).__name__)

    def drop(self, name):
        """Whoever is connected is thrown out, and cannot come back meanwhile where PostgreSQL is new enough."""
        force = "WITH (FORCE)" if self.admin.pg_version >= 13_00_00 else ""
        self.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        self.execute(f'DROP DATABASE IF EXISTS "{name}" {force}')

    def execute(self, statement, values=None):
        """By a session of its own in the original database, where the role may be in any case."""
        try:
            with self.admin.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            self.admin.close()

    def create(self, name, template, more=""):
        try:
            template = template.replace('"', '""')
            self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {more}')
        except Exception as error:
            cause = error.__cause__
            code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
            reason = POSTGRES_REASONS.get(code, f"PostgreSQL says {type(cause or error).__name__} {code or ''}".strip())
            raise Failed(
                f"no copy of {self.source} can be made: {reason}; "
                "or make two copies, serve them yourself and name them with --django and --tokenpair"
            ) from error

    def create_like_source(self):
        ((encoding, collate, ctype),) = self.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()"
        )
        text = "'{}'".format
        more = f"ENCODING {text(encoding)} LC_COLLATE {text(collate)} LC_CTYPE {text(ctype)}"
        self.create(self.django, "template0", more)

    def command(self, program, name, *arguments):
        """The command line and the environment, where the password is."""
        line, env = self.admin.client.settings_to_cmd_args_env({**self.admin.settings_dict, "NAME": name}, list(arguments))
        return {"args": [program, *line[1:]], "env": {**os.environ, **(env or {})}}

    def dump_and_restore(self):
        with tempfile.TemporaryFile() as errors:
            dump = subprocess.Popen(
                **self.command(
                    "pg_dump", self.source, "--no-owner", "--no-privileges", "--no-comments", "--no-publications",
                    "--no-subscriptions", "--no-security-labels",
                ),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )
            restore = subprocess.Popen(
                **self.command("psql", self.django, "-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1"),
                stdin=dump.stdout, stdout=subprocess.DEVNULL, stderr=errors,
            )
            dump.stdout.close()
            self.ending.stops(lambda: (dump.kill(), restore.kill()))
            self.wait(restore)
            is_copied = dump.wait() == 0 and restore.returncode == 0
            self.ending.check()
            if not is_copied:
                errors.seek(0)
                # What follows such a line (DETAIL, CONTEXT) may quote a row, and so a password hash.
                lines = errors.read().decode(errors="replace").splitlines()
                last = [line for line in lines if line.startswith(("pg_dump: error", "psql:", "ERROR:"))][-1:]
                raise Failed(f"{self.source} cannot be copied: {' '.join(last) or 'pg_dump or psql failed'}")

    def wait(self, restore):
        while True:
            try:
                return restore.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                ((size,),) = self.execute("SELECT pg_database_size(%s)", [self.django])
                tell(progress=f"copied {size_text(size)}")


KINDS = {"sqlite": Sqlite, "postgresql": Postgres}


def move_to(copies, alias):
    """Points every connection of this process to the copy, from now on."""
    connections.close_all()
    database = connections.settings[alias]
    for other in connections.settings:
        if hasattr(connections[other], "close_pool"):
            connections[other].close_pool()
        del connections[other]
    database["NAME"] = copies.django
    for other, configured in connections.settings.items():
        if other != alias:
            configured.clear()
            configured.update(database)
    for other in connections.settings:
        with connections[other].cursor() as cursor:
            if not copies.is_at_copy(cursor):
                raise Failed(f"the project's database {other!r} cannot be replaced by a copy")
    connections.close_all()


def guard_surroundings():
    """What would refuse a visitor of this machine's, or touch what is not in the database, is not used."""
    cache = "django.core.cache.backends.locmem.LocMemCache"
    override_settings(
        DEBUG=False,
        ALLOWED_HOSTS=["*"],
        SECURE_SSL_REDIRECT=False,
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        CACHES={alias: {"BACKEND": cache, "LOCATION": alias} for alias in settings.CACHES},
    ).enable()


def switch_throttles_off():
    """The limits of a person would be reached at once, and every later answer would be 429."""
    APIView.check_throttles = lambda view, request: None
    if not api_settings.DEFAULT_THROTTLE_CLASSES:
        return []
    return ["Django's throttles are off for this run: tokenpair has none, and a proxy can limit requests"]


def value_for(field, name):
    """Something that a column without a default may hold."""
    if field.choices:
        return next(value for value, _ in field.flatchoices)
    if field.is_relation:
        return field.related_model._base_manager.values_list(field.target_field.attname, flat=True).first()
    kind = field.get_internal_type()
    if "DateTime" in kind:
        return timezone.now()
    if "Date" in kind:
        return timezone.now().date()
    if "Integer" in kind:
        return secrets.randbelow(2**15 if "Small" in kind else 2**31)
    if kind == "UUIDField":
        return secrets.token_hex(16)
    if kind in ("BooleanField", "DecimalField", "FloatField"):
        return 0
    text = f"{name}@example.com" if "email" in type(field).__name__.lower() else name
    return text[: field.max_length]


def make_user(model, is_active):
    """A user whose making sets nothing off: neither `save` nor a signal of the project's is run."""
    user, password = model(), secrets.token_urlsafe(12)
    name = f"shadow-{secrets.token_hex(4)}"
    user.password = make_password(password)
    for field in model._meta.concrete_fields:
        is_given = field.null or field.has_default() or "AutoField" in field.get_internal_type()
        is_missing = field.unique or getattr(user, field.attname) in (None, "") and not field.blank
        if field.name == model.USERNAME_FIELD or is_missing and not is_given:
            setattr(user, field.attname, value_for(field, name))
        if field.name == "is_active":
            user.is_active = is_active
    model._base_manager.bulk_create([user])
    return described(model, getattr(user, model.USERNAME_FIELD), password)


def described(model, username, password):
    user = model._base_manager.get(**{model.USERNAME_FIELD: username})
    return {"username": str(username), "password": password, "is_active": bool(getattr(user, "is_active", True))}


def let_in(model, name):
    """A user of the project's, with a password that only this copy knows."""
    try:
        user = model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist:
        raise Failed(f"there is no user {name!r} in the database") from None
    password = secrets.token_urlsafe(12)
    model._base_manager.filter(pk=user.pk).update(password=make_password(password))
    return described(model, user.get_username(), password)


def users(order):
    model = get_user_model()
    found, notes = [let_in(model, name) for name in order["users"]], []
    for is_active in (True, False):
        try:
            found.append(make_user(model, is_active))
        except Exception as error:
            notes.append(f"no user could be added to the copy ({type(error).__name__}): name one of yours with --user")
            break
    return found, notes


class Handler(WSGIRequestHandler):
    def get_environ(self):
        """Without the `text/plain` that wsgiref, unlike other servers, makes of a missing Content-Type."""
        return {**super().get_environ(), "CONTENT_TYPE": self.headers.get("Content-Type", "")}


def serve():
    server = ThreadedWSGIServer(("127.0.0.1", 0), Handler)
    server.set_app(get_internal_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(order, ending):
    alias = router.db_for_write(get_user_model())
    connection = connections[alias]
    if connection.vendor not in KINDS:
        raise Failed(f"databases of kind {connection.vendor!r} are not supported")
    copies = KINDS[connection.vendor](connection, order, ending)
    source = copies.source
    try:
        copies.copy()
        guard_surroundings()
        throttled = switch_throttles_off()
        move_to(copies, alias)
        found, notes = users(order)
        notes += throttled
        connections.close_all()
        copies.copy_again()
        ending.check()
        others = sorted(set(connections.settings) - {alias})
        if others:
            notes.append(f"the project's databases {', '.join(others)} are not copied: they lead to the copy of {alias}")
        server = serve()
        tell(
            ready=f"http://127.0.0.1:{server.server_port}", kind=connection.vendor, source=source,
            copy=copies.tokenpair, users=found, notes=notes,
            language=settings.LANGUAGE_CODE if settings.USE_I18N else "en",
        )
        ending.has_come.wait()
        server.shutdown()
    finally:
        connections.close_all()
        copies.remove()


def main():
    # Whoever stops a group of processes stops the one that we wait for, too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    order = json.loads(sys.stdin.buffer.readline())
    try:
        run(order, Ending())
    except Failed as failure:
        tell(failed=str(failure))
        sys.exit(1)


main()
