"""The reference's paths and the admin site."""

from django.contrib import admin
from django.urls import path
from urls import urlpatterns as reference

urlpatterns = [*reference, path("admin/", admin.site.urls)]
