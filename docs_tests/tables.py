"""Tables of the documents."""

import re


def table_under(heading: str, document: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = re.split(r"^#+ ", document.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    [table, *_] = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
