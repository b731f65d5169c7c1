#!/usr/bin/env python3
"""Runs tests of build/coverage, all fast unit tests or those named, and prints how many lines of each folder ran. Counts add up from run to
run, so that a run that was cut short can be gone on with; --reset begins anew. Programs that a test kills count nothing.

Example: ./dev coverage protocol_test record_test"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "coverage"


def main():
    parser = argparse.ArgumentParser(prog="./dev coverage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", metavar="TEST", help="a test program; without one, all fast unit tests")
    parser.add_argument("--reset", action="store_true", help="forget the counts of earlier runs")
    options = parser.parse_args()
    if options.reset:
        for counts in BUILD.rglob("*.gcda"):
            counts.unlink()
    chosen = ["-R", f"^({'|'.join(options.tests)})$"] if options.tests else ["-L", "unit", "-LE", "slow"]
    jobs = os.environ.get("PENSTOCK_JOBS", str(os.cpu_count()))
    failed = subprocess.run(["ctest", "--test-dir", BUILD, "--output-on-failure", "--no-tests=error", "-j", jobs, *chosen]).returncode

    summary = BUILD / "lines.json"
    subprocess.run(["gcovr", "--root", ROOT, "--object-directory", BUILD, "--filter", r"(framework|broker|connectors|plugin-sdk)/", "--gcov-ignore-parse-errors", "-j", jobs,
                    "--json-summary", summary, "--html-details", BUILD / "lines.html", BUILD], check=True)
    folders = collections.defaultdict(lambda: [0, 0])
    for file in json.loads(summary.read_text())["files"]:
        for name in (str(pathlib.PurePosixPath(file["filename"]).parent), "all"):
            folders[name][0] += file["line_covered"]
            folders[name][1] += file["line_total"]
    print(f"\n{'folder':40} {'lines':>7} {'ran':>7}")
    for name, (ran, lines) in sorted(folders.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{name:40} {lines:7} {100 * ran / max(1, lines):6.1f}%")
    print(f"Only what was built counts. Each line by itself: {(BUILD / 'lines.html').relative_to(ROOT)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
