#!/usr/bin/env python3
"""Kill -9 of broker, worker and runner, in turn, at random moments of the flights job (SQLite to topic to SQLite, schema envelope).

A round passes when, after the servers are back, every source row is in the sink exactly once with equal content, the topic holds every
row, and every record that a side producer got acknowledged is in its topic, at its offset, unchanged.

Example: tests/crash/flights_crash.py --database flights.db --rounds 30 --log crash.jsonl
The log holds one JSON object a round; the same command again goes on behind the last one."""

import argparse
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support" / "python"))
import kafka_wire  # noqa: E402
import servers  # noqa: E402

VICTIMS = ("broker", "worker", "runner")
ENVELOPE = {f"{side}.converter{key}": value for side in ("key", "value")
            for key, value in (("", "org.apache.kafka.connect.json.JsonConverter"), (".schemas.enable", "true"))}


class SideProducer(threading.Thread):
    """Produces small batches to `acknowledged` for as long as it may, and remembers what was acknowledged."""

    def __init__(self, bootstrap):
        super().__init__(daemon=True)
        self.bootstrap = bootstrap
        self.running = True
        self.acknowledged = {}

    def run(self):
        number = 0
        client = None
        while self.running:
            values = [f"{number}-{index}".encode() for index in range(20)]
            number += 1
            try:
                client = client or kafka_wire.Client(self.bootstrap, 5)
                base = client.produce("acknowledged", 0, values)
                self.acknowledged.update({base + index: value for index, value in enumerate(values)})
            except (OSError, kafka_wire.WireError):
                client = None
                time.sleep(0.05)


class Round:
    def __init__(self, folder, database, seed):
        self.folder = folder
        self.database = database
        self.sink = folder / "warehouse.db"
        self.random = random.Random(seed)
        self.rows = count(database, "flights")

    def run(self, victim):
        self.broker = servers.broker(self.folder)
        self.worker = servers.worker(self.folder, self.broker.address)
        try:
            kafka_wire.Client(self.broker.address).metadata(["acknowledged"])
            side = SideProducer(self.broker.address)
            side.start()
            self.submit()
            killed_at = self.kill_somewhere(victim)
            self.wait_for_sink()
            side.running = False
            side.join()
            result = {"killed_at_rows": killed_at, "acknowledged": len(side.acknowledged)}
            result.update(self.check(side.acknowledged))
            return result
        finally:
            for server in (self.worker, self.broker):
                server.__exit__()

    def submit(self):
        rest = servers.Rest(self.worker.address)
        rest.put_connector("flights", {
            "connector.class": "SqliteSource", "connection.url": str(self.database), "mode": "incrementing",
            "incrementing.column.name": "id", "table.whitelist": "flights", **ENVELOPE})
        rest.put_connector("warehouse", {
            "connector.class": "SqliteSink", "connection.url": str(self.sink), "topics": "flights", "insert.mode": "upsert",
            "pk.mode": "record_key", "auto.create": "true", **ENVELOPE})

    def kill_somewhere(self, victim):
        """Waits for a random share of the sink's rows, kills, and brings back what does not come back by itself."""
        target = self.random.randrange(0, max(1, int(self.rows * 0.9)))
        kafka_wire.wait_until(lambda: count(self.sink, "flights") >= target, 180, f"{target} rows in the sink")
        at = count(self.sink, "flights")
        if victim == "broker":
            port = self.broker.port
            self.broker.kill()
            self.broker.__exit__()
            self.broker = servers.broker(self.folder, port=port)
        elif victim == "worker":
            port = self.worker.port
            self.worker.kill()
            self.worker.__exit__()
            self.worker = servers.worker(self.folder, self.broker.address, port=port)
        else:
            runners = [pid for pid in servers.children_of(self.worker.pid) if "penstock-runner" in servers.command_of(pid)]
            if not runners:
                raise RuntimeError("the worker has no runner to kill")
            os.kill(self.random.choice(runners), 9)
        return at

    def wait_for_sink(self):
        try:
            kafka_wire.wait_until(lambda: count(self.sink, "flights") >= self.rows, 240, "all rows in the sink", every=0.1)
        except TimeoutError as error:
            status = servers.Rest(self.worker.address).call("GET", "/connectors?expand=status")[1]
            raise RuntimeError(f"{error}; {count(self.sink, 'flights')} of {self.rows} rows; status {json.dumps(status)}") from None

    def check(self, acknowledged):
        verify = pathlib.Path(__file__).resolve().parents[2] / "examples" / "verify"
        equal = subprocess.run([sys.executable, verify, self.database, self.sink, "--tables", "flights", "--json"],
                               stdout=subprocess.PIPE, check=False)
        missing_in_topic, records_in_topic = self.missing_in_topic()
        wrong = self.wrong_acknowledged(acknowledged)
        return {"sink_equal": equal.returncode == 0, "rows": self.rows, "missing_in_topic": missing_in_topic,
                "records_in_topic": records_in_topic, "acknowledged_lost_or_changed": wrong,
                "passed": equal.returncode == 0 and missing_in_topic == 0 and wrong == 0}

    def scan(self, topic):
        with kafka_wire.Client(self.broker.address, 30) as client:
            at, end = client.offset(topic, 0, -2), client.offset(topic, 0, -1)
            while at < end:
                batches, _ = client.fetch(topic, 0, at, 16 << 20)
                last = at
                for offset, key, value in kafka_wire.records(batches):
                    last = offset + 1
                    if offset >= at:
                        yield offset, key, value
                if last == at:
                    raise RuntimeError(f"{topic}: nothing was served at offset {at} of {end}")
                at = last

    def missing_in_topic(self):
        """kcat reads this topic: its batches are compressed."""
        seen = set()
        total = 0
        with subprocess.Popen(["kcat", "-b", self.broker.address, "-C", "-e", "-q", "-t", "flights", "-f", "%k\n"], stdout=subprocess.PIPE) as kcat:
            for key in kcat.stdout:
                total += 1
                seen.add(json.loads(key)["payload"]["id"])
        return self.rows - len(seen), total

    def wrong_acknowledged(self, acknowledged):
        stored = {offset: value for offset, _, value in self.scan("acknowledged")}
        return sum(1 for offset, value in acknowledged.items() if stored.get(offset) != value)


def count(path, table):
    if not pathlib.Path(path).exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
            return connection.execute(f"select count(*) from {table}").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, type=pathlib.Path, help="flights.db (examples/data/fetch_flights.py)")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None, help="random if left out; printed")
    parser.add_argument("--log", type=pathlib.Path, help="append one JSON object a round; rounds already there are not run again")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a failed round")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 31)
    print(f"seed {seed}", flush=True)
    done = len(options.log.read_text().splitlines()) if options.log and options.log.exists() else 0
    failed = 0
    for number in range(done, options.rounds):
        victim = VICTIMS[number % len(VICTIMS)]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-crash-"))
        began = time.monotonic()
        try:
            result = Round(folder, options.database.resolve(), seed + number).run(victim)
        except Exception as error:  # one failed round must not hide the others
            result = {"passed": False, "error": str(error)}
        line = {"round": number, "victim": victim, "seed": seed + number, "seconds": round(time.monotonic() - began, 1), **result}
        print(json.dumps(line), flush=True)
        if options.log:
            with open(options.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if not result["passed"]:
            failed += 1
        if result["passed"] or not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept {folder}", flush=True)
    print(f"{options.rounds - done - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
