"""Django's hashers with little work, where hashing is not the subject."""

import django
from django.contrib.auth import hashers


class PBKDF2(hashers.PBKDF2PasswordHasher):
    iterations = 1000


class PBKDF2SHA1(hashers.PBKDF2SHA1PasswordHasher):
    iterations = 1000


class Argon2(hashers.Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 1024
    parallelism = 1


class BCryptSHA256(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class BCrypt(hashers.BCryptPasswordHasher):
    rounds = 4


class Scrypt(hashers.ScryptPasswordHasher):
    work_factor = 1024
    parallelism = 1


class MD5(hashers.MD5PasswordHasher):
    pass


if django.VERSION < (5, 1):

    class SHA1(hashers.SHA1PasswordHasher):
        pass

    class UnsaltedMD5(hashers.UnsaltedMD5PasswordHasher):
        pass

    class UnsaltedSHA1(hashers.UnsaltedSHA1PasswordHasher):
        pass
