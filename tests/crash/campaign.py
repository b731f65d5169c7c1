"""What the crash campaigns share: options, rounds that can be resumed, the load, the last reading."""

import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support" / "python"))
import checker  # noqa: E402
import kafka_wire  # noqa: E402

TOPIC = "campaign"
UNKNOWN_MOST = 0.1  # of the rounds; a campaign with more of them says too little
# Error codes of Produce that say: nothing was stored.
REFUSED = (3, 6, 10, 19, 44, 45)
STORAGE_ERROR = 56  # stored or not: a sync may have failed behind the write


def options(description, rounds):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, help="end after this time, whatever --rounds says")
    parser.add_argument("--seed", type=int, default=None, help="random if left out; printed")
    parser.add_argument("--log", type=pathlib.Path, help="append one JSON object a round; rounds already there are not run again")
    parser.add_argument("--floor", type=int, help="acknowledged records below which a round is UNKNOWN, instead of the campaign's own number")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a failed round")
    parser.add_argument("--json", action="store_true", help="print nothing but one JSON object at the end")
    return parser


def say(args, text):
    if not args.json:
        print(text, flush=True)


def need_root():
    """Ends as skipped where nothing can be mounted."""
    if os.geteuid() != 0:
        print("skipped: mounting needs root")
        sys.exit(77)


def verdict_of(line, least):
    """INVALID: something is wrong; UNKNOWN: too little happened for a clean round to mean anything; VALID. `least` is {count: what a round must
    reach}."""
    if line["anomalies"]:
        return "INVALID"
    return "UNKNOWN" if any(line.get(name, 0) < most for name, most in least.items()) else "VALID"


def totals_of(lines):
    """(sums, largest): counts are added up; of what is measured (its name ends in _s or _ms) the largest value is kept."""
    sums, largest = {}, {}
    for line in lines:
        for name, value in line.items():
            if name in ("round", "seed", "at", "points") or not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            if name.endswith(("_s", "_ms")):
                largest[name] = max(largest.get(name, value), value)
            else:
                sums[name] = round(sums.get(name, 0) + value, 1)
    return sums, largest


def exit_code(verdicts):
    """0: enough rounds, all of them clean; 1: anomalies, or no round at all; 2: too many rounds are UNKNOWN."""
    if not verdicts or "INVALID" in verdicts:
        return 1
    return 2 if verdicts.count("UNKNOWN") > UNKNOWN_MOST * len(verdicts) else 0


def run(args, one_round, least, summary=lambda lines: {}):
    """Calls one_round(number, folder, random) -> dict with "anomalies" (a number) for each round; prints and logs; the exit code. A round that does
    not reach the counts of `least` is UNKNOWN. summary(lines) -> dict of what is to be said of all rounds besides their totals."""
    least = dict(least)
    if args.floor is not None:
        least["acknowledged"] = args.floor
    seed = args.seed if args.seed is not None else random.randrange(1 << 31)
    say(args, f"seed {seed}; a round is UNKNOWN below {json.dumps(least)}")
    lines = [json.loads(line) for line in args.log.read_text().splitlines()] if args.log and args.log.exists() else []
    deadline = time.monotonic() + args.seconds if args.seconds else None
    for number in range(len(lines), args.rounds):
        if deadline and time.monotonic() > deadline:
            break
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-crash-"))
        began = time.monotonic()
        try:
            result = one_round(number, folder, random.Random(seed + number))
        except Exception as error:  # one failed round must not hide the others
            result = {"anomalies": 1, "error": f"{type(error).__name__}: {error}"}
        line = {"round": number, "seed": seed + number, "verdict": verdict_of(result, least), "seconds": round(time.monotonic() - began, 1), **result}
        say(args, json.dumps(line))
        lines.append(line)
        if args.log:
            with open(args.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if line["anomalies"] and args.keep:
            say(args, f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    verdicts = [verdict_of(line, least) for line in lines]
    failed, unknown = verdicts.count("INVALID"), verdicts.count("UNKNOWN")
    totals, largest = totals_of(lines)
    more = {"largest": largest, **summary(lines)}
    if args.json:
        print(json.dumps({"rounds": len(lines), "failed": failed, "unknown": unknown, "totals": totals, **more}))
    else:
        print(f"{len(lines)} rounds, {failed} with anomalies, {unknown} UNKNOWN; totals {json.dumps(totals)}"
              + "".join(f"; {name} {json.dumps(value)}" for name, value in more.items() if value))
        if exit_code(verdicts) == 2:
            print(f"more than {UNKNOWN_MOST:.0%} of the rounds are UNKNOWN: too little was acknowledged for this campaign to say anything")
    return exit_code(verdicts)


class Producer(threading.Thread):
    """Sends small batches to one partition over the raw client, never twice the same value, and notes what it was told."""

    def __init__(self, bootstrap, partition, name, seed, pad=200, refused=REFUSED):
        super().__init__(daemon=True)
        self.refused_codes = refused
        self.bootstrap, self.partition, self.name = bootstrap, partition, name
        self.random = random.Random(seed)
        self.pad = pad
        self.history = []
        self.running = True
        self.acknowledged = 0
        self.answers = []  # (time, records) of each acknowledgement
        self.refused = 0

    def run(self):
        number = 0
        client = None
        while self.running:
            values = []
            for _ in range(self.random.randint(1, 20)):
                values.append(f"{self.name}:{number}:" + "x" * self.random.randrange(self.pad))
                number += 1
            status, base = "info", None
            try:
                client = client or kafka_wire.Client(self.bootstrap, 5)
                base = client.produce(TOPIC, self.partition, [value.encode() for value in values])
                status = "ok"
                self.answers.append((time.time(), len(values)))
                self.acknowledged += len(values)
            except kafka_wire.WireError as error:
                code = str(error).rsplit(" ", 1)[-1]
                number_of = int(code) if code.isdigit() else -1
                if number_of in self.refused_codes:
                    status = "fail"
                if number_of in self.refused_codes or number_of == STORAGE_ERROR:
                    self.refused += 1
                else:
                    client = None
                time.sleep(0.02)
            except OSError:
                if client is None:
                    status = "fail"  # it never left
                client = None
                time.sleep(0.02)
            for index, value in enumerate(values):
                self.history.append({"f": "send", "proc": self.name, "key": f"{TOPIC}-{self.partition}", "value": value, "status": status,
                                     "offset": None if base is None else base + index})

    def stop(self):
        self.running = False
        self.join(30)


class Reader(threading.Thread):
    """Follows one partition from its begin; begins anew after each fault."""

    def __init__(self, bootstrap, partition, name, isolation="committed"):
        super().__init__(daemon=True)
        self.bootstrap, self.partition, self.name, self.isolation = bootstrap, partition, name, isolation
        self.history = []
        self.running = True
        self.sessions = 0

    def run(self):
        while self.running:
            self.sessions += 1
            try:
                with kafka_wire.Client(self.bootstrap, 5) as client:
                    at = client.offset(TOPIC, self.partition, -2)
                    while self.running:
                        found, at = read_step(client, self.partition, at, isolation=self.isolation)
                        if found:
                            self.history.append({"f": "poll", "proc": self.name, "key": f"{TOPIC}-{self.partition}", "records": found,
                                                 "isolation": self.isolation, "session": self.sessions})
            except (OSError, kafka_wire.WireError):
                time.sleep(0.02)

    def stop(self):
        self.running = False
        self.join(30)


def check_batches(batches):
    """The consumer's own CRC check. A cut last batch is left out."""
    at = 0
    while at + 61 <= len(batches):
        size = 12 + int.from_bytes(batches[at + 8:at + 12], "big")
        if at + size > len(batches):
            return
        if kafka_wire.crc32c(batches[at + 21:at + size]) != int.from_bytes(batches[at + 17:at + 21], "big"):
            raise kafka_wire.WireError(f"CRC of the batch at offset {int.from_bytes(batches[at:at + 8], 'big')}")
        at += size


def read_step(client, partition, at, crcs=False, max_bytes=1 << 20, isolation="uncommitted"):
    """([[offset, value]], the next offset to ask for)."""
    batches, _, _, aborted = client.fetch_isolated(TOPIC, partition, at, max_bytes, isolation=int(isolation == "committed"))
    if crcs:
        check_batches(batches)
    found = [[offset, value.decode(errors="replace")] for offset, _, value in kafka_wire.records(batches, aborted) if offset >= at]
    return found, kafka_wire.next_offset(batches) or at


def read_all(bootstrap, partition, seconds=60, isolation="uncommitted"):
    """Everything from begin to end, as a new reader finds it; an open transaction is waited for."""
    out = []
    deadline = time.monotonic() + seconds
    with kafka_wire.Client(bootstrap, 30) as client:
        at, end = client.offset(TOPIC, partition, -2), client.offset(TOPIC, partition, -1)
        while at < end:
            before = at
            found, at = read_step(client, partition, at, isolation=isolation)
            out += found
            if at == before and time.monotonic() > deadline:
                raise TimeoutError(f"{TOPIC}-{partition}: nothing was served at offset {at} of {end} ({isolation})")
    return out


def create_topic(bootstrap):
    kafka_wire.wait_until(lambda: ask(bootstrap), 30, "the topic")


def ask(bootstrap):
    with kafka_wire.Client(bootstrap) as client:
        return client.metadata([TOPIC]).get(TOPIC)


class Load:
    """Producers of every kind and readers of both isolations on the partitions of TOPIC; `members` of a group of the consumer protocol."""

    def __init__(self, bootstrap, partitions, name, random, pad=200, raw=1, refused=REFUSED, members=0):
        import members as groups  # pylint: disable=import-outside-toplevel; needs PyPI
        import producers as clients  # pylint: disable=import-outside-toplevel
        self.bootstrap, self.partitions = bootstrap, partitions
        self.raw = [Producer(bootstrap, partition, f"{name}.{partition}.{each}", random.random(), pad, refused)
                    for partition in partitions for each in range(raw)]
        self.idempotent = [clients.Idempotent(bootstrap, TOPIC, partitions, f"{name}.idempotent", random.random(), pad)]
        self.transactional = [clients.Transactional(bootstrap, TOPIC, partitions, f"{name}.transactional.{each}", random.random(), pad)
                              for each in range(3)]
        self.readers = [Reader(bootstrap, partition, f"reader {partition} {isolation}", isolation)
                        for partition in partitions for isolation in ("committed", "uncommitted")]
        self.members = [groups.Member(bootstrap, TOPIC, f"group of {name}", f"member {each}") for each in range(members)]
        self.read_committed, self.missed = clients.read_committed, groups.missed

    @property
    def producers(self):
        return [*self.raw, *self.idempotent, *self.transactional]

    def start(self):
        for thread in [*self.producers, *self.readers, *self.members]:
            thread.start()

    def stop(self):
        """The broker must run: transactions are ended."""
        for thread in [*self.producers, *self.readers]:
            thread.running = False
        for thread in [*self.producers, *self.readers]:
            thread.stop()
        for member in self.members:  # they read to the end, which is known now
            member.running = False
        for member in self.members:
            member.stop()

    def verdict(self, retention=False):
        """verdict(), and what only these clients can know: broken producers, offsets of transactions, what librdkafka's consumer reads."""
        out = verdict(self.producers, [*self.readers, *self.members], self.bootstrap, self.partitions, retention)
        fatal = [text for thread in [*self.idempotent, *self.transactional, *self.members] for text in thread.fatal]
        offsets = list(filter(None, (thread.offset_is_wrong() for thread in self.transactional)))
        other = 0
        for partition in self.partitions:
            ours, theirs = read_all(self.bootstrap, partition, isolation="committed"), self.read_committed(self.bootstrap, TOPIC, partition)
            at = max(ours[0][0], theirs[0][0]) if ours and theirs else 0  # retention may have run in between
            other += int([record for record in ours if record[0] >= at] != [record for record in theirs if record[0] >= at])
        out.update(commits=sum(thread.commits for thread in self.transactional), aborts=sum(thread.aborts for thread in self.transactional),
                   fatal=len(fatal), group_offsets=len(offsets), clients_differ=other)
        out["anomalies"] += len(fatal) + len(offsets) + other
        if self.members:
            left_out = self.missed(self.members, {f"{TOPIC}-{partition}": read_all(self.bootstrap, partition, isolation="committed") for partition in self.partitions})
            out.update(members_read=sum(len(member.history) for member in self.members), member_commits=sum(member.commits for member in self.members),
                       members_missed=len(left_out))
            out["anomalies"] += len(left_out)
            if left_out:
                out.setdefault("examples", {})["members"] = repr(left_out[:4])
        if fatal or offsets:
            out.setdefault("examples", {})["clients"] = repr([*fatal, *offsets][:4])[:500]
        return out


def verdict(producers, readers, bootstrap, partitions, retention=False):
    """Counts of all anomalies, with the first examples."""
    history = [event for thread in [*producers, *readers] for event in thread.history]
    final, uncommitted = ({f"{TOPIC}-{partition}": read_all(bootstrap, partition, isolation=isolation) for partition in partitions}
                          for isolation in ("committed", "uncommitted"))
    starts = {}
    if retention:  # asked for last: nothing that is judged may go while it is read
        with kafka_wire.Client(bootstrap) as client:
            starts = {f"{TOPIC}-{partition}": client.offset(TOPIC, partition, -2) for partition in partitions}
    found = checker.check(history, final, uncommitted, starts)
    counts = checker.counts(found)
    examples = {name: repr(found[name][:3])[:300] for name in checker.NAMES if found[name]}
    return {"acknowledged": sum(producer.acknowledged for producer in producers), **counts, "anomalies": sum(counts.values()),
            **({"examples": examples} if examples else {})}
