from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.views import TokenObtainPairView


class MyTokenObtainPairSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)

        # Add custom claims
        token['username'] = user.username
        token['is_staff'] = user.is_staff
        # ...

        return token

    def validate(self, attrs):
        data = super().validate(attrs)
        data['email'] = self.user.email
        data["user"] = {"id": self.user.id, "username": self.user.username}
        return data


class MyTokenObtainPairView(TokenObtainPairView):
    serializer_class = MyTokenObtainPairSerializer


@api_view(['GET'])
@permission_classes([AllowAny])
def getRoutes(request):
    return Response(['/api/token', '/api/token/refresh'])


@api_view(['GET'])
def me(request):
    return Response({'username': request.user.username})
