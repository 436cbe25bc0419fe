"""The simulator: a server in a background thread, started and stopped by `with`.

The thread has its own event loop, so that a test may block, fork or run a loop itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType

from aiohttp import web

from .account import Account
from .endpoints import Endpoints
from .faults import Fault, FaultSchedule
from .handler import Handler
from .paging import AWKWARD_SUFFIX, Paging
from .rate_limit import RETRY_AFTER, TokenBucket
from .request_log import RequestLog

DEFAULT_KEY = "0123456789abcdef0123456789abcdef"

_SHUTDOWN_SECONDS = 0.1


class Simulator:
    """Serves one account between `with` and the end of its block.

    `address` is where it listens; port 0 becomes a free port when it starts.
    """

    def __init__(
        self,
        account: Account,
        *,
        key: str = DEFAULT_KEY,
        rate_limit: float | None = None,
        latency_seconds: float = 0.0,
        retry_after: str | None = None,
        faults: Sequence[Fault] = (),
        page_size: int = 100,
        awkward_bookmarks: bool = False,
        compress: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if retry_after not in (None, *RETRY_AFTER):
            raise ValueError(f"retry_after is {retry_after!r}: expected seconds, http-date or None")
        self.account = account
        self.key = key
        self.log = RequestLog()
        self._schedule = FaultSchedule(faults)
        self.address = (host, port)
        suffix = AWKWARD_SUFFIX if awkward_bookmarks else ""
        self._handler = Handler(
            endpoints=Endpoints(account, Paging(account, page_size, suffix)),
            key=key,
            bucket=TokenBucket(rate_limit),
            retry_after=retry_after,
            schedule=self._schedule,
            log=self.log,
            latency_seconds=latency_seconds,
            compress=compress,
        )

    @property
    def url(self) -> str:
        """The base URL of the API."""
        host, port = self.address
        return f"http://{host}:{port}/v1"

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the schedule of faults, and forget what the old one has counted."""
        self._schedule.replace(faults)

    def __enter__(self) -> Simulator:
        port: Future[int] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(port)), name="autopilot", daemon=True
        )
        self._thread.start()
        self.address = (self.address[0], port.result())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self, port: Future[int]) -> None:
        """Listen, give `port` the number or the error, and serve until `_stop` is set."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = web.Server(self._handler, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, *self.address).start()
        except Exception as problem:  # raised in the thread that waits
            port.set_exception(problem)
        else:
            port.set_result(runner.addresses[0][1])
            await self._stop.wait()
        finally:
            await runner.cleanup()
