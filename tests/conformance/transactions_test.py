"""Transactions of the newest confluent-kafka (librdkafka): what readers of committed records see, offsets in transactions, fencing, timeouts,
and all of it over a kill -9. Needs PyPI once."""

import time
import unittest

import clusters
import confluent_test

ck = clusters.python_client("confluent_kafka")
from confluent_kafka import admin  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE_S = 60


class TransactionsTest(clusters.ClusterCase):
    OVERRIDES = ("transaction.abort.timed.out.transaction.cleanup.interval.ms=200",)

    def producer(self, name="", **settings):
        client = ck.Producer({"bootstrap.servers": self.cluster.address, "transactional.id": f"{self.topic}{name}", "linger.ms": 1, **settings})
        client.init_transactions(DEADLINE_S)
        return client

    def create(self, partitions=1):
        client = admin.AdminClient({"bootstrap.servers": self.cluster.address})
        client.create_topics([admin.NewTopic(self.topic, partitions, 1)])[self.topic].result(DEADLINE_S)

    def write(self, client, values, commit=True):
        client.begin_transaction()
        for value in values:
            client.produce(self.topic, value)
        self.assertEqual(client.flush(DEADLINE_S), 0)
        if commit is not None:
            (client.commit_transaction if commit else client.abort_transaction)(DEADLINE_S)

    def values(self, isolation="read_committed", partitions=1):
        return [m.value() for m in confluent_test.read(self.cluster.address, self.topic, partitions, **{"isolation.level": isolation})]

    def wait_for(self, wanted, **how):
        deadline = time.monotonic() + DEADLINE_S
        while self.values(**how) != wanted:
            self.assertLess(time.monotonic(), deadline, (wanted, self.values(**how)))

    def committed(self, group):
        client = ck.Consumer({"bootstrap.servers": self.cluster.address, "group.id": group})
        try:
            return client.committed([ck.TopicPartition(self.topic, 0)], timeout=DEADLINE_S)[0].offset
        finally:
            client.close()

    def test_committed_is_seen_and_aborted_is_not(self):
        self.create()
        client = self.producer()
        self.write(client, [b"a", b"b"])
        self.write(client, [b"x"], commit=False)
        self.write(client, [b"c"])
        self.wait_for([b"a", b"b", b"c"])
        self.assertEqual(self.values("read_uncommitted"), [b"a", b"b", b"x", b"c"])

    def test_nothing_behind_an_open_transaction_is_seen(self):
        self.create()
        client = self.producer()
        self.write(client, [b"a"])
        self.write(client, [b"open"], commit=None)
        confluent_test.send(self.cluster.address, self.topic, [{"value": b"outside"}])
        self.wait_for([b"a"])
        client.commit_transaction(DEADLINE_S)
        self.wait_for([b"a", b"open", b"outside"])

    def test_many_transactions_over_partitions(self):
        self.create(partitions=4)
        client = self.producer()
        wanted = []
        for n in range(60):
            client.begin_transaction()
            for partition in range(4):
                client.produce(self.topic, b"%d-%d" % (n, partition), partition=partition)
            if n % 3 == 0:
                self.assertEqual(client.flush(DEADLINE_S), 0)
                client.abort_transaction(DEADLINE_S)
            else:
                client.commit_transaction(DEADLINE_S)
                wanted += [b"%d-%d" % (n, partition) for partition in range(4)]
        deadline = time.monotonic() + DEADLINE_S
        while sorted(self.values(partitions=4)) != sorted(wanted):
            self.assertLess(time.monotonic(), deadline)

    def test_a_second_producer_fences_the_first(self):
        self.create()
        first = self.producer()
        self.write(first, [b"lost"], commit=None)
        second = self.producer()
        with self.assertRaises(ck.KafkaException):
            first.commit_transaction(DEADLINE_S)
        self.write(second, [b"kept"])
        self.wait_for([b"kept"])

    def test_offsets_count_with_the_commit(self):
        self.create()
        confluent_test.send(self.cluster.address, self.topic, [{"value": b"%d" % n} for n in range(10)])
        consumer = ck.Consumer({"bootstrap.servers": self.cluster.address, "group.id": self.topic, "enable.auto.commit": False})
        try:
            group = consumer.consumer_group_metadata()
            client = self.producer()
            for offset, commit in ((5, True), (7, False)):
                client.begin_transaction()
                client.send_offsets_to_transaction([ck.TopicPartition(self.topic, 0, offset)], group, DEADLINE_S)
                (client.commit_transaction if commit else client.abort_transaction)(DEADLINE_S)
            self.assertEqual(self.committed(self.topic), 5)
            client.begin_transaction()
            client.send_offsets_to_transaction([ck.TopicPartition(self.topic, 0, 9)], group, DEADLINE_S)
            self.cluster.kill()
            self.cluster.start()
            client.commit_transaction(DEADLINE_S)
            self.assertEqual(self.committed(self.topic), 9)
        finally:
            consumer.close()

    def test_offsets_of_a_member_of_the_consumer_protocol(self):
        self.create()
        confluent_test.send(self.cluster.address, self.topic, [{"value": b"%d" % n} for n in range(10)])
        settings = {"group.id": self.topic, "group.protocol": "consumer", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        consumer = ck.Consumer({"bootstrap.servers": self.cluster.address, **settings})
        try:
            consumer.subscribe([self.topic])
            seen = 0
            deadline = time.monotonic() + DEADLINE_S
            while seen < 10:
                self.assertLess(time.monotonic(), deadline)
                seen += len([m for m in consumer.consume(10, 0.5) if not m.error()])
            group = consumer.consumer_group_metadata()
            client = self.producer()
            for offset, commit in ((5, True), (7, False)):
                client.begin_transaction()
                client.send_offsets_to_transaction([ck.TopicPartition(self.topic, 0, offset)], group, DEADLINE_S)
                (client.commit_transaction if commit else client.abort_transaction)(DEADLINE_S)
            self.assertEqual(self.committed(self.topic), 5)
        finally:
            consumer.close()
        # The member is gone: what it read may be another's by now.
        client.begin_transaction()
        with self.assertRaises(ck.KafkaException):
            other = ck.Consumer({"bootstrap.servers": self.cluster.address, **settings})
            try:
                other.subscribe([self.topic])
                deadline = time.monotonic() + DEADLINE_S
                while not other.assignment():
                    self.assertLess(time.monotonic(), deadline)
                    other.poll(0.2)
                client.send_offsets_to_transaction([ck.TopicPartition(self.topic, 0, 9)], group, DEADLINE_S)
            finally:
                other.close()
        client.abort_transaction(DEADLINE_S)
        self.assertEqual(self.committed(self.topic), 5)

    def test_a_timeout_aborts(self):
        self.create()
        client = self.producer(**{"transaction.timeout.ms": 1500})
        self.write(client, [b"late"], commit=None)
        confluent_test.send(self.cluster.address, self.topic, [{"value": b"outside"}])
        self.wait_for([b"outside"])
        with self.assertRaises(ck.KafkaException):
            client.commit_transaction(DEADLINE_S)

    def test_a_killed_broker_keeps_what_was_decided(self):
        self.create()
        client = self.producer()
        self.write(client, [b"a"])
        self.write(client, [b"x"], commit=False)
        self.write(client, [b"b"], commit=None)
        self.cluster.kill()
        self.cluster.start()
        self.wait_for([b"a"])
        client.commit_transaction(DEADLINE_S)
        self.wait_for([b"a", b"b"])
        for n in range(5):
            client.begin_transaction()
            client.produce(self.topic, b"%d" % n)
            self.assertEqual(client.flush(DEADLINE_S), 0)
            self.cluster.kill()
            self.cluster.start()
            client.commit_transaction(DEADLINE_S)
        self.wait_for([b"a", b"b", b"0", b"1", b"2", b"3", b"4"])


if __name__ == "__main__":
    unittest.main()
