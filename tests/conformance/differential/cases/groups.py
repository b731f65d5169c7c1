"""Classic groups, committed offsets and KIP-848's heartbeats."""

ID = "Q2xpZW50c0dpdmVUaGVtTw"
PROTOCOLS = [{"name": "range", "metadata": b"m"}]


def joined(t, group, version=9, *, label=None, on="a", **fields):
    """Joins without a member id, and again with the one that is given; the last answer."""
    values = {"group_id": group, "protocols": PROTOCOLS, **fields}
    answer = t.ask(label and f"{label}-first", "JoinGroup", version, {**values, "member_id": ""}, on=on)
    if answer["error_code"] == 79:
        answer = t.ask(label, "JoinGroup", version, {**values, "member_id": answer["member_id"]}, on=on)
    return answer


def sync(t, label, group, member, generation, *, on="a", **fields):
    return t.ask(label, "SyncGroup", 5, {"group_id": group, "generation_id": generation, "member_id": member, **fields}, on=on)


def join_refused(t):
    good = {"group_id": "refused", "member_id": "", "protocols": PROTOCOLS}
    for name, values in {
        "empty-group": {"group_id": ""}, "session-0": {"session_timeout_ms": 0}, "session-5999": {"session_timeout_ms": 5999},
        "session-too-long": {"session_timeout_ms": 1_800_001}, "session-negative": {"session_timeout_ms": -1},
        "no-protocols": {"protocols": []}, "no-protocol-type": {"protocol_type": ""}, "unknown-member": {"member_id": "nobody"},
        "unknown-static": {"member_id": "nobody", "group_instance_id": "i"},
        "long-group": {"group_id": "g" * 300},
        "twice-the-same-protocol": {"group_id": "refused-twice", "protocols": PROTOCOLS * 2},
        "rebalance-0": {"group_id": "refused-0", "rebalance_timeout_ms": 0}, "rebalance-negative": {"group_id": "refused-1", "rebalance_timeout_ms": -1},
    }.items():
        t.ask(name, "JoinGroup", 9, {**good, **values})


def member_alone(t):
    answer = joined(t, "alone", label="join")
    me, generation = answer["member_id"], answer["generation_id"]
    t.ask("heartbeat-before-sync", "Heartbeat", 4, {"group_id": "alone", "generation_id": generation, "member_id": me})
    t.ask("commit-before-sync", "OffsetCommit", 9, {"group_id": "alone", "generation_id": generation,
                                                    "member_id": me})
    t.ask("describe-before-sync", "DescribeGroups", 6, {"groups": ["alone"]})
    sync(t, "sync-later-generation", "alone", me, generation + 1)
    sync(t, "sync-earlier-generation", "alone", me, generation - 1)
    sync(t, "sync-unknown-member", "alone", "nobody", generation)
    sync(t, "sync-other-type", "alone", me, generation, protocol_type="connect", protocol_name="range")
    sync(t, "sync-other-protocol", "alone", me, generation, protocol_type="consumer", protocol_name="roundrobin")
    sync(t, "sync-empty-group", "", me, generation)
    sync(t, "sync-v5-without-protocol", "alone", me, generation)
    sync(t, "sync", "alone", me, generation, protocol_type="consumer", protocol_name="range", assignments=[{"member_id": me, "assignment": b"a"}])
    sync(t, "sync-again", "alone", me, generation, protocol_type="consumer", protocol_name="range")
    for name, values in {"good": {}, "later": {"generation_id": generation + 1}, "earlier": {"generation_id": generation - 1},
                         "negative": {"generation_id": -1}, "unknown": {"member_id": "nobody"}, "empty-member": {"member_id": ""},
                         "empty-group": {"group_id": ""}, "other-group": {"group_id": "alone-not"},
                         "unknown-instance": {"group_instance_id": "nobody"}}.items():
        t.ask(f"heartbeat-{name}", "Heartbeat", 4, {"group_id": "alone", "generation_id": generation, "member_id": me, **values})
    t.ask("describe", "DescribeGroups", 6, {"groups": ["alone"]})
    t.ask("describe-authorized", "DescribeGroups", 6, {"groups": ["alone"], "include_authorized_operations": True})
    t.ask("describe-twice", "DescribeGroups", 6, {"groups": ["alone", "alone"]})
    t.ask("describe-empty-name", "DescribeGroups", 6, {"groups": [""]})
    t.ask("delete-while-there", "DeleteGroups", 2, {"groups_names": ["alone"]})
    t.ask("list-stable", "ListGroups", 5, {"states_filter": ["Stable"]})
    t.ask("list-stable-lower-case", "ListGroups", 5, {"states_filter": ["stable"]})
    t.ask("list-unknown-state", "ListGroups", 5, {"states_filter": ["Nothing"]})
    t.ask("list-unknown-type", "ListGroups", 5, {"types_filter": ["nothing"]})
    t.ask("list-consumer-type", "ListGroups", 5, {"types_filter": ["consumer"]})
    t.ask("list-classic-stable", "ListGroups", 5, {"types_filter": ["Classic"], "states_filter": ["Stable"]})
    t.ask("join-other-type", "JoinGroup", 9, {"group_id": "alone", "member_id": "", "protocol_type": "connect", "protocols": PROTOCOLS}, on="b")
    t.ask("join-other-protocol", "JoinGroup", 9, {"group_id": "alone", "member_id": "", "protocols": [{"name": "sticky", "metadata": b""}]}, on="b")
    t.ask("join-again-same", "JoinGroup", 9, {"group_id": "alone", "member_id": me, "protocols": PROTOCOLS})
    t.ask("leave-unknown", "LeaveGroup", 5, {"group_id": "alone", "members": [{"member_id": "nobody"}]})
    t.ask("leave-nobody", "LeaveGroup", 5, {"group_id": "alone"})
    t.ask("leave-empty-member", "LeaveGroup", 5, {"group_id": "alone", "members": [{"member_id": ""}]})
    t.ask("leave-twice-in-one", "LeaveGroup", 5, {"group_id": "alone", "members": [{"member_id": me}] * 2})
    t.ask("leave-again", "LeaveGroup", 5, {"group_id": "alone", "members": [{"member_id": me}]})
    t.ask("leave-empty-group", "LeaveGroup", 5, {"group_id": "", "members": [{"member_id": me}]})
    t.ask("heartbeat-after-leave", "Heartbeat", 4, {"group_id": "alone", "generation_id": generation, "member_id": me})
    t.ask("describe-empty", "DescribeGroups", 6, {"groups": ["alone"]})
    t.ask("delete", "DeleteGroups", 2, {"groups_names": ["alone"]})
    t.ask("delete-again", "DeleteGroups", 2, {"groups_names": ["alone", "alone", ""]})
    t.ask("describe-deleted", "DescribeGroups", 6, {"groups": ["alone"]})


def two_members(t):
    first = joined(t, "two")
    sync(t, None, "two", first["member_id"], first["generation_id"], assignments=[{"member_id": first["member_id"], "assignment": b"all"}])
    beat = {"group_id": "two", "generation_id": first["generation_id"], "member_id": first["member_id"]}
    given = t.ask("second-first", "JoinGroup", 9, {"group_id": "two", "member_id": "", "protocols": PROTOCOLS}, on="b")
    t.send("JoinGroup", 9, {"group_id": "two", "member_id": given["member_id"], "protocols": PROTOCOLS}, on="b")
    t.until(lambda: t.ask(None, "Heartbeat", 4, beat)["error_code"] == 27, "the rebalance")
    t.ask("heartbeat-in-rebalance", "Heartbeat", 4, beat)
    t.ask("commit-in-rebalance", "OffsetCommit", 9, beat)
    sync(t, "sync-in-rebalance", "two", first["member_id"], first["generation_id"])
    t.ask("describe-in-rebalance", "DescribeGroups", 6, {"groups": ["two"]})
    again = t.ask("leader-rejoins", "JoinGroup", 9, {"group_id": "two", "member_id": first["member_id"], "protocols": PROTOCOLS})
    other = t.receive("second-joined", on="b")
    t.send("SyncGroup", 5, {"group_id": "two", "generation_id": other["generation_id"], "member_id": other["member_id"]}, on="b")
    sync(t, "leader-syncs", "two", first["member_id"], again["generation_id"],
         assignments=[{"member_id": first["member_id"], "assignment": b"1"}, {"member_id": other["member_id"], "assignment": b"2"},
                      {"member_id": "nobody", "assignment": b"3"}])
    t.receive("second-synced", on="b")
    t.ask("old-generation-heartbeat", "Heartbeat", 4, beat)
    t.ask("second-leaves", "LeaveGroup", 5, {"group_id": "two", "members": [{"member_id": other["member_id"], "reason": "done"}]}, on="b")
    t.ask("heartbeat-after-a-leave", "Heartbeat", 4, {**beat, "generation_id": again["generation_id"]})
    t.ask("leave-both", "LeaveGroup", 5, {"group_id": "two", "members": [{"member_id": other["member_id"]}, {"member_id": first["member_id"]}]})


def static_members(t):
    first = joined(t, "static", label="join", group_instance_id="one")
    me, generation = first["member_id"], first["generation_id"]
    sync(t, "sync", "static", me, generation, group_instance_id="one", assignments=[{"member_id": me, "assignment": b"a"}])
    sync(t, "sync-other-instance", "static", me, generation, group_instance_id="two")
    t.ask("describe", "DescribeGroups", 6, {"groups": ["static"]})
    again = t.ask("join-again-without-id", "JoinGroup", 9, {"group_id": "static", "member_id": "", "group_instance_id": "one", "protocols": PROTOCOLS})
    beat = {"group_id": "static", "generation_id": generation, "group_instance_id": "one"}
    t.ask("fenced-heartbeat", "Heartbeat", 4, {**beat, "member_id": me})
    t.ask("fenced-sync", "SyncGroup", 5, {**beat, "member_id": me})
    t.ask("fenced-commit", "OffsetCommit", 9, {**beat, "member_id": me, "topics": [{"name": "static", "partitions": [{"partition": 0, "offset": 1}]}]})
    t.ask("fenced-join", "JoinGroup", 9, {"group_id": "static", "member_id": me, "group_instance_id": "one", "protocols": PROTOCOLS})
    t.ask("fenced-leave", "LeaveGroup", 5, {"group_id": "static", "members": [{"member_id": me, "group_instance_id": "one"}]})
    t.ask("heartbeat", "Heartbeat", 4, {**beat, "member_id": again["member_id"], "generation_id": again["generation_id"]})
    t.ask("leave-unknown-instance", "LeaveGroup", 5, {"group_id": "static", "members": [{"member_id": "", "group_instance_id": "nobody"}]})
    t.ask("leave-by-instance", "LeaveGroup", 5, {"group_id": "static", "members": [{"member_id": "", "group_instance_id": "one"}]})
    t.ask("after", "DescribeGroups", 6, {"groups": ["static"]})


def offsets(t):
    t.topics([("offsets", 2, {})])
    topic = t.topic_id("offsets")

    def commit(label, *partitions, name="offsets", version=9, **fields):
        t.ask(label, "OffsetCommit", version, {"group_id": "offsets", "topics": [{"name": name, "partitions": list(partitions)}], **fields})

    def look(label, topics=None, version=9, **fields):
        t.ask(label, "OffsetFetch", version, {"groups": [{"group_id": "offsets", "topics": topics, **fields}]})

    look("none")
    look("none-asked", [{"name": "offsets", "partitions": [0]}])
    commit("simple", {"partition": 0, "offset": 5, "metadata": "m"})
    commit("null-metadata", {"partition": 1, "offset": 6, "metadata": None})
    commit("leader-epoch", {"partition": 1, "offset": 6, "leader_epoch": 3})
    look("all")
    look("asked", [{"name": "offsets", "partitions": [0, 1, 2, -1]}])
    look("asked-twice", [{"name": "offsets", "partitions": [0, 0]}])
    look("asked-unknown", [{"name": "nowhere", "partitions": [0]}])
    look("asked-nothing", [])
    look("asked-no-partitions", [{"name": "offsets", "partitions": []}])
    look("member-epoch", member_id="m", member_epoch=0)
    look("member-unknown", member_id="m", member_epoch=5)
    commit("negative", {"partition": 0, "offset": -1})
    commit("very-negative", {"partition": 0, "offset": -7})
    commit("largest", {"partition": 0, "offset": 2 ** 63 - 1})
    commit("back", {"partition": 0, "offset": 1})
    commit("twice", {"partition": 0, "offset": 2}, {"partition": 0, "offset": 3})
    commit("long-metadata", {"partition": 0, "offset": 9, "metadata": "x" * 4096})
    commit("too-long-metadata", {"partition": 0, "offset": 10, "metadata": "x" * 4097})
    commit("unknown-partition", {"partition": 2, "offset": 1})
    commit("negative-partition", {"partition": -1, "offset": 1})
    commit("good-and-unknown", {"partition": 0, "offset": 4}, {"partition": 7, "offset": 4})
    commit("unknown-topic", {"partition": 0, "offset": 1}, name="nowhere")
    commit("empty-topic", {"partition": 0, "offset": 1}, name="")
    commit("internal-topic", {"partition": 0, "offset": 1}, name="__consumer_offsets")
    commit("no-partitions")
    commit("empty-group", {"partition": 0, "offset": 1}, group_id="")
    commit("new-group-with-generation", {"partition": 0, "offset": 1}, group_id="offsets-new", generation_id=3)
    commit("new-group-with-member", {"partition": 0, "offset": 1}, group_id="offsets-new", member_id="m")
    commit("new-group-with-both", {"partition": 0, "offset": 1}, group_id="offsets-new", generation_id=3, member_id="m")
    commit("member-of-a-simple-group", {"partition": 0, "offset": 1}, member_id="m")
    commit("generation-of-a-simple-group", {"partition": 0, "offset": 1}, generation_id=0)
    commit("instance-of-a-simple-group", {"partition": 0, "offset": 1}, group_instance_id="i")
    commit("retention-v2", {"partition": 0, "offset": 8}, version=2, retention_time_ms=1000)
    look("at-the-end")
    look("stable-asked")
    t.ask("stable", "OffsetFetch", 9, {"require_stable": True, "groups": [{"group_id": "offsets", "topics": None}]})
    t.ask("empty-group-fetch", "OffsetFetch", 9, {"groups": [{"group_id": "", "topics": None}]})
    t.ask("no-groups", "OffsetFetch", 9, {})
    t.ask("two-groups", "OffsetFetch", 9, {"groups": [{"group_id": "offsets", "topics": None}, {"group_id": "offsets-not", "topics": None}]})
    t.ask("same-group-twice", "OffsetFetch", 9, {"groups": [{"group_id": "offsets", "topics": None}] * 2})
    t.ask("describe", "DescribeGroups", 6, {"groups": ["offsets"]})
    for name, partition, where in (("one", 0, "offsets"), ("again", 0, "offsets"), ("unknown-partition", 5, "offsets"), ("unknown-topic", 0, "nowhere"),
                                   ("negative", -1, "offsets")):
        t.ask(f"delete-{name}", "OffsetDelete", 0, {"group_id": "offsets", "topics": [{"name": where, "partitions": [{"partition": partition}]}]})
    t.ask("delete-unknown-group", "OffsetDelete", 0, {"group_id": "nobody", "topics": [{"name": "offsets", "partitions": [{"partition": 0}]}]})
    t.ask("delete-empty-group", "OffsetDelete", 0, {"group_id": "", "topics": [{"name": "offsets", "partitions": [{"partition": 0}]}]})
    look("after-delete")
    t.ask("delete-group", "DeleteGroups", 2, {"groups_names": ["offsets"]})
    look("after-delete-group")
    for name, each in (("known", topic), ("unknown", "11111111-2222-3333-4444-555555555555")):
        t.ask(f"by-id-{name}", "OffsetCommit", 10, {"group_id": "offsets", "topics": [{"topic_id": each, "partitions": [{"partition": 0, "offset": 1}]}]})
        t.ask(f"by-id-{name}-fetch", "OffsetFetch", 10, {"groups": [{"group_id": "offsets", "topics": [{"topic_id": each, "partitions": [0]}]}]})


def coordinators(t):
    for version in (1, 3):
        for kind in (-1, 2, 3, 127):
            t.ask(f"kind-{kind}-v{version}", "FindCoordinator", version, {"key": "k", "key_type": kind})
        t.ask(f"empty-key-v{version}", "FindCoordinator", version, {"key": ""})
    for name, values in {"no-keys": {}, "empty-key": {"keys": [""]}, "twice": {"keys": ["k", "k"]}, "kind-5": {"keys": ["k"], "key_type": 5}}.items():
        t.ask(f"{name}-v4", "FindCoordinator", 4, values)


def consumer_group(t):
    """KIP-848."""
    if not t.knows("ConsumerGroupHeartbeat", 1):
        t.left_out.append("consumer-group: ConsumerGroupHeartbeat 1")
        return
    t.topics([("next", 2, {})])
    topic = t.topic_id("next")
    t.alias(topic, "<next>")
    join = {"group_id": "next", "member_id": ID, "member_epoch": 0, "rebalance_timeout_ms": 5000, "subscribed_topic_names": ["next"],
            "topic_partitions": []}
    for name, values in {
        "empty-group": {"group_id": ""}, "no-member-id": {"member_id": ""}, "no-rebalance-timeout": {"rebalance_timeout_ms": -1},
        "no-subscription": {"subscribed_topic_names": None}, "no-partitions": {"topic_partitions": None},
        "owned-when-joining": {"topic_partitions": [{"topic_id": topic, "partitions": [0]}]}, "epoch-very-negative": {"member_epoch": -3},
        "epoch-leave-unknown": {"member_epoch": -1}, "epoch-static-leave-without-instance": {"member_epoch": -2},
        "epoch-unknown": {"member_epoch": 5}, "empty-instance": {"instance_id": ""}, "empty-rack": {"rack_id": ""},
        "unknown-assignor": {"server_assignor": "nothing"}, "empty-assignor": {"server_assignor": ""}, "bad-regex": {"subscribed_topic_regex": "["},
    }.items():
        t.ask(name, "ConsumerGroupHeartbeat", 1, {**join, **values})
    t.ask("describe-unknown", "ConsumerGroupDescribe", 1, {"group_ids": ["nobody", ""]})
    answer = t.ask("join", "ConsumerGroupHeartbeat", 1, join)
    epoch = answer["member_epoch"]
    t.keep("join-epoch", {"positive": epoch > 0})
    beat = {"group_id": "next", "member_id": ID, "member_epoch": epoch}
    t.ask("beat", "ConsumerGroupHeartbeat", 1, beat)
    t.ask("owned", "ConsumerGroupHeartbeat", 1, {**beat, "topic_partitions": [{"topic_id": topic, "partitions": [0, 1]}]})
    t.ask("later-epoch", "ConsumerGroupHeartbeat", 1, {**beat, "member_epoch": epoch + 1})
    t.ask("unknown-member", "ConsumerGroupHeartbeat", 1, {**beat, "member_id": "nobody"})
    t.ask("describe", "ConsumerGroupDescribe", 1, {"group_ids": ["next"]})
    t.ask("describe-as-classic", "DescribeGroups", 6, {"groups": ["next"]})
    t.ask("classic-heartbeat", "Heartbeat", 4, {"group_id": "next", "generation_id": epoch, "member_id": ID})
    t.ask("commit", "OffsetCommit", 9, {"group_id": "next", "generation_id": epoch, "member_id": ID,
                                        "topics": [{"name": "next", "partitions": [{"partition": 0, "offset": 3}]}]})
    t.ask("commit-stale", "OffsetCommit", 9, {"group_id": "next", "generation_id": epoch - 1, "member_id": ID,
                                              "topics": [{"name": "next", "partitions": [{"partition": 0, "offset": 4}]}]})
    t.ask("commit-unknown", "OffsetCommit", 9, {"group_id": "next", "generation_id": epoch, "member_id": "nobody",
                                                "topics": [{"name": "next", "partitions": [{"partition": 0, "offset": 4}]}]})
    t.ask("commit-without-member", "OffsetCommit", 9, {"group_id": "next", "topics": [{"name": "next", "partitions": [{"partition": 0, "offset": 4}]}]})
    for name, member, at in (("good", ID, epoch), ("stale", ID, epoch + 1), ("unknown", "nobody", epoch), ("none", None, -1)):
        t.ask(f"fetch-{name}", "OffsetFetch", 9, {"groups": [{"group_id": "next", "member_id": member, "member_epoch": at, "topics": None}]})
    t.ask("list", "ListGroups", 5, {"types_filter": ["consumer"], "states_filter": ["Stable"]})
    t.ask("delete-while-there", "DeleteGroups", 2, {"groups_names": ["next"]})
    t.ask("leave", "ConsumerGroupHeartbeat", 1, {**beat, "member_epoch": -1})
    t.ask("leave-again", "ConsumerGroupHeartbeat", 1, {**beat, "member_epoch": -1})
    t.ask("describe-empty", "ConsumerGroupDescribe", 1, {"group_ids": ["next"]})
    t.ask("delete", "DeleteGroups", 2, {"groups_names": ["next"]})
    classic = joined(t, "next-classic")
    t.ask("classic-is-no-consumer-group", "ConsumerGroupDescribe", 1, {"group_ids": ["next-classic"]})
    t.ask("classic-leaves", "LeaveGroup", 5, {"group_id": "next-classic", "members": [{"member_id": classic["member_id"]}]})


CASES = [join_refused, member_alone, two_members, static_members, offsets, coordinators, consumer_group]
