"""What tokens say of a user is what Django says, and so is whom a name without case means."""

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .servers import Client
from .tokens import answered, claims_of, obtain

ADA, ROOT, NOBODY = "ada@example.com", "root@example.com", "nobody@example.com"
CLAIMS = {
    "groups": "user.groups",
    "permissions": "user.all_permissions",
    "rights": {"own": "user.user_permissions", "of_groups": "user.group_permissions"},
    "tenant": "acme",
}
# Letters whose case is not one of ASCII or not one to one, and what LIKE has a use for.
NAMES = (
    ["Ada", "ADA", "bob", "straße", "STRASSE", "İstanbul", "istanbul", "ısparta", "ISPARTA", "éva", "Éva", "ÖDÖN"]
    + ["\u212aelvin", "ſam", "ǆ", "a%b", "a_b", r"a\b", "axb", "µ", "Σας", "Ǳ", "mail+tag@Example.com", "ﬀ"]
)
PROBES = sorted({form for name in NAMES for form in (name, name.lower(), name.upper(), name.swapcase(), name.title())})


def check(scene, profile):
    """Returns what to say about it."""
    profile = profile.but(ours={"claims": CLAIMS, "answer": {"user": {"groups": "user.groups"}}})
    in_django(profile, fixtures.create_users, [ADA, ROOT, NOBODY])
    in_django(profile, _give_rights)
    compared = 0
    with scene.clients(profile) as (_django, tokenpair):
        for change in (None, _take_rights):
            if change:
                in_django(profile, change)
            for name in (ADA, ROOT, NOBODY):
                told = obtain(profile, tokenpair, name=name)
                expected = in_django(profile, _rights, name)
                for token in (told["access"], told["refresh"]):
                    claims = claims_of(token)
                    same(f"claims of {name}", expected, {claim: claims.get(claim) for claim in CLAIMS})
                    compared += 1
                same("groups in the answer", {"groups": expected["groups"]}, told["user"])
    return f"{compared} tokens with the groups and permissions that Django tells"


def _give_rights():
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group, Permission

    model = get_user_model()
    users = {name: model.objects.get(**{model.USERNAME_FIELD: name}) for name in (ADA, ROOT)}
    permissions = list(Permission.objects.order_by("codename"))
    writers, editors = (Group.objects.create(name=name) for name in ("writers", "Editors"))
    writers.permissions.set(permissions[:5])
    editors.permissions.set(permissions[3:9])
    users[ADA].groups.set([writers, editors])
    users[ADA].user_permissions.set(permissions[8:12])
    users[ROOT].is_superuser = True
    users[ROOT].save()


def _take_rights():
    from django.contrib.auth import get_user_model

    model = get_user_model()
    ada, root = (model.objects.get(**{model.USERNAME_FIELD: name}) for name in (ADA, ROOT))
    ada.groups.remove(ada.groups.get(name="writers"))
    root.is_superuser = False
    root.save()


def _rights(name):
    from django.contrib.auth import get_user_model

    model = get_user_model()
    user = model.objects.get(**{model.USERNAME_FIELD: name})
    return {
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "permissions": sorted(user.get_all_permissions()),
        "rights": {"own": sorted(user.get_user_permissions()), "of_groups": sorted(user.get_group_permissions())},
        "tenant": "acme",
    }


def check_names(scene, profile, locale=None):
    """A name that nobody has exactly so means the only user whom Django's `iexact` finds."""
    if locale:
        with profile.database.in_locale(locale) as database:
            profile = profile.but(database=database)
            in_django(profile, fixtures.migrate)
            return check_names(scene, profile)
    profile = profile.but(
        hashers=("md5",), ours={"user_model": {"username_lookup": "iexact"}, "claims": {"name": "user.username"}}
    )
    in_django(profile, fixtures.create_users, NAMES)
    meant = in_django(profile, _meant)
    with scene.tokenpair(profile) as port:
        client = Client(port, "tokenpair")
        for probe, name in meant.items():
            answer = client.log_in("/api/token/", profile.users, probe, fixtures.PASSWORD)
            body = answered(client, f"log-in as {probe!r}, meant is {name!r}", answer, 200 if name else 401)
            same(f"who logged in as {probe!r}", name, claims_of(body["access"])["name"] if name else None)
        client.close()
    found = [probe for probe, name in meant.items() if name not in (None, probe)]
    expect(len(found) > 10, f"too few names that differ in case: {found}")
    return f"{len(meant)} names looked up as Django does, {len(found)} of them in another spelling"


def _meant():
    from django.contrib.auth import get_user_model

    meant = {}
    for probe in PROBES:
        found = list(get_user_model().objects.filter(username__iexact=probe).values_list("username", flat=True))
        expect(probe not in NAMES or probe in found, f"Django does not find {probe!r}")
        meant[probe] = probe if probe in found else found[0] if len(found) == 1 else None
    return meant
