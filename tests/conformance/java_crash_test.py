"""A kill -9 of the broker under a transactional producer of Kafka's own Java client: TransactionalMessageCopier copies two partitions, records and the
offsets of its group in one transaction, and aborts a third of them. Transactions are version 2: each has an epoch of its own. Needs Java, and
Maven Central once."""

import json
import os
import random
import re
import subprocess
import sys
import time
import unittest

import clusters
import java_programs_test
import kafka_wire

PARTITIONS = 2
RECORDS = 5000  # of each partition
TRANSACTION = 20  # records at most
KILLS = 6
WAIT_S = 120


class Copier:
    """The running program. What it says was committed is read from its output while it runs."""

    def __init__(self, address, source, target, path):
        self.path = path
        command = [sys.executable, clusters.KAFKA, "run", "org.apache.kafka.tools.TransactionalMessageCopier", "--broker-list", address,
                   "--input-topic", source, "--input-partition", "0", "--output-topic", target, "--transactional-id", f"t-{target}",
                   "--consumer-group", f"g-{target}", "--transaction-size", str(TRANSACTION), "--enable-random-aborts", "--group-mode",
                   "--use-group-metadata"]
        with open(path, "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    def acknowledged(self):
        """Records whose commit the broker has acknowledged to this process."""
        return max(map(int, re.findall(rb'"totalProcessed":(\d+)', self.path.read_bytes())), default=0)

    def ended(self):
        return self.process.poll() is not None

    def kill(self):
        self.process.kill()
        self.process.wait()


class KilledBroker(java_programs_test.Programs):
    def setUp(self):
        super().setUp()
        self.source, self.target = f"{self.topic}-source", f"{self.topic}-target"
        self.copier = None
        self.addCleanup(lambda: self.copier and self.copier.kill())
        seed = int(os.environ.get("PENSTOCK_SEED", random.SystemRandom().randrange(1 << 32)))
        self.random = random.Random(seed)
        print(f"PENSTOCK_SEED={seed}", end=" ", file=sys.stderr, flush=True)

    def start_copier(self):
        name = f"copier-{self.random.randrange(1 << 32)}.log"
        self.copier = Copier(self.cluster.address, self.source, self.target, self.folder / name)

    def committed_records(self):
        """The numbers that a reader of committed records gets from each partition, in its order."""
        out = self.kcat("-C", "-t", self.target, "-o", "beginning", "-e", "-q", "-f", "%p %s\n", "-X", "isolation.level=read_committed").stdout
        values = [[] for _ in range(PARTITIONS)]
        for line in out.decode().splitlines():
            partition, value = line.split()
            values[int(partition)].append(int(value))
        return values

    def committed_offsets(self):
        out = self.tool("consumer.group.ConsumerGroupCommand", "--describe", "--group", f"g-{self.target}", "--offsets")
        found = re.findall(rf"(?m)^\S+\s+{self.source}\s+(\d+)\s+(\d+)\s", out)
        offsets = {int(partition): int(offset) for partition, offset in found}
        return [offsets.get(partition, 0) for partition in range(PARTITIONS)]

    def whole_transactions(self, acknowledged):
        """Records and offsets of a transaction are seen together: what is read ends where the group goes on. True once the broker has completed
        what was prepared when it was killed."""
        values = self.committed_records()
        for each in values:
            self.assertEqual(each, list(range(len(each))))
        self.assertGreaterEqual(sum(map(len, values)), acknowledged)
        return [len(each) for each in values] == self.committed_offsets()

    def test_transactions_are_whole_after_each_kill(self):
        for topic in (self.source, self.target):
            self.tool("TopicCommand", "--create", "--topic", topic, "--partitions", PARTITIONS)
        for partition in range(PARTITIONS):
            self.numbers(RECORDS, self.source, partition)
        step, before = PARTITIONS * RECORDS // (KILLS + 1), 0
        self.start_copier()
        for kill in range(KILLS):
            wanted = kill * step + self.random.randrange(step // 2, step)
            kafka_wire.wait_until(lambda: before + self.copier.acknowledged() >= wanted or self.copier.ended(), WAIT_S, f"{wanted} records", 0.001)
            self.assertFalse(self.copier.ended(), self.copier.path.read_text(errors="replace")[-3000:])
            time.sleep(self.random.uniform(0, 0.05))  # At any moment of a transaction, not only after an acknowledgement.
            self.cluster.kill()
            both = kill % 2 == 1
            if both:
                self.copier.kill()
                before += self.copier.acknowledged()
            self.cluster.start()
            if both:
                # Nobody goes on with the transaction that was open, so what is seen now is what the broker has kept.
                kafka_wire.wait_until(lambda: self.whole_transactions(before), WAIT_S, "records and offsets to agree", 0.1)
                # Commits whose answer the copier did not live to see count as well.
                before = sum(self.committed_offsets())
                self.start_copier()
        kafka_wire.wait_until(self.copier.ended, WAIT_S, "the end of the copier", 0.1)
        output = self.copier.path.read_text(errors="replace")
        self.assertEqual(self.copier.process.returncode, 0, output[-3000:])
        last = [json.loads(line) for line in output.splitlines() if '"ShutdownComplete"' in line]
        self.assertEqual([e["remaining"] for e in last], [0], output[-3000:])
        self.assertEqual(self.committed_records(), [list(range(RECORDS))] * PARTITIONS)
        self.assertEqual(self.committed_offsets(), [RECORDS] * PARTITIONS)
        described = self.tool("TransactionsCommand", "--bootstrap-server", self.cluster.address, "describe", "--transactional-id", f"t-{self.target}",
                              bootstrap=False)
        # Version 2 raises the epoch with every transaction, not only with every start of a producer.
        self.assertGreater(int(described.splitlines()[-1].split()[3]), 2 * KILLS, described)
        self.cluster.stop()
        for partition in range(PARTITIONS):
            self.dump(self.cluster.data / f"{self.target}-{partition}", options=["--deep-iteration"])
        self.cluster.start()


if __name__ == "__main__":
    unittest.main()
