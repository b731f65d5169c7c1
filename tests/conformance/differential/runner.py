"""Sends a case's requests in order and keeps what came back, without what must differ between two brokers."""

import json
import re
import select
import socket
import struct
import time

import batches
import codec

SECONDS = 15
SILENT_SECONDS = 0.3
CLOSED = "closed"
SILENCE = "silence"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NO_ID = "00000000-0000-0000-0000-000000000000"
# Fields that are each broker's own.
OWN = {"host", "port", "cluster_id", "log_dir", "total_bytes", "usable_bytes", "log_append_time_ms", "client_host",
       "transaction_start_time_ms", "last_timestamp", "finalized_features_epoch",
       "metadata_high_watermark", "metadata_leader_epoch", "log_end_offset", "last_fetch_timestamp", "last_caught_up_timestamp"}
DROPPED = {"throttle_time_ms", "documentation"}
PRODUCERS = {"producer_id", "ongoing_txn_producer_id"}


class NotAdvertised(Exception):
    """The broker does not say that it knows that version: the rest of the case is left out."""


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0

    def send(self, payload):
        self.socket.sendall(struct.pack(">i", len(payload)) + payload)

    def receive(self, seconds):
        """A frame, CLOSED or SILENCE."""
        deadline = time.monotonic() + seconds
        data, wanted = b"", 4
        while len(data) < wanted:
            if not select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
                return SILENCE
            try:
                part = self.socket.recv(1 << 16)
            except ConnectionResetError:
                part = b""
            if not part:
                return CLOSED
            data += part
            if wanted == 4 and len(data) >= 4:
                wanted += struct.unpack_from(">i", data)[0]
        return data[4:]


class Run:
    """One broker's side. `advertised`: {key: (low, high)} when requests outside it are to be left out."""

    def __init__(self, address, advertised=None):
        self.address, self.advertised = address, advertised
        self.answers, self.left_out = {}, []
        self.name, self.connections, self.waiting, self.aliases, self.numbers = "", {}, {}, {}, {}

    def case(self, function):
        self.name = function.__name__.replace("_", "-")
        self.aliases, self.numbers = {}, {}
        try:
            function(self)
        except NotAdvertised as missing:
            self.left_out.append(f"{self.name}: {missing}")
        except (KeyError, IndexError, TypeError) as error:
            # An answer without what the case needs to go on: the requests behind it are missing on this side.
            self.answers[f"{self.name}/ended"] = f"{type(error).__name__}: {error}"
        finally:
            for connection in self.connections.values():
                connection.socket.close()
            self.connections, self.waiting = {}, {}

    def knows(self, api, version):
        low, high = (self.advertised or {}).get(codec.APIS[api].key, (0, -1))
        return self.advertised is None or low <= version <= high

    def connection(self, name="a"):
        if name not in self.connections:
            self.connections[name] = Connection(self.address)
        return self.connections[name]

    def send(self, api, version, values=None, *, on="a", body=None, tail=b"", client="differential"):
        """Without waiting for the answer; `body` instead of `values` is sent as it is, `tail` behind either."""
        if not self.knows(api, version):
            raise NotAdvertised(f"{api} {version}")
        known = codec.APIS[api]
        connection = self.connection(on)
        connection.number += 1
        head = codec.header(known.key, version, connection.number, client, version >= known.flexible)
        connection.send(head + (codec.request(api, version, values or {}) if body is None else body) + tail)
        self.waiting.setdefault(on, []).append((api, version, connection.number))

    def receive(self, label, *, on="a", seconds=SECONDS):
        """The next answer on that connection, decoded; recorded under `label` unless that is None."""
        api, version, number = self.waiting[on].pop(0)
        raw = self.connection(on).receive(seconds)
        out = raw
        if raw in (CLOSED, SILENCE):
            self.connections.pop(on).socket.close()
            self.waiting.pop(on)
        elif struct.unpack_from(">i", raw)[0] != number:
            out = "another request's answer"
        else:
            try:
                out = codec.answer(api, version, raw[4:])
            except codec.Malformed as error:
                out = f"malformed: {error}: {raw[4:].hex()}"
        if label is not None:
            self.keep(label, out)
        return out

    def ask(self, label, api, version, values=None, *, on="a", seconds=SECONDS, **how):
        self.send(api, version, values, on=on, **how)
        return self.receive(label, on=on, seconds=seconds)

    def each_version(self, label, api, values, low, high=None):
        """The same request at each version from Kafka's lowest to its highest; `values` may be a function of the version."""
        for version in range(low, (codec.APIS[api].highest if high is None else high) + 1):
            if self.knows(api, version):
                self.ask(f"{label}-v{version}", api, version, values(version) if callable(values) else values)

    def raw(self, label, payload, *, on="raw", seconds=SECONDS):
        """A frame's content as it is; the answer is kept as bytes, behind the correlation id."""
        self.connection(on).send(payload)
        out = self.connection(on).receive(seconds)
        if out in (CLOSED, SILENCE):
            self.connections.pop(on).socket.close()
        self.keep(label, out if isinstance(out, str) else {"bytes": out.hex()})

    def keep(self, label, answer):
        name = f"{self.name}/{label}"
        if name in self.answers:
            raise ValueError(f"two requests are called {name}")
        self.answers[name] = self.clean(answer)

    # What a case needs before its requests; nothing of it is recorded.

    def settle(self):
        """Until groups and producer ids are served: Kafka makes their topics and blocks when first asked."""
        self.until(lambda: not self.ask(None, "OffsetCommit", 9, {"group_id": "g"})["topics"]
                   and self.ask(None, "FindCoordinator", 3, {"key": "g"})["error_code"] == 0
                   and self.ask(None, "DescribeGroups", 5, {"groups": ["g"]})["groups"][0]["error_code"] == 0, "groups")
        self.until(lambda: not self.ask(None, "InitProducerId", 4)["error_code"], "producer ids")

    def topic(self, name, partitions=1, **configs):
        """A topic that serves all its partitions; its id, or None before version 7 of CreateTopics."""
        self.topics([(name, partitions, configs)])

    def topics(self, wanted):
        topics = [{"name": name, "num_partitions": count,
                   "configs": [{"name": key.replace("_", "."), "value": str(value)} for key, value in configs.items()]}
                  for name, count, configs in wanted]
        answer = self.ask(None, "CreateTopics", 5, {"topics": topics})
        for topic in answer["topics"]:
            if topic["error_code"]:
                raise RuntimeError(f"{self.name}: {topic}")
        self.until(lambda: all(not self.end_of(name, partition)["error_code"] for name, count, _ in wanted for partition in range(count)), "topics")

    def end_of(self, name, partition=0):
        out = self.ask(None, "ListOffsets", 5, {"topics": [{"name": name, "partitions": [{"partition": partition, "timestamp": -1}]}]})
        return out["topics"][0]["partitions"][0]

    def topic_id(self, name):
        out = self.ask(None, "Metadata", 12, {"topics": [{"name": name}]})
        return out["topics"][0]["topic_id"]

    def until(self, condition, what):
        deadline = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: {what}")
            time.sleep(0.01)

    def produce(self, label, topic, raw, *, partition=0, version=9, acks=-1, seconds=SECONDS, transactional_id=None, on="a"):
        values = {"acks": acks, "topics": [{"name": topic, "partitions": [{"index": partition, "records": raw}]}]}
        if transactional_id is not None:
            values["transactional_id"] = transactional_id
        return self.ask(label, "Produce", version, values, seconds=seconds, on=on)

    def alias(self, value, name):
        self.aliases[value] = name

    # Making two brokers' answers comparable.

    def clean(self, value, field=""):
        if isinstance(value, dict):
            return {name: self.clean(each, name) for name, each in value.items() if name not in DROPPED}
        if isinstance(value, list):
            out = [self.clean(each, field) for each in value]
            # Most arrays come out of hash maps.
            return sorted(out, key=lambda each: json.dumps(each, sort_keys=True)) if out and isinstance(out[0], dict) else out
        if field in OWN and value not in (None, "", -1, 0):
            return f"<{field}>"
        if field in PRODUCERS and isinstance(value, int) and value >= 0:
            return "<producer>"
        if field == "session_id":
            return self.numbers.setdefault(value, f"<session {len(self.numbers)}>") if value else 0
        if field == "timestamp" and isinstance(value, int) and value > batches.TIME + 10 ** 9:
            return "<now>"
        if field == "records" and value is not None:
            return batches.describe(bytes.fromhex(value))
        if isinstance(value, str):
            if value in self.aliases:
                return self.aliases[value]
            return UUID.sub(lambda found: found[0] if found[0] == NO_ID else self.aliases.setdefault(
                found[0], f"<id {len(self.aliases)}>"), value)
        return value
