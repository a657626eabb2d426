"""Loopback ports: free ones, and a clear word about taken ones."""

import socket
from collections.abc import Mapping

from deploy.embedded.errors import CannotRun

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


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
