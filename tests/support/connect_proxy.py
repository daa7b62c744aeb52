"""A forward proxy on loopback, as companies have one: CONNECT for TLS and WebSockets, absolute URLs for plain HTTP."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit


class ConnectProxy:
    """`credentials` ("user:password") is what it asks for; None lets everybody through. Names that end in `.invalid`
    lead to loopback: nobody but the proxy knows them. `asked` are the first lines of what came."""

    def __init__(self, credentials: str | None = None) -> None:
        self.credentials = credentials
        self.refuses: int | None = None
        """The status of each answer, when it lets nobody through."""
        self.asked: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its host and port, while the block lasts."""
        proxy = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                proxy.serve(self.connection)

        class Server(ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        with Server(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            yield f"127.0.0.1:{server.server_address[1]}"
            server.shutdown()

    def serve(self, client: socket.socket) -> None:
        """One connection, which is one request for plain HTTP and a tunnel for CONNECT."""
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := client.recv(65536)):
                return
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.asked.append(first)
        method, target, version = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        given = headers.pop("proxy-authorization", "")
        wanted = "Basic " + base64.b64encode((self.credentials or "").encode()).decode()
        if status := self.refuses or (407 if self.credentials and given != wanted else None):
            client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host = "127.0.0.1" if (url.hostname or "").endswith(".invalid") else url.hostname
        with socket.create_connection((host, url.port or 80), 10) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = url.path + (f"?{url.query}" if url.query else "")
                kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
                upgraded = "upgrade" in headers.get("connection", "").lower()
                kept.append("Connection: Upgrade" if upgraded else "Connection: close")
                rest = "\r\n".join([f"{method} {path or '/'} {version}", *kept, "", ""]).encode() + rest
            server.sendall(rest)
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
