#!/usr/bin/env python3
"""What the campaigns make of their rounds: verdicts, exit codes, the clock of a failed fsync, the words of a broker about a cut."""

import argparse
import contextlib
import datetime
import io
import json
import unittest

import campaign
import fsync_error
import power_cut

LEAST = {"acknowledged": 100, "kills": 1}


def line(acknowledged=100, kills=1, anomalies=0):
    return {"acknowledged": acknowledged, "kills": kills, "anomalies": anomalies}


class Verdicts(unittest.TestCase):
    def test_enough_and_nothing_wrong_is_valid(self):
        self.assertEqual(campaign.verdict_of(line(), LEAST), "VALID")

    def test_few_acknowledgements_are_unknown(self):
        self.assertEqual(campaign.verdict_of(line(acknowledged=99), LEAST), "UNKNOWN")

    def test_a_fault_that_did_not_fire_is_unknown(self):
        self.assertEqual(campaign.verdict_of(line(kills=0), LEAST), "UNKNOWN")

    def test_a_missing_count_is_unknown(self):
        self.assertEqual(campaign.verdict_of({"anomalies": 0}, LEAST), "UNKNOWN")

    def test_an_anomaly_is_invalid_however_little_happened(self):
        self.assertEqual(campaign.verdict_of(line(acknowledged=0, anomalies=1), LEAST), "INVALID")

    def test_exit_codes(self):
        self.assertEqual(campaign.exit_code(["VALID"] * 9 + ["UNKNOWN"]), 0)
        self.assertEqual(campaign.exit_code(["VALID"] * 8 + ["UNKNOWN"] * 2), 2)
        self.assertEqual(campaign.exit_code(["UNKNOWN"]), 2)
        self.assertEqual(campaign.exit_code(["UNKNOWN", "INVALID"]), 1)
        self.assertEqual(campaign.exit_code([]), 1)

    def test_counts_add_up_and_of_times_the_largest_is_kept(self):
        sums, largest = campaign.totals_of([{"round": 0, "lost": 1, "offline_after_s": 0.5}, {"round": 1, "lost": 2, "offline_after_s": 0.25}])
        self.assertEqual((sums, largest), ({"lost": 3}, {"offline_after_s": 0.5}))


class Runs(unittest.TestCase):
    def run_with(self, results, **more):
        args = argparse.Namespace(rounds=len(results), seconds=None, seed=1, log=None, floor=None, keep=False, json=True)
        vars(args).update(more)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = campaign.run(args, lambda number, folder, random: results[number], LEAST)
        return code, json.loads(out.getvalue())

    def test_unknown_rounds_are_counted_and_too_many_of_them_fail(self):
        code, printed = self.run_with([line(), line(acknowledged=3)])
        self.assertEqual((code, printed["failed"], printed["unknown"]), (2, 0, 1))

    def test_the_floor_can_be_given(self):
        self.assertEqual(self.run_with([line(acknowledged=3)], floor=3)[0], 0)
        self.assertEqual(self.run_with([line(acknowledged=100)], floor=101)[0], 2)

    def test_clean_rounds(self):
        code, printed = self.run_with([line()] * 3)
        self.assertEqual((code, printed["rounds"], printed["unknown"]), (0, 3, 0))


class FailedSync(unittest.TestCase):
    def test_the_time_is_that_of_the_injected_call(self):
        trace = "7 100.000001 fdatasync(18)   = 0\n8 100.5 fdatasync(18) = -1 EIO (Input/output error) (INJECTED)\n7 101.0 fdatasync(18) = 0\n"
        self.assertEqual(fsync_error.failed_at(trace), [100.5])

    def test_a_split_line_has_the_time_of_its_begin(self):
        trace = ("7 100.25 fdatasync(18 <unfinished ...>\n8 100.3 fdatasync(19 <unfinished ...>\n8 100.4 <... fdatasync resumed>) = 0\n"
                 "7 100.5 <... fdatasync resumed>) = -1 EIO (Input/output error) (INJECTED)\n")
        self.assertEqual(fsync_error.failed_at(trace), [100.25])

    def test_the_word_of_the_broker_has_a_time(self):
        log = "2026-01-02 03:04:05.678 info ready\n2026-01-02 03:04:06.250 critical /d takes no more records: fdatasync /d/x.log: Input/output error\n"
        self.assertEqual(fsync_error.offline_at(log), datetime.datetime(2026, 1, 2, 3, 4, 6, 250000).timestamp())
        self.assertIsNone(fsync_error.offline_at("2026-01-02 03:04:05.678 info ready\n"))

    def test_within_a_second_is_in_time(self):
        found = fsync_error.measure(100.0, 100.9, [(99.0, 5), (100.8, 3)])
        self.assertEqual((found["late"], found["acknowledged_behind_it"], found["acknowledged_later"]), (0, 3, 0))
        self.assertEqual((found["offline_after_s"], found["last_acknowledged_after_s"]), (0.9, 0.8))

    def test_late_words_and_late_acknowledgements_count(self):
        self.assertEqual(fsync_error.measure(100.0, 101.1, [(99.0, 5)])["late"], 1)
        found = fsync_error.measure(100.0, 100.1, [(99.0, 5), (101.5, 2), (102.0, 1)])
        self.assertEqual((found["late"], found["acknowledged_later"], found["last_acknowledged_after_s"]), (1, 3, 2.0))

    def test_another_clock_is_no_measure(self):
        with self.assertRaises(ValueError):
            fsync_error.measure(100.0, 99.0, [])


class Words(unittest.TestCase):
    SAID = ("2026-01-02 03:04:05.678 warning campaign-0: the computer restarted without a clean stop, and with penstock.flush=os records that were "
            "acknowledged shortly before may be lost; the log ends at offset 3\n2026-01-02 03:04:05.679 info nothing is lost here\n")

    @staticmethod
    def sends(count):
        return [{"key": "campaign-0", "status": "ok", "offset": offset, "value": f"v{offset}"} for offset in range(count)]

    @staticmethod
    def wrong(sends, offsets, named, end):
        return power_cut.disagreements(sends, {"campaign-0": [[offset, f"v{offset}"] for offset in offsets]}, named, {"campaign-0": end})

    def test_the_named_ends_are_read(self):
        self.assertEqual(power_cut.named_ends(self.SAID), {"campaign-0": 3})

    def test_what_was_lost_behind_the_named_end_is_named(self):
        self.assertEqual(self.wrong(self.sends(5), range(3), {"campaign-0": 3}, 3), [])

    def test_nothing_lost_needs_no_word_and_may_have_one(self):
        self.assertEqual(self.wrong(self.sends(5), range(5), {}, 5), [])
        self.assertEqual(self.wrong(self.sends(5), range(5), {"campaign-0": 5}, 5), [])

    def test_a_loss_without_a_word(self):
        self.assertEqual(len(self.wrong(self.sends(5), range(3), {}, 3)), 1)
        self.assertEqual(len(self.wrong(self.sends(5), range(3), {"campaign-1": 3}, 3)), 1)

    def test_a_loss_in_front_of_the_named_end(self):
        self.assertEqual(len(self.wrong(self.sends(5), [0, 2], {"campaign-0": 3}, 3)), 1)

    def test_records_behind_the_named_end(self):
        self.assertEqual(len(self.wrong(self.sends(5), range(5), {"campaign-0": 3}, 3)), 1)

    def test_a_log_that_ends_elsewhere(self):
        self.assertEqual(len(self.wrong(self.sends(5), range(3), {"campaign-0": 3}, 4)), 1)

    def test_what_was_not_acknowledged_may_go(self):
        sends = [*self.sends(3), {"key": "campaign-0", "status": "info", "offset": None, "value": "w"}]
        self.assertEqual(self.wrong(sends, range(3), {"campaign-0": 3}, 3), [])


if __name__ == "__main__":
    unittest.main()
