#!/usr/bin/env python3
"""The checker finds each anomaly in a tiny history, and each mutant of a sound history."""

import random
import unittest

import checker


def send(value, offset, status="ok", proc="p", key="t-0"):
    return {"f": "send", "proc": proc, "key": key, "value": value, "offset": offset, "status": status}


def poll(records, proc="c", key="t-0"):
    return {"f": "poll", "proc": proc, "key": key, "records": records}


def anomalies(history, served):
    return {name for name, examples in checker.check(history, {"t-0": served}).items() if examples}


class Histories(unittest.TestCase):
    def test_a_sound_history_has_none(self):
        history = [send("a", 0), send("b", 1), send("c", None, "info"), send("d", 3), poll([[0, "a"], [1, "b"]])]
        self.assertEqual(anomalies(history, [[0, "a"], [1, "b"], [2, "c"], [3, "d"]]), set())

    def test_a_write_without_an_answer_may_be_missing(self):
        self.assertEqual(anomalies([send("a", 0), send("b", None, "info")], [[0, "a"]]), set())

    def test_gaps_of_markers_are_legal(self):
        self.assertEqual(anomalies([send("a", 0), send("b", 2)], [[0, "a"], [2, "b"]]), set())

    def test_lost_in_the_middle(self):
        self.assertEqual(anomalies([send("a", 0), send("b", 1), send("c", 2)], [[0, "a"], [2, "c"]]), {"lost"})

    def test_lost_at_the_end(self):
        self.assertEqual(anomalies([send("a", 0), send("b", 1)], [[0, "a"]]), {"lost"})

    def test_moved_to_another_offset_is_lost(self):
        self.assertEqual(anomalies([send("a", 0)], [[1, "a"]]), {"lost"})

    def test_duplicate(self):
        self.assertIn("duplicate", anomalies([send("a", 0)], [[0, "a"], [1, "a"]]))

    def test_reordered(self):
        self.assertIn("reordered", anomalies([send("a", None), send("b", None)], [[0, "b"], [1, "a"]]))

    def test_served_backwards(self):
        self.assertIn("reordered", anomalies([send("a", 0), send("b", 1)], [[1, "b"], [0, "a"]]))

    def test_divergent_between_readers(self):
        self.assertIn("divergent", anomalies([send("a", 0), send("b", None, "info"), poll([[0, "b"]])], [[0, "a"]]))

    def test_divergent_between_producers(self):
        self.assertIn("divergent", anomalies([send("a", 0), send("b", 0)], [[0, "a"]]))

    def test_refused_and_read(self):
        self.assertEqual(anomalies([send("a", None, "fail")], [[0, "a"]]), {"aborted"})

    def test_aborted_and_read_once_by_a_consumer(self):
        self.assertEqual(anomalies([send("a", None, "aborted"), poll([[0, "a"]])], []), {"aborted"})

    def test_phantom(self):
        self.assertEqual(anomalies([send("a", 0)], [[0, "a"], [1, "x"]]), {"phantom"})

    def test_partitions_are_apart(self):
        history = [send("a", 0), send("b", 0, key="t-1")]
        self.assertEqual(checker.counts(checker.check(history, {"t-0": [[0, "a"]], "t-1": [[0, "b"]]})), dict.fromkeys(checker.NAMES, 0))


class Mutants(unittest.TestCase):
    """One fault put into a large sound history must be found, every time."""

    def setUp(self):
        self.random = random.Random(7)
        self.history = [send(f"p{number % 3}:{number}", number, proc=f"p{number % 3}") for number in range(300)]
        self.served = [[event["offset"], event["value"]] for event in self.history]

    def mutants(self, change, name):
        for _ in range(50):
            served = [list(record) for record in self.served]
            change(served)
            self.assertIn(name, anomalies(self.history, served))

    def test_dropped(self):
        self.mutants(lambda served: served.pop(self.random.randrange(len(served))), "lost")

    def test_copied(self):
        self.mutants(lambda served: served.append([len(served), self.random.choice(served)[1]]), "duplicate")

    def test_swapped(self):
        def swap(served):
            at = self.random.randrange(len(served) - 3)
            served[at][1], served[at + 3][1] = served[at + 3][1], served[at][1]
        self.mutants(swap, "divergent")
        self.history = [{**event, "offset": None} for event in self.history]  # a client that does not know where its records went
        self.mutants(swap, "reordered")

    def test_cut(self):
        self.mutants(lambda served: served.__delitem__(slice(self.random.randrange(len(served)), None)), "lost")

    def test_other_bytes(self):
        def spoil(served):
            self.random.choice(served)[1] = "wrong"
        self.mutants(spoil, "phantom")


if __name__ == "__main__":
    unittest.main()
