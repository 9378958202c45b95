"""Django in processes of its own: it can be configured once a process, and we need it in many ways.

Each process is forked from this one, which has imported what costs time and is never configured itself.
"""

import multiprocessing
import os
import signal
import sys
import time
import traceback
from contextlib import contextmanager
from importlib import import_module

from .flaw import Flaw
from .servers import START_TIMEOUT, await_port, free_port

CONTEXT = multiprocessing.get_context("fork")
THREADS = 8
HEAVY = (
    "django.core.management",
    "django.db.migrations.executor",
    "django.test",
    "django.contrib.auth.hashers",
    "gunicorn.app.base",
    "gunicorn.workers.gthread",
    "jwt.algorithms",
    "psycopg",
)


def import_what_costs_time():
    for name in HEAVY:
        import_module(name)


def in_django(profile, function, *arguments):
    """Calls `function` where Django is set up."""
    return in_process(_set_up_and_call, profile, function, *arguments)


def in_process(function, *arguments):
    """Calls `function` in a process of its own; what it returns comes back, what it raises is a flaw."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_call, args=(theirs, function, arguments))
    process.start()
    theirs.close()
    try:
        is_fine, result = ours.recv()
    except EOFError:
        is_fine, result = False, "Django's process died"
    process.join()
    if not is_fine:
        raise Flaw(result)
    return result


def _set_up_and_call(profile, function, *arguments):
    set_up(profile)
    return function(*arguments)


def _call(pipe, function, arguments):
    try:
        pipe.send((True, function(*arguments)))
    except Flaw as flaw:
        pipe.send((False, str(flaw)))
    except BaseException:  # a command of Django's ends with SystemExit
        pipe.send((False, traceback.format_exc()))


def set_up(profile):
    import django
    from django.conf import settings

    own = profile.django_settings()
    if zone := own.get("TIME_ZONE"):  # which Django does itself where settings are a module
        os.environ["TZ"] = zone
        time.tzset()
    settings.configure(**own)
    django.setup()


@contextmanager
def served(profile, log_path, workers=1):
    """Django behind gunicorn with threads; yields the port."""
    port = free_port()
    process = CONTEXT.Process(target=_serve, args=(profile, port, log_path, workers))
    process.start()
    try:
        await_port(port, process.is_alive, log_path)
        yield port
    finally:
        process.terminate()
        process.join(START_TIMEOUT)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(profile, port, log_path, workers):
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_up(profile)

    from django.core.wsgi import get_wsgi_application
    from gunicorn.app.base import BaseApplication

    class Gunicorn(BaseApplication):
        def load_config(self):
            self.cfg.set("control_socket_disable", True)  # it would live in the HOME of whoever runs the tests
            self.cfg.set("bind", f"127.0.0.1:{port}")
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("workers", workers)
            self.cfg.set("threads", THREADS)
            self.cfg.set("keepalive", 75)
            self.cfg.set("timeout", 300)
            self.cfg.set("graceful_timeout", 1)
            self.cfg.set("loglevel", "warning")

        def load(self):
            return get_wsgi_application()

    Gunicorn().run()
