"""Sockets to listen on, for the servers of this package."""

from __future__ import annotations

import socket


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: The address.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The port cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """Where a socket listens.

    Args:
        listener: The socket.
        host: The address, as it was given.
    """
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
