#!/usr/bin/env python3
"""Sends the same requests to the reference and to our server, and reports every difference.

    differential.py --ours 'CMD {profile_json} {port} {db}' --reference 'CMD {profile_json} {port} {db}'

The requests are systematic cases (each known flaw at each place) and random mutations of them. A difference is written to
the --out directory, one file a profile, in the format of the recorded cases, with the reference's answers as expectations:
the conformance runner can replay it. Intended differences are rules in differ/agreed.py and lines in differences.txt.

Needs Python 3.11 and PyJWT[crypto].
"""

import argparse
import collections
import fnmatch
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from differ.agreed import read_list
from differ.cases import systematic
from differ.mutations import mutated
from differ.profiles import View, load_profiles
from differ.replay import Pair
from differ.server import ServerFailure

HERE = Path(__file__).resolve().parent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ours", required=True, help="command with {profile_json}, {port} and {db}")
    parser.add_argument("--reference", required=True, help="command with {profile_json}, {port} and {db}")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--cases", type=int, default=200, help="random cases of each profile")
    parser.add_argument("--systematic", type=int, help="at most so many systematic cases of each profile; default: all")
    parser.add_argument("--profile", nargs="+", default=["*"], help="names or patterns; default: all")
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns of case ids")
    parser.add_argument("--differences", default=HERE / "differences.txt", help="file of agreed differences")
    parser.add_argument(
        "--out", type=Path, default=Path(tempfile.gettempdir()) / "differential", help="for the reports"
    )
    parser.add_argument("--record", action="store_true", help="write every case to --out, not only those that differ")
    parser.add_argument("--show-agreed", action="store_true", help="print agreed differences, too")
    return parser.parse_args()


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def choose_cases(profile, options):
    """The systematic cases, or a sample of them, and random mutations; the same for the same seed."""
    source = random.Random(f"{options.seed}/{profile['name']}")
    known = systematic(View(profile))
    chosen = known
    if options.systematic is not None and options.systematic < len(known):
        chosen = source.sample(known, options.systematic)
    chosen = chosen + [mutated(source.choice(known), source, number, profile) for number in range(options.cases)]
    return [case for case in chosen if matches(case["id"], options.only)]


class Tally:
    def __init__(self, options):
        self.options = options
        self.compared = 0
        self.differing = 0
        self.agreed = collections.Counter()
        self.reports = []

    def add(self, profile, outcome):
        self.compared += 1
        name = f"{profile['name']}/{outcome.recorded['id']}"
        if outcome.reason:
            self.agreed[outcome.reason] += 1
            if self.options.show_agreed:
                print(f"AGREED {name} {outcome.reason}")
        elif outcome.differences:
            self.differing += 1
            step = len(outcome.recorded["steps"])
            print(f"DIFFERS {name} step {step}: " + " | ".join(outcome.differences)[:1000], flush=True)
        answered = all(step.get("expect", {}).get("status") != 0 for step in outcome.recorded["steps"])
        if outcome.differences or (self.options.record and answered):
            self.reports.append(outcome.recorded)

    def write_reports(self, profile):
        if self.reports:
            self.options.out.mkdir(parents=True, exist_ok=True)
            path = self.options.out / f"{profile['name']}.json"
            path.write_text(json.dumps({"profile": profile, "cases": self.reports}, indent=1), encoding="utf-8")
            print(f"{len(self.reports)} cases written: {path}")
        self.reports = []

    def summarise(self):
        for reason, count in sorted(self.agreed.items()):
            print(f"{count:6} agreed: {reason}")
        print(f"{self.compared} compared, {self.differing} differ")


def compare_profile(profile, options, listed, tally):
    with Pair(options.reference, options.ours, profile, listed) as pair:
        for case in choose_cases(profile, options):
            tally.add(profile, pair.run(case))
    tally.write_reports(profile)


def main():
    options = parse_arguments()
    print(f"seed {options.seed}")
    tally = Tally(options)
    listed = read_list(options.differences)
    for profile in load_profiles():
        if not matches(profile["name"], options.profile):
            continue
        started, before = time.monotonic(), tally.compared
        try:
            compare_profile(profile, options, listed, tally)
        except ServerFailure as failure:
            tally.differing += 1
            print(f"DIFFERS {profile['name']}: {failure}")
        print(f"{profile['name']}: {tally.compared - before} cases in {time.monotonic() - started:.0f} s", flush=True)
    tally.summarise()
    return 1 if tally.differing else 0


if __name__ == "__main__":
    sys.exit(main())
