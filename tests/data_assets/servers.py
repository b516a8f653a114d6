"""Web servers on the loopback, well behaved and not: ranges, versions, connections that break, lies."""

import base64
import hashlib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Behaviour:
    """How a server treats one path. Counts are of answers to GET.

    cut_after: bytes after which the connection is closed, for the first `cuts` answers. hold_after: bytes after which
    an answer waits until `let_go` is set. status: what is answered instead, for the first `failures` requests, with
    `headers`. lie: a status that is answered to every GET, with a new version each time. said: the size that HEAD
    tells (None: the real one). sized: whether GET tells one. changed: its Last-Modified. A path with a query
    is one of its own. chunked: whether GET sends it as one chunk, of no size that is told before. size_text: what is
    told as the size, whatever it is. part: what is told of the rest (Content-Range), of which 500 bytes are sent.
    """

    content: bytes
    ranges: bool = True
    tag: bool = True
    changed: str | None = None
    head: bool = True
    md5: str | None = None
    length: int | None = None
    cut_after: int | None = None
    cuts: int = 0
    hold_after: int | None = None
    status: int = 503
    failures: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    lie: int | None = None
    said: int | None = None
    sized: bool = True
    chunked: bool = False
    size_text: str | None = None
    part: str | None = None
    held: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def etag(self) -> str:
        return '"' + hashlib.sha256(self.content).hexdigest()[:16] + '"'


def md5_of(content: bytes) -> str:
    """As Content-MD5 gives it."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    range: str | None
    query: str = ""
    login: str | None = None


class Server:
    """Serves `paths` until closed; `asked` is what came."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.paths: dict[str, Behaviour] = {}
        self.asked: list[Asked] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"served": self}))
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def url(self, path: str) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    def serve(self, path: str, content: bytes, **behaviour: Any) -> str:
        """Have the content at a path; its URL."""
        self.paths[path] = Behaviour(content, **behaviour)
        return self.url(path)

    def methods(self, path: str) -> list[str]:
        return [one.method for one in self.asked if one.path == path]

    def ranges(self, path: str) -> list[str | None]:
        return [one.range for one in self.asked if one.path == path and one.method == "GET"]

    def close(self) -> None:
        for behaviour in self.paths.values():
            behaviour.let_go.set()
        self._http.shutdown()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers as `served` says."""

    served: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(lambda: None)

    def do_GET(self) -> None:
        self._answer(self._send_content)

    def _answer(self, send: Callable[[], None]) -> None:
        path, _, query = self.path.partition("?")
        login = self.headers.get("Authorization")
        self.served.asked.append(Asked(self.command, path, self.headers.get("Range"), query, login))
        self.close_connection = True
        self.behaviour = behaviour = self.served.paths.get(self.path) or self.served.paths.get(path)
        if behaviour is None:
            self.send_error(404)
        elif behaviour.failures > 0:
            behaviour.failures -= 1
            self._send_status(behaviour.status, behaviour.headers)
        elif self.command == "GET" and behaviour.lie is not None:
            size = len(behaviour.content)
            part = {"Content-Range": f"bytes 0-{size - 1}/{size}", "ETag": f'"{len(self.served.asked)}"'}
            self._send_status(behaviour.lie, {**part, **behaviour.headers})
        elif self.command == "HEAD" and not behaviour.head:
            self.send_error(405)
        else:
            self._describe(behaviour)
            send()

    def _send_status(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _describe(self, behaviour: Behaviour) -> None:
        asked = self.headers.get("Range")
        same = self.headers.get("If-Range") in (None, behaviour.etag, behaviour.changed)
        self.start = int(asked[6:].rstrip("-")) if asked and behaviour.ranges and same else 0
        size = behaviour.length if behaviour.length is not None else len(behaviour.content)
        self.send_response(206 if self.start else 200)
        if self.start and behaviour.part is not None:
            size = self.start + 500
            self.send_header("Content-Range", behaviour.part)
        elif self.start:
            self.send_header("Content-Range", f"bytes {self.start}-{size - 1}/{size}")
        if behaviour.tag:
            self.send_header("ETag", behaviour.etag)
        if behaviour.changed is not None:
            self.send_header("Last-Modified", behaviour.changed)
        if behaviour.md5 is not None and not self.start:
            self.send_header("Content-MD5", behaviour.md5)
        if self.command == "HEAD" and behaviour.said is not None:
            self.send_header("Content-Length", str(behaviour.said))
        elif self.command == "GET" and behaviour.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif behaviour.size_text is not None:
            self.send_header("Content-Length", behaviour.size_text)
        elif behaviour.sized:
            self.send_header("Content-Length", str(size - self.start))
        self.end_headers()

    def _send_content(self) -> None:
        behaviour = self.behaviour
        assert behaviour is not None
        content = behaviour.content[self.start :]
        if self.start and behaviour.part is not None:
            content = content[:500]
        whole = len(content)
        if behaviour.chunked:
            self._send(f"{whole:x}\r\n".encode())
        if behaviour.hold_after is not None:
            self._send(content[: behaviour.hold_after])
            behaviour.held.set()
            behaviour.let_go.wait()
            content = content[behaviour.hold_after :]
        if behaviour.cut_after is not None and behaviour.cuts > 0:
            behaviour.cuts -= 1
            content = content[: behaviour.cut_after]
        self._send(content)
        if behaviour.chunked and len(content) == whole:
            self._send(b"\r\n0\r\n\r\n")

    def _send(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            pass  # the client has left
