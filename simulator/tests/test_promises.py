"""What the simulator promises: bounded memory, and independence from the connector."""

from __future__ import annotations

import ast
import sys
import tracemalloc
from pathlib import Path

from simulator import Account
from simulator.endpoints import Endpoints
from simulator.paging import Paging


def test_memory__does_not_grow_with_the_account() -> None:
    """Serving page after page keeps nothing, once the ids and the profiles are made."""
    account = Account(contacts=100_000)
    paging = Paging(account)
    endpoints = Endpoints(account, paging)
    pages = [paging.bookmark(start - 1) for start in range(100, 100_000, 100)]
    for bookmark in pages[:10]:
        endpoints.answer(("contacts", bookmark)).payload()

    tracemalloc.start()
    for bookmark in pages[10::50]:
        endpoints.answer(("contacts", bookmark)).payload()
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept_bytes < 100_000


def test_simulator__imports_nothing_from_the_connector() -> None:
    """If both shared a belief about the API, a wrong belief would pass every test."""
    modules = list((Path(__file__).parent.parent).glob("*.py"))
    imported = set()
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])

    assert len(modules) > 10
    assert imported - sys.stdlib_module_names == {"aiohttp", "orjson"}
