"""The simulator: a server in a background thread, started and stopped by `with`.

The thread has its own event loop, so that a test may block, fork or run a loop itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import cycle
from types import TracebackType

from aiohttp import web

from .account import Account
from .bookmarks import USUAL_WAYS, Ways
from .changes import Change
from .control import make_settings
from .endpoints import Endpoints
from .faults import Fault
from .handler import Handler
from .paging import AWKWARD_SUFFIX, Paging
from .rate_limit import RETRY_AFTER, TokenBucket
from .request_log import RequestLog
from .schedule import Schedule
from .transport import TRANSPORTS

DEFAULT_KEY = "0123456789abcdef0123456789abcdef"

_SHUTDOWN_SECONDS = 0.1


class Simulator:
    """Serves one account between `with` and the end of its block.

    An answer takes `latency_seconds`, a page of contacts `page_seconds` more: 4 in an answer that
    the vendor published, while lists took up to one [seen, blog of 2015-06-23, A]. `address` is
    where it listens; port 0 becomes a free port when it starts.
    """

    def __init__(
        self,
        account: Account,
        *,
        key: str = DEFAULT_KEY,
        rate_limit: float | None = None,
        latency_seconds: float = 0.0,
        page_seconds: float = 0.0,
        retry_after: str | None = None,
        faults: Sequence[Fault] = (),
        changes: Sequence[Change] = (),
        page_size: int = 100,
        ways: Ways = USUAL_WAYS,
        awkward_bookmarks: bool = False,
        transport: str = "mixed",
        compress: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if retry_after not in (None, *RETRY_AFTER):
            raise ValueError(f"retry_after is {retry_after!r}: expected seconds, http-date or None")
        if transport not in TRANSPORTS:
            raise ValueError(f"transport is {transport!r}: expected one of {', '.join(TRANSPORTS)}")
        self.account = account
        self.key = key
        self.log = RequestLog()
        self.address = (host, port)
        self._faults, self._changes = Schedule(faults), Schedule(changes)
        self._paging = Paging(account, page_size, AWKWARD_SUFFIX if awkward_bookmarks else "", ways)
        self._handler = Handler(
            endpoints=Endpoints(account, self._paging),
            key=key,
            bucket=TokenBucket(rate_limit),
            retry_after=retry_after,
            faults=self._faults,
            changes=self._changes,
            log=self.log,
            settings=make_settings(self.log, self._faults, self._changes, self._paging),
            transports=cycle(TRANSPORTS[transport]),
            latency_seconds=latency_seconds,
            page_seconds=page_seconds,
            compress=compress,
        )

    @property
    def url(self) -> str:
        """The base URL of the API."""
        host, port = self.address
        return f"http://{host}:{port}/v1"

    def set_faults(self, faults: Sequence[Fault]) -> None:
        """Replace the schedule of faults, and forget what the old one has counted."""
        self._faults.replace(faults)

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
