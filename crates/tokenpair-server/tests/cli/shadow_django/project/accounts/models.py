import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Team(models.Model):
    name = models.CharField(max_length=30)


class Member(AbstractUser):
    """Logs in with an address, has a UUID and columns that have to be filled."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    username = None
    email = models.EmailField(unique=True)
    phone = models.CharField(max_length=20, unique=True)
    born = models.DateField()
    plan = models.CharField(max_length=10, choices=[("free", "Free"), ("paid", "Paid")])
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
