#!/usr/bin/env python3
"""Crash-point enumeration: a scripted workload (crash_workload.py: topics, plain, idempotent and transactional producers, segments that roll,
offsets, settings, DeleteRecords, retention, compaction, a topic deleted and made again, a clean stop) runs against a broker that is killed with
SIGKILL just before the n-th call that changes a file (write, pwrite, fsync, fdatasync, rename, unlink, truncate, open with O_CREAT, mkdir,
fallocate), counted over all threads by a preloaded library (crash_point.cc). Then it starts again and is judged: what was acknowledged is
there, nothing else is, topics are there or not, groups' offsets and producers go on. In a quarter of the rounds the call writes half of its
bytes before; in a quarter the broker is killed once more while it recovers.

A round is one n. Rounds go through the points with a stride, so that any number of them covers all stages; after one pass the next begins,
with other seeds: threads shift what the n-th call is. Without --rounds: one pass.

--power: the folder is an ext4 in a loop-mounted image that is shut down right behind the kill, so that what was not synced is gone; the broker
runs with penstock.flush=ack. Needs root.

Example: tests/crash/crash_points.py --seconds 1800 --log points.jsonl"""

import json
import os
import pathlib
import struct
import sys
import tempfile

import campaign
import crash_judge
import crash_workload
import kafka_wire
import power_cut
import servers
import wire_requests

LIBRARY = pathlib.Path(os.environ.get("PENSTOCK_CRASH_POINT", servers.BIN.parent / "tests" / "libcrash_point.so"))
KINDS = ("write", "pwrite", "pwritev", "fsync", "fdatasync", "rename", "unlink", "truncate", "create", "directory", "fallocate")
STATE = struct.Struct(f"=Q{len(KINDS)}QI260s")
OVERRIDES = ("log.flush.offset.checkpoint.interval.ms=100", "log.retention.check.interval.ms=50", "log.segment.delete.delay.ms=20",
             "log.cleaner.backoff.ms=20", "offsets.topic.num.partitions=2", "transaction.state.log.num.partitions=2", "auto.create.topics.enable=false",
             "log.cleaner.dedupe.buffer.size=1048576")
STRIDE = 7919
KILLED = -9


class State:
    """What the library wrote down; outlives the process."""

    def __init__(self, folder, name):
        self.path = folder / name
        self.path.write_bytes(bytes(STATE.size))

    def read(self):
        total, *rest = STATE.unpack(self.path.read_bytes())
        calls, killed, path = rest[:len(KINDS)], rest[len(KINDS)], rest[len(KINDS) + 1]
        return {"total": total, "calls": dict(zip(KINDS, calls)), "killed": KINDS[killed - 1] if killed else None,
                "path": path.split(b"\0")[0].decode(errors="replace")}


class Bench:
    """One data folder and the brokers that run on it, one after the other."""

    def __init__(self, folder, power):
        self.folder = folder
        self.disk = power_cut.Disk(folder) if power else None
        self.place = self.disk.place if power else folder
        self.power = power
        self.broker = None

    def start(self, state=None, at=0, torn=False):
        """The broker under the library; RuntimeError when it ends before it is ready."""
        command = [servers.BIN / "penstock-broker", "--override", "listeners=PLAINTEXT://127.0.0.1:0", "--override", f"log.dirs={self.place}/data"]
        for each in (*OVERRIDES, *(("penstock.flush=ack", "log.recovery.assume.power.cut=true") if self.power else ())):
            command += ["--override", each]
        if state is not None:
            flags = [f"LD_PRELOAD={LIBRARY}", f"CRASH_POINT_FOLDER={self.place}/data", f"CRASH_POINT_STATE={state.path}", f"CRASH_POINT_AT={at}"]
            flags += ["CRASH_POINT_TORN=1"] * torn
            command = ["env", *flags, *command]
        self.broker = servers.Server("broker", command, self.folder)
        return self.broker.address

    def ended(self):
        """Waits for the end of a broker that dies; its exit code."""
        code = self.broker.process.wait(30)
        self.broker.__exit__()
        self.broker = None
        return code

    def lose_power(self):
        """Behind a kill: an answer after the cut would be the page cache's, not the disk's."""
        if self.disk is not None:
            self.disk.cut()
            self.disk.unmount()
            self.disk.mount()

    def close(self):
        if self.broker is not None:
            self.broker.kill()
            self.broker.__exit__()
        if self.disk is not None:
            self.disk.unmount()


def until_killed(bench, workload, state, at, torn):
    """Whether the broker was killed; False: it went through and stopped cleanly, there were fewer calls than `at`."""
    stages = []
    try:
        address = bench.start(state, at, torn)
        for stage in workload.run(address):
            stages.append((stage, state.read()["total"]))
        workload.stage = "stop"
        bench.broker.process.terminate()
    except wire_requests.Died:
        pass
    except (RuntimeError, kafka_wire.WireError, TimeoutError) as error:
        if not state.read()["killed"]:
            raise
        if isinstance(error, RuntimeError):
            return True, stages  # before it was ready
    code = bench.ended()
    if code not in (0, KILLED) or (code == KILLED) != bool(state.read()["killed"]):
        raise AssertionError(f"the broker ended with {code} in stage {workload.stage}: {log_tail(bench)}")
    return code == KILLED, stages


def log_tail(bench):
    return (bench.folder / "broker.log").read_text(errors="replace")[-1500:]


def killed_in_recovery(bench, at):
    """Starts it with a kill at its at-th call; what happened. A broker that recovered first is stopped cleanly or dies in the stop."""
    state = State(bench.folder, "recovery.state")
    try:
        bench.start(state, at)
        bench.broker.process.terminate()
        bench.ended()
    except RuntimeError:
        if not state.read()["killed"]:
            raise
    return bool(state.read()["killed"])


def one_round(points, power):
    def run(number, folder, random):
        at = number * STRIDE % points + 1
        torn, again = random.random() < 0.25, random.random() < 0.25
        bench = Bench(folder, power)
        workload = crash_workload.Workload()
        state = State(folder, "crash.state")
        try:
            killed, _ = until_killed(bench, workload, state, at, torn)
            stage = workload.stage
            known = state.read()
            if killed:
                bench.lose_power()
            second = killed and again and killed_in_recovery(bench, random.randrange(1, 40))
            if second:
                bench.lose_power()
            result = crash_judge.judge(bench, workload)
            if result["anomalies"]:
                result["log"] = log_tail(bench)
            return {"at": at, "points": points, "stage": stage, "call": known["killed"], "path": pathlib.Path(known["path"]).name,
                    "torn": torn, "killed": int(killed), "killed_again": int(second), **result}
        except Exception as error:
            known = state.read()
            return {"at": at, "points": points, "stage": workload.stage, "call": known["killed"], "path": pathlib.Path(known["path"]).name, "torn": torn,
                    "anomalies": 1, "error": f"{type(error).__name__}: {error}", "log": log_tail(bench)}
        finally:
            bench.close()
    return run


def count(power):
    """Runs the workload to its end; (calls, [(stage, calls so far)], calls by kind)."""
    with tempfile.TemporaryDirectory(prefix="penstock-crash-") as name:
        bench = Bench(pathlib.Path(name), power)
        state = State(bench.folder, "crash.state")
        try:
            workload = crash_workload.Workload()
            killed, stages = until_killed(bench, workload, state, 0, False)
            assert not killed
        finally:
            bench.close()
        found = state.read()
        return found["total"], [*stages, ("stop", found["total"])], found["calls"]


def summary(lines):
    """Kills by call and by stage."""
    out = {}
    for name in ("call", "stage"):
        counts = {}
        for line in lines:
            if line.get("killed"):
                counts[line[name]] = counts.get(line[name], 0) + 1
        out[f"kills by {name}"] = counts
    if lines:
        out["points"] = lines[-1]["points"]
        out["points killed at"] = len({line["at"] for line in lines if line.get("killed")})
    return out


def main():
    parser = campaign.options(__doc__, rounds=None)
    parser.add_argument("--power", action="store_true", help="take away what was not synced, too")
    parser.add_argument("--passes", type=int, default=1, help="how often each point comes, without --rounds")
    args = parser.parse_args()
    if args.power:
        campaign.need_root()
    if not LIBRARY.exists():
        print(f"{LIBRARY} is not there: build the target crash_point")
        return 1
    before = [json.loads(line) for line in args.log.read_text().splitlines()] if args.log and args.log.exists() else []
    if before:
        points = before[-1]["points"]
    else:
        counts = [count(args.power) for _ in range(3)]
        points = max(each[0] for each in counts)
        last = 0
        stages = {}
        for stage, so_far in counts[0][1]:
            stages[stage], last = so_far - last, so_far
        campaign.say(args, f"{points} points ({', '.join(str(each[0]) for each in counts)} calls in three runs); by call {json.dumps(counts[0][2])}; "
                           f"by stage {json.dumps(stages)}")
    args.rounds = args.rounds or points * args.passes
    return campaign.run(args, one_round(points, args.power), {"killed": 1}, summary)


if __name__ == "__main__":
    sys.exit(main())
