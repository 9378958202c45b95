from rest_framework.decorators import action
from rest_framework.mixins import RetrieveModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from bookshop.users.models import User

from .serializers import UserSerializer


class UserViewSet(RetrieveModelMixin, GenericViewSet):
    serializer_class = UserSerializer
    queryset = User.objects.all()
    lookup_field = "pk"

    @action(detail=False)
    def me(self, request):
        return Response(UserSerializer(request.user, context={"request": request}).data)
