"""A brought Wav2Lip checkpoint, with random weights of the true shapes."""

from pathlib import Path

import numpy as np
import pytest
import talking_head

torch = pytest.importorskip("torch")

from typer.testing import CliRunner  # noqa: E402

from dubsync import weights  # noqa: E402
from dubsync.backends.mouth_wav2lip import Wav2LipMouth  # noqa: E402
from dubsync.cli.models import models_app  # noqa: E402
from dubsync.errors import ChecksumMismatch, UsageError  # noqa: E402
from dubsync.mouth import wav2lip  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("brought") / "wav2lip_gan.pth"
    weights = {f"module.{name}": value for name, value in wav2lip.Wav2Lip().state_dict().items()}
    torch.save({"state_dict": weights, "global_step": 1}, file)
    return file


def test_the_generator_has_the_published_size() -> None:
    parameters = sum(value.numel() for value in wav2lip.Wav2Lip().parameters())

    assert 36.2e6 < parameters < 36.4e6


def test_a_published_checkpoint_is_read_strictly(checkpoint: Path, tmp_path: Path) -> None:
    assert wav2lip.load(checkpoint).face_encoder_blocks[0][0].conv_block[0].weight.shape == (16, 6, 7, 7)

    found = torch.load(checkpoint, weights_only=True)
    found["state_dict"].popitem()
    torch.save(found, tmp_path / "cut.pth")
    with pytest.raises(ChecksumMismatch, match="not a Wav2Lip generator"):
        wav2lip.load(tmp_path / "cut.pth")


def test_a_checkpoint_as_models_add_keeps_it_is_read(checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    weights = torch.load(checkpoint, weights_only=True)["state_dict"]
    kept = {f"state_dict.{name}": value for name, value in weights.items()} | {"optimizer.0": torch.zeros(1)}
    save_file(kept, tmp_path / "wav2lip.safetensors")

    same = wav2lip.load(tmp_path / "wav2lip.safetensors").state_dict()

    assert all(torch.equal(same[name.removeprefix("module.")], value) for name, value in weights.items())


def test_mel_has_eighty_frames_a_second_within_four() -> None:
    mel = wav2lip.mel_spectrogram(0.3 * np.sin(np.arange(16000) * 0.1).astype(np.float32))

    assert mel.shape[0] == 80
    assert abs(mel.shape[1] - 80) <= 1
    assert mel.min() >= -4
    assert mel.max() <= 4
    assert mel.max() > 0


def test_each_frame_hears_the_sound_that_begins_with_it() -> None:
    mel = np.tile(np.arange(200, dtype=np.float32), (80, 1))

    windows = wav2lip.mel_windows(mel, np.array([0.0, 0.5, 1.0]))

    assert windows.shape == (3, 1, 80, 16)
    assert windows[:, 0, 0, 0].tolist() == [0, 40, 80]


def test_it_yields_patches_behind_the_same_protocol(checkpoint: Path, tmp_path: Path) -> None:
    engine = Wav2LipMouth(checkpoint)
    speech, opening = talking_head.babble(0.4)
    shot = talking_head.footage(opening, speech)
    shot.landmarks[:, 10, 1] = shot.landmarks[:, 4, 1] - 80

    engine.learn([shot], tmp_path, seconds=0, seed=0, progress=lambda share: None)
    patches = list(engine.perform(tmp_path, shot, progress=lambda share: None))

    assert [patch.frame for patch in patches] == shot.numbers.tolist()
    assert patches[0].pixels.shape == (96, 96, 3)
    assert patches[0].mask[: 96 // 2 - 5].max() < 30
    assert not engine.capabilities.commercial_use


def test_models_add_takes_the_checkpoint_by_its_name_alone_and_use_needs_permission(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBSYNC_CACHE", str(tmp_path / "cache"))

    assert CliRunner().invoke(models_app, ["add", "wav2lip", str(checkpoint)], catch_exceptions=False).exit_code == 0

    with pytest.raises(UsageError, match="commercial"):
        weights.resolve("wav2lip")
    (file,) = weights.resolve("wav2lip", allow_non_commercial=True).glob("*.safetensors")
    assert len(wav2lip.load(file).state_dict()) == len(wav2lip.Wav2Lip().state_dict())


def test_models_add_refuses_another_network_under_that_name(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBSYNC_CACHE", str(tmp_path / "cache"))
    other = torch.load(checkpoint, weights_only=True)
    name = next(iter(other["state_dict"]))
    other["state_dict"][name] = other["state_dict"][name][:, :1]
    torch.save(other, tmp_path / "other.pth")

    with pytest.raises(ChecksumMismatch, match="not a Wav2Lip generator"):
        CliRunner().invoke(models_app, ["add", "wav2lip", str(tmp_path / "other.pth")], catch_exceptions=False)
    words = ["add", "wav2lip", str(checkpoint), "--commercial-use"]
    with pytest.raises(UsageError, match="commercially"):
        CliRunner().invoke(models_app, words, catch_exceptions=False)
    assert "wav2lip" not in weights.entries()
