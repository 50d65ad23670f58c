#!/usr/bin/env python3
"""Asks a selector which replica gets a request, from Python.

    pip install -r requirements.txt
    client.py 127.0.0.1:9443 shop/cart --requests 10 --node node-1 --zone zone-a
    client.py unix:/run/tonari/grpc.sock shop/cart
    client.py tonari-selector.tonari.svc:9443 shop/cart --ca ca.crt --cert client.crt --key client.key
    client.py tonari-selector.tonari.svc:9443 shop/cart --ca ca.crt --token-file /var/run/secrets/tonari.dev/token

Prints the replica of each request. The code of the messages is made from selector.proto when it starts.
"""

import argparse
import pathlib
import sys
import time
import urllib.request

import grpc

# The folder that holds tonari/selector/v1/selector.proto.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
protocol, services = grpc.protos_and_services("tonari/selector/v1/selector.proto")


def connect(options):
    """A channel: one is enough, it is kept and carries many requests at a time."""
    if not options.ca:
        return grpc.insecure_channel(options.address)
    read = lambda path: pathlib.Path(path).read_bytes() if path else None
    credentials = grpc.ssl_channel_credentials(read(options.ca), read(options.key), read(options.cert))
    if options.token_file:
        # Kubelet writes a new one before the old one ends, so it is read for each call.
        bearer = lambda: ("authorization", f"Bearer {pathlib.Path(options.token_file).read_text().strip()}")
        token = grpc.metadata_call_credentials(lambda _, send: send((bearer(),), None))
        credentials = grpc.composite_channel_credentials(credentials, token)
    return grpc.secure_channel(options.address, credentials)


def send(address):
    """The request itself. Answers whether the replica did its part."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
            answer.read()
            return True
    except OSError:
        return False


def request(selector, service, place, work=send):
    """Picks a replica, does the work with it and completes the pick; a second replica is tried where the first fails.

    Answers the address that served it; None where none did.
    """
    pick = selector.Pick(
        protocol.PickRequest(service=service, **{"from": place}, alternatives=1), timeout=0.25
    )
    outcome, served_by, start = protocol.OUTCOME_CANCELLED, "", time.monotonic()
    try:
        for address in [pick.address, *pick.alternatives]:
            start = time.monotonic()
            if work(address):
                outcome, served_by = protocol.OUTCOME_SUCCESS, address
                break
            outcome = protocol.OUTCOME_FAILURE
    finally:
        # Whatever happens: what is not completed counts as in flight.
        selector.Complete(
            protocol.CompleteRequest(
                pick_id=pick.pick_id,
                # What proves that the pick is ours: without it the completion counts for nothing.
                pick_key=pick.pick_key,
                outcome=outcome,
                latency_us=int((time.monotonic() - start) * 1e6),
                served_by=served_by,
            ),
            timeout=1,
        )
    return served_by or None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="the selector's gRPC address: host:port or unix:/path")
    parser.add_argument("service", help="the service, as the selector names it")
    parser.add_argument("--requests", type=int, default=1, help="how many (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="send nothing to the replicas")
    for part in ["node", "zone", "cluster"]:
        parser.add_argument(f"--{part}", default="", help=f"the {part} that the requests come from")
    parser.add_argument("--ca", help="speak TLS, with a server whose certificate comes from these authorities (PEM)")
    parser.add_argument("--cert", help="show this certificate (PEM)")
    parser.add_argument("--key", help="its private key (PEM)")
    parser.add_argument("--token-file", help="show the token in this file, of audience tonari.dev; with --ca")
    options = parser.parse_args()
    if options.token_file and not options.ca:
        parser.error("--token-file: expected --ca with it: a token is shown over TLS alone")

    place = protocol.Locality(node=options.node, zone=options.zone, cluster=options.cluster)
    work = (lambda address: True) if options.dry_run else send
    with connect(options) as channel:
        selector = services.ReplicaSelectorStub(channel)
        try:
            for _ in range(options.requests):
                print(request(selector, options.service, place, work))
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()
