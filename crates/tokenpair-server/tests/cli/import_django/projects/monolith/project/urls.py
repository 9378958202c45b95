from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path

import members.urls

api = [
    path("members/", include(members.urls, namespace="members")),
    re_path("^health$", lambda request: None),
]
urlpatterns = [path("api/v2/", include(api))]
urlpatterns += i18n_patterns(path("account/", include("members.pages")))
