"""Language tags (BCP 47): what a person types becomes a normal tag, or a clear error with the nearest name.

A tag that is valid is not yet a tag that an engine speaks; backends say that in their capabilities.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from dubsync.errors import UnknownLanguage

_COMMON = (
    *("af", "ar", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fil"),
    *("fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "jv", "ka", "kk", "km", "kn", "ko"),
    *("lo", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl", "nn", "pa", "pl", "pt", "ro", "ru"),
    *("si", "sk", "sl", "so", "sq", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "yo", "zh", "zu"),
)
"""What a misspelt name is compared with; any registered language is accepted."""


def normal_tag(text: str) -> str:
    """Return the normal tag of a tag or a name in English or in the language itself.

    >>> normal_tag("es_mx"), normal_tag("spa"), normal_tag("Spanish"), normal_tag("français")
    ('es-MX', 'es', 'es', 'fr')

    Raises:
        UnknownLanguage: it is neither; the hint holds the nearest name.
    """
    import langcodes

    wanted = text.strip().replace("_", "-")
    try:
        if wanted and langcodes.tag_is_valid(wanted):
            return str(langcodes.standardize_tag(wanted))
    except ValueError:
        pass
    named = _names().get(wanted.casefold())
    if named is None:
        raise UnknownLanguage(f"unknown language {text!r}", hint=_suggestion(wanted))
    return named


def name(tag: str) -> str:
    """Return the language's English name.

    >>> name("es-419")
    'Spanish (Latin America)'
    """
    import langcodes

    return str(langcodes.Language.get(tag).display_name())


def base(tag: str) -> str:
    """Return the language without region or script: "es" of "es-419"."""
    return tag.partition("-")[0].lower()


def is_same(one: str, other: str) -> bool:
    """Tell whether both are the same language, whatever the region."""
    return base(one) == base(other)


def is_right_to_left(tag: str) -> bool:
    """Tell whether the language is written from right to left."""
    import langcodes

    script = langcodes.Language.get(tag).maximize().script
    return script in {"Adlm", "Arab", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"}


def best_match(wanted: str, spoken: Iterable[str]) -> str | None:
    """Return which of the tags that an engine speaks serves `wanted`: itself, else its base, else a relative by region.

    >>> best_match("es-MX", ["fr", "es", "es-419"]), best_match("pt", ["pt-BR"]), best_match("de", ["fr"])
    ('es', 'pt-BR', None)
    """
    tags = list(spoken)
    same = [tag for tag in tags if is_same(tag, wanted)]
    return next((tag for tag in (wanted, base(wanted)) if tag in tags), same[0] if same else None)


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    import langcodes

    found: dict[str, str] = {}
    for tag in _COMMON:
        language = langcodes.Language.get(tag)
        found.setdefault(language.autonym().casefold(), tag)
        found[language.display_name().casefold()] = tag
    return found


def _suggestion(wanted: str) -> str:
    from rapidfuzz import process

    choices = {**_names(), **{tag: tag for tag in _COMMON}}
    nearest = process.extractOne(wanted.casefold(), list(choices), score_cutoff=60)
    if nearest is None:
        return "give a tag such as es, pt-BR or fr"
    tag = choices[nearest[0]]
    return f"did you mean {tag} ({name(tag)})?"
