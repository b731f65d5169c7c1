"""The whole flights data set, across databases and against a real Apache Kafka: equal content everywhere. Needs PyPI and Maven Central."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import postgres
import servers

EXAMPLES = servers.ROOT / "examples"
TABLES = "airlines,airports,flights,planes,weather"
CACHE = pathlib.Path(tempfile.gettempdir()) / "penstock-flights" / "flights.db"
KAFKA = pathlib.Path(__file__).resolve().parent / "kafka.py"


class Flights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        CACHE.parent.mkdir(exist_ok=True)
        subprocess.run([sys.executable, EXAMPLES / "data" / "fetch_flights.py", "--out", CACHE], check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-flights-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def job(self, source, sink):
        """The demo's job with other settings in its source and sink."""
        job = json.loads((EXAMPLES / "flights-to-warehouse.json").read_text())
        connectors = {connector["name"]: connector for connector in job["connectors"]}
        connectors["flights"]["config"].update(source)
        connectors["warehouse"]["config"].update(sink)
        path = self.folder / "job.json"
        path.write_text(json.dumps({"connectors": [connectors["flights"], connectors["warehouse"]]}))
        return path

    def run_job(self, job, *options):
        result = subprocess.run([servers.BIN / "penstock", "run", job, *options], cwd=self.folder, text=True, capture_output=True,
                                timeout=600, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def verify(self, source, sink):
        result = subprocess.run([sys.executable, EXAMPLES / "verify", source, sink, "--tables", TABLES], text=True, capture_output=True,
                                check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_sqlite_to_postgres(self):
        with postgres.Server(fsync=False) as server:
            self.run_job(self.job({"connection.url": str(CACHE)}, {"connector.class": "PostgresSink", "connection.url": server.uri}))
            self.verify(CACHE, server.uri)

    def test_postgres_to_sqlite(self):
        with postgres.Server(fsync=False) as server:
            subprocess.run([sys.executable, EXAMPLES / "data" / "load_postgres.py", CACHE, server.uri], check=True, stdout=subprocess.DEVNULL)
            source = {"connector.class": "PostgresSource", "connection.url": server.uri, "mode": "bulk", "poll.interval.ms": "86400000"}
            job = self.job(source, {"connection.url": "warehouse.db"})
            text = json.loads(job.read_text())
            del text["connectors"][0]["config"]["incrementing.column.name"]
            job.write_text(json.dumps(text))
            self.run_job(job)
            self.verify(server.uri, self.folder / "warehouse.db")

    def test_the_same_job_on_apache_kafka(self):
        kafka = self.folder / "kafka"
        started = subprocess.run([sys.executable, KAFKA, "start", "--dir", kafka], check=True, stdout=subprocess.PIPE, text=True)
        self.addCleanup(subprocess.run, [sys.executable, KAFKA, "stop", "--dir", kafka], check=False, stdout=subprocess.DEVNULL)
        bootstrap = json.loads(started.stdout.splitlines()[-1])["bootstrap"]
        self.run_job(self.job({"connection.url": str(CACHE)}, {"connection.url": "warehouse.db"}), "--bootstrap", bootstrap)
        self.verify(CACHE, self.folder / "warehouse.db")


if __name__ == "__main__":
    unittest.main()
