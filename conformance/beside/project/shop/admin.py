from django.contrib import admin

from .models import Shopper

admin.site.register(Shopper)
