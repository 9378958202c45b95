"""Traffic that moves from Django to tokenpair and back while everybody keeps working."""

import random
import threading
import time
from collections import Counter

from . import fixtures
from .django_side import in_django
from .flaw import expect
from .servers import Client

SETTINGS = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
USERS = [f"user{number}@example.com" for number in range(40)]
CLIENTS = 8
# The part of the requests that goes to tokenpair.
SHARES = [*(step / 10 for step in range(11)), *(step / 10 for step in reversed(range(10)))]
RACES = 25
SEED = 1


def check(scene, profile, step_seconds, tokens_each_way):
    """At the half of the way up it waits for so many tokens of each to be accepted by the other."""
    profile = profile.but(simple_jwt=SETTINGS)
    in_django(profile, fixtures.create_users, USERS)
    with scene.both(profile) as ports:
        load = Load(profile, ports)
        load.start()
        try:
            for number, share in enumerate(SHARES):
                load.share = share
                load.work(step_seconds)
                while number == len(SHARES) // 4 and load.fewest_crossed() < tokens_each_way and not load.flaws:
                    load.work(step_seconds)
        finally:
            load.stop()
        twice = sum(_races(profile, ports) for _ in range(RACES))
    expect(not load.flaws, f"{len(load.flaws)} unexpected answers, first {load.flaws[0] if load.flaws else ''}")
    expect(load.fewest_crossed() >= tokens_each_way, f"too few tokens crossed: {load.crossed}")
    return (
        f"{sum(load.requests.values())} requests ({load.requests['Django']} to Django), 0 unexpected answers; accepted:"
        f" {load.crossed['Django']} tokens of Django's by tokenpair, {load.crossed['tokenpair']} the other way;"
        f" for information: {twice} of {RACES} tokens exchanged at both at the same moment were granted twice"
    )


class Token(str):
    """A token and who issued it; whether the other has accepted it yet."""

    issuer = ""
    has_crossed = False


class Load:
    """Clients that log in, call, verify, refresh and log out, each request at one of the servers by the share."""

    def __init__(self, profile, ports):
        self.users = profile.users
        self.ports = ports
        self.share = 0.0
        self.requests = Counter()
        self.crossed = Counter()
        self.flaws = []
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(SEED + number,)) for number in range(CLIENTS)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def work(self, seconds):
        if not self.flaws:
            time.sleep(seconds)

    def stop(self):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def fewest_crossed(self):
        return min(self.crossed[name] for name in ("Django", "tokenpair"))

    def _client(self, seed):
        choice = random.Random(seed)
        servers = Client(self.ports[0], "Django"), Client(self.ports[1], "tokenpair")
        while not self._end.is_set() and not self.flaws:
            try:
                self._session(choice, servers)
            except Exception as error:  # no answer at all is one that nobody expects
                self.flaws.append(f"{type(error).__name__}: {error}")
        for server in servers:
            server.close()

    def _session(self, choice, servers):
        def ask(what, status, call, *tokens):
            server = servers[choice.random() < self.share]
            answer = call(server)
            if answer.status != status:
                self.flaws.append(f"{server.name}, {what}: expected {status}, got {answer}")
                raise ConnectionError("the session is over")
            with self._lock:
                self.requests[server.name] += 1
                for token in tokens if status == 200 else ():
                    if token.issuer != server.name and not token.has_crossed:
                        token.has_crossed = True
                        self.crossed[token.issuer] += 1
            return server.name, answer.body

        def pair(issuer, body):
            tokens = Token(body["access"]), Token(body["refresh"])
            for token in tokens:
                token.issuer = issuer
            return tokens

        def use(access, refresh):
            ask("call", 200, lambda server: server.get("/api/me/", access), access)
            for token in (access, refresh):
                ask("verify", 200, lambda server, t=token: server.post("/api/token/verify/", {"token": t}), token)

        def exchange(refresh, status=200):
            return ask(
                "refresh", status, lambda server: server.post("/api/token/refresh/", {"refresh": refresh}), refresh
            )

        name = choice.choice(USERS)
        first = pair(
            *ask("log-in", 200, lambda server: server.log_in("/api/token/", self.users, name, fixtures.PASSWORD))
        )
        use(*first)
        second = pair(*exchange(first[1]))
        use(*second)
        exchange(first[1], 401)
        ask("log-out", 200, lambda server: server.post("/api/token/blacklist/", {"refresh": second[1]}), second[1])
        exchange(second[1], 401)


def _races(profile, ports):
    """Whether one token, exchanged at both at the same moment, is granted twice: Django asks first and writes later."""
    servers = [Client(port) for port in ports]
    pair = servers[0].log_in("/api/token/", profile.users, USERS[0], fixtures.PASSWORD).body
    barrier = threading.Barrier(len(servers))
    statuses = []

    def exchange(server):
        server.get("/api/me/", pair["access"])  # connected
        barrier.wait()
        statuses.append(server.post("/api/token/refresh/", {"refresh": pair["refresh"]}).status)

    threads = [threading.Thread(target=exchange, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for server in servers:
        server.close()
    expect(set(statuses) <= {200, 401} and 200 in statuses, f"one token exchanged at both at once: {statuses}")
    return statuses.count(200) == len(servers)
