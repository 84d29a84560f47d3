"""An account on a function, and a real server on loopback."""

import contextlib
import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import httpx
import pytest

from ac_guardrails._request import Request, mint
from ac_tools._account import ActiveCampaign

KEY = "5ecre7-key-of-the-account"


@pytest.fixture
def key():
    return KEY


@pytest.fixture
def on():
    """Make an account on a function from request to response (or on any transport)."""

    def make(handler, **options):
        transport = handler if isinstance(handler, httpx.BaseTransport | httpx.AsyncBaseTransport) else None
        transport = transport or httpx.MockTransport(handler)
        return ActiveCampaign(**{"url": "https://acme.api-us1.com", "key": KEY, "transport": transport, **options})

    return make


@pytest.fixture
def go():
    """Send a request with a permit."""

    def send(account, method="GET", path="/contacts/7", params=(), body=None):
        request = Request(method, path, tuple(params), body)
        return account.send(request, mint(request))

    return send


@pytest.fixture
def ago():
    async def send(account, method="GET", path="/contacts/7", params=(), body=None):
        request = Request(method, path, tuple(params), body)
        return await account.asend(request, mint(request))

    return send


@pytest.fixture
def server():
    """A server on loopback: `answers` are taken in turn (bytes of a body, "reset", or a full tuple), then `{}`."""
    state = SimpleNamespace(answers=[], seen=[], connections=set(), lock=threading.Lock())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with state.lock:
                state.seen.append(SimpleNamespace(at=time.monotonic(), method=self.command, path=self.path, body=body))
                state.connections.add(self.client_address)
                answer = state.answers.pop(0) if state.answers else (200, {}, b"{}")
            if answer == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            status, headers, content = answer
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_):
            pass

        def finish(self):
            with contextlib.suppress(OSError, ValueError):  # the socket was reset
                super().finish()

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_):
            pass

    http = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()
