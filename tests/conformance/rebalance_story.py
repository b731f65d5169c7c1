"""What every group client has to go through: a second member comes, the first one leaves, and each record is read exactly once."""

import threading
import time

DEADLINE_S = 60


def until(condition, what, seconds=DEADLINE_S):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what() if callable(what) else what} within {seconds} s")
        threading.Event().wait(0.02)


def two_members(test, join, fill, partitions):
    """`join()` starts a member with `mine` (its partitions), `seen` (partition, offset, value), `problems` and `leave()`, which commits;
    `fill(start, count)` sends that many records and returns them as (partition, offset, value)."""
    everything = set(range(partitions))
    sent = fill(0, 300)
    first = join()
    members = [first]

    def seen():
        return [entry for member in members for entry in list(member.seen)]

    def state():
        return f"now {[(sorted(m.mine), len(m.seen), m.problems) for m in members]}"

    until(lambda: first.mine == everything and len(seen()) == 300, lambda: f"the first member takes all, {state()}")
    second = join()
    members.append(second)
    half = partitions // 2
    until(lambda: len(first.mine) == len(second.mine) == half and first.mine | second.mine == everything, lambda: f"two members share, {state()}")
    sent += fill(300, 300)
    until(lambda: len(seen()) >= 600, lambda: f"300 more are read, {state()}")
    first.leave()
    until(lambda: second.mine == everything, lambda: f"the second takes all, {state()}")
    sent += fill(600, 300)
    until(lambda: len(seen()) >= 900, lambda: f"the last 300 are read, {state()}")
    test.assertEqual([member.problems for member in members], [[], []])
    test.assertEqual(sorted(seen()), sorted(sent))
    return first, second
