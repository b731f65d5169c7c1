"""A small Kafka client on plain sockets, for tests and benchmarks that must not wait for a client library: ApiVersions, Metadata,
ListOffsets, Fetch and Produce, one connection, one request at a time. It is a second opinion on the wire: it shares no code with the project."""

import socket
import struct
import time


class WireError(RuntimeError):
    """The broker answered with an error code, or not at all."""


def _string(text):
    raw = text.encode()
    return struct.pack(">h", len(raw)) + raw


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values[0] if len(values) == 1 else values

    def text(self):
        size = self.take("h")
        if size < 0:
            return None
        raw = self.data[self.at:self.at + size]
        self.at += size
        return raw.decode()

    def raw(self):
        size = self.take("i")
        if size < 0:
            return b""
        out = self.data[self.at:self.at + size]
        self.at += size
        return out


class Client:
    """`bootstrap`: "host:port". Raises OSError when nobody listens, WireError for what the broker says."""

    def __init__(self, bootstrap, timeout=10.0):
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.correlation = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, key, version, body):
        self.correlation += 1
        head = struct.pack(">hhi", key, version, self.correlation) + _string("wire-test")
        self.socket.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        size = struct.unpack(">i", self._exactly(4))[0]
        reader = Reader(self._exactly(size))
        if reader.take("i") != self.correlation:
            raise WireError("the answer belongs to another request")
        return reader

    def _exactly(self, size):
        parts = []
        while size > 0:
            part = self.socket.recv(min(size, 1 << 20))
            if not part:
                raise WireError("the broker closed the connection")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def api_versions(self):
        reader = self.call(18, 0, b"")
        error = reader.take("h")
        if error:
            raise WireError(f"ApiVersions: error {error}")
        return {key: (low, high) for key, low, high in (reader.take("hhh") for _ in range(reader.take("i")))}

    def metadata(self, topics=None):
        """{topic: number of partitions}; Metadata v1. None: all topics, none is created."""
        body = struct.pack(">i", -1) if topics is None else struct.pack(">i", len(topics)) + b"".join(map(_string, topics))
        reader = self.call(3, 1, body)
        for _ in range(reader.take("i")):
            reader.take("i")
            reader.text()
            reader.take("i")
            reader.text()
        reader.take("i")
        out = {}
        for _ in range(reader.take("i")):
            error = reader.take("h")
            name = reader.text()
            reader.take("b")
            count = reader.take("i")
            for _ in range(count):
                reader.take("hii")
                for _ in range(2):
                    for _ in range(reader.take("i")):
                        reader.take("i")
            if not error:
                out[name] = count
        return out

    def offset(self, topic, partition, timestamp=-1):
        """ListOffsets v1: -1 the end, -2 the start, or the first offset at a time (ms)."""
        body = struct.pack(">ii", -1, 1) + _string(topic) + struct.pack(">iiq", 1, partition, timestamp)
        reader = self.call(2, 1, body)
        reader.take("i")
        reader.text()
        reader.take("i")
        _, error, _, offset = reader.take("ihqq")
        if error:
            raise WireError(f"ListOffsets {topic}-{partition}: error {error}")
        return offset

    def delete_topics(self, topics, timeout_ms=30_000):
        """DeleteTopics v1."""
        body = struct.pack(">i", len(topics)) + b"".join(map(_string, topics)) + struct.pack(">i", timeout_ms)
        reader = self.call(20, 1, body)
        reader.take("i")
        for _ in range(reader.take("i")):
            name, error = reader.text(), reader.take("h")
            if error:
                raise WireError(f"DeleteTopics {name}: error {error}")

    def wait_for_topic(self, topic, partitions, seconds=60):
        """Until the end of each partition can be asked for: the broker has opened them all."""
        for partition in range(partitions):
            wait_until(lambda p=partition: self._has_end(topic, p), seconds, f"{topic}-{partition}", 0.005)

    def _has_end(self, topic, partition):
        try:
            return self.offset(topic, partition, -1) >= 0
        except WireError:
            return False

    def end(self, topic, partition=0):
        try:
            return self.offset(topic, partition, -1)
        except WireError:
            return 0

    def fetch(self, topic, partition, offset, max_bytes=4 << 20):
        """Fetch v4, read_uncommitted: (raw record batches, high watermark)."""
        raw, high, _, _ = self.fetch_isolated(topic, partition, offset, max_bytes, isolation=0)
        return raw, high

    def fetch_isolated(self, topic, partition, offset, max_bytes=4 << 20, isolation=1):
        """Fetch v4: (raw record batches, high watermark, last stable offset, [(producer id, first offset)] of the aborted)."""
        body = struct.pack(">iiiib", -1, 100, 1, max_bytes, isolation) + struct.pack(">i", 1) + _string(topic)
        body += struct.pack(">iiqi", 1, partition, offset, max_bytes)
        reader = self.call(1, 4, body)
        reader.take("i")
        reader.take("i")
        reader.text()
        reader.take("i")
        _, error, high, stable = reader.take("ihqq")
        aborted = [reader.take("qq") for _ in range(max(0, reader.take("i")))]
        if error:
            raise WireError(f"Fetch {topic}-{partition} at {offset}: error {error}")
        return reader.raw(), high, stable, aborted

    def produce(self, topic, partition, values, acks=-1, transactional_id=None, **batch):
        """Produce v3, one uncompressed batch; returns its base offset once acknowledged. `batch`: what build_batch() takes besides."""
        batch = build_batch(values, transactional=transactional_id is not None, **batch)
        body = struct.pack(">h", -1) if transactional_id is None else _string(transactional_id)
        body += struct.pack(">hi", acks, 10_000) + struct.pack(">i", 1) + _string(topic)
        body += struct.pack(">iii", 1, partition, len(batch)) + batch
        reader = self.call(0, 3, body)
        reader.take("i")
        reader.text()
        reader.take("i")
        _, error, base, _ = reader.take("ihqq")
        if error:
            raise WireError(f"Produce {topic}-{partition}: error {error}")
        return base


def _crc32c_table():
    table = []
    for index in range(256):
        crc = index
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _put_varint(value):
    raw = (value << 1) ^ (value >> 63)
    out = bytearray()
    while raw >= 0x80:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)


def _put_bytes(raw):
    return _put_varint(-1) if raw is None else _put_varint(len(raw)) + raw


def build_batch(values, now_ms=None, keys=None, producer=(-1, -1, -1), transactional=False):
    """A v2 record batch. `keys`: one for each value, or none at all; `producer`: id, epoch and the first record's sequence."""
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    parts = []
    for index, value in enumerate(values):
        body = b"\0" + _put_varint(0) + _put_varint(index) + _put_bytes(keys[index] if keys else None) + _put_bytes(value) + _put_varint(0)
        parts.append(_put_varint(len(body)) + body)
    attributes = 0x10 if transactional else 0
    tail = struct.pack(">hiqqqhii", attributes, len(values) - 1, now_ms, now_ms, *producer, len(values)) + b"".join(parts)
    head = struct.pack(">ibI", -1, 2, crc32c(tail))
    return struct.pack(">qi", 0, len(head) + len(tail)) + head + tail


def _varint(data, at):
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def records(batches, aborted=()):
    """(offset, key, value) of each record in uncompressed v2 batches; compressed ones raise. A cut last batch is left out, and so are the
    batches of the aborted transactions, given as (producer id, first offset)."""
    waiting = sorted((first, producer) for producer, first in aborted)
    open_now = set()
    at = 0
    while at + 61 <= len(batches):
        base, length = struct.unpack_from(">qi", batches, at)
        end = at + 12 + length
        if end > len(batches):
            return
        attributes, last_delta = struct.unpack_from(">hi", batches, at + 21)
        producer = struct.unpack_from(">q", batches, at + 43)[0]
        while waiting and waiting[0][0] <= base + last_delta:
            open_now.add(waiting.pop(0)[1])
        found = list(_records_of(batches, at, base, attributes))
        at = end
        if attributes & 0x20:
            open_now.discard(producer)  # a marker of either kind ends the transaction
        elif not (attributes & 0x10 and producer in open_now):
            yield from found


def next_offset(batches):
    """The offset behind the last whole batch, or None."""
    at, out = 0, None
    while at + 61 <= len(batches):
        base, length = struct.unpack_from(">qi", batches, at)
        if at + 12 + length > len(batches):
            break
        out = base + struct.unpack_from(">i", batches, at + 23)[0] + 1
        at += 12 + length
    return out


def _records_of(batches, at, base, attributes):
    if attributes & 7:
        raise WireError("the batch is compressed")
    place = at + 61
    for _ in range(struct.unpack_from(">i", batches, at + 57)[0]):
        size, place = _varint(batches, place)
        stop = place + size
        place += 1
        _, place = _varint(batches, place)
        delta, place = _varint(batches, place)
        parts = []
        for _ in range(2):
            size, place = _varint(batches, place)
            parts.append(None if size < 0 else batches[place:place + size])
            place += max(0, size)
        yield base + delta, parts[0], parts[1]
        place = stop


def wait_until(condition, seconds, what, every=0.02):
    """Waits for `condition()` to be true; returns its value. TimeoutError names `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(every)
