"""Log-ins of every user, right and wrong, and odd spellings of name and password."""

from .build import ENDPOINTS, case, post, request


def cases(view):
    field = view.login_field
    for endpoint in ("obtain", "sliding"):
        for user in view.users:
            right = view.credentials(user)
            name = f"{endpoint}-user-{user['id']}"
            yield case(f"{name}-right", "obtain", post(endpoint, right))
            yield case(f"{name}-wrong", "obtain", post(endpoint, {**right, "password": "wrong"}))
        first = view.credentials(view.user(1))
        variants = {
            "name-trim": {**first, field: f" \t{first[field]}\u3000\n"},
            "name-nul": {**first, field: first[field] + "\0"},
            "name-case": {**first, field: first[field].swapcase()},
            "password-trim": {**first, "password": f" {first['password']}\n"},
            "password-case": {**first, "password": first["password"].upper()},
            "password-nul": {**first, "password": first["password"] + "\0"},
            "password-zero-width": {**first, "password": first["password"] + "\u200b"},
            "extra": {"x": 1, **first, "user_id": 4, "is_staff": True},
            "by-mail": {field: view.user(1)["email"], "password": first["password"]},
            "by-id": {field: 2, "password": first["password"]},
            "name-like": {**first, field: "%"},
            "name-long": {**first, field: "<repeat:u:10000>"},
            "order": dict(reversed(first.items())),
        }
        for name, body in variants.items():
            yield case(f"{endpoint}-login-{name}", "obtain", post(endpoint, body))
    me_login = request("POST", ENDPOINTS["obtain"], headers=view.bearer("a b c"), json=view.credentials(view.user(1)))
    yield case("obtain-authorization-ignored", "obtain", me_login)
