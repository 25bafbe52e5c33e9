"""From clean text to Kokoro's tokens, knowing which token belongs to which word.

The model's alphabet is that of misaki's espeak output: IPA with single letters for affricates and, in English, for
diphthongs. espeak-ng drops punctuation, so a text is cut at its marks and the marks are put back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from dubsync.backends.kokoro.espeak import Espeak
from dubsync.backends.kokoro.languages import Speech
from dubsync.backends.kokoro.text import MARKS
from dubsync.errors import PermanentError

LIMIT = 508
"""Tokens the model takes, less the two that frame them."""

_SYMBOLS = (
    '1;:,.!? 9—…"()“” 17̃ʣʥʦʨᵝꭧAI 31O 33Q 35ST 39W 41Yᵊabcdef 50hijklmnopqrstuvwxyzɑɐɒæ 75βɔɕç 80ɖðʤə 85ɚɛɜ'
    " 90ɟ 92ɡ 99ɥ 101ɨɪʝ 110ɯɰŋɳɲɴø 118ɸθœ 123ɹ 125ɾɻ 128ʁɽʂʃʈʧ 135ʊʋ 138ʌɣɤ 142χʎ 147ʒʔ 156ˈˌː 162ʰ 164ʲ"
    " 169↓ 171→↗↘ 177ᵻ"
)


def _vocabulary() -> dict[str, int]:
    """Read the table above: a number starts a run of symbols with consecutive token numbers; 16 is the space."""
    table = {" ": 16}
    for run in re.finditer(r"(\d+)([^\d ]+)", _SYMBOLS):
        table |= {symbol: int(run.group(1)) + offset for offset, symbol in enumerate(run.group(2))}
    return table


VOCABULARY = _vocabulary()

_AFFRICATES = (
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^z", "ʣ"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("o^ʊ", "O"), ("ə^ʊ", "Q"), ("s^s", "S"),
    ("t^s", "ʦ"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"),
)  # fmt: skip
_ENGLISH = (
    ("ʔˌn\u0329", "ʔn"), ("ʔn\u0329", "ʔn"), ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"), ("ə^l", "ᵊl"), ("e", "A"), ("ʲo", "jo"), ("ʲə", "jə"), ("ʲ", ""), ("ɚ", "əɹ"), ("r", "ɹ"), ("x", "k"),
    ("ç", "k"), ("ɐ", "ə"), ("ɬ", "l"), ("\u0303", ""),
)  # fmt: skip
_BRITISH = (("e^ə", "ɛː"), ("iə", "ɪə"), ("ə^ʊ", "Q"))
_AMERICAN = (("o^ʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""))
_ENGLISH_LAST = (("ɹɹ", "ɹ"), ("o", "ɔ"), ("ɾ", "T"), ("ʔ", "t"), ("^", ""))
_PART = re.compile(rf"([{re.escape(MARKS)}]+(?!\d)|(?<!\d)[{re.escape(MARKS)}]+)")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A piece of speech. `ids`: without the framing zeros. `words`: (text, first token, token after the last)."""

    ids: tuple[int, ...]
    words: tuple[tuple[str, int, int], ...]


def tokens_of(text: str, speech: Speech, espeak: Espeak) -> Tokens:
    """Return the tokens of a clean text, whatever its length."""
    parts = [part for part in _PART.split(text) if part]
    spoken = [part for part in parts if any(letter.isalnum() for letter in part)]
    ipa = iter(_ipa(spoken, speech, espeak))
    ids: list[int] = []
    words: list[tuple[str, int, int]] = []
    for part in parts:
        if any(letter.isalnum() for letter in part):
            _add_words(part, next(ipa), speech, espeak, ids, words)
        else:
            _add_marks(part, ids)
    if not words:
        raise PermanentError(f"nothing in {text!r} can be spoken in {speech.tag}")
    return Tokens(tuple(ids), tuple(words))


def _ipa(texts: list[str], speech: Speech, espeak: Espeak) -> list[str]:
    """Return each text in the model's alphabet."""
    return [_to_model(ipa, speech) for ipa in espeak.phonemes(texts, speech.espeak)]


def _to_model(ipa: str, speech: Speech) -> str:
    ipa = re.sub(r"\([^()]*\)", "", ipa)  # espeak marks a switch of language: (en)wˈiːk(fr)
    if speech.is_english:
        for old, new in (*_ENGLISH, *(_BRITISH if speech.tag == "en-GB" else _AMERICAN), *_ENGLISH_LAST):
            ipa = ipa.replace(old, new)
        ipa = re.sub(r"(\S)\u0329", r"ᵊ\1", ipa)
    else:
        for old, new in _AFFRICATES:
            ipa = ipa.replace(old, new)
        ipa = ipa.replace("^", "").replace("-", "")
    return " ".join("".join(symbol for symbol in ipa if symbol in VOCABULARY).split())


def _add_words(
    part: str, ipa: str, speech: Speech, espeak: Espeak, ids: list[int], words: list[tuple[str, int, int]]
) -> None:
    if ids and part[0].isspace() and ids[-1] != VOCABULARY[" "]:
        ids.append(VOCABULARY[" "])
    start = len(ids)
    ids.extend(VOCABULARY[symbol] for symbol in ipa)
    written = [word for word in part.split() if any(letter.isalnum() for letter in word)]
    for word, (first, last) in zip(written, _boundaries(written, ipa, speech, espeak), strict=True):
        words.append((word, start + first, start + last))
    if part[-1].isspace():
        ids.append(VOCABULARY[" "])


def _add_marks(part: str, ids: list[int]) -> None:
    for mark in part:
        if mark in VOCABULARY and not (mark == " " and ids and ids[-1] == VOCABULARY[" "]):
            ids.append(VOCABULARY[mark])


def _boundaries(written: list[str], ipa: str, speech: Speech, espeak: Espeak) -> list[tuple[int, int]]:
    """Return where each written word lies in the IPA; espeak joins some words ("of the"), so those are looked for."""
    groups = [(found.start(), found.end()) for found in re.finditer(r"\S+", ipa)]
    if len(groups) == len(written):
        return groups
    alone = _ipa(written, speech, espeak)
    joined, edges = "", [0]
    for word in alone:
        joined += word.replace(" ", "")
        edges.append(len(joined))
    at = _mapping(joined, ipa)
    return [_tight(ipa, at[first], at[last]) for first, last in pairwise(edges)]


def _tight(ipa: str, first: int, last: int) -> tuple[int, int]:
    """Return the stretch without the spaces around it."""
    inside = ipa[first:last]
    return first + len(inside) - len(inside.lstrip()), max(first, last - len(inside) + len(inside.rstrip()))


def _mapping(source: str, target: str) -> list[int]:
    """Return for each position in `source` (and its end) the matching position in `target`, never falling."""
    at = [0] * (len(source) + 1)
    for block in SequenceMatcher(None, source, target, autojunk=False).get_matching_blocks():
        for offset in range(block.size + 1):
            at[min(block.a + offset, len(source))] = block.b + offset
    for index in range(1, len(at)):
        at[index] = max(at[index], at[index - 1])
    at[-1] = len(target)
    return at
