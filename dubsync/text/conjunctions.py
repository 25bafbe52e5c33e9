"""Spanish "y" and "o" before vowels: "padres e hijos", "siete u ocho", and no "e" elsewhere.

The model was begun from a Portuguese one, where "and" is always "e". The rules are those of the Real Academia Española
(Diccionario panhispánico de dudas, "y" and "o"): "e" before the sound i, but not before a diphthong ("nieve y hielo")
nor where it opens a question; "u" before the sound o.
"""

from __future__ import annotations

import re

_BEFORE_I = r"(?:i(?![aeiouáéíóú])|í|hi(?![aeiouáéíóú])|hí|y(?![aeiouáéíóú]))"
_AND = re.compile(rf"(?<=\w)(,? )y (?={_BEFORE_I}\w)")
_E = re.compile(rf"(?<=\w)(,? )e (?!{_BEFORE_I})(?=\w)")
_OR = re.compile(r"(?<=\w)(,? )o (?=h?[oó]\w)")
_U = re.compile(r"(?<=\w)(,? )u (?!h?[oó])(?=\w)")


def conjoined(text: str) -> str:
    """Return the text with the forms of "y" and "o" that the next word asks for.

    >>> conjoined("Mi socio e yo, padre y hijo, nieve e hielo, siete o ocho, uno u dos.")
    'Mi socio y yo, padre e hijo, nieve y hielo, siete u ocho, uno o dos.'
    >>> conjoined("¿Y Inés? Ella, e tú.")
    '¿Y Inés? Ella, y tú.'
    """
    text = _E.sub(r"\1y ", _AND.sub(r"\1e ", text))
    return _U.sub(r"\1o ", _OR.sub(r"\1u ", text))
