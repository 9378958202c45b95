"""Examples for a terminal: curl, HTTPie, a Python script, the README's first lines."""
import json
import os
import pathlib
import pty
import re
import subprocess
import sys

from demo import INVALID, PRINTED, example, expect, log_in, who_is

README = pathlib.Path(__file__).parents[2] / "README.md"


def prepare(folder):
    """HTTPie is found beside this Python, and does not ask the network for a newer one."""
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    os.environ["HTTPIE_CONFIG_DIR"] = folder
    pathlib.Path(folder, "config.json").write_text('{"disable_update_warnings": true}', encoding="utf-8")


def shell(script):
    """What the script prints, as JSON. Its standard input is a terminal, as HTTPie takes anything else for a body."""
    terminal, stdin = pty.openpty()
    try:
        done = subprocess.run(["sh", "-ec", script], stdin=stdin, capture_output=True, text=True, timeout=60)
    finally:
        os.close(terminal)
        os.close(stdin)
    if done.returncode:
        raise AssertionError(f"status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def unwrapped(name):
    """The command that the document prints on two lines."""
    return " ".join(example(name).split())


def seed_002_curl():
    _, refresh = log_in()
    answer = shell(example("002_curl.sh").replace(PRINTED, refresh))
    expect(list(answer), ["access"])
    expect(who_is(answer["access"]), "test")


def seed_002_curl_unchanged():
    expect(shell(example("002_curl.sh")), INVALID)


def seed_002_requests():
    _, refresh = log_in()
    names = {}
    exec(example("002_requests.py").replace(PRINTED, refresh), names)
    expect(names["response"].status_code, 200)
    expect(who_is(names["new_access_token"]), "test")


def seed_002_requests_unchanged():
    names = {}
    try:
        exec(example("002_requests.py"), names)
    except KeyError as error:
        expect(error.args, ("access",))
    expect((names["response"].status_code, names["data"]), (401, INVALID))


def seed_004_httpie_gettoken():
    answer = shell(example("004_gettoken.sh"))
    expect(list(answer), ["refresh", "access"])
    expect(who_is(answer["access"]), "user1")


def seed_004_httpie_verifytoken():
    access, _ = log_in()
    expect(shell(unwrapped("004_verifytoken.sh").replace('token=""', f'token="{access}"')), {})


def seed_004_httpie_verifytoken_unchanged():
    expect(shell(unwrapped("004_verifytoken.sh")), {"token": ["This field may not be blank."]})
    expect(shell(example("004_verifytoken.sh")), {"token": ["This field is required."]})


def seed_004_httpie_refreshtoken():
    _, refresh = log_in()
    answer = shell(unwrapped("004_refreshtoken.sh").replace("yourrefreshtoken", refresh))
    expect(list(answer), ["access"])
    expect(who_is(answer["access"]), "test")


def seed_004_httpie_refreshtoken_unchanged():
    expect(shell(unwrapped("004_refreshtoken.sh")), INVALID)
    expect(shell(example("004_refreshtoken.sh")), {"refresh": ["This field is required."]})


def readme_try_it():
    console = re.search(r"```console\n(.*?serve --demo.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    curl = re.search(r"^\$ (curl .*?[^\\])$", console[1], re.DOTALL | re.MULTILINE)
    expect(list(shell(curl[1])), ["refresh", "access"])


EXAMPLES = [
    seed_002_curl,
    seed_002_curl_unchanged,
    seed_002_requests,
    seed_002_requests_unchanged,
    seed_004_httpie_gettoken,
    seed_004_httpie_verifytoken,
    seed_004_httpie_verifytoken_unchanged,
    seed_004_httpie_refreshtoken,
    seed_004_httpie_refreshtoken_unchanged,
    readme_try_it,
]
