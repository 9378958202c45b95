from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "apps.people"
    label = "accounts"
    default_auto_field = "django.db.models.AutoField"
