"""What a table says of itself in YAML, judged before anything is made of it."""

import yaml

from galexplorer.errors import InputError
from galexplorer.tables.bounds import MAX_META
from galexplorer.tables.unit_texts import check_unit

MAX_ENTRIES = 2**19
"""Once each alias stands for what it repeats: ten lists of ten aliases are 10**10 of them."""


def check_yaml_header(header: str, label: str) -> None:
    """Refuse a header that is too long, that grows without end, or whose units are not harmless.

    The document is composed and nothing is made of it, so aliases and escapes are resolved; in
    Python, since libyaml's binding overflows the stack where lists are nested deeply.

    Parameters
    ----------
    header : str
    label : str
        What messages call the table.

    Raises
    ------
    InputError
        In these cases.

    Examples
    --------
    >>> check_yaml_header("meta: {survey: SDSS}", "t.ecsv")
    >>> check_yaml_header("meta: &all [*all]", "t.ecsv")
    Traceback (most recent call last):
    ...
    galexplorer.errors.InputError: t.ecsv has a header that repeats itself too often: write it \
without YAML aliases.
    """
    if len(header) > MAX_META:
        raise InputError(f"{label} has a header of more than {MAX_META:,} characters: shorten it.")
    entries: dict[int, int] = {}
    open_ones: set[int] = set()
    root = yaml.compose(header, Loader=yaml.SafeLoader)
    stack = [root] if root is not None else []
    while stack:
        node = stack[-1]
        if id(node) in entries:
            stack.pop()
            continue
        parts = _parts(node, label)
        if id(node) in open_ones:  # all its parts are counted
            open_ones.remove(id(node))
            entries[id(node)] = 1 + sum(entries[id(part)] for part in parts)
            if entries[id(node)] > MAX_ENTRIES:
                raise _endless(label)
            continue
        open_ones.add(id(node))
        if any(id(part) in open_ones for part in parts):
            raise _endless(label)
        stack += parts


def _parts(node: yaml.Node, label: str) -> list[yaml.Node]:
    """Return the entries of a node, whose units are looked at."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    for key, value in node.value:
        if getattr(key, "value", None) == "unit" and isinstance(value, yaml.ScalarNode):
            check_unit(str(value.value), label)
    return [part for pair in node.value for part in pair]


def _endless(label: str) -> InputError:
    return InputError(
        f"{label} has a header that repeats itself too often: write it without YAML aliases."
    )
