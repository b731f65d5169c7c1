#!/usr/bin/env python3
"""Checks rules of the source tree that the compiler does not: who may include whom (docs/structure.md), co_await expressions that g++ 12
miscompiles, `using namespace` in headers, sleeps in tests, machine paths.

Example: tests/support/check_tree.py"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = {"framework/base"}
CONNECT = "framework/connect/"
RUNNER_SIDE = {CONNECT + name for name in ("host", "plugin", "convert", "task", "runner")}
# Folder -> folders it may include besides itself and framework/base. The longest prefix of a file's folder counts.
MAY_INCLUDE = {
    "framework/base": set(),
    "framework/process": set(),
    "framework/config": set(),
    "framework/record": set(),
    "framework/log": {"framework/record"},
    "framework/protocol": set(),
    "framework/net": {"framework/protocol"},
    "framework/client": {"framework/protocol"},
    "framework/rdkafka": {"framework/config"},
    "framework/cli": {"framework/process", "framework/rdkafka", "framework/config"},
    "broker": {"framework/net", "framework/protocol", "framework/record", "framework/log", "framework/config"},
    "framework/connect/channel": set(),
    "framework/connect/host": {"penstock", "framework/config", "framework/log"},
    "framework/connect/plugin": {"penstock", "framework/connect/host", "framework/connect/channel", "framework/config"},
    "framework/connect/convert": {"penstock", "framework/connect/host", "framework/config"},
    "framework/connect/task": {"penstock", "framework/rdkafka", "framework/client", "framework/connect/convert", "framework/connect/host", "framework/connect/plugin",
                               "framework/connect/channel", "framework/config"},
    "framework/connect/runner": RUNNER_SIDE | {"penstock", "framework/rdkafka", "framework/connect/channel", "framework/config"},
    "framework/connect/store": {"framework/log", "framework/record", "framework/rdkafka", "framework/config"},
    "framework/connect/supervise": {"framework/process", "framework/connect/channel", "framework/config"},
    "framework/connect/herder": {"framework/connect/store", "framework/connect/supervise", "framework/connect/channel", "framework/config"},
    "framework/connect/rest": {"framework/connect/herder", "framework/config"},
    "framework/connect/worker": {"framework/connect/rest", "framework/connect/herder", "framework/connect/store", "framework/connect/supervise",
                                 "framework/connect/channel", "framework/process", "framework/config"},
    "connectors/relational": {"penstock"},
    "connectors/sqlite": {"penstock", "connectors/relational"},
    "connectors/postgres": {"penstock", "connectors/relational"},
    "connectors/file": {"penstock"},
    "plugin-sdk/include": {"penstock"},
}
ASIO_ONLY_IN = "framework/net"
DLL_ONLY_IN = "framework/connect/plugin"


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return [name for name in out.decode().split("\0") if name]


def rule_of(name):
    best = None
    for folder in MAY_INCLUDE:
        if name.startswith(folder + "/") and (best is None or len(folder) > len(best)):
            best = folder
    return best


def check_includes(name, text):
    folder = rule_of(name)
    if folder is None:
        return
    allowed = MAY_INCLUDE[folder] | BASE | {folder}
    for number, line in enumerate(text.splitlines(), 1):
        quoted = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        angled = re.match(r"\s*#\s*include\s+<(boost/(?:asio|dll)[^>]*)>", line)
        if angled and "asio" in angled.group(1) and folder != ASIO_ONLY_IN:
            yield f"{name}:{number}: only {ASIO_ONLY_IN} may include Asio"
        if angled and "dll" in angled.group(1) and folder != DLL_ONLY_IN:
            yield f"{name}:{number}: only {DLL_ONLY_IN} may include Boost.DLL"
        if quoted:
            target = str(pathlib.PurePosixPath(quoted.group(1)).parent)
            if not any(target == one or target.startswith(one + "/") for one in allowed):
                yield f"{name}:{number}: {folder} may not include {quoted.group(1)} (docs/structure.md)"


def check_text(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"co_await[^;]*[({,]\s*\[[^\]]+\]\s*[({]", line):
            yield f"{name}:{number}: name the capturing lambda before co_await: g++ 12 destroys it twice"
        if re.search(r"co_await[^;]*\w\{", line):
            yield f"{name}:{number}: name the aggregate before co_await: g++ 12 destroys it twice"
        if name.endswith(".h") and re.match(r"\s*using namespace", line):
            yield f"{name}:{number}: no using namespace in a header"
        if name.startswith("tests/") and re.search(r"sleep_for|usleep\(", line):
            yield f"{name}:{number}: wait for a condition with a deadline instead of sleeping"
    lines = text.count("\n")
    if lines > 800:
        yield f"{name}: {lines} lines; split it"


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    problems = []
    for name in tracked("*.h", "*.cc", "*.c"):
        text = (ROOT / name).read_text()
        problems += check_includes(name, text)
        problems += check_text(name, text)
    for name in tracked():
        path = ROOT / name
        if path.is_file() and path.suffix not in {".bin", ".snapshot"} and name != "tests/support/check_tree.py":
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if re.search(r"(?<![\w/.])/(?:root|work)/", line):
                    problems.append(f"{name}:{number}: a path of one machine")
    print("\n".join(problems) if problems else "the tree keeps its rules")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
