#!/usr/bin/env python3
"""Compiles each header of the tree alone, with the flags of a source file beside it: a header includes what it uses.

Example: tests/support/check_headers.py --build build/release broker framework/log"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DROPPED_WITH_VALUE = {"-o", "-c", "-MF", "-MT", "-MQ"}
DROPPED = {"-MD", "-MMD"}


def flags_of(entry):
    """The compiler and its flags, without launcher, input and output."""
    words = shlex.split(entry["command"])
    while pathlib.Path(words[0]).name in ("ccache", "cmake"):
        words.pop(0)
    out, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in DROPPED_WITH_VALUE:
            skip = True
        elif word not in DROPPED and not word.endswith((".cc", ".cpp")):
            out.append(word)
    return out


def nearest(header, commands):
    """The flags of the source that shares the longest path with the header."""
    def shared(path):
        return len(os.path.commonprefix([str(path), str(header)]))
    return commands[max(commands, key=lambda path: (shared(path), -len(str(path))))]


def check(header, commands, directory):
    words = [*nearest(header, commands), "-fsyntax-only", "-x", "c++", "-"]
    done = subprocess.run(words, input=f'#include "{header}"\n', cwd=directory, capture_output=True, text=True, check=False)
    return header, done.returncode, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="a configured build folder")
    parser.add_argument("folders", nargs="*", help="only headers below these folders")
    options = parser.parse_args()
    path = options.build / "compile_commands.json"
    if not path.exists():
        parser.error(f"{path} is not there: configure first (./dev build)")
    entries = [entry for entry in json.loads(path.read_text()) if entry["file"].endswith(".cc")]
    commands = {pathlib.Path(entry["file"]): flags_of(entry) for entry in entries}
    names = subprocess.run(["git", "ls-files", "--", "*.h"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    names = [name for name in names if not name.startswith("examples/plugins/")]  # built against an installed SDK
    if options.folders:
        names = [name for name in names if name.startswith(tuple(folder.rstrip("/") + "/" for folder in options.folders))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (header, code, text) in enumerate(
                pool.map(lambda name: check(ROOT / name, commands, entries[0]["directory"]), names), 1):
            if code != 0:
                failed += 1
                print(f"{header.relative_to(ROOT)} does not compile alone:\n{text}")
            if sys.stderr.isatty():
                print(f"\r{number} of {len(names)} headers", end="", file=sys.stderr)
    print(f"{len(names) - failed} headers compile alone, {failed} do not")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
