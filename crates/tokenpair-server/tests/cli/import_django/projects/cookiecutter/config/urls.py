from django.conf import settings
from django.contrib import admin
from django.urls import include
from django.urls import path
from django.views import defaults as default_views
from rest_framework_simplejwt.views import TokenBlacklistView
from rest_framework_simplejwt.views import TokenObtainPairView
from rest_framework_simplejwt.views import TokenRefreshView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("users/", include("bookshop.users.urls", namespace="users")),
]

# API URLS
urlpatterns += [
    # API base url
    path("api/", include("config.api_router")),
    # JWT
    path("api/auth/", include([
        path("jwt/create/", TokenObtainPairView.as_view(), name="jwt_obtain_pair"),
        path("jwt/refresh/", TokenRefreshView.as_view(), name="jwt_refresh"),
        path("logout/", TokenBlacklistView.as_view(), name="jwt_logout"),
    ])),
]

if settings.DEBUG:
    urlpatterns += [
        path("400/", default_views.bad_request, kwargs={"exception": Exception("Bad Request!")}),
    ]
    if "debug_toolbar" in settings.INSTALLED_APPS:
        import debug_toolbar

        urlpatterns = [path("__debug__/", include(debug_toolbar.urls)), *urlpatterns]
