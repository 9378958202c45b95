"""Seed 002's `fetch` example in a real Chromium, in pages of other origins than the server's."""
import contextlib
import http.server
import os
import queue
import subprocess
import tempfile
import threading
import time

from demo import example, expect, log_in, who_is

PORT = 5173
PATIENCE = 120
# Where `run.py` leaves the name of the browser.
PROGRAM = "TOKENPAIR_SEEDS_CHROMIUM"
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
           "--no-proxy-server", "--host-resolver-rules=MAP strange.example 127.0.0.1"]
# The page holds a refresh token, runs the example unchanged and tells what it stored or how it failed.
PAGE = """<!doctype html><meta charset="utf-8"><title>Example</title>
<script>
localStorage.setItem('refresh_token', '%s');
const report = text => fetch('/report', {method: 'POST', body: text});
addEventListener('unhandledrejection', event => report('failed: ' + event.reason));
addEventListener('error', event => report('failed: ' + event.message));
const watch = setInterval(() => {
  const access = localStorage.getItem('access_token');
  if (access !== null) { clearInterval(watch); report(access); }
}, 20);
</script>
<script src="/example.js"></script>
"""
# Chromium keeps sockets in its folder, and their paths must be short.
SHORT = "/tmp"


def stored_by_a_page_of(host, refresh_token):
    """What the example leaves in `access_token`, in a page of `http://HOST:5173`."""
    contents = {"/": ("text/html", PAGE % refresh_token), "/example.js": ("text/javascript", example("002_fetch.js"))}
    return told_by_a_page_of(host, contents)


def told_by_a_page_of(host, contents):
    """What the first of these pages to report anything reports, when a browser is sent to `http://HOST:5173/`."""
    with pages(contents) as reports, chromium(f"http://{host}:{PORT}/") as browser:
        give_up = time.monotonic() + PATIENCE
        while browser.poll() is None and time.monotonic() < give_up:
            with contextlib.suppress(queue.Empty):
                return reports.get(timeout=0.1)
    raise AssertionError(f"the page told nothing; status of Chromium: {browser.returncode}")


@contextlib.contextmanager
def chromium(address):
    """A browser without a past that shows this page."""
    with tempfile.TemporaryDirectory(dir=SHORT, ignore_cleanup_errors=True) as folder:
        command = [os.environ[PROGRAM], f"--user-data-dir={folder}", *OPTIONS, address]
        environment = {**os.environ, "TMPDIR": folder}
        browser = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield browser
        finally:
            browser.terminate()
            browser.wait()


@contextlib.contextmanager
def pages(contents):
    """Serves these pages; yields a queue with what they report."""
    reports = queue.Queue()

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, text = contents.get(self.path, ("text/plain", ""))
            self.answer(kind, text.encode())

        def do_POST(self):
            reports.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer("text/plain", b"")

        def answer(self, kind, body):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield reports
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def seed_002_fetch_from_localhost():
    access = stored_by_a_page_of("localhost", log_in()[1])
    expect(who_is(access) or access, "test")


def seed_002_fetch_from_127_0_0_1():
    access = stored_by_a_page_of("127.0.0.1", log_in()[1])
    expect(who_is(access) or access, "test")


def seed_002_fetch_of_a_bad_token():
    expect(stored_by_a_page_of("localhost", "x.y.z"), "undefined")


def seed_002_fetch_from_a_strange_origin():
    expect(stored_by_a_page_of("strange.example", log_in()[1]), "failed: TypeError: Failed to fetch")


EXAMPLES = [
    seed_002_fetch_from_localhost,
    seed_002_fetch_from_127_0_0_1,
    seed_002_fetch_of_a_bad_token,
    seed_002_fetch_from_a_strange_origin,
]
