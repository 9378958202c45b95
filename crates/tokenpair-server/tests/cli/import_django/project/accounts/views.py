from rest_framework_simplejwt.views import TokenObtainPairView

from .serializers import CustomerTokenObtainPairSerializer


class LogInView(TokenObtainPairView):
    serializer_class = CustomerTokenObtainPairSerializer
