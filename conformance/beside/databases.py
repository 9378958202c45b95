"""Fresh SQLite files and PostgreSQL databases: how each server is told of one, what is in it."""

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import django
import psycopg
from psycopg.rows import dict_row

_numbers = count(1)
# Durability is not the subject. Django before 5.1 has no such option.
SPARING = {"init_command": "PRAGMA synchronous=OFF"} if django.VERSION >= (5, 1) else {}


class Sqlite:
    """An SQLite file, made by whoever opens it first."""

    kind = "SQLite"
    # Further entries of tokenpair's section `[database]`.
    ours = {}

    def __init__(self, folder, name=None, **options):
        self.options = options
        self.path = Path(folder) / (name or f"{next(_numbers)}.sqlite3")
        self.url = f"sqlite:{self.path}"

    @contextmanager
    def copied(self):
        """Yields a new database with the same content, which is gone afterwards. Nobody may be using the old one."""
        other = Sqlite(self.path.parent)
        if self.path.exists():
            shutil.copyfile(self.path, other.path)
        yield other
        for path in other.path.parent.glob(f"{other.path.name}*"):
            path.unlink()

    def named(self, name):
        return Sqlite(self.path.parent, name)

    def with_options(self, **options):
        """The same file, with further `OPTIONS` in Django's settings."""
        return Sqlite(self.path.parent, self.path.name, **options)

    def django(self):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self.path),
            "OPTIONS": {**SPARING, **self.options},
            "TEST": {"NAME": f"{self.path}.test"},
        }

    @contextmanager
    def _connect(self):
        with closing(sqlite3.connect(self.path, timeout=20, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def query(self, statement):
        with self._connect() as connection:
            return [dict(row) for row in connection.execute(statement)]

    def schema(self):
        """Everything that makes up the schema, as text, by table."""
        rows = self.query("SELECT tbl_name, type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        return _by_table(rows)


class Postgres:
    """A database of the server that `server` (an address of one of its databases) leads to."""

    kind = "PostgreSQL"
    # More than usual: how long a busy machine takes to connect is not the subject.
    ours = {"acquire_timeout": "10s"}

    def __init__(self, server, name=None):
        self.server = server
        self.name = name or f"beside_{os.getpid()}_{next(_numbers)}"
        self.url = urlsplit(server)._replace(path=f"/{self.name}").geturl()

    @contextmanager
    def copied(self):
        """Yields a new database with the same content, which is gone afterwards. Nobody may be using the old one."""
        other = Postgres(self.server)
        self._administer(f"CREATE DATABASE {other.name} TEMPLATE {self.name}")
        try:
            yield other
        finally:
            self._administer(f"DROP DATABASE {other.name} WITH (FORCE)")

    @contextmanager
    def in_locale(self, locale):
        """Yields a new, empty database whose letters are those of a locale."""
        other = Postgres(self.server)
        self._administer(f"CREATE DATABASE {other.name} TEMPLATE template0 ENCODING 'UTF8' LOCALE '{locale}'")
        try:
            yield other
        finally:
            self._administer(f"DROP DATABASE {other.name} WITH (FORCE)")

    def named(self, name):
        return Postgres(self.server, name)

    def django(self):
        address = urlsplit(self.url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.name,
            "USER": address.username,
            "PASSWORD": address.password,
            "HOST": address.hostname,
            "PORT": address.port,
            "CONN_MAX_AGE": 60,
        }

    def _administer(self, statement):
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(statement)

    def query(self, statement):
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def schema(self):
        """Everything that makes up the schema, as text, by table."""
        return _by_table(self.query(CATALOGUE))


CATALOGUE = """
SELECT c.relname AS tbl_name, 'column' AS type, a.attname AS name,
       concat_ws(' ', a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 pg_get_expr(d.adbin, d.adrelid)) AS sql
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT conrelid::regclass::text, 'constraint', conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT tablename, 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT sequencename, 'sequence', sequencename,
       concat_ws(' ', data_type, start_value, min_value, max_value, increment_by, cycle)
  FROM pg_sequences WHERE schemaname = 'public'
"""


def _by_table(rows):
    tables = {}
    for row in rows:
        tables.setdefault(row["tbl_name"], set()).add((row["type"], row["name"], row["sql"]))
    return tables
