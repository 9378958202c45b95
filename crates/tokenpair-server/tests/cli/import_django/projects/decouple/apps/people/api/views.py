from rest_framework import permissions, response, views


class Me(views.APIView):
    permission_classes = [permissions.IsAuthenticated]

    def get(self, request):
        return response.Response({"cpf": request.user.cpf, "role": request.user.role})
