"""Small constructors shared by the generators."""

ENDPOINTS = {
    "obtain": "/api/token/",
    "refresh": "/api/token/refresh/",
    "verify": "/api/token/verify/",
    "blacklist": "/api/token/blacklist/",
    "sliding": "/api/token/sliding/",
    "sliding-refresh": "/api/token/sliding/refresh/",
}
VIEWS = {
    "me": "/api/me/",
    "stateless": "/api/stateless/",
    "stateless-admin": "/api/stateless-admin/",
    "open": "/api/open/",
    "admin": "/api/admin-only/",
    "readauth": "/api/read-or-auth/",
}
TOKEN_FIELDS = {"refresh": "refresh", "verify": "token", "blacklist": "refresh", "sliding-refresh": "token"}
TOKEN_KINDS = {"refresh": "refresh", "verify": "access", "blacklist": "refresh", "sliding-refresh": "sliding"}


def case(identifier, area, *steps):
    return {"id": identifier, "area": area, "title": identifier.replace("-", " "), "steps": list(steps)}


def request(method, path, mint=None, capture=None, **parts):
    step = {"request": {"method": method, "path": path, **parts}}
    if mint:
        step["mint"] = mint
    if capture:
        step["capture"] = capture
    return step


def post(endpoint, json, **options):
    return request("POST", ENDPOINTS[endpoint], json=json, **options)


def get(view, name, token="{{t}}", **options):
    """GET of a view with a bearer token."""
    return request("GET", VIEWS[name], headers=view.bearer(token), **options)


def token(claims=None, var="t", **description):
    return {"var": var, "claims": claims or {}, **description}


def fields_of(view, endpoint):
    """The input fields of an endpoint in declared order."""
    if endpoint in TOKEN_FIELDS:
        return [TOKEN_FIELDS[endpoint]]
    return [view.login_field, "password"]


def consume(view, consumer, mint=None, variable="t", capture=None):
    """A step that presents a token to an endpoint or a view."""
    text = f"{{{{{variable}}}}}"
    if consumer in TOKEN_FIELDS:
        return post(consumer, {TOKEN_FIELDS[consumer]: text}, mint=mint, capture=capture)
    return get(view, consumer, text, mint=mint, capture=capture)


def kind_for(view, consumer):
    return TOKEN_KINDS.get(consumer, view.bearer_kind)
