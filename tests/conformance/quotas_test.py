"""What a client feels of `request_percentage` and `controller_mutation_rate`, over the raw wire."""

import pathlib
import sys
import time
import unittest

import clusters

sys.path.append(str(pathlib.Path(__file__).resolve().parent / "differential"))
import runner  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE_S = 30


class Quotas(clusters.ClusterCase):
    def setUp(self):
        super().setUp()
        self.run_of = runner.Run(self.cluster.address)
        self.client = f"client-{self.topic}"

    def tearDown(self):
        for connection in self.run_of.connections.values():
            connection.socket.close()

    def ask(self, api, version, values, on="a"):
        return self.run_of.ask(None, api, version, values, client=self.client, on=on)

    def set(self, key, value, remove=False):
        """Until it is in force, which Kafka's brokers learn a little later."""
        self.run_of.ask(None, "AlterClientQuotas", 1, on="admin", client="admin", values={
            "entries": [{"entity": [{"entity_type": "client-id", "entity_name": self.client}], "ops": [{"key": key, "value": value, "remove": remove}]}]})

        def there():
            out = self.run_of.ask(None, "DescribeClientQuotas", 1, on="admin", client="admin", values={
                "components": [{"entity_type": "client-id", "match_type": 0, "match": self.client}]})
            return [each["value"] for entry in out["entries"] for each in entry["values"]] == ([] if remove else [value])

        self.run_of.until(there, "the quota")

    def test_a_client_that_takes_too_much_time_waits(self):
        self.set("request_percentage", 0.001)
        deadline = time.monotonic() + DEADLINE_S
        wait_ms = 0
        while not wait_ms:
            self.assertLess(time.monotonic(), deadline)
            wait_ms = self.ask("Metadata", 12, {"topics": []})["throttle_time_ms"]
        self.assertLessEqual(wait_ms, 1000)
        began = time.monotonic()
        self.ask("Metadata", 12, {"topics": []})
        self.assertGreaterEqual(time.monotonic() - began, wait_ms / 1000 * 0.8)
        self.set("request_percentage", 0, remove=True)
        self.assertEqual(self.ask("Metadata", 12, {"topics": []})["throttle_time_ms"], 0)

    def create(self, name, version, connection):
        out = self.ask("CreateTopics", version, {"topics": [{"name": f"{self.topic}-{name}", "num_partitions": 10}]}, on=connection)
        return out["topics"][0]["error_code"], out["throttle_time_ms"]

    def test_a_client_that_makes_too_many_partitions_is_refused(self):
        self.set("controller_mutation_rate", 1)  # eleven at once
        self.assertEqual([self.create(name, 7, name) for name in ("a", "b")], [(0, 0)] * 2)
        error, wait_ms = self.create("c", 7, "c")
        self.assertEqual(error, 89)
        self.assertTrue(5000 < wait_ms <= 9000, wait_ms)
        self.assertEqual(self.create("c", 7, "d")[0], 89)

    def test_a_client_that_does_not_know_of_throttling_waits(self):
        self.set("controller_mutation_rate", 5)
        out = [self.create(f"topic-{n}", 5, f"c{n}") for n in range(7)]
        self.assertEqual({error for error, _ in out}, {0})
        self.assertEqual(out[0][1], 0)
        self.assertGreater(out[-1][1], 0)
        began = time.monotonic()
        self.ask("Metadata", 12, {"topics": []}, on="c6")
        self.assertGreaterEqual(time.monotonic() - began, out[-1][1] / 1000 * 0.8)


if __name__ == "__main__":
    unittest.main()
