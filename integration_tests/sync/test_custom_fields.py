"""Custom fields from discover to the rows, also when fields are added and deleted."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from integration_tests.support.connector import (
    ALL_TIME,
    KEY,
    ROOT,
    Output,
    full_refresh,
    run,
    select_stream,
)
from integration_tests.support.rows import sorted_rows, without_nulls
from simulator import AWKWARD, TWENTY, Account, CustomField, Fault, Simulator
from simulator.custom_fields import DEFINITIONS

LIST = "/contacts/custom_fields"
TYPES = {
    "string": "string",
    "list": "string",
    "date": "date-time",
    "integer": "integer",
    "float": "number",
    "boolean": "boolean",
}
SHOE_SIZE = CustomField("Shoe size", "float", "custom_shoe_size", likelihood=1.0)


def discover(autopilot: Simulator) -> dict[str, Any]:
    """The catalog that discover finds."""
    output = run("discover", ALL_TIME, url=autopilot.url)
    assert output.code == 0
    return output.catalog


def custom_types(catalog: dict[str, Any]) -> dict[str, str]:
    """The custom columns of a catalog in their order, each with its type or format."""
    [schema] = [
        stream["json_schema"] for stream in catalog["streams"] if stream["name"] == "contacts"
    ]
    properties = schema["properties"]
    names = list(properties)[list(properties).index("other_fields") + 1 :]
    return {name: properties[name].get("format") or properties[name]["type"][1] for name in names}


def read(autopilot: Simulator, catalog: dict[str, Any]) -> Output:
    """A read of the contacts."""
    output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog)
    assert (output.code, output.errors) == (0, [])
    assert output.statuses == {"contacts": "COMPLETE"}
    return output


def assert_rows(output: Output, account: Account, without: Sequence[str] = ()) -> None:
    """All contacts were delivered as they should be, without these columns."""
    rows = [account.row(number, without=without) for number in range(account.contact_count)]
    assert sorted_rows(output.rows) == sorted_rows({"contacts": [*map(without_nulls, rows)]})


@pytest.mark.parametrize("fields", [DEFINITIONS, AWKWARD, TWENTY, ()], ids=[7, "awkward", 20, 0])
def test_discover_and_read(fields: Sequence[CustomField]) -> None:
    """Each field has a typed column with its values, under the documented name.

    It takes one request at discover, and none at read.
    """
    account = Account(contacts=250, custom_fields=fields)
    with Simulator(account, key=KEY) as autopilot:
        catalog = discover(autopilot)
        assert autopilot.log.paths() == [LIST]
        output = read(autopilot, full_refresh(catalog, "contacts"))

        assert autopilot.log.count(LIST) == 1
        assert autopilot.log.count() == 1 + 3
    live = {field.column: TYPES[field.field_type] for field in fields if not field.deleted}
    assert list(custom_types(catalog)) == account.custom_columns == sorted(live)
    assert custom_types(catalog) == live
    assert_rows(output, account)
    odd = sum(field.odd for field in fields)  # the columns of fields with values of other types
    assert output.log.count(" did not fit the type of column custom_") == odd


def test_discover__stable() -> None:
    """The schema does not depend on the order in which the API lists the fields."""
    with Simulator(Account(custom_fields=AWKWARD), key=KEY) as autopilot:
        first = discover(autopilot)
        assert discover(autopilot) == first
    with Simulator(Account(custom_fields=AWKWARD[::-1]), key=KEY) as autopilot:
        assert json.dumps(discover(autopilot)) == json.dumps(first)


def catalog_without_schema() -> dict[str, Any]:
    """The contacts of the catalog in examples/, which has no schemas."""
    catalog = json.loads((ROOT / "examples" / "catalog.json").read_text())
    return select_stream(catalog, "contacts")


def test_read__catalog_without_a_schema() -> None:
    """A catalog written by hand gets all columns, for one request more."""
    account = Account(contacts=250)
    with Simulator(account, key=KEY) as autopilot:
        output = read(autopilot, catalog_without_schema())

        assert autopilot.log.count(LIST) == 1
        assert autopilot.log.count() == 1 + 3
    assert_rows(output, account)


def test_read__a_field_added_after_discover() -> None:
    """A new field is in the array, and one line names it; the next discover makes its column."""
    account = Account(contacts=250)
    with Simulator(account, key=KEY) as autopilot:
        before = discover(autopilot)
        account.define(SHOE_SIZE)
        output = read(autopilot, full_refresh(before, "contacts"))
        after = discover(autopilot)
        later = read(autopilot, full_refresh(after, "contacts"))

    assert_rows(output, account, without=["custom_shoe_size"])
    assert output.log.count('custom fields without a column of their own: "Shoe size".') == 1
    assert output.log.count("refresh the source's schema") == 1
    assert custom_types(after) == {**custom_types(before), "custom_shoe_size": "number"}
    assert_rows(later, account)
    assert "Shoe size" not in later.log


def test_read__a_field_deleted_after_discover() -> None:
    """The catalog stays valid without the field; its column is empty, the array keeps its values.

    The next discover has one column less, and the others as before.
    """
    account = Account(contacts=250)
    with Simulator(account, key=KEY) as autopilot:
        before = discover(autopilot)
        account.delete_field("Seats")
        output = read(autopilot, full_refresh(before, "contacts"))
        after = discover(autopilot)

    assert_rows(output, account)
    assert not any("custom_seats" in row for row in output.rows["contacts"])
    assert any(
        entry["kind"] == "Seats" and entry["deleted"] and entry["value"]
        for row in output.rows["contacts"]
        for entry in row.get("custom_fields", [])
    )
    assert "Seats" not in output.log
    expected = custom_types(before)
    del expected["custom_seats"]
    assert custom_types(after) == expected


def test_read__a_field_alike_added_after_discover() -> None:
    """A column never changes its meaning: a field with a similar name stays out of it."""
    account = Account(contacts=250)
    similar = CustomField("seats", "string", "custom_seats_2530aa22", likelihood=1.0)
    with Simulator(account, key=KEY) as autopilot:
        before = discover(autopilot)
        account.define(similar)
        output = read(autopilot, full_refresh(before, "contacts"))
        after = custom_types(discover(autopilot))

    assert_rows(output, account, without=[similar.column])
    assert "custom_seats" not in after
    assert [name for name in after if name.startswith("custom_seats_")] == [
        "custom_seats_2530aa22",
        "custom_seats_f3b81325",
    ]


REFUSALS = [
    Fault("status", status=403, times=None),
    Fault("status", status=404, times=None),
    Fault("body", text='{"contacts": [{"contact_id": "person_1", "Name": "Ann"}]}', times=None),
    Fault("body", text='["Seats"]', times=None),
]
TROUBLE = [
    Fault("status", status=429, times=None),
    Fault("status", status=500, times=None),
    Fault("html", times=None),
    Fault("cut_json", times=None),
    Fault("reset", times=None),
    Fault("silence", times=None),
    Fault("drip", times=None),
]


def name_fault(fault: Fault) -> str:
    """The fault in the name of a test."""
    return "-".join(str(part) for part in (fault.kind, fault.status, fault.text) if part)


@pytest.mark.parametrize("fault", REFUSALS, ids=name_fault)
def test_discover__list_refused(fault: Fault) -> None:
    """Without a list of fields discover takes those of the first page of contacts."""
    account = Account(contacts=250)
    with Simulator(account, key=KEY, faults=[replace(fault, path=LIST)]) as autopilot:
        catalog = discover(autopilot)

        assert autopilot.log.paths() == [LIST, "/contacts"]
    assert list(custom_types(catalog)) == account.custom_columns


@pytest.mark.parametrize("fault", TROUBLE, ids=name_fault)
def test_discover__list_in_trouble(fault: Fault) -> None:
    """In trouble there is no catalog that lacks the columns, but an error that may pass."""
    with Simulator(Account(), key=KEY, faults=[replace(fault, path=LIST)]) as autopilot:
        output = run("discover", ALL_TIME, url=autopilot.url)

        assert 1 <= autopilot.log.count(LIST) == autopilot.log.count() <= 3
    assert output.code == 1
    assert output.contents("CATALOG") == []
    assert [error["failure_type"] for error in output.errors] == ["transient_error"]


def test_discover__passing_trouble() -> None:
    """Discover finds the columns while a sync uses up the rate limit."""
    account = Account()
    busy = Fault("status", path=LIST, status=429, times=2)
    with Simulator(account, key=KEY, faults=[busy]) as autopilot:
        assert list(custom_types(discover(autopilot))) == account.custom_columns

        assert autopilot.log.paths() == [LIST] * 3


def test_discover__wrong_key() -> None:
    """With a wrong key there is no catalog, but the sentence that a check would say."""
    with Simulator(Account(), key=KEY) as autopilot:
        output = run("discover", {"api_key": "0" * 32}, url=autopilot.url)

    assert output.code == 1
    [error] = output.errors
    assert error["failure_type"] == "config_error"
    assert "does not accept the API key (401)" in error["message"]
    assert "0" * 32 not in output.stdout


@pytest.mark.parametrize("fault", REFUSALS[:2], ids=name_fault)
def test_read__list_refused(fault: Fault) -> None:
    """Without a schema and a list a sync has all rows, without the columns."""
    account = Account(contacts=150)
    with Simulator(account, key=KEY, faults=[replace(fault, path=LIST)]) as autopilot:
        output = read(autopilot, catalog_without_schema())

        assert autopilot.log.count(LIST) == 1
        assert autopilot.log.count() == 1 + 2
    assert_rows(output, account, without=account.custom_columns)
    assert "get no columns of their own in this sync" in output.log


def test_read__list_in_trouble() -> None:
    """A sync whose rows would lack the columns this time only fails before it begins."""
    html = Fault("html", path=LIST, times=None)
    with Simulator(Account(contacts=150), key=KEY, faults=[html]) as autopilot:
        output = run("read", ALL_TIME, url=autopilot.url, catalog=catalog_without_schema())

        assert autopilot.log.count(LIST) == autopilot.log.count() == 6
    assert output.code == 1
    assert (output.rows, output.states) == ({}, {})
    assert [error["failure_type"] for error in output.errors] == ["transient_error"]


def test_check__asks_for_no_custom_fields() -> None:
    """A check needs no custom fields, so a key without rights to them passes it."""
    with Simulator(Account(), key=KEY) as autopilot:
        output = run("check", ALL_TIME, url=autopilot.url)

        assert autopilot.log.count(LIST) == 0
    assert output.connection_status == {"status": "SUCCEEDED"}


def test_read__values_that_do_not_fit() -> None:
    """A value that does not fit is null in its column and kept in the array, with a warning."""

    def contact(number: int, value: Any) -> dict[str, Any]:
        entry = {"kind": "Seats", "value": value, "fieldType": "integer", "deleted": False}
        return {"contact_id": f"person_{number}", "custom_fields": [entry]}

    values = [7, "8", "many", 9.5, "", None]
    rows = [contact(number, value) for number, value in enumerate(values)]
    account = Account(contacts=len(values))
    with Simulator(account, key=KEY) as autopilot:
        catalog = full_refresh(discover(autopilot), "contacts")
        autopilot.set_faults([Fault("rows", value=rows)])
        output = read(autopilot, catalog)

    delivered = output.rows["contacts"]
    assert [row.get("custom_seats") for row in delivered] == [7, 8, None, None, None, None]
    kept = [row["custom_fields"][0]["value"] for row in delivered]
    assert kept == ["7", "8", "many", "9.5", "", None]
    [warning] = re.findall(".*did not fit.*", output.log)
    assert "2 values did not fit the type of column custom_seats" in warning
    assert "custom_fields has it as it came. The first looks like" in warning
    assert "many" not in warning


def test_read__columns_left_out() -> None:
    """A field that discover knew and a person left out of the catalog is no news; a new one is."""
    account = Account(contacts=120, custom_fields=[*TWENTY, SHOE_SIZE])
    with Simulator(account, key=KEY) as autopilot:
        catalog = select_stream(full_refresh(discover(autopilot)), "contacts")
        schema = catalog["streams"][0]["stream"]["json_schema"]
        # As Airbyte does it for a connection whose columns were chosen.
        schema["properties"] = {
            name: schema["properties"][name] for name in ("contact_id", "custom_fields")
        }
        first = read(autopilot, catalog)
        schema["x-custom-fields"].remove(SHOE_SIZE.name)
        second = read(autopilot, catalog)

    assert "custom fields without a column" not in first.log
    assert 'custom fields without a column of their own: "Shoe size". ' in second.log
