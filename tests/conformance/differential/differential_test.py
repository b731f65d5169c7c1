"""The same raw requests to Apache Kafka and to our broker: the answers are equal, or docs/compatibility.md says how and why they differ.

Kafka's answers are in answers.json, from a run of our own. The fast test compares our broker with them; with PENSTOCK_PEER=kafka it asks a
fresh Kafka again and fails when the recording is stale. `differential_test.py --record [PATTERN]` writes it, `--show PATTERN` prints both sides."""

import fnmatch
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "support" / "python")]

import clusters  # noqa: E402
import kafka_wire  # noqa: E402
import runner  # noqa: E402
import servers  # noqa: E402
from cases import ALL  # noqa: E402

ANSWERS = HERE / "answers.json"
PAGE = servers.ROOT / "docs" / "compatibility.md"
SETTINGS = ("group.initial.rebalance.delay.ms=0", "num.partitions=2", "offsets.topic.num.partitions=1",
            "group.consumer.assignment.interval.ms=0")
COMPARED_MIN = 1000
# Texts of errors are for people: whether there is one is compared, its words are not.
TEXTS = {"error_message", "message"}


def ask(kind, wanted=("*",)):
    """Runs the cases against a fresh cluster; (answers, what was left out)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-differential-"))
    cluster = None
    try:
        cluster = kind(folder, SETTINGS)
        advertised = None
        if kind is clusters.Penstock:
            with kafka_wire.Client(cluster.address) as client:
                advertised = client.api_versions()
        run = runner.Run(cluster.address, advertised)
        run.settle()
        for case in ALL:
            if any(fnmatch.fnmatch(case.__name__.replace("_", "-"), pattern.split("/")[0]) for pattern in wanted):
                run.case(case)
        return run.answers, run.left_out
    finally:
        if cluster is not None:
            cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


def differences(theirs, ours, path=""):
    """[(path, Kafka's, ours)], paths as topics.0.error_code."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [each for name in {**theirs, **ours} for each in differences(theirs.get(name), ours.get(name), f"{path}.{name}".lstrip("."))]
    if by_name(theirs) and by_name(ours):
        return differences(by_name(theirs), by_name(ours), path)
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [each for at, pair in enumerate(zip(theirs, ours)) for each in differences(*pair, f"{path}.{at}".lstrip("."))]
    if path.rsplit(".", 1)[-1] in TEXTS and isinstance(theirs, str) and isinstance(ours, str):
        return []
    return [] if theirs == ours else [(path or "answer", theirs, ours)]


# What tells the elements of an array apart, whatever their order.
KEYS = ("name", "topic", "group_id", "partition", "index", "partition_index", "member_id")


def by_name(value):
    """A list whose elements have names or numbers, each another, as a dictionary."""
    if not value or not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        return None
    for key in KEYS:
        if all(each.get(key) not in (None, "") for each in value):
            out = {str(each[key]): each for each in value}
            return out if len(out) == len(value) else None
    return None


def listed():
    """[(request patterns, field patterns)] of the page's section "Different answers"."""
    block = re.search(r"<!-- different answers -->\n(.*?)<!-- end -->", PAGE.read_text(), re.S)
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in block[1].splitlines()[2:]]
    return [(patterns(row[0]), patterns(row[1])) for row in rows]


def patterns(cell):
    return tuple(each.strip(" `") for each in cell.split(","))


def matches(name, wanted):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)


def compare(theirs, ours, rows):
    """(lines about differences that no row allows, lines about the rows' patterns that allow nothing)."""
    lines, used = [], set()
    for name, answer in ours.items():
        if name not in theirs:
            lines.append(f"{name}: not recorded, run {pathlib.Path(__file__).name} --record")
            continue
        for path, kafka, here in differences(theirs[name], answer):
            reasons = {(at, request, field) for at, row in enumerate(rows) for request in row[0] for field in row[1]
                       if fnmatch.fnmatchcase(name, request) and fnmatch.fnmatchcase(path, field)}
            used |= reasons
            if not reasons:
                lines.append(f"{name}: {path}: Kafka {json.dumps(kafka)[:300]} here {json.dumps(here)[:300]}")
    stale = [f"row {at + 1}: `{pattern}` of {' '.join(cell)}" for at, row in enumerate(rows) for place, cell in enumerate(row) for pattern in cell
             if not any(each[0] == at and each[1 + place] == pattern for each in used)]
    return lines, stale


def load():
    return json.loads(ANSWERS.read_text())


def save(answers):
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(answer, separators=(',', ':'))}" for name, answer in answers.items())
    ANSWERS.write_text("{\n" + lines + "\n}\n")


class Differential(unittest.TestCase):
    @unittest.skipIf(clusters.APACHE, "this is the test of our broker")
    def test_our_answers_are_those_recorded_from_kafka(self):
        theirs = load()
        ours, left_out = ask(clusters.Penstock)
        lines, stale = compare(theirs, ours, listed())
        print(f"{len(ours)} of {len(theirs)} recorded requests compared; left out: {'; '.join(left_out) or 'none'}")
        self.assertFalse(lines, "\n" + "\n".join(lines))
        self.assertFalse(stale, f"listed in {PAGE.name} as different, but nothing is:\n" + "\n".join(stale))
        self.assertGreaterEqual(len(ours), COMPARED_MIN)

    @unittest.skipUnless(clusters.APACHE, "needs Apache Kafka: PENSTOCK_PEER=kafka")
    def test_the_recording_is_what_kafka_answers(self):
        fresh, _ = ask(clusters.Apache)
        lines = [f"{name}: {json.dumps(each)}" for name, answer in load().items() for each in differences(answer, fresh.get(name))]
        self.assertFalse(lines, "\n" + "\n".join(lines))
        self.assertEqual(set(fresh), set(load()))


def show(wanted):
    theirs, (ours, left_out) = load(), ask(clusters.Penstock, wanted)
    for name, answer in ours.items():
        if matches(name, wanted):
            print(f"{name}\n  Kafka {json.dumps(theirs.get(name))}\n  here  {json.dumps(answer)}")
    print("left out:", left_out)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--record"]:
        kept = {} if sys.argv[2:] == [] else {name: each for name, each in load().items() if not matches(name, sys.argv[2:])}
        save({**kept, **ask(clusters.Apache, sys.argv[2:] or ("*",))[0]})
    elif sys.argv[1:2] == ["--show"]:
        show(sys.argv[2:] or ["*"])
    else:
        unittest.main()
