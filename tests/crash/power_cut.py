#!/usr/bin/env python3
"""Power cuts under load: the broker's data lie on an ext4 of its own in a loop-mounted image; the broker is killed, EXT4_IOC_SHUTDOWN without a
log flush takes away everything that was not synced, the file system is mounted again and the broker started with
log.recovery.assume.power.cut=true (the computer itself did not restart). Needs root, mkfs.ext4 and a loop device. With --flush ack the
idempotent and transactional producers go on after the cut with what they were doing.

--flush ack: no acknowledged record may be lost. --flush os: what was lost is counted, and is no anomaly when the broker named it: at its start it
says of each partition where the log ends now. `unnamed` counts what disagrees with that: a partition that lost acknowledged records and was not
named; acknowledged records in front of the named end that are gone, or behind it that are there; a log that ends elsewhere. All other
anomalies of the checker count as ever.

Example: tests/crash/power_cut.py --flush ack --rounds 200 --log cuts.jsonl"""

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import time

import campaign
import kafka_wire
import servers

SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
IMAGE_BYTES = 192 << 20
PARTITIONS = (0, 1)
NAMED = re.compile(r" warning (\S+-\d+): .* may be lost; the log ends at offset (\d+)$")


class Disk:
    def __init__(self, folder):
        self.image, self.place = folder / "disk.img", folder / "disk"
        self.place.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.place], check=True)

    def unmount(self):
        subprocess.run(["umount", self.place], check=True)

    def cut(self):
        handle = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(handle)


def named_ends(said):
    """{partition: where its log ends}, of the partitions that the broker's log says may have lost records."""
    return {found[1]: int(found[2]) for found in map(NAMED.search, said.splitlines()) if found}


def there_and_gone(sends, served, key):
    """Offsets of the acknowledged records of a partition, those that are served and those that are not, in order."""
    acknowledged = {send["offset"] for send in sends if send["key"] == key and send["status"] == "ok"}
    found = {offset for offset, _ in served.get(key, ())}
    return sorted(acknowledged & found), sorted(acknowledged - found)


def disagreements(sends, served, named, ends):
    """What the broker's words about a cut do not say, or say wrongly. `sends` are the checker's; `served` {key: [[offset, value]]}, `named` and
    `ends` {key: offset}."""
    out = []
    for key, end in ends.items():
        there, gone = there_and_gone(sends, served, key)
        if key not in named:
            if gone:
                out.append(f"{key}: {len(gone)} acknowledged records from offset {gone[0]} on are gone, and nothing was said")
            continue
        if end != named[key]:
            out.append(f"{key}: ends at {end}, not at {named[key]} as was said")
        in_front, behind = [offset for offset in gone if offset < named[key]], [offset for offset in there if offset >= named[key]]
        if in_front:
            out.append(f"{key}: {len(in_front)} acknowledged records from offset {in_front[0]} on are gone in front of the named end {named[key]}")
        if behind:
            out.append(f"{key}: {len(behind)} acknowledged records are there behind the named end {named[key]}")
    return out


def judge_words(sends, address, said):
    """The counts of --flush os."""
    keys = {f"{campaign.TOPIC}-{partition}": partition for partition in PARTITIONS}
    served = {key: campaign.read_all(address, partition) for key, partition in keys.items()}
    with kafka_wire.Client(address) as client:
        ends = {key: client.offset(campaign.TOPIC, partition, -1) for key, partition in keys.items()}
    named = {key: end for key, end in named_ends(said).items() if key in keys}
    wrong = disagreements(sends, served, named, ends)
    lost = sum(1 for key in keys if there_and_gone(sends, served, key)[1])
    return {"partitions_named": len(named), "partitions_that_lost": lost, "unnamed": len(wrong)}, wrong


def one_round(flush):
    def run(number, folder, random):
        disk = Disk(folder)
        overrides = [f"num.partitions={len(PARTITIONS)}", "log.segment.bytes=1048576", f"penstock.flush={flush}",
                     "log.flush.offset.checkpoint.interval.ms=300"]
        broker = None
        try:
            broker = servers.broker(disk.place, overrides=overrides)
            port = broker.port
            campaign.create_topic(broker.address)
            load = campaign.Load(broker.address, PARTITIONS, str(number), random, pad=2000, raw=2)
            if flush == "os":
                load.idempotent = load.transactional = load.readers = []  # what they build on may be lost as a whole
            load.start()
            time.sleep(random.uniform(0.3, 2.5))  # the random moment of the cut
            broker.kill()  # first: an answer after the cut would be the page cache's, not the disk's
            disk.cut()
            broker.__exit__()
            broker = None
            for producer in load.raw:
                producer.stop()
            disk.unmount()
            disk.mount()
            log = folder / "after"
            log.mkdir()
            broker = servers.Server("broker", [servers.BIN / "penstock-broker", "--override", f"listeners=PLAINTEXT://127.0.0.1:{port}",
                                               "--override", f"log.dirs={disk.place}/broker-data", "--override", "log.recovery.assume.power.cut=true",
                                               *[part for each in overrides for part in ("--override", each)]], log)
            load.stop()
            result = load.verdict()
            if flush == "os":
                words, wrong = judge_words([event for producer in load.raw for event in producer.history], broker.address,
                                           (log / "broker.log").read_text(errors="replace"))
                result.update(words, anomalies=result["anomalies"] - result["lost"] + words["unnamed"])
                if wrong:
                    result.setdefault("examples", {})["unnamed"] = repr(wrong[:4])[:500]
            return {"flush": flush, "cuts": 1, **result}
        finally:
            if broker is not None:
                broker.kill()
                broker.__exit__()
            with contextlib.suppress(subprocess.CalledProcessError):
                disk.unmount()
    return run


def main():
    parser = campaign.options(__doc__, rounds=20)
    parser.add_argument("--flush", choices=("os", "ack"), default="ack")
    args = parser.parse_args()
    campaign.need_root()
    return campaign.run(args, one_round(args.flush), {"acknowledged": 100, "cuts": 1})


if __name__ == "__main__":
    sys.exit(main())
