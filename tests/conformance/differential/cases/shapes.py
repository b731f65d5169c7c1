"""Each API at every version, with a request that succeeds and with the smallest one; frames that are no requests."""

import struct

import batches
import codec

NO_ID = "00000000-0000-0000-0000-000000000000"


def produce_versions(t):
    t.topic("shape-produce")
    topic = t.topic_id("shape-produce")
    t.each_version("one", "Produce", lambda version: {"topics": [
        {"name": "shape-produce", "topic_id": topic, "partitions": [{"index": 0, "records": batches.batch()}]}]}, 3)
    t.each_version("no-topics", "Produce", {}, 3)


def fetch_versions(t):
    t.topic("shape-fetch")
    topic = t.topic_id("shape-fetch")
    t.produce(None, "shape-fetch", batches.batch(2))
    t.each_version("one", "Fetch", lambda version: {"topics": [
        {"topic": "shape-fetch", "topic_id": topic, "partitions": [{"partition": 0, "fetch_offset": 0}]}]}, 4)
    t.each_version("no-topics", "Fetch", {}, 4)


def list_offsets_versions(t):
    t.topic("shape-offsets")
    t.produce(None, "shape-offsets", batches.batch(2))
    for name, timestamp in (("latest", -1), ("earliest", -2), ("time", batches.TIME)):
        t.each_version(name, "ListOffsets", {"topics": [{"name": "shape-offsets", "partitions": [{"partition": 0, "timestamp": timestamp}]}]}, 1)
    t.each_version("no-topics", "ListOffsets", {}, 1)


def metadata_versions(t):
    t.topic("shape-metadata", 2)
    t.each_version("one", "Metadata", {"topics": [{"name": "shape-metadata"}]}, 0)
    t.each_version("empty", "Metadata", lambda version: {"topics": [] if version else [{"name": "shape-metadata"}]}, 0)


def offset_versions(t):
    t.topic("shape-commit")
    topic = t.topic_id("shape-commit")
    t.ask(None, "OffsetCommit", 9, {"group_id": "shape-commit"})
    t.each_version("commit", "OffsetCommit", lambda version: {"group_id": "shape-commit", "topics": [
        {"name": "shape-commit", "topic_id": topic, "partitions": [{"partition": 0, "offset": 7, "metadata": "m"}]}]}, 2)
    t.each_version("fetch", "OffsetFetch", lambda version: {
        "group_id": "shape-commit", "topics": [{"name": "shape-commit", "partitions": [0]}]} if version < 8 else {"groups": [
            {"group_id": "shape-commit", "topics": [{"name": "shape-commit", "topic_id": topic, "partitions": [0]}]}]}, 1)
    t.each_version("fetch-all", "OffsetFetch", lambda version: {
        "group_id": "shape-commit", "topics": None} if version < 8 else {"groups": [{"group_id": "shape-commit", "topics": None}]}, 2)
    t.each_version("commit-nothing", "OffsetCommit", {"group_id": "shape-commit"}, 2)


def coordinator_versions(t):
    t.each_version("group", "FindCoordinator", lambda version: (
        {"key": "shape"} if version < 4 else {"keys": ["shape", "other"]}), 0)


def group_versions(t):
    unknown = {"group_id": "shape-unknown", "generation_id": 1, "member_id": "nobody"}
    t.each_version("heartbeat", "Heartbeat", unknown, 0)
    t.each_version("sync", "SyncGroup", {**unknown, "protocol_type": "consumer", "protocol_name": "range"}, 0)
    t.each_version("leave", "LeaveGroup", lambda version: {"group_id": "shape-unknown", "member_id": "nobody"} if version < 3 else {
        "group_id": "shape-unknown", "members": [{"member_id": "nobody"}]}, 0)
    t.each_version("describe", "DescribeGroups", {"groups": ["shape-unknown"]}, 0)
    t.each_version("describe-none", "DescribeGroups", {}, 0)
    t.each_version("delete", "DeleteGroups", {"groups_names": ["shape-unknown"]}, 0)
    t.each_version("delete-none", "DeleteGroups", {}, 0)
    t.each_version("list", "ListGroups", {"states_filter": ["Dead"]}, 4)
    for version in range(10):
        if t.knows("JoinGroup", version):
            group = {"group_id": f"shape-join-{version}", "protocols": [{"name": "range", "metadata": b"m"}]}
            answer = t.ask(f"join-v{version}", "JoinGroup", version, {**group, "member_id": ""})
            if answer["error_code"] == 79:
                answer = t.ask(f"join-again-v{version}", "JoinGroup", version, {**group, "member_id": answer["member_id"]})
            t.ask(None, "LeaveGroup", 2, {"group_id": group["group_id"], "member_id": answer["member_id"]})


def api_versions(t):
    for version in (3, 4):
        for name, values in (("bad-name", {"client_software_name": "no spaces"}), ("no-name", {"client_software_name": ""}),
                             ("bad-version", {"client_software_version": "-1"})):
            t.ask(f"{name}-v{version}", "ApiVersions", version, values)


def topic_versions(t):
    t.each_version("create", "CreateTopics", lambda version: {"topics": [{"name": f"shape-create-{version}"}]}, 2)
    t.each_version("create-none", "CreateTopics", {}, 2)
    t.each_version("validate", "CreateTopics", {"topics": [{"name": "shape-validate", "num_partitions": 3}], "validate_only": True}, 2)
    t.each_version("grow-none", "CreatePartitions", {}, 0)
    t.each_version("grow", "CreatePartitions", lambda version: {"topics": [{"name": "shape-create-2", "count": 2 + version}]}, 0)
    t.each_version("delete", "DeleteTopics", lambda version: {"topic_names": [f"shape-create-{version + 1}"]} if version < 6 else {
        "topics": [{"name": "shape-create-7", "topic_id": NO_ID}]}, 1)
    t.each_version("delete-none", "DeleteTopics", {}, 1)


def record_versions(t):
    t.topic("shape-delete")
    t.produce(None, "shape-delete", batches.batch(5))
    t.each_version("delete", "DeleteRecords", lambda version: {
        "topics": [{"name": "shape-delete", "partitions": [{"partition": 0, "offset": version + 1}]}]}, 0)
    t.each_version("delete-none", "DeleteRecords", {}, 0)
    t.each_version("producer", "InitProducerId", {}, 0, 5)
    t.each_version("epoch", "OffsetForLeaderEpoch", {"topics": [{"topic": "shape-delete", "partitions": [{"partition": 0, "leader_epoch": 0}]}]}, 2)
    t.each_version("epoch-none", "OffsetForLeaderEpoch", {}, 2)


def config_versions(t):
    t.topic("shape-config")
    resource = {"resource_type": 2, "resource_name": "shape-config"}
    t.each_version("describe", "DescribeConfigs", {"resources": [{**resource, "configuration_keys": ["retention.ms", "cleanup.policy"]}]}, 1)
    t.each_version("describe-none", "DescribeConfigs", {}, 1)
    t.each_version("alter", "AlterConfigs", {"resources": [{**resource, "configs": [{"name": "retention.ms", "value": "1000000"}]}]}, 0)
    t.each_version("alter-none", "AlterConfigs", {}, 0)
    t.each_version("increment", "IncrementalAlterConfigs", {"resources": [{**resource, "configs": [{"name": "retention.ms", "value": "2000000"}]}]}, 0)
    t.each_version("increment-none", "IncrementalAlterConfigs", {}, 0)
    t.each_version("cluster", "DescribeCluster", {}, 0)
    t.each_version("delete-offsets", "OffsetDelete", {"group_id": "shape-unknown"}, 0)


def strange_frames(t):
    t.raw("unknown-key", struct.pack(">hhih", 999, 0, 1, -1))
    t.raw("negative-key", struct.pack(">hhih", -1, 0, 1, -1))
    t.raw("metadata-too-new", struct.pack(">hhih", 3, 99, 1, -1) + b"\0\0")
    t.raw("metadata-negative", struct.pack(">hhih", 3, -1, 1, -1) + b"\0\0")
    t.raw("fetch-too-old", struct.pack(">hhih", 1, 3, 1, -1))
    t.raw("produce-2", codec.header(0, 2, 1) + struct.pack(">hii", 1, 1000, 0))
    t.raw("leader-and-isr", struct.pack(">hhih", 4, 0, 1, -1))
    t.raw("empty", b"")
    t.raw("three-bytes", b"\0\3\0")
    t.raw("no-client-id", struct.pack(">hhi", 3, 1, 1))
    t.raw("client-id-too-long", struct.pack(">hhih", 3, 1, 1, 100) + b"x")
    t.raw("client-id-null", struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0)[:2])
    t.ask("heartbeat-cut", "Heartbeat", 0, body=b"\0\1x\0\0")
    t.ask("metadata-array-too-long", "Metadata", 1, body=struct.pack(">i", 1000000))
    t.ask("heartbeat-null-group", "Heartbeat", 0, body=struct.pack(">hih", -1, 1, 0))
    t.ask("heartbeat-trailing", "Heartbeat", 0, {"group_id": "strange"}, tail=b"more")
    t.ask("heartbeat-trailing-flexible", "Heartbeat", 4, {"group_id": "strange"}, tail=b"more")
    t.ask("heartbeat-unknown-tag", "Heartbeat", 4, {"group_id": "strange", "_tags": {99: b"what"}})
    t.ask("heartbeat-tag-cut", "Heartbeat", 4, body=b"\2x\0\0\0\1\2y\0\1\5\x40z")
    t.ask("client-id-null-flexible", "Heartbeat", 4, {"group_id": "strange"}, client=None)
    t.ask("client-id-empty", "Heartbeat", 4, {"group_id": "strange"}, client="")


CASES = [produce_versions, fetch_versions, list_offsets_versions, metadata_versions, offset_versions, coordinator_versions, group_versions,
         api_versions, topic_versions, record_versions, config_versions, strange_frames]
