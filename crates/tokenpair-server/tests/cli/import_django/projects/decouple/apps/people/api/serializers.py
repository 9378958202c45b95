from rest_framework_simplejwt.serializers import TokenObtainPairSerializer


class PersonTokenObtainPairSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["name"] = user.full_name
        token["role"] = user.role
        token["groups"] = list(user.groups.values_list("name", flat=True))
        token["iss_app"] = "clinic"
        return token
