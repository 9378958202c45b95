"""A user model under other names: bigint key, own table, own columns."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class Member(AbstractBaseUser, PermissionsMixin):
    member_no = models.BigAutoField(primary_key=True)
    handle = models.CharField(max_length=80, unique=True, db_column="login_name")
    password = models.CharField(max_length=200, db_column="secret")
    last_login = models.DateTimeField(null=True, db_column="seen_at")
    is_active = models.BooleanField(default=True, db_column="enabled")
    is_staff = models.BooleanField(default=False, db_column="may_administer")
    is_superuser = models.BooleanField(default=False, db_column="may_everything")

    objects = BaseUserManager()

    USERNAME_FIELD = "handle"

    class Meta:
        db_table = "crm_member"
