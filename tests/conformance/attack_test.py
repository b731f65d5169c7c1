"""Clients that are wrong, slow or many: the broker closes what it must, stays small, and goes on serving the others."""

import random
import socket
import struct
import threading
import unittest

import clusters
import kafka_wire
import servers

SEED = 20
RSS_MB_MAX = 120


def request(key, version, correlation=7, body=b""):
    head = struct.pack(">hhi", key, version, correlation) + struct.pack(">h", 1) + b"x"
    return struct.pack(">i", len(head) + len(body)) + head + body


def fetch_body(topic, offset, max_bytes):
    """Fetch v4."""
    return (struct.pack(">iiiib", -1, 100, 1, max_bytes, 0) + struct.pack(">ih", 1, len(topic)) + topic.encode()
            + struct.pack(">iiqi", 1, 0, offset, max_bytes))


def is_closed(raw):
    """True when the peer closes without an answer."""
    try:
        return raw.recv(1) == b""
    except ConnectionResetError:
        return True


class Attack(clusters.ClusterCase):
    def setUp(self):
        super().setUp()
        self.client = kafka_wire.Client(self.cluster.address)
        self.addCleanup(self.client.close)
        self.client.metadata([self.topic])
        kafka_wire.wait_until(lambda: self.client.metadata().get(self.topic), 10, "the topic")

    def assert_serving(self, value=b"still here"):
        """An old connection and a new one produce and fetch."""
        with kafka_wire.Client(self.cluster.address) as fresh:
            for client in (self.client, fresh):
                base = client.produce(self.topic, 0, [value])
                batches, _ = client.fetch(self.topic, 0, base)
                self.assertEqual(list(kafka_wire.records(batches)), [(base, None, value)])

    def test_a_version_outside_the_range_closes_the_connection(self):
        for key, (low, high) in self.client.api_versions().items():
            for version in (low - 1, high + 1, 32767, -32768):
                with self.subTest(key=key, version=version), clusters.connection(self.cluster.address) as raw:
                    raw.sendall(request(key, version, body=b"\0" if version >= 3 else b""))  # the header's tags
                    if key == 18:
                        with raw.makefile("rb") as stream:
                            answer = stream.read(4 + 16)
                        self.assertEqual(struct.unpack(">iihihhh", answer), (16, 7, 35, 1, 18, low, high))
                    else:
                        self.assertTrue(is_closed(raw))
        self.assert_serving()

    def test_truncated_frames_and_bodies(self):
        whole = request(1, 4, body=fetch_body(self.topic, 0, 1 << 20))
        for cut in range(len(whole)):
            with clusters.connection(self.cluster.address) as raw:
                raw.sendall(whole[:cut])
                raw.shutdown(socket.SHUT_WR)
                self.assertTrue(is_closed(raw), f"a frame cut at {cut} was answered")
        for cut in range(15, len(whole) - 4):
            with clusters.connection(self.cluster.address) as raw:
                raw.sendall(struct.pack(">i", cut) + whole[4:4 + cut])
                self.assertTrue(is_closed(raw), f"a body cut at {cut} was answered")
        self.assert_serving()

    def test_garbage(self):
        dice = random.Random(SEED)
        texts = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60), b"\xff" * 64, bytes(64),
                 struct.pack(">i", 0x7FFFFFFF), struct.pack(">i", -1), struct.pack(">i", 0)]
        texts += [dice.randbytes(dice.randrange(1, 400)) for _ in range(200)]
        texts += [struct.pack(">i", len(body)) + body for body in (struct.pack(">hh", dice.choice((0, 1, 2, 3, 8, 9, 11, 14, 19)), dice.randrange(13))
                                                                  + dice.randbytes(dice.randrange(300)) for _ in range(300))]
        for text in texts:
            with clusters.connection(self.cluster.address) as raw:
                try:
                    raw.sendall(text)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
                except (ConnectionResetError, BrokenPipeError, OSError):
                    pass
        self.assert_serving()

    def fill(self, megabytes):
        for number in range(megabytes):
            self.client.produce(self.topic, 0, [b"%06d" % number + bytes(1_000_000)])

    def test_readers_that_do_not_read_hold_no_memory_and_nobody_else_up(self):
        self.fill(30)
        slow = [socket.create_connection(tuple(self.cluster.address.rsplit(":", 1)), 10) for _ in range(20)]
        try:
            for raw in slow:
                for _ in range(5):
                    raw.sendall(request(1, 4, body=fetch_body(self.topic, 0, 50 << 20)))
            self.assert_serving()
            if not clusters.APACHE:
                self.assertLess(servers.peak_rss_mb(self.cluster.server.pid), RSS_MB_MAX)
            reader = slow[0]
            answer = kafka_wire.Reader(self.exactly(reader, struct.unpack(">i", self.exactly(reader, 4))[0]))
            answer.take("iii")
            answer.text()
            self.assertEqual(answer.take("iih")[1:], (0, 0))
            answer.take("qq")
            self.assertLessEqual(answer.take("i"), 0)
            found = [(offset, value[:6]) for offset, _, value in kafka_wire.records(answer.raw())]
            self.assertEqual(found[:30], [(n, b"%06d" % n) for n in range(30)])
        finally:
            for raw in slow:
                raw.close()
        self.assert_serving()

    def exactly(self, raw, size):
        parts = []
        while size:
            part = raw.recv(min(size, 1 << 20))
            self.assertTrue(part, "the connection was closed")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def test_two_hundred_connections_at_once(self):
        clients = [kafka_wire.Client(self.cluster.address) for _ in range(200)]
        where, problems = {}, []

        def work(number):
            try:
                for turn in range(5):
                    base = clients[number].produce(self.topic, 0, [b"%d-%d" % (number, turn)])
                    where[base] = b"%d-%d" % (number, turn)
            except Exception as error:  # pylint: disable=broad-except
                problems.append(f"{number}: {error}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual((problems, len(where)), ([], 1000))
        got, at = {}, 0
        while at < 1000:
            batches, _ = clients[7].fetch(self.topic, 0, at)
            for offset, _, value in kafka_wire.records(batches):
                got[offset] = value
                at = offset + 1
        self.assertEqual(got, where)
        for client in clients:
            client.close()

    def test_a_flood_of_requests_that_nobody_reads_the_answers_of(self):
        with clusters.connection(self.cluster.address) as raw:
            raw.settimeout(0.5)
            try:
                for _ in range(20_000):
                    raw.sendall(request(18, 0) * 20)
            except TimeoutError:
                pass
            self.assert_serving()
            if not clusters.APACHE:
                self.assertLess(servers.peak_rss_mb(self.cluster.server.pid), RSS_MB_MAX)
        self.assert_serving()


if __name__ == "__main__":
    unittest.main()
