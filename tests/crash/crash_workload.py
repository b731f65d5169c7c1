"""The scripted workload of crash_points.py: one client, one request at a time, the same order each time. It notes before each request what it
is about to ask for and after it what it was told, so that after a crash at any point it is known what must, what may and what must not be."""

import kafka_wire
import wire_requests

GROUPS = ("group-a", "group-b")
TRANSACTIONAL_ID = "mover"
TRANSACTION_GROUP = "mover's group"
# Some batches fill a segment.
SMALL = {"segment.index.bytes": 24, "index.interval.bytes": 256}
SECONDS = 20


class Topic:
    def __init__(self, name, partitions=1, **config):
        self.name, self.config = name, {**SMALL, **config}
        self.partitions = {partitions}  # the possible numbers
        self.state = "absent"  # or "creating", "there", "deleting"
        self.generation = 0


class Workload:
    """`history` is for checker.py."""

    def __init__(self):
        self.topics = {topic.name: topic for topic in (
            Topic("plain"), Topic("idem"), Topic("txn", 2), Topic("short", **{"retention.bytes": 6000}), Topic("gone"),
            Topic("compact", **{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": 0.01, "delete.retention.ms": 0}))}
        self.history = []
        self.stage = "start"
        self.requests = None
        self.groups = {group: [-1, {-1}] for group in (*GROUPS, TRANSACTION_GROUP)}  # what is known, what is possible
        self.starts = {"plain": [0, {0}], "short": [0, None]}
        self.retention_ms = {None}
        self.written = {}  # of "compact": {key: [(value, status)]}
        self.producers = []
        self.idempotent = self.mover = None
        self.sequence = 0
        self.pending = None  # a batch of the idempotent producer without an answer: (sequence, values, events)
        self.last = None  # its last one with an answer: (sequence, values, base offset)
        self.transaction = 0
        self.mover_sequences = [0, 0]
        self.open = None  # the transaction at hand: (events, whether a commit was asked for)

    # Stages.

    def stages(self):
        return (("topics", self.make_topics), ("plain", self.plain), ("idempotent", self.idempotence), ("transactions", self.transactions),
                ("offsets", self.offsets), ("settings", self.settings), ("delete records", self.delete_records), ("retention", self.retention),
                ("compaction", self.compaction), ("delete topic", self.delete_and_make_again))

    def make_topics(self):
        for topic in self.topics.values():
            self.create(topic)

    def plain(self):
        for _ in range(14):
            self.send("plain", 0, 3, 200)

    def idempotence(self):
        self.idempotent = self.new_producer()
        for _ in range(10):
            self.send_idempotent()

    def transactions(self):
        self.mover = self.new_producer(TRANSACTIONAL_ID)
        for _ in range(6):
            self.one_transaction()

    def offsets(self):
        for offset in range(8):
            for group in GROUPS:
                self.groups[group][1].add(offset)
                self.requests.commit(group, "plain", offset)
                self.groups[group] = [offset, {offset}]

    def settings(self):
        for value in ("600000", "700000"):
            self.retention_ms.add(value)
            self.requests.alter_config("plain", "retention.ms", value)
            self.retention_ms = {value}
        self.topics["idem"].partitions.add(2)
        self.requests.create_partitions("idem", 2)
        self.topics["idem"].partitions = {2}

    def delete_records(self):
        for offset in (7, 25):
            self.starts["plain"][1].add(offset)
            self.requests.delete_records("plain", offset)
            self.starts["plain"] = [offset, {offset}]

    def retention(self):
        for _ in range(12):
            self.send("short", 0, 3, 400)

        def start():
            self.starts["short"][0] = max(self.starts["short"][0], self.requests.offset("short", 0, -2))
            return self.starts["short"][0] > 0
        kafka_wire.wait_until(start, SECONDS, "retention")

    def compaction(self):
        count = 0
        for number in range(40):
            key = f"key-{number % 5}"
            value = None if number == 38 else f"{key}:{number}:" + "c" * 150
            self.written.setdefault(key, []).append([value, "info"])
            self.requests.produce("compact", 0, [value if value is None else value.encode()], keys=[key.encode()])
            self.written[key][-1][1] = "ok"
            count += 1
        kafka_wire.wait_until(lambda: len(self.requests.read("compact", 0)) < count // 2, SECONDS, "compaction")

    def delete_and_make_again(self):
        topic = self.topics["gone"]
        for _ in range(3):
            self.send("gone", 0, 2, 100)
        topic.state = "deleting"
        self.requests.delete_topic("gone")
        topic.state = "absent"
        topic.generation += 1
        self.create(topic)
        for _ in range(3):
            self.send("gone", 0, 2, 100)

    # Steps.

    def create(self, topic):
        topic.state = "creating"
        self.requests.create_topic(topic.name, min(topic.partitions), topic.config)
        topic.state = "there"

    def send(self, topic, partition, count, size, status="info", **how):
        """`count` values; a transaction's stay "info"."""
        key = f"{topic}-{partition}"
        if topic == "gone":
            key = f"gone {self.topics['gone'].generation}"
        events = [{"f": "send", "proc": how.get("transactional_id", topic), "key": key, "value": f"{key}:{len(self.history) + index}:" + "v" * size,
                   "offset": None, "status": status} for index in range(count)]
        self.history += events
        base = self.requests.produce(topic, partition, [event["value"].encode() for event in events], **how)
        self.stored(events, base, status="info" if "transactional_id" in how else "ok")
        return events

    @staticmethod
    def stored(events, base, status="ok"):
        for index, event in enumerate(events):
            event.update(offset=base + index, status=status)

    def new_producer(self, transactional_id=None):
        producer = self.requests.init_producer(transactional_id)
        if producer in self.producers:
            raise AssertionError(f"producer id and epoch {producer} were given twice")
        self.producers.append(producer)
        return producer

    def send_idempotent(self):
        if self.pending is None:
            values = [f"idem-0:{self.sequence + index}:" + "i" * 200 for index in range(3)]
            events = [{"f": "send", "proc": "idem", "key": "idem-0", "value": value, "offset": None, "status": "info"} for value in values]
            self.history += events
            self.pending = (self.sequence, values, events)
        sequence, values, events = self.pending
        base = self.requests.produce("idem", 0, [value.encode() for value in values], producer=(*self.idempotent, sequence))
        self.stored(events, base)
        self.last, self.pending = (sequence, values, base), None
        self.sequence = sequence + len(values)

    def send_last_again(self):
        """A producer that did not see the answer sends the same once more."""
        if self.last is not None:
            sequence, values, base = self.last
            again = self.requests.produce("idem", 0, [value.encode() for value in values], producer=(*self.idempotent, sequence))
            if again != base:
                raise AssertionError(f"the batch with sequence {sequence} was at offset {base}, sent again it is at {again}")

    def one_transaction(self):
        number = self.transaction
        self.transaction += 1
        commit = number % 3 != 1
        events = []
        self.open = [events, False]
        who = {"transactional_id": TRANSACTIONAL_ID}
        self.requests.add_partitions(TRANSACTIONAL_ID, self.mover, "txn", (0, 1))
        for partition in (0, 1):
            for _ in range(2):
                before = len(self.history)
                try:
                    self.send("txn", partition, 2, 200, producer=(*self.mover, self.mover_sequences[partition]), **who)
                finally:
                    for event in self.history[before:]:
                        event["txn"] = f"{TRANSACTIONAL_ID} {number}"
                    events += self.history[before:]
                self.mover_sequences[partition] += 2
        self.requests.add_offsets(TRANSACTIONAL_ID, self.mover, TRANSACTION_GROUP)
        self.requests.commit_in_transaction(TRANSACTIONAL_ID, self.mover, TRANSACTION_GROUP, "plain", number)
        if commit:
            self.open[1] = True
            self.groups[TRANSACTION_GROUP][1].add(number)
        self.requests.end_transaction(TRANSACTIONAL_ID, self.mover, commit)
        if commit:
            self.groups[TRANSACTION_GROUP] = [number, {number}]
        for event in events:
            event["status"] = "ok" if commit else "aborted"
        self.open = None

    def run(self, address):
        """All stages; wire_requests.Died where the broker ends. Yields the name of each stage that is through."""
        self.requests = wire_requests.Requests(address)
        for self.stage, step in self.stages():
            step()
            yield self.stage

    # After a crash.

    def go_on(self, address):
        """What the clients do next: topics that were being made are asked for again, producers go on, the open transaction ends, one more of
        everything goes through."""
        self.requests = wire_requests.Requests(address)
        there = self.requests.topics()
        for topic in self.topics.values():
            if topic.name not in there and topic.state in ("creating", "deleting", "absent"):
                topic.generation += int(topic.state == "deleting")
                self.create(topic)
            topic.state = "there"
        if self.mover is not None or self.stage == "transactions":
            before, self.mover = self.mover, self.new_producer(TRANSACTIONAL_ID)
            if before is not None and before[0] == self.mover[0] and before[1] >= self.mover[1]:
                raise AssertionError(f"the epoch of {TRANSACTIONAL_ID} went from {before} to {self.mover}")
            self.mover_sequences = [0, 0]
            if self.open is not None and not self.open[1]:
                for event in self.open[0]:
                    event["status"] = "aborted"
            self.open = None
            self.one_transaction()
            self.one_transaction()
        if self.idempotent is not None:
            if self.pending is not None:
                self.send_idempotent()
            self.send_last_again()
            self.send_idempotent()
        self.new_producer()
        for topic in ("plain", "short", "gone"):
            self.send(topic, 0, 1, 100)
