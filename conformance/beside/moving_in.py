"""tokenpair moves in where Django lives, and out again: nothing of Django's changes."""

from . import admin, fixtures
from .django_side import in_django
from .flaw import same
from .servers import Client
from .tokens import answered, obtain

NAME = "ada@example.com"
# The first has tokens of Django's, the second of tokenpair's.
WITH_TOKENS = ["grace@example.com", "alan@example.com"]
OURS = {"tokenpair_rotation", "tokenpair_session", "tokenpair_unverified"}
HISTORY = "SELECT * FROM django_migrations ORDER BY id"
ROTATING = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}


def check(scene, profile, with_admin):
    """Django's `migrate` first, then tokenpair unchanged, then tokenpair gone. Returns what to say about it."""
    profile = profile.but(simple_jwt=ROTATING)
    database = profile.database
    pages = f", {_administer(scene, profile)} pages of its admin" if with_admin else ""
    key = in_django(profile, fixtures.create_users, [NAME])[0]
    before = database.schema()
    history = database.query(HISTORY)

    access, refresh = _live(scene, profile, key)

    after = database.schema()
    same("tables that tokenpair adds", OURS, {_table(name) for name in set(after) - set(before)})
    _expect_untouched(database, before, history)
    in_django(profile, fixtures.expect_clean)
    in_django(profile, _expect_accepted, access, refresh)

    for table in OURS:
        database.query(f"DROP TABLE {table}")
    _expect_untouched(database, before, history, without_ours=True)
    in_django(profile, fixtures.expect_clean)
    in_django(profile, _expect_accepted, access, refresh)
    _live(scene, profile, key)
    return f"{len(before)} tables of Django's unchanged with tokenpair there and gone again{pages}"


def _administer(scene, profile):
    """In a copy: tokens of both in Django's admin, where a row is as good as Django's own. Returns how many pages."""
    with profile.database.copied() as database:
        profile = profile.but(database=database)
        in_django(profile, fixtures.create_users, WITH_TOKENS)
        in_django(profile, fixtures.create_superuser, admin.ADMIN)
        with scene.django(profile) as port:
            fixtures.make_tokens(Client(port, "Django"), profile, WITH_TOKENS[:1])
            admin.expect_outstanding_are_kept(admin.logged_in(port))  # where tokenpair has never been
        with scene.tokenpair(profile) as port:
            fixtures.make_tokens(Client(port, "tokenpair"), profile, WITH_TOKENS[1:])
        return admin.check(scene, profile, WITH_TOKENS)


def check_without_blacklist(scene, profile):
    """A Django project that has not installed the blacklist app: not even a table of ours is added."""
    profile = profile.but(blacklist=False, simple_jwt={"ROTATE_REFRESH_TOKENS": True})
    database = profile.database
    in_django(profile, fixtures.migrate)
    in_django(profile, fixtures.create_users, [NAME])
    before, history = database.schema(), database.query(HISTORY)
    with scene.clients(profile) as (django, tokenpair):
        for origin, other in ((django, tokenpair), (tokenpair, django)):
            first = obtain(profile, origin)
            second = answered(other, "refresh", other.post("/api/token/refresh/", {"refresh": first["refresh"]}))
            for token in (first["access"], second["access"]):
                for server in (origin, other):
                    answered(server, "authenticated view", server.get("/api/me/", token))
    same("the schema", before, database.schema())
    same("the rows of django_migrations", history, database.query(HISTORY))
    in_django(profile, fixtures.expect_clean)
    return f"{len(before)} tables of Django's unchanged, none added"


def _expect_untouched(database, before, history, without_ours=False):
    after = database.schema()
    if not without_ours:
        after = {name: parts for name, parts in after.items() if _table(name) not in OURS}
    same("the schema", before, after)
    same("the rows of django_migrations", history, database.query(HISTORY))


def _table(name):
    """The table that a sequence of PostgreSQL's belongs to, and goes with."""
    return name.removesuffix("_id_seq")


def _live(scene, profile, key):
    """Every endpoint once; a pair that nobody has used."""
    with scene.tokenpair(profile) as port:
        client = Client(port, "tokenpair")

        def post(path, body, status=200):
            return answered(client, path, client.post(path, body), status)

        first = obtain(profile, client)
        me = answered(client, "/api/me/", client.get("/api/me/", first["access"]))
        same("the user of /api/me/", key, str(me["id"]))
        second = post("/api/token/refresh/", {"refresh": first["refresh"]})
        post("/api/token/refresh/", {"refresh": first["refresh"]}, 401)
        post("/api/token/verify/", {"token": second["refresh"]})
        post("/api/token/blacklist/", {"refresh": second["refresh"]})
        post("/api/token/verify/", {"token": second["refresh"]}, 400)
        sliding = obtain(profile, client, "/api/token/sliding/")
        post("/api/token/sliding/refresh/", {"token": sliding["token"]})
        wrong = client.log_in("/api/token/", profile.users, NAME, "wrong")
        answered(client, "log-in with a wrong password", wrong, 401)
        last = obtain(profile, client)
        client.close()
    return last["access"], last["refresh"]


def _expect_accepted(access, refresh):
    """Inside Django: a pair of tokenpair's works, and the refresh token may be used again."""
    from django.test import Client as DjangoClient

    client = DjangoClient()
    answer = client.get("/api/me/", headers={"Authorization": f"Bearer {access}"})
    same("Django's answer to tokenpair's access token", 200, answer.status_code)
    for token in (access, refresh):
        answer = client.post("/api/token/verify/", {"token": token}, content_type="application/json")
        same("Django's answer when asked to verify tokenpair's token", 200, answer.status_code)
