"""The simulator as a thing to start and stop: a server in a background thread.

The thread has an event loop of its own, so that a test may block, fork or run a loop itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType

from aiohttp import web

from .account import Account
from .endpoints import Api
from .faults import Fault, FaultSchedule
from .handler import Handler
from .paging import AWKWARD_SUFFIX, Paging
from .rate_limit import RETRY_AFTER, TokenBucket
from .request_log import RequestLog

KEY = "0123456789abcdef0123456789abcdef"
"""The key of every account that isn't given one."""

_GRACE_SECONDS = 0.1


class Simulator:
    """Serves one account between `with` and the end of its block.

    `address` is where it listens; of port 0 the system makes a free one when it starts.
    """

    def __init__(
        self,
        account: Account,
        *,
        key: str = KEY,
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
            api=Api(account, Paging(account, page_size, suffix)),
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
        """Replace the schedule of faults; what the old one had counted is forgotten."""
        self._schedule.replace(faults)

    def __enter__(self) -> Simulator:
        started: Future[int] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), name="autopilot", daemon=True
        )
        self._thread.start()
        self.address = (self.address[0], started.result())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self, started: Future[int]) -> None:
        """Listen, tell `started` the port (or why there is none), serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = web.Server(self._handler, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=_GRACE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, *self.address).start()
        except Exception as problem:  # whatever it is, the thread that waits must hear of it
            started.set_exception(problem)
        else:
            started.set_result(runner.addresses[0][1])
            await self._stop.wait()
        finally:
            await runner.cleanup()
