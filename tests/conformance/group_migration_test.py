"""One group of consumers goes over to the consumer protocol (KIP-848) and back, member by member, while it reads: each record is read once and
in order, and no partition is owned by two. The newest confluent-kafka of PyPI, and Java consumers in the same group."""

import json
import pathlib
import subprocess
import sys
import threading
import time
import unittest

import clusters
from rebalance_story import until

sys.path.append(str(pathlib.Path(__file__).resolve().parent / "differential"))
import runner  # noqa: E402  pylint: disable=wrong-import-position
from cases import migration  # noqa: E402  pylint: disable=wrong-import-position

ck = clusters.python_client("confluent_kafka")
from confluent_kafka import admin  # noqa: E402  pylint: disable=wrong-import-position

PARTITIONS = 6
# Of Java: librdkafka's puts data of its own into assignments, so that neither broker takes such a group over.
COOPERATIVE = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
SECONDS = 180


class Readings:
    """What all members have read, and who owns what."""

    def __init__(self):
        self.lock = threading.Lock()
        self.records = {partition: [] for partition in range(PARTITIONS)}
        self.owners = {}
        self.problems = []

    def count(self):
        with self.lock:
            return sum(map(len, self.records.values()))


class Member:
    """A consumer on a thread of its own: commits what it has read when it lets go."""

    def __init__(self, address, group, topic, readings, protocol, **settings):
        self.readings, self.protocol, self.topic = readings, protocol, topic
        self.name = f"{protocol}-{id(self):x}"
        self.stopping = threading.Event()
        self.positions, self.mine = {}, set()
        if protocol == "classic":
            settings = {"heartbeat.interval.ms": 200, "session.timeout.ms": 20_000, "partition.assignment.strategy": "range", **settings}
        self.client = ck.Consumer({"bootstrap.servers": address, "group.id": group, "group.protocol": protocol, "enable.auto.commit": False,
                                   "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50, **settings})
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def problem(self, text):
        self.readings.problems.append(f"{self.name}: {text}")

    def assigned(self, _, partitions):
        with self.readings.lock:
            for each in partitions:
                owner = self.readings.owners.setdefault(each.partition, self.name)
                if owner != self.name:
                    self.problem(f"gets {each.partition}, which {owner} owns")
                self.mine.add(each.partition)

    def revoked(self, _, partitions):
        offsets = [ck.TopicPartition(self.topic, each.partition, self.positions.pop(each.partition)) for each in partitions
                   if each.partition in self.positions]
        for attempt in range(20):
            try:
                if offsets:
                    self.client.commit(offsets=offsets, asynchronous=False)
                break
            except ck.KafkaException as error:
                if attempt == 19:
                    self.problem(f"commits: {error}")
                time.sleep(0.2)
        self.forget(partitions)

    def lost(self, _, partitions):
        self.problem(f"loses {[each.partition for each in partitions]}")
        self.forget(partitions)

    def forget(self, partitions):
        with self.readings.lock:
            for each in partitions:
                self.mine.discard(each.partition)
                if self.readings.owners.get(each.partition) == self.name:
                    del self.readings.owners[each.partition]

    def run(self):
        self.client.subscribe([self.topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)
        while not self.stopping.is_set():
            message = self.client.poll(0.05)
            if message is None:
                continue
            if message.error():
                if not message.error().retriable() and message.error().code() not in (ck.KafkaError._TRANSPORT, ck.KafkaError._ALL_BROKERS_DOWN):
                    self.problem(str(message.error()))
                continue
            with self.readings.lock:
                if self.readings.owners.get(message.partition()) != self.name:
                    self.problem(f"reads {message.partition()} without owning it")
                self.readings.records[message.partition()].append((message.offset(), int(message.value())))
                self.positions[message.partition()] = message.offset() + 1
        self.client.close()

    def leave(self):
        self.stopping.set()
        self.thread.join(SECONDS)


class Producing:
    """Sends to all partitions in turn, a few records at a time, until it is stopped."""

    def __init__(self, address, topic):
        self.client = ck.Producer({"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 5})
        self.topic, self.sent, self.stopping = topic, 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping.is_set():
            for _ in range(PARTITIONS):
                self.client.produce(self.topic, str(self.sent).encode(), partition=self.sent % PARTITIONS)
                self.sent += 1
            self.client.poll(0)
            self.stopping.wait(0.02)

    def stop(self):
        self.stopping.set()
        self.thread.join(SECONDS)
        if self.client.flush(SECONDS):
            raise AssertionError("not all was sent")
        return self.sent


class OneGroup(clusters.ClusterCase):
    OVERRIDES = ("group.consumer.heartbeat.interval.ms=300", "group.consumer.min.heartbeat.interval.ms=100",
                 "group.consumer.assignment.interval.ms=0")

    def setUp(self):
        super().setUp()
        self.group = f"group-of-{self.topic}"
        self.admin = admin.AdminClient({"bootstrap.servers": self.cluster.address})
        for each in self.admin.create_topics([admin.NewTopic(self.topic, PARTITIONS, 1)]).values():
            each.result(30)
        self.readings = Readings()
        self.members = []
        self.producing = Producing(self.cluster.address, self.topic)

    def tearDown(self):
        for member in self.members:
            member.leave()
        self.producing.stop()

    def join(self, protocol, **settings):
        member = Member(self.cluster.address, self.group, self.topic, self.readings, protocol, **settings)
        self.members.append(member)
        return member

    def leave(self, member):
        self.members.remove(member)
        member.leave()

    def settled(self, what):
        """Every partition is owned, by all members evenly, and is read from."""
        def even():
            with self.readings.lock:
                sizes = [len(member.mine) for member in self.members]
                return sum(sizes) == PARTITIONS and max(sizes) - min(sizes) <= 1
        until(even, lambda: f"{what}: {[(m.name, sorted(m.mine)) for m in self.members]} {self.readings.problems}", SECONDS)
        before = {partition: len(records) for partition, records in self.readings.records.items()}
        until(lambda: all(len(records) > before[partition] for partition, records in self.readings.records.items()), f"{what}: all are read", SECONDS)

    def kind(self):
        listed = {each.group_id: each.type.name for each in self.admin.list_consumer_groups().result(30).valid}
        return listed[self.group]

    def check(self):
        sent = self.producing.stop()
        until(lambda: self.readings.count() >= sent, lambda: f"{self.readings.count()} of {sent} are read", SECONDS)
        for member in list(self.members):
            self.leave(member)
        self.assertEqual(self.readings.problems, [])
        for partition, records in self.readings.records.items():
            self.assertEqual(records, [(n, n * PARTITIONS + partition) for n in range(len(records))], f"partition {partition}")
        self.assertEqual(self.readings.count(), sent)


class Migrations(OneGroup):
    def roll(self, to, kinds, **settings):
        """Each member goes away and one of the other protocol comes."""
        for index, member in enumerate([each for each in self.members if each.protocol != to]):
            self.leave(member)
            self.join(to, **(settings.get("each") or (lambda _: {}))(index))
            self.settled(f"{index + 1} to {to}")
            kinds.append(self.kind())

    def test_members_there_and_back(self):
        self.join("classic")
        self.join("classic")
        self.settled("classic")
        kinds = [self.kind()]
        self.roll("consumer", kinds)
        self.roll("classic", kinds)
        self.assertEqual(kinds, ["CLASSIC", "CONSUMER", "CONSUMER", "CONSUMER", "CLASSIC"])
        self.check()

    def test_members_come_before_the_others_leave(self):
        first = [self.join("classic"), self.join("classic")]
        self.settled("classic")
        self.join("consumer")
        self.settled("both")
        self.join("consumer")
        self.settled("two of each")
        for member in first:
            self.leave(member)
            self.settled("one went")
        self.join("classic")
        self.settled("one came back")
        for member in [each for each in self.members if each.protocol == "consumer"]:
            self.leave(member)
            self.settled("one of the consumer protocol went")
        self.assertEqual(self.kind(), "CLASSIC")
        self.check()

    def test_static_members_there_and_back(self):
        for index in range(2):
            self.join("classic", **{"group.instance.id": f"instance-{index}"})
        self.settled("classic")
        kinds = [self.kind()]
        name = {"each": lambda index: {"group.instance.id": f"instance-{index}"}}
        self.roll("consumer", kinds, **name)
        self.roll("classic", kinds, **name)
        self.assertEqual(kinds, ["CLASSIC", "CONSUMER", "CONSUMER", "CONSUMER", "CLASSIC"])
        self.check()

    @unittest.skipIf(clusters.RUNNING, "ends the broker")
    def test_the_broker_is_killed_on_the_way(self):
        self.join("classic", **{"session.timeout.ms": 60_000})
        self.settled("classic")
        self.join("consumer")
        self.settled("both")
        self.cluster.kill()
        self.cluster.start()
        self.settled("both, after the first kill")
        self.assertEqual(self.kind(), "CONSUMER")
        self.leave(self.members[1])
        self.cluster.kill()
        self.cluster.start()
        self.settled("the classic one alone, after the second kill")
        self.assertEqual(self.kind(), "CLASSIC")
        self.check()


class JavaMember:
    """VerifiableConsumer, which commits what it reads and prints what happens."""

    def __init__(self, case, protocol):
        self.protocol, self.mine, self.read, self.events = protocol, set(), [], []
        config = case.config_file(f"{protocol}-{time.monotonic_ns()}", heartbeat_interval_ms="300") if protocol == "classic" else None
        command = [sys.executable, clusters.KAFKA, "run", "org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server", case.cluster.address,
                   "--topic", case.topic, "--group-id", case.group, "--group-protocol", protocol, "--verbose"]
        if config:
            command += ["--command-config", str(config), "--assignment-strategy", COOPERATIVE]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                self.events.append(line.rstrip())
                continue
            name = event.get("name")
            if name == "record_data":
                self.read.append((event["partition"], event["offset"]))
                continue
            self.events.append(event)
            partitions = {each["partition"] for each in event.get("partitions", ()) if isinstance(each, dict)}
            if name == "partitions_assigned":
                self.mine |= partitions
            elif name == "partitions_revoked":
                self.mine -= partitions

    def leave(self):
        self.process.terminate()
        self.process.wait(SECONDS)
        self.thread.join(SECONDS)
        self.mine = set()


class JavaMigrations(OneGroup):
    """Java consumers of both protocols in one group."""

    def setUp(self):
        subprocess.run([sys.executable, clusters.KAFKA, "fetch"], check=True, stdout=subprocess.DEVNULL)
        super().setUp()
        self.left = []

    def java(self, protocol):
        member = JavaMember(self, protocol)
        self.members.append(member)
        return member

    def java_settled(self, what):
        def even():
            sizes = [len(member.mine) for member in self.members]
            return sorted(p for member in self.members for p in member.mine) == list(range(PARTITIONS)) and max(sizes) - min(sizes) <= 1
        until(even, lambda: f"{what}: {[(m.protocol, m.mine, m.events[-6:]) for m in self.members]}", SECONDS)

    def gone(self, member):
        self.members.remove(member)
        member.leave()
        self.left.append(member)

    def test_java_members_there_and_back(self):
        first = self.java("classic")
        self.java_settled("classic")
        second = self.java("consumer")
        self.java_settled("both")
        self.assertEqual(self.kind(), "CONSUMER")
        self.gone(first)
        self.java_settled("consumer")
        third = self.java("classic")
        self.java_settled("both again")
        self.gone(second)
        self.java_settled("classic again")
        self.assertEqual(self.kind(), "CLASSIC")
        sent = self.producing.stop()
        members = [first, second, third]
        until(lambda: sum(len(member.read) for member in members) >= sent, "all is read", SECONDS)
        self.gone(third)
        wanted = {(partition, n) for partition in range(PARTITIONS) for n in range(len(range(partition, sent, PARTITIONS)))}
        # Once each only as far as it was committed: VerifiableConsumer may be ended between a read and its commit.
        self.assertEqual({each for member in members for each in member.read}, wanted)
        for member in members:
            for partition in range(PARTITIONS):
                offsets = [offset for at, offset in member.read if at == partition]
                self.assertEqual(offsets, sorted(set(offsets)))


class Policies(clusters.ClusterCase):
    OVERRIDES = ("group.consumer.migration.policy=disabled", "group.initial.rebalance.delay.ms=0")

    def test_no_group_with_members_changes(self):
        run = runner.Run(self.cluster.address)
        run.settle()
        run.topics([(self.topic, 2, {})])
        me, generation = migration.classic(run, "kept", self.topic)
        refused = migration.beat(run, None, "kept", 0, self.topic)
        self.assertEqual((refused["error_code"], refused["error_message"]),
                         (69, "Cannot upgrade classic group kept to consumer group because online upgrade is disabled."))
        at = {"group_id": "kept", "generation_id": generation, "member_id": me}
        self.assertEqual(run.ask(None, "Heartbeat", 4, at)["error_code"], 0)
        run.ask(None, "LeaveGroup", 5, {"group_id": "kept", "members": [{"member_id": me}]})
        self.assertEqual(migration.beat(run, None, "kept", 0, self.topic)["error_code"], 0, "an empty group changes")
        if not clusters.APACHE:  # 4.3.0 lets them in, 4.3.1 does not
            join = {"group_id": "kept", "member_id": "", "protocols": migration.protocols(self.topic)}
            self.assertEqual(run.ask(None, "JoinGroup", 3, join)["error_code"], 23)


if __name__ == "__main__":
    unittest.main()
