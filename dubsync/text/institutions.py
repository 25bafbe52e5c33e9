"""Institutions ("the Supreme Court"), which small models garble or leave in English.

A common noun of the same gender, which they know well, stands for the name while they translate: "a judge of the city"
becomes "juez de la ciudad" and then "juez de la Corte Suprema". So articles and contractions come out right. The table
is ours; Portuguese has no column, since Mozilla's own model knows these names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dubsync.text.language import base
from dubsync.text.names import is_no_name

_TABLE = """
Senate                     m Senado                       m Sénat
Congress                   m Congreso                     m Congrès
Parliament                 m Parlamento                   m Parlement
House of Representatives   f Cámara de Representantes     f Chambre des représentants
House of Commons           f Cámara de los Comunes        f Chambre des communes
House of Lords             f Cámara de los Lores          f Chambre des lords
Supreme Court              f Corte Suprema                f Cour suprême
High Court                 m Tribunal Superior            f Haute Cour
Court of Appeals           m Tribunal de Apelaciones      f cour d'appel
White House                f Casa Blanca                  f Maison-Blanche
Pentagon                   m Pentágono                    m Pentagone
Vice President             m vicepresidente               m vice-président
Attorney General           m fiscal general               m procureur général
State Department           m Departamento de Estado       m département d'État
Department of State        m Departamento de Estado       m département d'État
Justice Department         m Departamento de Justicia     m département de la Justice
Department of Justice      m Departamento de Justicia     m département de la Justice
Department of Defense      m Departamento de Defensa      m département de la Défense
Treasury Department        m Departamento del Tesoro      m département du Trésor
Treasury                   m Tesoro                       m Trésor
Federal Reserve            f Reserva Federal              f Réserve fédérale
Central Bank               m Banco Central                f Banque centrale
World Bank                 m Banco Mundial                f Banque mondiale
International Monetary Fund  m Fondo Monetario Internacional  m Fonds monétaire international
World Health Organization  f Organización Mundial de la Salud  f Organisation mondiale de la santé
European Union             f Unión Europea                f Union européenne
European Commission        f Comisión Europea             f Commission européenne
European Parliament        m Parlamento Europeo           m Parlement européen
Security Council           m Consejo de Seguridad         m Conseil de sécurité
General Assembly           f Asamblea General             f Assemblée générale
Soviet Union               f Unión Soviética              f Union soviétique
Federal Bureau of Investigation  m FBI                    m FBI
Central Intelligence Agency  f CIA                        f CIA
Secret Service             m Servicio Secreto             m service secret
National Guard             f Guardia Nacional             f Garde nationale
Coast Guard                f Guardia Costera              f Garde côtière
Air Force                  f Fuerza Aérea                 f force aérienne
Marine Corps               m Cuerpo de Marines            m corps des Marines
Red Cross                  f Cruz Roja                    f Croix-Rouge
Salvation Army             m Ejército de Salvación        f Armée du salut
Catholic Church            f Iglesia católica             f Église catholique
Republican Party           m Partido Republicano          m Parti républicain
Democratic Party           m Partido Demócrata            m Parti démocrate
Labour Party               m Partido Laborista            m Parti travailliste
Conservative Party         m Partido Conservador          m Parti conservateur
Communist Party            m Partido Comunista            m Parti communiste
Constitution               f Constitución                 f Constitution
Bill of Rights             f Carta de Derechos            f Déclaration des droits
Declaration of Independence  f Declaración de Independencia  f Déclaration d'indépendance
First World War            f Primera Guerra Mundial       f Première Guerre mondiale
World War I                f Primera Guerra Mundial       f Première Guerre mondiale
Second World War           f Segunda Guerra Mundial       f Seconde Guerre mondiale
World War II               f Segunda Guerra Mundial       f Seconde Guerre mondiale
Cold War                   f Guerra Fría                  f guerre froide
Civil War                  f Guerra Civil                 f guerre civile
Middle East                m Medio Oriente                m Moyen-Orient
Nobel Prize                m Premio Nobel                 m prix Nobel
Stock Exchange             f Bolsa                        f Bourse
"""
_COLUMNS = ("es", "fr")
_ROWS = [re.split(r"\s{2,}", row) for row in _TABLE.strip().splitlines()]
_SAID = {name: dict(zip(_COLUMNS, (cell.split(" ", 1) for cell in cells), strict=True)) for name, *cells in _ROWS}
_STAND_INS = {"m": ("museum", "king"), "f": ("city", "family")}
_THERE = {
    "es": {"museum": "museo", "king": "rey", "city": "ciudad", "family": "familia"},
    "fr": {"museum": "musée", "king": "roi", "city": "ville", "family": "famille"},
}
_OWNERS = {"United States": "the United States", "US": "the United States", "U.S.": "the United States"}
_LONGEST_FIRST = "|".join(sorted(map(re.escape, _SAID), key=len, reverse=True))
_OWNER = "|".join(map(re.escape, _OWNERS))
_NAMED = re.compile(rf"(?<![\w-])(?:(?P<owner>{_OWNER}) )?(?P<name>{_LONGEST_FIRST})(?![\w-])(?! [A-Z])")
_BEFORE = re.compile(r"(?:(\S+) )?(\S+) $")
_DETERMINERS = frozenset(
    ["the", "a", "an", "this", "that", "our", "your", "their", "his", "her", "its", "my", "every", "each", "no", "any"]
)


def stood_in(source: str, language: str) -> tuple[str, dict[str, str]]:
    """Return the English sentence with a common noun for each institution, and what its translation stands for.

    >>> stood_in("The United States Senate voted.", "es")
    ('The museum of the United States voted.', {'museo': 'Senado'})
    >>> stood_in("Congress has not asked the Supreme Court.", "fr")
    ('The museum has not asked the city.', {'musée': 'Congrès', 'ville': 'Cour suprême'})
    >>> stood_in("We met Supreme Court Justice Hale in Boston.", "es")
    ('We met Supreme Court Justice Hale in Boston.', {})
    """
    there, places, asked, at = _THERE.get(base(language), {}), dict[str, str](), "", 0
    for found in _found(source) if there else ():
        gender, wanted = _SAID[found["name"]][base(language)]
        free = [one for one in _STAND_INS[gender] if one not in source.lower() and there[one] not in places]
        if not free:
            return source, {}
        places[there[free[0]]] = wanted
        asked += source[at : found.start()] + _with_article(free[0], source[: found.start()])
        asked += f" of {_OWNERS[found['owner']]}" if found["owner"] else ""
        at = found.end()
    return asked + source[at:], places


def _found(source: str) -> Iterator[re.Match[str]]:
    """Yield the names that are no part of a longer one ("the Georgia Senate")."""
    for found in _NAMED.finditer(source):
        before = _BEFORE.search(source[: found.start()])
        if before is None or not _is_name(before[1] or ".", before[2]):
            yield found


def _is_name(earlier: str, word: str) -> bool:
    """Tell whether the word before an institution is a name: its capital is not that of a sentence."""
    is_free = earlier[-1] in ".?!…" or word[-1] in ",.;:!?\"'”’"
    return word[0].isupper() and not is_free and not is_no_name(word)


def _with_article(noun: str, before: str) -> str:
    """Put an article before a noun that has none: "Congress voted" needs one in other languages."""
    words = _BEFORE.search(before)
    near = {word.lower().strip("\"'“‘(") for word in words.groups() if word} if words else set()
    if near & _DETERMINERS or any(word.endswith(("'s", "’s")) for word in near):
        return noun
    return f"{'the' if words else 'The'} {noun}"
