"""Tests of `streams.start_keys`."""

from collections.abc import Callable, Sequence
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from source_autopilot.records.page import Page
from source_autopilot.streams.start_keys import (
    Gap,
    IdForm,
    IdSpace,
    ascends,
    find_proving_key,
    proves_start_keys,
)

FORMS: dict[str, Callable[[UUID], str]] = {
    "upper": lambda uuid: f"person_{str(uuid).upper()}",
    "lower": lambda uuid: f"person_{uuid}",
    "AP2": lambda uuid: f"person_AP2-{uuid}",
    "unknown prefix": lambda uuid: f"kontakt/ü-{uuid}",
    "no prefix": lambda uuid: str(uuid).upper(),
}
ID = "9EAF39E4-9AEC-4134-964A-D9D8D54162E7"


def make_ids(number: int, *, form: str = "upper", seed: int = 7) -> list[str]:
    """So many ids of a form, in byte order."""
    uuids = (uuid5(NAMESPACE_OID, f"{seed} {place}") for place in range(number))
    return sorted(map(FORMS[form], uuids))


def page_of(ids: Sequence[str], bookmark: str | None = "b1") -> Page:
    """A page with these ids."""
    rows = [{"contact_id": contact_id} for contact_id in ids]
    return Page(rows, bookmark, total=None, keys=tuple(ids))


# Forms


@pytest.mark.parametrize(
    ("contact_id", "prefix", "is_lower"),
    [
        (f"person_{ID}", "person_", False),
        (f"person_{ID.lower()}", "person_", True),
        (f"person_AP2-{ID.lower()}", "person_AP2-", True),
        (f"person_AP2-{ID}", "person_AP2-", False),
        (f"x\n{ID}", "x\n", False),
        (ID, "", False),
        (f"{ID}{ID}", ID, False),
    ],
)
def test_id_form__find(contact_id: str, prefix: str, is_lower: bool) -> None:
    """An id is a prefix and a UUID; it can be written again from them."""
    form = IdForm.find(contact_id)

    assert form is not None
    assert (form.prefix, form.digits.islower()) == (prefix, is_lower)
    assert form.write(UUID(contact_id[-36:])) == contact_id


@pytest.mark.parametrize(
    "contact_id",
    [
        "",
        "person_",
        "person_1",
        "contactlist_5D9F3C0A",
        f"person_{ID}x",
        f"person_{ID}\n",
        f"person_{ID[:-1]}",
        f"person_{ID.replace('-', '')}",
        f"person_{ID[:20]}{ID[20:].lower()}",
    ],
)
def test_id_form__no_uuid(contact_id: str) -> None:
    """An id without a UUID at its end, or with one in mixed case, has no form."""
    assert IdForm.find(contact_id) is None


ALL_FORMS = st.sampled_from([*FORMS.values()])
TEXTS = st.text(max_size=12) | st.builds(lambda form, uuid: form(uuid), ALL_FORMS, st.uuids())


@given(ALL_FORMS, st.uuids(), TEXTS, TEXTS)
def test_position__in_byte_order(
    form_of: Callable[[UUID], str], uuid: UUID, one: str, other: str
) -> None:
    """Of two texts the one that comes first in byte order has no larger position."""
    form = IdForm.find(form_of(uuid))
    assert form is not None
    first, second = sorted([one, other], key=lambda text: text.encode(errors="surrogatepass"))

    assert 0.0 <= form.position(first) <= form.position(second) <= 1.0


@given(ALL_FORMS, st.uuids(), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_key__in_byte_order(
    form_of: Callable[[UUID], str], uuid: UUID, one: int, other: int
) -> None:
    """Keys of a form ascend with their number, and lie at their share of all ids."""
    form = IdForm.find(form_of(uuid))
    assert form is not None
    first, second = sorted([one, other])

    assert (form.key(first) < form.key(second)) == (first < second)
    assert form.position(form.key(first)) == first / 2**32
    assert IdForm.find(form.key(first)) == form or not any(map(str.isalpha, form.key(first)[-36:]))


# The proof


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([], True),
        (["a"], True),
        (["a", "b", "é"], True),
        (["B", "a"], True),
        (["a", "B"], False),
        (["a", "a"], False),
        (["b", "a"], False),
    ],
)
def test_ascends(ids: list[str], expected: bool) -> None:
    """Ids ascend if each is larger than the one before, in byte order."""
    assert ascends(ids) is expected


@given(st.lists(st.tuples(ALL_FORMS, st.uuids()), min_size=4, max_size=30, unique=True))
def test_find_proving_key__lies_between(parts: list[tuple[Callable[[UUID], str], UUID]]) -> None:
    """The key is an id of no contact, and half of the page's ids are before it."""
    ids = sorted({form(uuid) for form, uuid in parts})
    assume(len(ids) >= 4 and all(map(IdForm.find, ids)))

    key = find_proving_key(ids)

    if key is not None:
        assert key not in ids
        assert ids[len(ids) // 2 - 1] < key < ids[len(ids) // 2]
        assert IdForm.find(key) is not None


@pytest.mark.parametrize("form", [*FORMS])
@pytest.mark.parametrize("number", [4, 5, 100])
def test_find_proving_key__of_any_form(form: str, number: int) -> None:
    """There is a key, whatever stands before the UUIDs."""
    ids = make_ids(number, form=form)

    key = find_proving_key(ids)

    assert key is not None
    assert ids[number // 2 - 1] < key < ids[number // 2]


@pytest.mark.parametrize(
    "ids",
    [
        [],
        make_ids(3),
        make_ids(100)[::-1],
        [*make_ids(99), "person_x"],
        [f"contactlist_{number:03}" for number in range(100)],
        sorted([*make_ids(50), *make_ids(50, form="lower")], key=str.lower),
        [FORMS["upper"](UUID(int=number)) for number in range(4)],
        [FORMS["upper"](UUID(int=number)) for number in (0, 2**128 - 1)] * 2,
        [
            "person_0" + "0" * 7 + ID[8:],
            "person_" + str(UUID(int=2**128 - 1)).upper(),
            "person_" + str(UUID(int=2**128 - 1)),
            "q" + ID,
        ],
    ],
    ids=[
        "empty",
        "three",
        "descending",
        "one without a UUID",
        "no UUIDs",
        "ICU",
        "no room between",
        "twice",
        "the last of all UUIDs",
    ],
)
def test_find_proving_key__none(ids: list[str]) -> None:
    """A page that could not prove anything is no reason for a question."""
    assert find_proving_key(ids) is None


IDS = make_ids(300)
FIRST = IDS[:100]

ANSWERS = {
    "start key": (page_of(IDS[50:150]), True),
    "start key, of 60 rows": (page_of(IDS[50:110]), True),
    "the rows at the end came or went": (page_of([*IDS[50:92], *IDS[100:150]]), True),
    "first page": (page_of(FIRST), False),
    "next page": (page_of(IDS[100:200]), False),
    "some page": (page_of(IDS[137:237]), False),
    "empty": (page_of([], None), False),
    "empty, with a bookmark": (page_of([]), False),
    "no bookmark": (page_of(IDS[50:150], None), False),
    "every third": (page_of(IDS[50::3]), False),
    "late by one": (page_of(IDS[51:151]), False),
    "late by three": (page_of(IDS[53:153]), False),
    "early by one": (page_of(IDS[49:149]), False),
    "too short": (page_of(IDS[50:60]), False),
    "does not ascend behind": (page_of([*IDS[50:100], *IDS[150:100:-1]]), False),
    "one is missing": (page_of([*IDS[50:60], *IDS[61:150]]), False),
}


@pytest.mark.parametrize(("answer", "expected"), [*ANSWERS.values()], ids=[*ANSWERS])
def test_proves_start_keys(answer: Page, expected: bool) -> None:
    """Exactly the page that begins behind the key proves it, whatever else may come."""
    key = find_proving_key(FIRST)
    assert key is not None
    assert IDS[49] < key < IDS[50]

    assert proves_start_keys(FIRST, answer) is expected


@given(st.integers(4, 120), st.integers(0, 400), st.integers(1, 120), st.booleans())
def test_proves_start_keys__no_other_page(
    number: int, begin: int, size: int, has_bookmark: bool
) -> None:
    """Of all pages of consecutive rows, only one that begins where the key is proves it."""
    ids = make_ids(500)
    answer = page_of(ids[begin : begin + size], "b1" if has_bookmark else None)

    proves = proves_start_keys(ids[:number], answer)

    expected = number - number // 2 - number // 10
    assert proves == (has_bookmark and begin == number // 2 and size >= expected)


# Where rows lie


def lies_in(contact_id: str, gap: Gap) -> bool:
    """Whether a row is among those that a gap has."""
    return contact_id > gap.after and (gap.to is None or contact_id < gap.to)


def account_of(upper: int, lower: int, ap2: int, seed: int) -> list[str]:
    """The ids of an account with ids of three forms, in byte order."""
    return sorted(
        [
            *make_ids(upper, seed=seed),
            *make_ids(lower, form="lower", seed=seed + 1),
            *make_ids(ap2, form="AP2", seed=seed + 2),
        ]
    )


def read_windows(ids: list[str], *, number: int, size: int) -> tuple[list[str], list[Gap]]:
    """What chains in so many places have read, and what they have left."""
    begins = [len(ids) * place // number for place in range(number)]
    read = [contact_id for begin in begins for contact_id in ids[begin : begin + size]]
    ends = [*[ids[begin] for begin in begins[1:]], None]
    return read, [Gap(ids[begin + size - 1], end) for begin, end in zip(begins, ends, strict=True)]


def find_middle(space: IdSpace, gap: Gap, gaps: list[Gap], rows_left: int) -> str | None:
    """The key behind half of a gap's rows."""
    left = space.measure(gaps, rows_left)
    return left.find_key(gap, left.count(gap) / 2)


@pytest.mark.parametrize("ap2_percent", range(0, 101, 10))
@pytest.mark.parametrize("lower_percent", [0, 2, 50, 100])
def test_rows_left__any_share_of_ids(ap2_percent: int, lower_percent: int) -> None:
    """Gaps have about the rows that they have, and a key halves them, whatever ids look like.

    `person_AP2-` stands behind `person_AF` and before `person_B`, lower case among upper case.
    """
    ap2 = 40 * ap2_percent
    lower = (4000 - ap2) * lower_percent // 100
    ids = account_of(4000 - ap2 - lower, lower, ap2, seed=7)
    read, gaps = read_windows(ids, number=20, size=40)
    space = IdSpace()
    space.learn(read)
    left = space.measure(gaps, len(ids) - len(read))

    assert sum(map(left.count, gaps)) == pytest.approx(len(ids) - len(read))
    for gap in gaps:
        rows = [contact_id for contact_id in ids if lies_in(contact_id, gap)]
        assert left.count(gap) == pytest.approx(len(rows), rel=0.5)
        key = left.find_key(gap, left.count(gap) / 2)
        assert key is not None
        assert lies_in(key, gap)
        assert 0.2 < sum(contact_id < key for contact_id in rows) / len(rows) < 0.8


@given(st.integers(0, 1000), st.sampled_from([*FORMS]), st.integers(20, 500))
def test_rows_left__behind_the_first_rows(seed: int, form: str, read: int) -> None:
    """The rows that were read are enough to know where half of what is left begins."""
    ids = make_ids(1000, form=form, seed=seed)
    gap = Gap(ids[read - 1])
    space = IdSpace()
    space.learn(ids[:read])

    middle = find_middle(space, gap, [gap], 1000 - read)

    assert middle is not None
    share = sum(contact_id < middle for contact_id in ids[read:]) / (1000 - read)
    assert 0.25 < share < 0.75


@pytest.mark.parametrize("ap2", [100, 1000, 3000])
def test_rows_left__of_a_form_that_did_not_come(ap2: int) -> None:
    """Rows of the total that no form explains are expected where published ids would be."""
    ids = account_of(1000, 0, ap2, seed=7)
    gap = Gap(ids[199])
    space = IdSpace()
    space.learn(ids[:200])
    first_half = Gap(ids[199], "person_A")

    left = space.measure([gap], len(ids) - 200)

    expected = sum(contact_id < "person_A" for contact_id in ids[200:])
    explained = 625 - 200 if ap2 > 100 else (625 - 200) * (len(ids) - 200) / 800  # 100 are chance
    assert left.count(first_half) == pytest.approx(explained, rel=0.2)
    assert left.count(first_half) == pytest.approx(expected, rel=0.25)


def test_rows_left__nothing_known() -> None:
    """Where no form of ids is known, no gap has rows and no key; nor where there is no room."""
    full = Gap(f"person_FFFFFFFF{ID[8:]}")
    space = IdSpace()
    space.learn(["person_1", "person_2"])

    assert space.measure([Gap("~")], 100).count(Gap("a", "b")) == 0
    assert find_middle(space, Gap("~"), [Gap("~")], 100) is None
    space.learn(make_ids(100))
    assert find_middle(space, full, [full], 100) is None
