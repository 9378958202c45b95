"""The paths that every server under test has to mount."""

import views
from django.urls import path
from rest_framework_simplejwt import views as simple_jwt

urlpatterns = [
    path("api/token/", simple_jwt.TokenObtainPairView.as_view()),
    path("api/token/refresh/", simple_jwt.TokenRefreshView.as_view()),
    path("api/token/verify/", simple_jwt.TokenVerifyView.as_view()),
    path("api/token/blacklist/", simple_jwt.TokenBlacklistView.as_view()),
    path("api/token/sliding/", simple_jwt.TokenObtainSlidingView.as_view()),
    path("api/token/sliding/refresh/", simple_jwt.TokenRefreshSlidingView.as_view()),
    path("api/me/", views.MeView.as_view()),
    path("api/stateless/", views.StatelessView.as_view()),
    path("api/stateless-admin/", views.StatelessAdminView.as_view()),
    path("api/open/", views.OpenView.as_view()),
    path("api/admin-only/", views.AdminOnlyView.as_view()),
    path("api/read-or-auth/", views.ReadOrAuthView.as_view()),
]
