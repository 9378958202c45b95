from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from .serializers import MemberTokenSerializer


class LoginView(TokenObtainPairView):
    """Log-in with the member's number."""

    permission_classes = (AllowAny,)
    serializer_class = MemberTokenSerializer


class RefreshView(TokenRefreshView):
    permission_classes = [AllowAny]


class ProfileView(APIView):
    authentication_classes = [JWTAuthentication]

    def get(self, request):
        return Response({"no": request.user.member_no, "claims": request.auth.payload})
