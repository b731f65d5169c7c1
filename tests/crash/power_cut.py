#!/usr/bin/env python3
"""Power cuts under load: the broker's data lie on an ext4 of its own in a loop-mounted image; the broker is killed, EXT4_IOC_SHUTDOWN without a
log flush takes away everything that was not synced, the file system is mounted again and the broker started with
log.recovery.assume.power.cut=true (the computer itself did not restart). Needs root, mkfs.ext4 and a loop device. With --flush ack the
idempotent and transactional producers go on after the cut with what they were doing.

--flush ack: no acknowledged record may be lost. --flush os: what was lost is counted, and an anomaly is only a loss that the broker did not
speak of at its start, or records that changed.

Example: tests/crash/power_cut.py --flush ack --rounds 200 --log cuts.jsonl"""

import contextlib
import fcntl
import os
import struct
import subprocess
import sys
import time

import campaign
import servers

SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
IMAGE_BYTES = 192 << 20
PARTITIONS = (0, 1)


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
            said = (log / "broker.log").read_text(errors="replace")
            result["named"] = int("lost" in said)
            if flush == "os":
                lost = result["lost"]
                result["anomalies"] = sum(result[name] for name in ("duplicate", "reordered", "phantom", "aborted")) + int(lost > 0 and not result["named"])
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
    return campaign.run(args, one_round(args.flush))


if __name__ == "__main__":
    sys.exit(main())
