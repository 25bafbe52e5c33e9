"""A voice is moved along the gradient: the decoder in torch is the one that speaks, and likeness is won by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dubsync.audio import features
from dubsync.backends.kokoro import decoder, descent
from dubsync.backends.kokoro.engine import RATE, TIMBRE
from dubsync.backends.kokoro.languages import speech_of
from dubsync.backends.kokoro.speech import CENTRES
from dubsync.backends.kokoro.takes import Fitted
from dubsync.backends.voice_kokoro import LEAST_STEPS, SIZED_S, STEPS_A_SECOND, KokoroVoice

pytestmark = pytest.mark.weights
SPANISH = speech_of("es")
ENOUGH = LEAST_STEPS / STEPS_A_SECOND


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what is spoken in a step: quicker, but the encoder hears silence after it and likeness is not won."""
    monkeypatch.setattr(descent, "CUT", descent.CUT // 2)


@pytest.fixture(scope="module")
def engine() -> KokoroVoice:
    return KokoroVoice(threads=2, takes=1, steps=LEAST_STEPS)


@pytest.fixture(scope="module")
def take(engine: KokoroVoice) -> Fitted:
    """A voice fitted to a deeper one than the language has, from three seconds of it."""
    said = engine.speak(
        "Nobody told her that the bridge would open before the summer came.",
        voice=engine.named("bm_lewis", "en"), language="en", seconds=None, seed=0,
    )  # fmt: skip
    deeper = features.resample(said.samples, RATE, round(RATE * 1.12))
    first = engine.enroll(deeper, RATE, language="es", progress=lambda share: None).takes[0]
    assert isinstance(first, Fitted)
    return first


def aimed(take: Fitted) -> float:
    return float(take.found @ take.of.fit)


def test_the_decoder_in_torch_says_what_the_graph_says(engine: KokoroVoice) -> None:
    voice = engine.named("em_alex", "es")
    text, style = engine._speaker.laid_out("Sí, claro.", voice, SPANISH)
    spoken = engine._speaker._engine.decode(text, style)
    with torch.inference_mode():
        timbre = torch.from_numpy(style[None, TIMBRE].copy())
        again = decoder.load(engine.library.folder)(*decoder.tensors(text), timbre)[0].numpy()
    assert len(again) == len(spoken)
    middle = slice(len(spoken) // 10, -len(spoken) // 10)
    assert np.corrcoef(again[middle], spoken[middle])[0, 1] > 0.9
    levels = [features.band_levels(sound[middle], RATE, CENTRES) for sound in (again, spoken)]
    assert np.abs(levels[0] - levels[1]).max() < 4


@pytest.mark.long
def test_steps_win_likeness_and_half_the_way_some_of_it(engine: KokoroVoice, take: Fitted) -> None:
    whole, half, *_ = engine.nearer(take, 10 * ENOUGH)
    assert isinstance(whole, Fitted)
    assert isinstance(half, Fitted)
    assert aimed(whole) > aimed(take) + 0.005
    assert aimed(half) > aimed(take)
    np.testing.assert_allclose(half.voice["timbre"], (take.voice["timbre"] + whole.voice["timbre"]) / 2, atol=1e-6)
    assert (whole.steps, half.steps) == (LEAST_STEPS, LEAST_STEPS), "no more than the most that are asked for"


@pytest.mark.usefixtures("short")
def test_the_same_steps_lead_to_the_same_voice(engine: KokoroVoice, take: Fitted) -> None:
    first, second = (engine._enrolment.nearer(take, 1) for _ in range(2))
    np.testing.assert_array_equal(first.voice["timbre"], second.voice["timbre"])


def test_who_speaks_little_is_not_worth_it(engine: KokoroVoice, take: Fitted) -> None:
    assert engine.nearer(take, 0.99 * SIZED_S) == ()
    still = [
        *engine.nearer(take, 0.99 * ENOUGH),
        *KokoroVoice(engine.library.folder, steps=0).nearer(take, 10 * ENOUGH),
    ]
    for one in still:  # the length of the vocal tract alone may be another
        np.testing.assert_array_equal(one.voice["timbre"], take.voice["timbre"])


def test_who_had_to_give_way_is_brought_nearer_however_little_they_say(engine: KokoroVoice, take: Fitted) -> None:
    refined = engine.refined(take)
    assert isinstance(refined, Fitted)
    assert (refined.steps, refined.of) == (LEAST_STEPS, take.of), "no more steps than the most that are asked for"
    assert KokoroVoice(engine.library.folder, steps=0).refined(take) is None
    assert engine.refined(engine.known(take.voice, "es")) is None


def test_sound_is_stretched_to_a_longer_tract() -> None:
    sine = torch.sin(torch.arange(RATE) * (2 * torch.pi * 3000 / RATE))
    longer = descent._stretched(sine, 1.08)
    assert len(longer) == pytest.approx(1.08 * RATE, abs=2)
    lower = torch.sin(torch.arange(len(longer)) * (2 * torch.pi * 3000 / 1.08 / RATE))
    middle = slice(100, -100)
    assert float((longer - lower)[middle].abs().max()) < 0.01


@pytest.mark.usefixtures("short")
def test_a_voice_with_a_longer_tract_is_moved_by_what_is_heard_of_it(engine: KokoroVoice, take: Fitted) -> None:
    for length in (0.95, 1.05):
        sized = engine._enrolment._with_tract(take, float(np.log(length)))
        text, style = engine._speaker.laid_out(sized.text, sized.voice, SPANISH)
        moved, otherwise = (
            engine._enrolment._descent.moved(text, style[TIMBRE], voice, take.of.fit, 1)
            for voice in (sized.voice, take.voice)
        )
        assert np.abs(moved - otherwise).max() > 0, "the length changes what the encoder hears, and so the way"
