#!/usr/bin/env python3
"""Load the tables of a SQLite database, as flights.db, into PostgreSQL.

Same names, equivalent types, one transaction.
"""

import argparse
import sqlite3
import sys
import time
from pathlib import Path

import psql

TYPES = {"INTEGER": "bigint", "REAL": "double precision", "TEXT": "text", "BLOB": "bytea"}
STORED_AS = {"INTEGER": int, "REAL": float, "TEXT": str, "BLOB": bytes}
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class LoadError(Exception):
    """A failure whose text says what to do about it."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def tables_of(database, wanted):
    found = [
        name
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%'"
            " ESCAPE '\\' ORDER BY name"
        )
    ]
    for name in wanted or ():
        if name not in found:
            raise LoadError(f"no table {name}; there are: {', '.join(found)}")
    return wanted or found


def columns_of(database, table):
    """(name, declared type, NOT NULL, place in the primary key or 0) of each column."""
    columns = []
    for _, name, kind, required, _, key in database.execute(
        f"PRAGMA table_info({psql.quote_name(table)})"
    ):
        if kind.upper() not in TYPES:
            raise LoadError(
                f"{table}.{name} is declared {kind or 'without a type'}: known are"
                f" {', '.join(TYPES)}"
            )
        columns.append((name, kind.upper(), bool(required), key))
    return columns


def create_table(table, columns):
    lines = [
        f"  {psql.quote_name(name)} {TYPES[kind]}{' NOT NULL' if required else ''}"
        for name, kind, required, _ in columns
    ]
    key = [name for name, _, _, place in sorted(columns, key=lambda column: column[3]) if place]
    if key:
        lines.append(f"  PRIMARY KEY ({', '.join(map(psql.quote_name, key))})")
    return f"CREATE TABLE {psql.quote_name(table)} (\n" + ",\n".join(lines) + "\n);\n"


def field(value):
    """A value in COPY's text format."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return repr(value)


def copy_table(database, table, columns, pipe):
    names = ", ".join(psql.quote_name(name) for name, *_ in columns)
    order = ", ".join(
        psql.quote_name(name) for name, _, _, place in sorted(columns, key=lambda c: c[3]) if place
    )
    wanted = [STORED_AS[kind] for _, kind, *_ in columns]
    pipe.write(f"COPY {psql.quote_name(table)} ({names}) FROM STDIN;\n".encode())
    rows = 0
    lines = []
    select = f"SELECT {names} FROM {psql.quote_name(table)}" + (
        f" ORDER BY {order}" if order else ""
    )
    for row in database.execute(select):
        for value, kind, column in zip(row, wanted, columns, strict=True):
            if value is not None and type(value) is not kind:
                raise LoadError(
                    f"{table}.{column[0]} is declared {column[1]} and holds {value!r}: not loaded"
                )
        lines.append("\t".join(map(field, row)) + "\n")
        rows += 1
        if len(lines) == 5000:
            pipe.write("".join(lines).encode())
            lines.clear()
    pipe.write(("".join(lines) + "\\.\n").encode())
    return rows


def load(path, uri, wanted, replace):
    if not path.is_file():
        raise LoadError(f"{path} does not exist: make it with fetch_flights.py --out {path}")
    if not psql.is_uri(uri):
        raise LoadError(
            f"{uri} is no connection URI: write postgresql://user:password@host:port/database"
        )
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        database.execute("BEGIN")
        tables = tables_of(database, wanted)
        with psql.script(uri) as pipe:
            pipe.write(
                b"SET client_encoding = 'UTF8';\nSET client_min_messages = warning;\nBEGIN;\n"
            )
            for table in tables:
                columns = columns_of(database, table)
                if replace:
                    pipe.write(f"DROP TABLE IF EXISTS {psql.quote_name(table)};\n".encode())
                pipe.write(create_table(table, columns).encode())
                rows = copy_table(database, table, columns, pipe)
                say(f"  {table}: {rows} rows")
            pipe.write(b"COMMIT;\n")
    finally:
        database.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "example:\n  load_postgres.py flights.db postgresql://me:secret@127.0.0.1:5432/flights"
            " --replace"
        ),
    )
    parser.add_argument("database", type=Path, help="SQLite file")
    parser.add_argument("uri", help="postgresql:// connection URI")
    parser.add_argument(
        "--tables", type=lambda text: text.split(","), metavar="A,B", help="only these"
    )
    parser.add_argument("--replace", action="store_true", help="drop tables of these names first")
    args = parser.parse_args()
    began = time.monotonic()
    try:
        load(args.database, args.uri, args.tables, args.replace)
    except psql.PsqlError as error:
        hint = "; use --replace to drop it first" if "already exists" in str(error) else ""
        print(f"load_postgres.py: {error}{hint}", file=sys.stderr)
        return 1
    except (LoadError, OSError, sqlite3.Error) as error:
        print(f"load_postgres.py: {error}", file=sys.stderr)
        return 1
    say(f"loaded in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
