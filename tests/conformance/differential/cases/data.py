"""Produce, Fetch, ListOffsets, DeleteRecords and idempotent producers: what is wrong, and what is only just right."""

import batches
from batches import batch

NOBODY = "11111111-2222-3333-4444-555555555555"
LONG_MAX = 2 ** 63 - 1


def produce_batches(t):
    """One batch to each partition, so that none depends on what became of another."""
    good = batch()
    changed = bytearray(good)
    changed[-3] ^= 1
    cases = {
        "null": None, "empty": b"", "one-byte": b"\0", "head-only": good[:12], "cut": good[:-1], "cut-in-the-head": good[:40], "bad-crc": bytes(changed),
        "crc-zero": batch(crc=0), "magic-0": batches.old_message(0), "magic-1": batches.old_message(1), "magic-3": batch(magic=3),
        "magic-negative": batch(magic=-1), "length-zero": batch(length=0), "length-negative": batch(length=-1), "length-large": batch(length=10 ** 6),
        "length-small": batch(length=20), "two": good + good, "two-second-bad": good + bytes(changed), "trailing": good + b"abc",
        "no-records": batch(0), "said-more": batch(said=2), "said-less": batch(3, said=1), "said-none": batch(3, said=0, last_delta=2),
        "said-negative": batch(said=-1), "last-delta-large": batch(last_delta=5), "last-delta-negative": batch(last_delta=-1),
        "last-delta-small": batch(3, last_delta=1), "base-5": batch(base=5), "base-negative": batch(base=-1), "leader-epoch": batch(epoch=7),
        "attributes-unused": batch(attributes=0x80), "attributes-high": batch(attributes=0x4000), "log-append-bit": batch(attributes=8),
        "control": batch(attributes=0x20), "transactional": batch(attributes=0x10), "delete-horizon": batch(attributes=0x40),
        "codec-5": batch(attributes=5), "codec-7": batch(attributes=7), "gzip": batch(3, attributes=1, compress=True),
        "gzip-is-not": batch(attributes=1), "gzip-cut": batch(records=b"\x1f\x8b\x08", attributes=1), "snappy-is-not": batch(attributes=2),
        "lz4-is-not": batch(attributes=3), "zstd-is-not": batch(attributes=4), "gzip-said-more": batch(3, said=4, attributes=1, compress=True),
        "deltas-wrong": batch(2, records=batches.record(delta=0) + batches.record(delta=5)),
        "deltas-same": batch(2, records=batches.record(delta=0) * 2), "delta-not-zero": batch(records=batches.record(delta=3)),
        "record-too-long": batch(records=b"\x40" + batches.record()[1:]), "record-negative": batch(records=b"\1"),
        "record-garbage": batch(records=b"\xff" * 20), "record-headers": batch(records=batches.record(headers=[(b"a", b"1"), (b"", b"")])),
        "null-key": batch(key=None), "null-value": batch(value=None), "both-null": batch(key=None, value=None),
        "time-negative": batch(time=-1), "time-very-negative": batch(time=-5), "time-zero": batch(time=0), "time-future": batch(time=2 ** 45),
        "time-max": batch(time=LONG_MAX), "max-time-larger": batch(max_time=batches.TIME + 5), "max-time-smaller": batch(max_time=batches.TIME - 5),
        "max-time-future": batch(max_time=2 ** 45), "max-time-negative": batch(max_time=-1),
        "time-delta-future": batch(records=batches.record(time_delta=2 ** 45)),
        "producer-without-sequence": batch(producer=5, producer_epoch=0), "sequence-without-producer": batch(sequence=3),
        "epoch-without-producer": batch(producer_epoch=3), "producer-negative": batch(producer=-2, producer_epoch=0, sequence=0),
    }
    t.topic("batches", len(cases))
    for partition, (name, raw) in enumerate(cases.items()):
        # Kafka never answers to null.
        answer = t.produce(name, "batches", raw, partition=partition, seconds=1 if raw is None else 15)
        if isinstance(answer, dict) and not answer["topics"][0]["partitions"][0]["error_code"]:
            t.ask(f"{name}-stored", "Fetch", 12, {"topics": [{"topic": "batches", "partitions": [{"partition": partition, "fetch_offset": 0}]}]})
            t.ask(f"{name}-end", "ListOffsets", 7, {"topics": [{"name": "batches", "partitions": [{"partition": partition, "timestamp": -1}]}]})


def produce_requests(t):
    t.topic("produce", 2)
    one = {"index": 0, "records": batch()}
    for name, topics in {
        "unknown-topic": [{"name": "nowhere.yet/", "partitions": [one]}], "empty-name": [{"name": "", "partitions": [one]}],
        "unknown-valid-topic": [{"name": "produce-nowhere", "partitions": [one]}],
        "unknown-partition": [{"name": "produce", "partitions": [{**one, "index": 2}]}],
        "negative-partition": [{"name": "produce", "partitions": [{**one, "index": -1}]}],
        "largest-partition": [{"name": "produce", "partitions": [{**one, "index": 2 ** 31 - 1}]}],
        "no-partitions": [{"name": "produce", "partitions": []}],
        "two-partitions": [{"name": "produce", "partitions": [one, {**one, "index": 1}]}],
        "good-and-bad": [{"name": "produce", "partitions": [one, {**one, "index": 7}, {"index": 1, "records": batch(crc=1)}]}],
        "internal-topic": [{"name": "__consumer_offsets", "partitions": [one]}],
    }.items():
        t.ask(name, "Produce", 9, {"topics": topics})
    for name, acks in (("acks-1", 1), ("acks-2", 2), ("acks-minus-2", -2), ("acks-max", 32767)):
        t.produce(name, "produce", batch(), acks=acks)
    t.produce("acks-0", "produce", batch(), acks=0, seconds=0.3)
    t.produce("acks-0-unknown", "produce-nowhere", batch(), acks=0, seconds=2)
    t.produce("acks-0-bad-crc", "produce", batch(crc=1), acks=0, seconds=2)
    for name, timeout in (("timeout-0", 0), ("timeout-negative", -1)):
        t.ask(name, "Produce", 9, {"timeout_ms": timeout, "topics": [{"name": "produce", "partitions": [one]}]})
    for version in (3, 6, 7, 8):
        t.produce(f"zstd-v{version}", "produce", batch(attributes=4), version=version)
        t.produce(f"bad-crc-v{version}", "produce", batch(crc=1), version=version)
        t.produce(f"no-records-v{version}", "produce", batch(0), version=version)


def transactional_id(t):
    t.topic("transactional-id")
    t.produce("without-bit", "transactional-id", batch(), transactional_id="t")


def produce_settings(t):
    t.topics([("compacted", 1, {"cleanup_policy": "compact"}), ("stamped", 1, {"message_timestamp_type": "LogAppendTime"}),
              ("small", 1, {"max_message_bytes": 200}), ("timely", 1, {"message_timestamp_before_max_ms": 1000}),
              ("both", 1, {"cleanup_policy": "compact,delete"})])
    for topic in ("compacted", "both"):
        t.produce(f"{topic}-null-key", topic, batch(key=None))
        t.produce(f"{topic}-one-null-key", topic, batch(3, records=batches.record() + batches.record(None, delta=1) + batches.record(None, delta=2)))
        t.produce(f"{topic}-gzip-null-key", topic, batch(key=None, attributes=1, compress=True))
        t.produce(f"{topic}-tombstone", topic, batch(value=None))
        t.produce(f"{topic}-empty-key", topic, batch(key=b""))
    t.produce("stamped", "stamped", batch(2))
    t.produce("stamped-future", "stamped", batch(time=2 ** 45))
    t.produce("stamped-bit", "stamped", batch(attributes=8))
    t.produce("stamped-gzip", "stamped", batch(2, attributes=1, compress=True))
    for size in (100, 131, 132, 133, 200, 1000):
        t.produce(f"small-{size}", "small", batch(value=b"x" * size))
    t.produce("timely", "timely", batch())
    t.produce("timely-two", "timely", batch(2))
    t.produce("default-too-large", "both", batch(value=b"x" * 1_048_600))
    for topic in ("compacted", "stamped", "small", "timely"):
        t.ask(f"{topic}-in-the-end", "Fetch", 12, {"topics": [{"topic": topic, "partitions": [{"partition": 0, "fetch_offset": 0}]}]})


def fetch_requests(t):
    t.topics([("fetch", 2, {}), ("fetch-empty", 1, {})])
    for size in (10, 100, 1000):
        t.produce(None, "fetch", batch(2, value=b"x" * size))

    def ask(label, partition=None, version=12, **request):
        part = {"partition": 0, "fetch_offset": 0, **(partition or {})}
        t.ask(label, "Fetch", version, {"topics": [{"topic": "fetch", "partitions": [part]}], **request})

    ask("from-1", {"fetch_offset": 1})
    ask("from-2", {"fetch_offset": 2})
    ask("at-end", {"fetch_offset": 6})
    ask("beyond-end", {"fetch_offset": 7})
    ask("negative", {"fetch_offset": -1})
    ask("largest", {"fetch_offset": LONG_MAX})
    ask("unknown-partition", {"partition": 2})
    ask("negative-partition", {"partition": -1})
    ask("epoch-0", {"current_leader_epoch": 0})
    ask("epoch-1", {"current_leader_epoch": 1})
    ask("epoch-large", {"current_leader_epoch": 1000})
    ask("epoch-very-negative", {"current_leader_epoch": -2})
    ask("last-fetched-epoch-0", {"fetch_offset": 2, "last_fetched_epoch": 0, "current_leader_epoch": 0})
    ask("last-fetched-epoch-5", {"fetch_offset": 2, "last_fetched_epoch": 5, "current_leader_epoch": 0})
    ask("last-fetched-epoch-beyond", {"fetch_offset": 9, "last_fetched_epoch": 0, "current_leader_epoch": 0})
    for size in (0, 1, 100, 300, -1):
        ask(f"partition-max-{size}", {"partition_max_bytes": size})
        ask(f"max-{size}", max_bytes=size)
    ask("partition-max-100-v4", {"partition_max_bytes": 100}, version=4)
    ask("wait-negative", {"fetch_offset": 6}, max_wait_ms=-1, min_bytes=1)
    ask("wait-0-min-1", {"fetch_offset": 6}, max_wait_ms=0, min_bytes=1)
    ask("wait-50-min-1", {"fetch_offset": 6}, max_wait_ms=50, min_bytes=1)
    ask("min-negative", {"fetch_offset": 6}, min_bytes=-1)
    ask("min-large", {"fetch_offset": 0}, min_bytes=10 ** 6, max_wait_ms=50)
    ask("read-committed", isolation_level=1)
    ask("isolation-2", isolation_level=2)
    ask("isolation-negative", isolation_level=-1)
    ask("replica-0", replica_id=0)
    ask("replica-1", replica_id=1)
    ask("replica-consumer", replica_id=-2)
    ask("replica-negative", replica_id=-5)
    ask("rack", rack_id="r1")
    ask("cluster-id", cluster_id="another")
    ask("forgotten-without-session", forgotten_topics_data=[{"topic": "fetch", "partitions": [0]}])
    for name, topics in {
        "unknown-topic": [{"topic": "nowhere", "partitions": [{"partition": 0, "fetch_offset": 0}]}],
        "empty-topic": [{"topic": "", "partitions": [{"partition": 0, "fetch_offset": 0}]}],
        "invalid-topic": [{"topic": "a b", "partitions": [{"partition": 0, "fetch_offset": 0}]}],
        "no-partitions": [{"topic": "fetch", "partitions": []}],
        "empty-log": [{"topic": "fetch-empty", "partitions": [{"partition": 0, "fetch_offset": 0}]}],
        "empty-log-beyond": [{"topic": "fetch-empty", "partitions": [{"partition": 0, "fetch_offset": 1}]}],
        "two-partitions": [{"topic": "fetch", "partitions": [{"partition": 0, "fetch_offset": 0}, {"partition": 1, "fetch_offset": 0}]}],
        "good-and-bad": [{"topic": "fetch", "partitions": [{"partition": 0, "fetch_offset": 0}, {"partition": 9, "fetch_offset": 0}]},
                         {"topic": "nowhere", "partitions": [{"partition": 0, "fetch_offset": 0}]}],
        "twice": [{"topic": "fetch", "partitions": [{"partition": 0, "fetch_offset": 0}, {"partition": 0, "fetch_offset": 4}]}],
    }.items():
        t.ask(name, "Fetch", 12, {"topics": topics})
        t.ask(f"{name}-v4", "Fetch", 4, {"topics": topics})


def fetch_by_id(t):
    t.topic("by-id")
    t.produce(None, "by-id", batch())
    topic = t.topic_id("by-id")
    for version in (13, 15, 17, 18):
        for name, each in (("known", topic), ("unknown", NOBODY), ("zero", "00000000-0000-0000-0000-000000000000")):
            t.ask(f"{name}-v{version}", "Fetch", version, {"topics": [{"topic_id": each, "partitions": [{"partition": 0, "fetch_offset": 0}]}]})
        t.ask(f"partition-v{version}", "Fetch", version, {"topics": [{"topic_id": topic, "partitions": [{"partition": 4, "fetch_offset": 0}]}]})
        t.ask(f"both-v{version}", "Fetch", version, {"topics": [{"topic_id": each, "partitions": [{"partition": 0, "fetch_offset": 0}]}
                                                                for each in (topic, NOBODY)]})


def produce_by_id(t):
    t.topic("produce-by-id")
    topic = t.topic_id("produce-by-id")
    for version in (13,):
        for name, each in (("known", topic), ("unknown", NOBODY), ("zero", "00000000-0000-0000-0000-000000000000")):
            t.ask(f"{name}-v{version}", "Produce", version, {"topics": [{"topic_id": each, "partitions": [{"index": 0, "records": batch()}]}]})
        t.ask(f"partition-v{version}", "Produce", version, {"topics": [{"topic_id": topic, "partitions": [{"index": 4, "records": batch()}]}]})


def fetch_sessions(t):
    t.topic("session", 2)
    part = {"partition": 0, "fetch_offset": 0}
    t.ask("unknown", "Fetch", 12, {"session_id": 77, "session_epoch": 1})
    t.ask("unknown-first-epoch", "Fetch", 12, {"session_id": 77, "session_epoch": 0, "topics": [{"topic": "session", "partitions": [part]}]}, on="b")
    t.ask("closing-unknown", "Fetch", 12, {"session_id": 77, "session_epoch": -1, "topics": [{"topic": "session", "partitions": [part]}]})
    t.ask("zero-with-epoch", "Fetch", 12, {"session_id": 0, "session_epoch": 5, "topics": [{"topic": "session", "partitions": [part]}]})
    made = t.ask("made", "Fetch", 12, {"session_epoch": 0, "topics": [{"topic": "session", "partitions": [part, {**part, "partition": 1}]}]})
    number = made["session_id"]
    if number == 0:
        return
    t.ask("nothing-new", "Fetch", 12, {"session_id": number, "session_epoch": 1})
    t.produce(None, "session", batch())
    t.ask("one-new", "Fetch", 12, {"session_id": number, "session_epoch": 2})
    t.ask("same-epoch", "Fetch", 12, {"session_id": number, "session_epoch": 2})
    t.ask("later-epoch", "Fetch", 12, {"session_id": number, "session_epoch": 9})
    t.ask("moved", "Fetch", 12, {"session_id": number, "session_epoch": 3, "topics": [{"topic": "session", "partitions": [{**part, "fetch_offset": 1}]}]})
    t.ask("forgotten", "Fetch", 12, {"session_id": number, "session_epoch": 4, "forgotten_topics_data": [{"topic": "session", "partitions": [0]}]})
    t.ask("unknown-topic-added", "Fetch", 12, {"session_id": number, "session_epoch": 5, "topics": [{"topic": "nowhere", "partitions": [part]}]})
    t.ask("by-id-in-a-session-by-name", "Fetch", 13, {"session_id": number, "session_epoch": 6})
    t.ask("closed", "Fetch", 12, {"session_id": number, "session_epoch": -1})
    t.ask("after-close", "Fetch", 12, {"session_id": number, "session_epoch": 7})


def list_offsets(t):
    t.topics([("list", 1, {}), ("list-empty", 1, {}), ("list-cut", 1, {})])
    for at in (0, 10, 5, 20):
        t.produce(None, "list", batch(2, time=batches.TIME + at))
    t.produce(None, "list-cut", batch(4))
    t.ask(None, "DeleteRecords", 2, {"topics": [{"name": "list-cut", "partitions": [{"partition": 0, "offset": 2}]}]})
    for topic in ("list", "list-empty", "list-cut"):
        for timestamp in (-1, -2, -3, -4, -5, -6, -7, -100, 0, batches.TIME, batches.TIME + 7, batches.TIME + 20, batches.TIME + 21, LONG_MAX):
            values = {"topics": [{"name": topic, "partitions": [{"partition": 0, "timestamp": timestamp}]}]}
            name = f"{topic}-{timestamp if timestamp < batches.TIME else 'max' if timestamp == LONG_MAX else f'time-{timestamp - batches.TIME}'}"
            t.ask(name, "ListOffsets", 7, values)
            if topic == "list" and timestamp in (-3, -4, -5, -6):
                for version in (1, 6, 8, 9, 10, 11):
                    if t.knows("ListOffsets", version):
                        t.ask(f"{name}-v{version}", "ListOffsets", version, values)
    one = {"partition": 0, "timestamp": -1}
    for name, topics in {
        "unknown-topic": [{"name": "nowhere", "partitions": [one]}], "empty-name": [{"name": "", "partitions": [one]}],
        "unknown-partition": [{"name": "list", "partitions": [{**one, "partition": 1}]}],
        "negative-partition": [{"name": "list", "partitions": [{**one, "partition": -1}]}],
        "no-partitions": [{"name": "list", "partitions": []}], "twice": [{"name": "list", "partitions": [one, one]}],
        "twice-different": [{"name": "list", "partitions": [one, {**one, "timestamp": -2}]}],
        "epoch-0": [{"name": "list", "partitions": [{**one, "current_leader_epoch": 0}]}],
        "epoch-9": [{"name": "list", "partitions": [{**one, "current_leader_epoch": 9}]}],
        "epoch-negative": [{"name": "list", "partitions": [{**one, "current_leader_epoch": -5}]}],
    }.items():
        t.ask(name, "ListOffsets", 7, {"topics": topics})
        t.ask(f"{name}-v1", "ListOffsets", 1, {"topics": topics})
    t.ask("read-committed", "ListOffsets", 7, {"isolation_level": 1, "topics": [{"name": "list", "partitions": [one]}]})
    t.ask("isolation-5", "ListOffsets", 7, {"isolation_level": 5, "topics": [{"name": "list", "partitions": [one]}]})
    t.ask("replica-0", "ListOffsets", 7, {"replica_id": 0, "topics": [{"name": "list", "partitions": [one]}]})
    t.ask("replica-debug", "ListOffsets", 7, {"replica_id": -2, "topics": [{"name": "list", "partitions": [one]}]})


def epochs(t):
    t.topic("epochs")
    t.produce(None, "epochs", batch(3))
    for name, part in {"0": {"leader_epoch": 0}, "1": {"leader_epoch": 1}, "max": {"leader_epoch": 2 ** 31 - 1}, "undefined": {"leader_epoch": -1},
                       "negative": {"leader_epoch": -2}, "current-0": {"leader_epoch": 0, "current_leader_epoch": 0},
                       "current-5": {"leader_epoch": 0, "current_leader_epoch": 5}, "partition-1": {"partition": 1, "leader_epoch": 0},
                       "partition-negative": {"partition": -1, "leader_epoch": 0}}.items():
        for version in (2, 4):
            t.ask(f"{name}-v{version}", "OffsetForLeaderEpoch", version, {"topics": [{"topic": "epochs", "partitions": [{"partition": 0, **part}]}]})
    t.ask("unknown-topic", "OffsetForLeaderEpoch", 4, {"topics": [{"topic": "nowhere", "partitions": [{"partition": 0, "leader_epoch": 0}]}]})
    t.ask("twice", "OffsetForLeaderEpoch", 4, {"topics": [{"topic": "epochs", "partitions": [{"partition": 0, "leader_epoch": 0}] * 2}]})
    t.ask("replica-5", "OffsetForLeaderEpoch", 4, {"replica_id": 5, "topics": [{"topic": "epochs", "partitions": [{"partition": 0, "leader_epoch": 0}]}]})


def delete_records(t):
    t.topics([("delete", 2, {}), ("delete-compacted", 1, {"cleanup_policy": "compact"}), ("delete-both", 1, {"cleanup_policy": "compact,delete"})])
    for topic in ("delete", "delete-compacted", "delete-both"):
        t.produce(None, topic, batch(5))
    for name, topic, partition, offset in (
            ("zero", "delete", 0, 0), ("two", "delete", 0, 2), ("back", "delete", 0, 1), ("beyond", "delete", 0, 6), ("negative", "delete", 0, -5),
            ("high-watermark", "delete", 0, -1), ("again", "delete", 0, 5), ("empty-log", "delete", 1, 0), ("empty-log-beyond", "delete", 1, 1),
            ("empty-log-hw", "delete", 1, -1), ("unknown-partition", "delete", 2, 0), ("negative-partition", "delete", -1, 0),
            ("unknown-topic", "nowhere", 0, 0), ("empty-topic", "", 0, 0), ("compacted", "delete-compacted", 0, 2), ("both", "delete-both", 0, 2),
            ("internal", "__consumer_offsets", 0, 0)):
        t.ask(name, "DeleteRecords", 2, {"topics": [{"name": topic, "partitions": [{"partition": partition, "offset": offset}]}]})
    t.ask("twice", "DeleteRecords", 2, {"topics": [{"name": "delete-both", "partitions": [{"partition": 0, "offset": 3}] * 2}]})
    t.ask("fetch-below-start", "Fetch", 12, {"topics": [{"topic": "delete", "partitions": [{"partition": 0, "fetch_offset": 2}]}]})
    t.ask("fetch-from-start", "Fetch", 12, {"topics": [{"topic": "delete-both", "partitions": [{"partition": 0, "fetch_offset": 3}]}]})


def producer_ids(t):
    for version in (0, 3, 4, 5):
        if not t.knows("InitProducerId", version):
            continue
        t.ask(f"idempotent-v{version}", "InitProducerId", version)
        t.ask(f"timeout-0-v{version}", "InitProducerId", version, {"transaction_timeout_ms": 0})
        t.ask(f"timeout-negative-v{version}", "InitProducerId", version, {"transaction_timeout_ms": -1})
        t.ask(f"empty-transactional-id-v{version}", "InitProducerId", version, {"transactional_id": ""})
    for name, values in {"id-without-epoch": {"producer_id": 5}, "epoch-without-id": {"producer_epoch": 5},
                         "id-and-epoch": {"producer_id": 5, "producer_epoch": 3}, "id-negative": {"producer_id": -7, "producer_epoch": 3},
                         "epoch-max": {"producer_id": 5, "producer_epoch": 32767}}.items():
        t.ask(name, "InitProducerId", 4, values)


def idempotence(t):
    t.topics([("idempotent", 2, {})])
    producer = t.ask(None, "InitProducerId", 4)["producer_id"]

    def send(label, sequence, count=1, epoch=0, partition=0, who=producer, **how):
        t.produce(label, "idempotent", batch(count, producer=who, producer_epoch=epoch, sequence=sequence, **how), partition=partition)

    send("first", 0, 2)
    send("duplicate", 0, 2)
    send("duplicate-other-length", 0, 1)
    send("gap", 5)
    send("next", 2)
    send("older-duplicate", 0, 2)
    for number in range(3, 9):
        send(f"run-{number}", number)
    send("sixth-last-duplicate", 3)
    send("fifth-last-duplicate", 4)
    send("last-duplicate", 8)
    send("overlap", 8, 2)
    send("negative-sequence", -1)
    send("very-negative-sequence", -5)
    send("new-epoch-gap", 4, epoch=1)
    send("new-epoch", 0, epoch=1)
    send("old-epoch", 9, epoch=0)
    send("new-epoch-duplicate", 0, epoch=1)
    send("epoch-skipped", 0, epoch=5)
    send("epoch-negative", 0, epoch=-1)
    send("unknown-producer-zero", 0, who=producer + 900_000)
    send("unknown-producer-not-zero", 7, who=producer + 900_001)
    send("other-partition-not-zero", 3, partition=1)
    send("transactional", 1, epoch=5, attributes=0x10)
    send("control", 1, epoch=5, attributes=0x20)
    send("wrap-start", 2 ** 31 - 2, 2, who=producer + 900_002)
    send("wrap", 0, who=producer + 900_002)
    send("wrap-inside", 2 ** 31 - 2, 4, who=producer + 900_003)
    send("wrap-inside-next", 2, who=producer + 900_003)
    send("largest-id", 0, who=2 ** 63 - 1)
    send("largest-epoch", 0, who=producer + 900_004, epoch=32767)
    t.ask("stored", "Fetch", 12, {"topics": [{"topic": "idempotent", "partitions": [{"partition": 0, "fetch_offset": 0}]}]})


CASES = [produce_batches, produce_requests, transactional_id, produce_settings, fetch_requests, fetch_by_id, produce_by_id, fetch_sessions, list_offsets, epochs,
         delete_records, producer_ids, idempotence]
