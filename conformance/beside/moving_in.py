"""tokenpair moves in where Django lives, and out again: nothing of Django's changes."""

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .servers import Client

OURS = "tokenpair_rotation"
ROTATING = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}


def check(scene, profile):
    """Django's `migrate` first, then tokenpair unchanged, then tokenpair gone. Returns what to say about it."""
    profile = profile.but(simple_jwt=ROTATING)
    database = profile.database
    key = in_django(profile, fixtures.create_users, ["ada@example.com"])[0]
    before = database.schema()
    history = database.query(HISTORY)

    access, refresh = _live(scene, profile, key)

    after = database.schema()
    same("tables that tokenpair adds", {OURS}, {table for table in set(after) - set(before)})
    _expect_untouched(database, before, history)
    in_django(profile, fixtures.expect_clean)
    in_django(profile, _expect_accepted, access, refresh)

    database.query(f"DROP TABLE {OURS}")
    _expect_untouched(database, before, history, without_ours=True)
    in_django(profile, fixtures.expect_clean)
    in_django(profile, _expect_accepted, access, refresh)
    _live(scene, profile, key)
    return f"{len(before)} tables of Django's unchanged with tokenpair there and gone again"


HISTORY = "SELECT * FROM django_migrations ORDER BY id"


def _expect_untouched(database, before, history, without_ours=False):
    after = database.schema()
    if not without_ours:
        after = {table: parts for table, parts in after.items() if table != OURS}
    after = {table: {part for part in parts if OURS not in part[1]} for table, parts in after.items()}
    same("the schema", before, after)
    same("the rows of django_migrations", history, database.query(HISTORY))


def _live(scene, profile, key):
    """Every endpoint once; a pair that nobody has used."""
    with scene.tokenpair(profile) as port:
        client = Client(port)

        def answered(what, answer, status=200):
            expect(answer.status == status, f"tokenpair, {what}: expected {status}, got {answer}")
            return answer.body

        def pair():
            return answered("log-in", client.log_in("/api/token/", profile.users, "ada@example.com", fixtures.PASSWORD))

        first = pair()
        me = answered("/api/me/", client.get("/api/me/", first["access"]))
        same("the user of /api/me/", key, str(me["id"]))
        second = answered("refresh", client.post("/api/token/refresh/", {"refresh": first["refresh"]}))
        answered("second refresh", client.post("/api/token/refresh/", {"refresh": first["refresh"]}), 401)
        answered("verify", client.post("/api/token/verify/", {"token": second["refresh"]}))
        answered("blacklist", client.post("/api/token/blacklist/", {"refresh": second["refresh"]}))
        answered("verify afterwards", client.post("/api/token/verify/", {"token": second["refresh"]}), 400)
        sliding = client.log_in("/api/token/sliding/", profile.users, "ada@example.com", fixtures.PASSWORD)
        token = answered("sliding log-in", sliding)["token"]
        answered("sliding refresh", client.post("/api/token/sliding/refresh/", {"token": token}))
        answered("wrong password", client.log_in("/api/token/", profile.users, "ada@example.com", "wrong"), 401)
        last = pair()
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
