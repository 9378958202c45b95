from rest_framework_simplejwt.serializers import TokenObtainPairSerializer


class MemberTokenSerializer(TokenObtainPairSerializer):
    @classmethod
    def get_token(cls, user):
        token = super().get_token(user)
        token["no"] = user.member_no
        token["company"] = user.company_id
        token["name"] = f"{user.first_name} {user.last_name}"
        return token

    def validate(self, attrs):
        data = super().validate(attrs)
        refresh = self.get_token(self.user)
        data["refresh"] = str(refresh)
        data["access"] = str(refresh.access_token)
        data.update({"no": self.user.member_no, "staff": self.user.is_staff})
        return data
