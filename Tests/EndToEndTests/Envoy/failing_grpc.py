"""A gRPC server, and a client that calls it through an Envoy: calls that fail after their first answer, and one that does not.

Arguments: the server's port, Envoy's, how many calls are to fail.
"""

import collections
import sys
from concurrent import futures

import grpc


def answer(request, context):
    yield b"one"
    if request == b"fail":
        context.abort(grpc.StatusCode.UNAVAILABLE, "no more")
    yield b"two"


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_stream_rpc_method_handler(answer)


def call(channel, request):
    answers = 0
    try:
        for _ in channel.unary_stream("/cart/List")(request, timeout=20):
            answers += 1
        name = "OK"
    except grpc.RpcError as error:
        name = error.code().name
    return f"{name} after {answers}"


def main():
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Handler(),))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[2]}", options=[("grpc.enable_retries", 0)]) as channel:
        counts = collections.Counter(call(channel, b"fail") for _ in range(int(sys.argv[3])))
        counts.update([call(channel, b"go")])
    for name, count in counts.items():
        print(f"{name}: {count}")
    server.stop(None)


main()
