"""The newest aiokafka of PyPI, which keeps one long poll for each broker and speaks from one event loop. Needs PyPI once."""

import asyncio
import logging
import time
import unittest

import clusters

aiokafka = clusters.python_client("aiokafka")
from aiokafka import errors  # noqa: E402  pylint: disable=wrong-import-position
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete  # noqa: E402  pylint: disable=wrong-import-position
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: E402  pylint: disable=wrong-import-position
from aiokafka.coordinator.assignors.range import RangePartitionAssignor  # noqa: E402  pylint: disable=wrong-import-position
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor  # noqa: E402  pylint: disable=wrong-import-position
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE_S = 60
for noisy in ("asyncio", "aiokafka"):  # What is slow on a busy machine, and every rebalance.
    logging.getLogger(noisy).setLevel(logging.CRITICAL)


async def until(condition, what, seconds=DEADLINE_S):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what() if callable(what) else what} within {seconds} s")
        await asyncio.sleep(0.02)


class Aiokafka(clusters.ClusterCase, unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        super().setUp()
        self.address = self.cluster.address

    async def started(self, client):
        await client.start()
        self.addAsyncCleanup(client.stop if hasattr(client, "stop") else client.close)
        return client

    async def admin(self):
        return await self.started(AIOKafkaAdminClient(bootstrap_servers=self.address))

    async def producer(self, **settings):
        return await self.started(aiokafka.AIOKafkaProducer(bootstrap_servers=self.address, linger_ms=5, **settings))

    async def create(self, partitions=1, configs=None, name=None):
        answer = await (await self.admin()).create_topics([NewTopic(name or self.topic, partitions, 1, topic_configs=configs or {})])
        self.assertEqual([error[1] for error in answer.topic_errors], [0])
        return name or self.topic

    async def send(self, topic, records, **settings):
        """Sends dicts of send()'s arguments, in order; returns (partition, offset) of each."""
        async with aiokafka.AIOKafkaProducer(bootstrap_servers=self.address, linger_ms=5, **settings) as client:
            futures = [await client.send(topic, **record) for record in records]
            return [(done.partition, done.offset) for done in await asyncio.wait_for(asyncio.gather(*futures), DEADLINE_S)]

    async def read(self, topic, partitions=1, **settings):
        """All records from the start to the end as it is now."""
        async with aiokafka.AIOKafkaConsumer(bootstrap_servers=self.address, enable_auto_commit=False, fetch_max_wait_ms=50, **settings) as client:
            places = [aiokafka.TopicPartition(topic, p) for p in range(partitions)]
            client.assign(places)
            await client.seek_to_beginning()
            ends = await client.end_offsets(places)
            out, deadline = [], time.monotonic() + DEADLINE_S
            while [place for place in places if await client.position(place) < ends[place]]:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic}: {len(out)} records of {ends}")
                for batch in (await client.getmany(timeout_ms=100)).values():
                    out += batch
            return out


class Records(Aiokafka):
    async def test_each_codec_brings_back_keys_headers_timestamps_and_empty_and_null_values(self):
        odd = [
            {"key": b"k", "value": b"v", "headers": [("h", b"1"), ("h", b"2"), ("empty", b"")], "timestamp_ms": 1_600_000_000_000},
            {"key": None, "value": b"", "headers": [], "timestamp_ms": 1_600_000_000_001},
            {"key": b"", "value": None, "headers": [("\u00e9", b"\x00\xff")], "timestamp_ms": 1_600_000_000_002},
            {"key": b"\x00\xff", "value": b"x" * 100_000, "headers": [], "timestamp_ms": 1},
        ]
        many = [{"key": b"%d" % n, "value": b"value %d " % n * 5, "headers": [], "timestamp_ms": 1_600_000_001_000 + n} for n in range(500)]
        for codec in (None, "gzip", "snappy", "lz4", "zstd"):
            for idempotent in (False, True):
                with self.subTest(codec=codec, idempotent=idempotent):
                    topic = await self.create(name=f"{self.topic}-{codec}-{idempotent}")
                    sent = await self.send(topic, odd + many, compression_type=codec, enable_idempotence=idempotent)
                    self.assertEqual(sent, [(0, n) for n in range(504)])
                    got = [{"key": r.key, "value": r.value, "headers": list(r.headers), "timestamp_ms": r.timestamp} for r in await self.read(topic)]
                    self.assertEqual(got, odd + many)

    async def test_offsets_by_time(self):
        await self.create()
        await self.send(self.topic, [{"value": b"", "timestamp_ms": 1000 * n} for n in range(1, 101)], max_batch_size=200)
        client = await self.started(aiokafka.AIOKafkaConsumer(bootstrap_servers=self.address))
        place = aiokafka.TopicPartition(self.topic, 0)
        for asked, wanted in ((0, 0), (1000, 0), (1001, 1), (50_500, 50), (100_000, 99)):
            self.assertEqual((asked, (await client.offsets_for_times({place: asked}))[place].offset), (asked, wanted))
        self.assertIsNone((await client.offsets_for_times({place: 100_001}))[place])
        self.assertEqual((await client.beginning_offsets([place]), await client.end_offsets([place])), ({place: 0}, {place: 100}))

    async def test_a_record_over_the_limit_is_refused_and_the_others_pass(self):
        await self.create(configs={"max.message.bytes": "2000"})
        client = await self.producer()
        seen = []
        for size in (100, 5000, 100):
            try:
                await client.send_and_wait(self.topic, b"x" * size)
                seen.append(None)
            except errors.KafkaError as error:
                seen.append(type(error).__name__)
        self.assertEqual(seen, [None, "MessageSizeTooLargeError", None])
        self.assertEqual([len(r.value) for r in await self.read(self.topic)], [100, 100])

    async def test_what_arrives_during_a_long_poll_comes_at_once(self):
        await self.create()
        reader = aiokafka.AIOKafkaConsumer(self.topic, bootstrap_servers=self.address, auto_offset_reset="earliest", fetch_max_wait_ms=20_000)
        await self.started(reader)
        client = await self.producer()
        slowest = 0
        for n in range(20):
            started = time.monotonic()
            await client.send_and_wait(self.topic, b"%d" % n)
            self.assertEqual((await asyncio.wait_for(reader.getone(), DEADLINE_S)).value, b"%d" % n)
            slowest = max(slowest, time.monotonic() - started)
        self.assertLess(slowest, 5)


class Member(aiokafka.ConsumerRebalanceListener):
    """A group member as a task; commits what it has read before partitions go and when it leaves."""

    def __init__(self, address, group, topic, **settings):
        self.client = aiokafka.AIOKafkaConsumer(bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                                                session_timeout_ms=10_000, heartbeat_interval_ms=300, fetch_max_wait_ms=50,
                                                metadata_max_age_ms=1000, **settings)
        self.mine, self.seen, self.problems, self.calls = set(), [], [], []
        self.ending = asyncio.Event()
        self.client.subscribe([topic], listener=self)
        self.task = asyncio.create_task(self.run())

    async def on_partitions_assigned(self, assigned):
        self.calls.append(("+", sorted(p.partition for p in assigned)))
        self.mine = {p.partition for p in assigned}

    async def on_partitions_revoked(self, revoked):
        self.calls.append(("-", sorted(p.partition for p in revoked)))
        if revoked:
            await self.commit()
        self.mine -= {p.partition for p in revoked}

    async def commit(self):
        try:
            await self.client.commit()
        except errors.KafkaError as error:
            self.problems.append(repr(error))

    async def run(self):
        try:
            await self.client.start()
            while not self.ending.is_set():
                for batch in (await self.client.getmany(timeout_ms=50)).values():
                    self.seen += [(r.partition, r.offset, r.value) for r in batch]
            await self.commit()
        except Exception as error:  # pylint: disable=broad-except
            self.problems.append(repr(error))
        finally:
            await self.client.stop()

    async def leave(self):
        self.ending.set()
        await asyncio.wait_for(self.task, DEADLINE_S)


class Groups(Aiokafka):
    PARTITIONS = 6

    async def asyncSetUp(self):
        await self.create(partitions=self.PARTITIONS)
        self.members = []
        self.addAsyncCleanup(self.leave)

    async def leave(self):
        for member in self.members:
            await member.leave()

    def member(self, **settings):
        self.members.append(Member(self.address, f"g-{self.topic}", self.topic, **settings))
        return self.members[-1]

    async def fill(self, start, count):
        values = [b"%d" % n for n in range(start, start + count)]
        return [(p, o, v) for (p, o), v in zip(await self.send(self.topic, [{"key": v, "value": v} for v in values]), values)]

    def seen(self):
        return [entry for member in self.members for entry in member.seen]

    def state(self):
        return f"now {[(sorted(m.mine), len(m.seen), m.problems) for m in self.members]}"

    async def rebalance(self, assignor):
        """The story of rebalance_story.py, in an event loop."""
        everything = set(range(self.PARTITIONS))
        sent = await self.fill(0, 300)
        first = self.member(partition_assignment_strategy=[assignor])
        await until(lambda: first.mine == everything and len(self.seen()) == 300, lambda: f"the first member takes all, {self.state()}")
        second = self.member(partition_assignment_strategy=[assignor])
        await until(lambda: len(first.mine) == len(second.mine) == 3 and first.mine | second.mine == everything, lambda: f"shared, {self.state()}")
        sent += await self.fill(300, 300)
        await until(lambda: len(self.seen()) >= 600, lambda: f"300 more are read, {self.state()}")
        await first.leave()
        await until(lambda: second.mine == everything, lambda: f"the second takes all, {self.state()}")
        sent += await self.fill(600, 300)
        await until(lambda: len(self.seen()) >= 900, lambda: f"the last 300 are read, {self.state()}")
        self.assertEqual([m.problems for m in self.members], [[], []])
        self.assertEqual(sorted(self.seen()), sorted(sent))

    async def test_range(self):
        await self.rebalance(RangePartitionAssignor)

    async def test_round_robin(self):
        await self.rebalance(RoundRobinPartitionAssignor)

    async def test_sticky(self):
        await self.rebalance(StickyPartitionAssignor)

    async def test_a_static_member_comes_back_to_its_partitions_and_nobody_else_notices(self):
        one = self.member(group_instance_id="one")
        two = self.member(group_instance_id="two")
        await until(lambda: len(one.mine) == len(two.mine) == 3, lambda: f"two static members share, {self.state()}")
        had, calls = two.mine.copy(), list(one.calls)
        await two.leave()
        again = self.member(group_instance_id="two")
        await until(lambda: again.mine == had, lambda: f"the static member gets {had} again, {self.state()}")
        self.assertEqual(one.calls, calls)


class Admin(Aiokafka):
    async def test_topics_configs_and_records(self):
        admin = await self.admin()
        await self.create(partitions=2, configs={"retention.ms": "1000000"})
        again = await admin.create_topics([NewTopic(self.topic, 1, 1)])
        self.assertEqual([error[1] for error in again.topic_errors], [errors.TopicAlreadyExistsError.errno])
        await admin.create_partitions({self.topic: NewPartitions(4)})
        described = await admin.describe_topics([self.topic])
        self.assertEqual(sorted(p["partition"] for p in described[0]["partitions"]), [0, 1, 2, 3])
        async def own():
            answer = (await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, self.topic)]))[0]
            entries = answer.resources[0][4]
            return {entry[0]: entry[1] for entry in entries if entry[3] == 1}  # 1: set for this topic
        self.assertEqual(await own(), {"retention.ms": "1000000"})
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.topic, {"segment.bytes": "2097152"})])
        self.assertEqual(await own(), {"segment.bytes": "2097152"})
        await self.send(self.topic, [{"value": b"%d" % n, "partition": 0} for n in range(10)])
        await admin.delete_records({aiokafka.TopicPartition(self.topic, 0): RecordsToDelete(4)})
        self.assertEqual([r.offset for r in await self.read(self.topic)], list(range(4, 10)))
        await admin.delete_topics([self.topic])
        async def gone():
            return self.topic not in await admin.list_topics()
        await until(gone, "the topic is gone")

    async def test_groups(self):
        admin, group = await self.admin(), f"g-{self.topic}"
        await self.create(partitions=2)
        await self.send(self.topic, [{"value": b"", "partition": n % 2} for n in range(20)])
        member = Member(self.address, group, self.topic)
        try:
            await until(lambda: len(member.seen) == 20, "20 records")
            described = await admin.describe_consumer_groups([group])
            self.assertEqual([(each[1], each[2], len(each[5])) for each in described[0].groups], [(group, "Stable", 1)])
        finally:
            await member.leave()
        self.assertEqual(member.problems, [])
        self.assertIn(group, [each[0] for each in await admin.list_consumer_groups()])
        offsets = await admin.list_consumer_group_offsets(group)
        self.assertEqual({place.partition: entry.offset for place, entry in offsets.items()}, {0: 10, 1: 10})


class Transactions(Aiokafka):
    async def asyncSetUp(self):
        await self.create(partitions=2)

    async def values(self, isolation):
        return sorted(r.value for r in await self.read(self.topic, partitions=2, isolation_level=isolation))

    async def test_committed_ones_are_read_and_aborted_ones_are_not(self):
        client = await self.producer(transactional_id=f"t-{self.topic}")
        for number in range(3):
            await client.begin_transaction()
            for n in range(10):
                await client.send(self.topic, b"%d-%d" % (number, n), partition=n % 2)
            await (client.abort_transaction() if number == 1 else client.commit_transaction())
        kept = sorted(b"%d-%d" % (number, n) for number in (0, 2) for n in range(10))
        async def committed():
            return await self.values("read_committed") == kept
        await until(committed, "the committed records")
        self.assertGreaterEqual(len(await self.values("read_uncommitted")), 20)

    async def test_an_open_one_holds_back_what_follows_it(self):
        client = await self.producer(transactional_id=f"t-{self.topic}")
        await client.begin_transaction()
        await client.send_and_wait(self.topic, b"open", partition=0)
        await self.send(self.topic, [{"value": b"plain", "partition": 0}])
        self.assertEqual(await self.values("read_uncommitted"), [b"open", b"plain"])
        self.assertEqual(await self.values("read_committed"), [])
        await client.commit_transaction()
        async def both():
            return await self.values("read_committed") == [b"open", b"plain"]
        await until(both, "both records")

    async def test_a_second_producer_fences_the_first(self):
        one = aiokafka.AIOKafkaProducer(bootstrap_servers=self.address, transactional_id=f"t-{self.topic}")
        await self.started(one)
        await one.begin_transaction()
        await one.send_and_wait(self.topic, b"of the first")
        two = await self.producer(transactional_id=f"t-{self.topic}")
        await two.begin_transaction()
        await two.send_and_wait(self.topic, b"of the second")
        await two.commit_transaction()
        with self.assertRaises(errors.KafkaError):
            await one.send_and_wait(self.topic, b"too late")
            await one.commit_transaction()
        async def second():
            return await self.values("read_committed") == [b"of the second"]
        await until(second, "one record")

    async def test_offsets_go_with_the_transaction(self):
        group, place = f"g-{self.topic}", aiokafka.TopicPartition(self.topic, 0)
        client = await self.producer(transactional_id=f"t-{self.topic}")
        for offset in (7, 9):
            await client.begin_transaction()
            await client.send(self.topic, b"%d" % offset, partition=1)
            await client.send_offsets_to_transaction({place: offset}, group)
            await (client.commit_transaction() if offset == 7 else client.abort_transaction())
        reader = await self.started(aiokafka.AIOKafkaConsumer(bootstrap_servers=self.address, group_id=group, enable_auto_commit=False))
        reader.assign([place])
        async def committed():
            return await reader.committed(place) == 7
        await until(committed, "offset 7")


if __name__ == "__main__":
    unittest.main()
