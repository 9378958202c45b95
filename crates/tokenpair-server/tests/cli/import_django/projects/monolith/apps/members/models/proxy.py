from .member import Member


class Librarian(Member):
    class Meta:
        proxy = True
