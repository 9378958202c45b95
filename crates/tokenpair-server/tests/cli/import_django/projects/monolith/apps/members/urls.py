from django.urls import path

from members.views import LoginView, ProfileView, RefreshView

app_name = "members"
urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("refresh/", RefreshView.as_view(), name="refresh"),
    path("profile/", ProfileView.as_view(), name="profile"),
]
