from django.urls import path
from django.views.generic import TemplateView

app_name = "users"
urlpatterns = [
    path("~redirect/", view=TemplateView.as_view(template_name="x.html"), name="redirect"),
]
