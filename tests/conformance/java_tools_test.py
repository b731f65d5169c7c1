"""Apache Kafka's own clients and tools against the broker, and its DumpLogSegments on our files. Needs Java, and Maven Central once."""

import re
import subprocess
import sys
import time
import unittest

import clusters
import kafka_wire


class Kafkas(clusters.ClusterCase):
    OVERRIDES = ("message.max.bytes=20000000",)

    @classmethod
    def setUpClass(cls):
        subprocess.run([sys.executable, clusters.KAFKA, "fetch"], check=True, stdout=subprocess.DEVNULL)
        super().setUpClass()

    def create(self, partitions=1, *config):
        out = self.tool("TopicCommand", "--create", "--topic", self.topic, "--partitions", partitions,
                        *(part for each in config for part in ("--config", each)))
        self.assertIn(f"Created topic {self.topic}.", out)

    def consume(self, count, *more):
        out = self.tool("consumer.ConsoleConsumer", "--topic", self.topic, "--from-beginning", "--max-messages", count, "--timeout-ms", 60000,
                        "--formatter-property", "print.key=true", "--formatter-property", "print.headers=true",
                        "--formatter-property", "print.offset=true", "--formatter-property", "print.partition=true",
                        "--formatter-property", "null.literal=<null>", *more)
        return sorted((line for line in out.splitlines() if line.startswith("Partition:")),
                      key=lambda line: int(line.split("Offset:")[1].split("\t")[0]))

    def dump(self, *names, options=(), compacted=False):
        command = [sys.executable, clusters.KAFKA, "dump-log", *options, *(["--compacted"] if compacted else []), *map(str, names)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=clusters.TOOL_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        return done.stdout


class Records(Kafkas):
    def test_each_codec(self):
        self.create()
        wanted = []
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            lines = [f"a:1,b:\t{codec}-{n}\tvalue {n} " + "x" * (n * 50) for n in range(50)] + ["<null>\t<null>\t", f"c:2\t{codec}\t<null>"]
            self.tool("ConsoleProducer", "--topic", self.topic, "--compression-codec", codec, "--reader-property", "parse.key=true",
                      "--reader-property", "parse.headers=true", "--reader-property", "null.marker=<null>", "--command-property", "acks=all",
                      stdin="".join(line + "\n" for line in lines))
            wanted += [(headers.replace("<null>", "NO_HEADERS"), key, value) for headers, key, value in (line.split("\t") for line in lines)]
        got = self.consume(len(wanted))
        self.assertEqual(got, [f"Partition:0\tOffset:{n}\t{headers}\t{key}\t{value}" for n, (headers, key, value) in enumerate(wanted)])
        raw = self.kcat("-C", "-t", self.topic, "-o", "beginning", "-e", "-q", "-f", "%o|%k|%s\n").stdout.decode()
        self.assertEqual(raw.splitlines(), [f"{n}|{'' if key == '<null>' else key}|{'' if value == '<null>' else value}"
                                            for n, (_, key, value) in enumerate(wanted)])

    def test_idempotent_producer_and_group(self):
        self.create(3)
        settings = self.config_file("producer", enable_idempotence="true", acks="all", retries="10")
        out = self.tool("VerifiableProducer", "--topic", self.topic, "--max-messages", 5000, "--command-config", settings)
        self.assertEqual(out.count('"name":"producer_send_success"'), 5000)
        for strategy in ("Range", "CooperativeSticky"):
            out = self.tool("VerifiableConsumer", "--topic", self.topic, "--group-id", f"g-{strategy}", "--max-messages", 5000,
                            "--assignment-strategy", f"org.apache.kafka.clients.consumer.{strategy}Assignor", "--reset-policy", "earliest")
            seen = sum(int(n) for n in re.findall(r'"name":"records_consumed","count":(\d+)', out))
            self.assertEqual(seen, 5000)
            self.assertIn('"name":"offsets_committed"', out)
        described = self.tool("consumer.group.ConsumerGroupCommand", "--describe", "--group", "g-Range")
        lags = sorted(tuple(line.split()[2:6]) for line in described.splitlines() if line.startswith("g-Range"))
        with kafka_wire.Client(self.cluster.address) as client:
            ends = [(partition, client.end(self.topic, partition)) for partition in range(3)]
        self.assertEqual(sum(end for _, end in ends), 5000)
        self.assertEqual(lags, [(str(partition), str(end), str(end), "0") for partition, end in ends if end])

    def test_ten_megabytes_and_throughput_tools(self):
        self.create()
        out = self.tool("ProducerPerformance", "--topic", self.topic, "--num-records", 5, "--record-size", 10_000_000, "--throughput", -1,
                        "--command-property", f"bootstrap.servers={self.cluster.address}", "max.request.size=20000000", "buffer.memory=64000000",
                        "compression.type=none", bootstrap=False)
        self.assertIn("5 records sent", out)
        ends = self.tool("GetOffsetShell", "--topic", self.topic)
        self.assertEqual(ends.strip(), f"{self.topic}:0:5")
        out = self.tool("ConsumerPerformance", "--topic", self.topic, "--num-records", 5, "--timeout", 60000)
        self.assertEqual(out.splitlines()[-1].split(", ")[4], "5")


class Admin(Kafkas):
    def test_topics_configs_and_records(self):
        self.create(2, "retention.ms=1000000", "max.message.bytes=2000000")
        out = self.tool("TopicCommand", "--describe", "--topic", self.topic)
        self.assertRegex(out, rf"Topic: {self.topic}\s+TopicId: \S{{22}}\s+PartitionCount: 2\s+ReplicationFactor: 1\s+Configs: ")
        self.assertIn("retention.ms=1000000", out)
        self.assertEqual(len(re.findall(r"Partition: \d\s+Leader: 1\s+Replicas: 1\s+Isr: 1", out)), 2)
        self.tool("TopicCommand", "--alter", "--topic", self.topic, "--partitions", 4)
        again = self.tool("TopicCommand", "--create", "--topic", self.topic, check=False)
        self.assertIn(f"Topic '{self.topic}' already exists.", again.stdout + again.stderr)
        entity = ("--entity-type", "topics", "--entity-name", self.topic)
        self.assertIn("Completed updating config", self.tool("kafka.admin.ConfigCommand", *entity, "--alter", "--add-config", "segment.bytes=2097152"))
        self.tool("kafka.admin.ConfigCommand", *entity, "--alter", "--delete-config", "retention.ms")
        own = self.tool("kafka.admin.ConfigCommand", *entity, "--describe")
        self.assertEqual(sorted(re.findall(r"^  (\S+?)=(\S+) sensitive", own, re.M)), [("max.message.bytes", "2000000"), ("segment.bytes", "2097152")])
        wrong = self.tool("kafka.admin.ConfigCommand", *entity, "--alter", "--add-config", "retention.ms=soon", check=False)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("retention.ms", wrong.stderr + wrong.stdout)
        self.tool("ConsoleProducer", "--topic", self.topic, stdin="".join(f"{n}\n" for n in range(100)))
        ends = dict(line.rsplit(":", 1) for line in self.tool("GetOffsetShell", "--topic", self.topic).split())
        self.assertEqual(sum(map(int, ends.values())), 100)
        place = max(range(4), key=lambda p: int(ends[f"{self.topic}:{p}"]))
        request = self.folder / "delete.json"
        request.write_text('{"version":1,"partitions":[{"topic":"%s","partition":%d,"offset":3}]}' % (self.topic, place))
        self.assertIn("low_watermark: 3", self.tool("DeleteRecordsCommand", "--offset-json-file", request))
        starts = self.tool("GetOffsetShell", "--topic-partitions", f"{self.topic}:{place}", "--time", "earliest").strip()
        self.assertEqual(starts, f"{self.topic}:{place}:3")
        newest = self.tool("GetOffsetShell", "--topic-partitions", f"{self.topic}:{place}", "--time", "max-timestamp").strip()
        self.assertGreaterEqual(int(newest.rsplit(":", 1)[1]), 3)
        future = self.tool("GetOffsetShell", "--topic-partitions", f"{self.topic}:{place}", "--time", int(time.time() * 1000) + 60_000).strip()
        self.assertIn(future, ("", f"{self.topic}:{place}:", f"{self.topic}:{place}:{ends[f'{self.topic}:{place}']}"))
        self.tool("TopicCommand", "--delete", "--topic", self.topic)
        self.assertNotIn(self.topic, self.tool("TopicCommand", "--list").splitlines())

    def test_groups(self):
        self.create(2)
        self.tool("ConsoleProducer", "--topic", self.topic, stdin="".join(f"{n}\n" for n in range(40)))
        self.consume(40, "--group", "readers")
        group = ("--group", "readers")
        self.assertIn("readers", self.tool("consumer.group.ConsumerGroupCommand", "--list").splitlines())
        states = self.tool("consumer.group.ConsumerGroupCommand", "--list", "--state")
        self.assertRegex(states, r"readers\s+(Classic\s+)?Empty")
        self.assertRegex(self.tool("consumer.group.ConsumerGroupCommand", "--describe", "--state", *group), r"readers\s.*Empty\s+0")
        out = self.tool("consumer.group.ConsumerGroupCommand", *group, "--reset-offsets", "--to-offset", 1, "--topic", self.topic, "--execute")
        self.assertEqual(len(re.findall(rf"readers\s+{self.topic}\s+\d\s+\d", out)), 2, out)
        self.tool("consumer.group.ConsumerGroupCommand", *group, "--delete-offsets", "--topic", f"{self.topic}:0")
        out = self.tool("consumer.group.ConsumerGroupCommand", "--describe", *group)
        offsets = {line.split()[2]: line.split()[3] for line in out.splitlines() if line.startswith("readers")}
        self.assertIn(offsets.get("1"), ("0", "1"))
        self.assertIn(offsets.get("0", "-"), ("-",))
        self.assertIn("successful", self.tool("consumer.group.ConsumerGroupCommand", "--delete", *group))
        self.assertNotIn("readers", self.tool("consumer.group.ConsumerGroupCommand", "--list").splitlines())

    def test_api_versions_and_cluster(self):
        out = self.tool("BrokerApiVersionsCommand")
        for line in ("Produce(0): 0 to ", "Fetch(1): 4 to ", "ApiVersions(18): 0 to ", "JoinGroup(11): 0 to 9", "CreateTopics(19): 2 to 7"):
            self.assertIn(line, out)
        self.assertIn("Cluster ID: ", self.tool("ClusterTool", "cluster-id", "--bootstrap-server", self.cluster.address, bootstrap=False))


class Files(Kafkas):
    OVERRIDES = ("log.segment.bytes=1048576", "log.index.interval.bytes=4096")

    def test_dump_log_finds_nothing_wrong(self):
        with kafka_wire.Client(self.cluster.address) as client:
            for topic in ("plain", "codecs"):
                client.metadata([topic])
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            lines = "".join(f"{n % 97}:{codec} {n} {'y' * (n % 300)}\n" for n in range(6000)).encode()
            for idempotence in ("true", "false"):
                self.kcat("-P", "-t", "codecs", "-K:", "-z", codec, "-X", f"enable.idempotence={idempotence}", "-X", "batch.num.messages=100", stdin=lines)
        self.kcat("-P", "-t", "plain", "-Z", stdin=b"a\n\nb\n")
        self.kcat("-G", "readers", "-e", "-q", "-X", "auto.offset.reset=earliest", "codecs", "plain", seconds=60)
        self.cluster.kill()
        self.cluster.start()
        self.kcat("-P", "-t", "codecs", "-X", "enable.idempotence=true", stdin=b"after the kill\n")
        self.cluster.stop()
        folder = self.cluster.data / "codecs-0"
        kinds = {path.suffix for path in folder.iterdir()}
        self.assertLessEqual({".log", ".index", ".timeindex", ".snapshot"}, kinds)
        self.assertGreater(len(list(folder.glob("*.log"))), 2)
        self.assertGreater(sum(path.stat().st_size for path in folder.glob("*.index")), 0)
        out = self.dump(folder, options=["--deep-iteration"])
        self.assertEqual(len(re.findall(r"^\| offset: ", out, re.M)), 60_001)
        self.assertIn("producerId: ", out)
        self.dump(folder, options=["--index-sanity-check"])
        self.dump(self.cluster.data / "plain-0", options=["--deep-iteration", "--print-data-log"])
        committed = ""
        for place in sorted(self.cluster.data.glob("__consumer_offsets-*")):
            if any(path.stat().st_size for path in place.glob("*.log")):
                committed += self.dump(place, options=["--offsets-decoder", "--deep-iteration"], compacted=True)
        self.assertRegex(committed, r'"group":"readers","topic":"codecs","partition":0')
        self.assertRegex(committed, r'"offset":60000')
        self.cluster.start()


if __name__ == "__main__":
    unittest.main()
