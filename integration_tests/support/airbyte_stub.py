"""A local Airbyte that remembers the requests of its public API and answers with ids."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEFINITION = {"id": "definition-1", "name": "", "dockerRepository": "", "dockerImageTag": ""}
SOURCE = {
    **{"sourceId": "source-1", "definitionId": "definition-1", "workspaceId": "workspace-1"},
    **{"name": "", "sourceType": "", "configuration": {}, "createdAt": 0},
}
CONNECTION = {
    **{"connectionId": "connection-1", "sourceId": "source-1", "destinationId": "destination-1"},
    **{"workspaceId": "workspace-1", "name": "", "status": "active", "createdAt": 0, "tags": []},
    **{"configurations": {}, "schedule": {"scheduleType": "manual"}},
}
ANSWERS = {
    "/applications/token": {"access_token": "t0ken"},
    "/definitions/sources": DEFINITION,
    "/sources": SOURCE,
    "/connections": CONNECTION,
}


@dataclass
class AirbyteStub:
    """Its address, and what was posted to it: path, Authorization header, body."""

    url: str
    posted: list[tuple[str, str | None, Any]] = field(default_factory=list)


@contextmanager
def serve_airbyte_stub() -> Iterator[AirbyteStub]:
    """Serve while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.posted.append((self.path, self.headers["Authorization"], body))
            answer = next(body for end, body in ANSWERS.items() if self.path.endswith(end))
            payload = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing: pytest shows what was posted when a test fails."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = AirbyteStub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
