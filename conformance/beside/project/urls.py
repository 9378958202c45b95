"""The reference's paths and two admin sites: Django's usual one, and one that lets outstanding tokens be deleted."""

from django.apps import apps
from django.contrib import admin
from django.urls import path
from urls import urlpatterns as reference

own = admin.AdminSite("own")
if apps.is_installed("rest_framework_simplejwt.token_blacklist"):
    from rest_framework_simplejwt.token_blacklist.admin import BlacklistedTokenAdmin, OutstandingTokenAdmin
    from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

    @admin.register(OutstandingToken, site=own)
    class OwnOutstandingTokenAdmin(OutstandingTokenAdmin):
        def has_delete_permission(self, request, obj=None):
            return True

    own.register(BlacklistedToken, BlacklistedTokenAdmin)

urlpatterns = [*reference, path("admin/", admin.site.urls), path("own-admin/", own.urls)]
