"""What the end-to-end tests share: a folder, a small database, and `penstock run` as a user types it."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import servers

VERIFY = servers.ROOT / "examples" / "verify"
ENVELOPE = {f"{side}.converter{key}": value for side in ("key", "value")
            for key, value in (("", "org.apache.kafka.connect.json.JsonConverter"), (".schemas.enable", "true"))}


class JobCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-job-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.last_run = ""

    def make_database(self, rows=3000, name="source.db"):
        path = self.folder / name
        with sqlite3.connect(path) as connection:
            connection.execute("create table people (id integer primary key, name text not null, height real, photo blob, age integer)")
            connection.execute("create table colours (code text primary key, name text) without rowid")
            connection.executemany("insert into people values (?,?,?,?,?)", (
                (i, f"nämé {i} \"quoted\"\n", None if i % 7 == 0 else i / 3, None if i % 5 == 0 else bytes([i % 256, 0, 255]), i - 1500)
                for i in range(1, rows + 1)))
            connection.executemany("insert into colours values (?,?)", [("r", "red"), ("", "no colour"), ("b", None)])
        connection.close()
        return path

    def source(self, **more):
        return {"name": "source", "config": {
            "connector.class": "SqliteSource", "connection.url": "source.db", "mode": "incrementing", "incrementing.column.name": "id",
            "table.whitelist": "people", **ENVELOPE, **more}}

    def sink(self, **more):
        return {"name": "sink", "config": {
            "connector.class": "SqliteSink", "connection.url": "sink.db", "topics": "people", "insert.mode": "upsert",
            "pk.mode": "record_key", "auto.create": "true", **ENVELOPE, **more}}

    def write_job(self, *connectors, topics=None, name="job.json"):
        job = {"connectors": list(connectors)}
        if topics is not None:
            job["topics"] = topics
        (self.folder / name).write_text(json.dumps(job))
        return name

    def penstock(self, *arguments, seconds=60, stdin=None):
        return subprocess.run([servers.BIN / "penstock", *map(str, arguments)], cwd=self.folder, input=stdin, text=True,
                              capture_output=True, timeout=seconds, check=False,
                              env={key: value for key, value in os.environ.items() if not key.endswith("_proxy")})

    def run_job(self, *connectors, seconds=60, **options):
        result = self.penstock("run", self.write_job(*connectors, **options), seconds=seconds)
        self.last_run = f"{result.stdout}\n{result.stderr}\n{self.logs()}"
        return result

    def logs(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in self.folder.glob("penstock-data/*.log"))

    def assert_done(self, result):
        self.assertEqual(result.returncode, 0, f"{result.stdout}\n{result.stderr}\n{self.logs()}")

    def assert_equal_content(self, tables, source="source.db", sink="sink.db"):
        result = subprocess.run([sys.executable, VERIFY, source, sink, "--tables", tables, "--explain"], cwd=self.folder, text=True,
                                capture_output=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr + self.last_run)

    def rows(self, statement, database="sink.db"):
        connection = sqlite3.connect(self.folder / database)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()
