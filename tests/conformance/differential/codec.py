"""Any request and any answer of schemas.txt, as plain dictionaries: a second opinion on the wire, which shares no code with the project."""

import pathlib
import re
import struct
import uuid

NUMBERS = {"i8": ">b", "i16": ">h", "u16": ">H", "i32": ">i", "i64": ">q", "f64": ">d", "bool": ">?"}
ALL = (0, 32767)


class Malformed(ValueError):
    """Bytes that are no answer of that version."""


class Field:
    def __init__(self, text):
        self.name, self.type, *rest = text.split()
        self.versions, self.nullable, self.tag, self.default = ALL, None, None, None
        for word in rest:
            if word[0] == "?":
                self.nullable = _range(word[1:])
            elif word[0] == "#":
                self.tag = int(word[1:])
            elif word[0] == "=":
                self.default = word[1:]
            else:
                self.versions = _range(word)
        self.children = []

    def there(self, version):
        return self.versions[0] <= version <= self.versions[1]

    def may_be_null(self, version):
        return self.nullable is not None and self.nullable[0] <= version <= self.nullable[1]

    def fallback(self, version):
        kind = self.type
        if self.default == "null":
            return None
        if kind in NUMBERS:
            return int(self.default or 0)
        if kind == "uuid":
            return str(uuid.UUID(int=0))
        if kind.startswith("[]"):
            return []
        if kind == "{}":
            return {}
        if self.default is not None:
            return self.default
        return None if self.may_be_null(version) else b"" if kind in ("bytes", "records") else ""


class Api:
    def __init__(self, key, name, flexible, highest):
        self.key, self.name, self.highest = int(key), name, int(highest)
        self.flexible = 32767 if flexible == "-" else int(flexible)
        self.request, self.answer = [], []


def _range(text):
    if not text:
        return ALL
    found = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
    low = int(found[1])
    return (low, low if not found[2] else ALL[1] if found[2] == "+" else int(found[3]))


def _load():
    apis = {}
    stack = []
    for line in (pathlib.Path(__file__).parent / "schemas.txt").read_text().splitlines():
        if not line or line[0] == "#":
            continue
        if line.startswith("api "):
            api = Api(*line.split()[1:])
            apis[api.name] = api
        elif line in "<>":
            stack = [api.request if line == ">" else api.answer]
        else:
            depth = (len(line) - len(line.lstrip())) // 2
            field = Field(line)
            del stack[depth + 1:]
            stack[depth].append(field)
            stack.append(field.children)
    return apis


APIS = _load()


def unsigned(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _size(value, compact, layout):
    """A length, or None for null."""
    if compact:
        return unsigned(0 if value is None else value + 1)
    return struct.pack(layout, -1 if value is None else value)


def _put(kind, value, field, version, compact):
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], value)
    if kind == "uuid":
        return uuid.UUID(value).bytes
    if kind == "{}":
        mark = b"" if not field.may_be_null(version) or field.tag is not None else struct.pack(">b", -1 if value is None else 1)
        return mark if value is None else mark + put_fields(field.children, value, version, compact)
    if kind == "str":
        raw = None if value is None else value if isinstance(value, bytes) else value.encode()
        return _size(None if raw is None else len(raw), compact, ">h") + (raw or b"")
    if kind in ("bytes", "records"):
        return _size(None if value is None else len(value), compact, ">i") + (value or b"")
    head = _size(None if value is None else len(value), compact, ">i")
    if kind == "[]":
        return head + b"".join(put_fields(field.children, each, version, compact) for each in value or ())
    return head + b"".join(_put(kind[2:], each, field, version, compact) for each in value or ())


def put_fields(fields, values, version, compact):
    """`values` may hold "_tags": {number: bytes}, tagged fields that no schema knows."""
    names = {field.name for field in fields}
    strange = set(values) - names - {"_tags"}
    if strange:
        raise ValueError(f"no such fields: {strange}")
    out = []
    tags = dict(values.get("_tags", {}))
    for field in fields:
        if not field.there(version):
            continue
        if field.tag is not None:
            if field.name in values:
                tags[field.tag] = _put(field.type, values[field.name], field, version, compact)
            continue
        out.append(_put(field.type, values.get(field.name, field.fallback(version)), field, version, compact))
    if compact:
        out.append(unsigned(len(tags)))
        for number, raw in sorted(tags.items()):
            out.append(unsigned(number) + unsigned(len(raw)) + raw)
    return b"".join(out)


def request(name, version, values):
    """The body of a request."""
    api = APIS[name]
    return put_fields(api.request, values, version, version >= api.flexible)


def header(key, version, correlation, client="differential", flexible=False):
    raw = None if client is None else client.encode()
    return struct.pack(">hhi", key, version, correlation) + _size(None if raw is None else len(raw), False, ">h") + (raw or b"") + (
        b"\0" if flexible else b"")


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Malformed(f"{size} bytes wanted at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, layout):
        return struct.unpack(layout, self.raw(struct.calcsize(layout)))[0]

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def size(self, compact, layout):
        if compact:
            return self.unsigned() - 1
        return self.number(layout)

    def value(self, kind, field, version, compact):
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == "uuid":
            return str(uuid.UUID(bytes=self.raw(16)))
        if kind == "{}":
            if field.may_be_null(version) and field.tag is None and self.number(">b") < 0:
                return None
            return self.fields(field.children, version, compact)
        size = self.size(compact, ">h" if kind == "str" else ">i")
        if size < 0:
            # Records may be absent in any version of an answer; elsewhere a null must be declared.
            if kind != "records" and not field.may_be_null(version):
                raise Malformed(f"{field.name} is null")
            return None
        if kind == "str":
            return self.raw(size).decode()
        if kind in ("bytes", "records"):
            return self.raw(size).hex()
        if size > len(self.data):
            raise Malformed(f"{field.name} has {size} elements")
        if kind == "[]":
            return [self.fields(field.children, version, compact) for _ in range(size)]
        return [self.value(kind[2:], field, version, compact) for _ in range(size)]

    def fields(self, fields, version, compact):
        out = {}
        for field in fields:
            if field.there(version) and field.tag is None:
                out[field.name] = self.value(field.type, field, version, compact)
        if compact:
            known = {field.tag: field for field in fields if field.tag is not None and field.there(version)}
            for _ in range(self.unsigned()):
                number, size = self.unsigned(), self.unsigned()
                inner = Reader(self.raw(size))
                field = known.get(number)
                if field is None:
                    out[f"tag {number}"] = inner.data.hex()
                    continue
                out[field.name] = inner.value(field.type, field, version, compact)
                if inner.at != size:
                    raise Malformed(f"{field.name} is shorter than its tag says")
        return out


def answer(name, version, data):
    """The fields of an answer, correlation id already read; all of it must be used."""
    api = APIS[name]
    reader = Reader(data)
    compact = version >= api.flexible
    # ApiVersions answers with the old header, so that any client can read it.
    if compact and name != "ApiVersions":
        if reader.unsigned() != 0:
            raise Malformed("tags in the header")
    out = reader.fields(api.answer, version, compact)
    if reader.at != len(data):
        out["trailing"] = data[reader.at:].hex()
    return out
