"""Members of a group of the consumer protocol (KIP-848), confluent-kafka's, that note for the checker what they read. Needs PyPI once."""

import threading
import time

from producers import CALL_S, END_S, SETTINGS, ck

IDLE_S = 3  # without a record at the end: everything was read


class Member(threading.Thread):
    """Reads committed records and commits its place now and then; a partition that it gets again is a new session."""

    def __init__(self, bootstrap, topic, group, name):
        super().__init__(daemon=True)
        self.topic, self.group, self.name = topic, group, name
        consumer = {name: value for name, value in SETTINGS.items() if name != "linger.ms"}
        self.client = ck.Consumer({**consumer, "bootstrap.servers": bootstrap, "group.id": group, "group.protocol": "consumer",
                                   "auto.offset.reset": "earliest", "enable.auto.commit": False, "isolation.level": "read_committed", "check.crcs": True})
        self.history, self.fatal = [], []
        self.running = True
        self.sessions = self.commits = 0
        self.owned = set()

    def assigned(self, client, partitions):
        self.sessions += 1
        self.owned |= {p.partition for p in partitions}
        client.incremental_assign(partitions)

    def revoked(self, client, partitions):
        self.owned -= {p.partition for p in partitions}
        self.commit()
        client.incremental_unassign(partitions)

    def commit(self):
        try:
            self.client.commit(asynchronous=False)
            self.commits += 1
        except ck.KafkaException as error:  # it will be read again
            if error.args[0].fatal():
                self.fatal.append(f"{self.name}: {error.args[0]}")

    def run(self):
        self.client.subscribe([self.topic], on_assign=self.assigned, on_revoke=self.revoked)
        last, deadline, read = time.monotonic(), None, 0
        try:
            while self.running or time.monotonic() - last < IDLE_S:
                if not self.running:
                    deadline = deadline or time.monotonic() + END_S
                    if time.monotonic() > deadline:
                        self.fatal.append(f"{self.name}: still reads after {END_S} s")
                        return
                message = self.client.poll(0.1)
                if message is None:
                    continue
                if message.error() is not None:
                    if message.error().fatal():
                        self.fatal.append(f"{self.name}: {message.error()}")
                        return
                    continue
                last = time.monotonic()
                self.history.append({"f": "poll", "proc": self.name, "key": f"{self.topic}-{message.partition()}", "isolation": "committed",
                                     "session": self.sessions, "records": [[message.offset(), message.value().decode(errors="replace")]]})
                read += 1
                if read % 200 == 0:
                    self.commit()
        finally:
            self.client.close()

    def stop(self):
        self.running = False
        self.join(2 * END_S + CALL_S)
        if self.is_alive():
            self.fatal.append(f"{self.name} did not end")


def missed(members, final):
    """Committed records, {key: [[offset, value]]}, that no member of the group was given."""
    seen = {(event["key"], offset) for member in members for event in member.history for offset, _ in event["records"]}
    return [(key, offset) for key, records in final.items() for offset, _ in records if (key, offset) not in seen]
