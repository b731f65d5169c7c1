"""Wrong input ends in one clear error that names the file, the setting or the record, with the documented exit code."""

import socket
import sqlite3
import unittest

from job_case import JobCase


class BadInput(JobCase):
    def assert_refused(self, result, code, *texts):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        for text in texts:
            self.assertIn(text, result.stderr)

    def test_broken_json_names_file_line_and_column(self):
        (self.folder / "job.json").write_text('{"connectors": [}')
        self.assert_refused(self.penstock("run", "job.json"), 2, "job.json: not JSON at line 1, column 17")

    def test_a_missing_job_file_is_named(self):
        self.assert_refused(self.penstock("run", "nothing.json"), 2, "nothing.json: cannot be opened")

    def test_an_unknown_setting_is_named(self):
        self.make_database(rows=1)
        self.assert_refused(self.run_job(self.source(**{"tabel.whitelist": "people"})), 2, "job.json", "tabel.whitelist")

    def test_a_missing_plugin_is_named(self):
        source = self.source()
        source["config"]["connector.class"] = "OracleSource"
        self.assert_refused(self.run_job(source), 2, "job.json", "OracleSource")

    def test_a_missing_database_is_named(self):
        self.assert_refused(self.run_job(self.source()), 2, "source.db")

    def test_a_table_without_a_key_in_upsert_mode_is_named(self):
        path = self.folder / "source.db"
        with sqlite3.connect(path) as connection:
            connection.execute("create table keyless (a integer, b text)")
            connection.execute("insert into keyless values (1, 'x')")
        connection.close()
        result = self.run_job(self.source(**{"mode": "bulk", "table.whitelist": "keyless"}), self.sink(topics="keyless"))
        self.assert_refused(result, 1, "keyless", "key")

    def test_a_value_that_does_not_fit_names_table_and_column(self):
        self.make_database(rows=20)
        with sqlite3.connect(self.folder / "sink.db") as connection:
            connection.execute("create table people (id integer primary key, name text, height real, photo blob, age integer check (age < -1490))")
        connection.close()
        result = self.run_job(self.source(), self.sink(**{"auto.create": "false"}))
        self.assert_refused(result, 1, "people")

    def test_a_poison_record_goes_to_the_dead_letter_topic_when_asked(self):
        self.make_database(rows=20)
        with sqlite3.connect(self.folder / "sink.db") as connection:
            connection.execute("create table people (id integer primary key, name text, height real, photo blob, age integer check (age <> -1490))")
        connection.close()
        result = self.run_job(self.source(), self.sink(**{"auto.create": "false", "errors.tolerance": "all",
                                                           "errors.deadletterqueue.topic.name": "people-dlq",
                                                           "errors.deadletterqueue.topic.replication.factor": "1"}))
        self.assert_done(result)
        self.assertRegex(result.stdout, r"people +20 +20 +sink +20 +19 +1 +0")
        self.assertRegex(result.stdout, r"people-dlq +1 +1 ")
        self.assertEqual(self.rows("select count(*) from people where age = -1490"), [(0,)])
        self.assertEqual(self.rows("select count(*) from people"), [(19,)])

    def test_a_data_directory_in_use_is_named(self):
        import servers
        with servers.broker(self.folder) as first:
            second = self.folder / "broker-data"
            result = self.try_broker(f"log.dirs={second}")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(str(second), result.stderr)
            self.assertIn(str(first.pid), result.stderr)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = self.try_broker(f"listeners=PLAINTEXT://127.0.0.1:{port}")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(str(port), result.stderr)

    def try_broker(self, override):
        import servers
        import subprocess
        return subprocess.run([servers.BIN / "penstock-broker", "--override", f"log.dirs={self.folder}/other", "--override", override],
                              text=True, capture_output=True, timeout=30, check=False)


if __name__ == "__main__":
    unittest.main()
