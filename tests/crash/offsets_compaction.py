#!/usr/bin/env python3
"""__consumer_offsets stays small under many commits, and what was committed survives kill -9 while it is compacted.

Example: PENSTOCK_BIN=build/release/bin tests/crash/offsets_compaction.py --commits 60000 --kills 5"""

import argparse
import pathlib
import random
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support" / "python"))
import kafka_wire  # noqa: E402
import servers  # noqa: E402

GROUPS = 20
METADATA = "m" * 200
SETTINGS = ("offsets.topic.num.partitions=1", "offsets.topic.segment.bytes=1048576", "log.cleaner.backoff.ms=50",
            "log.flush.offset.checkpoint.interval.ms=100", "log.segment.delete.delay.ms=100", "log.cleaner.min.cleanable.ratio=0.1")


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def commit(client, group, offset):
    """OffsetCommit v2 without membership; the error code."""
    body = text(group) + struct.pack(">i", -1) + text("") + struct.pack(">qi", -1, 1) + text("work") + struct.pack(">i", 1)
    body += struct.pack(">iq", 0, offset) + text(METADATA)
    reader = client.call(8, 2, body)
    reader.take("i")
    reader.text()
    reader.take("i")
    return reader.take("ih")[1]


def committed(client, group):
    """OffsetFetch v1: (offset, error code)."""
    reader = client.call(9, 1, text(group) + struct.pack(">i", 1) + text("work") + struct.pack(">ii", 1, 0))
    reader.take("i")
    reader.text()
    reader.take("i")
    _, offset = reader.take("iq")
    reader.text()
    return offset, reader.take("h")


def coordinator_is_there(client):
    """FindCoordinator v0."""
    return client.call(10, 0, text("group-0")).take("h") == 0


class Committer:
    """Commits rising offsets for groups in turn until told to stop; knows the last acknowledged and the last tried of each."""

    def __init__(self):
        self.acknowledged = {}
        self.tried = {}
        self.count = 0

    def run(self, bootstrap, until, stop):
        try:
            with kafka_wire.Client(bootstrap) as client:
                while self.count < until and not stop.is_set():
                    group = f"group-{self.count % GROUPS}"
                    self.tried[group] = self.count
                    error = commit(client, group, self.count)
                    if error in (14, 15, 16):  # the coordinator is loading or not there yet
                        time.sleep(0.02)
                        continue
                    if error:
                        raise SystemExit(f"OffsetCommit: error {error}")
                    self.acknowledged[group] = self.count
                    self.count += 1
        except (OSError, kafka_wire.WireError):
            if not stop.is_set():
                raise

    def check(self, bootstrap):
        with kafka_wire.Client(bootstrap) as client:
            for group, offset in self.acknowledged.items():
                found = (-1, 14)
                deadline = time.monotonic() + 30
                while found[1] in (14, 15, 16) and time.monotonic() < deadline:
                    found = committed(client, group)
                if found[1] or found[0] not in (offset, self.tried[group]):
                    raise SystemExit(f"{group}: committed {offset}, found {found}")


def log_bytes(folder):
    return sum(file.stat().st_size for file in folder.glob("broker-data/__consumer_offsets-0/*.log"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=60000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--folder", type=pathlib.Path, help="kept; default: a temporary one")
    args = parser.parse_args()
    choice = random.Random(args.seed)
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="penstock-offsets-") as temporary:
        folder = args.folder or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        committer = Committer()
        largest = 0
        for number in range(args.kills + 1):
            last = number == args.kills
            until = args.commits if last else args.commits * (number + 1) // (args.kills + 1)
            with servers.broker(folder, overrides=SETTINGS) as broker:
                bootstrap = f"127.0.0.1:{broker.port}"
                with kafka_wire.Client(bootstrap) as client:
                    kafka_wire.wait_until(lambda: client.metadata(["work"]).get("work"), 10, "topic work")
                    # FindCoordinator v0 creates __consumer_offsets.
                    kafka_wire.wait_until(lambda: coordinator_is_there(client), 10, "coordinator")
                committer.check(bootstrap)
                stop = threading.Event()
                thread = threading.Thread(target=committer.run, args=(bootstrap, until if last else 1 << 60, stop))
                thread.start()
                if not last:
                    kafka_wire.wait_until(lambda: committer.count >= until or not thread.is_alive(), 120, "commits")
                    time.sleep(choice.random() * 0.1)
                    files = [file.name for file in folder.glob("broker-data/__consumer_offsets-0/*")]
                    stop.set()
                    broker.kill()
                    print(f"killed after {committer.count} commits, files on their way: "
                          f"{sum(name.endswith(('.cleaned', '.swap')) for name in files)}", flush=True)
                thread.join()
                largest = max(largest, log_bytes(folder))
                if last:
                    kafka_wire.wait_until(lambda: log_bytes(folder) < 2 << 20, 30, "compaction of __consumer_offsets")
                    committer.check(bootstrap)
        print(f"{committer.count} commits of {GROUPS} groups, __consumer_offsets: largest seen {largest} bytes, now {log_bytes(folder)}")


if __name__ == "__main__":
    main()
