"""A torch twin of the small Marian student: transformer encoder, decoder of SSRU cells, post-normalised layers.

The embeddings of the two sides are kept apart (`encoder_Wemb`, `decoder_Wemb`), so that the target side can have a
vocabulary of its own while the encoder stays as it was trained. A file with one shared `Wemb` is read as two copies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dubsync.text.marian import file

END, UNKNOWN = 0, 1
LONGEST = 512
HEAD_WIDTH = 32


def positions(count: int, width: int) -> Tensor:
    """Return the sinusoids that Marian adds: all sines, then all cosines."""
    half = width // 2
    rates = torch.exp(torch.arange(half) * -(math.log(10000.0) / (half - 1)))
    angles = torch.arange(count)[:, None].float() * rates[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


def drop(x: Tensor, share: float, *, training: bool = True) -> Tensor:
    """Dropout whose share is rounded to 1/256: eight cheap random bytes at a time, six times as fast as torch's."""
    limit = round(share * 256)
    if not training or limit == 0:
        return x
    words = torch.randint(-(2**63), 2**63 - 1, (-(-x.numel() // 8),), dtype=torch.int64)
    kept = (words.view(torch.uint8)[: x.numel()] >= limit).view(x.shape)
    return x * (kept * (256 / (256 - limit))).to(x.dtype)


class Attention(nn.Module):
    """Multi-head attention over `memory`, its output added to `x` and normalised."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.split(self.key(memory)), self.split(self.value(memory))

    def forward(self, x: Tensor, memory: tuple[Tensor, Tensor], mask: Tensor, dropout: float) -> Tensor:
        key, value = memory
        query = self.split(self.query(x)) * (x.shape[2] // self.heads) ** -0.5
        weights = (query @ key.transpose(2, 3)).masked_fill(~mask, -1e9).softmax(-1)
        mixed = (weights.to(value.dtype) @ value).transpose(1, 2).reshape(x.shape)
        return self.norm(x + drop(self.out(mixed), dropout, training=self.training))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor, dropout: float) -> Tensor:
        inner = functional.relu(self.first(x))
        return self.norm(x + drop(self.second(inner), dropout, training=self.training))  # type: ignore[no-any-return]


class Recurrence(nn.Module):
    """Simpler simple recurrent unit: cell = f * cell + (1 - f) * W x."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.forget = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor, dropout: float, cell: Tensor | None = None) -> tuple[Tensor, Tensor]:
        keep = torch.sigmoid(self.forget(x))
        new = (1 - keep) * self.weight(x)
        state = torch.zeros_like(new[:, 0]) if cell is None else cell
        states = []
        for kept, added in zip(keep.unbind(1), new.unbind(1), strict=True):
            state = kept * state + added
            states.append(state)
        made = functional.relu(torch.stack(states, 1))
        return self.norm(x + drop(made, dropout, training=self.training)), state


class EncoderLayer(nn.Module):
    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.attention, self.feed = Attention(width, heads), FeedForward(width, inner)

    def forward(self, x: Tensor, mask: Tensor, dropout: float) -> Tensor:
        return self.feed(self.attention(x, self.attention.keys_values(x), mask, dropout), dropout)  # type: ignore[no-any-return]


class DecoderLayer(nn.Module):
    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.recurrence, self.attention = Recurrence(width), Attention(width, heads)
        self.feed = FeedForward(width, inner)

    def forward(
        self, x: Tensor, memory: tuple[Tensor, Tensor], mask: Tensor, dropout: float, cell: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        x, cell = self.recurrence(x, dropout, cell)
        return self.feed(self.attention(x, memory, mask, dropout), dropout), cell


class Twin(nn.Module):
    """The whole model. `sources` and `targets`: pieces on each side."""

    place: Tensor

    def __init__(
        self, sources: int, targets: int, *, width: int = 256, inner: int = 1536, layers: tuple[int, int] = (6, 2)
    ) -> None:
        super().__init__()
        self.width = width
        heads = width // HEAD_WIDTH
        self.source_embedding = nn.Parameter(torch.randn(sources, width) * width**-0.5, requires_grad=False)
        self.target_embedding = nn.Parameter(torch.randn(targets, width) * width**-0.5)
        self.output_bias = nn.Parameter(torch.zeros(targets))
        self.encoder = nn.ModuleList(EncoderLayer(width, inner, heads) for _ in range(layers[0]))
        self.decoder = nn.ModuleList(DecoderLayer(width, inner, heads) for _ in range(layers[1]))
        self.register_buffer("place", positions(LONGEST, width), persistent=False)

    def encode(self, source: Tensor, mask: Tensor, dropout: float = 0.0) -> Tensor:
        """Return (batch, pieces, width); `mask`: (batch, pieces) bool, true where there is a piece."""
        x = self.source_embedding[source] * math.sqrt(self.width) + self.place[: source.shape[1]]
        x = drop(x, dropout, training=self.training)
        for layer in self.encoder:
            x = layer(x, mask[:, None, None, :], dropout)
        return x

    def decode(self, memory: Tensor, mask: Tensor, target: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the state before each piece of `target` (which ends in END), (batch, pieces, width)."""
        said = self.target_embedding[target[:, :-1]] * math.sqrt(self.width)
        x = functional.pad(said, (0, 0, 1, 0)) + self.place[: target.shape[1]]
        x = drop(x, dropout, training=self.training)
        layers: list[Any] = list(self.decoder)
        for layer in layers:
            x, _ = layer(x, layer.attention.keys_values(memory), mask[:, None, None, :], dropout)
        return x

    def logits(self, state: Tensor) -> Tensor:
        return state @ self.target_embedding.t() + self.output_bias

    @torch.no_grad()
    def greedy(self, source: Tensor, mask: Tensor, longest: float = 2.0) -> list[list[int]]:
        """Return the best piece after the best piece, for each line of the batch, without END."""
        memory = self.encode(source, mask)
        layers: list[Any] = list(self.decoder)
        pairs = [layer.attention.keys_values(memory) for layer in layers]
        cells: list[Tensor | None] = [None] * len(layers)
        said = torch.zeros(len(source), 1, self.width)
        done = torch.zeros(len(source), dtype=torch.bool)
        made: list[Tensor] = []
        for step in range(min(LONGEST, int(source.shape[1] * longest) + 5)):
            x = said + self.place[step : step + 1]
            for index, layer in enumerate(layers):
                x, cells[index] = layer(x, pairs[index], mask[:, None, None, :], 0.0, cells[index])
            scores = self.logits(x[:, 0])
            scores[:, UNKNOWN] = -1e9
            best = scores.argmax(-1).masked_fill(done, END)
            made.append(best)
            done |= best == END
            if bool(done.all()):
                break
            said = (self.target_embedding[best] * math.sqrt(self.width))[:, None]
        lines: list[list[int]] = torch.stack(made, 1).tolist()
        return [line[: line.index(END)] if END in line else line for line in lines]


def _layers(twin: Twin) -> Iterator[tuple[str, str, Any]]:
    """Yield each layer with the stem of its names in the file and that of its attention."""
    for number, layer in enumerate(twin.encoder, 1):
        yield f"encoder_l{number}", f"encoder_l{number}_self", layer
    for number, layer in enumerate(twin.decoder, 1):
        yield f"decoder_l{number}", f"decoder_l{number}_context", layer


def linears(twin: Twin) -> Iterator[tuple[str, nn.Linear]]:
    """Yield every matrix product under the name its weights have in the file."""
    for stem, attention, layer in _layers(twin):
        for letter, verb in zip("qkvo", ("query", "key", "value", "out"), strict=True):
            yield f"{attention}_W{letter}", getattr(layer.attention, verb)
        yield f"{stem}_ffn_W1", layer.feed.first
        yield f"{stem}_ffn_W2", layer.feed.second
        if isinstance(layer, DecoderLayer):
            yield f"{stem}_rnn_W", layer.recurrence.weight
            yield f"{stem}_rnn_Wf", layer.recurrence.forget


def norms(twin: Twin) -> Iterator[tuple[str, nn.LayerNorm]]:
    """Yield every normalisation under the stem of its name in the file."""
    for stem, attention, layer in _layers(twin):
        yield f"{attention}_Wo_ln", layer.attention.norm
        yield f"{stem}_ffn_ffn_ln", layer.feed.norm
        if isinstance(layer, DecoderLayer):
            yield f"{stem}_rnn_ffn_ln", layer.recurrence.norm


def bias_name(matrix: str) -> str:
    """Return the name of a matrix's bias: `..._W1` has `..._b1`.

    >>> bias_name("decoder_l1_rnn_Wf")
    'decoder_l1_rnn_bf'
    """
    stem, _, last = matrix.rpartition("_W")
    return f"{stem}_b{last}"


def load(tensors: Mapping[str, file.Tensor]) -> Twin:
    """Return the twin of a model file, in evaluation mode."""

    def numbers(name: str) -> Tensor:
        return torch.from_numpy(np.array(file.values(tensors[name])))

    shared = "Wemb" in tensors
    source = numbers("Wemb" if shared else "encoder_Wemb")
    target = numbers("Wemb" if shared else "decoder_Wemb")
    depths = [len({n.split("_")[1] for n in tensors if n.startswith(f"{side}_l")}) for side in ("encoder", "decoder")]
    inner = tensors["decoder_l1_ffn_W1"].shape[1]
    twin = Twin(len(source), len(target), width=source.shape[1], inner=inner, layers=(depths[0], depths[1]))
    with torch.no_grad():
        twin.source_embedding.copy_(source)
        twin.target_embedding.copy_(target)
        twin.output_bias.copy_(numbers("decoder_ff_logit_out_b")[0])
        for name, linear in linears(twin):
            linear.weight.copy_(numbers(name).t())
            if linear.bias is not None:
                linear.bias.copy_(numbers(bias_name(name))[0])
        for name, norm in norms(twin):
            norm.weight.copy_(numbers(f"{name}_scale")[0])
            norm.bias.copy_(numbers(f"{name}_bias")[0])
    return twin.eval()


def padded(lines: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Return (lines, longest) piece numbers padded with END, and the mask of what is a piece."""
    longest = max(map(len, lines))
    pieces = torch.tensor([line + [END] * (longest - len(line)) for line in lines])
    mask = torch.tensor([[True] * len(line) + [False] * (longest - len(line)) for line in lines])
    return pieces, mask
