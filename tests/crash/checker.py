"""The independent checker of the crash campaigns: what producers were told and what readers saw, against the rules of a log. It shares no
code with the project and knows nothing of Kafka.

A history is a list of events, each a dict:
  {"f": "send", "proc": P, "key": K, "value": V, "offset": N or None, "status": "ok" | "fail" | "info" | "aborted"}
      ok: acknowledged at that offset; fail: refused before it was stored; info: may or may not be stored; aborted: its transaction was aborted
  {"f": "poll", "proc": P, "key": K, "records": [[offset, value], ...]}
and `final` is {K: [[offset, value], ...]}: everything a new reader found from the log's begin to its end after the last fault, in the order
in which it was served. K names a partition. Values are unique.

Anomalies, by name:
  lost       acknowledged, not in the final read (or not at the offset that the producer was told)
  duplicate  one value at two offsets
  reordered  one producer's acknowledged values do not lie in the order in which it sent them, or a reader was served offsets that go back
  divergent  two values at one offset, over all readers and all answers to producers
  aborted    a value that was refused or aborted was served
  phantom    a value that nobody sent was served"""

NAMES = ("lost", "duplicate", "reordered", "divergent", "aborted", "phantom")


def check(history, final):
    """{anomaly: [examples]}; every list is empty when all is well."""
    found = {name: [] for name in NAMES}
    sends = [event for event in history if event["f"] == "send"]
    polls = [event for event in history if event["f"] == "poll"]
    for key in sorted({event["key"] for event in history} | set(final)):
        served = final.get(key, [])
        _check_key(found, key, [s for s in sends if s["key"] == key], [p for p in polls if p["key"] == key], served)
    return found


def _check_key(found, key, sends, polls, served):
    at_offset = {}
    places = {}
    for source in [served] + [poll["records"] for poll in polls]:
        last = -1
        for offset, value in source:
            if offset <= last:
                found["reordered"].append((key, f"offset {offset} was served behind {last}"))
            last = offset
            at_offset.setdefault(offset, set()).add(value)
            places.setdefault(value, set()).add(offset)
    for send in sends:
        if send["status"] == "ok" and send["offset"] is not None:
            at_offset.setdefault(send["offset"], set()).add(send["value"])
    for offset, values in sorted(at_offset.items()):
        if len(values) > 1:
            found["divergent"].append((key, offset, sorted(values)[:3]))
    for value, offsets in sorted(places.items()):
        if len(offsets) > 1:
            found["duplicate"].append((key, value, sorted(offsets)))
    final_offset = {value: offset for offset, value in served}
    for send in sends:
        if send["status"] != "ok":
            continue
        offset = final_offset.get(send["value"])
        if offset is None or (send["offset"] is not None and offset != send["offset"]):
            found["lost"].append((key, send["value"], send["offset"], offset))
    _check_order(found, key, sends, final_offset)
    sent = {send["value"]: send["status"] for send in sends}
    for value, offsets in sorted(places.items()):
        if value not in sent:
            found["phantom"].append((key, value, sorted(offsets)))
        elif sent[value] in ("fail", "aborted"):
            found["aborted"].append((key, value, sorted(offsets)))


def _check_order(found, key, sends, final_offset):
    last = {}
    for send in sends:
        offset = final_offset.get(send["value"])
        if send["status"] != "ok" or offset is None:
            continue
        before = last.get(send["proc"])
        if before is not None and offset < before:
            found["reordered"].append((key, send["proc"], send["value"], offset, before))
        last[send["proc"]] = offset


def counts(found):
    return {name: len(found[name]) for name in NAMES}
