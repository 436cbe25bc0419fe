"""Packaging. Tool settings are in pyproject.toml, exact versions in requirements.lock."""

from pathlib import Path

from setuptools import find_packages, setup

TESTS = [
    "aiohttp>=3.9",
    'airbyte-api>=0.53; python_version < "3.13"',  # Airbyte's API, for docs/deployment.md
    'airbyte-connector-models>=0.1.12; python_version < "3.13"',  # what metadata.yaml may hold
    "coverage[toml]>=7.10",
    "cryptography>=42",
    "hypothesis>=6.100",
    "jsonschema>=4.17",
    "mypy>=1.10",
    "pytest>=7,<8",  # what the CDK's standard tests are written for
    "pytest-cov>=7",
    "pytest-xdist>=3.6",
    "pyyaml>=6",
    "requests-mock>=1.12",
    "ruff>=0.6",
    "types-PyYAML",
    "types-jsonschema",
    "types-requests",
    "uv>=0.8",
]
# PyAirbyte does not support Python 3.13 yet.
DEMO = ['airbyte>=0.71,<0.72; python_version < "3.13"', "aiohttp>=3.9"]

setup(
    name="airbyte-source-autopilot",
    version="0.2.0",
    description="Airbyte source connector for Autopilot: contacts, lists and smart segments",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["source_autopilot", "source_autopilot.*"]),
    package_data={"source_autopilot": ["schemas/*.json", "py.typed"]},
    install_requires=[
        "airbyte-cdk>=7.39,<8",
        "msgspec>=0.19",
        "orjson>=3.10",
        "pydantic>=2.10,<3",
        "requests>=2.31",
        "urllib3>=2.6,<3",  # unpacks no more than is asked for at once
    ],
    extras_require={"tests": TESTS, "demo": DEMO},
    entry_points={"console_scripts": ["source-autopilot=source_autopilot.run:run"]},
)
