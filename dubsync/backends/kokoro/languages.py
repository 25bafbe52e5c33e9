"""The languages Kokoro speaks: espeak-ng's voice, the model's own voices, and how signs are read aloud."""

from __future__ import annotations

from dataclasses import dataclass

from dubsync.errors import UnknownLanguage


@dataclass(frozen=True, slots=True)
class Speech:
    """How one language is spoken. `female`, `male`: its default voices. `signs`: sign to spoken word."""

    tag: str
    espeak: str
    female: str
    male: str
    signs: tuple[tuple[str, str], ...]

    @property
    def is_english(self) -> bool:
        return self.tag.startswith("en")


_NAMES = ("%", "€", "$", "£", "°c", "°", "km/h", "km", "cm", "mm", "kg", "@", ".", "/", "&", "+", "=")


def _signs(words: str) -> tuple[tuple[str, str], ...]:
    """Pair the signs with their words, one word (underscores for spaces) each, in the order of `_NAMES`."""
    return tuple(zip(_NAMES, (word.replace("_", " ") for word in words.split()), strict=True))


_SPANISH = _signs(
    "por_ciento euros dólares libras grados grados kilómetros_por_hora kilómetros centímetros milímetros kilos"
    " arroba punto barra y más igual_a"
)
_FRENCH = _signs(
    "pour_cent euros dollars livres degrés degrés kilomètres_heure kilomètres centimètres millimètres kilos"
    " arobase point barre et plus égale"
)
_ITALIAN = _signs(
    "per_cento euro dollari sterline gradi gradi chilometri_orari chilometri centimetri millimetri chili"
    " chiocciola punto barra e più uguale"
)
_PORTUGUESE = _signs(
    "por_cento euros dólares libras graus graus quilômetros_por_hora quilômetros centímetros milímetros quilos"
    " arroba ponto barra e mais igual_a"
)
_ENGLISH = _signs(
    "percent euros dollars pounds degrees degrees kilometers_per_hour kilometers centimeters millimeters kilos"
    " at dot slash and plus equals"
)
_HINDI = _signs(
    "प्रतिशत यूरो डॉलर पाउंड डिग्री डिग्री किलोमीटर_प्रति_घंटा किलोमीटर सेंटीमीटर मिलीमीटर किलो ऐट डॉट स्लैश और प्लस बराबर"
)

LANGUAGES = (
    Speech("es-419", "es-419", "ef_dora", "em_alex", _SPANISH),
    Speech("es-ES", "es", "ef_dora", "em_alex", _SPANISH),
    Speech("fr", "fr", "ff_siwis", "ff_siwis", _FRENCH),
    Speech("it", "it", "if_sara", "im_nicola", _ITALIAN),
    Speech("pt-BR", "pt-br", "pf_dora", "pm_alex", _PORTUGUESE),
    Speech("en", "en-us", "af_heart", "am_michael", _ENGLISH),
    Speech("en-GB", "en", "bf_emma", "bm_george", _ENGLISH),
    Speech("hi", "hi", "hf_alpha", "hm_omega", _HINDI),
)
_DEFAULTS = {"es": "es-419", "pt": "pt-BR"}


def speech_of(language: str) -> Speech:
    """Return how a language tag is spoken: `es` and `es-MX` as es-419, `es-ES` Castilian, `fr-CA` as fr."""
    wanted = language.replace("_", "-").lower()
    base = wanted.split("-")[0]
    by_tag = {speech.tag.lower(): speech for speech in LANGUAGES}
    found = by_tag.get(wanted) or by_tag.get(_DEFAULTS.get(base, base).lower())
    if found is None:
        raise UnknownLanguage(
            f"voice.kokoro does not speak {language!r}",
            hint="it speaks " + ", ".join(speech.tag for speech in LANGUAGES) + "; choose another voice backend",
        )
    return found
