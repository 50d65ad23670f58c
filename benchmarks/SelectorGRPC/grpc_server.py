"""A server with grpcio whose Pick is empty; says its port once it listens."""

import pathlib
import sys
from concurrent import futures

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Sources" / "SelectorProtocol"))
protocol, services = grpc.protos_and_services("tonari/selector/v1/selector.proto")


class Empty(services.ReplicaSelectorServicer):
    def Pick(self, request, context):
        return protocol.PickResponse()


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    services.add_ReplicaSelectorServicer_to_server(Empty(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
