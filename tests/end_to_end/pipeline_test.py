"""Rows flow from a database through topics and back out, by `penstock run`."""

import json
import shutil
import sqlite3
import unittest

from job_case import JobCase


class Pipeline(JobCase):
    def test_every_row_arrives_and_the_summary_counts_them(self):
        self.make_database()
        result = self.run_job(self.source(), self.sink())
        self.assert_done(result)
        self.assertRegex(result.stdout, r"people +3,000 +3,000 +sink +3,000 +3,000 +0 +0")
        self.assert_equal_content("people")

    def test_the_second_run_brings_only_what_is_new(self):
        self.make_database()
        self.assert_done(self.run_job(self.source(), self.sink()))
        with sqlite3.connect(self.folder / "source.db") as connection:
            connection.execute("insert into people values (9001, 'new', 1.5, x'00', 7)")
        connection.close()
        result = self.run_job(self.source(), self.sink())
        self.assert_done(result)
        self.assertRegex(result.stdout, r"people +3,001 +1 +sink +1 +1 +0 +0")
        self.assert_equal_content("people")

    def test_tables_without_rowid_go_in_bulk(self):
        self.make_database(rows=10)
        result = self.run_job(self.source(**{"mode": "bulk", "table.whitelist": "people,colours", "poll.interval.ms": "3600000"}),
                              self.sink(topics="people,colours"))
        self.assert_done(result)
        self.assert_equal_content("people,colours")

    def test_json_output_is_json(self):
        self.make_database(rows=100)
        result = self.penstock("run", "--json", self.write_job(self.source(), self.sink()))
        self.assert_done(result)
        last = [json.loads(line) for line in result.stdout.splitlines()][-1]
        self.assertEqual(last["topics"][0]["stored"], 100)

    def test_topics_of_the_job_file_are_made_with_their_partitions(self):
        self.make_database()
        result = self.run_job(self.source(), self.sink(), topics=[{"name": "people", "partitions": 4}])
        self.assert_done(result)
        self.assert_equal_content("people")

    def test_a_file_sink_writes_one_json_object_a_row(self):
        self.make_database(rows=50)
        archive = {"name": "archive", "config": {"connector.class": "FileSink", "directory": "archive", "topics": "people",
                                                 **{k: v for k, v in self.sink()["config"].items() if "converter" in k}}}
        self.assert_done(self.run_job(self.source(), archive))
        lines = [json.loads(line) for path in sorted((self.folder / "archive").glob("*")) for line in path.read_text().splitlines()]
        self.assertEqual(sorted(line["id"] for line in lines), list(range(1, 51)))

    def test_timestamps_of_the_running_second_are_waited_for(self):
        with sqlite3.connect(self.folder / "source.db") as connection:
            connection.execute("create table people (id integer primary key, name text, changed timestamp not null default current_timestamp)")
            connection.executemany("insert into people (name) values (?)", ((f"n{i}",) for i in range(500)))
        connection.close()
        result = self.run_job(self.source(**{"mode": "timestamp+incrementing", "timestamp.column.name": "changed"}), self.sink())
        self.assert_done(result)
        self.assertEqual(self.rows("select count(*) from people"), [(500,)])

    def test_a_bulk_read_that_outlasts_its_interval_ends(self):
        self.make_database(rows=20_000)
        result = self.run_job(self.source(**{"mode": "bulk", "poll.interval.ms": "2000"}), self.sink())
        self.assert_done(result)
        self.assertRegex(result.stdout, r"people +20,000 +20,000 +sink")

    def test_a_replaced_target_is_filled_anew(self):
        self.make_database(rows=300)
        self.assert_done(self.run_job(self.source(), self.sink()))
        for path in self.folder.glob("sink.db*"):
            path.unlink()
        with sqlite3.connect(self.folder / "source.db") as connection:
            connection.execute("insert into people values (9001, 'new', 1.5, x'00', 7)")
        connection.close()
        self.assert_done(self.run_job(self.source(), self.sink()))
        self.assert_equal_content("people")

    def test_starting_over_with_fresh_topics_fills_the_same_target(self):
        self.make_database(rows=300)
        self.assert_done(self.run_job(self.source(), self.sink()))
        shutil.rmtree(self.folder / "penstock-data")
        with sqlite3.connect(self.folder / "source.db") as connection:
            connection.execute("update people set name = 'changed'")
        connection.close()
        self.assert_done(self.run_job(self.source(), self.sink()))
        self.assert_equal_content("people")

    def test_offsets_count_for_one_cluster(self):
        self.make_database(rows=300)
        self.assert_done(self.run_job(self.source(), self.sink()))
        shutil.rmtree(self.folder / "penstock-data" / "broker")
        (self.folder / "sink.db").unlink()
        self.assert_done(self.run_job(self.source(), self.sink()))
        self.assert_equal_content("people")

    def test_a_topic_that_nobody_wrote_to_is_named(self):
        self.make_database(rows=10)
        result = self.run_job(self.source(), self.sink(topics="people,poeple"))
        self.assert_done(result)
        self.assertIn('there is no topic "poeple"', result.stderr)

    def test_an_unreachable_cluster_is_named_soon(self):
        self.make_database(rows=10)
        result = self.penstock("run", self.write_job(self.source(), self.sink()), "--bootstrap", "127.0.0.1:1", seconds=20)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("127.0.0.1:1", result.stderr)


if __name__ == "__main__":
    unittest.main()
