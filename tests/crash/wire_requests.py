"""The requests of a scripted workload beyond kafka_wire's: topics, groups and transactions in their lowest versions. Each returns what the
broker says; what it may say while it comes up or ends a transaction is asked for again."""

import struct
import time

import kafka_wire

# COORDINATOR_LOAD_IN_PROGRESS, _NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS; UNKNOWN_TOPIC_OR_PARTITION and NOT_LEADER of a new topic
PASSING = (14, 15, 16, 51, 3, 6)
SECONDS = 20


class Died(Exception):
    """The broker is gone."""


def text(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value.encode())) + value.encode()


def array(parts):
    return struct.pack(">i", len(parts)) + b"".join(parts)


class Requests:
    """One connection; Died where it ends."""

    def __init__(self, address):
        try:
            self.client = kafka_wire.Client(address, 30)
        except OSError as error:
            raise Died(str(error)) from None

    def close(self):
        self.client.close()

    def patient(self, ask, passing=PASSING):
        """ask() -> value, or WireError with an error code as its last word."""
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return ask()
            except kafka_wire.WireError as error:
                code = str(error).rsplit(" ", 1)[-1]
                if "closed" in str(error):
                    raise Died(str(error)) from None
                if not code.isdigit() or int(code) not in passing or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            except OSError as error:
                raise Died(str(error)) from None

    def _call(self, what, key, version, body, read, passing=PASSING):
        """read(reader) -> (error code, value)."""
        def once():
            error, value = read(self.client.call(key, version, body))
            if error:
                raise kafka_wire.WireError(f"{what}: error {error}")
            return value
        return self.patient(once, passing)

    def create_topic(self, name, partitions, config):
        settings = array([text(key) + text(str(value)) for key, value in config.items()])
        body = array([text(name) + struct.pack(">ih", partitions, 1) + array([]) + settings]) + struct.pack(">ib", 30_000, 0)

        def read(reader):
            reader.take("i")
            reader.take("i")
            reader.text()
            return reader.take("h"), None
        self._call(f"CreateTopics {name}", 19, 2, body, read, passing=())

    def delete_topic(self, name):
        self.patient(lambda: self.client.delete_topics([name]), passing=())

    def create_partitions(self, name, count):
        body = array([text(name) + struct.pack(">ii", count, -1)]) + struct.pack(">ib", 30_000, 0)

        def read(reader):
            reader.take("ii")
            reader.text()
            return reader.take("h"), None
        self._call(f"CreatePartitions {name}", 37, 0, body, read, passing=())

    def alter_config(self, topic, key, value):
        """IncrementalAlterConfigs."""
        body = array([struct.pack(">b", 2) + text(topic) + array([text(key) + b"\0" + text(value)])]) + b"\0"

        def read(reader):
            reader.take("ii")
            return reader.take("h"), None
        self._call(f"IncrementalAlterConfigs {topic}", 44, 0, body, read, passing=())

    def config(self, topic, key):
        body = array([struct.pack(">b", 2) + text(topic) + array([text(key)])]) + b"\0"

        def read(reader):
            reader.take("ii")
            error = reader.take("h")
            reader.text()
            reader.take("b")
            reader.text()
            if error or reader.take("i") != 1:
                return error or 40, None
            reader.text()
            return error, reader.text()
        return self._call(f"DescribeConfigs {topic}", 32, 1, body, read)

    def delete_records(self, topic, offset):
        body = array([text(topic) + array([struct.pack(">iq", 0, offset)])]) + struct.pack(">i", 30_000)

        def read(reader):
            reader.take("ii")
            reader.text()
            reader.take("i")
            _, low, error = reader.take("iqh")
            return error, low
        return self._call(f"DeleteRecords {topic}", 21, 0, body, read)

    def find_coordinator(self, key, transactions=False):
        """FindCoordinator v1: makes the internal topic where it is missing."""
        def read(reader):
            reader.take("i")
            return reader.take("h"), None
        self._call("FindCoordinator", 10, 1, text(key) + struct.pack(">b", int(transactions)), read)

    def init_producer(self, transactional_id=None):
        """(producer id, epoch)."""
        if transactional_id is not None:
            self.find_coordinator(transactional_id, transactions=True)

        def read(reader):
            reader.take("i")
            error, producer, epoch = reader.take("hqh")
            return error, (producer, epoch)
        return self._call("InitProducerId", 22, 0, text(transactional_id) + struct.pack(">i", 600_000), read)

    def add_partitions(self, transactional_id, producer, topic, partitions):
        body = text(transactional_id) + struct.pack(">qh", *producer) + array([text(topic) + array([struct.pack(">i", each) for each in partitions])])

        def read(reader):
            reader.take("ii")
            reader.text()
            errors = [reader.take("ih")[1] for _ in range(reader.take("i"))]
            return next(filter(None, errors), 0), None
        self._call("AddPartitionsToTxn", 24, 0, body, read)

    def add_offsets(self, transactional_id, producer, group):
        def read(reader):
            reader.take("i")
            return reader.take("h"), None
        self._call("AddOffsetsToTxn", 25, 0, text(transactional_id) + struct.pack(">qh", *producer) + text(group), read)

    def commit_in_transaction(self, transactional_id, producer, group, topic, offset):
        self.find_coordinator(group)
        body = text(transactional_id) + text(group) + struct.pack(">qh", *producer)
        body += array([text(topic) + array([struct.pack(">iq", 0, offset) + text("")])])

        def read(reader):
            reader.take("ii")
            reader.text()
            reader.take("i")
            return reader.take("ih")[1], None
        self._call("TxnOffsetCommit", 28, 0, body, read)

    def end_transaction(self, transactional_id, producer, committed):
        def read(reader):
            reader.take("i")
            return reader.take("h"), None
        self._call("EndTxn", 26, 0, text(transactional_id) + struct.pack(">qhb", *producer, int(committed)), read)

    def commit(self, group, topic, offset):
        """OffsetCommit v2 without membership."""
        self.find_coordinator(group)
        body = text(group) + struct.pack(">i", -1) + text("") + struct.pack(">q", -1) + array([text(topic) + array([struct.pack(">iq", 0, offset) + text("")])])

        def read(reader):
            reader.take("i")
            reader.text()
            reader.take("i")
            return reader.take("ih")[1], None
        self._call(f"OffsetCommit {group}", 8, 2, body, read)

    def committed(self, group, topic):
        """OffsetFetch v1; -1: none."""
        self.find_coordinator(group)

        def read(reader):
            reader.take("i")
            reader.text()
            reader.take("i")
            _, offset = reader.take("iq")
            reader.text()
            return reader.take("h"), offset
        return self._call(f"OffsetFetch {group}", 9, 1, text(group) + array([text(topic) + array([struct.pack(">i", 0)])]), read)

    def produce(self, topic, partition, values, **how):
        return self.patient(lambda: self.client.produce(topic, partition, values, **how))

    def topics(self):
        return self.patient(self.client.metadata)

    def offset(self, topic, partition, timestamp):
        return self.patient(lambda: self.client.offset(topic, partition, timestamp))

    def read(self, topic, partition, committed=True):
        """[[offset, key, value]] of everything there is; an open transaction is waited for."""
        while True:
            try:
                return self._read_once(topic, partition, committed)
            except kafka_wire.WireError as error:
                if not str(error).endswith("error 1"):  # OFFSET_OUT_OF_RANGE: retention has just taken the begin
                    raise

    def _read_once(self, topic, partition, committed):
        out = []
        deadline = time.monotonic() + SECONDS
        at, end = self.offset(topic, partition, -2), self.offset(topic, partition, -1)
        while at < end:
            start = at
            raw, _, _, aborted = self.patient(lambda: self.client.fetch_isolated(topic, partition, start, 1 << 20, isolation=int(committed)))
            out += [[offset, key, value] for offset, key, value in kafka_wire.records(raw, aborted) if offset >= at]
            at = max(at, kafka_wire.next_offset(raw) or 0)
            if at == start and time.monotonic() > deadline:
                raise TimeoutError(f"{topic}-{partition}: nothing was served at offset {at} of {end} ({'committed' if committed else 'all'})")
        return out
