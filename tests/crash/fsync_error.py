#!/usr/bin/env python3
"""A failing fsync under load: strace makes a random fdatasync of the broker fail with EIO, once in a thread; the ones behind it succeed again.
Within a second, measured from strace's clock of the failing call, the broker must have said that its data directory is offline, and nothing
may be acknowledged any more, also not when later syncs succeed: --patience seconds are looked at. A new start then serves everything that had
been acknowledged. Needs strace.

offline_after_s: from the failing call to the broker's word; last_acknowledged_after_s: from the failing call to the last acknowledgement that a
producer got (0: none behind it). Either above 1 is an anomaly (`late`).

Example: tests/crash/fsync_error.py --rounds 20 --log fsync.jsonl"""

import datetime
import re
import subprocess
import sys
import time

import campaign
import kafka_wire
import servers

OVERRIDES = ["penstock.flush=ack", "log.segment.bytes=1048576", "log.flush.offset.checkpoint.interval.ms=300"]
OFFLINE = "takes no more records"
ALLOWED_S = 1.0
CLOCK_S = 0.002  # the broker's log has milliseconds


def failed_at(trace):
    """Times of the calls that strace made fail, as `strace -f -ttt` wrote them. When the line of a call is split, the time is that of its begin."""
    out, begun = [], {}
    for line in trace.splitlines():
        found = re.match(r"(\d+) +(\d+\.\d+) (.*)", line)
        if not found:
            continue
        thread, at, what = found[1], float(found[2]), found[3]
        if what.endswith("<unfinished ...>"):
            begun[thread] = at
        elif "(INJECTED)" in what:
            out.append(begun.get(thread, at) if "resumed>" in what else at)
    return out


def offline_at(log):
    """When the broker said that it takes no more records, by its own clock; None: it did not."""
    for line in log.splitlines():
        if OFFLINE in line:
            return datetime.datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S.%f").timestamp()
    return None


def measure(failed, offline, answers):
    """What the rule asks for, of [(time, records)] that were acknowledged."""
    if offline < failed - CLOCK_S:
        raise ValueError(f"the broker said at {offline} that it is offline, before the call that failed at {failed}")
    behind = [(at, records) for at, records in answers if at > failed]
    offline_after = max(0.0, offline - failed)
    last_after = max((at - failed for at, _ in behind), default=0.0)
    return {"offline_after_s": round(offline_after, 3), "last_acknowledged_after_s": round(last_after, 3),
            "acknowledged_behind_it": sum(records for _, records in behind),
            "acknowledged_later": sum(records for at, records in behind if at - failed > ALLOWED_S),
            "late": int(offline_after > ALLOWED_S) + int(last_after > ALLOWED_S)}


def one_round(patience):
    def run(number, folder, random):
        when = random.randint(20, 200)
        trace = ["strace", "-f", "-ttt", "-qq", "-o", str(folder / "strace.log"), "-e", "trace=fdatasync",
                 "-e", f"inject=fdatasync:error=EIO:when={when}"]
        command = [servers.BIN / "penstock-broker", "--override", "listeners=PLAINTEXT://127.0.0.1:0",
                   "--override", f"log.dirs={folder}/broker-data"]
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
            refused = sum(producer.refused for producer in producers)
            time.sleep(patience)  # the time in which nothing may be acknowledged
            kafka_wire.wait_until(lambda: sum(producer.refused for producer in producers) > refused + 5, 30, "refusals")
            for producer in producers:
                producer.stop()
            for pid in servers.children_of(broker.pid):
                subprocess.run(["kill", "-9", str(pid)], check=False)
            broker.process.wait(30)
            failed = failed_at((folder / "strace.log").read_text(errors="replace"))
            measured = measure(min(failed), offline_at(broker.log_path.read_text(errors="replace")),
                               [answer for producer in producers for answer in producer.answers])
            after = servers.broker(folder, name="broker")
            result = campaign.verdict(producers, [], after.address, (0,))
            return {"at": when, "failed_syncs": len(failed), **measured, **result, "anomalies": result["anomalies"] + measured["late"]}
        finally:
            for server in (broker, after):
                if server is not None:
                    server.__exit__()
    return run


def main():
    parser = campaign.options(__doc__, rounds=20)
    parser.add_argument("--patience", type=float, default=2.0, help="how long late acknowledgements are looked for, in seconds")
    args = parser.parse_args()
    return campaign.run(args, one_round(args.patience), {"acknowledged": 100, "failed_syncs": 1})


if __name__ == "__main__":
    sys.exit(main())
