from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView as LogIn
from rest_framework_simplejwt.views import TokenRefreshView, token_blacklist

urlpatterns = [
    path("token/", LogIn.as_view(), name="token_obtain_pair"),
    path("token/refresh/", TokenRefreshView.as_view(), name="token_refresh"),
    path("logout/", token_blacklist),
]
