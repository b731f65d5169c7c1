#!/usr/bin/env python3
"""Writes docs/settings.md from the definitions that the connectors carry, as a worker shows them over REST.

Example: docs/generate_settings.py            writes the page
         docs/generate_settings.py --check    exit 1 when the page differs from the code"""

import argparse
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support" / "python"))
import servers  # noqa: E402

CLASSES = ("SqliteSource", "SqliteSink", "PostgresSource", "PostgresSink", "FileSource", "FileSink")
PAGE = ROOT / "docs" / "settings.md"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def page(rest):
    lines = ["# Settings of the connectors", "", "Made by `docs/generate_settings.py` from the connectors' own definitions.", ""]
    shared = None
    tables = {}
    for name in CLASSES:
        status, keys = rest.call("GET", f"/connector-plugins/{name}/config")
        if status != 200:
            raise RuntimeError(f"{name}: {status} {keys}")
        tables[name] = {key["name"]: key for key in keys}
        shared = set(tables[name]) if shared is None else shared & set(tables[name])
    for name in CLASSES:
        lines += [f"## {name}", "", "| setting | type | default | meaning |", "|---|---|---|---|"]
        lines += [row(key) for key in tables[name].values() if key["name"] not in shared]
        lines.append("")
    lines += ["## Every connector", "", "| setting | type | default | meaning |", "|---|---|---|---|"]
    lines += [row(key) for key in tables[CLASSES[0]].values() if key["name"] in shared]
    return "\n".join(lines) + "\n"


def row(key):
    default = "(required)" if key["required"] else f"`{cell(key['default_value'])}`" if key["default_value"] not in (None, "") else ""
    return f"| `{key['name']}` | {key['type'].lower()} | {default} | {cell(key['documentation'])} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when docs/settings.md differs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers.worker(folder, "127.0.0.1:1") as worker:
        text = page(servers.Rest(worker.address))
    if options.check:
        if not PAGE.exists() or PAGE.read_text() != text:
            print("docs/settings.md differs from the connectors' definitions; run docs/generate_settings.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
