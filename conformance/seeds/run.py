#!/usr/bin/env python3
"""Runs the examples that the seeds print against `tokenpair serve --demo`.

    run.py TOKENPAIR [--chromium PROGRAM --axios FOLDER] [--documents FOLDER]

Needs the packages of requirements.txt and curl, and for axios those of package.json. The examples name port 8000, so the script moves
into a network namespace of its own where it can (root, or user namespaces allowed); elsewhere port 8000 has to be free. Exit status 1:
an example failed; 77: nothing could be run.
"""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import browser
import client
import command_line
import documents
import interceptor
from demo import serve

PORT = 8000
SKIPPED = 77
PRIVATE = "TOKENPAIR_SEEDS_PRIVATE_NETWORK"
NAMESPACES = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])
LOOPBACK_UP = ["ip", "link", "set", "lo", "up"]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("tokenpair")
    options.add_argument("--chromium", help="runs the browser's examples, too")
    options.add_argument("--axios", help="with a browser: the folder of the package, runs the example that needs it")
    options.add_argument("--documents", help="the folder with the seeds, whose lines the examples must be")
    options = options.parse_args()
    if PRIVATE not in os.environ:
        enter_private_network()
        refuse_foreign_server()
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        command_line.prepare(folder)
        examples = command_line.EXAMPLES + client.EXAMPLES
        examples_with_2_seconds = list(client.EXAMPLES_WITH_2_SECONDS)
        if options.chromium:
            os.environ[browser.PROGRAM] = options.chromium
            examples += browser.EXAMPLES
        if options.chromium and options.axios:
            os.environ[interceptor.PACKAGE] = options.axios
            examples += interceptor.EXAMPLES
            examples_with_2_seconds += interceptor.EXAMPLES_WITH_2_SECONDS
        if options.documents:
            os.environ[documents.DOCUMENTS] = options.documents
            examples += documents.EXAMPLES
        outcomes = run(options.tokenpair, {}, examples)
        outcomes += run(options.tokenpair, {"TOKENPAIR_ACCESS_TOKEN_LIFETIME": "2s"}, examples_with_2_seconds)
    failed = outcomes.count(False)
    print(f"{len(outcomes) - failed} examples passed, {failed} failed")
    return 1 if failed else 0


def run(tokenpair, variables, examples):
    """Whether each example passes."""
    with serve(tokenpair, variables):
        return [passes(example) for example in examples]


def passes(example):
    try:
        example()
    except Exception as error:  # an example may fail in any way
        print(f"FAILED {example.__name__}: {type(error).__name__}: {error}")
        return False
    print(f"ok {example.__name__}")
    return True


def enter_private_network():
    """Starts this script anew where every port is ours; returns where that cannot be had."""
    for namespace in NAMESPACES:
        if not all(map(shutil.which, (namespace[0], LOOPBACK_UP[0]))):
            return
        if subprocess.run(namespace + LOOPBACK_UP, stderr=subprocess.DEVNULL).returncode == 0:
            os.environ[PRIVATE] = "1"
            command = " ".join(LOOPBACK_UP) + ' && exec "$@"'
            os.execvp(namespace[0], namespace + ["sh", "-c", command, "sh", sys.executable, "-u"] + sys.argv)


def refuse_foreign_server():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            print(f"SKIPPED: port {PORT} is taken, and there is no network namespace to be had")
            sys.exit(SKIPPED)


if __name__ == "__main__":
    sys.exit(main())
