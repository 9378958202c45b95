from django.urls import path
from rest_framework_simplejwt.views import token_verify

urlpatterns = [path("verify/", token_verify)]
