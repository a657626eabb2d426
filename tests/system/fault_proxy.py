"""A TCP proxy that breaks connections at a chosen moment: between a service and its database, broker or mail server.

It reads what passes only to know when; it never changes a byte.
"""

import socket
import threading
from contextlib import suppress

from deploy.embedded.ports import HOST, free_port

CHUNK = 64 * 1024
# The simple query by which psycopg ends a transaction.
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class FaultProxy:
    """Passes everything on to `target` until told otherwise."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._passing = threading.Event()
        self._passing.set()
        self._before_commit = b""
        self.commits_lost = 0

    def start(self) -> None:
        self._listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        if self._listener is not None:
            # Closing alone leaves a blocked accept where it is.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._passing.set()
        self.cut()

    def cut(self) -> int:
        """Break every connection that is open now; how many there were."""
        with self._lock:
            broken, self._open = self._open, set()
        for each in broken:
            _close(each)
        return len(broken) // 2

    def freeze(self) -> None:
        """Nothing passes any more, and nobody is told: a switch that lost its power."""
        self._passing.clear()

    def thaw(self) -> None:
        self._passing.set()

    def lose_commit_after(self, statement: bytes) -> None:
        """Once: the transaction that contains `statement` is committed, and its client never hears of it."""
        self._before_commit = statement

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((HOST, self._target), timeout=5)
            except OSError:
                _close(client)
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            link = _Link(self, client, server)
            for pump in (link.up, link.down):
                threading.Thread(target=pump, daemon=True).start()

    def forget(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open -= set(sockets)
        for each in sockets:
            _close(each)

    def wait(self) -> None:
        self._passing.wait()

    def takes(self, sent: bytes) -> bool:
        """Whether this is the statement that was waited for; true once."""
        with self._lock:
            if not self._before_commit or self._before_commit not in sent:
                return False
            self._before_commit = b""
            return True


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._marked = False
        self._lose_next = False

    def up(self) -> None:
        """From the client to the server."""
        while data := _read(self._client):
            self._proxy.wait()
            if self._proxy.takes(data):
                self._marked = True
            if self._marked and COMMIT in data:
                self._lose_next = True
            if not _write(self._server, data):
                break
        self._proxy.forget(self._client, self._server)

    def down(self) -> None:
        """Back; a lost answer is read from the server, which therefore has done what it was asked."""
        while data := _read(self._server):
            self._proxy.wait()
            if self._lose_next:
                self._proxy.commits_lost += 1
                break
            if not _write(self._client, data):
                break
        self._proxy.forget(self._client, self._server)


def _read(source: socket.socket) -> bytes:
    try:
        return source.recv(CHUNK)
    except OSError:
        return b""


def _write(target: socket.socket, data: bytes) -> bool:
    try:
        target.sendall(data)
    except OSError:
        return False
    return True


def _close(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
