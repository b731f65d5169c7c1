"""The newest kafka-python of PyPI, which shares no code with librdkafka or Java: records, groups, transactions, admin. Needs PyPI once."""

import threading
import time
import unittest
import uuid

import clusters
import rebalance_story

kafka = clusters.python_client("kafka")
import kafka.errors  # noqa: E402  pylint: disable=wrong-import-position
from kafka.admin import ConfigResource, ConfigResourceType  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE_S = 60
CODECS = (None, "gzip", "snappy", "lz4", "zstd")


class KafkaPython(clusters.ClusterCase):
    def setUp(self):
        super().setUp()
        self.address = self.cluster.address

    def admin(self):
        client = kafka.KafkaAdminClient(bootstrap_servers=self.address)
        self.addCleanup(client.close)
        return client

    def producer(self, **settings):
        client = kafka.KafkaProducer(bootstrap_servers=self.address, **settings)
        self.addCleanup(client.close, timeout=5)
        return client

    def create(self, partitions=1, configs=None, name=None):
        name = name or self.topic
        self.admin().create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs or {}}}, wait_for_metadata=True)
        return name

    def send(self, topic, records, **settings):
        """Sends dicts of send()'s arguments, in order; returns (partition, offset) of each."""
        client = kafka.KafkaProducer(bootstrap_servers=self.address, linger_ms=5, **settings)
        try:
            futures = [client.send(topic, **record) for record in records]
            client.flush(DEADLINE_S)
            return [(done.partition, done.offset) for done in (future.get(DEADLINE_S) for future in futures)]
        finally:
            client.close(timeout=5)

    def read(self, topic, partitions=1, **settings):
        """All records from the start to the end as it is now."""
        client = kafka.KafkaConsumer(bootstrap_servers=self.address, auto_offset_reset="earliest", enable_auto_commit=False, check_crcs=True, **settings)
        try:
            places = [kafka.TopicPartition(topic, p) for p in range(partitions)]
            client.assign(places)
            client.seek_to_beginning()
            ends = client.end_offsets(places)
            out, deadline = [], time.monotonic() + DEADLINE_S
            while any(client.position(place) < ends[place] for place in places):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic}: {len(out)} records, at {[client.position(place) for place in places]} of {ends}")
                for batch in client.poll(timeout_ms=500).values():
                    out += batch
            return out
        finally:
            client.close(autocommit=False)


class Records(KafkaPython):
    def test_each_codec_brings_back_keys_headers_timestamps_and_empty_and_null_values(self):
        odd = [
            {"key": b"k", "value": b"v", "headers": [("h", b"1"), ("h", b"2"), ("empty", b"")], "timestamp_ms": 1_600_000_000_000},
            {"key": None, "value": b"", "headers": [], "timestamp_ms": 1_600_000_000_001},
            {"key": b"", "value": None, "headers": [("\u00e9", b"\x00\xff")], "timestamp_ms": 1_600_000_000_002},
            {"key": b"\x00\xff", "value": b"x" * 100_000, "headers": [], "timestamp_ms": 1},
        ]
        many = [{"key": b"%d" % n, "value": b"value %d " % n * 5, "headers": [], "timestamp_ms": 1_600_000_001_000 + n} for n in range(500)]
        for codec in CODECS:
            for idempotent in (False, True):
                with self.subTest(codec=codec, idempotent=idempotent):
                    topic = self.create(name=f"{self.topic}-{codec}-{idempotent}")
                    sent = self.send(topic, odd + many, compression_type=codec, enable_idempotence=idempotent, acks="all")
                    self.assertEqual(sent, [(0, n) for n in range(504)])
                    got = [{"key": r.key, "value": r.value, "headers": list(r.headers), "timestamp_ms": r.timestamp} for r in self.read(topic)]
                    self.assertEqual(got, odd + many)

    def test_acks_of_none_and_of_the_leader(self):
        self.create()
        self.send(self.topic, [{"value": b"%d" % n} for n in range(100)], acks=1, enable_idempotence=False)
        client = self.producer(acks=0, enable_idempotence=False)
        for n in range(100, 200):
            client.send(self.topic, b"%d" % n)
        client.flush(DEADLINE_S)
        rebalance_story.until(lambda: len(self.read(self.topic)) == 200, "200 records")
        self.assertEqual(sorted(int(r.value) for r in self.read(self.topic)), list(range(200)))

    def test_offsets_by_time(self):
        self.create()
        self.send(self.topic, [{"value": b"", "timestamp_ms": 1000 * n} for n in range(1, 101)], batch_size=100)
        client = kafka.KafkaConsumer(bootstrap_servers=self.address)
        self.addCleanup(client.close)
        place = kafka.TopicPartition(self.topic, 0)
        for asked, wanted in ((0, 0), (1000, 0), (1001, 1), (50_500, 50), (100_000, 99)):
            self.assertEqual((asked, client.offsets_for_times({place: asked})[place].offset), (asked, wanted))
        self.assertIsNone(client.offsets_for_times({place: 100_001})[place])
        self.assertEqual((client.beginning_offsets([place]), client.end_offsets([place])), ({place: 0}, {place: 100}))
        latest = self.admin().list_partition_offsets({place: kafka.OffsetSpec.MAX_TIMESTAMP})[place]
        self.assertEqual((latest.offset, latest.timestamp), (99, 100_000))

    def test_a_record_over_the_limit_is_refused_and_the_others_pass(self):
        self.create(configs={"max.message.bytes": "2000"})
        # An idempotent producer of this client stays in the error, against Apache Kafka too.
        client = self.producer(enable_idempotence=False)
        seen = []
        for size in (100, 5000, 100):
            try:
                client.send(self.topic, b"x" * size).get(DEADLINE_S)
                seen.append(None)
            except kafka.errors.KafkaError as error:
                seen.append(type(error).__name__)
        self.assertEqual(seen, [None, "MessageSizeTooLargeError", None])
        self.assertEqual([len(r.value) for r in self.read(self.topic)], [100, 100])


class Member(threading.Thread):
    """A group member on its own thread. What it has read is committed by the client itself, before partitions go and when it leaves: a
    listener may not block in this client."""

    def __init__(self, address, group, topic, **settings):
        super().__init__(daemon=True)
        self.client = kafka.KafkaConsumer(bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", session_timeout_ms=10_000,
                                          heartbeat_interval_ms=300, fetch_max_wait_ms=50, **settings)
        self.mine, self.seen, self.problems, self.calls = set(), [], [], []
        self.ending = threading.Event()
        self.client.subscribe([topic], listener=Listener(self))
        self.start()

    def run(self):
        try:
            while not self.ending.is_set():
                for batch in self.client.poll(timeout_ms=50).values():
                    self.seen += [(r.partition, r.offset, r.value) for r in batch]
            self.client.close()
        except Exception as error:  # pylint: disable=broad-except
            self.problems.append(repr(error))

    def leave(self):
        self.ending.set()
        self.join(DEADLINE_S)


class Listener(kafka.ConsumerRebalanceListener):
    def __init__(self, member):
        self.member = member

    def on_partitions_assigned(self, assigned):
        self.member.calls.append(("+", sorted(p.partition for p in assigned)))
        self.member.mine |= {p.partition for p in assigned}

    def on_partitions_revoked(self, revoked):
        self.member.calls.append(("-", sorted(p.partition for p in revoked)))
        self.member.mine -= {p.partition for p in revoked}

    def on_partitions_lost(self, lost):
        self.member.problems.append(f"lost {lost}")
        self.member.mine -= {p.partition for p in lost}


class Groups(KafkaPython):
    PARTITIONS = 6

    def setUp(self):
        super().setUp()
        self.create(partitions=self.PARTITIONS)
        self.members = []
        self.addCleanup(lambda: [member.leave() for member in self.members])

    def member(self, **settings):
        self.members.append(Member(self.address, f"g-{self.topic}", self.topic, **settings))
        return self.members[-1]

    def fill(self, start, count):
        values = [b"%d" % n for n in range(start, start + count)]
        return [(p, o, v) for (p, o), v in zip(self.send(self.topic, [{"key": v, "value": v} for v in values]), values)]

    def rebalance(self, *assignors):
        return rebalance_story.two_members(self, lambda: self.member(partition_assignment_strategy=assignors), self.fill, self.PARTITIONS)

    def test_range(self):
        from kafka.coordinator.assignors.range import RangePartitionAssignor  # pylint: disable=import-outside-toplevel
        self.rebalance(RangePartitionAssignor)

    def test_round_robin(self):
        from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor  # pylint: disable=import-outside-toplevel
        self.rebalance(RoundRobinPartitionAssignor)

    def test_sticky(self):
        from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor  # pylint: disable=import-outside-toplevel
        self.rebalance(StickyPartitionAssignor)

    def test_a_static_member_comes_back_to_its_partitions_and_nobody_else_notices(self):
        one = self.member(group_instance_id="one")
        two = self.member(group_instance_id="two")
        rebalance_story.until(lambda: len(one.mine) == len(two.mine) == 3, "two static members share")
        had, calls = two.mine.copy(), list(one.calls)
        two.leave()
        again = self.member(group_instance_id="two")
        rebalance_story.until(lambda: again.mine == had, lambda: f"the static member gets {had} again, has {again.mine}")
        self.assertEqual(one.calls, calls)

    def test_committed_offsets_come_back_with_their_metadata(self):
        client = kafka.KafkaConsumer(bootstrap_servers=self.address, group_id=f"g-{self.topic}", enable_auto_commit=False)
        self.addCleanup(client.close, autocommit=False)
        places = [kafka.TopicPartition(self.topic, p) for p in range(2)]
        client.assign(places)
        client.commit({places[0]: kafka.OffsetAndMetadata(5, "a note", -1)})
        self.assertEqual(client.committed(places[0], metadata=True)[:2], (5, "a note"))
        self.assertIsNone(client.committed(places[1]))


class Admin(KafkaPython):
    def test_topics_configs_and_records(self):
        admin = self.admin()
        self.create(partitions=2, configs={"retention.ms": "1000000"})
        with self.assertRaises(kafka.errors.TopicAlreadyExistsError):
            admin.create_topics([self.topic])
        described = admin.describe_topics([self.topic])[0]
        self.assertEqual(sorted(p["partition_index"] for p in described["partitions"]), [0, 1])
        admin.create_partitions({self.topic: 4})
        rebalance_story.until(lambda: len(admin.describe_topics([self.topic])[0]["partitions"]) == 4, "four partitions")
        resource = ConfigResource(ConfigResourceType.TOPIC, self.topic)
        def own():
            return {key: value["value"] for key, value in admin.describe_configs([resource])["topic"][self.topic].items()}
        self.assertEqual(own().get("retention.ms"), "1000000")
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.topic, {"segment.bytes": "2097152", "retention.ms": ("DELETE", None)})])
        rebalance_story.until(lambda: own() == {"segment.bytes": "2097152"}, lambda: f"the altered configuration, have {own()}")
        place = kafka.TopicPartition(self.topic, 0)
        self.send(self.topic, [{"value": b"%d" % n, "partition": 0} for n in range(10)])
        self.assertEqual(admin.delete_records({place: 4})[place]["low_watermark"], 4)
        self.assertEqual([r.offset for r in self.read(self.topic)], list(range(4, 10)))
        admin.delete_topics([self.topic])
        rebalance_story.until(lambda: self.topic not in admin.list_topics(), "the topic is gone")

    def test_groups(self):
        admin, group = self.admin(), f"g-{self.topic}"
        self.create(partitions=2)
        self.send(self.topic, [{"value": b"", "partition": n % 2} for n in range(20)])
        member = Member(self.address, group, self.topic)
        try:
            rebalance_story.until(lambda: len(member.seen) == 20, "20 records")
            described = admin.describe_groups([group])[group]
            self.assertEqual((described["group_state"], len(described["members"])), ("Stable", 1))
        finally:
            member.leave()
        self.assertEqual(member.problems, [])
        self.assertIn(group, [each["group_id"] for each in admin.list_groups()])
        places = [kafka.TopicPartition(self.topic, p) for p in range(2)]
        offsets = admin.list_group_offsets({group: None})[group]
        self.assertEqual({place: offsets[place].offset for place in places}, {place: 10 for place in places})
        admin.alter_group_offsets(group, {places[0]: kafka.OffsetAndMetadata(3, "", -1)})
        self.assertEqual(admin.list_group_offsets({group: None})[group][places[0]].offset, 3)
        admin.delete_group_offsets(group, [places[1]])
        self.assertEqual(list(admin.list_group_offsets({group: None})[group]), [places[0]])
        admin.delete_groups([group])
        self.assertNotIn(group, [each["group_id"] for each in admin.list_groups()])

    def test_the_cluster(self):
        admin = self.admin()
        cluster = admin.describe_cluster()
        self.assertEqual([broker["broker_id"] for broker in cluster["brokers"]], [1])
        self.assertTrue(cluster["cluster_id"])
        versions = admin.api_versions()
        self.assertTrue(versions)

    def test_log_directories(self):
        self.create(partitions=3)
        self.send(self.topic, [{"value": b"x" * 1000, "partition": 1}])
        topics = [topic for broker in self.admin().describe_log_dirs([self.topic]) for place in broker["log_dirs"] for topic in place["topics"]]
        sizes = {p["partition_index"]: p["partition_size"] for topic in topics for p in topic["partitions"]}
        self.assertEqual((set(sizes), sizes[0], sizes[1] > 1000), ({0, 1, 2}, 0, True))


class Transactions(KafkaPython):
    def setUp(self):
        super().setUp()
        self.create(partitions=2)

    def values(self, **settings):
        return sorted(r.value for r in self.read(self.topic, partitions=2, **settings))

    def test_committed_ones_are_read_and_aborted_ones_are_not(self):
        client = self.producer(transactional_id=f"t-{self.topic}")
        client.init_transactions()
        for number, end in enumerate((client.commit_transaction, client.abort_transaction, client.commit_transaction)):
            client.begin_transaction()
            for n in range(10):
                client.send(self.topic, b"%d-%d" % (number, n), partition=n % 2)
            client.flush(DEADLINE_S)
            end()
        kept = sorted(b"%d-%d" % (number, n) for number in (0, 2) for n in range(10))
        rebalance_story.until(lambda: self.values(isolation_level="read_committed") == kept, "the committed records")
        self.assertEqual(len(self.values()), 30)

    def test_a_second_producer_fences_the_first(self):
        one = self.producer(transactional_id=f"t-{self.topic}")
        one.init_transactions()
        one.begin_transaction()
        one.send(self.topic, b"of the first").get(DEADLINE_S)
        two = self.producer(transactional_id=f"t-{self.topic}")
        two.init_transactions()
        two.begin_transaction()
        two.send(self.topic, b"of the second").get(DEADLINE_S)
        two.commit_transaction()
        with self.assertRaises(kafka.errors.KafkaError):
            one.send(self.topic, b"too late").get(DEADLINE_S)
            one.commit_transaction()
        rebalance_story.until(lambda: self.values(isolation_level="read_committed") == [b"of the second"], "one record")

    def test_offsets_go_with_the_transaction(self):
        group = f"g-{self.topic}-{uuid.uuid4()}"
        place = kafka.TopicPartition(self.topic, 0)
        client = self.producer(transactional_id=f"t-{self.topic}")
        client.init_transactions()
        metadata = kafka.ConsumerGroupMetadata(group, -1, "", None)
        for offset, end in ((7, client.commit_transaction), (9, client.abort_transaction)):
            client.begin_transaction()
            client.send(self.topic, b"%d" % offset, partition=1)
            client.send_offsets_to_transaction({place: kafka.OffsetAndMetadata(offset, "", -1)}, metadata)
            end()
        admin = self.admin()
        rebalance_story.until(lambda: place in admin.list_group_offsets({group: [place]})[group], "a committed offset")
        self.assertEqual(admin.list_group_offsets({group: [place]})[group][place].offset, 7)

    def test_admin_sees_them(self):
        admin, name = self.admin(), f"t-{self.topic}"
        client = self.producer(transactional_id=name)
        client.init_transactions()
        client.begin_transaction()
        client.send(self.topic, b"", partition=0).get(DEADLINE_S)
        self.assertEqual([(t.transactional_id, t.state.value) for t in admin.list_transactions()[1] if t.transactional_id == name], [(name, "Ongoing")])
        described = admin.describe_transactions([name])[name]
        place = kafka.TopicPartition(self.topic, 0)
        self.assertEqual((described.state.value, set(described.topic_partitions)), ("Ongoing", {place}))
        active = admin.describe_producers([place])[place].active_producers
        self.assertEqual([(p.producer_id, p.current_transaction_start_offset) for p in active], [(described.producer_id, 0)])
        client.commit_transaction()
        rebalance_story.until(lambda: admin.describe_transactions([name])[name].state.value == "CompleteCommit", "the end of it")


if __name__ == "__main__":
    unittest.main()
