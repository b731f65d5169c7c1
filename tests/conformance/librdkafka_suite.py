#!/usr/bin/env python3
"""librdkafka's own test suite (Debian's source package, linked with Debian's library) against our broker and against Apache Kafka.

A test that passes against Apache Kafka has to pass against ours. Every test is a process of its own; its result is kept at once, so that an
interrupted run goes on where it was. The source, the build and the results live in ${XDG_CACHE_HOME:-~/.cache}/penstock; what Apache Kafka's
results were is also in librdkafka_suite.json beside this file, so that a run against ours alone is a judgement."""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support" / "python"))
import clusters  # noqa: E402  pylint: disable=wrong-import-position
import servers  # noqa: E402  pylint: disable=wrong-import-position

PACKAGE, VERSION = "librdkafka", "2.0.2"
KNOWN = pathlib.Path(__file__).with_name("librdkafka_suite.json")
OVERRIDES = ("num.partitions=4", "group.initial.rebalance.delay.ms=100")
# The suite's names for how a cluster is set up, and the setting that they mean.
SCENARIOS = {"default": "auto.create.topics.enable=true", "noautocreate": "auto.create.topics.enable=false"}
TEST_SECONDS = 300
# Quick mode leaves out all that these do, so they are played in full.
IN_FULL = ("0018", "0019", "0022", "0026", "0045", "0055", "0061", "0102", "0122", "0132", "0137")
# One of each kind, each within seconds: for a quick look.
SHORT = ("0001", "0002", "0005", "0008", "0012", "0013", "0017", "0019", "0029", "0031", "0054", "0063", "0070", "0073", "0085", "0099", "0103",
         "0112", "0130")


def home():
    return clusters.cache() / f"{PACKAGE}-{VERSION}-suite"


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, folder, log):
    with open(log, "ab") as output:
        done = subprocess.run([str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} exited with {done.returncode}; its output is in {log}")


def source_list():
    """The machine's own package sources of its release, as sources of source packages."""
    release = re.search(r"^VERSION_CODENAME=(\S+)", pathlib.Path("/etc/os-release").read_text(), re.M).group(1)
    folder, out = pathlib.Path("/etc/apt"), []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        text = path.read_text() if path.is_file() else ""
        if path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                suites = re.search(r"^Suites:(.*)", stanza, re.M)
                if suites and release in suites.group(1).split():
                    out.append(re.sub(r"^Types:.*", "Types: deb-src", stanza.strip(), flags=re.M))
        else:
            for line in text.splitlines():
                found = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
                if found and found.group(3) == release:
                    signed = re.search(r"signed-by=(\S+?)[\s\]]", found.group(1) or "")
                    out.append(f"Types: deb-src\nURIs: {found.group(2)}\nSuites: {release}\nComponents: {found.group(4)}"
                               + (f"\nSigned-By: {signed.group(1)}" if signed else ""))
    if not out:
        raise RuntimeError(f"/etc/apt names no package source of {release}")
    return "\n\n".join(out) + "\n"


def fetch_source(place, log):
    """apt-get source with a source list of its own: the machine's lists stay as they are."""
    sources = place / "own.sources"
    sources.write_text(source_list())
    (place / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-q", "-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=-", "-o", f"Dir::State::lists={place / 'lists'}",
               "-o", "APT::Sandbox::User=root"]
    run(["apt-get", *options, "update"], place, log)
    run(["apt-get", *options, "source", f"{PACKAGE}={VERSION}-1"], place, log)


def fit(tree):
    """One broker cannot hold three replicas; and some tests call scripts of a Kafka distribution, which is ours to stand in for."""
    for path in sorted((tree / "tests").glob("0*.c*")):
        text = path.read_text()
        path.write_text(re.sub(r"(test_create_topic\([^;]*, )3\);", r"\g<1>1);", text))
    scripts = tree / "kafka" / "bin"
    scripts.mkdir(parents=True)
    for name, tool in (("kafka-topics.sh", "TopicCommand"), ("kafka-acls.sh", "AclCommand")):
        script = scripts / name
        script.write_text(f'#!/bin/sh\nexec "$PENSTOCK_KAFKA_PY" run org.apache.kafka.tools.{tool} "$@"\n')
        script.chmod(0o755)


def build():
    """The suite's program, built once; it appears whole or not at all."""
    program = home() / "tests" / "test-runner"
    if program.is_file():
        return program
    home().parent.mkdir(parents=True, exist_ok=True)
    log = clusters.cache() / f"{PACKAGE}-build.log"
    say(f"fetching and building the test suite of {PACKAGE} {VERSION} (log: {log}) ...")
    with tempfile.TemporaryDirectory(prefix=f".{PACKAGE}.", dir=home().parent) as scratch:
        place = pathlib.Path(scratch)
        fetch_source(place, log)
        tree = place / f"{PACKAGE}-{VERSION}"
        fit(tree)
        run(["./configure"], tree, log)
        # The suite's Makefile wants the library beside it; Debian's is the one to test with, so those two count as made.
        run(["make", "-j2", "-o", "../src/librdkafka.a", "-o", "../src-cpp/librdkafka++.a", "build"], tree / "tests", log)
        shutil.rmtree(home(), ignore_errors=True)
        tree.rename(home())
    return program


def all_tests(program, with_sockem):
    """Numbers of the tests that need a broker, from the suite's own table."""
    table = (program.parent / "test.c").read_text()
    entries = re.findall(r"_TEST\((\d{4})_(\w+),\s*([A-Z_0-9 |]+)", table)
    return sorted({number for number, _, flags in entries if not re.search("LOCAL|MANUAL" + ("" if with_sockem else "|SOCKEM"), flags)})


def tests_of(program, scenario):
    entries = (program.parent / "test.c").read_text().split("_TEST(")
    return {entry[:4] for entry in entries if f'.scenario = "{scenario}"' in entry}


def run_test(program, number, scenario, address, folder, multiplier):
    """The state of each test of that number: {name: {"state", "seconds", "why"}}."""
    conf, report, log = (folder / f"{number}-{scenario}.{kind}" for kind in ("conf", "json", "log"))
    conf.write_text(f"metadata.broker.list={address}\ntest.topic.random=true\ntest.timeout.multiplier={multiplier}\n")
    report.unlink(missing_ok=True)
    environment = {**os.environ, "TESTS": number, "RDKAFKA_TEST_CONF": str(conf), "TEST_REPORT": str(report), "TEST_KAFKA_VERSION": "4.3.0.0",
                   "TEST_MODE": "bare", "KAFKA_PATH": str(home() / "kafka"), "BROKERS": address, "PENSTOCK_KAFKA_PY": str(clusters.KAFKA)}
    environment.pop("CI", None)
    command = [program, "-L", "-p1", "-s", scenario, *([] if number in IN_FULL else ["-Q"])]
    started, late = time.monotonic(), False
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=program.parent, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output)
        try:
            process.wait(TEST_SECONDS)
        except subprocess.TimeoutExpired:
            late = True
            process.kill()
            process.wait()
    seconds = round(time.monotonic() - started, 1)
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
    why = re.search(r'^### Test ".*" failed at ([\w.-]+:\d+).*\n(.*)', text, re.M)
    why = f"{why.group(1)} {why.group(2)}"[:300] if why else ""
    try:
        tests = json.loads(report.read_text(errors="replace"))["tests"]
    except (FileNotFoundError, ValueError):
        tests = {}
    out = {}
    for name, result in tests.items():
        if name.startswith(number) and not name.endswith("_local"):
            state = "FAILED" if result["state"] == "RUNNING" else result["state"]
            out[name] = {"state": state, "seconds": seconds}
    if not out:
        out = {number: {"state": "FAILED", "seconds": seconds}}
        why = f"no end within {TEST_SECONDS} s" if late else f"exit code {process.returncode}: {why}"
    for result in out.values():
        if result["state"] == "FAILED":
            result["why"] = why
    return out


class Results:
    """What is known of one cluster, on disk after every test. `subject` names what was tested: results of another one do not count."""

    def __init__(self, kind, subject):
        self.path = clusters.cache() / f"{PACKAGE}-results-{kind}.json"
        self.subject, self.tests, self.ran = subject, {}, []
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            kept = json.loads(self.path.read_text())
            if kept["subject"] == subject:
                self.tests, self.ran = kept["tests"], kept["ran"]

    def add(self, run_of, results):
        """A test that is not for this scenario says SKIPPED; what another one said stays."""
        self.tests.update({name: result for name, result in results.items() if result["state"] != "SKIPPED" or name not in self.tests})
        self.ran = sorted({*self.ran, run_of})
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"subject": self.subject, "ran": self.ran, "tests": self.tests}, indent=1, sort_keys=True) + "\n")
        fresh.replace(self.path)


@contextlib.contextmanager
def cluster(kind, scenario, address):
    if address:
        yield address
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-librdkafka-"))
    try:
        made = (clusters.Apache if kind == "kafka" else clusters.Penstock)(folder, (*OVERRIDES, SCENARIOS[scenario]))
        try:
            yield made.address
        finally:
            made.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def subject_of(kind, address):
    if kind == "kafka":
        return "Apache Kafka 4.3.0"
    if address:
        return f"the broker at {address}"
    return hashlib.sha256((servers.BIN / "penstock-broker").read_bytes()).hexdigest()


def play(kind, numbers, options):
    """Runs what is not known yet; returns the results of `numbers`."""
    program = build()
    subprocess.run([sys.executable, clusters.KAFKA, "fetch"], check=True, stdout=subprocess.DEVNULL)
    results = Results(kind, subject_of(kind, options.address))
    logs = clusters.cache() / f"{PACKAGE}-logs-{kind}"
    logs.mkdir(parents=True, exist_ok=True)
    scenario = options.scenario
    of_scenario = [n for n in numbers if scenario == "default" or n in tests_of(program, scenario)]
    left = [n for n in of_scenario if options.fresh or f"{scenario} {n}" not in results.ran]
    if left:
        with cluster(kind, scenario, options.address) as address:
            for index, number in enumerate(left, 1):
                done = run_test(program, number, scenario, address, logs, options.multiplier)
                if any(result["state"] == "FAILED" for result in done.values()) and options.retry:
                    done = run_test(program, number, scenario, address, logs, options.multiplier)
                results.add(f"{scenario} {number}", done)
                for name, result in done.items():
                    say(f"{kind} {scenario} {index}/{len(left)} {name}: {result['state']} ({result['seconds']} s) {result.get('why', '')}".rstrip())
    return {name: result for name, result in results.tests.items() if name[:4] in numbers}


def judge(ours, reference):
    """Prints what differs; returns the number of tests that only Apache Kafka passes."""
    worse, better, failed = [], [], []
    for name, result in sorted(ours.items()):
        wanted = reference.get(name, "unknown")
        if wanted == "PASSED" and result["state"] != "PASSED":
            worse.append(f"{name}: {result['state']} {result.get('why', '')}")
        elif result["state"] == "PASSED" and wanted != "PASSED":
            better.append(f"{name} ({wanted} there)")
        elif result["state"] == "FAILED":
            failed.append(name)
    passed = sum(result["state"] == "PASSED" for result in ours.values())
    print(f"{len(ours)} tests, {passed} passed here, {sum(reference.get(name) == 'PASSED' for name in ours)} of them against Apache Kafka")
    for title, names in (("passed here, not there", better), ("failed here and there", failed), ("passed there, NOT here", worse)):
        if names:
            print(f"{title}:\n  " + "\n  ".join(names))
    return len(worse)


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=(
        "examples:\n  librdkafka_suite.py --short                 a few of the tests, against ours\n"
        "  librdkafka_suite.py --tests 0081,0102       these, against ours\n"
        "  librdkafka_suite.py --cluster kafka --keep  run against Apache Kafka, keep what passes there as the reference\n"
        "exit code: 0 when all that passes against Apache Kafka passes here, 1 otherwise"))
    top.add_argument("--cluster", choices=("penstock", "kafka"), default="penstock", help="default: %(default)s")
    top.add_argument("--address", help="a running broker, host:port, instead of starting one")
    top.add_argument("--tests", help="numbers, comma in between; default: all that need a broker")
    top.add_argument("--short", action="store_true", help=f"only {len(SHORT)} quick ones")
    top.add_argument("--sockem", action="store_true", help="with the tests that slow down and cut sockets")
    top.add_argument("--scenario", choices=tuple(SCENARIOS), default="default", help="how the cluster is set up (default: %(default)s)")
    top.add_argument("--fresh", action="store_true", help="run again what has a result")
    top.add_argument("--no-retry", dest="retry", action="store_false", help="a failed test fails at once; default: once more")
    top.add_argument("--multiplier", type=float, default=2.0, help="of the suite's own time limits (default %(default)s)")
    top.add_argument("--keep", action="store_true", help=f"with --cluster kafka: write the results into {KNOWN.name}")
    top.add_argument("--list", action="store_true", help="print the tests and end")
    return top


def main():
    options = parser().parse_args()
    if options.keep and options.cluster != "kafka":
        parser().error("--keep goes with --cluster kafka")
    tests = all_tests(build(), options.sockem)
    chosen = options.tests.split(",") if options.tests else [n for n in tests if n in SHORT] if options.short else tests
    if options.list:
        print("\n".join(chosen))
        return 0
    results = play(options.cluster, chosen, options)
    known = json.loads(KNOWN.read_text()) if KNOWN.is_file() else {}
    if options.cluster == "kafka":
        if options.keep:
            known.update({name: result["state"] for name, result in results.items()})
            KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(f"{len(results)} tests, {sum(result['state'] == 'PASSED' for result in results.values())} passed")
        return 0
    return 1 if judge(results, known) else 0


if __name__ == "__main__":
    sys.exit(main())
