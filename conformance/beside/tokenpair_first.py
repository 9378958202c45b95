"""tokenpair makes the tables, and Django takes them for its own: checks, migrations, admin."""

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .profiles import INTEGER
from .servers import Client

NAMES = ["ada", "grace"]
ADMIN = "root"


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
    _make_tokens(scene, profile)
    pages = in_django(profile, _administer)
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
        in_django(profile, _create_superuser)


def _create_superuser():
    fixtures.create_users([ADMIN], is_staff=True, is_superuser=True)


def _make_tokens(scene, profile):
    """For each user one token that is outstanding and one that is blacklisted."""
    with scene.tokenpair(profile) as port:
        client = Client(port)
        for name in NAMES:
            answer = client.log_in("/api/token/", profile.users, name, fixtures.PASSWORD)
            same(f"log-in of {name}", 200, answer.status)
            answer = client.post("/api/token/refresh/", {"refresh": answer.body["refresh"]})
            same(f"refresh of {name}", 200, answer.status)
        client.close()


def _administer():
    """A superuser whom tokenpair may have made logs in, looks at everything and deletes it. Returns how many pages."""
    from django.contrib import admin
    from django.contrib.auth import get_user_model
    from django.test import Client as DjangoClient
    from django.urls import reverse
    from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

    user_model = get_user_model()
    client = DjangoClient()
    expect(
        client.login(**{user_model.USERNAME_FIELD: ADMIN, "password": fixtures.PASSWORD}), "no log-in to Django's admin"
    )
    pages = 0

    def page(model, action, *keys, data=None, status=200):
        nonlocal pages
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}"
        path = reverse(name, args=keys)
        answer = client.get(path) if data is None else client.post(path, data)
        same(f"Django's admin, {action} of {model.__name__}", status, answer.status_code)
        pages += 1
        return answer.content.decode()

    def delete(row):
        page(type(row), "delete", row.pk)
        page(type(row), "delete", row.pk, data={"post": "yes"}, status=302)
        expect(not type(row).objects.filter(pk=row.pk).exists(), f"Django's admin did not delete {row!r}")

    for model, rows in ((user_model, 3), (OutstandingToken, 4), (BlacklistedToken, 2)):
        same(f"rows of {model.__name__}", rows, model.objects.count())
        listed = page(model, "changelist")
        for row in model.objects.all():
            shown = row.token.jti if model is BlacklistedToken else getattr(row, "jti", row)
            expect(str(shown) in listed, f"{row!r} is not in the admin's list")
            page(model, "change", row.pk)

    delete(BlacklistedToken.objects.first())
    # Simple JWT's own page lets nobody delete these; a project that does has a page like this.
    page(OutstandingToken, "delete", OutstandingToken.objects.first().pk, status=403)
    type(admin.site._registry[OutstandingToken]).has_delete_permission = lambda *_: True
    delete(BlacklistedToken.objects.first().token)
    same("blacklisted tokens after their outstanding ones are gone", 0, BlacklistedToken.objects.count())
    for name in NAMES:
        delete(user_model.objects.get(**{user_model.USERNAME_FIELD: name}))
    same("tokens of deleted users that are kept", {None}, set(OutstandingToken.objects.values_list("user", flat=True)))
    return pages
