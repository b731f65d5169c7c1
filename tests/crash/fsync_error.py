#!/usr/bin/env python3
"""A failing fsync under load: strace makes a random fdatasync of the broker fail with EIO, once; the ones behind it succeed again. Within a
second the data directory must be offline: nothing is acknowledged any more, also not when later syncs succeed. A new start then serves
everything that had been acknowledged. Needs strace.

Example: tests/crash/fsync_error.py --rounds 20 --log fsync.jsonl"""

import subprocess
import sys
import time

import campaign
import kafka_wire
import servers

OVERRIDES = ["penstock.flush=ack", "log.segment.bytes=1048576", "log.flush.offset.checkpoint.interval.ms=300"]
OFFLINE = "takes no more records"


def one_round(number, folder, random):
    when = random.randint(20, 200)
    trace = ["strace", "-f", "-qq", "-o", str(folder / "strace.log"), "-e", "trace=fdatasync", "-e", f"inject=fdatasync:error=EIO:when={when}"]
    command = [servers.BIN / "penstock-broker", "--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override", f"log.dirs={folder}/broker-data"]
    for each in OVERRIDES:
        command += ["--override", each]
    broker = servers.Server("broker", [*trace, *command], folder)
    after = None
    try:
        campaign.create_topic(broker.address)
        producers = [campaign.Producer(broker.address, 0, f"{number}.{each}", random.random()) for each in range(2)]
        for producer in producers:
            producer.start()
        kafka_wire.wait_until(lambda: OFFLINE in broker.log_path.read_text(errors="replace"), 60, "the broker to say that it is offline", every=0.01)
        time.sleep(1)  # what the rule allows
        count = sum(producer.acknowledged for producer in producers)
        refused = sum(producer.refused for producer in producers)
        kafka_wire.wait_until(lambda: sum(producer.refused for producer in producers) > refused + 5, 30, "refusals")
        late = sum(producer.acknowledged for producer in producers) - count
        for producer in producers:
            producer.stop()
        for pid in servers.children_of(broker.pid):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        broker.process.wait(30)
        after = servers.broker(folder, name="broker")
        result = campaign.verdict(producers, [], after.address, (0,))
        return {"failed_sync": when, "acknowledged_later": late, **result, "anomalies": result["anomalies"] + late}
    finally:
        for server in (broker, after):
            if server is not None:
                server.__exit__()


def main():
    return campaign.run(campaign.options(__doc__, rounds=20).parse_args(), one_round)


if __name__ == "__main__":
    sys.exit(main())
