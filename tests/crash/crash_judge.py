"""Judges what a broker has after a crash, and whether clients can go on, against what crash_workload.py was told."""

import checker
import crash_workload
import kafka_wire
import wire_requests

TIDY_S = 10


def judge(bench, workload):
    """{"anomalies": number, ...}; starts the broker twice: the second start follows a clean stop and must show the same."""
    address = bench.start()
    requests = wire_requests.Requests(address)
    anomalies = before(workload, requests)
    requests.close()
    workload.go_on(address)
    found, served = after(workload)
    anomalies += found
    bench.broker.process.terminate()
    code = bench.ended()
    if code != 0:
        anomalies.append(f"the clean stop ended with {code}")
    requests = workload.requests = wire_requests.Requests(bench.start())
    for (topic, partition), records in served.items():
        now = requests.read(topic, partition)
        if topic == "compact":  # it may have gone on
            records = [record for record in records if record in now]
        elif topic == "short":
            records = [record for record in records if not now or record[0] >= now[0][0]]
        if now != records:
            anomalies.append(f"{topic}-{partition} differs after a clean stop: {len(records)} records before, {len(now)} after")
    try:
        kafka_wire.wait_until(lambda: not _leftovers(bench.place / "data", served), TIDY_S, "what is left to be removed")
    except TimeoutError:
        anomalies += _leftovers(bench.place / "data", served)
    bench.broker.process.terminate()
    if bench.ended() != 0:
        anomalies.append("the second clean stop failed")
    return {"acknowledged": sum(1 for event in workload.history if event["status"] == "ok"), "anomalies": len(anomalies),
            **({"examples": [text[:400] for text in anomalies[:6]]} if anomalies else {})}


def _leftovers(data, served):
    """What is not tidied up: folders of partitions that are not, files that were to be replaced."""
    out = []
    for path in [*data.iterdir(), *data.glob("*/*")]:
        name = path.name
        if path.is_dir() and "-" in name and not name.startswith("__") and tuple(name.rsplit("-", 1)) not in {(t, str(p)) for t, p in served}:
            out.append(f"the folder {name} is left")
        elif name.endswith((".tmp", ".swap", ".cleaned", ".torn", ".deleted")):
            out.append(f"the file {path.parent.name}/{name} is left")
    return out


def before(workload, requests):
    """What can be said before anybody goes on: topics, settings, groups, where logs begin."""
    out = []
    there = requests.topics()
    for topic in workload.topics.values():
        if topic.name not in there:
            if topic.state == "there":
                out.append(f"the topic {topic.name} is gone")
            continue
        if topic.state == "absent":
            out.append(f"the topic {topic.name} is there")
        if there[topic.name] not in topic.partitions:
            out.append(f"{topic.name} has {there[topic.name]} partitions, not {sorted(topic.partitions)}")
        for key, value in topic.config.items():
            if requests.config(topic.name, key) != str(value):
                out.append(f"{topic.name}: {key} is {requests.config(topic.name, key)}, not {value}")
    if "plain" in there and None not in workload.retention_ms and requests.config("plain", "retention.ms") not in workload.retention_ms:
        out.append(f"plain: retention.ms is {requests.config('plain', 'retention.ms')}, not {workload.retention_ms}")
    for group, (known, possible) in workload.groups.items():
        if group == crash_workload.TRANSACTION_GROUP:
            continue  # its transaction may be open
        offset = requests.committed(group, "plain")
        if offset not in possible | {known}:
            out.append(f"{group}: offset {offset}, known {known}, possible {sorted(possible)}")
    for name, (known, possible) in workload.starts.items():
        if name in there:
            start = requests.offset(name, 0, -2)
            if start < known or (possible is not None and start not in possible | {known}):
                out.append(f"{name} begins at {start}, known {known}, possible {possible}")
    for topic in ("plain", "idem", "short"):
        if topic in there:
            out += _check({f"{topic}-0": requests.read(topic, 0)}, workload, topic, starts={f"{topic}-0": requests.offset(topic, 0, -2)})
    return out


def after(workload):
    """(anomalies, {(topic, partition): records}) once clients went on."""
    out = []
    requests = workload.requests
    served = {}
    for topic in workload.topics.values():
        for partition in range(requests.topics()[topic.name]):
            served[topic.name, partition] = requests.read(topic.name, partition)
            if topic.name == "compact":
                out += _compacted(workload, served[topic.name, partition])
                continue
            key = f"{topic.name}-{partition}" if topic.name != "gone" else f"gone {topic.generation}"
            whole = requests.read(topic.name, partition, committed=False)
            out += _check({key: served[topic.name, partition]}, workload, topic.name, {key: whole}, {key: requests.offset(topic.name, partition, -2)})
    out += _torn(workload, served)
    known, possible = workload.groups[crash_workload.TRANSACTION_GROUP]
    if known >= 0:
        offset = requests.committed(crash_workload.TRANSACTION_GROUP, "plain")
        if offset != known or possible != {known}:
            out.append(f"{crash_workload.TRANSACTION_GROUP}: offset {offset}, known {known}, possible {sorted(possible)}")
    return out, served


def _plain(records):
    return [[offset, value.decode(errors="replace")] for offset, _, value in records]


def _check(final, workload, what, uncommitted=None, starts=None):
    history = [event for event in workload.history if event["key"] in final]
    history = [{name: value for name, value in event.items() if name != "txn"} for event in history]  # torn ones are looked for over all partitions
    final = {key: _plain(records) for key, records in final.items()}
    uncommitted = None if uncommitted is None else {key: _plain(records) for key, records in uncommitted.items()}
    found = checker.check(history, final, uncommitted, starts)
    return [f"{what}: {name} {repr(examples[:2])}" for name, examples in found.items() if examples]


def _torn(workload, served):
    final = {f"txn-{partition}": _plain(served["txn", partition]) for partition in (0, 1) if ("txn", partition) in served}
    history = [event for event in workload.history if event.get("txn")]
    return [f"torn: {example}" for example in checker.check(history, final)["torn"]]


def _compacted(workload, records):
    """The last value of each key is the last acknowledged one or one sent behind it; nothing is served that was not sent."""
    out = []
    last, place = {}, -1
    for offset, key, value in records:
        if offset <= place:
            out.append(f"compact: offset {offset} behind {place}")
        place = offset
        key, value = key.decode(errors="replace"), None if value is None else value.decode(errors="replace")
        if value not in [each for each, _ in workload.written.get(key, ())]:
            out.append(f"compact: phantom {key} {value} at {offset}")
        last[key] = value
    for key, values in workload.written.items():
        acknowledged = max((index for index, (_, status) in enumerate(values) if status == "ok"), default=-1)
        allowed = [value for value, _ in values[max(acknowledged, 0):]]
        if acknowledged < 0 or None in allowed:
            allowed.append(None)
        if last.get(key) not in allowed:
            out.append(f"compact: {key} is {repr(last.get(key))[:60]}, not {repr(allowed)[:200]}")
    return out
