"""The newest confluent-kafka (librdkafka) of PyPI produces, consumes, rebalances and administers. Needs PyPI once."""

import threading
import time
import unittest
import uuid

import clusters

ck = clusters.python_client("confluent_kafka")
from confluent_kafka import admin  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE_S = 60


def producer(address, **settings):
    return ck.Producer({"bootstrap.servers": address, "partitioner": "murmur2_random", "linger.ms": 5, **settings})


def send(address, topic, records, **settings):
    """Produces dicts of produce()'s arguments; returns {(partition, offset): index} of what was acknowledged."""
    out, errors = {}, []
    client = producer(address, **settings)
    for index, record in enumerate(records):
        def done(error, message, index=index):
            if error:
                errors.append(str(error))
            else:
                out[(message.partition(), message.offset())] = index
        while True:
            try:
                client.produce(topic, on_delivery=done, **record)
                break
            except BufferError:
                client.poll(0.1)
        client.poll(0)
    left = client.flush(DEADLINE_S)
    if errors or left:
        raise AssertionError(f"{left} not sent, {len(errors)} refused: {errors[:3]}")
    return out


def read(address, topic, partitions=1, **settings):
    """All messages from the start to the end as it is now."""
    client = ck.Consumer({"bootstrap.servers": address, "group.id": f"read-{uuid.uuid4()}", "enable.auto.commit": False,
                          "enable.partition.eof": True, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50, **settings})
    try:
        client.assign([ck.TopicPartition(topic, p, ck.OFFSET_BEGINNING) for p in range(partitions)])
        out, ended, deadline = [], set(), time.monotonic() + DEADLINE_S
        while len(ended) < partitions:
            message = client.poll(0.5)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic}: {len(out)} messages, {len(ended)} of {partitions} partitions read to the end")
            if message is None:
                continue
            if message.error() is None:
                out.append(message)
            elif message.error().code() == ck.KafkaError._PARTITION_EOF:
                ended.add(message.partition())
            else:
                raise AssertionError(message.error())
        return out
    finally:
        client.close()


class Confluent(clusters.ClusterCase):
    OVERRIDES = ("message.max.bytes=20000000",)

    def setUp(self):
        super().setUp()
        self.address = self.cluster.address
        self.admin = admin.AdminClient({"bootstrap.servers": self.address})

    def done(self, futures):
        return {key: future.result(DEADLINE_S) for key, future in futures.items()}

    def create(self, partitions=1, config=None, name=None):
        name = name or self.topic
        self.done(self.admin.create_topics([admin.NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})]))
        return name


class Records(Confluent):
    def test_each_codec_brings_back_keys_headers_timestamps_and_empty_and_null_values(self):
        odd = [
            {"key": b"k", "value": b"v", "headers": [("h", b"1"), ("h", b"2"), ("none", None), ("empty", b"")], "timestamp": 1_600_000_000_000},
            {"key": None, "value": b"", "headers": [], "timestamp": 1_600_000_000_001},
            {"key": b"", "value": None, "headers": [("\u00e9", b"\x00\xff")], "timestamp": 1_600_000_000_002},
            {"key": b"\x00\xff", "value": b"x" * 100_000, "headers": [], "timestamp": 1},
        ]
        many = [{"key": b"%d" % n, "value": b"value %d " % n * 5, "headers": [], "timestamp": 1_600_000_001_000 + n} for n in range(2000)]
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            for idempotent in (False, True):
                with self.subTest(codec=codec, idempotent=idempotent):
                    topic = self.create(name=f"{codec}-{idempotent}")
                    sent = send(self.address, topic, odd + many, **{"compression.type": codec, "enable.idempotence": idempotent})
                    self.assertEqual(sent, {(0, n): n for n in range(2004)})
                    got = [{"key": m.key(), "value": m.value(), "headers": m.headers() or [], "timestamp": m.timestamp()[1]}
                           for m in read(self.address, topic, **{"check.crcs": True})]
                    self.assertEqual(got, odd + many)

    def test_log_append_time(self):
        self.create(config={"message.timestamp.type": "LogAppendTime"})
        before = int(time.time() * 1000)
        send(self.address, self.topic, [{"value": b"a", "timestamp": 5}, {"value": b"b", "timestamp": 6}], **{"compression.type": "gzip"})
        after = int(time.time() * 1000)
        for message in read(self.address, self.topic):
            kind, stamp = message.timestamp()
            self.assertEqual(kind, ck.TIMESTAMP_LOG_APPEND_TIME)
            self.assertTrue(before <= stamp <= after, (before, stamp, after))

    def test_records_of_ten_megabytes(self):
        self.create(config={"max.message.bytes": "20000000"})
        values = [bytes([n]) * 10_000_000 for n in range(3)]
        send(self.address, self.topic, [{"value": value} for value in values], **{"message.max.bytes": 20_000_000})
        got = read(self.address, self.topic, **{"fetch.message.max.bytes": 20_000_000, "fetch.max.bytes": 50_000_000, "receive.message.max.bytes": 60_000_000})
        self.assertEqual([m.value() for m in got], values)
        small = read(self.address, self.topic, **{"fetch.message.max.bytes": 1000, "fetch.max.bytes": 20_000_000, "message.max.bytes": 20_000_000})
        self.assertEqual([m.value() for m in small], values)

    def test_keys_go_to_the_partitions_that_murmur2_says(self):
        self.create(partitions=6)
        send(self.address, self.topic, [{"key": b"%d" % n, "value": b""} for n in range(500)])
        where = {m.key(): m.partition() for m in read(self.address, self.topic, partitions=6)}
        self.assertEqual(len(where), 500)
        self.assertEqual(where, {key: (murmur2(key) & 0x7FFFFFFF) % 6 for key in where})

    def test_offsets_by_time(self):
        self.create()
        send(self.address, self.topic, [{"value": b"", "timestamp": 1000 * n} for n in range(1, 101)], **{"linger.ms": 0, "batch.num.messages": 7})
        client = ck.Consumer({"bootstrap.servers": self.address, "group.id": "times"})
        try:
            for asked, wanted in ((0, 0), (1000, 0), (1001, 1), (50_000, 49), (50_500, 50), (100_000, 99)):
                found = client.offsets_for_times([ck.TopicPartition(self.topic, 0, asked)], timeout=10)[0]
                self.assertEqual((asked, found.offset), (asked, wanted))
            self.assertEqual(client.offsets_for_times([ck.TopicPartition(self.topic, 0, 100_001)], timeout=10)[0].offset, ck.OFFSET_END)
            self.assertEqual(client.get_watermark_offsets(ck.TopicPartition(self.topic, 0), timeout=10), (0, 100))
        finally:
            client.close()
        specs = {ck.TopicPartition(self.topic, 0): admin.OffsetSpec.for_timestamp(50_500)}
        self.assertEqual([r.offset for r in self.done(self.admin.list_offsets(specs)).values()], [50])
        specs = {ck.TopicPartition(self.topic, 0): admin.OffsetSpec.max_timestamp()}
        self.assertEqual([(r.offset, r.timestamp) for r in self.done(self.admin.list_offsets(specs)).values()], [(99, 100_000)])

    def test_a_record_over_the_limit_is_refused_and_the_others_pass(self):
        self.create(config={"max.message.bytes": "2000"})
        client = producer(self.address, **{"linger.ms": 0})
        seen = []
        for size in (100, 5000, 100):
            client.produce(self.topic, b"x" * size, on_delivery=lambda error, _: seen.append(error and error.name()))
            client.flush(DEADLINE_S)
        self.assertEqual(seen, [None, "MSG_SIZE_TOO_LARGE", None])
        self.assertEqual([len(m.value()) for m in read(self.address, self.topic)], [100, 100])


def murmur2(data):
    """Kafka's 32-bit hash of a key; a second implementation, so that ours is not its own judge."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if len(data) > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


class Member(threading.Thread):
    """A group member on its own thread; commits what it read when it leaves, or not at all when it is `dropped`."""

    def __init__(self, address, group, topic, **settings):
        super().__init__(daemon=True)
        self.client = ck.Consumer({"bootstrap.servers": address, "group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
                                   "heartbeat.interval.ms": 300, "enable.auto.commit": False, "fetch.wait.max.ms": 50, **settings})
        self.mine, self.seen, self.problems, self.calls = set(), [], [], []
        self.ending = threading.Event()
        self.client.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.revoked)
        self.cooperative = settings.get("partition.assignment.strategy") == "cooperative-sticky"
        self.start()

    def assigned(self, client, partitions):
        self.calls.append(("+", sorted(p.partition for p in partitions)))
        if self.cooperative:
            client.incremental_assign(partitions)
            self.mine |= {p.partition for p in partitions}
        else:
            client.assign(partitions)
            self.mine = {p.partition for p in partitions}

    def revoked(self, client, partitions):
        self.calls.append(("-", sorted(p.partition for p in partitions)))
        try:
            client.commit(asynchronous=False)
        except ck.KafkaException as error:
            if error.args[0].code() != ck.KafkaError._NO_OFFSET:
                self.problems.append(str(error))
        self.mine -= {p.partition for p in partitions}
        if self.cooperative:
            client.incremental_unassign(partitions)
        else:
            client.unassign()

    def run(self):
        try:
            while not self.ending.is_set():
                message = self.client.poll(0.05)
                if message is not None and message.error() is None:
                    self.seen.append((message.partition(), message.offset(), message.value()))
                elif message is not None and not message.error().retriable():
                    self.problems.append(str(message.error()))
        finally:
            self.client.close()

    def leave(self):
        self.ending.set()
        self.join(DEADLINE_S)


def until(condition, what, seconds=DEADLINE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} within {seconds} s")
        threading.Event().wait(0.02)


def patiently(ask):
    """Asks until the broker has loaded its groups again: this call of librdkafka gives up at once."""
    answers = []

    def answered():
        try:
            answers.append(ask())
        except ck.KafkaException as error:
            if error.args[0].name() not in ("NOT_COORDINATOR", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE"):
                raise
        return answers

    until(answered, "an answer of the coordinator")
    return answers[0]


class Groups(Confluent):
    PARTITIONS = 6

    def fill(self, start, count):
        sent = send(self.address, self.topic, [{"key": b"%d" % n, "value": b"%d" % n} for n in range(start, start + count)])
        self.sent.update({(partition, offset): b"%d" % (start + index) for (partition, offset), index in sent.items()})

    def setUp(self):
        super().setUp()
        self.create(partitions=self.PARTITIONS)
        self.sent, self.members = {}, []
        self.addCleanup(lambda: [member.leave() for member in self.members])

    def member(self, **settings):
        self.members.append(Member(self.address, f"g-{self.topic}", self.topic, **settings))
        return self.members[-1]

    def seen(self):
        return [entry for member in self.members for entry in member.seen]

    def owned(self, *members):
        return [sorted(member.mine) for member in members]

    def rebalance(self, **settings):
        """Two members, then one, then two again, with records before, between and after: each is read exactly once."""
        everything = set(range(self.PARTITIONS))
        self.fill(0, 300)
        first = self.member(**settings)
        until(lambda: first.mine == everything and len(self.seen()) == 300, f"the first member takes all {self.owned(first)}")
        second = self.member(**settings)
        until(lambda: len(first.mine) == len(second.mine) == 3 and first.mine | second.mine == everything, "two members share")
        self.fill(300, 300)
        until(lambda: len(self.seen()) >= 600, "300 more are read")
        shared = second.mine.copy()
        first.leave()
        until(lambda: second.mine == everything, f"the second takes all, has {second.mine}, had {shared}")
        self.fill(600, 300)
        until(lambda: len(self.seen()) >= 900, "the last 300 are read")
        self.assertEqual([m.problems for m in self.members], [[], []])
        self.assertEqual(sorted(self.seen()), sorted((p, o, v) for (p, o), v in self.sent.items()))
        return first, second

    def test_range(self):
        self.rebalance(**{"partition.assignment.strategy": "range"})

    def test_round_robin(self):
        self.rebalance(**{"partition.assignment.strategy": "roundrobin"})

    def test_cooperative_sticky_takes_only_what_moves(self):
        first, _ = self.rebalance(**{"partition.assignment.strategy": "cooperative-sticky"})
        moved = [partitions for sign, partitions in first.calls if sign == "-"]
        self.assertEqual(len(moved[0]), 3, first.calls)

    def test_a_static_member_comes_back_to_its_partitions_and_nobody_else_notices(self):
        settings = {"session.timeout.ms": 20000}
        one = self.member(**settings, **{"group.instance.id": "one"})
        two = self.member(**settings, **{"group.instance.id": "two"})
        until(lambda: len(one.mine) == len(two.mine) == 3, "two static members share")
        had, calls = two.mine.copy(), list(one.calls)
        two.leave()
        again = self.member(**settings, **{"group.instance.id": "two"})
        until(lambda: again.mine == had, f"the static member gets {had} again, has {again.mine}")
        self.assertEqual(one.calls, calls)

    def test_committed_offsets_survive_restart_and_kill(self):
        self.fill(0, 100)
        member = self.member()
        until(lambda: len(member.seen) == 100, "100 records")
        member.leave()
        wanted = {p: max((o for q, o, _ in member.seen if q == p), default=-1) + 1 for p in range(self.PARTITIONS)}
        for ending in (self.cluster.stop, self.cluster.kill, self.cluster.kill):
            ending()
            self.cluster.start()
            client = ck.Consumer({"bootstrap.servers": self.address, "group.id": f"g-{self.topic}"})
            try:
                got = patiently(lambda c=client: c.committed([ck.TopicPartition(self.topic, p) for p in range(self.PARTITIONS)], timeout=DEADLINE_S))
                self.assertEqual({p.partition: max(p.offset, 0) for p in got}, wanted)
            finally:
                client.close()
        self.assertEqual({(m.partition(), m.offset()): m.value() for m in read(self.address, self.topic, self.PARTITIONS)}, self.sent)

    def test_two_members_go_on_while_the_broker_is_killed(self):
        members = [self.member(), self.member()]
        until(lambda: all(len(m.mine) == 3 for m in members), "two members share")
        for number in range(3):
            self.fill(number * 100, 100)
            self.cluster.kill()
            self.cluster.start()
        self.fill(300, 100)
        until(lambda: set(self.seen()) == {(p, o, v) for (p, o), v in self.sent.items()}, "everything is read")


class Kills(Confluent):
    PARTITIONS = 3
    ROUNDS = 8

    def test_an_idempotent_producers_records_are_there_once_and_in_order_after_kills(self):
        self.create(partitions=self.PARTITIONS)
        client = producer(self.address, **{"enable.idempotence": True, "linger.ms": 1, "message.timeout.ms": 600_000, "compression.type": "lz4",
                                           "batch.num.messages": 50, "reconnect.backoff.max.ms": 200})
        acknowledged, refused, ending, number = {}, [], threading.Event(), 0

        def killer():
            for _ in range(self.ROUNDS):
                before = len(acknowledged)
                until(lambda before=before: len(acknowledged) > before + 2000, "2000 more are acknowledged")
                self.cluster.kill()
                self.cluster.start()
            ending.set()

        thread = threading.Thread(target=killer, daemon=True)
        thread.start()
        while not ending.is_set() and thread.is_alive():
            def done(error, message, n=number):
                if error:
                    refused.append(str(error))
                else:
                    acknowledged[(message.partition(), message.offset())] = n
            try:
                client.produce(self.topic, b"%d" % number, partition=number % self.PARTITIONS, on_delivery=done)
                number += 1
            except BufferError:
                client.poll(0.05)
            client.poll(0)
        thread.join()
        self.assertTrue(ending.is_set(), "the broker did not come back")
        self.assertEqual((client.flush(DEADLINE_S), refused[:3], len(acknowledged)), (0, [], number))
        got = {(m.partition(), m.offset()): int(m.value()) for m in read(self.address, self.topic, self.PARTITIONS)}
        self.assertEqual(len(got), number)
        for partition in range(self.PARTITIONS):
            order = [got[key] for key in sorted(key for key in got if key[0] == partition)]
            self.assertEqual(order, list(range(partition, number, self.PARTITIONS)), f"partition {partition}")
        self.assertEqual(got, acknowledged)


class Admin(Confluent):
    def names(self):
        return set(self.admin.list_topics(timeout=30).topics)

    def test_topics_and_partitions(self):
        self.create(partitions=2)
        self.assertIn(self.topic, self.names())
        self.assertEqual(len(self.admin.list_topics(timeout=30).topics[self.topic].partitions), 2)
        self.done(self.admin.create_partitions([admin.NewPartitions(self.topic, 5)]))
        until(lambda: len(self.admin.list_topics(timeout=30).topics[self.topic].partitions) == 5, "5 partitions")
        described = self.done(self.admin.describe_topics(ck.TopicCollection([self.topic])))[self.topic]
        self.assertEqual([(p.id, p.leader.id, [r.id for r in p.replicas], [r.id for r in p.isr]) for p in described.partitions],
                         [(n, described.partitions[0].leader.id, *[[described.partitions[0].leader.id]] * 2) for n in range(5)])
        self.done(self.admin.delete_topics([self.topic]))
        until(lambda: self.topic not in self.names(), "the topic is gone")

    def test_wrong_topics_are_refused_by_name(self):
        def error(topic):
            with self.assertRaises(ck.KafkaException) as caught:
                self.done(self.admin.create_topics([topic]))
            return caught.exception.args[0].name()
        self.create()
        self.assertEqual(error(admin.NewTopic(self.topic, 1, 1)), "TOPIC_ALREADY_EXISTS")
        self.assertEqual(error(admin.NewTopic("no/slash", 1, 1)), "TOPIC_EXCEPTION")
        self.assertEqual(error(admin.NewTopic("zero", 0, 1)), "INVALID_PARTITIONS")
        self.assertEqual(error(admin.NewTopic("three", 1, 3)), "INVALID_REPLICATION_FACTOR")
        self.assertEqual(error(admin.NewTopic("bad", 1, 1, config={"retention.ms": "soon"})), "INVALID_CONFIG")
        self.assertEqual(error(admin.NewTopic("bad", 1, 1, config={"no.such": "1"})), "INVALID_CONFIG")
        self.assertTrue({"no/slash", "zero", "three", "bad"}.isdisjoint(self.names()))
        with self.assertRaises(ck.KafkaException) as caught:
            self.done(self.admin.delete_topics(["never-made"]))
        self.assertEqual(caught.exception.args[0].name(), "UNKNOWN_TOPIC_OR_PART")
        with self.assertRaises(ck.KafkaException) as caught:
            self.done(self.admin.create_partitions([admin.NewPartitions(self.topic, 1)]))
        self.assertEqual(caught.exception.args[0].name(), "INVALID_PARTITIONS")

    def entry(self, name):
        resource = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, self.topic)
        found = self.done(self.admin.describe_configs([resource]))[resource][name]
        return found.value, admin.ConfigSource(found.source).name

    def change(self, name, value, how):
        resource = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, self.topic, incremental_configs=[
            admin.ConfigEntry(name, value, incremental_operation=admin.AlterConfigOpType[how])])
        self.done(self.admin.incremental_alter_configs([resource]))

    def test_configs(self):
        self.create(config={"retention.ms": "1000000", "cleanup.policy": "delete"})
        self.assertEqual(self.entry("retention.ms"), ("1000000", "DYNAMIC_TOPIC_CONFIG"))
        self.assertEqual(self.entry("segment.bytes"), ("1073741824", "DEFAULT_CONFIG"))
        self.change("retention.ms", "2000000", "SET")
        self.assertEqual(self.entry("retention.ms"), ("2000000", "DYNAMIC_TOPIC_CONFIG"))
        self.change("cleanup.policy", "compact", "APPEND")
        self.assertEqual(self.entry("cleanup.policy"), ("delete,compact", "DYNAMIC_TOPIC_CONFIG"))
        self.change("cleanup.policy", "delete", "SUBTRACT")
        self.assertEqual(self.entry("cleanup.policy"), ("compact", "DYNAMIC_TOPIC_CONFIG"))
        self.change("cleanup.policy", None, "DELETE")
        self.assertEqual(self.entry("cleanup.policy"), ("delete", "DEFAULT_CONFIG"))
        self.change("retention.ms", None, "DELETE")
        self.assertEqual(self.entry("retention.ms"), ("604800000", "DEFAULT_CONFIG"))
        for name, value in (("retention.ms", "soon"), ("no.such", "1"), ("min.insync.replicas", "0")):
            with self.assertRaises(ck.KafkaException) as caught:
                self.change(name, value, "SET")
            self.assertEqual(caught.exception.args[0].name(), "INVALID_CONFIG", name)

    def test_records_are_deleted(self):
        self.create()
        send(self.address, self.topic, [{"value": b"%d" % n} for n in range(100)])
        self.assertEqual([r.low_watermark for r in self.done(self.admin.delete_records([ck.TopicPartition(self.topic, 0, 40)])).values()], [40])
        self.assertEqual([(m.offset(), m.value()) for m in read(self.address, self.topic)], [(n, b"%d" % n) for n in range(40, 100)])
        with self.assertRaises(ck.KafkaException) as caught:
            self.done(self.admin.delete_records([ck.TopicPartition(self.topic, 0, 101)]))
        self.assertEqual(caught.exception.args[0].name(), "OFFSET_OUT_OF_RANGE")
        self.done(self.admin.delete_records([ck.TopicPartition(self.topic, 0, ck.OFFSET_END)]))
        self.assertEqual(read(self.address, self.topic), [])
        # Kafka writes the start of a log down once a minute and when it stops; ours has done so when it answers.
        (self.cluster.stop if clusters.APACHE else self.cluster.kill)()
        self.cluster.start()
        # A fresh client: librdkafka's ListOffsets does not connect again by itself.
        fresh = admin.AdminClient({"bootstrap.servers": self.address})
        earliest = self.done(fresh.list_offsets({ck.TopicPartition(self.topic, 0): admin.OffsetSpec.earliest()}))
        self.assertEqual([result.offset for result in earliest.values()], [100])

    def test_groups_are_listed_described_altered_and_deleted(self):
        self.create(partitions=2)
        send(self.address, self.topic, [{"value": b"%d" % n, "partition": n % 2} for n in range(20)])
        member = Member(self.address, "admin-group", self.topic, **{"client.id": "the-client"})
        try:
            until(lambda: len(member.seen) == 20, "20 records")
            listed = {g.group_id: (g.state.name, g.is_simple_consumer_group) for g in self.admin.list_consumer_groups().result(30).valid}
            self.assertEqual(listed["admin-group"], ("STABLE", False))
            group = self.done(self.admin.describe_consumer_groups(["admin-group"]))["admin-group"]
            self.assertEqual((group.state.name, group.partition_assignor, len(group.members)), ("STABLE", "range", 1))
            self.assertEqual((group.members[0].client_id, group.members[0].host), ("the-client", "/127.0.0.1"))
            self.assertEqual(sorted(p.partition for p in group.members[0].assignment.topic_partitions), [0, 1])
            with self.assertRaises(ck.KafkaException) as caught:
                self.done(self.admin.delete_consumer_groups(["admin-group"]))
            self.assertEqual(caught.exception.args[0].name(), "NON_EMPTY_GROUP")
        finally:
            member.leave()
        asked = [ck.ConsumerGroupTopicPartitions("admin-group")]
        got = self.done(self.admin.list_consumer_group_offsets(asked))["admin-group"]
        self.assertEqual(sorted((p.partition, p.offset) for p in got.topic_partitions), [(0, 10), (1, 10)])
        self.done(self.admin.alter_consumer_group_offsets([ck.ConsumerGroupTopicPartitions("admin-group", [ck.TopicPartition(self.topic, 0, 3)])]))
        got = self.done(self.admin.list_consumer_group_offsets(asked))["admin-group"]
        self.assertEqual(sorted((p.partition, p.offset) for p in got.topic_partitions), [(0, 3), (1, 10)])
        self.done(self.admin.delete_consumer_groups(["admin-group"]))
        self.assertNotIn("admin-group", {g.group_id for g in self.admin.list_consumer_groups().result(30).valid})
        with self.assertRaises(ck.KafkaException) as caught:
            self.done(self.admin.delete_consumer_groups(["admin-group"]))
        self.assertEqual(caught.exception.args[0].name(), "GROUP_ID_NOT_FOUND")

    def test_cluster(self):
        found = self.admin.describe_cluster().result(30)
        self.assertEqual([f"{node.host}:{node.port}" for node in found.nodes], [self.address])
        self.assertEqual(found.controller.id, found.nodes[0].id)
        self.assertEqual(found.cluster_id, self.admin.list_topics(timeout=30).cluster_id)


if __name__ == "__main__":
    unittest.main()
