"""A shop's customers: own table and columns, log-in by e-mail, named otherwise than in the other applications."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class Shopper(AbstractBaseUser, PermissionsMixin):
    number = models.AutoField(primary_key=True, db_column="shopper_no")
    mail = models.EmailField(unique=True, db_column="mail_address")
    password = models.CharField(max_length=128, db_column="pass_hash")
    last_login = models.DateTimeField(null=True, db_column="last_visit")
    is_active = models.BooleanField(default=True, db_column="may_buy")
    is_staff = models.BooleanField(default=False, db_column="sells")
    city = models.CharField(max_length=80, default="")

    objects = BaseUserManager()

    USERNAME_FIELD = "mail"

    class Meta:
        db_table = "shop_account"
