"""Rows cross from PostgreSQL to SQLite and from SQLite to PostgreSQL with equal content."""

import sqlite3
import subprocess
import sys
import unittest

import postgres
from job_case import ENVELOPE, JobCase, VERIFY


class CrossDatabase(JobCase):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Server(fsync=False)
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def psql(self, statement):
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", self.server.uri, "-c", statement], check=True, capture_output=True)

    def verify(self, source, sink, tables):
        result = subprocess.run([sys.executable, VERIFY, source, sink, "--tables", tables, "--explain"], cwd=self.folder, text=True,
                                capture_output=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr + self.last_run)

    def test_sqlite_to_postgres_with_a_table_made_by_the_sink(self):
        self.make_database(rows=2000)
        sink = {"name": "sink", "config": {"connector.class": "PostgresSink", "connection.url": self.server.uri, "topics": "people",
                                           "insert.mode": "upsert", "pk.mode": "record_key", "auto.create": "true", **ENVELOPE}}
        self.assert_done(self.run_job(self.source(), sink))
        self.verify("source.db", self.server.uri, "people")

    def test_postgres_to_sqlite(self):
        self.psql("create table events (id bigint primary key, name text, ok boolean, amount double precision, raw bytea, small smallint, n integer)")
        self.psql("insert into events select i, case when i % 5 = 0 then null else 'name ' || i || E'\\n\"' end, i % 2 = 0, i / 7.0, "
                  "decode(lpad(to_hex(i), 8, '0'), 'hex'), i % 100, -i from generate_series(1, 2000) i")
        source = {"name": "source", "config": {"connector.class": "PostgresSource", "connection.url": self.server.uri, "mode": "incrementing",
                                               "incrementing.column.name": "id", "table.whitelist": "events", **ENVELOPE}}
        self.assert_done(self.run_job(source, self.sink(topics="events")))
        self.verify(self.server.uri, "sink.db", "events")

    def test_postgres_insert_by_copy(self):
        self.make_database(rows=2000)
        self.psql("create table copied (id bigint, name text, height double precision, photo bytea, age bigint)")
        sink = {"name": "sink", "config": {"connector.class": "PostgresSink", "connection.url": self.server.uri, "topics": "people",
                                           "table.name.format": "copied", "insert.mode": "insert", **ENVELOPE}}
        self.assert_done(self.run_job(self.source(), sink))
        self.verify("source.db", self.server.uri, "people=copied")


class Deletes(JobCase):
    def test_a_tombstone_deletes_the_row(self):
        with sqlite3.connect(self.folder / "sink.db") as connection:
            connection.execute("create table people (id integer primary key, name text)")
            connection.executemany("insert into people values (?, ?)", [(1, "stays"), (2, "goes")])
        connection.close()
        import kafka_wire
        import servers
        with servers.broker(self.folder) as broker, servers.worker(self.folder, broker.address) as worker:
            subprocess.run(["kcat", "-b", broker.address, "-P", "-t", "people", "-K", "|", "-Z"], input='{"id":2}|\n{"id":3}|{"name":"new"}\n',
                           text=True, check=True)
            config = self.sink()["config"] | {"connection.url": str(self.folder / "sink.db"), "delete.enabled": "true",
                                              "auto.create": "false", "key.converter.schemas.enable": "false",
                                              "value.converter.schemas.enable": "false"}
            servers.Rest(worker.address).put_connector("sink", config)
            kafka_wire.wait_until(lambda: self.rows("select id, name from people order by id") == [(1, "stays"), (3, "new")], 30,
                                  "the row to be deleted", every=0.1)


if __name__ == "__main__":
    unittest.main()
