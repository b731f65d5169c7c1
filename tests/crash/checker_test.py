#!/usr/bin/env python3
"""The checker finds each anomaly in a tiny history, and each mutant of a sound history."""

import random
import unittest

import checker


def send(value, offset, status="ok", proc="p", key="t-0", txn=None):
    return {"f": "send", "proc": proc, "key": key, "value": value, "offset": offset, "status": status, **({"txn": txn} if txn else {})}


def poll(records, proc="c", key="t-0", **more):
    return {"f": "poll", "proc": proc, "key": key, "records": records, **more}


def anomalies(history, served, uncommitted=None, start=0):
    whole = None if uncommitted is None else {"t-0": uncommitted}
    return {name for name, examples in checker.check(history, {"t-0": served}, whole, {"t-0": start}).items() if examples}


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


class Transactions(unittest.TestCase):
    """Values of transactions, read by readers of committed values and by those who see all."""

    def setUp(self):
        self.history = [send("a", 0, txn=1), send("b", 1, txn=1), send("x", 3, "aborted", txn=2), send("c", 5, "info", txn=3), send("d", 6, "info", txn=3)]
        self.served = [[0, "a"], [1, "b"], [5, "c"], [6, "d"]]
        self.all = [[0, "a"], [1, "b"], [3, "x"], [5, "c"], [6, "d"]]

    def test_a_sound_history_has_none(self):
        self.assertEqual(anomalies(self.history, self.served, self.all), set())

    def test_one_without_an_end_may_be_aborted_as_a_whole(self):
        self.assertEqual(anomalies(self.history, self.served[:2], self.all), set())

    def test_half_of_one_without_an_end_is_torn(self):
        self.assertEqual(anomalies(self.history, self.served[:3], self.all), {"torn"})

    def test_half_of_one_over_two_partitions_is_torn(self):
        history = [send("a", 0, "info", txn=1), send("b", 0, "info", key="t-1", txn=1)]
        self.assertEqual(checker.counts(checker.check(history, {"t-0": [[0, "a"]], "t-1": []}))["torn"], 1)

    def test_a_committed_one_that_is_not_there_is_lost(self):
        self.assertEqual(anomalies(self.history, self.served[1:], self.all), {"lost"})

    def test_the_log_itself_may_not_lose_what_was_aborted(self):
        self.assertEqual(anomalies(self.history, self.served, self.all[:2] + self.all[3:]), {"lost"})

    def test_aborted_and_read_by_the_final_reader(self):
        self.assertEqual(anomalies(self.history, self.all, self.all), {"aborted"})

    def test_aborted_and_read_by_a_reader_of_committed_values(self):
        self.assertEqual(anomalies([*self.history, poll([[3, "x"]])], self.served, self.all), {"aborted"})

    def test_aborted_and_read_by_a_reader_of_all(self):
        self.assertEqual(anomalies([*self.history, poll([[3, "x"]], isolation="uncommitted")], self.served, self.all), set())

    def test_refused_and_read_by_a_reader_of_all(self):
        self.assertEqual(anomalies([send("a", None, "fail"), poll([[0, "a"]], isolation="uncommitted")], [], [[0, "a"]]), {"aborted"})

    def test_written_twice_into_an_aborted_one(self):
        self.assertIn("duplicate", anomalies(self.history, self.served, self.all[:3] + [[4, "x"]] + self.all[3:]))

    def test_another_value_where_an_aborted_one_was(self):
        self.assertIn("divergent", anomalies(self.history, self.served, self.all[:2] + [[3, "c"]] + self.all[3:]))

    def test_what_retention_took_is_not_lost(self):
        self.assertEqual(anomalies(self.history, self.served[3:], self.all[4:], start=6), set())


class Sessions(unittest.TestCase):
    def test_a_reader_who_misses_a_value(self):
        history = [send("a", 0), send("b", 1), send("c", 2), poll([[0, "a"]], session=1), poll([[2, "c"]], session=1)]
        self.assertEqual(anomalies(history, [[0, "a"], [1, "b"], [2, "c"]]), {"skipped"})

    def test_a_reader_of_committed_values_misses_no_aborted_one(self):
        history = [send("a", 0), send("x", 1, "aborted"), send("c", 2), poll([[0, "a"], [2, "c"]], session=1)]
        self.assertEqual(anomalies(history, [[0, "a"], [2, "c"]], [[0, "a"], [1, "x"], [2, "c"]]), set())

    def test_a_reader_of_all_misses_an_aborted_one(self):
        history = [send("a", 0), send("x", 1, "aborted"), send("c", 2), poll([[0, "a"], [2, "c"]], session=1, isolation="uncommitted")]
        self.assertEqual(anomalies(history, [[0, "a"], [2, "c"]], [[0, "a"], [1, "x"], [2, "c"]]), {"skipped"})

    def test_a_reader_who_is_sent_back(self):
        history = [send("a", 0), send("b", 1), poll([[1, "b"]], session=1), poll([[0, "a"]], session=1)]
        self.assertEqual(anomalies(history, [[0, "a"], [1, "b"]]), {"reordered"})

    def test_a_new_session_begins_anew(self):
        history = [send("a", 0), send("b", 1), poll([[1, "b"]], session=1), poll([[0, "a"]], session=2)]
        self.assertEqual(anomalies(history, [[0, "a"], [1, "b"]]), set())


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


class TransactionMutants(unittest.TestCase):
    """The same for a history of transactions: every third aborted, every fifth with an unknown end, four values each."""

    def setUp(self):
        self.random = random.Random(7)
        self.history, self.served, self.all = [], [], []
        for number in range(100):
            status = "aborted" if number % 3 == 0 else "info" if number % 5 == 0 else "ok"
            for sequence in range(4):
                value, offset = f"p:{number}:{sequence}", number * 5 + sequence  # a marker behind each
                self.history.append(send(value, offset, status, txn=f"p {number}"))
                self.all.append([offset, value])
                if status != "aborted":
                    self.served.append([offset, value])

    def mutants(self, change, name):
        self.assertEqual(anomalies(self.history, self.served, self.all), set())
        for _ in range(50):
            served = [list(record) for record in self.served]
            change(served)
            self.assertIn(name, anomalies(self.history, served, self.all))

    def of(self, status):
        return self.random.choice([[event["offset"], event["value"]] for event in self.history if event["status"] == status])

    def test_an_aborted_value_is_served(self):
        self.mutants(lambda served: (served.append(self.of("aborted")), served.sort()), "aborted")

    def test_a_committed_value_is_dropped(self):
        self.mutants(lambda served: served.remove(self.of("ok")), "lost")

    def test_a_value_of_a_transaction_with_unknown_end_is_dropped(self):
        self.mutants(lambda served: served.remove(self.of("info")), "torn")

    def test_a_committed_transaction_is_dropped(self):
        def drop(served):
            number = self.of("ok")[1].split(":")[1]
            served[:] = [record for record in served if record[1].split(":")[1] != number]
        self.mutants(drop, "lost")


if __name__ == "__main__":
    unittest.main()
