"""Tests of `error_sentences`: no way of writing an error hides its sentence from the documents."""

import pytest

from docs_tests.error_sentences import error_sentences

SENTENCE = "The file … cannot be used"


@pytest.mark.parametrize(
    "code",
    [
        'raise config_error(f"The file {path} cannot be used. Correct it.")',
        'raise errors.transient_error(f"The file {path}" f" cannot be used.")',
        'raise UserFacingError(message=f"The file {path} cannot be used", failure_type=kind)',
        'STATUSES = {400: Failure(Kind.CONFIG, f"The file {path} cannot be used", ADVICE)}',
        'STATUSES: Mapping[int, Failure] = {400: Failure(advice=ADVICE, seen=f"The file {path}"'
        ' " cannot be used")}',
        'UNUSABLE: str = f"The file {path} cannot be used."\nraise config_error(UNUSABLE)',
        'raise config_error("The file " + VALUE_OF_PATH + " cannot be used")',
        'raise config_error(f"The file {path} cannot be used" if path else "")',
        "class Unusable(Failing):\n    def __init__(self, path):\n"
        '        super().__init__(message=f"The file {path} cannot be used.")\n'
        "class Failing(UserFacingError):\n    pass",
        "class Unusable(UserFacingError):\n    pass\n"
        'raise Unusable(f"The file {path} cannot be used.", status=400)',
        "def fail(kind, seen):\n    return Failure(kind, seen)\n"
        'fail(kind, f"The file {path} cannot be used")',
        "def again(seen):\n    return fail(f'{seen}. {ADVICE}')\n"
        "def fail(sentence):\n    return transient_error(sentence)\n"
        'again(f"The file {path} cannot be used")',
        "def sentence_of(path):\n"
        '    return f"The file {path} cannot be used. Correct it."\n'
        "raise config_error(sentence_of(path))",
        "def read(path):\n"
        '    seen = f"The file {path} cannot be used"\n'
        '    raise config_error(f"{seen}. {ADVICE}")',
    ],
)
def test_error_sentences__found(code: str) -> None:
    """Its first sentence is found, however it comes to the error."""
    code = f'ADVICE = "Correct it, or take another one."\nVALUE_OF_PATH = "…"\n{code}\n'

    assert error_sentences([code]) == {SENTENCE}


@pytest.mark.parametrize(
    "code",
    [
        '"""A module about what cannot be used."""',
        'logger.warning("The file there cannot be used.")',
        'raise InvalidConfig("The file there cannot be used.")',
        "raise config_error(str(problem))",
        'raise config_error(f"{problem}")',
        'raise config_error("of four and more words")',
        "def again(seen):\n    seen = f'{seen}.'\n    raise config_error(seen)",
    ],
)
def test_error_sentences__no_others(code: str) -> None:
    """What is no error's own text is not taken for one."""
    assert error_sentences([code]) == set()


def test_error_sentences__across_modules() -> None:
    """A constant or a function of another module is found by its name."""
    errors = (
        'FULL = "There is no room left."\ndef fail(sentence):\n    raise config_error(sentence)\n'
    )

    assert error_sentences([errors, "from errors import FULL, fail\nfail(FULL)\n"]) == {
        "There is no room left"
    }
