"""docs/compatibility.md says what the broker answers: its APIs and versions, its settings and their defaults.

`python3 compatibility_page_test.py --write` puts the broker's tables into the page."""

import pathlib
import re
import shutil
import struct
import sys
import tempfile
import unittest

import kafka_wire
import servers

PAGE = servers.ROOT / "docs" / "compatibility.md"
NAMES = {0: "Produce", 1: "Fetch", 2: "ListOffsets", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch", 10: "FindCoordinator",
         11: "JoinGroup", 12: "Heartbeat", 13: "LeaveGroup", 14: "SyncGroup", 15: "DescribeGroups", 16: "ListGroups", 18: "ApiVersions",
         19: "CreateTopics", 20: "DeleteTopics", 21: "DeleteRecords", 22: "InitProducerId", 23: "OffsetForLeaderEpoch",
         32: "DescribeConfigs", 33: "AlterConfigs", 34: "AlterReplicaLogDirs", 35: "DescribeLogDirs", 37: "CreatePartitions", 42: "DeleteGroups",
         43: "ElectLeaders", 44: "IncrementalAlterConfigs", 45: "AlterPartitionReassignments", 46: "ListPartitionReassignments",
         47: "OffsetDelete", 48: "DescribeClientQuotas", 49: "AlterClientQuotas", 50: "DescribeUserScramCredentials",
         60: "DescribeCluster", 74: "ListConfigResources", 75: "DescribeTopicPartitions"}
TOPIC, BROKER = 2, 4
STARTED_WITH = {"listeners", "log.dirs"}


def describe(client, kind, name):
    """DescribeConfigs v1: {setting: default or value}."""
    body = struct.pack(">ib", 1, kind) + struct.pack(">h", len(name)) + name.encode() + struct.pack(">ib", -1, 0)
    reader = client.call(32, 1, body)
    reader.take("ii")
    error = reader.take("h")
    message = reader.text()
    if error:
        raise kafka_wire.WireError(f"DescribeConfigs: error {error}: {message}")
    reader.take("b")
    reader.text()
    out = {}
    for _ in range(reader.take("i")):
        key = reader.text()
        out[key] = reader.text()
        reader.take("bbb")
        if reader.take("i"):
            raise kafka_wire.WireError("synonyms that nobody asked for")
    return out


def answers():
    """The tables as the broker gives them: name -> rows of cells."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-page-"))
    try:
        with servers.broker(folder) as broker, kafka_wire.Client(broker.address) as client:
            apis = client.api_versions()
            client.metadata(["t"])
            kafka_wire.wait_until(lambda: client.metadata().get("t"), 10, "topic t")
            topic, own = describe(client, TOPIC, "t"), describe(client, BROKER, "1")
    finally:
        shutil.rmtree(folder)
    for name in STARTED_WITH:
        own[name] = "PLAINTEXT://127.0.0.1:9092" if name == "listeners" else None
    return {"apis": [[str(key), NAMES.get(key, "?"), f"{low}-{high}"] for key, (low, high) in sorted(apis.items())],
            "topic settings": [[name, value or ""] for name, value in sorted(topic.items())],
            "broker settings": [[name, value or ""] for name, value in sorted(own.items())]}


def table_of(text, name):
    """The rows between <!-- name --> and <!-- end -->, without heading."""
    block = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", text, re.S)
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in block[1].splitlines()[2:]]


def write():
    text = PAGE.read_text()
    heads = {"apis": "| key | API | versions |\n|---|---|---|\n", "topic settings": "| topic setting | default |\n|---|---|\n",
             "broker settings": "| broker setting | default |\n|---|---|\n"}
    for name, rows in answers().items():
        lines = heads[name] + "".join("| " + " | ".join(f"`{cell}`" if at == 0 and name != "apis" else cell for at, cell in enumerate(row)) + " |\n"
                                      for row in rows)
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- end -->", lambda _: f"<!-- {name} -->\n{lines}<!-- end -->", text, flags=re.S)
    PAGE.write_text(text)


class CompatibilityPage(unittest.TestCase):
    def test_its_tables_are_what_the_broker_answers(self):
        text = PAGE.read_text()
        for name, rows in answers().items():
            with self.subTest(name):
                self.assertEqual(table_of(text, name), rows, f"run {pathlib.Path(__file__).name} --write")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
