#!/usr/bin/env python3
"""What the broker's benchmark says of a row when Kafka did not run, and when it did."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support" / "python"))
import broker  # noqa: E402


def said(*row):
    """(what the table prints of it, the row itself)."""
    table = broker.Table()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        table.add("a measure", "ms", *row)
    return out.getvalue().rstrip(), table.rows[0]


class Rows(unittest.TestCase):
    def test_relative_to_kafka_without_kafka_is_not_compared(self):
        printed, row = said(3.0, None, "1/2", broker.against(None, lambda kafkas: 3.0 <= kafkas / 2))
        self.assertTrue(printed.endswith("not compared"))
        self.assertEqual((row["reached"], row["compared"]), (None, False))

    def test_relative_to_kafka_beside_kafka(self):
        self.assertTrue(broker.against(8.0, lambda kafkas: 3.0 <= kafkas / 2))
        self.assertFalse(broker.against(5.0, lambda kafkas: 3.0 <= kafkas / 2))

    def test_a_missed_floor_is_missed_without_kafka_too(self):
        self.assertIs(broker.against(None, lambda kafkas: True, alone=False), False)
        self.assertIs(broker.against(8.0, lambda kafkas: True, alone=False), False)

    def test_nothing_asked_says_nothing(self):
        printed, row = said(3.0, None, "printed", None)
        self.assertTrue(printed.endswith("printed"))
        self.assertEqual((row["reached"], row["compared"]), (None, True))

    def test_reached_and_missed(self):
        self.assertTrue(said(3.0, 9.0, "1/2", True)[0].endswith("yes"))
        self.assertTrue(said(3.0, 4.0, "1/2", False)[0].endswith("NO"))

    def test_the_peak_is_that_of_all_brokers_of_a_kind(self):
        peaks = {}
        for peak in (7.0, 9.0, 8.0):
            one = broker.Penstock(pathlib.Path(tempfile.mkdtemp()))
            one.peak_mb = peak
            broker.note(peaks, one)
            self.assertFalse(one.folder.exists())
        self.assertEqual(peaks, {"penstock": 9.0})


if __name__ == "__main__":
    unittest.main()
