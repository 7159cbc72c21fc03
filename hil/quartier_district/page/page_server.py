"""The web server of the live page: static files, one stream of server-sent events, and the open data.

It listens on loopback alone, answers GET alone, and only to requests for its own host: a page of somebody
else that points a name of its own at this machine is refused.
"""

import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

HOST = "127.0.0.1"
_PAGE_FOLDER, _UPLOT_FOLDER = (
    files("quartier_district") / "page",
    files("quartier_district") / "page" / "uplot",
)
_STATIC = {
    "/": (_PAGE_FOLDER / "live.html", "text/html; charset=utf-8"),
    "/live.css": (_PAGE_FOLDER / "live.css", "text/css; charset=utf-8"),
    "/live.js": (_PAGE_FOLDER / "live.js", "text/javascript; charset=utf-8"),
    "/uplot.js": (_UPLOT_FOLDER / "uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "/uplot.css": (_UPLOT_FOLDER / "uPlot.min.css", "text/css; charset=utf-8"),
}
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
_WAIT_S = 10.0
_STREAMS_MAX_COUNT = 20

PageDocument = tuple[str, str]
"""Content type and text."""


class StateStream:
    """The newest state, for any number of readers in their own threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._text, self._number = "{}", 0
        self._closed = False
        self.streams_count = 0

    def show(self, state: Mapping[str, Any]) -> None:
        """A new state."""
        with self._changed:
            self._text, self._number = json.dumps(state, separators=(",", ":")), self._number + 1
            self._changed.notify_all()

    def close(self) -> None:
        """No more states: every reader ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, str] | None:
        """The newest state and its number, once it is newer; empty text after a while; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number > number, _WAIT_S)
            if self._closed:
                return None
            return (self._number, self._text) if self._number > number else (number, "")

    def change_stream_count(self, step: int) -> bool:
        """A stream begins (+1) or ends (-1); whether there is room for it."""
        with self._changed:
            if step > 0 and self.streams_count >= _STREAMS_MAX_COUNT:
                return False
            self.streams_count += step
            return True


class LivePage:
    """The server; ``documents`` are further pages, made when they are asked for."""

    def __init__(self, port: int, documents: Mapping[str, Callable[[], PageDocument]] | None = None) -> None:
        self.stage = StateStream()
        self._server = ThreadingHTTPServer((HOST, port), partial(_PageHandler, self.stage, documents or {}))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        """URL of the page for a browser."""
        return f"http://{HOST}:{self.port}/"

    def open(self) -> None:
        """Serve."""
        self._thread.start()

    def close(self) -> None:
        """End every stream and the server."""
        self.stage.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _PageHandler(BaseHTTPRequestHandler):
    """One connection."""

    def __init__(
        self, stage: StateStream, documents: Mapping[str, Callable[[], PageDocument]], *connection: Any
    ) -> None:
        self._stage, self._documents = stage, documents
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answer."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        path = self.path.partition("?")[0]
        if host not in {HOST, "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN, "ask for 127.0.0.1")
        elif path == "/live":
            self._stream()
        elif path in _STATIC:
            source, kind = _STATIC[path]
            self._whole(kind, source.read_bytes())
        elif path in self._documents:
            kind, text = self._documents[path]()
            self._whole(kind, text.encode())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _head(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")

    def _whole(self, kind: str, body: bytes) -> None:
        self._head(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        if not self._stage.change_stream_count(1):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "too many look on")
            return
        try:
            self._head("text/event-stream")
            self.end_headers()
            self.wfile.write(b"retry: 2000\n\n")
            number = 0
            while (found := self._stage.after(number)) is not None:
                number, text = found
                # A comment keeps the connection, and finds out that nobody is there any more.
                self.wfile.write(f"data: {text}\n\n".encode() if text else b": still here\n\n")
                self.wfile.flush()
        except OSError:
            pass  # the reader has gone
        finally:
            self._stage.change_stream_count(-1)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a page that is looked at is no news."""
