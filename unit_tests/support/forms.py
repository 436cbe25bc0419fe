"""What Airbyte's server takes from a form."""

from collections.abc import Mapping
from typing import Any

import jsonschema


def validate_settings(settings: Mapping[str, Any], specification: Mapping[str, Any]) -> None:
    """Hold settings to a specification as Airbyte's server does, which asserts formats, too.

    Raises jsonschema.ValidationError.
    """
    validator = jsonschema.Draft7Validator(
        specification, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    )
    validator.validate(settings)
