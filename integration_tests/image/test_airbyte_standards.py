"""Airbyte's standard tests, as acceptance-test-config.yml asks for them.

In process, and, under `make test-image`, of the image.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase

from integration_tests.support.connector import KEY
from integration_tests.support.docker_on_path import put_docker_on_path
from simulator import Account, Simulator
from source_autopilot import SourceAutopilot

pytest_plugins = ["airbyte_cdk.test.standard_tests.pytest_hooks"]


@pytest.fixture(autouse=True, scope="module")
def _simulated_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, Simulator(Account(), key=KEY) as autopilot:
        patch.setenv("AUTOPILOT_API_URL", autopilot.url)
        put_docker_on_path(autopilot.url, tmp_path_factory.mktemp("bin"), patch)
        yield


class TestAirbyteStandards(SourceTestSuiteBase):
    """The connector is named here: the suite would take the name of the checkout's folder."""

    connector = SourceAutopilot
    connector_name = "source-autopilot"

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        return Path(__file__).parent.parent.parent
