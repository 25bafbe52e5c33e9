"""espeak-ng as a process of its own: reads texts aloud and says when it begins each word.

espeak-ng is GPL-3, so it is never loaded into the process of dubsync; this file is run as a script and imports
nothing of dubsync. In: [{"voice": "es", "text": "..."}]. Out: for each {"rate": 22050, "pcm": base64 of 16 bits,
"words": [[first character, its sample], ...]}.
"""

from __future__ import annotations

import base64
import ctypes
import json
import sys
from typing import Any

import espeakng_loader

_SYNCHRONOUS, _NO_EXIT, _UTF8, _WORD = 2, 0x8000, 1, 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def main() -> None:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _NO_EXIT)
    if rate <= 0:
        raise SystemExit("espeak-ng cannot read its data")
    answers = [{"rate": rate, **_read(library, one["voice"], one["text"])} for one in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


def _read(library: ctypes.CDLL, voice: str, text: str) -> dict[str, Any]:
    sound = bytearray()
    words: list[tuple[int, int]] = []

    def take(samples: Any, count: int, events: Any) -> int:
        if samples and count:
            sound.extend(ctypes.string_at(samples, 2 * count))
        at = 0
        while events[at].type:
            if events[at].type == _WORD:
                words.append((events[at].text_position - 1, events[at].sample))
            at += 1
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise SystemExit(f"espeak-ng has no voice {voice!r}")
    written = text.encode()
    library.espeak_Synth(written, len(written) + 1, 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return {"pcm": base64.b64encode(bytes(sound)).decode(), "words": words}


if __name__ == "__main__":
    main()
