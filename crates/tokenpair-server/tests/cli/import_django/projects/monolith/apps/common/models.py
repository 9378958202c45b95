from django.db import models


class TimeStampedModel(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class EmailMixin:
    @property
    def domain(self):
        return self.email.split("@")[-1]
