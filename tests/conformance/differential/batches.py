"""Record batches of format 2 with anything in them wrong that a producer can get wrong, and what an answer's batches say."""

import gzip
import struct

import kafka_wire

TIME = 1_700_000_000_000


def record(key=b"k", value=b"v", delta=0, time_delta=0, headers=()):
    put = kafka_wire._put_varint
    body = b"\0" + put(time_delta) + put(delta)
    for part in (key, value):
        body += put(-1) if part is None else put(len(part)) + part
    body += put(len(headers)) + b"".join(put(len(name)) + name + put(len(text)) + text for name, text in headers)
    return put(len(body)) + body


def batch(count=1, *, records=None, base=0, epoch=-1, magic=2, attributes=0, producer=-1, producer_epoch=-1, sequence=-1, time=TIME, max_time=None,
          last_delta=None, said=None, length=None, crc=None, compress=False, key=b"k", value=b"v"):
    """`said` is the number of records in the head when it is not the truth; `length` and `crc` likewise."""
    body = records if records is not None else b"".join(record(key, value, delta) for delta in range(count))
    if compress:
        body = gzip.compress(body, mtime=0)
    said = count if said is None else said
    tail = struct.pack(">hiqqqhii", attributes, said - 1 if last_delta is None else last_delta, time, time if max_time is None else max_time,
                       producer, producer_epoch, sequence, said) + body
    head = struct.pack(">ibI", epoch, magic, kafka_wire.crc32c(tail) if crc is None else crc)
    return struct.pack(">qi", base, len(head) + len(tail) if length is None else length) + head + tail


def old_message(magic, value=b"v"):
    """A message of format 0 or 1; its checksum is zlib's."""
    import zlib
    body = struct.pack(">bb", magic, 0) + (struct.pack(">q", TIME) if magic else b"") + struct.pack(">i", -1) + struct.pack(">i", len(value)) + value
    return struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body


def describe(raw):
    """One line for each batch: what a consumer can see of it, and whether its checksum holds."""
    out, at = [], 0
    while at + 61 <= len(raw):
        base, length, epoch, magic, crc = struct.unpack_from(">qiibI", raw, at)
        end = at + 12 + length
        if end > len(raw):
            break
        attributes, last, first_time, max_time, producer, producer_epoch, sequence, count = struct.unpack_from(">hiqqqhii", raw, at + 21)
        if attributes & 8:  # the log's append time
            max_time = "now"
        out.append(f"base {base} last {last} epoch {epoch} magic {magic} attributes {attributes} time {first_time} max {max_time}"
                   f" producer {'yes' if producer >= 0 else 'no'}/{producer_epoch}/{sequence} count {count}"
                   f" crc {'ok' if kafka_wire.crc32c(raw[at + 21:end]) == crc else 'BAD'}")
        at = end
    if at < len(raw):
        out.append(f"and {len(raw) - at} bytes of the next" if at else "a part of a batch")
    return out
