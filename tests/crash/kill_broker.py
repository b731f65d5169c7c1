#!/usr/bin/env python3
"""Kill -9 of the broker under load (plain, idempotent and transactional producers, members of a consumer-protocol group), with an independent checker. A round starts a broker on a new folder, kills and restarts it --cycles
times at random moments, then reads everything and checks what was acknowledged and what readers saw (checker.py).

Example: tests/crash/kill_broker.py --rounds 100 --cycles 10 --log kills.jsonl      (1,000 kills; the same command goes on where it ended)"""

import sys
import time

import campaign
import servers

PARTITIONS = (0, 1, 2)
SETTINGS = (f"num.partitions={len(PARTITIONS)}", "log.segment.bytes=1048576", "log.flush.offset.checkpoint.interval.ms=500",
            "group.consumer.min.heartbeat.interval.ms=100", "group.consumer.heartbeat.interval.ms=200", "group.consumer.min.session.timeout.ms=1000")
MEMBERS = 2


def one_round(cycles, flush):
    def run(number, folder, random):
        overrides = [*SETTINGS, f"penstock.flush={flush}"] if flush else list(SETTINGS)
        broker = servers.broker(folder, overrides=overrides)
        port = broker.port
        try:
            campaign.create_topic(broker.address)
            load = campaign.Load(broker.address, PARTITIONS, str(number), random, members=MEMBERS)
            load.start()
            slowest = 0.0
            for _ in range(cycles):
                time.sleep(random.uniform(0.05, 1.0))  # the random moment of the kill
                broker.kill()
                broker.__exit__()
                broker = servers.broker(folder, port=port, overrides=overrides)
                slowest = max(slowest, broker.ready_seconds)
            time.sleep(0.2)
            load.stop()
            return {"kills": cycles, "slowest_start_s": round(slowest, 3), **load.verdict()}
        finally:
            broker.__exit__()
    return run


def main():
    parser = campaign.options(__doc__, rounds=10)
    parser.add_argument("--cycles", type=int, default=10, help="kills a round")
    parser.add_argument("--flush", choices=("os", "ack"), default=None)
    args = parser.parse_args()
    return campaign.run(args, one_round(args.cycles, args.flush), {"acknowledged": 500 * args.cycles, "commits": 1, "kills": args.cycles})


if __name__ == "__main__":
    sys.exit(main())
