"""Find free loopback ports, and name taken ones."""

import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.errors import CannotRun

HOST = "127.0.0.1"
# Above the usual servers' ports; where Linux begins to take ports for outgoing connections.
FLOOR, USUAL_CEILING = 12_000, 32_768


def is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True


def must_be_free(ports: Mapping[str, int]) -> None:
    """`CannotRun` naming the first port that somebody else has, and the setting that chooses another."""
    for setting, port in ports.items():
        if not is_free(port):
            raise CannotRun(f"port {port} is already in use; stop what uses it or choose another with {setting}")


def free_port() -> int:
    """Return a port that nobody has, below those that the system gives to outgoing connections: one of these may take the port
    before its server does. The port stays bound as long as this process lives, so that nobody else is given it meanwhile."""
    try:
        ceiling = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except OSError:
        ceiling = USUAL_CEILING
    floor = min(FLOOR, ceiling // 2)
    while True:
        port = floor + secrets.randbelow(ceiling - floor)
        if _reserve(port):
            return port


def _reserve(port: int) -> bool:
    """Bind a port without listening. Who asks whether it is free, without sharing it, is told no; a server, which shares addresses with
    what does not listen, has it."""
    with socket.socket() as held:
        try:
            held.bind((HOST, port))
        except OSError:
            return False
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Open until the process ends, without an object that would close it.
        held.detach()
    return True
