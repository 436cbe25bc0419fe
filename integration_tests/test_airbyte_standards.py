"""Airbyte's standard tests, in process, as acceptance-test-config.yml asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase

from integration_tests.conftest import KEY
from integration_tests.simulator import Account, Simulator
from source_autopilot import SourceAutopilot

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]


@pytest.fixture(autouse=True, scope="module")
def _simulated_api() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, Simulator(Account(), key=KEY) as autopilot:
        patch.setenv("AUTOPILOT_API_URL", autopilot.url)
        yield


class TestAirbyteStandards(SourceTestSuiteBase):
    """The suite names the connector after the checkout's folder, which may have any name."""

    connector = SourceAutopilot
    connector_name = "source-autopilot"

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        return Path(__file__).parent.parent
