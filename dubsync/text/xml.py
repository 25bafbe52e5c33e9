"""XML from strangers: parsed with the standard library, but without document types, so that no entity can expand.

TTML, XLIFF and TMX files come from outside; a document type is never needed in them and is how XML bombs are made.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.parsers import expat

from dubsync.errors import InputError

Element = ElementTree.Element
DEEPEST = 64
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(text: str, name: str) -> Element:
    """Return the root element.

    Raises:
        InputError: it is not XML, nests absurdly deep, or declares a document type or entities.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise InputError(f"{name}: elements nest more than {DEEPEST} deep")
        builder.start(_clark(tag), {_clark(key): value for key, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_clark(tag))

    def refuse(*_: object) -> None:
        raise InputError(f"{name}: declares a document type, which is refused", hint="remove its DOCTYPE")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise InputError(f"{name}: is not well-formed XML: {error}") from error
    return builder.close()


def local(element: Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute by its local name, whatever the namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


def legal(text: str) -> str:
    """Leave out the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def _clark(name: str) -> str:
    return "{" + name if "}" in name else name
