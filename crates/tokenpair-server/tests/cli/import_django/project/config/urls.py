from django.conf import settings
from django.urls import include, path, re_path
from rest_framework_simplejwt import views as jwt_views
from rest_framework_simplejwt.views import TokenVerifyView

from accounts.views import LogInView

urlpatterns = [
    path("auth/", include("accounts.urls")),
    re_path(r"^auth/token/verify/$", TokenVerifyView.as_view(), name="token_verify"),
    path("api/<str:tenant>/token/", jwt_views.TokenObtainPairView.as_view()),
    path("login/", LogInView.as_view()),
]
if settings.DEBUG:
    urlpatterns += [path("gettoken/", jwt_views.TokenObtainPairView.as_view())]
