"""One address before both servers: a token route goes to the one whose turn it is, all else to Django."""

import http.client
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROUTES = ("/api/token", "/api/me")
OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}
TIMEOUT = 60


@contextmanager
def switch(ports, turns):
    """`ports` by name; `turns` yields names, one for each request. Yields the address and who answered how many."""
    answered = Counter()
    handler = type("Handler", (_Handler,), {"ports": ports, "turns": turns, "answered": answered})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", answered
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _pass_on(self):
        name = next(self.turns) if self.path.startswith(ROUTES) else "Django"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=TIMEOUT)
        server.request(self.command, self.path, body or None, dict(self.headers))
        answer = server.getresponse()
        told = answer.read()
        server.close()
        if self.path.startswith(ROUTES):
            self.answered[name] += 1
        self.send_response_only(answer.status, answer.reason)
        for header, value in answer.getheaders():
            if header.lower() not in OF_A_CONNECTION:
                self.send_header(header, value)
        self.send_header("Content-Length", answer.getheader("Content-Length", len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815, that is how they are called

    def log_message(self, *_arguments):
        pass
