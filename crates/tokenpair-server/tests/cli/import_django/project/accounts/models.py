import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class CustomerManager(BaseUserManager):
    def create_user(self, email, password):
        customer = self.model(email=self.normalize_email(email))
        customer.set_password(password)
        customer.save(using=self._db)
        return customer


class Person(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True, db_column="mail")

    class Meta:
        abstract = True


class Customer(Person, AbstractBaseUser, PermissionsMixin):
    is_active = models.BooleanField(default=True)
    objects = CustomerManager()

    USERNAME_FIELD = "email"

    class Meta:
        db_table = "customers"
