from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from rest_framework import routers
from rest_framework_simplejwt.views import (
    TokenObtainPairView,
    TokenObtainSlidingView,
    TokenRefreshSlidingView,
    TokenRefreshView,
    TokenVerifyView,
)

router = routers.DefaultRouter()

urlpatterns = [
    re_path(r"^v1/", include([
        re_path(r"^token/$", csrf_exempt(TokenObtainPairView.as_view())),
        re_path(r"^token/refresh/$", TokenRefreshView.as_view()),
    ])),
    path("v1/", include(router.urls)),
]
if settings.ENABLE_SLIDING:
    urlpatterns += [
        path("v1/sliding/", TokenObtainSlidingView.as_view()),
        path("v1/sliding/refresh/", TokenRefreshSlidingView.as_view()),
    ]
urlpatterns += i18n_patterns(path("token/verify/", TokenVerifyView.as_view()), prefix_default_language=False)
