"""Calls a picker by grpcio, which shares no code with it, and prints with which status each call of a list ended."""

import json
import sys
import threading

import grpc

PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
# A ProcessingRequest with request_headers that hold nothing.
HEADERS = b"\x12\x00"
METADATA = (("x-tonari-service", "shop/cart"),)


class Stream:
    """A call whose requests do not end before the answer has."""

    def __init__(self, channel, messages, method=PROCESS, metadata=METADATA, **options):
        self.done = threading.Event()

        def requests():
            yield from messages
            self.done.wait(20)

        call = channel.stream_stream(method, lambda message: message, lambda message: message)
        self.call = call(requests(), metadata=metadata, timeout=20, **options)

    def status(self):
        answers = 0
        try:
            for _ in self.call:
                answers += 1
            name = "OK"
        except grpc.RpcError as error:
            name = error.code().name
        self.done.set()
        return f"{name} after {answers}"


def streams(channel, count):
    """Opens streams that stay, and another one once each of them was answered."""
    kept = [Stream(channel, [HEADERS]) for _ in range(count)]
    for stream in kept:
        next(stream.call)
    status = Stream(channel, [HEADERS]).status()
    for stream in kept:
        stream.done.set()
    return status


CASES = {
    "process": lambda channel: Stream(channel, [HEADERS]).status(),
    "unknown service": lambda channel: Stream(channel, [HEADERS], metadata=(("x-tonari-service", "none"),)).status(),
    "unknown method": lambda channel: Stream(channel, [HEADERS], method="/none/Process").status(),
    "nonsense": lambda channel: Stream(channel, [b"\xff"]).status(),
    "nonsense later": lambda channel: Stream(channel, [HEADERS, b"\xff"]).status(),
    "compressed": lambda channel: Stream(channel, [HEADERS * 500], compression=grpc.Compression.Gzip).status(),
    "too long": lambda channel: Stream(channel, [b"\x12" + bytes(5 << 20)]).status(),
    "head too long": lambda channel: Stream(
        channel, [HEADERS], metadata=METADATA + tuple((f"x-{number}", "x" * 2000) for number in range(20))
    ).status(),
    "too many": lambda channel: streams(channel, 2),
}


def main():
    with grpc.insecure_channel(sys.argv[1], options=[("grpc.enable_retries", 0)]) as channel:
        print(json.dumps({name: CASES[name](channel) for name in sys.argv[2:]}))


main()
