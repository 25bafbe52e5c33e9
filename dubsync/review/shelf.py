"""The titles that lie on the desk, and the names by which pages speak of them: no path leaves this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dubsync import folder
from dubsync.errors import InputError
from dubsync.text.language import normal_tag
from dubsync.title import Title, content_id


@dataclass(frozen=True, slots=True)
class Shelf:
    """Title folders by id; `only`: the one language that was asked for."""

    folders: Mapping[str, Path]
    only: str | None = None

    def title(self, title_id: str) -> Title:
        """Return a title as it is now. Raises InputError."""
        if title_id not in self.folders:
            raise InputError("there is no such title on this desk", hint="go back to the list of titles")
        return folder.known_title(self.folders[title_id])

    def languages(self, title: Title) -> tuple[str, ...]:
        """Return the languages that are shown of a title."""
        return tuple(tag for tag in title.languages if self.only in (None, tag))

    def tag(self, title: Title, language: str) -> str:
        """Return a language that the title has. Raises InputError, UnknownLanguage."""
        tag = normal_tag(language)
        if tag not in self.languages(title):
            known = ", ".join(self.languages(title)) or "no language yet"
            raise InputError(f"{title.name} is not worked on in {tag}", hint=f"it has {known}")
        return tag


def collected(places: Sequence[Path], language: str | None = None) -> Shelf:
    """Return the titles that are named: by film, by title folder, or by a folder that holds some.

    Raises:
        InputError: a place names no title, or no title is worked on in `language`.
        UnknownLanguage: there is no such language.
    """
    tag = normal_tag(language) if language else None
    found = {content_id("title", each): each for place in places for each in _titles(place.absolute())}
    if tag is None:
        return Shelf(found)
    languages = {title_id: folder.known_title(each).languages for title_id, each in found.items()}
    if not any(tag in each for each in languages.values()):
        known = ", ".join(sorted({each for every in languages.values() for each in every})) or "none yet"
        raise InputError(f"nothing here is worked on in {tag}", hint=f"languages there are: {known}")
    return Shelf({title_id: each for title_id, each in found.items() if tag in languages[title_id]}, tag)


def _titles(place: Path) -> Iterable[Path]:
    inside = sorted(each.parent for each in place.glob("*/title.json")) if place.is_dir() else []
    if inside and not (place / "title.json").is_file():
        return [each.resolve() for each in inside]
    if place.is_dir() and place.suffix != folder.SUFFIX and not (place / "title.json").is_file():
        raise InputError(
            f"{place}: holds no title that was begun", hint="run `dubsync localize FILM --lang LANGUAGE` first"
        )
    return [Path(folder.known_title(place).folder)]
