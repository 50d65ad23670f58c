"""A client that shares no code with the server: grpcio, with the health service's own messages. Prints what it finds."""

import json
import pathlib
import sys
import threading

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

root = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(root / "Sources" / "SelectorProtocol"))
protocol, services = grpc.protos_and_services("tonari/selector/v1/selector.proto")

SERVICE = "shop/cart"


def code(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def health(stub, service):
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def session(selector, count):
    done = threading.Event()

    def requests():
        for number in range(1, count + 1):
            yield protocol.Envelope(id=number, pick=protocol.PickRequest(service=SERVICE))
        done.wait(10)

    ids = set()
    for answer in selector.Session(requests(), timeout=20):
        selector.Complete(protocol.CompleteRequest(pick_id=answer.picked.pick_id, pick_key=answer.picked.pick_key))
        ids.add(answer.id)
        if len(ids) == count:
            done.set()
    return len(ids)


def main():
    channel = grpc.insecure_channel(sys.argv[1])
    selector = services.ReplicaSelectorStub(channel)
    checks = health_pb2_grpc.HealthStub(channel)
    pick = protocol.PickRequest(service=SERVICE)

    # Many requests at a time on one connection.
    picks = [selector.Pick.future(pick) for _ in range(500)]
    addresses = {pick.result().address for pick in picks}
    for pick_ in picks:
        answer = pick_.result()
        selector.Complete(protocol.CompleteRequest(pick_id=answer.pick_id, pick_key=answer.pick_key))

    watch = selector.Watch(protocol.WatchRequest(services=[SERVICE]))
    watched = next(watch)
    watch.cancel()

    print(
        json.dumps(
            {
                "addresses": sorted(addresses),
                "health": {name: health(checks, name) for name in ["", "liveness", "readiness"]},
                "unknown health": code(lambda: health(checks, "none")),
                "unknown service": code(lambda: selector.Pick(protocol.PickRequest(service="none"))),
                "unknown method": code(
                    lambda: channel.unary_unary("/tonari.selector.v1.ReplicaSelector/None")(b"")
                ),
                "not a message": code(
                    lambda: channel.unary_unary("/tonari.selector.v1.ReplicaSelector/Pick")(b"\xff")
                ),
                "deadline": code(lambda: list(selector.Watch(protocol.WatchRequest(), timeout=0.2))),
                "watched": [replica.replica.address for replica in watched.replicas],
                "session": session(selector, 200),
            }
        )
    )


if __name__ == "__main__":
    main()
