"""What countries, continents, months and days are called in another language, by their English names.

Countries come from the CLDR, through langcodes; months, days and what is no country of its own are listed here. The
days have no Portuguese: Mozilla's model keeps them, and "na segunda" and "segunda-feira" are one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import ascii_uppercase

from dubsync.text.language import base

_TABLE = """
January    enero        janvier          janeiro
February   febrero      février          fevereiro
March      marzo        mars             março
April      abril        avril            abril
May        mayo         mai              maio
June       junio        juin             junho
July       julio        juillet          julho
August     agosto       août             agosto
September  septiembre   septembre        setembro
October    octubre      octobre          outubro
November   noviembre    novembre         novembro
December   diciembre    décembre         dezembro
America    América      Amérique         América
Britain    Gran Bretaña  Grande-Bretagne  Grã-Bretanha
England    Inglaterra   Angleterre       Inglaterra
Holland    Holanda      Hollande         Holanda
Scotland   Escocia      Écosse           Escócia
Wales      Gales        Pays de Galles   País de Gales
"""
_DAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COLUMNS = ("es", "fr", "pt")
_ROWS = [re.split(r"\s{2,}", row) for row in _TABLE.strip().splitlines()]
MONTHS = tuple(row[0] for row in _ROWS[:12])
_LEFT_OUT = frozenset({"Chad", "Georgia", "Jordan", "Netherlands"})
"""Countries that are called like people, whose names stay, and one that goes by two names."""
_CONTINENTS = ("150", "002", "142")


@lru_cache(maxsize=8)
def exonyms(target: str) -> dict[str, str]:
    """Return the names in a language by the English ones.

    >>> exonyms("fr")["Ukraine"], exonyms("es")["Germany"], exonyms("pt")["March"], exonyms("fr")["Tuesday"]
    ('Ukraine', 'Alemania', 'março', 'mardi')
    """
    import langcodes

    tag = base(target)
    codes = [*(f"{one}{two}" for one in ascii_uppercase for two in ascii_uppercase), *_CONTINENTS]
    known = [langcodes.Language.make(territory=code) for code in codes]
    named = {str(each.territory_name("en")): each for each in known}
    countries = {
        english: str(each.territory_name(tag))
        for english, each in named.items()
        if len(english) > 2 and english not in _LEFT_OUT
    }
    ours = {row[0]: row[1 + _COLUMNS.index(tag)] for row in _ROWS} if tag in _COLUMNS else {}
    days = dict(zip(DAYS, _DAYS[tag], strict=True)) if tag in _DAYS else {}
    return countries | ours | days
