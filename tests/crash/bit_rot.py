#!/usr/bin/env python3
"""Bit flips and truncations in stored segments, one a round. --under stopped: the files of a cleanly stopped broker are damaged, then it starts.
--under running: any segment, the active one too, is damaged while the broker serves, and its scrubber, a reader over the raw protocol and
librdkafka's consumer with check.crcs=true look for it. Each damage must be named (in the broker's log at start, when it is served or scrubbed; by
an error code; by a CRC) and no wrong byte may be accepted as sound: a value that a reader took at an offset that is not its own counts as
well, and so does a batch with another leader epoch. A third of the flips hit the head of a batch (base offset, length, leader epoch, magic),
which its CRC does not cover; under a running broker in the active segment too. The summary tells misses by kind of damage and kind of segment.

Example: tests/crash/bit_rot.py --rounds 100 --under stopped --log rot.jsonl"""

import contextlib
import sys
import time

import campaign
import kafka_wire
import producers
import servers

OVERRIDES = ["log.segment.bytes=1048576", "penstock.scrub.bytes.per.second=67108864", "log.flush.offset.checkpoint.interval.ms=200"]

PATIENCE_S = 3
SCRUBBED_S = 20  # the scrubber has been everywhere by then
EPOCH = 0
HEAD = "flip of a head"
FIELDS = (("base offset", 8), ("length", 12), ("leader epoch", 16), ("magic", 17))  # of a head, each up to this byte
NAMES = ("offline", "scrubbing", "crc", "CRC", "ends early", "corrupt", "is missing")


def fill(address, count=3000):
    values = []
    with kafka_wire.Client(address) as client:
        while len(values) < count * 5:
            some = [f"{len(values) + index}:" + "v" * 250 for index in range(5)]
            client.produce(campaign.TOPIC, 0, [value.encode() for value in some])
            values += some
    return values


def batch_starts(path):
    raw = path.read_bytes()
    at, out = 0, []
    while at + 61 <= len(raw):
        out.append(at)
        at += 12 + int.from_bytes(raw[at + 8:at + 12], "big")
    return out


def damage(folder, random):
    """Flips a bit or cuts a file; what it is: kind, segment, where."""
    paths = sorted((folder / "broker-data" / f"{campaign.TOPIC}-0").glob("*.log"))
    cut, head = random.random() < 0.3, random.random() < 0.33
    path = paths[-1] if random.random() < 0.4 else random.choice(paths)
    size = path.stat().st_size
    what = {"segment": "active" if path == paths[-1] else "closed"}
    if cut:
        at = random.choice(batch_starts(path)) if random.random() < 0.3 else random.randrange(size)
        with open(path, "r+b") as file:
            file.truncate(at)
        return {"damage": "cut", **what, "where": f"{path.name} of {size} cut at {at}"}
    within = random.randrange(FIELDS[-1][1])
    at = random.choice(batch_starts(path)) + within if head else random.randrange(size)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        bit = random.randrange(8)
        file.write(bytes([byte ^ (1 << bit)]))
    if head:
        what["field"] = next(name for name, end in FIELDS if within < end)
    return {"damage": HEAD if head else "flip", **what, "where": f"{path.name} of {size} byte {at} bit {bit}"}


def wrong_ones(found, values):
    return sum(1 for offset, value in found if offset >= len(values) or values[offset] != value)


def wrong_epochs(batches):
    """Batches that are not of the epoch in which all were written."""
    at, out = 0, 0
    while at + 61 <= len(batches):
        out += int(int.from_bytes(batches[at + 12:at + 16], "big") != EPOCH)
        at += 12 + int.from_bytes(batches[at + 8:at + 12], "big")
    return out


def read_raw(address, values):
    """(records served wrongly, whether an error told of the damage)."""
    wrong, at = 0, 0
    deadline = time.monotonic() + PATIENCE_S
    try:
        with kafka_wire.Client(address, PATIENCE_S) as client:
            end = client.offset(campaign.TOPIC, 0, -1)
            while at < end:
                before = at
                batches = client.fetch(campaign.TOPIC, 0, at)[0]
                campaign.check_batches(batches)
                found = [[offset, value.decode(errors="replace")] for offset, _, value in kafka_wire.records(batches) if offset >= at]
                wrong += wrong_ones(found, values) + wrong_epochs(batches)
                at = kafka_wire.next_offset(batches) or at
                if at == before and time.monotonic() > deadline:
                    return wrong, False  # nothing more is served; the broker has to say why
            return wrong, end != len(values)
    except kafka_wire.WireError as error:
        return wrong, "closed the connection" not in str(error)  # that alone names nothing
    except OSError:
        return wrong, False


def read_with_librdkafka(address, values):
    """The same of a consumer that checks CRCs."""
    ck = producers.ck
    consumer = ck.Consumer({"bootstrap.servers": address, "group.id": "rot", "enable.auto.commit": False, "check.crcs": True,
                            "enable.partition.eof": True, "log_level": 0})
    consumer.assign([ck.TopicPartition(campaign.TOPIC, 0, 0)])
    found, epochs = [], 0
    last = time.monotonic()
    try:
        while time.monotonic() < last + PATIENCE_S:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error() is not None:
                end = message.error().code() == ck.KafkaError._PARTITION_EOF  # pylint: disable=protected-access
                return wrong_ones(found, values) + epochs, not end or len(found) != len(values)
            found.append([message.offset(), message.value().decode(errors="replace")])
            epochs += int(message.leader_epoch() != EPOCH)
            last = time.monotonic()
        return wrong_ones(found, values) + epochs, False  # as above
    finally:
        consumer.close()


def one_round(under):
    def run(_number, folder, random):
        broker = servers.broker(folder, overrides=OVERRIDES)
        try:
            campaign.create_topic(broker.address)
            values = fill(broker.address)
            if under == "stopped":
                broker.stop()
                broker.__exit__()
                damaged = damage(folder, random)
                broker = servers.broker(folder, overrides=OVERRIDES)
            else:
                if random.random() < 0.5:
                    read_raw(broker.address, values)  # what was served once is not checked for ever
                damaged = damage(folder, random)
            said_at = len(broker.log_path.read_text(errors="replace")) if under == "running" else 0
            began = time.monotonic()
            wrong, by_reader = read_raw(broker.address, values)
            also_wrong, by_consumer = read_with_librdkafka(broker.address, values)

            def by_broker():
                text = broker.log_path.read_text(errors="replace")[said_at:]
                return any(word in text for word in NAMES)
            wrong += also_wrong
            by_log = bool(by_broker())
            if not (by_log or by_reader or by_consumer):
                with contextlib.suppress(TimeoutError):
                    by_log = bool(kafka_wire.wait_until(by_broker, SCRUBBED_S, "the damage to be named"))
            named = by_log or by_reader or by_consumer
            return {**damaged, "damages": 1, "acknowledged": len(values), "wrong_bytes_accepted": wrong,
                    "named": int(named), "unnamed": int(not named), "named_in_log": int(by_log),
                    "named_to_reader": int(by_reader), "named_to_librdkafka": int(by_consumer),
                    "named_after_s": round(time.monotonic() - began, 2), "anomalies": wrong + int(not named)}
        finally:
            broker.kill()
            broker.__exit__()
    return run


def summary(lines):
    """Damages by kind, and the misses among them."""
    damages, misses = {}, {}
    for line in lines:
        if "damage" not in line:
            continue
        kind = f"{line['damage']}{', ' + line['field'] if 'field' in line else ''}, {line['segment']} segment"
        damages[kind] = damages.get(kind, 0) + 1
        if line["anomalies"]:
            miss = misses.setdefault(kind, {"damages": 0, "unnamed": 0, "wrong_bytes_accepted": 0})
            for name, value in (("damages", 1), ("unnamed", line["unnamed"]), ("wrong_bytes_accepted", line["wrong_bytes_accepted"])):
                miss[name] += value
    return {"damages by kind": dict(sorted(damages.items())), "misses": misses}


def main():
    parser = campaign.options(__doc__, rounds=20)
    parser.add_argument("--under", choices=("stopped", "running"), default="stopped")
    args = parser.parse_args()
    return campaign.run(args, one_round(args.under), {"acknowledged": 1000, "damages": 1}, summary)


if __name__ == "__main__":
    sys.exit(main())
