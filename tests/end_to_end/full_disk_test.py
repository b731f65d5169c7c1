"""A full disk, at the broker and at the sink, and a locked database: refused or waited for, nothing lost, and going on by itself."""

import os
import pathlib
import sqlite3
import subprocess
import unittest

import kafka_wire
import servers
from job_case import JobCase

STORAGE_ERROR = "error 56"


@unittest.skipUnless(os.geteuid() == 0, "mounting a small tmpfs needs root")
class FullDisk(JobCase):
    def mount(self, name, megabytes):
        place = self.folder / name
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=False)
        return place

    def grow(self, place, megabytes):
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", place], check=True)

    def test_a_full_broker_refuses_produces_serves_reads_and_resumes(self):
        place = self.mount("small", 40)
        with servers.broker(place, overrides=["log.segment.bytes=4194304"]) as broker, kafka_wire.Client(broker.address) as client:
            client.metadata(["t"])
            kafka_wire.wait_until(lambda: client.metadata().get("t"), 10, "topic t")
            acknowledged = {}
            payload = b"x" * 100_000
            refused = None
            for number in range(1000):
                try:
                    base = client.produce("t", 0, [b"%d-" % number + payload])
                    acknowledged[base] = number
                except kafka_wire.WireError as error:
                    refused = str(error)
                    break
            self.assertIsNotNone(refused, "the disk never became full")
            self.assertIn(STORAGE_ERROR, refused)
            self.assert_all_there(client, acknowledged)
            self.grow(place, 80)
            def again():
                try:
                    return client.produce("t", 0, [b"again"]) + 1
                except kafka_wire.WireError:
                    return None
            kafka_wire.wait_until(again, 30, "produces to be taken again without a restart", every=0.2)
            self.assert_all_there(client, acknowledged)

    def assert_all_there(self, client, acknowledged):
        at, end, seen = 0, client.offset("t", 0), {}
        while at < end:
            batches, _ = client.fetch("t", 0, at)
            for offset, _, value in kafka_wire.records(batches):
                at = offset + 1
                if b"-" in value:
                    seen[offset] = int(value.split(b"-")[0])
        self.assertEqual({offset: seen.get(offset) for offset in acknowledged}, acknowledged)

    def test_a_sink_on_a_full_disk_says_so_and_goes_on_when_there_is_room(self):
        self.make_database(rows=20_000)
        place = self.mount("small", 1)
        with servers.broker(self.folder) as broker, servers.worker(self.folder, broker.address) as worker:
            rest = servers.Rest(worker.address)
            self.submit(rest, place / "sink.db")
            kafka_wire.wait_until(lambda: "full" in self.status_text(rest) or "full" in worker.log_path.read_text(errors="replace"), 60,
                                  "an error that says that the disk is full", every=0.2)
            self.grow(place, 64)
            kafka_wire.wait_until(lambda: self.count(place / "sink.db") == 20_000, 90, "all rows in the sink", every=0.2)
            self.assert_equal_content("people", sink=str(place / "sink.db"))

    def submit(self, rest, sink):
        source = self.source()["config"] | {"connection.url": str(self.folder / "source.db")}
        rest.put_connector("source", source)
        rest.put_connector("sink", self.sink()["config"] | {"connection.url": str(sink), "errors.retry.timeout": "-1"})

    def status_text(self, rest):
        return str(rest.call("GET", "/connectors/sink/status")[1])

    def count(self, path):
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)
            try:
                return connection.execute("select count(*) from people").fetchone()[0]
            finally:
                connection.close()
        except sqlite3.OperationalError:
            return 0


class LockedDatabase(JobCase):
    def test_a_locked_sink_is_waited_for_and_loses_nothing(self):
        self.make_database(rows=500)
        with servers.broker(self.folder) as broker, servers.worker(self.folder, broker.address) as worker:
            rest = servers.Rest(worker.address)
            path = self.folder / "sink.db"
            blocker = sqlite3.connect(path, isolation_level=None)
            blocker.execute("create table unrelated (a)")
            blocker.execute("begin exclusive")
            rest.put_connector("source", self.source()["config"] | {"connection.url": str(self.folder / "source.db")})
            rest.put_connector("sink", self.sink()["config"] | {"connection.url": str(path), "errors.retry.timeout": "-1"})
            kafka_wire.wait_until(lambda: "locked" in pathlib.Path(worker.log_path).read_text(errors="replace")
                                  or "locked" in str(rest.call("GET", "/connectors/sink/status")[1]), 60, "an error that says locked", every=0.2)
            blocker.execute("commit")
            blocker.close()
            kafka_wire.wait_until(lambda: self.done(path), 60, "all rows in the sink", every=0.2)
            self.assert_equal_content("people")

    def done(self, path):
        try:
            return self.rows("select count(*) from people", path)[0][0] == 500
        except sqlite3.OperationalError:
            return False


if __name__ == "__main__":
    unittest.main()
