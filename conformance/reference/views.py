"""The protected views; the class names show in the answers to OPTIONS."""

from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication


class ProtectedView(APIView):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]


class NamedView(ProtectedView):
    label = ""

    def get(self, request):
        return Response({"view": self.label, "user": request.user.pk})


class MeView(ProtectedView):
    def get(self, request):
        return Response({"id": request.user.pk, "username": request.user.get_username()})


class StatelessView(ProtectedView):
    authentication_classes = [JWTStatelessUserAuthentication]

    def get(self, request):
        user = request.user
        return Response(
            {
                "id": user.id,
                "username": user.username,
                "is_staff": user.is_staff,
                "is_superuser": user.is_superuser,
            }
        )


class StatelessAdminView(NamedView):
    authentication_classes = [JWTStatelessUserAuthentication]
    permission_classes = [IsAdminUser]
    label = "stateless-admin"


class OpenView(NamedView):
    permission_classes = [AllowAny]
    label = "open"


class AdminOnlyView(NamedView):
    permission_classes = [IsAdminUser]
    label = "admin-only"


class ReadOrAuthView(NamedView):
    permission_classes = [IsAuthenticatedOrReadOnly]
    label = "read-or-auth"

    def post(self, request):
        return Response({"view": self.label, "user": request.user.pk}, status=201)
