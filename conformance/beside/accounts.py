"""What one of the two does to a user, the other heeds at the next request."""

import re

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .tokens import SETTINGS, answered, obtain

NAME = "ada@example.com"
EMAIL = "somebody@example.com"
OTHER_PASSWORD = "another horse, another battery"


def check(scene, profile):
    """Returns what to say about it."""
    profile = profile.but(simple_jwt={**SETTINGS, "CHECK_REVOKE_TOKEN": True, "UPDATE_LAST_LOGIN": True})
    in_django(profile, fixtures.create_users, [NAME])
    with scene.clients(profile) as servers:
        _last_login(profile, servers)
        _creation(scene, profile, servers)
        changes = _deactivation(scene, profile, servers)
        changes += _password(scene, profile, servers)
        _application_blacklists(profile, servers)
        _deletion(profile, servers)
    return f"last_login and new users by both alike; {changes + 2} changes to the user heeded by both"


def _last_login(profile, servers):
    told, forms = [in_django(profile, fixtures.stored, NAME, "last_login")], set()
    same("last_login before the first log-in", None, told[0])
    for server in (*servers, *servers):
        obtain(profile, server)
        told.append(in_django(profile, fixtures.stored, NAME, "last_login"))
        is_later = told[-1] and (not told[-2] or told[-1] > told[-2])
        expect(is_later, f"last_login after a log-in at {server.name}: {told}")
        forms.add(_form(profile.database.query("SELECT last_login FROM auth_user")[0]["last_login"]))
    same("forms of last_login in the database", 1, len(forms))


def _form(time):
    """How a time is written, in SQLite down to its digits."""
    return re.sub(r"\d", "0", time) if isinstance(time, str) else (type(time), time.utcoffset())


def _creation(scene, profile, servers):
    """Users made by one are like those of the other in every column, and log in at the other."""
    for kind, flags in (("user", ()), ("superuser", ("--superuser",))):
        names = f"theirs-{kind}", f"ours-{kind}"
        in_django(profile, _create, f"create_{kind}", names[0])
        command = ("createuser", "--username", names[1], "--email", EMAIL, *flags, "--password-stdin")
        scene.program.run(profile, *command, text=fixtures.PASSWORD)
        rows = [profile.database.query(f"SELECT * FROM auth_user WHERE username = '{name}'")[0] for name in names]
        for row in rows:
            row.update(date_joined=_form(row["date_joined"]), password=row["password"].split("$")[:2])
            del row["id"], row["username"]
        same(f"columns of a {kind} that tokenpair made", *rows)
        for name in names:
            for server in servers:
                obtain(profile, server, name=name)


def _create(function, name):
    from django.contrib.auth import get_user_model

    getattr(get_user_model().objects, function)(name, EMAIL, fixtures.PASSWORD)


def _ways(scene, profile, by_django, by_tokenpair):
    """The change done by Django, then by tokenpair's command where it is for such users."""
    yield lambda: in_django(profile, *by_django)
    command, text = by_tokenpair
    yield lambda: scene.program.run(profile, *command, text=text)


def _deactivation(scene, profile, servers):
    off = _ways(scene, profile, (_change, {"is_active": False}), (("users", "deactivate", NAME), ""))
    on = _ways(scene, profile, (_change, {"is_active": True}), (("users", "activate", NAME), ""))
    changes = 0
    for deactivate, activate in zip(off, on, strict=True):
        pairs = [obtain(profile, server) for server in servers]
        deactivate()
        for server in servers:
            _expect_all_refused(server, pairs)
            answered(server, "log-in", server.log_in("/api/token/", profile.users, NAME, fixtures.PASSWORD), 401)
        activate()
        for server, pair in zip(servers, reversed(pairs), strict=True):
            answered(server, "access token of one who is back", server.get("/api/me/", pair["access"]))
        changes += 2
    return changes


def _password(scene, profile, servers):
    command = ("changepassword", NAME, "--password-stdin")
    new, old = OTHER_PASSWORD, fixtures.PASSWORD
    changes = 0
    ways = _ways(scene, profile, (_change, {"password": new}), (command, fixtures.PASSWORD))
    for change, djangos in zip(ways, (200, 401), strict=True):  # tokenpair's command blacklists the refresh tokens
        shown_to_one = [[obtain(profile, server, password=old) for server in servers] for _ in servers]
        change()
        for server, pairs in zip(servers, shown_to_one, strict=True):
            bodies = _expect_all_refused(server, pairs, djangos)
            for body in bodies if server.name == "Django" and djangos == 200 else ():
                for other in servers:  # nobody takes what it gives out
                    answered(other, "access token for an old refresh token", other.get("/api/me/", body["access"]), 401)
            answered(server, "old password", server.log_in("/api/token/", profile.users, NAME, old), 401)
            obtain(profile, server, password=new)
        for pair in shown_to_one[-1]:  # tokenpair has blacklisted what it refused
            answer = servers[0].post("/api/token/refresh/", {"refresh": pair["refresh"]})
            answered(servers[0], "refresh token that tokenpair has refused", answer, 401)
        new, old = old, new
        changes += 1
    return changes


def _application_blacklists(profile, servers):
    pairs = [obtain(profile, server) for server in servers]
    for pair in pairs:
        in_django(profile, fixtures.revoke, pair["refresh"])
        for server in servers:
            answer = server.post("/api/token/refresh/", {"refresh": pair["refresh"]})
            answered(server, "token that an application blacklisted", answer, 401)
    for origin in servers:
        token = obtain(profile, origin, "/api/token/sliding/")["token"]
        in_django(profile, fixtures.revoke, token, "SlidingToken")
        for server in servers:
            answer = server.post("/api/token/sliding/refresh/", {"token": token})
            answered(server, "sliding token that an application blacklisted", answer, 401)
            answered(server, "call with it", server.get("/api/me/", token), 401)


def _deletion(profile, servers):
    pairs = [obtain(profile, server) for server in servers]
    in_django(profile, fixtures.delete_user, NAME)
    for server in servers:
        _expect_all_refused(server, pairs, djangos=500)


def _change(fields):
    fixtures.change_user(NAME, **fields)


def _expect_all_refused(server, pairs, djangos=401):
    """`djangos` is Simple JWT 5.5.1's answer to the refresh tokens. Returns what comes with it."""
    bodies = []
    for pair in pairs:
        answered(server, "access token", server.get("/api/me/", pair["access"]), 401)
        answer = server.post("/api/token/refresh/", {"refresh": pair["refresh"]})
        bodies.append(answered(server, "refresh token", answer, djangos if server.name == "Django" else 401))
    return bodies
