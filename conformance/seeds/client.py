"""Seed 002's Python client: as a client would use it, and over three expiries of a short-lived access token."""
import base64
import contextlib
import json
import time

import requests

from demo import BASE, EXAMPLES as FOLDER, PRINTED, expect, log_in

REFRESH = "/api/token/refresh/"


def api_client(base_url=f"{BASE}/api"):
    """The printed class, logged in."""
    names = {}
    exec((FOLDER / "002_api_client.py").read_text(encoding="utf-8"), names)
    client = names["APIClient"](base_url)
    client.access_token, client.refresh_token = log_in()
    return client


@contextlib.contextmanager
def traffic():
    """The exchanges on the wire meanwhile."""
    exchanges = []
    send = requests.Session.send

    def sent(session, request, **options):
        response = send(session, request, **options)
        exchanges.append(response)
        return response

    requests.Session.send = sent
    try:
        yield exchanges
    finally:
        requests.Session.send = send


def exp(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]


def wait_for_expiry(token):
    if exp(token) > time.time() + 2:
        raise AssertionError("the access token lives longer than 2 s")
    while time.time() <= exp(token):
        time.sleep(0.05)


def seed_002_client_adds_the_bearer_header():
    client = api_client()
    with traffic() as exchanges:
        answer = client.request("GET", "/me/", headers={"X-Own": "kept"})
    expect((answer.status_code, answer.json()["username"]), (200, "test"))
    [exchange] = exchanges
    expect(exchange.request.headers["Authorization"], f"Bearer {client.access_token}")
    expect(exchange.request.headers["X-Own"], "kept")


def seed_002_client_retries_once_after_401():
    client = api_client()
    client.access_token = "x.y.z"
    with traffic() as exchanges:
        answer = client.request("GET", "/me/", headers={"X-Own": "kept"})
    expect(type(answer), requests.Response)
    expect([(e.request.path_url, e.status_code) for e in exchanges], [("/api/me/", 401), (REFRESH, 200), ("/api/me/", 200)])
    expect([exchanges[i].request.headers.get("X-Own") for i in (0, 2)], ["kept", "kept"])


def seed_002_client_refresh_stores_the_access_token():
    client = api_client()
    client.access_token = None
    expect(client._refresh_access_token(), True)
    expect(client.request("GET", "/me/").status_code, 200)


def seed_002_client_without_refresh_token():
    client = api_client()
    client.access_token = client.refresh_token = None
    expect(client._refresh_access_token(), False)
    expect(client.request("GET", "/me/").status_code, 401)


def seed_002_client_whose_refresh_is_refused():
    client = api_client()
    client.access_token, client.refresh_token = "x.y.z", PRINTED
    expect(client._refresh_access_token(), False)
    expect(client.request("GET", "/me/").status_code, 401)


def seed_002_client_whose_refresh_finds_nobody():
    client = api_client("http://localhost:1/api")
    expect(client._refresh_access_token(), False)


def seed_002_client_over_three_expiries():
    client = api_client()
    first = client.refresh_token
    with traffic() as exchanges:
        answers = [client.request("GET", "/me/").status_code]
        for _ in range(3):
            wait_for_expiry(client.access_token)
            answers.append(client.request("GET", "/me/").status_code)
    expect(answers, [200] * 4)
    refreshes = [exchange for exchange in exchanges if exchange.request.path_url == REFRESH]
    expect([json.loads(refresh.request.body) for refresh in refreshes], [{"refresh": first}] * 3)
    expect([refresh.status_code for refresh in refreshes], [200] * 3)
    expect(client.refresh_token, first)


EXAMPLES = [
    seed_002_client_adds_the_bearer_header,
    seed_002_client_retries_once_after_401,
    seed_002_client_refresh_stores_the_access_token,
    seed_002_client_without_refresh_token,
    seed_002_client_whose_refresh_is_refused,
    seed_002_client_whose_refresh_finds_nobody,
]
EXAMPLES_WITH_2_SECONDS = [seed_002_client_over_three_expiries]
