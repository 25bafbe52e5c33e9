"""A cheap look at French grammar: subject and verb, two articles in a row, what is cut short, a lost "not".

It is for choosing among ways to say one line: a shorter one that breaks a rule is no gain. It is careful: what it names
is nearly always wrong, and most of what is wrong it does not see. Other languages pass.
"""

from __future__ import annotations

import re

from dubsync.text.language import base

# ruff: noqa: SIM905 - rows of words are easier to read
_BETWEEN = r"(?:(?:ne|me|te|se|le|la|les|lui|leur|nous|vous|y|en) |[nmtsl]['’])*+"
_SUBJECT = re.compile(
    rf"(?<![-\w'’])(?P<who>je |j['’]|tu |ils |elles |il |elle |on ){_BETWEEN}(?P<verb>[^\W\d_]++)(?!['’-])",
    re.IGNORECASE,
)
_ENDINGS = {"je": ("e", "s", "x", "ai"), "tu": ("s", "x"), "ils": ("nt",), "elles": ("nt",)}
_WRONG = {"il": ("s", "x", "ez", "ons"), "elle": ("s", "x", "ez", "ons"), "on": ("s", "x", "ez", "ons")}
_NO_VERBS = frozenset(
    "qui aussi tous toutes deux trois seul seuls seule seules et ou non pas jamais plus mêmes".split()
)
_ARTICLES = "le la les des du cette mon ma mes ta tes sa ses".split()
_TWO = re.compile(
    rf"(?<![-\w'’])(?:(?:un|une) (?!des\b)|(?:{'|'.join(_ARTICLES)}) )(?:{'|'.join(_ARTICLES)})(?![\w-])", re.IGNORECASE
)
_INFINITIVE = re.compile(
    r"\b(?:ai|as|(?<!y )a|avons|avez|ont) (?:(?:pas|bien|déjà|toujours) )?(?!hier|cher|hiver|danger|premier)\w+er\b",
    re.I,
)
_SHORT = re.compile(r"(?<![\w'’])(?:[ldnjm]|qu)['’][bcdfgjklmnpqrstvwxz]\w*", re.IGNORECASE)
_NEGATIVE = re.compile(r"n't\b|\b(?:not|never|no|nobody|nothing|none|neither|nor|without|cannot)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:ne|pas|jamais|rien|personne|aucune?|sans|ni|non|guère|plus|fiche|moque)\b|\bn['’]", re.IGNORECASE
)


def broken(source: str, text: str, language: str) -> bool:
    """Tell whether a translation breaks a rule, or loses the "not" of its English.

    >>> broken("They left.", "Ils est partis.", "fr"), broken("They left.", "Ils sont partis.", "fr")
    (True, False)
    >>> broken("You don't know.", "Tu sais.", "fr"), broken("You know.", "Tu ne le sait pas.", "fr")
    (True, True)
    """
    if base(language) != "fr":
        return False
    is_lost = _NEGATIVE.search(source) is not None and _DENIED.search(text) is None
    return is_lost or bool(misfits(text, language))


def misfits(text: str, language: str) -> tuple[str, ...]:
    """Return the places of a text that break a rule.

    >>> misfits("Ils s'assit et tu le sait.", "fr"), misfits("Il faut que tu t'en ailles, elles aussi.", "fr")
    (("Ils s'assit", 'tu le sait'), ())
    """
    if base(language) != "fr":
        return ()
    subjects = [found[0] for found in _SUBJECT.finditer(text) if _disagrees(found)]
    return (*subjects, *(found[0] for rule in (_TWO, _INFINITIVE, _SHORT) for found in rule.finditer(text)))


def _disagrees(found: re.Match[str]) -> bool:
    who, verb = found["who"].strip(" '’").lower(), found["verb"].lower()
    if verb in _NO_VERBS:
        return False
    who = "je" if who == "j" else who
    return verb.endswith(_WRONG[who]) if who in _WRONG else not verb.endswith(_ENDINGS[who])
