#!/usr/bin/env python3
"""Runs the libFuzzer programs one after another, each for --seconds, and prints what each did. What they learn stays in
build/fuzz/corpus/TARGET, so that the next run goes on from there. A crash is made small and laid into tests/fuzz/corpus/TARGET, which the
ordinary tests run; the exit code is then 1.

Example: ./dev fuzz --seconds 300 batch wire
Targets: batch, checkpoint, decompress, index, properties, segment, wire, wire_everywhere; without a name, all of them."""

import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "fuzz" / "corpus"
BUILD = ROOT / "build" / "fuzz"
# Target -> longest input in bytes, most memory of one allocation in MB. Records may be decompressed to 128 MiB, and zstd makes room for a
# window of as much before it looks at the rest of a frame.
TARGETS = {"batch": (4096, 160), "checkpoint": (1024, 16), "decompress": (2048, 160), "index": (1024, 16), "properties": (1024, 16),
           "segment": (4096, 160), "wire": (4096, 16), "wire_everywhere": (1024, 16)}
SHARES_CORPUS = {"wire_everywhere": "wire"}
SHOWN = re.compile(r"^#\d+\s+(INITED|pulse)|ERROR:|runtime error|broken rule|^SUMMARY|slowest_unit")


def flags(target, found):
    length, megabytes = TARGETS[target]
    return [f"-max_len={length}", f"-malloc_limit_mb={megabytes}", "-timeout=10", "-rss_limit_mb=2048", "-print_funcs=0", f"-artifact_prefix={found}/"]


def fuzz(target, seconds, found):
    """Runs one program, shows its progress, gives the last line of numbers."""
    folder = SHARES_CORPUS.get(target, target)
    corpus, kept = BUILD / "corpus" / folder, KEPT / folder
    for path in (corpus, kept, found):
        path.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        subprocess.run([BUILD / "bin" / "fuzz_seeds", target, corpus], check=True)
    before = len(list(corpus.iterdir()))
    begun = time.monotonic()
    command = [BUILD / "bin" / f"fuzz_{target}", *flags(target, found), f"-max_total_time={seconds}", "-print_final_stats=1", corpus, kept]
    first = last = ""
    runs = "?"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace") as program:
        try:
            for line in program.stderr:
                if SHOWN.search(line):
                    print(f"{target}: {line.rstrip()}", flush=True)
                if line.startswith("#") and " cov: " in line:
                    last = line.split("cov:")[1].split("exec/s")[0].strip()
                    first = last if "INITED" in line else first
                if line.startswith("stat::number_of_executed_units"):
                    runs = line.split()[-1]
        except KeyboardInterrupt:
            program.terminate()
            raise
    if program.returncode != 0 and not any(found.iterdir()):
        sys.exit(f"fuzz_{target} ended with {program.returncode} and left no input that failed")
    grown = len(list(corpus.iterdir())) - before
    return (f"{target}: {runs} runs in {time.monotonic() - begun:.0f} s; edges and features: {first or '?'} at first, {last or '?'} at last; "
            f"{grown} files new in build/fuzz/corpus/{folder}")


def keep(target, crash):
    """Makes the input of a crash as small as it gets in half a minute and puts it beside the ordinary tests' corpus."""
    small = crash.with_suffix(".small")
    subprocess.run([BUILD / "bin" / f"fuzz_{target}", *flags(target, crash.parent), "-minimize_crash=1", "-max_total_time=30", f"-exact_artifact_path={small}", crash],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    source = small if small.exists() else crash
    content = source.read_bytes()
    kind = crash.name.split("-")[0]
    place = KEPT / SHARES_CORPUS.get(target, target) / f"{kind}-{hashlib.sha1(content).hexdigest()[:10]}"
    place.write_bytes(content)
    for path in (small, crash):
        path.unlink(missing_ok=True)
    return place.relative_to(ROOT)


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    options = parser.parse_args()
    os.environ.setdefault("ASAN_OPTIONS", "malloc_context_size=4:quarantine_size_mb=64")  # faster
    for target in options.targets:
        if target not in TARGETS:
            parser.error(f"no target {target}; there are {', '.join(TARGETS)}")
    results, places = [], []
    for target in options.targets or TARGETS:
        found = BUILD / "found" / target
        print(f"==> {target}, {options.seconds} s", flush=True)
        results.append(fuzz(target, options.seconds, found))
        for crash in sorted(found.iterdir()):
            if crash.name.startswith("slow-unit"):
                print(f"{target}: slow input: {crash.relative_to(ROOT)}")
            else:
                places.append(keep(target, crash))
    print("\n".join(["", *results]))
    for place in places:
        print(f"crash: {place}")
    return 1 if places else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the next run goes on from build/fuzz/corpus")
