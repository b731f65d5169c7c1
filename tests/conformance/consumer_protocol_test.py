"""Groups of the consumer protocol (KIP-848) with the newest confluent-kafka: several members, both of the server's assignors, static members,
subscriptions by regular expression, and a group that a killed broker must not forget. Needs PyPI once."""

import threading
import unittest
import uuid

import clusters
import confluent_test
from rebalance_story import until

ck = clusters.python_client("confluent_kafka")

DEADLINE_S = 60


class Member(threading.Thread):
    """A member on its own thread. It commits what it read of a partition before it gives it away, and all of it when it leaves."""

    def __init__(self, address, group, topics, **settings):
        super().__init__(daemon=True)
        self.client = ck.Consumer({"bootstrap.servers": address, "group.id": group, "group.protocol": "consumer", "auto.offset.reset": "earliest",
                                   "enable.auto.commit": False, "fetch.wait.max.ms": 50, "topic.metadata.refresh.interval.ms": 500, **settings})
        self.mine, self.seen, self.problems, self.calls = set(), [], [], []
        self.ending = threading.Event()
        self.client.subscribe(list(topics), on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)
        self.start()

    def assigned(self, client, partitions):
        self.calls.append(("+", sorted((p.topic, p.partition) for p in partitions)))
        client.incremental_assign(partitions)
        self.mine = self.mine | {(p.topic, p.partition) for p in partitions}

    def revoked(self, client, partitions):
        self.calls.append(("-", sorted((p.topic, p.partition) for p in partitions)))
        try:
            client.commit(asynchronous=False)
        except ck.KafkaException as error:
            if error.args[0].code() != ck.KafkaError._NO_OFFSET:
                self.problems.append(str(error))
        self.give_up(client, partitions)

    def lost(self, client, partitions):
        self.calls.append(("!", sorted((p.topic, p.partition) for p in partitions)))
        self.give_up(client, partitions)

    def give_up(self, client, partitions):
        self.mine = self.mine - {(p.topic, p.partition) for p in partitions}
        client.incremental_unassign(partitions)

    def run(self):
        try:
            while not self.ending.is_set():
                message = self.client.poll(0.05)
                if message is not None and message.error() is None:
                    self.seen.append((message.topic(), message.partition(), message.offset()))
                elif message is not None and not message.error().retriable():
                    self.problems.append(str(message.error()))
        finally:
            self.client.close()

    def leave(self):
        self.ending.set()
        self.join(DEADLINE_S)


class ConsumerProtocol(clusters.ClusterCase):
    OVERRIDES = ("group.consumer.min.heartbeat.interval.ms=100", "group.consumer.heartbeat.interval.ms=200",
                 "group.consumer.min.session.timeout.ms=1000", "group.consumer.session.timeout.ms=30000", "group.consumer.max.session.timeout.ms=60000")
    PARTITIONS = 6

    def setUp(self):
        super().setUp()
        self.members, self.sent = [], set()
        self.addCleanup(lambda: [member.leave() for member in self.members])
        self.create(self.topic)

    def create(self, *topics):
        client = confluent_test.admin.AdminClient({"bootstrap.servers": self.cluster.address})
        for future in client.create_topics([confluent_test.admin.NewTopic(topic, self.PARTITIONS, 1) for topic in topics]).values():
            future.result(DEADLINE_S)

    def fill(self, count=300, topic=None):
        topic = topic or self.topic
        sent = confluent_test.send(self.cluster.address, topic, [{"key": b"%d" % n, "value": b"%d" % n} for n in range(count)])
        self.sent |= {(topic, partition, offset) for partition, offset in sent}

    def member(self, *topics, group=None, **settings):
        self.members.append(Member(self.cluster.address, group or f"g-{self.topic}", topics or (self.topic,), **settings))
        return self.members[-1]

    def parts(self, *topics):
        return {(topic, partition) for topic in topics or (self.topic,) for partition in range(self.PARTITIONS)}

    def shared(self, *members, topics=()):
        """Waits until the members own all partitions, each as many and nothing twice."""
        everything = self.parts(*topics)

        def state():
            return [sorted(member.mine) for member in members]

        until(lambda: all(len(member.mine) == len(everything) // len(members) for member in members)
              and set().union(*(member.mine for member in members)) == everything, lambda: f"{len(members)} members share, they have {state()}")

    def all_read(self):
        until(lambda: len(self.sent) <= sum(len(member.seen) for member in self.members),
              lambda: f"{len(self.sent)} records are read, now {[len(member.seen) for member in self.members]}")
        self.assertEqual(sorted(entry for member in self.members for entry in member.seen), sorted(self.sent))

    def come_and_go(self, assignor):
        settings = {"group.remote.assignor": assignor}
        self.fill()
        first = self.member(**settings)
        self.shared(first)
        self.all_read()
        second = self.member(**settings)
        self.shared(first, second)
        self.fill()
        self.all_read()
        third = self.member(**settings)
        self.shared(first, second, third)
        self.fill()
        self.all_read()
        kept = second.mine | third.mine
        first.leave()
        self.shared(second, third)
        self.fill()
        self.all_read()
        second.leave()
        self.shared(third)
        self.fill()
        self.all_read()
        self.assertEqual([member.problems for member in self.members], [[], [], []])
        self.assertEqual([sign for member in self.members for sign, _ in member.calls if sign == "!"], [])
        return first, second, third, kept

    def test_uniform_moves_only_what_it_must(self):
        first, second, third, kept = self.come_and_go("uniform")
        # What each gave away before it left: 3 of 6 for the second, then one of each for the third.
        given = [[len(parts) for sign, parts in member.calls if sign == "-" and parts] for member in (first, second, third)]
        self.assertEqual(given, [[3, 1, 2], [1, 3], []], [member.calls for member in self.members])
        self.assertEqual(len(kept), 4)

    def test_range_gives_runs_of_partitions(self):
        self.come_and_go("range")
        alone = self.member(group="alone", **{"group.remote.assignor": "range"})
        self.shared(alone)
        other = self.member(group="alone", **{"group.remote.assignor": "range"})
        self.shared(alone, other)
        runs = sorted(sorted(partition for _, partition in member.mine) for member in (alone, other))
        self.assertEqual(runs, [[0, 1, 2], [3, 4, 5]])

    def test_range_gives_partitions_of_one_number_to_one_member(self):
        topics = (self.topic, f"{self.topic}-b")
        self.create(topics[1])
        members = [self.member(*topics, **{"group.remote.assignor": "range"}) for _ in range(3)]
        self.shared(*members, topics=topics)
        for member in members:
            numbers = [{partition for topic, partition in member.mine if topic == name} for name in topics]
            self.assertEqual(numbers[0], numbers[1])

    def test_members_want_different_topics(self):
        other = f"{self.topic}-b"
        self.create(other)
        one, both = self.member(self.topic), self.member(self.topic, other)
        until(lambda: one.mine | both.mine == self.parts(self.topic, other) and len(one.mine) == len(both.mine), lambda: f"all is shared: {one.mine} {both.mine}")
        self.assertEqual({topic for topic, _ in one.mine}, {self.topic})

    def test_a_static_member_comes_back_to_its_partitions_and_nobody_else_notices(self):
        one, two = (self.member(**{"group.instance.id": name}) for name in ("one", "two"))
        self.shared(one, two)
        self.fill()
        self.all_read()
        had, calls = set(two.mine), list(one.calls)
        two.leave()
        self.fill()
        again = self.member(**{"group.instance.id": "two"})
        until(lambda: again.mine == had, lambda: f"the static member gets {had} again, has {again.mine}")
        self.all_read()
        self.assertEqual(one.calls, calls)

    def test_a_static_member_that_does_not_come_back_is_missed_in_the_end(self):
        group = f"g-{self.topic}"
        self.set_of_group(group, "consumer.session.timeout.ms", "2000")
        one, two = (self.member(**{"group.instance.id": name}) for name in ("one", "two"))
        self.shared(one, two)
        two.leave()
        until(lambda: one.mine == self.parts(), lambda: f"the other takes all, has {one.mine}")

    def set_of_group(self, group, name, value):
        client = confluent_test.admin.AdminClient({"bootstrap.servers": self.cluster.address})
        entry = confluent_test.admin.ConfigEntry(name, value, incremental_operation=confluent_test.admin.AlterConfigOpType.SET)
        resource = confluent_test.admin.ConfigResource(confluent_test.admin.ResourceType.GROUP, group, incremental_configs=[entry])
        for future in client.incremental_alter_configs([resource]).values():
            future.result(DEADLINE_S)

    def test_a_name_that_is_taken_is_refused(self):
        one = self.member(**{"group.instance.id": "one"})
        self.shared(one)
        same = self.member(**{"group.instance.id": "one"})
        until(lambda: same.problems, "the second of that name is refused")
        self.assertIn("instance ID is still used by another member", same.problems[0])
        self.assertEqual(one.mine, self.parts())

    def test_a_regular_expression_and_a_topic_that_comes_later(self):
        name = f"expr-{uuid.uuid4().hex[:8]}"
        self.create(f"{name}-1")
        expression = f"^{name}-[0-9]+$"
        one, two = self.member(expression), self.member(expression)
        self.shared(one, two, topics=(f"{name}-1",))
        self.fill(topic=f"{name}-1")
        self.all_read()
        self.create(f"{name}-2", f"{name}-other")
        self.shared(one, two, topics=(f"{name}-1", f"{name}-2"))
        self.fill(topic=f"{name}-2")
        self.all_read()
        two.leave()
        self.shared(one, topics=(f"{name}-1", f"{name}-2"))

    @unittest.skipIf(clusters.APACHE and clusters.RUNNING, "the broker of others is not killed")
    def test_a_killed_broker_knows_members_and_offsets(self):
        one, two = self.member(), self.member(**{"group.instance.id": "two"})
        self.shared(one, two)
        self.fill()
        self.all_read()
        calls = [list(member.calls) for member in (one, two)]
        for _ in range(2):
            self.cluster.kill()
            self.cluster.start()
            self.fill()
            self.all_read()
        self.assertEqual([member.calls for member in (one, two)], calls)
        one.leave()
        self.shared(two)
        two.leave()
        self.cluster.kill()
        self.cluster.start()
        ends = {part: 1 + max(offset for topic, partition, offset in self.sent if (topic, partition) == part) for part in self.parts()}
        client = ck.Consumer({"bootstrap.servers": self.cluster.address, "group.id": f"g-{self.topic}"})
        try:
            got = client.committed([ck.TopicPartition(*part) for part in sorted(ends)], timeout=DEADLINE_S)
            self.assertEqual({(p.topic, p.partition): p.offset for p in got}, ends)
        finally:
            client.close()
        self.fill()
        self.shared(self.member(**{"group.instance.id": "two"}))
        self.all_read()


if __name__ == "__main__":
    unittest.main()
