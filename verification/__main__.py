"""`python -m verification --config FILE`: asks the API and prints the table."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from source_autopilot.api.base_url import find_base_url
from source_autopilot.config import Config, parse_config
from source_autopilot.errors import InvalidConfig
from verification.asking import MAX_QUESTIONS, Budget, ask_api
from verification.questions import KeyRefused, collect
from verification.report import write_report


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return 0; print a sentence and return 1 if there is nothing to ask with.

    AUTOPILOT_API_URL replaces the API's address, as it does for the connector.
    """
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the connector's settings")
    path = parser.parse_args(arguments).config
    try:
        settings = _read_settings(path)
        base_url = find_base_url(os.environ)
    except InvalidConfig as invalid:
        return _refuse(str(invalid))
    print(f"Asking at most {MAX_QUESTIONS} questions, for about a minute ...", file=sys.stderr)
    budget = Budget()
    ask = ask_api(base_url, settings.api_key, budget)
    try:
        evidence = collect(ask, base_url=base_url, api_key=settings.api_key)
    except KeyRefused:
        return _refuse(
            "Autopilot does not accept the API key (401): copy the key from Autopilot (Settings >"
            f" Autopilot API) into api_key in {path}."
        )
    print(write_report(evidence, questions=budget.questions, today=date.today()))
    return 0


def _read_settings(path: Path) -> Config:
    try:
        settings = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidConfig(f"The config file {path} cannot be used: {problem}.") from None
    if not isinstance(settings, dict):
        raise InvalidConfig(f"The config file {path} cannot be used: expected a JSON object.")
    return parse_config(settings)


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
