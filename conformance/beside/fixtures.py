"""Runs inside Django, but for `make_tokens`: makes users, tables, migrations; looks at them."""

import io

from .flaw import expect

PASSWORD = "correct horse battery staple"


def migrate(*arguments):
    from django.core.management import call_command

    call_command("migrate", *arguments, verbosity=0)


def create_users(names, password=PASSWORD, **fields):
    """The keys of new users, as texts."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password

    model = get_user_model()
    encoded = make_password(password)
    users = [model(**{model.USERNAME_FIELD: name, "password": encoded, **fields}) for name in names]
    for user in users:
        user.save()
    return [str(user.pk) for user in users]


def create_superuser(name):
    create_users([name], is_staff=True, is_superuser=True)


def make_tokens(client, profile, names):
    """Over HTTP: for each user one refresh token that is outstanding and one that is blacklisted."""
    for name in names:
        first = client.log_in("/api/token/", profile.users, name, PASSWORD)
        expect(first.status == 200, f"{client.name}, log-in of {name}: {first}")
        second = client.post("/api/token/refresh/", {"refresh": first.body["refresh"]})
        expect(second.status == 200, f"{client.name}, refresh of {name}: {second}")
    client.close()


def change_user(name, **fields):
    """Changes a user as an application does; `password` in plain text."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    user = model.objects.get(**{model.USERNAME_FIELD: name})
    if password := fields.pop("password", None):
        user.set_password(password)
    for field, value in fields.items():
        setattr(user, field, value)
    user.save()


def delete_user(name):
    from django.contrib.auth import get_user_model

    model = get_user_model()
    model.objects.get(**{model.USERNAME_FIELD: name}).delete()


def stored(name, field):
    from django.contrib.auth import get_user_model

    model = get_user_model()
    return model.objects.values_list(field, flat=True).get(**{model.USERNAME_FIELD: name})


def expect_clean():
    """Django's own checks: nothing to migrate, no model changed, no issue of the system check."""
    from django.core.management import call_command

    for command, options in (
        ("migrate", {"check_unapplied": True}),
        ("makemigrations", {"check_changes": True, "dry_run": True}),
        ("check", {"fail_level": "WARNING", "databases": ["default"]}),
    ):
        told = io.StringIO()
        try:
            call_command(command, stdout=told, stderr=told, **options)
        except BaseException as error:  # SystemExit, too
            expect(False, f"Django's `{command}` is not clean: {error} {told.getvalue()}")


def revoke(token, kind="RefreshToken"):
    """What an application does to log somebody out."""
    from rest_framework_simplejwt import tokens

    getattr(tokens, kind)(token).blacklist()
