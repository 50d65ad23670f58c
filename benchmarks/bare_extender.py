#!/usr/bin/env python3
"""An extender that knows nothing: it answers every call with an empty list, as soon as the request is there.

    benchmarks/bare_extender.py PORT

What a scheduler loses with it, it loses to the extender protocol itself.
"""

import socket
import sys
import threading

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = bytearray()
    while chunk := connection.recv(1 << 20):
        buffer += chunk
        while (end := buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(buffer[:end]).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(buffer) < end + 4 + length:
                break
            del buffer[: end + 4 + length]
            connection.sendall(ANSWER)


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()


if __name__ == "__main__":
    main()
