from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import TimeStampedModel, UUIDModel


class PersonManager(BaseUserManager):
    use_in_migrations = True

    def get_by_natural_key(self, username):
        return self.get(**{f"{self.model.USERNAME_FIELD}__iexact": username})

    def create_user(self, cpf, password=None, **extra):
        user = self.model(cpf=cpf, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user


class Person(UUIDModel, TimeStampedModel, AbstractBaseUser, PermissionsMixin):
    class Role(models.TextChoices):
        DOCTOR = "doctor", _("Doctor")
        PATIENT = "patient", _("Patient")

    cpf = models.CharField("CPF", max_length=14, unique=True)
    full_name = models.CharField(max_length=120, blank=True, db_column="nome")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.PATIENT)
    is_staff = models.BooleanField(default=False)
    blocked_at = models.DateTimeField(null=True, blank=True)

    objects = PersonManager()

    USERNAME_FIELD = "cpf"
    REQUIRED_FIELDS = ["full_name"]

    class Meta(TimeStampedModel.Meta):
        abstract = False
        db_table = "pessoas"
        verbose_name = _("person")

    @property
    def is_active(self):
        return self.blocked_at is None
