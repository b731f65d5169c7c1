"""Producers of confluent-kafka (librdkafka), idempotent and transactional, that note what they were told for the checker. Values carry the
producer's name, the number of the transaction and the sequence. Needs PyPI once (tests/peers/requirements.txt)."""

import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "conformance"))
import clusters  # noqa: E402

ck = clusters.python_client("confluent_kafka")
CALL_S = 10
END_S = 30
# Without "none" librdkafka 2.16.0 forgets a TxnOffsetCommit that waits for a broker whose handle a re-bootstrap takes away, for ever.
SETTINGS = {"metadata.recovery.strategy": "none", "linger.ms": 1, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 20, "retry.backoff.max.ms": 200,
            "socket.timeout.ms": 5000, "topic.metadata.refresh.interval.ms": 2000, "log_level": 0}


class _Noting(threading.Thread):
    """Notes of each value where it went: `history` is for the checker, `fatal` what should not have happened."""

    def __init__(self, bootstrap, topic, partitions, name, seed, pad):
        super().__init__(daemon=True)
        self.bootstrap, self.topic, self.partitions, self.name = bootstrap, topic, partitions, name
        self.random = random.Random(seed)
        self.pad = pad
        self.history = []
        self.fatal = []
        self.running = True
        self.acknowledged = 0
        self.refused = 0

    def client(self, **settings):
        return ck.Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, **SETTINGS, **settings})

    def send(self, client, number, sequence, txn=None):
        """One value to a random partition; the event is filled in as answers come."""
        partition = self.random.choice(self.partitions)
        value = f"{self.name}:{number}:{sequence}:" + "x" * self.random.randrange(self.pad)
        event = {"f": "send", "proc": self.name, "key": f"{self.topic}-{partition}", "value": value, "status": "info", "offset": None}
        if txn:
            event["txn"] = txn

        def delivered(error, message):
            if error is None:
                event["offset"] = message.offset()
            self.delivered(event, error)
        while True:
            try:
                client.produce(self.topic, value, partition=partition, on_delivery=delivered)
                break
            except BufferError:
                client.poll(0.1)
        self.history.append(event)
        return event

    def delivered(self, event, error):
        pass

    def stop(self):
        self.running = False
        self.join(END_S + CALL_S)
        if self.is_alive():
            self.fatal.append(f"{self.name} did not end within {END_S + CALL_S} s")


class Idempotent(_Noting):
    """Sends without a transaction, many in flight."""

    def delivered(self, event, error):
        if error is None:
            event["status"] = "ok"
            self.acknowledged += 1
        elif error.fatal():
            self.fatal.append(f"{self.name}: {error}")
        else:
            self.refused += 1

    def run(self):
        client = self.client()
        number = 0
        while self.running:
            for sequence in range(self.random.randint(1, 20)):
                self.send(client, number, sequence)
            number += 1
            client.poll(0.005)
            while self.running and len(client) > 200:
                client.poll(0.05)
        client.flush(END_S)


class Transactional(_Noting):
    """Commits, aborts and abandons transactions at random, each with an offset of the producer's own group: the transaction's number."""

    def __init__(self, *args):
        super().__init__(*args)
        self.commits = self.aborts = 0
        self.group = f"group of {self.name}"
        self.offset_known, self.offsets_possible = -1, set()
        consumer = ck.Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group, "log_level": 0})
        self.metadata = consumer.consumer_group_metadata()
        consumer.close()

    def run(self):
        client, abandoned, number = None, [], 0
        deadline = None
        while self.running or abandoned:
            if not self.running:
                deadline = deadline or time.monotonic() + END_S
                if time.monotonic() > deadline:
                    self.fatal.append(f"{self.name}: no end of the last transaction within {END_S} s")
                    return
            try:
                if client is None:
                    client = self.client(**{"transactional.id": self.name, "transaction.timeout.ms": 600_000})
                    self.retried(client.init_transactions)
                for event in abandoned:  # the successor's start ended it
                    event["status"] = "aborted"
                abandoned = []
                if not self.running:
                    return
                how = self.random.choices(("commit", "abort", "abandon"), (60, 30, 10))[0]
                events = []
                try:
                    self.transaction(client, number, how, events)
                except ck.KafkaException as error:
                    if not error.args[0].txn_requires_abort():
                        raise
                    self.retried(client.abort_transaction)
                    self.ended(events, number, False)
                if how == "abandon" and events and events[0]["status"] == "info":
                    abandoned, client = events, None
            except ck.KafkaException as error:  # this client is done for; its open transaction ends one way or the other
                self.note(error)
                client = None
                time.sleep(0.05)
            number += 1

    def transaction(self, client, number, how, events):
        client.begin_transaction()
        for sequence in range(self.random.randint(1, 30)):
            events.append(self.send(client, number, sequence, txn=f"{self.name} {number}"))
            client.poll(0)
        if self.random.random() < 0.5:
            client.flush(CALL_S)
        offsets = [ck.TopicPartition(self.topic, self.partitions[0], number)]
        self.retried(lambda seconds: client.send_offsets_to_transaction(offsets, self.metadata, seconds))
        if how == "commit":
            self.offsets_possible.add(number)
            self.retried(client.commit_transaction)
            self.ended(events, number, True)
        elif how == "abort":
            self.retried(client.abort_transaction)
            self.ended(events, number, False)
        else:
            client.flush(CALL_S)
        client.poll(0)

    def ended(self, events, number, committed):
        for event in events:
            event["status"] = "ok" if committed else "aborted"
        if committed:
            self.commits += 1
            self.acknowledged += len(events)
            self.offset_known = number
            self.offsets_possible = {number}
        else:
            self.aborts += 1
            self.offsets_possible.discard(number)

    def retried(self, call):
        """Until it went through; librdkafka goes on with the same request."""
        deadline = time.monotonic() + END_S
        while True:
            try:
                return call(CALL_S)
            except ck.KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise
                self.refused += 1
                time.sleep(0.02)

    def note(self, error):
        self.refused += 1
        if error.args[0].fatal():
            self.fatal.append(f"{self.name}: {error.args[0]}")

    def offset_is_wrong(self):
        """What is wrong with the group's offset after the last fault, or None: it is that of the last committed transaction."""
        client = ck.Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group, "log_level": 0})
        try:
            found = client.committed([ck.TopicPartition(self.topic, self.partitions[0])], timeout=CALL_S)[0].offset
        finally:
            client.close()
        found = -1 if found < 0 else found
        return None if found in self.offsets_possible | {self.offset_known} else \
            f"{self.group}: offset {found}, known {self.offset_known}, possible {sorted(self.offsets_possible)}"


def read_committed(bootstrap, topic, partition):
    """[[offset, value]] as librdkafka's consumer reads it, CRCs checked."""
    consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": "final", "auto.offset.reset": "earliest", "enable.auto.commit": False,
                            "isolation.level": "read_committed", "check.crcs": True, "enable.partition.eof": True, "log_level": 0})
    consumer.assign([ck.TopicPartition(topic, partition, ck.OFFSET_BEGINNING)])
    out = []
    deadline = time.monotonic() + END_S
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{topic}-{partition}: no end within {END_S} s")
            elif message.error() is None:
                out.append([message.offset(), message.value().decode(errors="replace")])
            elif message.error().code() == ck.KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
                return out
            else:
                raise ck.KafkaException(message.error())
    finally:
        consumer.close()
