"""The words of the watermark: a payload as the signs that are hidden in sound, and back from uncertain signs.

48 bits (four of version, 32 of the dub's identity, twelve of check sum) go through a convolutional code of rate 1/2 and
constraint length 7 (generators 133 and 171 octal, J. P. Odenwalder, 1970) that is brought to rest by six zeros: 108
signs. Viterbi's algorithm finds the bits that fit uncertain signs best.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bits = NDArray[np.int8]

VERSION = 1
SIGNS = 108
_VERSION_BITS, _ID_BITS, _CHECK_BITS, _TAIL = 4, 32, 12, 6
_CHECK_POLYNOMIAL = 0x80F
_GENERATORS = (0o133, 0o171)
_STATES = 64


@dataclass(frozen=True, slots=True)
class Payload:
    """What a mark says. `identity`: 32 bits that name the dub."""

    identity: int
    version: int = VERSION

    def __str__(self) -> str:
        return f"{self.identity:08x}"


def signs(payload: Payload) -> Floats:
    """Return the payload as `SIGNS` signs, -1 or 1."""
    head = _bits(payload.version, _VERSION_BITS) + _bits(payload.identity, _ID_BITS)
    message = [*head, *_bits(_check(head), _CHECK_BITS), *[0] * _TAIL]
    state, out = 0, []
    for bit in message:
        register = bit << 6 | state
        out += [(register & generator).bit_count() & 1 for generator in _GENERATORS]
        state = register >> 1
    return 1.0 - 2.0 * np.array(out)


def read(heard: Floats) -> Payload | None:
    """Return the payload that fits uncertain signs best; None where its check sum or version is not right."""
    bits = _likeliest(heard)
    head, check = bits[: _VERSION_BITS + _ID_BITS], bits[_VERSION_BITS + _ID_BITS :]
    version, identity = _number(head[:_VERSION_BITS]), _number(head[_VERSION_BITS:])
    is_right = _number(check) == _check(head) and version == VERSION
    return Payload(identity, version) if is_right else None


def _likeliest(heard: Floats) -> list[int]:
    """Viterbi: return the 48 bits whose signs correlate best with what was heard."""
    before, sent = _trellis()
    score = np.full(_STATES, -np.inf)
    score[0] = 0.0
    choices = []
    for pair in heard.reshape(-1, 2):
        reached = score[before] + sent @ pair
        choices.append(reached.argmax(axis=1))
        score = reached.max(axis=1)
    state, bits = 0, []
    for choice in reversed(choices):
        bits.append(state >> 5)
        state = int(before[state, choice[state]])
    return bits[::-1][:-_TAIL]


@lru_cache(maxsize=1)
def _trellis() -> tuple[NDArray[np.intp], Floats]:
    """Return for each state the two before it, (64, 2), and the signs that are sent on the way, (64, 2, 2)."""
    before, sent = np.zeros((_STATES, 2), np.intp), np.zeros((_STATES, 2, 2))
    for state in range(_STATES):
        for way in (0, 1):
            register = state << 1 | way
            before[state, way] = register & (_STATES - 1)
            sent[state, way] = [1 - 2 * ((register & each).bit_count() & 1) for each in _GENERATORS]
    return before, sent


def _bits(number: int, count: int) -> list[int]:
    return [number >> place & 1 for place in reversed(range(count))]


def _number(bits: list[int]) -> int:
    return int("".join(map(str, bits)), 2)


def _check(bits: list[int]) -> int:
    """Return the CRC-12 of bits; it begins with ones, so that nothing but zeros is no right word."""
    register = (1 << _CHECK_BITS) - 1
    for bit in bits:
        is_over = register >> (_CHECK_BITS - 1) ^ bit
        register = (register << 1 & (1 << _CHECK_BITS) - 1) ^ (_CHECK_POLYNOMIAL if is_over & 1 else 0)
    return register
