"""espeak-ng as a process of its own: reads requests as JSON lines, answers with IPA.

espeak-ng is GPL-3, so it is never loaded into the process of dubsync; this file is run as a script and imports
nothing of dubsync. In: {"voice": "es-419", "text": ["hola", "mundo"]}.
Out: {"ipa": ["ˈola", "mˈundo"]} or {"error": "..."}.
"""

from __future__ import annotations

import ctypes
import json
import sys

import espeakng_loader

_SYNCHRONOUS, _NO_EXIT, _UTF8 = 2, 0x8000, 1
_IPA, _TIE = 0x02, 0x80 | ord("^") << 8


def main() -> None:
    library = _load()
    for line in sys.stdin:
        request = json.loads(line)
        if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
            answer: dict[str, object] = {"error": f"espeak-ng has no voice {request['voice']!r}"}
        else:
            answer = {"ipa": [_phonemes(library, text) for text in request["text"]]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    if library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _NO_EXIT) <= 0:
        raise SystemExit("espeak-ng cannot read its data")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    return library


def _phonemes(library: ctypes.CDLL, text: str) -> str:
    """Return the IPA of a text; the library takes one clause at a time and moves the pointer on."""
    rest = ctypes.pointer(ctypes.c_char_p(text.encode()))
    clauses = []
    while rest.contents.value is not None:
        clauses.append((library.espeak_TextToPhonemes(rest, _UTF8, _IPA | _TIE) or b"").decode())
    return " ".join(clauses)


if __name__ == "__main__":
    main()
