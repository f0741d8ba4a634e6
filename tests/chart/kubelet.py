"""A node that runs nothing: it answers for the logs of pods that are bound to it."""

import contextlib
import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2 as httpx
import trustme

NODE = "logs"
LOG = "the pod's log\n"


class _Logs(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The log of a container, whichever."""
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.end_headers()
        self.wfile.write(LOG.encode())


@contextlib.contextmanager
def pod_logs(client: httpx.Client) -> Iterator[None]:
    """The node, and its HTTPS server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Logs)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.bytes())
        file.flush()
        context.load_cert_chain(file.name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": server.server_address[1]}},
    }
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "status": status}
    try:
        client.post("/api/v1/nodes", json=node).raise_for_status()
        yield
    finally:
        server.shutdown()
        server.server_close()
