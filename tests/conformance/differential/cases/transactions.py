"""Transactions: the right order, and each call where it does not belong."""

from batches import batch

TXN = {"transactional_id": "t"}


def begun(t, name):
    """A producer of that transactional id, once the coordinator has loaded."""
    t.until(lambda: t.ask(None, "FindCoordinator", 3, {"key": name, "key_type": 1})["error_code"] == 0, "the coordinator")
    out = {}

    def initialised():
        out.update(t.ask(None, "InitProducerId", 4, {"transactional_id": name}))
        return out["error_code"] == 0

    t.until(initialised, "the producer id")
    return {"transactional_id": name, "producer_id": out["producer_id"], "producer_epoch": out["producer_epoch"]}


def transaction_order(t):
    if not t.knows("EndTxn", 3):
        t.left_out.append("transaction-order: EndTxn 3")
        return
    t.topics([("txn", 2, {})])
    who = begun(t, "order")
    part = {"topics": [{"name": "txn", "partitions": [0]}]}
    data = dict(producer=who["producer_id"], producer_epoch=who["producer_epoch"], attributes=0x10)
    t.ask("end-nothing-commit", "EndTxn", 3, {**who, "committed": True})
    t.ask("end-nothing-abort", "EndTxn", 3, {**who, "committed": False})
    t.produce("produce-before-add", "txn", batch(sequence=0, **data), transactional_id="order", version=11)
    t.ask("add", "AddPartitionsToTxn", 3, {**who, **part})
    t.ask("add-again", "AddPartitionsToTxn", 3, {**who, **part})
    t.ask("add-unknown", "AddPartitionsToTxn", 3, {**who, "topics": [{"name": "nowhere", "partitions": [0]}]})
    t.ask("add-known-and-unknown", "AddPartitionsToTxn", 3, {**who, "topics": [{"name": "txn", "partitions": [0, 1, 7]}]})
    t.ask("add-none", "AddPartitionsToTxn", 3, who)
    t.ask("add-wrong-epoch", "AddPartitionsToTxn", 3, {**who, **part, "producer_epoch": who["producer_epoch"] + 1})
    t.ask("add-old-epoch", "AddPartitionsToTxn", 3, {**who, **part, "producer_epoch": who["producer_epoch"] - 1})
    t.ask("add-wrong-id", "AddPartitionsToTxn", 3, {**who, **part, "producer_id": who["producer_id"] + 1000})
    t.ask("add-unknown-transactional-id", "AddPartitionsToTxn", 3, {**who, **part, "transactional_id": "nobody"})
    t.ask("add-empty-transactional-id", "AddPartitionsToTxn", 3, {**who, **part, "transactional_id": ""})
    t.produce("produce", "txn", batch(2, sequence=0, **data), transactional_id="order")
    t.produce("produce-without-transactional-id", "txn", batch(sequence=2, **data))
    t.ask("open", "Fetch", 12, {"isolation_level": 1, "topics": [{"topic": "txn", "partitions": [{"partition": 0, "fetch_offset": 0}]}]})
    t.ask("open-uncommitted", "Fetch", 12, {"topics": [{"topic": "txn", "partitions": [{"partition": 0, "fetch_offset": 0}]}]})
    t.ask("open-end", "ListOffsets", 7, {"isolation_level": 1, "topics": [{"name": "txn", "partitions": [{"partition": 0, "timestamp": -1}]}]})
    t.ask("describe-open", "DescribeTransactions", 0, {"transactional_ids": ["order", "nobody", ""]})
    t.ask("producers-open", "DescribeProducers", 0, {"topics": [{"name": "txn", "partitions": [0, 9]}, {"name": "nowhere", "partitions": [0]}]})
    t.ask("end-wrong-epoch", "EndTxn", 3, {**who, "producer_epoch": who["producer_epoch"] + 1, "committed": True})
    t.ask("end-wrong-id", "EndTxn", 3, {**who, "producer_id": who["producer_id"] + 1000, "committed": True})
    t.ask("end-unknown", "EndTxn", 3, {**who, "transactional_id": "nobody", "committed": True})
    t.ask("offsets", "AddOffsetsToTxn", 3, {**who, "group_id": "order-group"})
    t.ask("offsets-empty-group", "AddOffsetsToTxn", 3, {**who, "group_id": ""})
    there = {**who, "group_id": "order-group", "topics": [{"name": "txn", "partitions": [{"partition": 0, "offset": 5, "metadata": "m"}]}]}
    t.ask("offset-commit", "TxnOffsetCommit", 3, there)
    t.ask("offset-commit-old-epoch", "TxnOffsetCommit", 3, {**there, "producer_epoch": who["producer_epoch"] - 1})
    t.ask("offset-commit-unknown-member", "TxnOffsetCommit", 3, {**there, "member_id": "nobody", "generation_id": 3})
    t.ask("offset-commit-unknown-topic", "TxnOffsetCommit", 3, {**there, "topics": [{"name": "nowhere", "partitions": [{"partition": 0, "offset": 5}]}]})
    for stable in (False, True):
        t.ask(f"offset-fetch-open-stable-{stable}", "OffsetFetch", 9, {"require_stable": stable, "groups": [
            {"group_id": "order-group", "topics": [{"name": "txn", "partitions": [0]}]}]})
    t.ask("commit", "EndTxn", 3, {**who, "committed": True})

    def ended():
        out = t.ask(None, "DescribeTransactions", 0, {"transactional_ids": ["order"]})
        return out["transaction_states"][0]["transaction_state"] == "CompleteCommit"

    t.until(ended, "the end")
    t.ask("commit-again", "EndTxn", 3, {**who, "committed": True})
    t.ask("abort-after-commit", "EndTxn", 3, {**who, "committed": False})
    t.ask("committed", "Fetch", 12, {"isolation_level": 1, "topics": [{"topic": "txn", "partitions": [{"partition": 0, "fetch_offset": 0}]}]})
    t.ask("offset-fetch-after", "OffsetFetch", 9, {"require_stable": True, "groups": [
        {"group_id": "order-group", "topics": [{"name": "txn", "partitions": [0]}]}]})
    t.ask("describe-after", "DescribeTransactions", 0, {"transactional_ids": ["order"]})
    for version in (0, 1, 2):
        if t.knows("ListTransactions", version):
            t.ask(f"list-v{version}", "ListTransactions", version, {"state_filters": ["CompleteCommit"]})
    if t.knows("ListTransactions", 2):
        for name, pattern in {"all": ".*", "part": "orde", "whole": "o.*r", "none": "", "wrong": "(", "other": "zzz"}.items():
            t.ask(f"list-pattern-{name}", "ListTransactions", 2, {"state_filters": ["CompleteCommit"], "transactional_id_pattern": pattern})
    t.ask("list-unknown-state", "ListTransactions", 0, {"state_filters": ["Nothing", "Ongoing"]})
    t.ask("list-of-a-producer", "ListTransactions", 0, {"producer_id_filters": [2 ** 62]})


def transaction_fencing(t):
    if not t.knows("EndTxn", 3):
        t.left_out.append("transaction-fencing: EndTxn 3")
        return
    t.topics([("fence", 1, {})])
    old = begun(t, "fence")
    data = dict(producer=old["producer_id"], producer_epoch=old["producer_epoch"], attributes=0x10)
    part = {"topics": [{"name": "fence", "partitions": [0]}]}
    t.ask("add", "AddPartitionsToTxn", 3, {**old, **part})
    t.produce("produce", "fence", batch(2, sequence=0, **data), transactional_id="fence")
    new = begun(t, "fence")
    t.keep("epochs", {"same id": new["producer_id"] == old["producer_id"], "grown by": new["producer_epoch"] - old["producer_epoch"]})
    t.ask("add-fenced", "AddPartitionsToTxn", 3, {**old, **part})
    t.ask("end-fenced", "EndTxn", 3, {**old, "committed": True})
    t.produce("produce-fenced", "fence", batch(sequence=2, **data), transactional_id="fence")
    t.ask("aborted", "Fetch", 12, {"isolation_level": 1, "topics": [{"topic": "fence", "partitions": [{"partition": 0, "fetch_offset": 0}]}]})
    for name, values in {
        "same": {}, "old": {"producer_epoch": old["producer_epoch"]}, "future": {"producer_epoch": new["producer_epoch"] + 10},
        "other-id": {"producer_id": new["producer_id"] + 999},
    }.items():
        t.ask(f"init-{name}", "InitProducerId", 4, {"transactional_id": "fence", "producer_id": new["producer_id"],
                                                    "producer_epoch": new["producer_epoch"], **values})
    for name, timeout in (("timeout-0", 0), ("timeout-negative", -1), ("timeout-too-long", 900_001), ("timeout-longest", 900_000)):
        t.ask(name, "InitProducerId", 4, {"transactional_id": "fence-timeout", "transaction_timeout_ms": timeout})


def transaction_markers(t):
    """WriteTxnMarkers, as an administrator sends it to end a transaction by hand."""
    t.topics([("marks", 3, {})])
    begun(t, "marks")
    who = begun(t, "marks")  # with an epoch that has one before it
    place = {"producer_id": who["producer_id"], "producer_epoch": who["producer_epoch"]}
    data = dict(producer=who["producer_id"], producer_epoch=who["producer_epoch"], attributes=0x10)

    def mark(label, *markers, version=1):
        t.ask(label, "WriteTxnMarkers", version, {"markers": list(markers)})

    def marker(*topics, **fields):
        return {**place, "topics": [{"name": name, "partition_indexes": partitions} for name, partitions in topics], **fields}

    def read(label, partition, isolation=1):
        t.ask(label, "Fetch", 12, {"isolation_level": isolation, "topics": [{"topic": "marks", "partitions": [{"partition": partition, "fetch_offset": 0}]}]})

    t.ask("add", "AddPartitionsToTxn", 3, {**who, "topics": [{"name": "marks", "partitions": [0, 1, 2]}]})
    for version, partition in ((1, 0), (2, 1)):
        t.produce(f"produce-v{version}", "marks", batch(2, sequence=0, **data), partition=partition, transactional_id="marks")
        read(f"open-v{version}", partition)
        mark(f"none-v{version}", version=version)
        mark(f"no-topics-v{version}", marker(), version=version)
        mark(f"no-partitions-v{version}", marker(("marks", [])), version=version)
        mark(f"unknown-topic-v{version}", marker(("nowhere", [0])), version=version)
        mark(f"unknown-partition-v{version}", marker(("marks", [9])), version=version)
        mark(f"old-epoch-v{version}", marker(("marks", [partition]), producer_epoch=who["producer_epoch"] - 1), version=version)
        mark(f"negative-epoch-v{version}", marker(("marks", [partition]), producer_epoch=-1), version=version)
        read(f"still-open-v{version}", partition)
        mark(f"abort-v{version}", marker(("marks", [partition])), version=version)
        read(f"aborted-v{version}", partition)
        read(f"aborted-uncommitted-v{version}", partition, 0)
        mark(f"abort-again-v{version}", marker(("marks", [partition])), version=version)
        t.ask(f"end-v{version}", "ListOffsets", 7, {"isolation_level": 1, "topics": [{"name": "marks", "partitions": [{"partition": partition, "timestamp": -1}]}]})
    t.produce("produce-for-two", "marks", batch(2, sequence=0, **data), partition=2, transactional_id="marks")
    mark("good-and-unknown", marker(("marks", [2, 7]), ("nowhere", [0]), transaction_result=True))
    read("committed", 2)
    mark("old-coordinator", marker(("marks", [2]), coordinator_epoch=-1))
    mark("of-nobody", marker(("marks", [2]), producer_id=2 ** 40))
    mark("twice-in-one", marker(("marks", [2])), marker(("marks", [2])))
    t.ask("producers", "DescribeProducers", 0, {"topics": [{"name": "marks", "partitions": [0, 1, 2]}]})


CASES = [transaction_order, transaction_fencing, transaction_markers]
