"""What a cluster of one says about its quorum, its log directories and its users' passwords."""

METADATA = {"topic_name": "__cluster_metadata", "partitions": [{"partition_index": 0}]}


def quorum(t):
    for version in range(3):
        t.ask(f"metadata-v{version}", "DescribeQuorum", version, {"topics": [METADATA]})
        for name, topics in {
            "none": [], "no-partitions": [{**METADATA, "partitions": []}], "other-partition": [{**METADATA, "partitions": [{"partition_index": 1}]}],
            "negative-partition": [{**METADATA, "partitions": [{"partition_index": -1}]}],
            "two-partitions": [{**METADATA, "partitions": [{"partition_index": 0}, {"partition_index": 1}]}],
            "partition-twice": [{**METADATA, "partitions": [{"partition_index": 0}] * 2}], "twice": [METADATA, METADATA],
            "other-topic": [{**METADATA, "topic_name": "nowhere"}], "empty-name": [{**METADATA, "topic_name": ""}],
            "good-and-other": [METADATA, {**METADATA, "topic_name": "nowhere"}],
        }.items():
            t.ask(f"{name}-v{version}", "DescribeQuorum", version, {"topics": topics})


def moved_directories(t):
    t.topics([("moved-dirs", 2, {})])
    there = t.ask(None, "DescribeLogDirs", 1, {"topics": [{"topic": "moved-dirs", "partitions": [0]}]})["results"][0]["log_dir"]

    def move(label, version, path, *topics):
        t.ask(f"{label}-v{version}", "AlterReplicaLogDirs", version, {"dirs": [
            {"path": path, "topics": [{"name": name, "partitions": partitions} for name, partitions in topics]}]})

    for version in (1, 2):
        move("same", version, there, ("moved-dirs", [0, 1]))
        move("unknown-directory", version, "/nowhere", ("moved-dirs", [0]))
        move("relative-directory", version, "nowhere", ("moved-dirs", [0]))
        move("empty-directory", version, "", ("moved-dirs", [0]))
        move("unknown-partition", version, there, ("moved-dirs", [0, 7]))
        move("negative-partition", version, there, ("moved-dirs", [-1]))
        move("unknown-topic", version, there, ("nowhere", [0]))
        move("empty-topic", version, there, ("", [0]))
        move("unknown-directory-and-topic", version, "/nowhere", ("nowhere", [0]))
        move("no-topics", version, there)
        move("no-partitions", version, there, ("moved-dirs", []))
        move("two-topics", version, there, ("moved-dirs", [0]), ("nowhere", [0]))
        t.ask(f"nothing-v{version}", "AlterReplicaLogDirs", version, {"dirs": []})
        t.ask(f"two-directories-v{version}", "AlterReplicaLogDirs", version, {"dirs": [
            {"path": there, "topics": [{"name": "moved-dirs", "partitions": [0]}]}, {"path": "/nowhere", "topics": [{"name": "moved-dirs", "partitions": [1]}]}]})
    t.ask("after", "DescribeLogDirs", 1, {"topics": [{"topic": "moved-dirs", "partitions": [0, 1]}]})


def passwords(t):
    """SCRAM credentials: there are none, as nobody logs in."""
    for name, users in {"all": None, "none": [], "one": [{"name": "alice"}], "two": [{"name": "alice"}, {"name": "bob"}],
                        "twice": [{"name": "alice"}, {"name": "alice"}], "empty-name": [{"name": ""}],
                        "empty-and-one": [{"name": ""}, {"name": "alice"}]}.items():
        t.ask(name, "DescribeUserScramCredentials", 0, {"users": users})


CASES = [quorum, moved_directories, passwords]
