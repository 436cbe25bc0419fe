"""Column names: the vendor's spelling of a field -> snake_case.

Pure text. Which of two colliding fields gets the column is decided in `row`.
"""

import re
from functools import lru_cache

# The published table layout has one word where the spelling has two capitals.
_AS_ONE_WORD = {"LinkedIn": "linkedin"}
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_IN_NAMES = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def snake_case(field: str) -> str:
    """The column of a field: `MailingPostalCode` -> `mailing_postal_code`.

    Letters of any script and digits stay, everything else separates words. A field without any
    of them is called `unnamed`, because a column needs a name.
    """
    if field in _AS_ONE_WORD:
        return _AS_ONE_WORD[field]
    words = _WORD_STARTS.sub("_", field).lower()
    return _NOT_IN_NAMES.sub("_", words).strip("_") or "unnamed"
