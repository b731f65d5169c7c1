"""Topics, partitions, configs, metadata and the other calls of administrators."""

NO_ID = "00000000-0000-0000-0000-000000000000"
NOBODY = "11111111-2222-3333-4444-555555555555"


def create_topics(t):
    def make(label, *topics, version=5, **fields):
        t.ask(label, "CreateTopics", version, {"topics": list(topics), **fields})

    def config(name, value):
        return {"name": "made-config", "configs": [{"name": name, "value": value}]}

    for name in ("", ".", "..", "a b", "a/b", "ä", "x" * 249, "x" * 250, "__consumer_offsets", "__mine", "-", "A.b_c-1"):
        make(f"name-{name[:20]}-{len(name)}", {"name": name}, validate_only=name.startswith("x"))
    make("collides", {"name": "A_b.c-1"})
    make("exists", {"name": "-"})
    make("twice", {"name": "made-twice"}, {"name": "made-twice"})
    make("good-and-bad", {"name": "made-good"}, {"name": "made bad"})
    for count in (0, -2, -1, 2 ** 31 - 1):
        make(f"partitions-{count}", {"name": f"made-partitions{count}", "num_partitions": count})
    for factor in (0, -2, -1, 2, 32767):
        make(f"factor-{factor}", {"name": f"made-factor{factor}", "replication_factor": factor})
    for name, assigned in {
        "one": [(0, [1])], "two": [(0, [1]), (1, [1])], "gap": [(0, [1]), (2, [1])], "unknown-broker": [(0, [9])], "no-brokers": [(0, [])],
        "same-broker-twice": [(0, [1, 1])], "same-partition-twice": [(0, [1]), (0, [1])], "negative-partition": [(-1, [1])],
        "negative-broker": [(0, [-1])], "uneven": [(0, [1]), (1, [1, 2])],
    }.items():
        make(f"assigned-{name}", {"name": f"made-{name}", "num_partitions": -1, "replication_factor": -1,
                                  "assignments": [{"partition_index": index, "broker_ids": brokers} for index, brokers in assigned]})
    make("assigned-and-counted", {"name": "made-both", "num_partitions": 1, "replication_factor": 1,
                                  "assignments": [{"partition_index": 0, "broker_ids": [1]}]})
    for label, name, value in (
            ("unknown", "no.such.setting", "1"), ("empty-name", "", "1"), ("null-value", "retention.ms", None), ("empty-value", "retention.ms", ""),
            ("word", "retention.ms", "soon"), ("retention-minus-2", "retention.ms", "-2"), ("policy", "cleanup.policy", "shred"),
            ("policy-empty", "cleanup.policy", ""), ("policy-twice", "cleanup.policy", "delete,delete"), ("policy-spaces", "cleanup.policy", "compact, delete"),
            ("segment-small", "segment.bytes", "13"), ("segment-large", "segment.bytes", "2147483648"), ("isr-0", "min.insync.replicas", "0"),
            ("isr-2", "min.insync.replicas", "2"), ("ratio-2", "min.cleanable.dirty.ratio", "2"), ("type", "message.timestamp.type", "Whenever"),
            ("max-negative", "max.message.bytes", "-1"), ("compression", "compression.type", "rar"), ("flush-0", "flush.messages", "0"),
            ("format", "message.format.version", "2.0"), ("remote", "remote.storage.enable", "true")):
        make(f"config-{label}", {**config(name, value), "name": f"made-config-{label}"})
    make("config-twice", {"name": "made-config-twice", "configs": [{"name": "retention.ms", "value": "1"}, {"name": "retention.ms", "value": "2"}]})
    make("config-good", {"name": "made-config-good", "configs": [{"name": "retention.ms", "value": "7200000"}, {"name": "cleanup.policy", "value": "compact"}]})
    make("validate-exists", {"name": "-"}, validate_only=True)
    make("timeout-0", {"name": "made-timeout"}, timeout_ms=0, validate_only=True)
    make("timeout-negative", {"name": "made-timeout"}, timeout_ms=-1, validate_only=True)


def delete_topics(t):
    t.topics([(f"gone-{number}", 1, {}) for number in range(4)])
    first = t.topic_id("gone-0")
    for name, topics in {"unknown": ["nowhere"], "empty": [""], "invalid": ["a b"], "internal": ["nowhere-2"],
                         "twice": ["gone-1", "gone-1"], "good-and-unknown": ["gone-2", "nowhere"]}.items():
        t.ask(name, "DeleteTopics", 5, {"topic_names": topics})
    for name, topics in {"by-unknown-id": [{"name": None, "topic_id": NOBODY}], "by-zero-id": [{"name": None, "topic_id": NO_ID}],
                         "by-both": [{"name": "gone-0", "topic_id": first}], "by-id": [{"name": None, "topic_id": first}],
                         "by-id-again": [{"name": None, "topic_id": first}], "by-name": [{"name": "gone-3", "topic_id": NO_ID}]}.items():
        t.ask(name, "DeleteTopics", 6, {"topics": topics})


def create_partitions(t):
    t.topics([("grow", 2, {})])
    for name, topic in {
        "same": {"name": "grow", "count": 2}, "fewer": {"name": "grow", "count": 1}, "zero": {"name": "grow", "count": 0},
        "negative": {"name": "grow", "count": -1}, "largest": {"name": "grow", "count": 2 ** 31 - 1}, "unknown": {"name": "nowhere", "count": 3},
        "empty-name": {"name": "", "count": 3}, "no-assignments": {"name": "grow", "count": 3, "assignments": []},
        "few-assignments": {"name": "grow", "count": 4, "assignments": [{"broker_ids": [1]}]},
        "many-assignments": {"name": "grow", "count": 3, "assignments": [{"broker_ids": [1]}] * 2},
        "unknown-broker": {"name": "grow", "count": 3, "assignments": [{"broker_ids": [7]}]},
        "no-broker": {"name": "grow", "count": 3, "assignments": [{"broker_ids": []}]},
        "broker-twice": {"name": "grow", "count": 3, "assignments": [{"broker_ids": [1, 1]}]},
        "good": {"name": "grow", "count": 3, "assignments": [{"broker_ids": [1]}]},
    }.items():
        t.ask(name, "CreatePartitions", 3, {"topics": [topic]})
    t.ask("twice", "CreatePartitions", 3, {"topics": [{"name": "grow", "count": 5}, {"name": "grow", "count": 6}]})
    t.ask("validate", "CreatePartitions", 3, {"topics": [{"name": "grow", "count": 9}], "validate_only": True})
    t.ask("after", "Metadata", 8, {"topics": [{"name": "grow"}]})


def metadata(t):
    t.topics([("meta", 2, {})])
    topic = t.topic_id("meta")
    for name, values in {
        "unknown": {"topics": [{"name": "meta-nowhere"}]}, "invalid": {"topics": [{"name": "a b"}]}, "empty-name": {"topics": [{"name": ""}]},
        "twice": {"topics": [{"name": "meta"}, {"name": "meta"}]}, "two": {"topics": [{"name": "meta"}, {"name": "meta-nowhere"}]},
        "topic-operations": {"topics": [{"name": "meta"}], "include_topic_authorized_operations": True},
        "unknown-operations": {"topics": [{"name": "meta-nowhere"}], "include_topic_authorized_operations": True},
        "invalid-created": {"topics": [{"name": "a b"}], "allow_auto_topic_creation": True},
    }.items():
        for version in (4, 8, 12):
            if version >= 8 or "operations" not in name:
                t.ask(f"{name}-v{version}", "Metadata", version, values)
    t.ask("cluster-operations-v8", "Metadata", 8, {"topics": [], "include_cluster_authorized_operations": True})
    for version in (10, 12, 13):
        for name, each in {"id": {"topic_id": topic, "name": None}, "unknown-id": {"topic_id": NOBODY, "name": None},
                           "zero-id": {"topic_id": NO_ID, "name": None}, "id-and-name": {"topic_id": topic, "name": "meta"}}.items():
            if t.knows("Metadata", version):
                t.ask(f"{name}-v{version}", "Metadata", version, {"topics": [each]})
    t.ask("created", "Metadata", 12, {"topics": [{"name": "meta-created"}], "allow_auto_topic_creation": True})
    t.ask("cluster", "DescribeCluster", 1, {"include_cluster_authorized_operations": True})
    for kind in (0, 2, 3):
        t.ask(f"endpoints-{kind}", "DescribeCluster", 1, {"endpoint_type": kind})


def configs(t):
    t.topics([("config", 1, {"retention_ms": 5_000_000})])
    topic = {"resource_type": 2, "resource_name": "config"}

    def describe(label, resource, version=4, **fields):
        t.ask(label, "DescribeConfigs", version, {"resources": [resource], **fields})

    describe("all", topic)
    describe("synonyms", {**topic, "configuration_keys": ["retention.ms", "segment.bytes"]}, include_synonyms=True)
    describe("documentation", {**topic, "configuration_keys": ["retention.ms"]}, include_documentation=True)
    describe("no-keys", {**topic, "configuration_keys": []})
    describe("unknown-key", {**topic, "configuration_keys": ["nothing"]})
    describe("unknown-topic", {**topic, "resource_name": "nowhere"})
    describe("invalid-topic", {**topic, "resource_name": "a b"})
    describe("empty-topic", {**topic, "resource_name": ""})
    for kind in (0, 1, 3, 5, 16, 32, 127, -1):
        describe(f"kind-{kind}", {"resource_type": kind, "resource_name": "1", "configuration_keys": []})
    describe("broker", {"resource_type": 4, "resource_name": "1", "configuration_keys": ["message.max.bytes", "num.partitions"]})
    describe("broker-unknown", {"resource_type": 4, "resource_name": "9", "configuration_keys": []})
    describe("broker-word", {"resource_type": 4, "resource_name": "one", "configuration_keys": []})
    describe("broker-default", {"resource_type": 4, "resource_name": "", "configuration_keys": []})
    t.ask("twice", "DescribeConfigs", 4, {"resources": [{**topic, "configuration_keys": ["retention.ms"]}] * 2})
    for label, resource, changes in (
            ("set", topic, [("retention.ms", 0, "6000000")]), ("delete", topic, [("retention.ms", 1, None)]),
            ("delete-unset", topic, [("segment.bytes", 1, None)]), ("append", topic, [("cleanup.policy", 2, "compact")]),
            ("append-again", topic, [("cleanup.policy", 2, "compact")]), ("subtract", topic, [("cleanup.policy", 3, "compact")]),
            ("subtract-missing", topic, [("cleanup.policy", 3, "compact")]), ("append-to-number", topic, [("retention.ms", 2, "5")]),
            ("operation-9", topic, [("retention.ms", 9, "5")]), ("operation-negative", topic, [("retention.ms", -1, "5")]),
            ("set-null", topic, [("retention.ms", 0, None)]), ("set-unknown", topic, [("nothing", 0, "5")]),
            ("delete-unknown", topic, [("nothing", 1, None)]), ("set-word", topic, [("retention.ms", 0, "soon")]),
            ("set-twice", topic, [("retention.ms", 0, "1"), ("retention.ms", 0, "2")]), ("nothing", topic, []),
            ("unknown-topic", {**topic, "resource_name": "nowhere"}, [("retention.ms", 0, "5")]),
            ("invalid-topic", {**topic, "resource_name": "a b"}, [("retention.ms", 0, "5")]),
            ("empty-topic", {**topic, "resource_name": ""}, [("retention.ms", 0, "5")]),
            ("kind-0", {"resource_type": 0, "resource_name": "x"}, [("a", 0, "b")]),
            ("broker-unknown", {"resource_type": 4, "resource_name": "9"}, [("message.max.bytes", 0, "5000")])):
        t.ask(f"change-{label}", "IncrementalAlterConfigs", 1, {"resources": [
            {**resource, "configs": [{"name": name, "config_operation": operation, "value": value} for name, operation, value in changes]}]})
    t.ask("change-same-resource-twice", "IncrementalAlterConfigs", 1, {
        "resources": [{**topic, "configs": [{"name": "retention.ms", "config_operation": 0, "value": "7000000"}]}] * 2})
    t.ask("change-validate", "IncrementalAlterConfigs", 1, {"validate_only": True, "resources": [
        {**topic, "configs": [{"name": "retention.ms", "config_operation": 0, "value": "8000000"}]}]})
    describe("after-changes", {**topic, "configuration_keys": ["retention.ms", "cleanup.policy"]})
    for label, resource, changes in (
            ("one", topic, [("retention.ms", "6000000")]), ("none", topic, []), ("null", topic, [("retention.ms", None)]),
            ("unknown", topic, [("nothing", "1")]), ("twice", topic, [("retention.ms", "1"), ("retention.ms", "2")]),
            ("unknown-topic", {**topic, "resource_name": "nowhere"}, [("retention.ms", "5")]), ("kind-0", {"resource_type": 0, "resource_name": "x"}, [])):
        t.ask(f"replace-{label}", "AlterConfigs", 2, {"resources": [
            {**resource, "configs": [{"name": name, "value": value} for name, value in changes]}]})
    describe("after-replacing", {**topic, "configuration_keys": ["retention.ms", "cleanup.policy"]})


def one_broker(t):
    """What a cluster of one can say about replicas."""
    t.topics([("replicas", 2, {})])
    part = [{"topic": "replicas", "partitions": [0]}]
    for version in range(3):
        if t.knows("ElectLeaders", version):
            t.ask(f"elect-v{version}", "ElectLeaders", version, {"topic_partitions": part})
    if t.knows("ElectLeaders", 2):
        for name, values in {"unclean": {"election_type": 1, "topic_partitions": part}, "type-5": {"election_type": 5, "topic_partitions": part},
                             "unknown-partition": {"topic_partitions": [{"topic": "replicas", "partitions": [9]}]},
                             "unknown-topic": {"topic_partitions": [{"topic": "nowhere", "partitions": [0]}]}, "none": {"topic_partitions": []}}.items():
            t.ask(f"elect-{name}", "ElectLeaders", 2, values)
    for version in (0, 1):
        if t.knows("AlterPartitionReassignments", version):
            for name, topics in {
                "same": [{"name": "replicas", "partitions": [{"partition": 0, "replicas": [1]}]}],
                "unknown-broker": [{"name": "replicas", "partitions": [{"partition": 0, "replicas": [2]}]}],
                "empty": [{"name": "replicas", "partitions": [{"partition": 0, "replicas": []}]}],
                "cancel": [{"name": "replicas", "partitions": [{"partition": 0, "replicas": None}]}],
                "twice-the-broker": [{"name": "replicas", "partitions": [{"partition": 0, "replicas": [1, 1]}]}],
                "unknown-partition": [{"name": "replicas", "partitions": [{"partition": 7, "replicas": [1]}]}],
                "unknown-topic": [{"name": "nowhere", "partitions": [{"partition": 0, "replicas": [1]}]}], "none": [],
            }.items():
                t.ask(f"reassign-{name}-v{version}", "AlterPartitionReassignments", version, {"topics": topics})
    if t.knows("ListPartitionReassignments", 0):
        for name, topics in {"all": None, "one": [{"name": "replicas", "partitions": [0]}], "unknown": [{"name": "nowhere", "partitions": [0]}], "none": []}.items():
            t.ask(f"reassignments-{name}", "ListPartitionReassignments", 0, {"topics": topics})
    for version in (1, 2, 3, 4, 5):
        if t.knows("DescribeLogDirs", version):
            t.ask(f"dirs-v{version}", "DescribeLogDirs", version, {"topics": part})
            t.ask(f"dirs-unknown-v{version}", "DescribeLogDirs", version, {"topics": [{"topic": "nowhere", "partitions": [0]}]})
            t.ask(f"dirs-none-v{version}", "DescribeLogDirs", version, {"topics": []})
    if t.knows("DescribeTopicPartitions", 0):
        for name, values in {"one": {"topics": [{"name": "replicas"}]}, "unknown": {"topics": [{"name": "nowhere"}]}, "invalid": {"topics": [{"name": "a b"}]},
                             "page": {"topics": [{"name": "replicas"}], "response_partition_limit": 1}, "limit-0": {"topics": [{"name": "replicas"}], "response_partition_limit": 0},
                             "cursor": {"topics": [{"name": "replicas"}], "cursor": {"topic_name": "replicas", "partition_index": 1}},
                             "cursor-beyond": {"topics": [{"name": "replicas"}], "cursor": {"topic_name": "replicas", "partition_index": 9}},
                             "cursor-negative": {"topics": [{"name": "replicas"}], "cursor": {"topic_name": "replicas", "partition_index": -1}},
                             "twice": {"topics": [{"name": "replicas"}, {"name": "replicas"}]}}.items():
            t.ask(f"pages-{name}", "DescribeTopicPartitions", 0, values)
    for version in (0, 1):
        if t.knows("ListConfigResources", version):
            t.ask(f"resources-v{version}", "ListConfigResources", version, {"resource_types": [16, 32]} if version else {})


def update_features(t):
    """Nothing is changed in the end: what follows needs the features as they were."""
    def one(name, level, kind=1, allow=False):
        return {"feature": name, "max_version_level": level, "upgrade_type": kind, "allow_downgrade": allow}

    def update(label, version, *updates, **fields):
        if t.knows("UpdateFeatures", version):
            t.ask(label, "UpdateFeatures", version, {"feature_updates": list(updates), **fields})

    transactions, groups = "transaction.version", "group.version"
    for version in range(3):
        update(f"none-v{version}", version)
        update(f"same-v{version}", version, one(transactions, 2))
        update(f"down-unasked-v{version}", version, one(transactions, 1))
        update(f"too-high-v{version}", version, one(transactions, 3))
        update(f"unknown-v{version}", version, one("nope", 1))
        update(f"mixed-v{version}", version, one(groups, 1), one(transactions, 9))
    update("type-0", 1, one(transactions, 2, 0))
    update("type-4", 2, one(transactions, 2, 4))
    update("negative", 2, one(transactions, -1, 2))
    update("unknown-down", 2, one("nope", 0, 2))
    update("unknown-up", 2, one("nope", 0))
    update("same-as-downgrade", 2, one(transactions, 2, 2))
    update("validate", 1, one(transactions, 1, 2), validate_only=True)
    update("down-by-flag", 0, one(transactions, 1, allow=True))


def security(t):
    """Nobody logs in and nobody authorizes."""
    t.each_version("acls", "DescribeAcls", {"resource_type_filter": 1, "pattern_type_filter": 1, "operation": 1, "permission_type": 1}, 1)
    rule = {"resource_type": 2, "resource_name": "x", "resource_pattern_type": 3, "principal": "User:a", "host": "*", "operation": 3, "permission_type": 3}
    t.each_version("allow", "CreateAcls", {"creations": [rule, rule]}, 1)
    t.each_version("allow-nothing", "CreateAcls", {}, 1)
    t.each_version("forbid", "DeleteAcls", {"filters": [{"resource_type_filter": 1, "pattern_type_filter": 1, "operation": 1, "permission_type": 1}]}, 1)
    t.each_version("token", "CreateDelegationToken", {"max_lifetime_ms": -1}, 1)
    t.each_version("renew", "RenewDelegationToken", {"hmac": b"1", "renew_period_ms": 1}, 1)
    t.each_version("expire", "ExpireDelegationToken", {"hmac": b"1", "expiry_time_period_ms": 1}, 1)
    t.each_version("tokens", "DescribeDelegationToken", {}, 1)


def group_configs(t):
    group = {"resource_type": 32, "resource_name": "config-group"}
    session, heartbeat = "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"

    def describe(label, name="config-group", keys=(session, heartbeat), **fields):
        t.ask(label, "DescribeConfigs", 4, {"resources": [{**group, "resource_name": name, "configuration_keys": list(keys)}], **fields})

    def change(label, *changes, name="config-group", **fields):
        t.ask(label, "IncrementalAlterConfigs", 1, {"resources": [{**group, "resource_name": name, "configs": [
            {"name": key, "config_operation": operation, "value": value} for key, operation, value in changes]}], **fields})

    def resources(label):
        t.ask(label, "ListConfigResources", 1, {"resource_types": [32]})

    describe("unset")
    describe("unset-synonyms", include_synonyms=True)
    describe("no-name", "")
    describe("odd-name", "a b/c")
    resources("none-listed")
    change("set", (session, 0, "50000"))
    describe("after-set", include_synonyms=True)
    resources("one-listed")
    change("set-both", (session, 0, "55000"), (heartbeat, 0, "6000"))
    change("validated", (session, 0, "46000"), validate_only=True)
    for label, key, value in (("session-short", session, "44999"), ("session-long", session, "60001"), ("session-0", session, "0"), ("word", session, "soon"),
                              ("negative", session, "-5"), ("heartbeat-short", heartbeat, "4999"), ("heartbeat-long", heartbeat, "15001"),
                              ("unknown", "nothing", "1"), ("broker-name", "group.consumer.session.timeout.ms", "50000"), ("null", session, None),
                              ("empty", session, ""), ("large", session, "99999999999")):
        change(label, (key, 0, value))
    change("appended", (session, 2, "1"))
    change("deleted-unknown", ("nothing", 1, None))
    change("twice", (session, 0, "50000"), (session, 0, "51000"))
    change("nothing")
    change("no-group", (session, 0, "50000"), name="")
    change("odd-group", (session, 0, "50000"), name="a b/c")
    describe("after-refusals")
    t.ask("replaced", "AlterConfigs", 2, {"resources": [{**group, "configs": [{"name": heartbeat, "value": "7000"}]}]})
    describe("after-replacing")
    t.ask("replaced-wrong", "AlterConfigs", 2, {"resources": [{**group, "configs": [{"name": heartbeat, "value": "70000"}]}]})
    resources("two-listed")
    change("deleted", (heartbeat, 1, None))
    describe("after-deleting")
    resources("after-deleting-listed")


CASES = [create_topics, delete_topics, create_partitions, metadata, configs, group_configs, security, one_broker, update_features]
