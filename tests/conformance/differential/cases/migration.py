"""Groups of consumers that go from the classic protocol to KIP-848's and back while they have members."""

import struct

from cases.groups import joined, sync

C = "Q29uc3VtZXJQcm90b2NvbA"


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def owned_bytes(partitions):
    return b"".join([struct.pack(">i", len(partitions)), *(text(topic) + struct.pack(f">i{len(numbers)}i", len(numbers), *numbers)
                                                           for topic, numbers in partitions.items())])


def subscription(*topics, owned=None, version=3):
    """ConsumerProtocolSubscription, as Java consumers write it."""
    out = struct.pack(">hi", version, len(topics)) + b"".join(map(text, topics)) + struct.pack(">i", -1)
    if version >= 1:
        out += owned_bytes(owned or {})
    if version >= 2:
        out += struct.pack(">i", -1)
    if version >= 3:
        out += struct.pack(">h", -1)
    return out


def assignment(partitions, user_data=None):
    return struct.pack(">h", 3) + owned_bytes(partitions) + (
        struct.pack(">i", -1) if user_data is None else struct.pack(">i", len(user_data)) + user_data)


def protocols(*topics, name="range", **how):
    return [{"name": name, "metadata": subscription(*topics, **how)}]


def beat(t, label, group, epoch, *topics, member=C, **fields):
    values = {"group_id": group, "member_id": member, "member_epoch": epoch, **fields}
    if epoch == 0:
        values = {"rebalance_timeout_ms": 30_000, "subscribed_topic_names": list(topics), "topic_partitions": [], **values}
    return t.ask(label, "ConsumerGroupHeartbeat", 1, values)


def classic(t, group, topic, label=None, given=None, **fields):
    """A classic member that has all partitions; (its id, its generation)."""
    answer = joined(t, group, label=label, protocols=protocols(topic), **fields)
    me, generation = answer["member_id"], answer["generation_id"]
    t.alias(me, f"<{group} classic>")
    sync(t, label and f"{label}-sync", group, me, generation, protocol_type="consumer", protocol_name="range",
         assignments=[{"member_id": me, "assignment": assignment(given or {topic: [0, 1]})}])
    return me, generation


def upgrade_and_downgrade(t):
    if not t.knows("ConsumerGroupHeartbeat", 1):
        t.left_out.append("upgrade-and-downgrade: ConsumerGroupHeartbeat 1")
        return
    t.topics([("moved", 2, {})])
    topic = t.topic_id("moved")
    t.alias(topic, "<moved>")
    me, generation = classic(t, "moved", "moved", "classic")
    group = {"group_id": "moved"}

    def heartbeat(label, at, member=me, **fields):
        return t.ask(label, "Heartbeat", 4, {**group, "generation_id": at, "member_id": member, **fields})

    def join(label, owned, member=me, version=9, **fields):
        return t.ask(label, "JoinGroup", version, {**group, "member_id": member, "protocols": protocols("moved", owned=owned), **fields})

    def synced(label, at, **fields):
        return sync(t, label, "moved", me, at, **{"protocol_type": "consumer", "protocol_name": "range", **fields})

    beat(t, "later-epoch-while-classic", "moved", 3)
    beat(t, "leave-while-classic", "moved", -1)
    epoch = beat(t, "comes", "moved", 0, "moved")["member_epoch"]
    heartbeat("told-to-join", generation)
    heartbeat("other-generation", generation + 7)
    heartbeat("unknown-member", generation, "nobody")
    heartbeat("consumer-member", epoch, C)
    synced("sync-before-join", generation)
    t.ask("describe-mixed", "ConsumerGroupDescribe", 1, {"group_ids": ["moved"]})
    t.ask("describe-mixed-as-classic", "DescribeGroups", 6, {"groups": ["moved"]})
    answer = join("joins-owning-all", {"moved": [0, 1]})
    kept = synced("keeps", answer["generation_id"])
    heartbeat("still-has-to-let-go", answer["generation_id"])
    keeps = {"moved": [0] if bytes.fromhex(kept["assignment"])[-8:-4] == b"\0\0\0\0" else [1]}
    answer = join("let-go", keeps)
    now = answer["generation_id"]
    t.ask("sync-nothing-said", "SyncGroup", 4, {**group, "generation_id": now, "member_id": me})
    synced("sync-other-generation", now - 1)
    synced("sync-other-protocol", now, protocol_name="roundrobin")
    synced("sync-other-type", now, protocol_type="connect")
    synced("sync-with-an-assignment", now, assignments=[{"member_id": me, "assignment": b"a"}])
    heartbeat("settled", now)
    beat(t, "gets-the-other", "moved", epoch, topic_partitions=[])
    t.ask("describe-settled", "ConsumerGroupDescribe", 1, {"group_ids": ["moved"]})
    t.ask("list", "ListGroups", 5, {"types_filter": ["consumer"], "states_filter": ["Stable"]})
    at = [{"name": "moved", "partitions": [{"partition": 0, "offset": 3}]}]
    for label, version, values in (("commit-v2", 2, {}), ("commit", 8, {}), ("commit-newer", 8, {"generation_id": now + 1}),
                                   ("commit-older", 8, {"generation_id": 0}), ("commit-without-member", 8, {"generation_id": -1, "member_id": ""}),
                                   ("commit-consumer-member", 8, {"generation_id": epoch, "member_id": C})):
        t.ask(label, "OffsetCommit", version, {**group, "generation_id": now, "member_id": me, "topics": at, **values})
    for label, generation_of in (("fetch", now), ("fetch-newer", now + 1)):
        t.ask(label, "OffsetFetch", 9, {"groups": [{"group_id": "moved", "member_id": me, "member_epoch": generation_of, "topics": None}]})
    first = join(None, {}, member="")
    t.alias(first["member_id"], "<second>")
    t.keep("second-without-id", first)
    join("second-other-protocol", {}, member="", protocols=protocols("moved", name="other"))
    join("second-no-protocol", {}, member="", protocols=[])
    join("second-connect", {}, member="", protocol_type="connect")
    join("second-session-too-short", {}, member="", session_timeout_ms=1)
    join("second-unknown-static", {}, member="nobody", group_instance_id="nobody")
    t.ask("leave-unknown", "LeaveGroup", 5, {**group, "members": [{"member_id": "nobody"}, {"member_id": "", "group_instance_id": "nobody"}]})
    t.ask("delete", "DeleteGroups", 2, {"groups_names": ["moved"]})
    beat(t, "leaves", "moved", -1)
    t.ask("describe-classic-again", "ConsumerGroupDescribe", 1, {"group_ids": ["moved"]})
    t.ask("describe-rebalancing", "DescribeGroups", 6, {"groups": ["moved"]})
    heartbeat("rebalance", now)
    heartbeat("rebalance-other-generation", now - 1)
    answer = join("joins-classic", keeps)
    synced("sync-classic", answer["generation_id"], assignments=[{"member_id": me, "assignment": assignment({"moved": [0, 1]})}])
    heartbeat("settled-classic", answer["generation_id"])
    t.ask("describe-classic", "DescribeGroups", 6, {"groups": ["moved"]})
    t.ask("leave", "LeaveGroup", 5, {**group, "members": [{"member_id": me}]})


def upgrade_refused(t):
    if not t.knows("ConsumerGroupHeartbeat", 1):
        t.left_out.append("upgrade-refused: ConsumerGroupHeartbeat 1")
        return
    t.topics([("kept", 2, {})])
    connect = joined(t, "kept-connect", protocol_type="connect")
    beat(t, "connect", "kept-connect", 0, "kept")
    garbage = joined(t, "kept-garbage", protocols=[{"name": "range", "metadata": b"m"}])
    beat(t, "garbage", "kept-garbage", 0, "kept")
    members = [("kept-connect", connect["member_id"]), ("kept-garbage", garbage["member_id"])]
    answer = joined(t, "kept-custom", protocols=protocols("kept"))
    me, generation = answer["member_id"], answer["generation_id"]
    sync(t, None, "kept-custom", me, generation, protocol_type="consumer", protocol_name="range",
         assignments=[{"member_id": me, "assignment": assignment({"kept": [0, 1]}, b"mine")}])
    beat(t, "custom-assignor", "kept-custom", 0, "kept")
    t.ask("goes-on", "Heartbeat", 4, {"group_id": "kept-custom", "generation_id": generation, "member_id": me})
    beat(t, "bad-assignor", "kept-custom", 0, "kept", server_assignor="nothing")
    for group, member in [*members, ("kept-custom", me)]:
        t.ask(f"{group}-leaves", "LeaveGroup", 5, {"group_id": group, "members": [{"member_id": member}]})


def static_migration(t):
    if not t.knows("ConsumerGroupHeartbeat", 1):
        t.left_out.append("static-migration: ConsumerGroupHeartbeat 1")
        return
    t.topics([("placed", 2, {})])
    topic = t.topic_id("placed")
    t.alias(topic, "<placed>")
    me, generation = classic(t, "placed", "placed", "classic", group_instance_id="one")
    epoch = beat(t, "takes-its-place", "placed", 0, "placed", instance_id="one")["member_epoch"]
    t.ask("old-self", "Heartbeat", 4, {"group_id": "placed", "generation_id": generation, "member_id": me, "group_instance_id": "one"})
    beat(t, "beats", "placed", epoch, instance_id="one")
    t.ask("describe", "ConsumerGroupDescribe", 1, {"group_ids": ["placed"]})
    back = t.ask(None, "JoinGroup", 9, {"group_id": "placed", "member_id": "", "group_instance_id": "one", "protocols": protocols("placed")})
    t.alias(back["member_id"], "<back>")
    t.keep("comes-back", back)
    t.ask("described", "DescribeGroups", 6, {"groups": ["placed"]})
    sync(t, "has-all", "placed", back["member_id"], back["generation_id"], group_instance_id="one", protocol_type="consumer", protocol_name="range")
    beat(t, "consumer-self", "placed", epoch, instance_id="one")
    t.ask("beats-classic", "Heartbeat", 4, {"group_id": "placed", "generation_id": back["generation_id"], "member_id": back["member_id"],
                                            "group_instance_id": "one"})
    t.ask("leave", "LeaveGroup", 5, {"group_id": "placed", "members": [{"member_id": "", "group_instance_id": "one"}]})


CASES = [upgrade_and_downgrade, upgrade_refused, static_migration]
