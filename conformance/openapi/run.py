#!/usr/bin/env python3
"""Holds the running server against its own OpenAPI document: is it well formed, and is it exact?

    run.py TOKENPAIR

Needs the packages of requirements.txt. Exit status 1: something is wrong.
"""
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

import schemathesis

SETTINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemathesis.toml")
SCHEMA, TOKEN = "/api/schema/", "/api/token/"
TEST = b'{"username": "test", "password": "test"}'
# Answers differ with them, so the document has to.
PROFILES = {
    "as it comes": {},
    "rotation": {"TOKENPAIR_ROTATE_REFRESH_TOKENS": "true", "TOKENPAIR_BLACKLIST_AFTER_ROTATION": "true"},
}


def main():
    failed = 0
    for name, variables in PROFILES.items():
        print(f"--- {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            server, base = start(sys.argv[1], folder, variables)
            try:
                failed += not is_exact(base, folder)
            finally:
                server.terminate()
                server.communicate()
    print(f"{len(PROFILES)} configurations, {failed} with a document that is not exact")
    return 1 if failed else 0


def start(tokenpair, folder, variables):
    """The demo on a free port, and its address."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOKENPAIR_")}
    command = [os.path.abspath(tokenpair), "serve", "--demo", "--json", "--listen", "127.0.0.1:0"]
    # With a hash that takes no time, as a machine that does other things would answer 503 to the log-ins.
    environment = {**environment, "TOKENPAIR_LOG": "error", "TOKENPAIR_PASSWORD_HASHERS": "md5", **variables}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    return server, json.loads(server.stdout.readline())["listening"]


def is_exact(base, folder):
    document = os.path.join(folder, "openapi.json")
    with urllib.request.urlopen(base + SCHEMA) as answer, open(document, "wb") as file:
        file.write(answer.read())
    python = [sys.executable, "-m"]
    if subprocess.run([*python, "openapi_spec_validator", document]).returncode != 0:
        return False
    try:
        walk(schemathesis.openapi.from_path(document), base)
    except Exception as error:  # whatever the validation has to say
        print(f"FAILED {type(error).__name__}: {error}")
        return False
    command = [*python, "schemathesis.cli", "--config-file", SETTINGS, "run", document, "--url", base, "--checks", "all"]
    command += ["--header", f"Authorization: Bearer {access_token(base)}"]
    return subprocess.run(command, cwd=folder).returncode == 0


def walk(schema, base):
    """What generated requests cannot do, as they know no password: every endpoint succeeds."""
    def call(method, path, body=None, path_parameters=None, **headers):
        sent = {"body": body, "media_type": "application/json"} if body else {}
        case = schema[path][method].Case(headers=headers, path_parameters=path_parameters or {}, **sent)
        answer = case.call(base_url=base)
        if answer.status_code >= 300:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        case.validate_response(answer)
        return answer.json() if answer.content else None

    test = json.loads(TEST)
    for cookies in ({}, {"X-Token-Delivery": "cookie"}):
        call("POST", TOKEN, test, **cookies)
        call("POST", "/api/token/sliding/", test, **cookies)
    pair = call("POST", TOKEN, test)
    call("GET", "/api/me/", Authorization=f"Bearer {pair['access']}")
    refreshed = {**pair, **call("POST", "/api/token/refresh/", {"refresh": pair["refresh"]})}
    call("POST", "/api/token/verify/", {"token": refreshed["access"]})
    call("POST", "/api/token/blacklist/", {"refresh": refreshed["refresh"]})
    sliding = call("POST", "/api/token/sliding/", test)
    call("POST", "/api/token/sliding/refresh/", sliding)
    call("GET", SCHEMA)
    live_with_an_account(call)


def live_with_an_account(call):
    """From sign-up to the last log-out."""
    ada = {"username": "ada", "password": "a lovelace of 1815"}
    signed_up = call("POST", "/api/register/", {**ada, "email": "ada@example.org", "first_name": "Ada"})
    bearer = {"Authorization": f"Bearer {signed_up['access']}"}
    call("PATCH", "/api/me/", {"last_name": "Lovelace"}, **bearer)
    new = "an engine of 1842"
    call("POST", "/api/password/change/", {"old_password": ada["password"], "new_password": new}, **bearer)
    ada["password"] = new
    other = call("POST", TOKEN, ada)
    call("POST", "/api/logout/", {"refresh": other["refresh"]})
    call("POST", TOKEN, ada)
    sessions = call("GET", "/api/sessions/", **bearer)
    another = next(session["id"] for session in sessions if not session["current"])
    call("GET", "/api/sessions/{id}/", path_parameters={"id": another}, **bearer)
    call("DELETE", "/api/sessions/{id}/", path_parameters={"id": another}, **bearer)
    call("POST", "/api/logout/all/", **bearer)


def access_token(base):
    request = urllib.request.Request(base + TOKEN, TEST, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access"]


if __name__ == "__main__":
    sys.exit(main())
