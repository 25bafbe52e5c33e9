"""English as people write it down from speech, in the words that small translation models know.

They learn from tidy sentences: of "I dunno" or "Who the hell are you?" they make nonsense, of "I don't know" and "Who
are you?" they do not, and idioms they take by the word. Only what an engine is asked changes, never the line that
people see.
"""

from __future__ import annotations

import re

_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth", "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth",
    "twenty-seventh", "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
)  # fmt: skip
_DAYS = {word: day for day, word in enumerate(_ORDINALS, 1)}
_DAY = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_WHOSE = "(?:my|your|his|her|our|their)"
_SPOKEN = (
    (r"\b(he|she|it)(?:'s)? gotta\b", r"\1 has to"),
    (r"(?:'ve)? gotta\b", " have to"),
    (r"\bgonna\b", "going to"),
    (r"\bwanna\b", "want to"),
    (r"\bgimme\b", "give me"),
    (r"\blemme\b", "let me"),
    (r"\bdunno\b", "don't know"),
    (r"\bc'mon\b", "come on"),
    (r"\boutta\b", "out of"),
    (r"\bkinda\b", "kind of"),
    (r"\bwhatcha\b", "what are you"),
    (r"(?<!\w)'em\b", "them"),
    (r"(?<!\w)'cause\b", "because"),
    (r"\by'all\b", "you all"),
    (r"\b(who|what|where|when|why|how) (?:(?:the (?:hell|heck|devil|fuck))|on earth|in the world)\b", r"\1"),
    (r"\bthe (?:hell|fuck) out of\b", "out of"),
    (rf"\bout of {_WHOSE} minds?\b", "crazy"),
    (rf"\bmake up {_WHOSE} minds?\b", "decide"),
    (
        r"\b(can't|cannot|couldn't) take (it|this|that|him|her|them) (?:anymore|any more|any longer)\b",
        r"\1 stand \2 anymore",
    ),
    (r"\bget (?:it|this|that) over with\b", "finish this"),
    (r"\bkidding me\b", "kidding"),
    (r"\b(don't|doesn't|didn't) give a (?:damn|shit|fuck)\b", r"\1 care"),
    (r"\b(?:screwed|messed|fucked) up(?=\s*[.!?,]|$)", "made a mistake"),
    (r"\ba piece of cake\b", "very easy"),
    (r"\bfull of (?:shit|crap)\b", "lying"),
    (r"\blook(s?) like (?:hell|shit)\b", r"look\1 terrible"),
    (r"\bI(?:'m| am) broke\b", "I have no money"),
)
_RULES = tuple((re.compile(pattern, re.IGNORECASE), better) for pattern, better in _SPOKEN)
_DROPPED_G = re.compile(r"(?<=\w{2}in)'(?!\w)")
_QUOTE = re.compile(r"(?<!\w)'(?!(?:em|cause)\b)", re.IGNORECASE)
_DATES = (
    re.compile(rf"\b(?:the )?(?P<day>{_DAY}) of (?P<month>{_MONTH})\b"),
    re.compile(rf"\b(?P<month>{_MONTH}) (?:the )?(?P<day>{_DAY})\b"),
)


def plain(text: str) -> str:
    """Return the same said in tidy words, with the days of dates in figures.

    >>> plain("Who the hell are you? I dunno, I've gotta go."), plain("What are you talkin' about?")
    ("Who are you? I don't know, I have to go.", 'What are you talking about?')
    >>> plain("Are you out of your mind? I don't give a damn about it.")
    "Are you crazy? I don't care about it."
    >>> plain("On the eleventh of October."), plain("Gimme that!"), plain("The first of us.")
    ('On October 11.', 'Give me that!', 'The first of us.')
    """
    text = text.replace("\u2019", "'")
    for pattern, better in _RULES:
        text = pattern.sub(lambda found, better=better: _cased(found, better), text)  # type: ignore[misc]
    text = text if _QUOTE.search(text) else _DROPPED_G.sub("g", text)
    for pattern in _DATES:
        text = pattern.sub(lambda found: f"{found['month']} {_DAYS[found['day']]}", text)
    return text


def _cased(found: re.Match[str], better: str) -> str:
    said = found.expand(better)
    return said[0].upper() + said[1:] if found[0][0].isupper() else said
