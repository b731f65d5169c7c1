"""kafkajs, a client without native code or librdkafka, on node: its scenarios are in kafkajs_driver.js. Needs node, and npm's registry once.

Left out: static members and incremental rebalances, which kafkajs 2.2.4 does not have."""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import unittest

import clusters

DRIVER = pathlib.Path(__file__).with_name("kafkajs_driver.js")
PACKAGES = clusters.PEERS / "package.json"
SCENARIO_SECONDS = 240


def node_modules():
    """The packages of package.json in the user's cache, installed once."""
    place = clusters.cache() / "kafkajs"
    place.mkdir(parents=True, exist_ok=True)
    stamp = place / "package.done"
    with open(clusters.cache() / "kafkajs.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != PACKAGES.read_text():
            shutil.copy(PACKAGES, place / "package.json")
            subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent"], cwd=place, check=True)
            stamp.write_text(PACKAGES.read_text())
    return place / "node_modules"


class Kafkajs(clusters.ClusterCase):
    def play(self, scenario):
        environment = {**os.environ, "NODE_PATH": str(node_modules()), "KAFKAJS_NO_PARTITIONER_WARNING": "1"}
        done = subprocess.run(["node", DRIVER, self.cluster.address, scenario, self.topic], env=environment, capture_output=True, text=True,
                              timeout=SCENARIO_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        return json.loads(done.stdout.splitlines()[-1])

    def test_each_codec_brings_back_keys_headers_timestamps_and_empty_and_null_values(self):
        answer = self.play("codecs")
        self.assertEqual(len(answer["read"]), 10)
        for topic, records in answer["read"].items():
            with self.subTest(topic=topic):
                self.assertEqual(records, answer["sent"])

    def test_two_members_read_each_record_once(self):
        answer = self.play("rebalance")
        self.assertEqual(sorted(answer["shared"][0] + answer["shared"][1]), list(range(6)))
        self.assertEqual(sorted(answer["values"]), list(range(900)))
        self.assertEqual(len(set(answer["places"])), 900)
        self.assertEqual(answer["committed"], answer["ends"])

    def test_transactions_and_their_offsets(self):
        answer = self.play("transactions")
        self.assertEqual(answer["committed"], sorted(f"{number}-{n}" for number in (0, 2) for n in range(10)))
        self.assertEqual(answer["all"], sorted(f"{number}-{n}" for number in (0, 1, 2) for n in range(10)))
        self.assertEqual({p["partition"]: p["offset"] for p in answer["offsets"]}, {0: "11", 1: "-1"})

    def test_a_second_producer_fences_the_first(self):
        answer = self.play("fencing")
        self.assertEqual(answer["values"], ["of the second"])
        self.assertIn(answer["error"], ("INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED"))

    def test_admin(self):
        answer = self.play("admin")
        self.assertEqual(answer["configs"], {"segment.bytes": ["2097152", False], "retention.ms": ["604800000", True]})
        self.assertEqual({key: answer[key] for key in answer if key != "configs"},
                         {"made": True, "again": False, "byTime": "3", "low": "4", "high": "10", "offset": "6", "listed": True, "state": "Empty",
                          "deleted": True, "brokers": 1, "controller": 1, "named": True})


if __name__ == "__main__":
    unittest.main()
