"""Spanish without voseo: a model taught by people from everywhere says "entrá" here and "pasa" there.

One film speaks one Spanish, and "tú" is understood in all of it. The forms of the commonest verbs are listed, so that
no future ("será"), no noun ("mamá") and no past ("salí") is taken for one.
"""

from __future__ import annotations

import re

_FORMS = """
sos eres, tenés tienes, querés quieres, podés puedes, sabés sabes, hacés haces, decís dices, venís vienes, vivís vives
pensás piensas, creés crees, entendés entiendes, conocés conoces, necesitás necesitas, hablás hablas, trabajás trabajas
llamás llamas, mirás miras, esperás esperas, preferís prefieres, salís sales, volvés vuelves, perdés pierdes
debés debes, ponés pones, traés traes, seguís sigues, sentís sientes, gustás gustas, jugás juegas, comés comes
mirá mira, pará para, esperá espera, escuchá escucha, entrá entra, dejá deja, tomá toma, pasá pasa, llamá llama
cerrá cierra, contá cuenta, pensá piensa, probá prueba, cuidá cuida, hablá habla, comprá compra, cambiá cambia
vení ven, decí di, hacé haz, poné pon, tené ten, corré corre, comé come
andate vete, quedate quédate, sentate siéntate, callate cállate, fijate fíjate, acordate acuérdate, levantate levántate
calmate cálmate, apurate apúrate, olvidate olvídate, imaginate imagínate, tranquilizate tranquilízate, vestite vístete
decime dime, haceme hazme, dejame déjame, mostrame muéstrame, contame cuéntame, ayudame ayúdame
escuchame escúchame, esperame espérame, mirame mírame, llamame llámame, creeme créeme, perdoname perdóname
"""
_TU = dict(pair.split() for row in _FORMS.strip().splitlines() for pair in row.split(", "))
_WORD = re.compile(rf"(?<![\w-])(?:{'|'.join(_TU)})(?![\w-])", re.IGNORECASE)
_VOS = (
    (re.compile(r"\bcon vos\b", re.IGNORECASE), "contigo"),
    (re.compile(r"\b(a|de|para|por|en|sin|hacia|sobre|contra) vos\b", re.IGNORECASE), r"\1 ti"),
    (re.compile(r"\bvos\b"), "tú"),
    (re.compile(r"\bVos\b"), "Tú"),
)


def without_voseo(text: str) -> str:
    """Return Spanish text that says tú where it said vos.

    >>> without_voseo("Vos sabés que tenés razón. ¡Entrá!"), without_voseo("Quedate lejos, no voy con vos.")
    ('Tú sabes que tienes razón. ¡Entra!', 'Quédate lejos, no voy contigo.')
    >>> without_voseo("Salí a las dos. Será mañana, mamá.")
    'Salí a las dos. Será mañana, mamá.'
    """
    text = _WORD.sub(lambda found: _said(found[0]), text)
    for pattern, better in _VOS:
        text = pattern.sub(better, text)
    return text


def _said(word: str) -> str:
    said = _TU[word.lower()]
    return said[0].upper() + said[1:] if word[0].isupper() else said
