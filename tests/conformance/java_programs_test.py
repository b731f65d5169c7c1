"""The programs that Apache Kafka tests itself with, and the commands that java_tools_test.py leaves out. Needs Java, and Maven Central once.

Left out, for want of something to talk to: kafka-metadata-shell, kafka-storage and kafka-jmx (no broker API), connect-*, and the share and
streams groups' programs beyond their lists. Trogdor is in no jar of kafka-tools 4.3.0."""

import json
import re
import subprocess
import sys
import time
import unittest

import clusters
import java_tools_test
import kafka_wire

sys.path.append(str(clusters.servers.ROOT / "tests" / "conformance" / "differential"))
from batches import batch  # noqa: E402  pylint: disable=wrong-import-position

FORMATTERS = "org.apache.kafka.tools.consumer."


class Programs(java_tools_test.Kafkas):
    def numbers(self, count, topic=None, partition=0):
        self.kcat("-P", "-t", topic or self.topic, "-p", str(partition), stdin="".join(f"{n}\n" for n in range(count)).encode())

    def ends(self, topic=None, partitions=1):
        with kafka_wire.Client(self.cluster.address) as client:
            return [client.end(topic or self.topic, partition) for partition in range(partitions)]

    def transactional_records(self):
        settings = self.config_file("transactional", transactional_id=f"t-{self.topic}")
        self.tool("ProducerPerformance", "--topic", self.topic, "--num-records", 100, "--record-size", 10, "--throughput", -1,
                  "--transaction-duration-ms", 50, "--command-config", settings, "--command-property", f"bootstrap.servers={self.cluster.address}",
                  bootstrap=False)

    def events(self, out):
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


class SelfTests(Programs):
    OVERRIDES = ("message.max.bytes=20000000", "log.cleaner.backoff.ms=500", "log.cleaner.min.cleanable.ratio=0.01", "log.segment.bytes=1048576")

    def test_verifiable_programs(self):
        self.create(2)
        out = self.tool("VerifiableProducer", "--topic", self.topic, "--max-messages", 1000, "--repeating-keys", 7, "--value-prefix", 3,
                        "--message-create-time", 1_600_000_000_000, "--throughput", 5000)
        sent = self.events(out)
        self.assertEqual([sum(e["name"] == name for e in sent) for name in ("producer_send_success", "producer_send_error")], [1000, 0])
        settings = self.config_file("consumer", max_poll_records=100)
        out = self.tool("VerifiableConsumer", "--topic", self.topic, "--group-id", self.topic, "--group-instance-id", "one", "--max-messages", 1000,
                        "--verbose", "--reset-policy", "earliest", "--session-timeout", 10000, "--command-config", settings)
        got = self.events(out)
        values = sorted((e["partition"], e["offset"], e["value"]) for e in got if e["name"] == "record_data")
        self.assertEqual(len(values), 1000)
        self.assertEqual(sorted(int(value.removeprefix("3.")) for _, _, value in values), list(range(1000)))
        self.assertEqual(values, sorted((e["partition"], e["offset"], e["value"]) for e in sent if e["name"] == "producer_send_success"))
        self.assertEqual({e["success"] for e in got if e["name"] == "offsets_committed"}, {True})

    def test_verifiable_consumer_by_the_new_group_protocol(self):
        self.create(2)
        self.numbers(500)
        self.numbers(500, partition=1)
        for assignor in ("uniform", "range"):
            out = self.tool("VerifiableConsumer", "--topic", self.topic, "--group-id", f"{self.topic}-{assignor}", "--group-protocol", "CONSUMER",
                            "--group-remote-assignor", assignor, "--max-messages", 1000, "--reset-policy", "earliest")
            got = self.events(out)
            self.assertEqual(sum(e["count"] for e in got if e["name"] == "records_consumed"), 1000)
            self.assertEqual({e["success"] for e in got if e["name"] == "offsets_committed"}, {True})

    def test_client_compatibility(self):
        # The program gives itself 10 s from its first request to its last record, requests of a cold admin client and producer included. A busy
        # machine takes longer against any broker: then it is asked again, with new topics.
        for _ in range(3):
            self.create()
            done = self.tool("ClientCompatibilityTest", "--topic", self.topic, "--offsets-for-times-supported", "true", "--cluster-id-supported",
                             "true", "--expect-record-too-large-exception", "false", "--num-cluster-nodes", 1, "--create-topics-supported", "true",
                             "--describe-acls-supported", "true", "--describe-configs-supported", "true", "--idempotent-producer-supported", "true",
                             check=False)
            if "Timed out after 10000 ms." not in done.stdout:
                break
            for topic in (self.topic, "newtopic"):
                self.tool("TopicCommand", "--delete", "--topic", topic)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("SUCCESS", done.stdout)

    def test_log_compaction(self):
        for codec, deletes in (("none", 30), ("lz4", 0)):
            out = self.tool("LogCompactionTester", "--messages", 20000, "--percent-deletes", deletes, "--compression-type", codec, "--sleep", 3)
            self.assertIn("Data verification is completed", out)

    def copy(self, source, target, *more):
        return self.events(self.tool("TransactionalMessageCopier", "--broker-list", self.cluster.address, "--input-topic", source, "--input-partition", 0,
                                     "--output-topic", target, "--transactional-id", f"t-{target}", "--consumer-group", f"g-{target}",
                                     "--transaction-size", 50, *more, bootstrap=False))

    def test_transactional_copies(self):
        source = f"{self.topic}-source"
        for topic in (source, *(f"{self.topic}-{kind}" for kind in ("plain", "aborting", "group"))):
            self.tool("TopicCommand", "--create", "--topic", topic, "--partitions", 1)
        self.numbers(500, source)
        for kind, more in (("plain", ()), ("aborting", ("--enable-random-aborts",)), ("group", ("--group-mode", "--use-group-metadata"))):
            target = f"{self.topic}-{kind}"
            with self.subTest(kind=kind):
                events = self.copy(source, target, *more)
                self.assertEqual([(e["stage"], e["consumed"], e["remaining"]) for e in events[-1:]], [("ShutdownComplete", 500, 0)])
                out = self.tool("consumer.ConsoleConsumer", "--topic", target, "--from-beginning", "--max-messages", 500, "--timeout-ms", 30000,
                                "--isolation-level", "read_committed")
                self.assertEqual([int(line) for line in out.split()], list(range(500)))

    def test_end_to_end_latency(self):
        self.create()
        out = self.tool("EndToEndLatency", "--bootstrap-server", self.cluster.address, "--topic", self.topic, "--num-records", 200, "--producer-acks", "all",
                        "--record-size", 100, bootstrap=False)
        self.assertRegex(out, r"Avg latency: \d+\.\d+ ms")
        self.assertEqual(self.ends(), [200])


class InternalTopics(Programs):
    def formatted(self, topic, formatter, wanted):
        """What the formatter makes of the topic, read until `wanted` is in it."""
        command = [sys.executable, clusters.KAFKA, "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", self.cluster.address,
                   "--topic", topic, "--from-beginning", "--timeout-ms", "5000", "--formatter", FORMATTERS + formatter]
        done = subprocess.run(command, capture_output=True, text=True, timeout=clusters.TOOL_SECONDS, check=False)
        self.assertIn(wanted, done.stdout, done.stderr[-2000:])
        decoder, out, at = json.JSONDecoder(), [], 0
        while (at := done.stdout.find("{", at)) >= 0:  # One object after the other, not always on lines of their own.
            entry, at = decoder.raw_decode(done.stdout, at)
            out.append(entry)
        return out

    def test_offsets_and_groups(self):
        self.create(2)
        self.numbers(100)
        self.consume(100, "--group", self.topic)
        entries = [e for e in self.formatted("__consumer_offsets", "OffsetsMessageFormatter", self.topic) if e["key"]["data"].get("group") == self.topic]
        last = {e["key"]["data"]["partition"]: e["value"]["data"]["offset"] for e in entries if e["value"]}
        self.assertEqual(last.get(0), 100)
        self.assertEqual({e["key"]["data"]["topic"] for e in entries}, {self.topic})
        groups = [e for e in self.formatted("__consumer_offsets", "GroupMetadataMessageFormatter", self.topic) if e["key"]["data"].get("group") == self.topic]
        data = [e["value"]["data"] for e in groups if e["value"]]
        self.assertIn("consumer", {d["protocolType"] for d in data})
        self.assertEqual([len(d["members"]) for d in data][-1], 0)
        self.assertIn(1, [len(d["members"]) for d in data])

    def test_transaction_states(self):
        self.create()
        self.transactional_records()
        entries = [e for e in self.formatted("__transaction_state", "TransactionLogMessageFormatter", f"t-{self.topic}")
                   if e["key"]["data"]["transactionalId"] == f"t-{self.topic}"]
        states = [e["value"]["data"]["transactionStatus"] for e in entries]
        self.assertEqual((states[0], states[-1]), (0, 4))  # Empty, CompleteCommit
        self.assertLessEqual({1, 2, 4}, set(states))  # Ongoing and PrepareCommit in between


class Commands(Programs):
    """Each command once, on what applies to one broker."""

    def test_groups_of_all_types(self):
        self.create()
        self.numbers(10)
        self.consume(10, "--group", self.topic)
        out = self.tool("GroupsCommand", "--list")
        self.assertRegex(out, rf"(?m)^{self.topic}\s+Classic\s+consumer\s*$")
        self.assertNotIn(self.topic, self.tool("GroupsCommand", "--list", "--share"))

    def test_log_directories(self):
        self.create(2)
        self.numbers(100)
        out = self.tool("LogDirsCommand", "--describe", "--topic-list", self.topic)
        answer = json.loads(out.splitlines()[-1])
        partitions = [p for broker in answer["brokers"] for place in broker["logDirs"] for p in place["partitions"]]
        self.assertEqual(sorted(p["partition"] for p in partitions), [f"{self.topic}-0", f"{self.topic}-1"])
        self.assertGreater(max(p["size"] for p in partitions), 0)
        self.assertEqual([place["error"] for broker in answer["brokers"] for place in broker["logDirs"]], [None])

    def test_features(self):
        out = self.tool("FeatureCommand", "describe")
        self.assertRegex(out, r"Feature: transaction\.version\s+SupportedMinVersion: 0\s+SupportedMaxVersion: 2\s+FinalizedVersionLevel: 2")
        self.assertRegex(out, r"Feature: group\.version\s+SupportedMinVersion: 0\s+SupportedMaxVersion: 1\s+FinalizedVersionLevel: 1")

    def test_leader_election(self):
        self.create(2)
        out = self.tool("LeaderElectionCommand", "--election-type", "preferred", "--topic", self.topic, "--partition", 0)
        self.assertIn("Valid replica already elected for partitions", out)

    def test_reassignment(self):
        self.create(1)
        plan = self.folder / "plan.json"
        plan.write_text(json.dumps({"version": 1, "partitions": [{"topic": self.topic, "partition": 0, "replicas": [1], "log_dirs": ["any"]}]}))
        self.assertIn("Successfully started partition reassignment",
                      self.tool("reassign.ReassignPartitionsCommand", "--execute", "--reassignment-json-file", plan))
        self.assertIn(f"Reassignment of partition {self.topic}-0 is completed.",
                      self.tool("reassign.ReassignPartitionsCommand", "--verify", "--reassignment-json-file", plan))
        self.assertIn("No partition reassignments found.", self.tool("reassign.ReassignPartitionsCommand", "--list"))

    def test_transactions(self):
        self.create()
        self.transactional_records()
        self.assertRegex(self.tool("TransactionsCommand", "list"), rf"(?m)^t-{self.topic}\s+1\s+\d+\s+CompleteCommit")
        self.assertIn("CompleteCommit", self.transactions("describe", "--transactional-id", f"t-{self.topic}"))
        out = self.transactions("describe-producers", "--topic", self.topic, "--partition", 0)
        self.assertRegex(out.splitlines()[-1], r"^\d+\s+\d+\s+0\s+-?\d+\s+\d+\s+None")
        out = self.transactions("find-hanging", "--broker-id", 1)
        self.assertEqual(len(out.splitlines()), 1, out)

    def transactions(self, *arguments):
        return self.tool("TransactionsCommand", "--bootstrap-server", self.cluster.address, *arguments, bootstrap=False)

    def test_a_hanging_transaction_is_aborted_by_hand(self):
        """Records of a transaction that no coordinator knows, as brokers before KIP-890 could get them: they are put behind the log of a broker
        that was killed, which takes them for its own."""
        self.create()
        self.numbers(3)
        self.cluster.kill()
        raw = batch(2, base=3, epoch=0, time=int(time.time() * 1000) - 3_600_000, attributes=0x10, producer=4_000_000, producer_epoch=5, sequence=0)
        with open(self.cluster.data / f"{self.topic}-0" / "00000000000000000000.log", "ab") as log:
            log.write(raw)
        self.cluster.start()
        self.numbers(2)
        self.assertEqual(self.ends(), [7])
        self.assertEqual(self.committed(), ["0", "1", "2"])
        row = rf"{self.topic}\s+0\s+4000000\s+5\s+-1\s+3\s"
        self.assertRegex(self.transactions("find-hanging", "--broker-id", 1), row)
        self.transactions("abort", "--topic", self.topic, "--partition", 0, "--start-offset", 3)
        self.assertEqual(self.committed(), ["0", "1", "2", "0", "1"])
        self.assertNotRegex(self.transactions("find-hanging", "--broker-id", 1), row)
        again = self.tool("TransactionsCommand", "--bootstrap-server", self.cluster.address, "abort", "--topic", self.topic, "--partition", 0,
                          "--start-offset", 3, bootstrap=False, check=False)
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("Could not find any open transactions starting at offset 3", again.stdout + again.stderr)

    def committed(self):
        return self.kcat("-C", "-t", self.topic, "-o", "beginning", "-e", "-q", "-X", "isolation.level=read_committed").stdout.decode().split()

    def test_quorum(self):
        status = self.tool("MetadataQuorumCommand", "describe", "--status")
        self.assertRegex(status, r"(?m)^LeaderId:\s+1$")
        self.assertRegex(status, r"(?m)^LeaderEpoch:\s+[1-9]\d*$")
        self.assertRegex(status, r"(?m)^MaxFollowerLag:\s+0$")
        self.assertRegex(status, r'(?m)^CurrentVoters:\s+\[\{"id": 1(, "endpoints": \[.*\])?\}\]$')
        self.assertRegex(status, r"(?m)^CurrentObservers:\s+\[\]$")
        before = int(re.search(r"(?m)^HighWatermark:\s+(\d+)$", status)[1])
        self.create()
        after = int(re.search(r"(?m)^HighWatermark:\s+(\d+)$", self.tool("MetadataQuorumCommand", "describe", "--status"))[1])
        self.assertGreater(after, before)
        replicas = [line.split() for line in self.tool("MetadataQuorumCommand", "describe", "--replication").splitlines()]
        self.assertEqual([(row[0], row[3], row[-1]) for row in replicas[1:]], [("1", "0", "Leader")])
        self.assertGreaterEqual(int(replicas[1][2]), after)

    @unittest.skipIf(clusters.APACHE, "Apache Kafka collects client metrics")
    def test_client_metrics_are_declined(self):
        out = self.tool("ClientMetricsCommand", "--alter", "--name", "all", "--metrics", "org.apache.kafka.", "--interval", 1000, check=False)
        self.assertRegex(out.stdout + out.stderr, "InvalidRequestException|UnsupportedVersionException")
        self.assertEqual(self.tool("ClientMetricsCommand", "--list").strip(), "")
        self.assertNotIn("metrics=", self.tool("ClientMetricsCommand", "--describe"))

    def test_cluster(self):
        out = self.tool("ClusterTool", "list-endpoints", "--bootstrap-server", self.cluster.address, bootstrap=False)
        self.assertRegex(out, r"(?m)^1\s+127\.0\.0\.1\s+\d+\s")

    def test_broker_and_group_settings(self):
        out = self.tool("kafka.admin.ConfigCommand", "--entity-type", "brokers", "--entity-name", 1, "--describe", "--all")
        self.assertRegex(out, r"(?m)^  log\.segment\.bytes=\d+ sensitive=false")
        groups = ("--entity-type", "groups", "--entity-name", self.topic)
        self.tool("kafka.admin.ConfigCommand", *groups, "--alter", "--add-config", "consumer.session.timeout.ms=50000")
        self.assertIn("consumer.session.timeout.ms=50000", self.tool("kafka.admin.ConfigCommand", *groups, "--describe"))

    def test_quotas(self):
        for entity in (("--entity-type", "clients", "--entity-name", self.topic), ("--entity-type", "users", "--entity-name", "somebody")):
            self.tool("kafka.admin.ConfigCommand", *entity, "--alter", "--add-config", "producer_byte_rate=1000000,consumer_byte_rate=2000000")
            out = self.tool("kafka.admin.ConfigCommand", *entity, "--describe")
            self.assertIn("producer_byte_rate=1000000.0", out)
            self.tool("kafka.admin.ConfigCommand", *entity, "--alter", "--delete-config", "producer_byte_rate,consumer_byte_rate")
            self.assertNotIn("byte_rate", self.tool("kafka.admin.ConfigCommand", *entity, "--describe"))

    def test_what_needs_security_says_that_it_is_off(self):
        acls = self.tool("AclCommand", "--list", check=False)
        self.assertIn("SecurityDisabledException", acls.stdout + acls.stderr)
        tokens = self.tool("DelegationTokenCommand", "--describe", "--command-config", self.config_file("empty"), check=False)
        self.assertRegex(tokens.stdout + tokens.stderr, "DelegationToken\\w*Exception|UnsupportedByAuthenticationException")

    def test_replica_verification(self):
        self.create()
        self.numbers(100)
        command = [sys.executable, clusters.KAFKA, "run", "org.apache.kafka.tools.ReplicaVerificationTool", "--broker-list", self.cluster.address,
                   "--topics-include", self.topic, "--report-interval-ms", "1000", "--time", "-2"]
        path = self.folder / "verification"
        with open(path, "wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as tool:
            try:
                kafka_wire.wait_until(lambda: b"max lag is 0" in path.read_bytes(), 60, "the report of a lag of 0")
            finally:
                tool.kill()

    def test_consumer_groups_by_the_new_protocol(self):
        self.create(2)
        self.numbers(20)
        self.consume(20, "--group", self.topic, "--consumer-property", "group.protocol=consumer")
        out = self.tool("consumer.group.ConsumerGroupCommand", "--describe", "--group", self.topic)
        self.assertEqual([line.split()[3] for line in out.splitlines() if re.match(rf"{self.topic}\s+{self.topic}\s+0", line)], ["20"])
        self.assertRegex(self.tool("GroupsCommand", "--list"), rf"(?m)^{self.topic}\s+Consumer\s+consumer\s*$")
        state = self.tool("consumer.group.ConsumerGroupCommand", "--describe", "--state", "--group", self.topic)
        self.assertRegex(state, rf"(?m)^{self.topic}\s.*Empty\s+0")


if __name__ == "__main__":
    unittest.main()
