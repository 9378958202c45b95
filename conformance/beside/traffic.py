"""Traffic that moves from Django to tokenpair and back while everybody keeps working; then tokenpair leaves."""

import random
import threading
import time
from collections import Counter, deque
from itertools import count

from . import fixtures
from .django_side import in_django
from .flaw import expect, same
from .moving_in import HISTORY, OURS
from .servers import Client
from .tokens import answered

SETTINGS = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True, "ACCESS_TOKEN_LIFETIME": 7200}
USERS = [f"user{number}@example.com" for number in range(40)]
CLIENTS = 16
REQUESTS_A_SECOND = 100
EXCHANGES = 4
# The part of the requests that goes to tokenpair.
SHARES = [*(step / 10 for step in range(11)), *(step / 10 for step in reversed(range(10)))]
WAY_DOWN = len(SHARES) - 1 - SHARES.index(0.5)
RACES = 25
SEED = 1
POLL = 0.05
# Each client leaves one session in so many open, the first among them; so many tokens of the others are remembered as refused.
OPEN = 10
REMEMBERED = 500


def check(scene, profile, seconds, tokens_each_way):
    """As many requests as fit in `seconds`, and at the half of the way down as many more as it takes for so many tokens
    of each to be accepted by the other. Returns what to say about it.
    """
    profile = profile.but(simple_jwt=SETTINGS)
    database = profile.database
    in_django(profile, fixtures.create_users, USERS)
    before, history = database.schema(), database.query(HISTORY)
    started = time.monotonic()
    with scene.both(profile) as ports:
        load = Load(profile, ports)
        load.start()
        try:
            for number, share in enumerate(SHARES):
                load.share = share
                load.work(seconds * REQUESTS_A_SECOND / len(SHARES))
                while number == WAY_DOWN and load.fewest_crossed() < tokens_each_way and not load.flaws:
                    load.work(REQUESTS_A_SECOND)
        finally:
            load.stop()
        took = time.monotonic() - started
        twice = sum(_races(profile, ports) for _ in range(RACES))
    expect(not load.flaws, f"{len(load.flaws)} unexpected answers, first {load.flaws[0] if load.flaws else ''}")
    for table in OURS:
        database.query(f"DROP TABLE {table}")
    same("the schema with tokenpair gone", before, database.schema())
    same("the rows of django_migrations", history, database.query(HISTORY))
    in_django(profile, fixtures.expect_clean)
    _django_goes_on(scene, profile, load)
    return (
        f"{load.told(took)}; tokenpair gone, Django's checks clean, {len(load.open)} sessions go on at Django and"
        f" {len(load.ended)} ended ones stay so; for information: {twice} of {RACES} tokens exchanged at both at the"
        " same moment were granted twice"
    )


def _django_goes_on(scene, profile, load):
    expect(load.open and load.ended, "no session to go on with")
    with scene.django(profile) as port:
        client = Client(port, "Django")
        for access, refresh in load.open:
            answered(client, "access token of an open session", client.get("/api/me/", access))
            answered(client, "its refresh token", client.post("/api/token/refresh/", {"refresh": refresh}))
        for refresh in load.ended:
            answer = client.post("/api/token/refresh/", {"refresh": refresh})
            answered(client, "refresh token of an ended session", answer, 401)
        client.close()


class Token(str):
    """A token and who issued it; whether the other has accepted it yet, and who ended it."""

    issuer = ""
    has_crossed = False
    ended_by = None


class Pace:
    """Lets so many through a second, and makes up for nothing."""

    def __init__(self, a_second):
        self._gap = 1 / a_second
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self):
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        time.sleep(max(0, turn - time.monotonic()))


class Load:
    """Clients that log in, call, verify, refresh and log out, each request at one of the servers by the share."""

    def __init__(self, profile, ports):
        self.users = profile.users
        self.ports = ports
        self.share = 0.0
        self.took = {"Django": [], "tokenpair": []}
        self.crossed = Counter()
        self.refused = Counter()
        self.reconnects = 0
        self.open = []
        self.ended = deque(maxlen=REMEMBERED)
        self.flaws = []
        self._pace = Pace(REQUESTS_A_SECOND)
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(SEED + number,)) for number in range(CLIENTS)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def requests(self):
        return sum(map(len, self.took.values()))

    def work(self, requests):
        """Returns when so many more are answered."""
        goal = self.requests() + requests
        while self.requests() < goal and not self.flaws:
            time.sleep(POLL)

    def stop(self):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def fewest_crossed(self):
        return min(self.crossed[name] for name in self.took)

    def told(self, seconds):
        sides = (f"{len(took)} to {name} (p99 {_p99(took) * 1000:.0f} ms)" for name, took in self.took.items())
        return (
            f"{self.requests()} requests in {seconds:.0f} s ({self.requests() / seconds:.0f}/s), {' and '.join(sides)},"
            f" 0 errors, {self.reconnects} reconnects; accepted: {self.crossed['Django']} tokens of Django's by"
            f" tokenpair, {self.crossed['tokenpair']} the other way; refused at the next request:"
            f" {self.refused['Django']} that Django ended by tokenpair, {self.refused['tokenpair']} the other way"
        )

    def _client(self, seed):
        choice = random.Random(seed)
        servers = Client(self.ports[0], "Django"), Client(self.ports[1], "tokenpair")
        for number in count():
            if self._end.is_set() or self.flaws:
                break
            try:
                self._session(choice, servers, is_left_open=number % OPEN == 0)
            except Exception as error:  # no answer at all is one that nobody expects
                self.flaws.append(f"{type(error).__name__}: {error}")
        for server in servers:
            server.close()
            self.reconnects += server.reconnects

    def _session(self, choice, servers, is_left_open):
        def ask(what, status, call, token=None):
            self._pace.wait()
            server = servers[choice.random() < self.share]
            started = time.monotonic()
            answer = call(server)
            took = time.monotonic() - started
            if answer.status != status:
                self.flaws.append(f"{server.name}, {what}: expected {status}, got {answer}")
                raise ConnectionError("the session is over")
            with self._lock:
                self.took[server.name].append(took)
                self._note(server.name, status, token)
            return server.name, answer.body

        def pair(issuer, body):
            tokens = Token(body["access"]), Token(body["refresh"])
            for token in tokens:
                token.issuer = issuer
            return tokens

        def exchange(refresh, status=200):
            return ask("refresh", status, lambda to: to.post("/api/token/refresh/", {"refresh": refresh}), refresh)

        name = choice.choice(USERS)
        password = fixtures.PASSWORD
        access, refresh = pair(*ask("log-in", 200, lambda to: to.log_in("/api/token/", self.users, name, password)))
        for _ in range(EXCHANGES):
            ask("call", 200, lambda to, token=access: to.get("/api/me/", token), access)
            ask("verify", 200, lambda to, token=refresh: to.post("/api/token/verify/", {"token": token}), refresh)
            old, (access, refresh) = refresh, pair(*exchange(refresh))
            old.ended_by = refresh.issuer
            exchange(old, 401)
        if is_left_open:
            self.open.append((access, refresh))
            return
        refresh.ended_by, _body = ask(
            "log-out", 200, lambda to: to.post("/api/token/blacklist/", {"refresh": refresh}), refresh
        )
        exchange(refresh, 401)
        self.ended.append(refresh)

    def _note(self, server, status, token):
        if token is None:
            return
        if status == 200 and token.issuer != server and not token.has_crossed:
            token.has_crossed = True
            self.crossed[token.issuer] += 1
        if status == 401 and token.ended_by != server:
            self.refused[token.ended_by] += 1


def _p99(took):
    return sorted(took)[len(took) * 99 // 100] if took else 0


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
