"""Names and figures that a small model spelt wrong, lost, or took for others: found, and put right."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from itertools import pairwise

from dubsync.text.exonyms import DAYS, MONTHS

ALIKE, SMALL_ALIKE = 60.0, 85.0
"""Per cent of agreement from which an unknown word is taken for a misspelt name, with a capital and without."""

MEN = (
    "Tom", "John", "Bob", "Jim", "Bill", "Mike", "Ken", "Jack", "George", "Fred", "Dan", "Peter", "Paul", "David",
    "James", "Robert", "Michael", "William", "Richard", "Thomas", "Charles", "Daniel", "Matthew", "Anthony", "Mark",
    "Steven", "Andrew", "Kevin", "Brian", "Edward", "Ronald", "Timothy", "Jason", "Jeffrey", "Ryan", "Gary", "Eric",
    "Jonathan", "Stephen", "Larry", "Justin", "Scott", "Frank", "Brandon", "Gregory", "Samuel", "Patrick", "Jerry",
    "Dennis", "Walter", "Douglas", "Henry", "Arthur", "Albert", "Roger", "Harry", "Ralph", "Howard", "Victor", "Oscar",
    "Simon", "Leo", "Max", "Hugo", "Felix", "Adrian", "Omar", "Ivan", "Kurt", "Otto", "Nikolai", "Akira", "Rajesh",
)  # fmt: skip
WOMEN = (
    "Mary", "Jane", "Nancy", "Alice", "Emily", "Ann", "Susan", "Linda", "Kate", "Betty", "Helen", "Sarah", "Karen",
    "Lisa", "Sandra", "Ashley", "Donna", "Carol", "Michelle", "Amanda", "Melissa", "Deborah", "Stephanie", "Rebecca",
    "Laura", "Sharon", "Cynthia", "Kathleen", "Amy", "Angela", "Shirley", "Anna", "Brenda", "Pamela", "Nicole",
    "Samantha", "Katherine", "Christine", "Rachel", "Janet", "Heather", "Diane", "Olivia", "Julie", "Joyce", "Victoria",
    "Kelly", "Lauren", "Martha", "Andrea", "Frances", "Hannah", "Jacqueline", "Gloria", "Sophia", "Elena", "Ingrid",
    "Astrid", "Yuki", "Priya", "Fatima", "Chloe", "Zoe", "Naomi", "Hermione", "Penelope", "Beatrice", "Eleanor",
)  # fmt: skip
FIRST_NAMES = frozenset((*MEN, *WOMEN))

PEOPLE, PLACES = ("Tom", "Mary"), ("Boston", "Paris")
COUNTRIES = ("France", "Brazil", "Spain")
FIGURES = {2: ("20", "30"), 3: ("100", "200"), 4: ("2000", "1990")}
"""By their digits. Names and figures that the models have seen so often that they copy them."""

ADAPTED, FOREIGN = 75.0, 50.0
"""Per cent of agreement from which a word is a name's form in the other language, below which it is another name."""
_NO_NAMES = re.compile(
    r"\b(?:\w+(?:ish|ese|ians?|cans?)|Dutch|French|Greeks?|Swiss|Swedes?|Danes?|Finns?|Turks?|Poles?|Scots?|Arabs?|Thais?"
    r"|Czechs?|Germans?|Jews?|Mrs|Miss|Mister|Sir|Lady|Lord|Doctor|Professor|Mayor|King|Queen|Prince|Princess|President"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?"
    r"|Christmas|Easter|God|Earth|Moon|Bible|Heaven|Hell|Devil|Internet|Mom|Dad|Uncle|Aunt|Street|Museum|River|(?:East|West|North|South)(?:ern)?)\b"
)
"""Words with a capital that are no names, however strange they look in another language."""
_ARTICLE = re.compile(r"^(?:l['’]|(?:le|la|les|el|los|las|o|a|os|as) )", re.IGNORECASE)
_RUN = re.compile(r"\b[A-Z][^\W\d_]{2,}(?: [A-Z][^\W\d_]{2,})+")
_UNIT = re.compile(r"\b[A-Z][^\W\d_]{2,}(?: (?:(?:de|of) )?[A-Z][^\W\d_]{2,})*")
_OPENING = re.compile(r"(?:^|[.?!…:\"'“‘(][\"'”’)]*)\s*$")
_FAR = 3
"""Words between two parts of a name from which they are taken to belong to different things."""
_SMALL, _STEM = 3, 6
"""Letters of small words, and those by which two forms of a word are told for the same."""
_NAME = re.compile(r"\b[A-Z][^\W\d_]{2,}")
_WORD = re.compile(r"\b[^\W\d_]{3,}")
_FIGURE = re.compile(r"\d+(?:[:.,]\d+)*")


def mended(source: str, text: str, is_word: Callable[[str], bool]) -> str:
    """Return the translation with names and figures as they are in the source.

    Only words that the target language does not know (`is_word`) are taken for misspelt names, and others
    only for common first names, which are kept and not translated (Tom stays Tom). A single figure that is not in the
    source stands for a single one that got lost.

    >>> mended("Ask Elena Vasquez in Brazil.", "Pide a Elenna Vaskez en Brasil.", {"Pide", "Brasil"}.__contains__)
    'Pide a Elena Vasquez en Brasil.'
    >>> mended("He wrote 480 novels.", "Escribió 4080 novelas.", str.isalpha)
    'Escribió 480 novelas.'
    """
    for wrong, right in _misspelt(source, text, is_word):
        text = re.sub(rf"\b{re.escape(wrong)}\b", right, text)
    lost, strange = _difference(_FIGURE.findall(source), _FIGURE.findall(text))
    if len(lost) == len(strange) == 1 and len(lost[0]) > 1 and _digits(lost[0]) != _digits(strange[0]):
        text = re.sub(rf"(?<![\d.,:]){re.escape(strange[0])}(?!\d)", lost[0], text)
    return text


def units(source: str) -> tuple[str, ...]:
    """Return the names inside the source, those of several words whole; the word that opens a sentence is none.

    >>> units("The mayor of New York met Tom and Ito Tanaka.")
    ('New York', 'Tom', 'Ito Tanaka')
    """
    found = []
    for run in _UNIT.finditer(source):
        first, *more = run[0].split(" ")
        opens = _OPENING.search(source[: run.start()]) is not None and first not in FIRST_NAMES
        found.append(" ".join(more) if opens else run[0])
    return tuple(dict.fromkeys(unit for unit in found if unit))


def figures(source: str) -> tuple[str, ...]:
    """Return the figures of two digits and more."""
    return tuple(dict.fromkeys(one for one in _FIGURE.findall(source) if len(one) > 1))


def is_kept(unit: str, text: str) -> bool:
    """Tell whether all words of a name, or the digits of a figure, are in the translation."""
    if unit[0].isdigit():
        return _digits(unit) in "".join(re.findall(r"\d", text))
    return all(_stands(word, text) for word in unit.split(" "))


def is_no_name(word: str) -> bool:
    """Tell whether a word with a capital is no name: a day, a people, a rank.

    >>> is_no_name("Friday"), is_no_name("Germans"), is_no_name("Ripley")
    (True, True, False)
    """
    return _NO_NAMES.search(word) is not None


def is_described(name: str, is_common: Callable[[str], bool]) -> bool:
    """Tell whether a name is made of common words, as institutions' are, so that other languages translate it.

    >>> common = {"house", "of", "representatives", "university"}.__contains__
    >>> is_described("House of Representatives", common), is_described("University of Chicago", common)
    (True, True)
    >>> is_described("New York", common), is_described("Tom House", common), is_described("House", common)
    (False, False, False)
    """
    first, *more = name.split(" ")
    head = [first, *more][: more.index("of") + 1] if "of" in more else [first, *more]
    is_long = bool(more) and first not in FIRST_NAMES
    return is_long and all(is_common(word.lower()) for word in head)


def is_said(alone: str, text: str, known: Container[str]) -> bool:
    """Tell whether what a model makes of a name that stands alone is in its translation, in words that are known.

    >>> known = {"câmara", "dos", "representantes"}
    >>> is_said("Câmara dos Representantes.", "A Câmara dos Representantes aprovou.", known)
    True
    >>> is_said("A Sanstes.", "A Sanstes aprovou.", known), is_said("Câmara.", "A sala aprovou.", known)
    (False, False)
    """
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", _ARTICLE.sub("", alone.strip()))]
    there = text.lower()
    return bool(words) and all(
        (word in known or len(word) < _SMALL) and (len(word) <= _SMALL or word[:_STEM] in there) for word in words
    )


def is_garbled(name: str, alone: str, is_word: Callable[[str], bool]) -> bool:
    """Tell whether an engine made nonsense of a name that stood alone, rather than translate or adapt it.

    >>> known = {"Londres", "Les"}.__contains__
    >>> is_garbled("Keats", "Kebre.", known), is_garbled("London", "Londres.", known)
    (True, False)
    >>> is_garbled("Americans", "Les Américains.", known), is_garbled("Swedish", "Suédois.", known)
    (False, False)
    >>> is_garbled("Cambridge", "Londres.", known)
    True
    """
    from rapidfuzz import fuzz

    bare = _ARTICLE.sub("", alone).strip(" .").split(" ")
    here = [word for word in bare if word not in name.split(" ")]
    there = [word for word in name.split(" ") if word not in bare]
    likeness = fuzz.ratio(" ".join(there).lower(), " ".join(here).lower())
    if is_no_name(name) or not here or likeness >= ADAPTED:
        return False
    is_common = any(is_word(word.lower()) for word in here)
    is_another_name = here[0][:1].isupper() and not is_common and likeness < FOREIGN
    return is_another_name or any(not is_word(word) for word in _WORD.findall(" ".join(here)))


def stood_in(
    source: str, lost: Mapping[str, str], abroad: Mapping[str, str], translate: Callable[[str], str]
) -> Iterable[str]:
    """Yield translations made with a name or figure that models know in place of each that got lost.

    `lost`: what must be in the translation, by what is in the source. `abroad`: names of countries and months.

    >>> def small(text): return text.replace("He lives in", "Vive en").replace("France", "Francia")
    >>> next(iter(stood_in("He lives in Melbourne.", {"Melbourne": "Melbourne"}, {}, small)))
    'Vive en Melbourne.'
    >>> abroad = {"France": "Francia", "Ukraine": "Ucrania"}
    >>> next(iter(stood_in("He lives in Ukraine.", {"Ukraine": "Ucrania"}, abroad, small)))
    'Vive en Ucrania.'
    """
    for turn in range(2):
        asked, places = source, dict[str, str]()
        for one, wanted in lost.items():
            kinds = _stand_ins(one, abroad)
            free = [
                name
                for name in (*list(kinds)[turn:], *list(kinds)[:turn])
                if name not in source and kinds[name] not in places
            ]
            if not free:
                break
            places[kinds[free[0]]] = wanted
            asked = _whole(one).sub(free[0], asked)
        made = translate(asked) if len(places) == len(lost) else ""
        if made and all(len(_whole(name).findall(made)) == 1 for name in places):
            yield _replaced(made, places)


def swapped(source: str, text: str, lost: Mapping[str, str], abroad: Mapping[str, str]) -> str:
    """Put a country, month or day in the place of the only other one of its kind that the source does not speak of.

    >>> abroad = {"June": "junio", "October": "octubre", "Chile": "Chile"}
    >>> swapped("Come on June 4.", "Ven el 4 de octubre.", {"June": "junio"}, abroad)
    'Ven el 4 de junio.'
    """
    for one, wanted in lost.items():
        kind = {name: there for name, there in abroad.items() if _known(name) == _known(one)}
        strange = {there for name, there in kind.items() if is_kept(there, text) and name not in source} - {wanted}
        if one in abroad and len(strange) == 1:
            text = _whole(strange.pop()).sub(lambda _, wanted=wanted: wanted, text)  # type: ignore[misc]
    return text


def _replaced(text: str, places: Mapping[str, str]) -> str:
    return re.sub("|".join(_whole(name).pattern for name in places), lambda found: places[found[0]], text)


def _stand_ins(one: str, abroad: Mapping[str, str]) -> dict[str, str]:
    """Return what may stand for a name or figure, and what that is in the translation."""
    found: tuple[str, ...]
    if one[0].isdigit():
        found = FIGURES.get(len(one), ()) if one.isdigit() else ()
    elif one in abroad:
        return {name: abroad[name] for name in _known(one) if name in abroad}
    else:
        found = PEOPLE if one.split(" ")[0] in FIRST_NAMES else (*PLACES, *PEOPLE)
    return {name: name for name in found}


def _known(one: str) -> tuple[str, ...]:
    """Return months, days or countries that models know, whichever a name is one of."""
    return ("October", "December") if one in MONTHS else ("Friday", "Sunday") if one in DAYS else COUNTRIES


def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def torn(source: str, text: str) -> tuple[str, ...]:
    """Return names of several words of which some are in the translation with something else between them.

    >>> torn("He reads the New York Times.", "Lee el New Nueva York.")
    ('New York Times',)
    """
    found = []
    for run in _RUN.findall(source):
        kept = [part for part in run.split(" ") if _stands(part, text)]
        gap = rf"\W+(?:\w+\W+){{1,{_FAR}}}?"
        if any(re.search(rf"\b{one}{gap}{other}\b", text) for one, other in pairwise(kept)):
            found.append(run)
    return tuple(found)


def _stands(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def _misspelt(source: str, text: str, is_word: Callable[[str], bool]) -> Iterable[tuple[str, str]]:
    from rapidfuzz import fuzz

    lost, _ = _difference(_NAME.findall(source), _WORD.findall(text))
    _, strange = _difference(_WORD.findall(source), _WORD.findall(text))
    pairs = [(fuzz.ratio(name.lower(), word.lower()), name, word) for name in lost for word in strange]
    for score, name, word in sorted(pairs, reverse=True):
        is_misspelt = name in FIRST_NAMES or not is_word(word)
        is_alike = score >= (ALIKE if word[0].isupper() else SMALL_ALIKE)
        if is_alike and is_misspelt and name in lost and word in strange:
            lost.remove(name)
            strange.remove(word)
            yield word, name


def _digits(figure: str) -> str:
    """Return a figure without what groups its thousands, which differs between languages."""
    return re.sub(r"\D", "", figure)


def _difference(there: Iterable[str], here: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return what is only there, and what is only here, each once, in order."""
    first, second = list(dict.fromkeys(there)), list(dict.fromkeys(here))
    return [one for one in first if one not in second], [one for one in second if one not in first]
