#!/usr/bin/env python3
"""Disk full: the broker's data lie on a small tmpfs of their own. Each round fills it with a foreign file until producers are refused, looks
that reading goes on and that a topic can be deleted, frees the space, and waits for producers to be taken again without a restart. One
broker serves all rounds of a run; nothing acknowledged may be lost. Needs root.

Example: tests/crash/disk_full.py --rounds 50 --log full.jsonl"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import campaign
import kafka_wire
import servers

DISK_BYTES = 64 << 20
SECONDS = 30


def fill(path):
    """Takes every free byte."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for step in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    os.write(handle, b"f" * step)
    finally:
        os.close(handle)


def deletes(client, name):
    """Whether the broker deletes the topic now."""
    try:
        client.delete_topics([name], timeout_ms=10_000)
        return True
    except kafka_wire.WireError:
        return False


class Campaign:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-full-"))
        self.place = self.folder / "disk"
        self.place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.place], check=True)
        self.broker = servers.broker(self.place, overrides=["log.segment.bytes=1048576", "log.flush.offset.checkpoint.interval.ms=200",
                                                            "log.retention.bytes=8388608", "log.retention.check.interval.ms=1000",
                                                            "log.segment.delete.delay.ms=100"])
        self.pid = self.broker.pid

    def close(self):
        self.broker.__exit__()
        subprocess.run(["umount", self.place], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def one_round(self, number, _folder, random):
        address = self.broker.address
        extra = f"extra-{number}"
        campaign.TOPIC = f"campaign-{number}"
        campaign.create_topic(address)
        with kafka_wire.Client(address) as client:
            kafka_wire.wait_until(lambda: client.metadata([extra]).get(extra), SECONDS, "a second topic")
        load = campaign.Load(address, (0,), f"round {number}", random, refused=(*campaign.REFUSED, campaign.STORAGE_ERROR))
        producer = load.raw[0]
        load.start()
        kafka_wire.wait_until(lambda: producer.acknowledged > 100, SECONDS, "the first acknowledgements")
        kafka_wire.wait_until(lambda: sum(thread.commits for thread in load.transactional) > 2, SECONDS, "the first transactions")
        fill(self.place / "foreign")
        before = producer.refused
        kafka_wire.wait_until(lambda: producer.refused > before + 3, SECONDS, "a refused producer")
        with kafka_wire.Client(address) as client:
            start, end = client.offset(campaign.TOPIC, 0, -2), client.offset(campaign.TOPIC, 0, -1)
            readable = bool(campaign.read_step(client, 0, max(start, end - 10))[0])
            deleted = deletes(client, extra)
        (self.place / "foreign").unlink()
        at, committed = producer.acknowledged, sum(thread.commits for thread in load.transactional)
        kafka_wire.wait_until(lambda: producer.acknowledged > at + 100, SECONDS, "acknowledgements after there was room")
        kafka_wire.wait_until(lambda: sum(thread.commits for thread in load.transactional) > committed, SECONDS, "transactions after there was room")
        load.stop()
        same = self.broker.alive() and self.broker.pid == self.pid
        result = load.verdict(retention=True)
        with kafka_wire.Client(address) as client:
            client.delete_topics([campaign.TOPIC])
        faults = {"reads_failed": int(not readable), "deletes_failed": int(not deleted), "restarts": int(not same)}
        return {"refused": sum(each.refused for each in load.producers), **result, **faults, "anomalies": result["anomalies"] + sum(faults.values())}


def main():
    args = campaign.options(__doc__, rounds=50).parse_args()
    campaign.need_root()
    whole = Campaign()
    try:
        return campaign.run(args, whole.one_round, {"acknowledged": 300, "refused": 3})
    finally:
        whole.close()


if __name__ == "__main__":
    sys.exit(main())
