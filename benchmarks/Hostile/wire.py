"""What hostile and innocent peers speak: the selector's framing, and HTTP/2 with just enough of HPACK, by hand, so that a
peer can also say what no library would."""

import os
import socket
import struct
import time


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value if isinstance(value, bytes) else value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def frame(message):
    return b"\0" + struct.pack(">I", len(message)) + message


def pick(service, number_of=1):
    return number(1, number_of) + text(2, text(1, service))


def complete(pick_id, number_of=0):
    return (number(1, number_of) if number_of else b"") + text(4, varint(1 << 3 | 1) + struct.pack("<Q", pick_id))


def renew(pick_id):
    """Says that a pick's request is under way still."""
    return text(4, varint(1 << 3 | 1) + struct.pack("<Q", pick_id) + number(2, 3))


def authority(host):
    """The head of a request for a host, as Envoy tells it to a picker."""
    return text(2, text(1, text(1, text(1, ":authority") + text(3, host))))


def register(service, address, number_of=1, lifetime_ms=600_000):
    return number(1, number_of) + text(8, text(1, service) + text(2, text(1, address)) + number(3, lifetime_ms))


def watch(number_of=1, interval_ms=10):
    return number(1, number_of) + text(12, number(2, interval_ms))


def fields(message):
    """The fields of a message: numbers and values, lengths cut off."""
    at, out = 0, []

    def one():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = one()
        if key & 7 == 0:
            out.append((key >> 3, one()))
        elif key & 7 == 1:
            out.append((key >> 3, struct.unpack("<Q", message[at:at + 8])[0]))
            at += 8
        elif key & 7 == 2:
            length = one()
            out.append((key >> 3, bytes(message[at:at + length])))
            at += length
        else:
            at += 4
    return out


def connect(address, timeout=10.0):
    """Connects to `unix:/path` or `host:port`."""
    if address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(timeout)
        deadline = time.monotonic() + timeout
        while True:
            try:
                peer.connect(address[5:])
                break
            except BlockingIOError:
                # The listener's queue is full: a socket with a timeout is not made to wait there.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
    else:
        host, port = address.rsplit(":", 1)
        peer = socket.create_connection((host, int(port)), timeout)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


class Reader:
    """Reads whole pieces off a socket."""

    def __init__(self, peer):
        self.peer = peer
        self.kept = bytearray()

    def take(self, count):
        while len(self.kept) < count:
            more = self.peer.recv(1 << 16)
            if not more:
                raise ConnectionError("closed")
            self.kept += more
        out = bytes(self.kept[:count])
        del self.kept[:count]
        return out

    def framed(self):
        head = self.take(5)
        return self.take(struct.unpack(">I", head[1:])[0])


# HTTP/2

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def h2(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header that is in no table, and comes into none."""
    name, value = name.encode(), value if isinstance(value, bytes) else value.encode()

    def string(data):
        if len(data) < 127:
            return bytes([len(data)]) + data
        rest, out = len(data) - 127, bytearray([127])
        while rest > 127:
            out.append(rest & 127 | 128)
            rest >>= 7
        out.append(rest)
        return bytes(out) + data

    return b"\0" + string(name) + string(value)


PICK = "/tonari.selector.v1.ReplicaSelector/Pick"
WATCH = "/tonari.selector.v1.ReplicaSelector/Watch"
PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"


def request(path, more=()):
    head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "selector"),
            ("content-type", "application/grpc"), ("te", "trailers")]
    return b"".join(literal(name, value) for name, value in head + list(more))


class Connection:
    """A connection of HTTP/2 that asks one thing at a time."""

    def __init__(self, address, window=None, timeout=10.0):
        self.peer = connect(address, timeout)
        self.reader = Reader(self.peer)
        self.stream = 1
        # The last stream that the server takes; it says so when it ends.
        self.last = 0x7FFFFFFF
        self.is_ending = False
        settings = b"" if window is None else struct.pack(">HI", 4, window)
        self.peer.sendall(PREFACE + h2(SETTINGS, 0, 0, settings))

    def open(self, path, message=None, ends=False):
        stream, self.stream = self.stream, self.stream + 2
        out = h2(HEADERS, 4, stream, request(path))
        if message is not None:
            out += h2(DATA, 1 if ends else 0, stream, frame(message))
        self.peer.sendall(out)
        return stream

    def next(self):
        head = self.reader.take(9)
        length = int.from_bytes(head[:3], "big")
        payload = self.reader.take(length)
        kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        if kind == SETTINGS and not flags & 1:
            self.peer.sendall(h2(SETTINGS, 1, 0))
        if kind == PING and not flags & 1:
            self.peer.sendall(h2(PING, 1, 0, payload))
        if kind == DATA and length:
            self.peer.sendall(h2(WINDOW_UPDATE, 0, 0, struct.pack(">I", length)))
        if kind == GOAWAY:
            self.last = min(self.last, int.from_bytes(payload[:4], "big") & 0x7FFFFFFF)
        return kind, flags, stream, payload

    def ask(self, path, message, ends=True):
        """The first message of the answer; ends the stream where the server does not."""
        stream = self.open(path, message, ends)
        data = b""
        while True:
            kind, flags, on, payload = self.next()
            if kind == GOAWAY:
                self.is_ending = True
                if stream > self.last:
                    raise ConnectionError("goaway")
            if on != stream:
                continue
            if kind == DATA:
                data += payload
                if not ends:
                    self.peer.sendall(h2(RST_STREAM, 0, stream, struct.pack(">I", 8)))
                    return data[5:]
            if kind == RST_STREAM:
                raise ConnectionError("reset")
            if flags & 1 and kind in (HEADERS, DATA):
                if len(data) < 5:
                    raise ConnectionError("no answer")
                return data[5:]

    def close(self):
        self.peer.close()


def resident(pid):
    """The resident memory of a process now, in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid):
    """What a process used of the processors so far."""
    with open(f"/proc/{pid}/stat") as file:
        parts = file.read().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
