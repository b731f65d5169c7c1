"""The independent checker of the crash campaigns: what producers were told and what readers saw, against the rules of a log. It shares no
code with the project and knows nothing of Kafka.

A history is a list of events, each a dict:
  {"f": "send", "proc": P, "key": K, "value": V, "offset": N or None, "status": "ok" | "fail" | "info" | "aborted", "txn": T}
      ok: acknowledged (and committed); fail: refused before it was stored; info: may or may not be stored; aborted: its transaction was aborted
      offset: where it was stored, if its producer was told; txn: left out, or any name that the values of one transaction share
  {"f": "poll", "proc": P, "key": K, "records": [[offset, value], ...], "isolation": "committed" | "uncommitted", "session": S}
      isolation: "committed" if left out; session: left out, or any name that is the same while a reader goes on from where it was
`final` is {K: [[offset, value], ...]}: every committed value that a new reader found from the log's begin to its end after the last fault,
in the order in which it was served; `uncommitted` is the same of a reader who also sees aborted values, where there is one. `starts` is {K:
offset} for logs that lost their begin to retention. K names a partition. Values are unique.

Anomalies, by name:
  lost       acknowledged, not in the final read (or not at the offset that the producer was told)
  duplicate  one value at two offsets
  reordered  one producer's acknowledged values do not lie in the order in which it sent them, or a reader was served offsets that go back
  divergent  two values at one offset, over all readers and all answers to producers
  aborted    a value that was refused was served, or one that was aborted to a reader of committed values
  phantom    a value that nobody sent was served
  torn       a transaction with unknown end of which only a part is there
  skipped    a reader who went on was not served a value that lies between those that it was served"""

NAMES = ("lost", "duplicate", "reordered", "divergent", "aborted", "phantom", "torn", "skipped")


def check(history, final, uncommitted=None, starts=None):
    """{anomaly: [examples]}; every list is empty when all is well."""
    found = {name: [] for name in NAMES}
    by_key = {}
    for event in history:
        by_key.setdefault(event["key"], {"send": [], "poll": []})[event["f"]].append(event)
    for key in sorted(set(by_key) | set(final)):
        events = by_key.get(key, {"send": [], "poll": []})
        whole = None if uncommitted is None else uncommitted.get(key, [])
        _check_key(found, key, events["send"], events["poll"], final.get(key, []), whole, (starts or {}).get(key, 0))
    _check_transactions(found, [event for event in history if event["f"] == "send" and event.get("txn")], final, starts or {})
    return found


def _check_key(found, key, sends, polls, served, whole, start):
    at_offset = {}
    places = {}
    committed = set()
    for isolation, source in _sources(polls, served, whole):
        last = -1
        for offset, value in source:
            if offset <= last:
                found["reordered"].append((key, f"offset {offset} was served behind {last}"))
            last = offset
            at_offset.setdefault(offset, set()).add(value)
            places.setdefault(value, set()).add(offset)
            if isolation == "committed":
                committed.add(value)
    for send in sends:
        if send["offset"] is not None:
            at_offset.setdefault(send["offset"], set()).add(send["value"])
    for offset, values in sorted(at_offset.items()):
        if len(values) > 1:
            found["divergent"].append((key, offset, sorted(values)[:3]))
    for value, offsets in sorted(places.items()):
        if len(offsets) > 1:
            found["duplicate"].append((key, value, sorted(offsets)))
    final_offset = {value: offset for offset, value in served}
    _check_lost(found, key, sends, final_offset, None if whole is None else {value: offset for offset, value in whole}, start)
    _check_order(found, key, sends, final_offset)
    sent = {send["value"]: send["status"] for send in sends}
    for value, offsets in sorted(places.items()):
        if value not in sent:
            found["phantom"].append((key, value, sorted(offsets)))
        elif sent[value] == "fail" or (sent[value] == "aborted" and value in committed):
            found["aborted"].append((key, value, sorted(offsets)))
    _check_sessions(found, key, polls, served, whole)


def _sources(polls, served, whole):
    """(isolation, records) of everything that is one reading in order."""
    sessions = {}
    for number, poll in enumerate(polls):
        name = ("session", poll["proc"], poll["session"]) if "session" in poll else ("poll", number)
        sessions.setdefault((poll.get("isolation", "committed"), name), []).extend(poll["records"])
    return [("committed", served)] + ([] if whole is None else [("uncommitted", whole)]) + [(name[0], source) for name, source in sessions.items()]


def _check_lost(found, key, sends, final_offset, whole_offset, start):
    for send in sends:
        if send["offset"] is not None and send["offset"] < start:
            continue
        if send["status"] == "ok":
            offset = final_offset.get(send["value"])
            if offset is None or (send["offset"] is not None and offset != send["offset"]):
                found["lost"].append((key, send["value"], send["offset"], offset))
        elif send["offset"] is not None and whole_offset is not None and whole_offset.get(send["value"]) != send["offset"]:
            found["lost"].append((key, send["value"], send["offset"], whole_offset.get(send["value"])))


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


def _check_sessions(found, key, polls, served, whole):
    sessions = {}
    for poll in polls:
        if "session" in poll:
            sessions.setdefault((poll.get("isolation", "committed"), poll["proc"], poll["session"]), []).extend(poll["records"])
    for (isolation, proc, session), records in sessions.items():
        source = served if isolation == "committed" else whole
        if not records or source is None:
            continue
        seen = {offset for offset, _ in records}
        first, last = min(seen), max(seen)
        for offset, value in source:
            if first < offset < last and offset not in seen:
                found["skipped"].append((key, proc, session, offset, value))


def _check_transactions(found, sends, final, starts):
    there = {key: {value for _, value in records} for key, records in final.items()}
    transactions = {}
    for send in sends:
        if send["status"] == "info":
            transactions.setdefault(send["txn"], []).append(send)
    for name, parts in transactions.items():
        # What retention took cannot be told from what was never committed.
        known = [send for send in parts if not starts.get(send["key"]) or (send["offset"] is not None and send["offset"] >= starts[send["key"]])]
        present = sum(1 for send in known if send["value"] in there.get(send["key"], ()))
        if 0 < present < len(known):
            found["torn"].append((name, f"{present} of {len(known)} values are there"))


def counts(found):
    return {name: len(found[name]) for name in NAMES}
