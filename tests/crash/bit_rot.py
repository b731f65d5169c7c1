#!/usr/bin/env python3
"""Bit flips and truncations in stored segments. --under stopped: the files of a cleanly stopped broker are damaged, then it starts; --under
running: a closed segment is damaged while the broker serves, and its scrubber and a consumer that checks CRCs look for it. Each damage must
be named (in the broker's log or by an error code) and no wrong byte may be served as sound.

Example: tests/crash/bit_rot.py --rounds 100 --under stopped --log rot.jsonl"""

import sys
import time

import campaign
import kafka_wire
import servers

OVERRIDES = ["log.segment.bytes=1048576", "penstock.scrub.bytes.per.second=67108864", "log.flush.offset.checkpoint.interval.ms=200"]


def fill(address, count=3000):
    values = []
    with kafka_wire.Client(address) as client:
        while len(values) < count * 5:
            some = [f"{len(values) + index}:" + "v" * 250 for index in range(5)]
            client.produce(campaign.TOPIC, 0, [value.encode() for value in some])
            values += some
    return values


def damage(folder, random, closed_only):
    """Flips a bit or cuts a file; says what."""
    segments = sorted((folder / "broker-data" / f"{campaign.TOPIC}-0").glob("*.log"))
    path = random.choice(segments[:-1] if closed_only else segments)
    size = path.stat().st_size
    at = random.randrange(size)
    if not closed_only and random.random() < 0.3:
        with open(path, "r+b") as file:
            file.truncate(at)
        return f"{path.name} cut at {at}"
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << random.randrange(8))]))
    return f"{path.name} bit at {at}"


def read_what_there_is(address, values):
    """(records served wrongly, whether an error told of the damage)."""
    wrong = 0
    named = False
    try:
        with kafka_wire.Client(address) as client:
            at, end = 0, client.offset(campaign.TOPIC, 0, -1)
            named = end != len(values)
            while at < end:
                found, at = campaign.read_step(client, 0, at, crcs=True)
                wrong += sum(1 for offset, value in found if offset >= len(values) or values[offset] != value)
    except kafka_wire.WireError:
        named = True
    return wrong, named


def one_round(under):
    def run(_number, folder, random):
        broker = servers.broker(folder, overrides=OVERRIDES)
        try:
            campaign.create_topic(broker.address)
            values = fill(broker.address)
            if under == "stopped":
                broker.stop()
                broker.__exit__()
                where = damage(folder, random, closed_only=False)
                broker = servers.broker(folder, overrides=OVERRIDES)
            else:
                where = damage(folder, random, closed_only=True)
            began = time.monotonic()
            wrong, named = read_what_there_is(broker.address, values)
            text = "offline" if under == "stopped" else "scrubbing"
            said = kafka_wire.wait_until(lambda: named or text in broker.log_path.read_text(errors="replace"), 20, f"the damage to be named: {where}")
            return {"where": where, "damages": 1, "wrong_bytes_accepted": wrong, "named": int(bool(said)),
                    "named_after_s": round(time.monotonic() - began, 2), "anomalies": wrong + int(not said)}
        finally:
            broker.kill()
            broker.__exit__()
    return run


def main():
    parser = campaign.options(__doc__, rounds=20)
    parser.add_argument("--under", choices=("stopped", "running"), default="stopped")
    args = parser.parse_args()
    return campaign.run(args, one_round(args.under))


if __name__ == "__main__":
    sys.exit(main())
