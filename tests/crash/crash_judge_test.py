#!/usr/bin/env python3
"""The judge of crash_points.py finds what a broker could do wrong, in what a broker answered."""

import unittest

import campaign  # noqa: F401  pylint: disable=unused-import; makes tests/support/python known
import crash_judge
import crash_workload


class Broker:
    """Answers of a broker after a crash, as wire_requests.Requests gives them."""

    def __init__(self, workload):
        self.there = {name: max(topic.partitions) for name, topic in workload.topics.items()}
        self.settings = {(name, key): str(value) for name, topic in workload.topics.items() for key, value in topic.config.items()}
        self.settings["plain", "retention.ms"] = "700000"
        self.offsets = {}
        self.starts = {}
        self.records = {}

    def topics(self):
        return self.there

    def config(self, topic, key):
        return self.settings[topic, key]

    def committed(self, group, _topic):
        return self.offsets.get(group, -1)

    def offset(self, topic, _partition, _timestamp):
        return self.starts.get(topic, 0)

    def read(self, topic, partition, **_):
        return self.records.get((topic, partition), [])


class Judge(unittest.TestCase):
    def setUp(self):
        self.workload = crash_workload.Workload()
        for topic in self.workload.topics.values():
            topic.state = "there"
        self.workload.retention_ms = {"700000"}
        self.workload.groups["group-a"] = [4, {4, 5}]
        self.workload.starts["plain"] = [2, {2}]
        self.workload.written = {"k": [["old", "ok"], ["known", "ok"], ["later", "info"]]}
        self.workload.history = [self.event("plain-0", f"p{offset}", offset) for offset in range(2, 5)] + \
            [self.event("idem-0", f"i{offset}", offset) for offset in range(3)] + \
            [{**self.event(f"txn-{partition}", f"t{partition}", 0), "status": "info", "txn": "t"} for partition in (0, 1)]
        self.broker = Broker(self.workload)
        self.broker.offsets["group-a"] = 5
        self.broker.starts["plain"] = 2
        self.broker.records = {("plain", 0): [[offset, None, b"p%d" % offset] for offset in range(2, 5)],
                               ("idem", 0): [[offset, None, b"i%d" % offset] for offset in range(3)],
                               ("txn", 0): [[0, None, b"t0"]], ("txn", 1): [[0, None, b"t1"]],
                               ("compact", 0): [[1, b"k", b"known"]]}
        self.workload.requests = self.broker

    @staticmethod
    def event(key, value, offset):
        return {"f": "send", "proc": key, "key": key, "value": value, "offset": offset, "status": "ok"}

    def found(self):
        return [*crash_judge.before(self.workload, self.broker), *crash_judge.after(self.workload)[0]]

    def test_a_sound_broker(self):
        self.assertEqual(self.found(), [])

    def test_a_topic_is_gone(self):
        del self.broker.there["short"]
        self.assertTrue(any("the topic short is gone" in text for text in crash_judge.before(self.workload, self.broker)))

    def test_a_deleted_topic_is_back(self):
        self.workload.topics["gone"].state = "absent"
        self.assertIn("the topic gone is there", self.found())

    def test_a_topic_that_was_being_deleted_may_be_either(self):
        self.workload.topics["gone"].state = "deleting"
        self.assertEqual(self.found(), [])
        del self.broker.there["gone"]
        self.assertEqual(crash_judge.before(self.workload, self.broker), [])

    def faults(self, change, text):
        change()
        self.assertTrue(any(text in each for each in self.found()), self.found())

    def test_partitions_are_missing(self):
        self.faults(lambda: self.broker.there.update(txn=1), "txn has 1 partitions")

    def test_a_setting_went_back(self):
        self.faults(lambda: self.broker.settings.update({("plain", "retention.ms"): "600000"}), "retention.ms")

    def test_an_offset_went_back(self):
        self.faults(lambda: self.broker.offsets.update({"group-a": 3}), "group-a: offset 3")

    def test_an_offset_that_nobody_committed(self):
        self.faults(lambda: self.broker.offsets.update({"group-a": 6}), "group-a: offset 6")

    def test_deleted_records_are_back(self):
        self.faults(lambda: self.broker.starts.update(plain=0), "plain begins at 0")

    def test_a_record_is_lost(self):
        self.faults(lambda: self.broker.records["plain", 0].pop(), "lost")

    def test_a_retry_was_stored_twice(self):
        self.faults(lambda: self.broker.records["idem", 0].append([3, None, b"i2"]), "duplicate")

    def test_half_a_transaction(self):
        self.faults(lambda: self.broker.records["txn", 1].clear(), "torn")

    def test_an_aborted_value(self):
        def abort():
            for event in self.workload.history:
                if event.get("txn"):
                    event["status"] = "aborted"
        self.faults(abort, "aborted")

    def test_compaction_kept_the_old_value(self):
        self.faults(lambda: self.broker.records.update({("compact", 0): [[0, b"k", b"old"]]}), "compact: k is")

    def test_compaction_lost_the_key(self):
        self.faults(lambda: self.broker.records.update({("compact", 0): []}), "compact: k is None")

    def test_compaction_may_keep_what_was_not_acknowledged(self):
        self.broker.records["compact", 0] = [[2, b"k", b"later"]]
        self.assertEqual(self.found(), [])

    def test_compaction_made_a_value_up(self):
        self.faults(lambda: self.broker.records["compact", 0].append([3, b"k", b"other"]), "phantom")


if __name__ == "__main__":
    unittest.main()
