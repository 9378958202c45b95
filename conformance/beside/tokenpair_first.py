"""tokenpair makes the tables, and Django takes them for its own: checks, migrations, admin."""

from . import admin, fixtures
from .admin import ADMIN
from .django_side import in_django
from .flaw import expect, same
from .profiles import INTEGER
from .servers import Client

NAMES = ["ada", "grace"]


def check(scene, profile):
    """`profile` is of a database without tables. Returns what to say about it."""
    profile = profile.but(simple_jwt={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True})
    if profile.users is INTEGER:
        scene.program.run(profile, "migrate")
        made = set(profile.database.schema())
        expect("django_session" not in made, "tokenpair made Django's sessions")
    else:  # the table of a model of one's own is made by its application
        in_django(profile, fixtures.migrate, profile.users.app.rsplit(".", 1)[1])
        scene.program.run(profile, "migrate")
    same("Django's migrations of the apps that tokenpair made", [], in_django(profile, _pending, _apps(profile)))
    before = profile.database.schema()
    in_django(profile, fixtures.migrate)
    after = profile.database.schema()
    same("what Django's migrate changed in the tables that were there", {}, _changed(before, after))
    in_django(profile, fixtures.expect_clean)
    _create_users(scene, profile)
    with scene.tokenpair(profile) as port:
        fixtures.make_tokens(Client(port, "tokenpair"), profile, NAMES)
    pages = admin.check(scene, profile, NAMES)
    in_django(profile, fixtures.expect_clean)
    return f"Django's checks clean, {pages} pages of its admin"


def _apps(profile):
    return ["contenttypes", "auth", "token_blacklist"]


def _pending(apps):
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] in apps]
    return [str(migration) for migration, _backwards in executor.migration_plan(targets)]


def _changed(before, after):
    """Foreign keys that Django's own new tables have are theirs; what is listed is of tables that were there."""
    return {table: (parts, after.get(table)) for table, parts in before.items() if parts != after.get(table)}


def _create_users(scene, profile):
    """By tokenpair's commands where it may create users."""
    if profile.users is INTEGER:
        for name in NAMES:
            scene.program.run(profile, "createuser", "--username", name, "--password-stdin", text=fixtures.PASSWORD)
        scene.program.run(
            profile, "createuser", "--username", ADMIN, "--superuser", "--password-stdin", text=fixtures.PASSWORD
        )
    else:
        in_django(profile, fixtures.create_users, NAMES)
        in_django(profile, fixtures.create_superuser, ADMIN)
