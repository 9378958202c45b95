"""The examples beside the documents that print them, for who has these: only their examples are part of the project."""
import os
import pathlib

from demo import EXAMPLES as FOLDER, expect

# Where `run.py` leaves the folder of the documents, `000_….txt` and so on.
DOCUMENTS = "TOKENPAIR_SEEDS_DOCUMENTS"


def lines(path):
    """Without their indentation, which seed 002 has lost."""
    return [line.lstrip() for line in path.read_text(encoding="utf-8").splitlines()]


def stands_in(document, wanted):
    return any(document[start:start + len(wanted)] == wanted for start in range(len(document)))


def examples_are_as_printed():
    for example in FOLDER.iterdir():
        number = example.name.split("_")[0]
        [document] = pathlib.Path(os.environ[DOCUMENTS]).glob(f"{number}_*.txt")
        expect((example.name, stands_in(lines(document), lines(example))), (example.name, True))


EXAMPLES = [examples_are_as_printed]
