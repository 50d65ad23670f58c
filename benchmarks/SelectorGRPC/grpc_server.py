"""A server with grpcio whose Pick is empty; says its port once it listens."""

from concurrent import futures

import grpc


def pick(request, context):
    return b""


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    # Without (de)serializers messages are the bytes that they are: no code of the protocol is needed.
    methods = {"Pick": grpc.unary_unary_rpc_method_handler(pick)}
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("tonari.selector.v1.ReplicaSelector", methods)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
