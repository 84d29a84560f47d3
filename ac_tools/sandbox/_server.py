"""The account behind a real HTTP/1.1 server on loopback."""

import http.server
import select
import socket
import socketserver
import struct
import sys
import threading
import time
from types import TracebackType
from typing import Any

from ac_tools.sandbox._control import CONTROL, control
from ac_tools.sandbox._faults import Spoilt
from ac_tools.sandbox._sandbox import Sandbox
from ac_tools.sandbox._wire import Answer

_HELD = 60.0  # seconds that an unanswered request is held open at most
_MOST_BYTES = 10_000_000  # of a request's body
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing then resets the connection
_BODILESS = (204, 304)  # their answers have no length, either


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    wbufsize = -1  # buffered, so that headers and body leave in one piece
    disable_nagle_algorithm = True
    server: "_HttpServer"

    def setup(self) -> None:
        self.server.opened(self.request)
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:  # the client left while the answer was on its way
            self.close_connection = True
        finally:
            self.server.closed(self.request)

    def log_message(self, *_args: object) -> None:
        """Nothing is logged: a request's path may hold an address."""

    def handle_any(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MOST_BYTES or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(Answer(413, {"Connection": "close"}, b""))
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # its sender has died: no server does the half of what was to come
            self.close_connection = True
            return
        answer = self._answer(body)
        if answer.cut is None:
            self._send(answer)
        else:
            self._cut(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

    def _answer(self, body: bytes) -> Answer:
        if self.path.startswith(CONTROL):
            return control(self.server.sandbox, self.command, self.path, body)
        return self.server.sandbox.handle(self.command, self.path, dict(self.headers.items()), body)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)  # the account tells its own time
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in _BODILESS:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(answer)

    def _send_body(self, answer: Answer) -> None:
        if not isinstance(answer, Spoilt):
            self.wfile.write(answer.body)
        elif answer.pause:
            self._trickle(answer)
        else:
            self.wfile.write(answer.body[: answer.kept])
            self.close_connection = self.close_connection or answer.kept is not None

    def _trickle(self, answer: Spoilt) -> None:
        """Sends a byte at a time; a server that closes does not finish."""
        self.wfile.flush()
        for byte in answer.body:
            if self.server.closing.wait(answer.pause):
                self.close_connection = True
                return
            self.wfile.write(bytes((byte,)))
            self.wfile.flush()

    def _cut(self, answer: Answer) -> None:
        self.close_connection = True
        late = answer.late if isinstance(answer, Spoilt) else None
        if answer.cut != "timeout":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            self.connection.close()
        elif late is None:
            self._hold()
        else:
            late.waited = None
            try:
                self._hold()
            finally:
                late.leave(self.server.sandbox.clock.now())

    def _hold(self) -> None:
        """Waits until the client leaves, the server closes, or a minute is over."""
        until = time.monotonic() + _HELD
        while time.monotonic() < until and not self.server.closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return


class _HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # The base class looks the host's name up, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks a connection is no news; everything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def opened(self, connection: socket.socket) -> None:
        with self._changed:
            self._connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._changed:
            self._connections.discard(connection)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Ends all connections and waits a moment for their threads."""
        self.closing.set()
        with self._changed:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it is closed already
                    continue
            self._changed.wait_for(lambda: not self._connections, timeout=2)


class Server:
    """A running server; a context manager that closes it.

    Attributes:
        url: where it listens, for instance `http://127.0.0.1:49152`.
    """

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        self._server = _HttpServer((host, port), sandbox)
        self.url = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening and ends all connections; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join(timeout=2)

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def serve(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Puts a sandbox behind a real HTTP/1.1 server with keep-alive.

    Ordered failures happen on the wire: a reset closes the socket hard, a timeout holds it until the client leaves.
    They can be ordered over HTTP, too: POST /__sandbox/faults with the words of `Sandbox.fault` as JSON, GET to list
    those that wait, DELETE to clear them. So can how webhooks are sent, at /__sandbox/webhooks.

    Args:
        sandbox: the account to serve.
        host: where to listen; loopback unless told otherwise.
        port: the port; 0 takes a free one.
    """
    return Server(sandbox, host, port)
