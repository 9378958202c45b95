from django.contrib.auth.models import AbstractUser
from django.db import models

from common.models import EmailMixin, TimeStampedModel

__all__ = ["Member"]


class Member(EmailMixin, TimeStampedModel, AbstractUser):
    member_no = models.CharField(max_length=12, unique=True, db_column="no")
    username = models.CharField(max_length=150, unique=True, db_column="login")
    is_active = models.BooleanField(default=True, db_column="enabled")
    company = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
