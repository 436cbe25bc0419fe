"""The custom fields that an account has: from the API's list of them, or from contacts. Pure.

Nobody could verify the list with a live account, so its shape is taken leniently; what is not
understood is an error with a sentence, and never a field.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from source_autopilot.records.naming import snake_case

Type = Literal["text", "integer", "number", "boolean", "moment"]

# string, boolean, date [client], integer, float [guess]; any other type is text.
_TYPES: Mapping[str, Type] = {
    "integer": "integer",
    "float": "number",
    "boolean": "boolean",
    "date": "moment",
}
_NAME_KEYS = ("name", "kind")
_TYPE_KEYS = ("fieldType", "field_type", "type")


class UnreadableFields(ValueError):
    """An answer that is no list of custom fields. The text says why, for a person."""


@dataclass(frozen=True)
class CustomField:
    """A custom field: its name, exactly as Autopilot has it, and the type of its column."""

    name: str
    type: Type


def fields_of_answer(answer: Any) -> list[CustomField]:
    """The fields in the decoded answer of `GET /contacts/custom_fields`, each name once.

    Args:
        answer: `[{"name": "Test Field", "fieldType": "string"}]` [client], or an object that holds
            one such array [guess]. Fields that are marked as deleted, as in contacts, are left out
            [guess]; a field without a type is text.

    Raises UnreadableFields.
    """
    entries = answer
    if isinstance(answer, Mapping):
        if "contacts" in answer or "error" in answer:
            raise UnreadableFields("its answer is something else")
        arrays = [value for value in answer.values() if isinstance(value, list)]
        entries = arrays[0] if len(arrays) == 1 else None
    if not isinstance(entries, list):
        raise UnreadableFields("its answer is not a list of fields")
    fields = [_field(entry) for entry in entries if not is_deleted(entry)]
    if None in fields:
        raise UnreadableFields("an entry of its list has no name")
    return _each_once(fields)


def fields_of_contacts(documents: Iterable[Mapping[str, Any]]) -> list[CustomField]:
    """The fields in the `custom_fields` of contact documents, each name once, without deleted."""
    entries = [entry for document in documents for entry in entries_of(document)]
    return _each_once(_field(entry) for entry in entries if not is_deleted(entry))


def entries_of(document: Mapping[str, Any]) -> list[Any]:
    """What a contact has in `custom_fields`, or in an attribute whose name only looks different."""
    entries = document.get("custom_fields")
    if entries is None:
        alike = (it for name, it in document.items() if snake_case(name) == "custom_fields")
        entries = next((it for it in alike if it is not None), None)
    return entries if isinstance(entries, list) else []


def is_deleted(entry: Any) -> bool:
    """Whether the field of an entry has been deleted in Autopilot; also written as text [guess]."""
    return isinstance(entry, Mapping) and entry.get("deleted") in (True, "true", "True")


def _field(entry: Any) -> CustomField | None:
    if not isinstance(entry, Mapping):
        return None
    name = next((entry[key] for key in _NAME_KEYS if key in entry), None)
    field_type = next((entry[key] for key in _TYPE_KEYS if key in entry), None)
    if not isinstance(name, str):
        return None
    return CustomField(name, _TYPES.get(str(field_type).lower(), "text"))


def _each_once(fields: Iterable[CustomField | None]) -> list[CustomField]:
    """The fields by name; one that comes with several types is text, which holds any value."""
    types: dict[str, set[Type]] = {}
    for field in fields:
        if field:
            types.setdefault(field.name, set()).add(field.type)
    return [
        CustomField(name, next(iter(found)) if len(found) == 1 else "text")
        for name, found in sorted(types.items())
    ]
