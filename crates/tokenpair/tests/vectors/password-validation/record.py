"""Records what Django's default validators say: python record.py > verdicts.json (Django 5.2 has to be installed)."""

import json
import random

import django
from django.conf import settings

NAMES = ["UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword"]
VALIDATORS = [{"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in NAMES]
settings.configure(
    AUTH_PASSWORD_VALIDATORS=VALIDATORS,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.password_validation import validate_password  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402

PERSONS = [
    {},
    {"username": "testclient", "first_name": "Test", "last_name": "Client", "email": "testclient@example.com"},
    {"username": "ada", "email": "ada.lovelace@analytical-engine.example"},
    {"username": "Ångström", "last_name": "van der Waals-Berg", "email": "a@b.org"},
    {"username": "x", "email": "x@y.z"},
]
PASSWORDS = [
    "", "a", "1234567", "12345678", "123456789", "password", "PASSWORD", " password ", "qwerty", "trustno1", "testclient",
    "client.test", "tset.client", "exampl3.com", "example.com", "Lovelace", "lovelace1", "lovelace123", "analytical", "engine",
    "engine analytical", "analytical-engine.example", "ångström", "ANGSTROM", "van der waals", "waals-berg", "berg berg",
    "xxxxxxxx", "x" * 30, "y.z x@y.z", "١٢٣٤٥٦٧٨", "²²²²²²²²", "correct horse battery staple", "s3cret-enough", "Tr0ub4dor&3",
    "ada" * 3, "ada" * 10, "ada" * 11, "moc.elpmaxe", "a\tb\nc d e f", "iloveyou!", "p4ssw0rd", "letmein1", "00000000000000",
]


def verdict(password, person):
    try:
        validate_password(password, User(**person))
    except ValidationError as error:
        return error.messages
    return []


def disturbed(text, chance):
    letters = list(text)
    for _ in range(chance.randrange(8)):
        place = chance.randrange(len(letters) + 1)
        letters[place : place + chance.randrange(2)] = chance.choice("abcdeilnstx1 .")
    return "".join(letters)


def cases():
    for person in PERSONS:
        for password in PASSWORDS:
            yield person, password
    chance = random.Random(5)
    for _ in range(300):
        person = chance.choice(PERSONS[1:])
        yield person, disturbed(chance.choice(list(person.values())), chance)


recorded = [{"user": person, "password": password, "says": verdict(password, person)} for person, password in cases()]
print("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in recorded) + "\n]")
