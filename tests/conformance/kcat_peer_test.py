"""kcat on Debian's librdkafka 2.0.2: what it sends comes back byte for byte, and two of it share a group."""

import json
import re
import signal
import subprocess
import unittest

import clusters
import kafka_wire


class Kcat(clusters.ClusterCase):
    OVERRIDES = ("message.max.bytes=20000000", "num.partitions=4")

    def read(self, topic, *more):
        out = self.kcat("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J", *more).stdout
        return [json.loads(line) for line in out.splitlines()]

    def test_each_codec_with_keys_headers_empty_and_null_values(self):
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            topic = f"{self.topic}-{codec}"
            many = "".join(f"key{n}|{codec} {n} {'z' * n}\n" for n in range(1000)).encode()
            self.kcat("-P", "-t", topic, "-p", "0", "-z", codec, "-K", "|", "-H", "a=1", "-H", "b=", "-X", "enable.idempotence=true", stdin=many)
            self.kcat("-P", "-t", topic, "-p", "0", "-z", codec, "-K", "|", "-Z", stdin=b"only key|\n|only value\n")
            self.kcat("-P", "-t", topic, "-p", "0", "-z", codec, "-K", "|", stdin=b"k|\n")
            got = self.read(topic, "-X", "check.crcs=true")
            self.assertEqual([(m["offset"], m["key"], m["payload"], m.get("headers")) for m in got[:1000]],
                             [(n, f"key{n}", f"{codec} {n} {'z' * n}", ["a", "1", "b", ""]) for n in range(1000)])
            self.assertEqual([(m["key"], m["payload"]) for m in got[1000:1002]], [("only key", None), (None, "only value")])
            self.assertEqual([(m["key"], m["payload"]) for m in got[1002:]], [("k", "")])

    def test_timestamps_find_offsets(self):
        self.kcat("-P", "-t", self.topic, "-p", "0", stdin=b"a\nb\nc\n")
        stamps = [m["ts"] for m in self.read(self.topic)]
        out = self.kcat("-Q", "-t", f"{self.topic}:0:{stamps[0]}").stdout.decode().strip()
        self.assertEqual(out, f"{self.topic} [0] offset 0")
        self.assertEqual(self.kcat("-Q", "-t", f"{self.topic}:0:-1").stdout.decode().strip(), f"{self.topic} [0] offset 3")
        self.assertEqual(self.kcat("-Q", "-t", f"{self.topic}:0:-2").stdout.decode().strip(), f"{self.topic} [0] offset 0")

    def test_ten_megabytes(self):
        value = bytes(range(256)) * 40_000
        path = self.folder / "ten"
        path.write_bytes(value)
        self.kcat("-P", "-t", self.topic, "-p", "0", "-X", "message.max.bytes=20000000", str(path))
        got = self.kcat("-C", "-t", self.topic, "-p", "0", "-o", "beginning", "-e", "-q", "-D", "", "-f", "%s", "-X", "message.max.bytes=20000000").stdout
        self.assertEqual(len(got), len(value))
        self.assertEqual(got, value)

    def two_members(self, strategy):
        with kafka_wire.Client(self.cluster.address) as client:
            client.metadata([self.topic])
            kafka_wire.wait_until(lambda: client.metadata().get(self.topic) == 4, 10, "four partitions")
            files = [open(self.folder / f"{self.topic}-{n}", "wb+") for n in range(2)]  # pylint: disable=consider-using-with
            members = [subprocess.Popen(["kcat", "-b", self.cluster.address, "-G", self.topic, "-u", "-f", "%p:%o:%s\n", "-X",
                                         "auto.offset.reset=earliest", "-X", f"partition.assignment.strategy={strategy}", self.topic],
                                        stdout=file, stderr=open(file.name + ".err", "wb")) for file in files]
            try:
                kafka_wire.wait_until(lambda: self.assigned(files[0]) and self.assigned(files[1]), 30, "both members' assignments")
                wanted = []
                for partition in range(4):
                    self.kcat("-P", "-t", self.topic, "-p", str(partition), stdin=b"".join(b"%d\n" % n for n in range(100)))
                    wanted += [f"{partition}:{n}:{n}" for n in range(100)]
                def lines():
                    return [open(file.name, encoding="ascii").read().splitlines() for file in files]
                kafka_wire.wait_until(lambda: sum(map(len, lines())) >= 400, 30, "400 records")
                self.assertEqual([len(each) for each in lines()], [200, 200])
                self.assertEqual(sorted(line for each in lines() for line in each), sorted(wanted))
            finally:
                for member in members:
                    member.send_signal(signal.SIGINT)
                for member in members:
                    member.wait(20)
                for file in files:
                    file.close()
            self.assertEqual([client.end(self.topic, partition) for partition in range(4)], [100] * 4)

    def assigned(self, file):
        """Whether the partitions in kcat's words on the matter are two in the end."""
        mine = set()
        for line in open(file.name + ".err", encoding="utf-8").read().splitlines():
            word = re.search(r"rebalanced(?:: incremental)? (assign|revoke)|rebalanced.*\): (assign|revoke)", line)
            if not word:
                continue
            partitions = set(re.findall(r"\[(\d+)\]", line))
            mine = mine - partitions if "revoke" in word.groups() else mine | partitions
        return len(mine) == 2

    def test_range_members(self):
        self.two_members("range")

    def test_cooperative_members(self):
        self.two_members("cooperative-sticky")


if __name__ == "__main__":
    unittest.main()
