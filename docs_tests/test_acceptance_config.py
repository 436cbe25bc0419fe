"""acceptance-test-config.yml: its halves are for two generations of Airbyte's tests."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from integration_tests.support.rows import STREAMS, expected_rows
from simulator import Account

ROOT = Path(__file__).parent.parent
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "acceptance-test-config.yml").read_text())
STANDARD, CAT = CONFIG["acceptance_tests"], CONFIG["tests"]
ONLY_OF_CAT = {"expect_records", "fail_on_extra_columns", "validate_data_points"}


def test_halves__ask_the_same() -> None:
    """Both generations run the same tests with the same files, but for CAT's own options."""
    standard = {name: half.get("tests", []) for name, half in STANDARD.items()}
    cat = {
        name: [{key: test[key] for key in test if key not in ONLY_OF_CAT} for test in tests]
        for name, tests in CAT.items()
    }

    assert cat == standard


def test_halves__a_test_that_is_left_out_says_why() -> None:
    """High strictness wants a reason for each kind of test without tests."""
    assert CONFIG["test_strictness_level"] == "high"
    assert [name for name, half in STANDARD.items() if not half.get("tests")] == ["incremental"]
    assert STANDARD["incremental"]["bypass_reason"]


def test_files__are_there() -> None:
    """Every file that a test names exists."""
    [basic_read] = CAT["basic_read"]
    paths = [
        path
        for tests in CAT.values()
        for test in tests
        for option, path in test.items()
        if option.endswith("_path")
    ]

    assert [
        path
        for path in [*paths, basic_read["expect_records"]["path"]]
        if not (ROOT / path).exists()
    ] == []


def test_expected_records__are_the_simulators() -> None:
    """CAT looks for these records, two of each stream: the simulator's account has them."""
    [basic_read] = CAT["basic_read"]
    lines = (ROOT / basic_read["expect_records"]["path"]).read_text().splitlines()
    expected = [json.loads(line) for line in lines]
    account = expected_rows(Account())

    assert Counter(record["stream"] for record in expected) == dict.fromkeys(STREAMS, 2)
    assert [
        record["data"] for record in expected if record["data"] not in account[record["stream"]]
    ] == []
