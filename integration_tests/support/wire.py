"""A proxy to the simulator: TLS, handshakes that break off, answers that never begin."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Wire:
    """Forwards connections to a URL's host.

    It closes the first `broken` connections before it answers a byte, which breaks a TLS handshake.
    If it `drips`, the status line of an answer comes at a byte a second and never ends.
    """

    def __init__(
        self, url: str, *, tls: ssl.SSLContext | None = None, broken: int = 0, drips: bool = False
    ) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._tls = tls
        self._broken = broken
        self._drips = drips
        self.connections = 0

    @contextmanager
    def listen(self, host: str = "127.0.0.1") -> Iterator[str]:
        """Accept connections during the block; yields the URL of this end."""
        scheme = "https" if self._tls else "http"
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=self._accept, args=[server], daemon=True).start()
            yield f"{scheme}://{host}:{server.getsockname()[1]}{self._path}"
            server.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                self.connections += 1
                arguments = (connection, self.connections <= self._broken)
                threading.Thread(target=self._serve, args=arguments, daemon=True).start()

    def _serve(self, connection: socket.socket, broken: bool) -> None:
        with connection, suppress(OSError):
            if broken:
                connection.recv(1)
            elif self._drips:
                self._drip(connection)
            else:
                self._forward(connection)

    def _drip(self, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 ")
        while True:
            connection.sendall(b"O")
            time.sleep(1)

    def _forward(self, connection: socket.socket) -> None:
        here = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        with here, socket.create_connection(self._target) as there:
            threading.Thread(target=_copy, args=[here, there], daemon=True).start()
            _copy(there, here)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def make_certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """The file of a self-signed certificate for a host name, and the TLS context of its server."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return chain, context
