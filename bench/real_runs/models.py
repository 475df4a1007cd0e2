"""Small transformers: a policy that samples with a cache, and a reward model on the same trunk."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from bench.real_runs.task import END, LENGTH, PROMPT, VOCABULARY, alive

Cache = list[tuple[torch.Tensor, torch.Tensor]]


class Block(nn.Module):
    """One layer; `cache` holds keys and values of the tokens before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(
        self, x: torch.Tensor, cache: tuple[torch.Tensor, torch.Tensor] | None, causal: bool
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        n, length, width = x.shape
        q, k, v = (
            part.view(n, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(self.first(x)).chunk(3, -1)
        )
        if cache is not None:
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        x = x + self.out(seen.transpose(1, 2).reshape(n, length, width))
        return x + self.down(F.gelu(self.up(self.second(x)))), (k, v)


class Trunk(nn.Module):
    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width)
        self.place = nn.Parameter(0.02 * torch.randn(PROMPT + LENGTH, width))
        self.blocks = nn.ModuleList([Block(width, 4) for _ in range(layers)])
        self.last = nn.LayerNorm(width)

    def forward(
        self, tokens: torch.Tensor, at: int = 0, cache: Cache | None = None
    ) -> tuple[torch.Tensor, Cache]:
        x = self.token(tokens) + self.place[at : at + tokens.shape[1]]
        kept: Cache = []
        for i, block in enumerate(self.blocks):
            x, pair = block(x, cache[i] if cache else None, tokens.shape[1] > 1)
            kept.append(pair)
        return self.last(x), kept


class Policy(nn.Module):
    """Log-probabilities of responses, and samples of them."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.trunk, self.head = Trunk(width, layers), nn.Linear(width, VOCABULARY)

    def logits(self, prompt: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
        """(n, LENGTH, VOCABULARY) log-probabilities of each next token."""
        hidden, _ = self.trunk(torch.cat([prompt, responses[:, :-1]], 1))
        return F.log_softmax(self.head(hidden[:, PROMPT - 1 :]), -1)

    @torch.no_grad()
    def sample(self, prompt: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """(n, LENGTH) responses, END after their end."""
        responses = torch.full((len(prompt), LENGTH), END)
        hidden, cache = self.trunk(prompt)
        done = torch.zeros(len(prompt), dtype=torch.bool)
        for at in range(LENGTH):
            chances = F.softmax(self.head(hidden[:, -1]), -1)
            word = torch.multinomial(chances, 1, generator=random)
            word[done] = END
            responses[:, at] = word[:, 0]
            done |= word[:, 0] == END
            if at < LENGTH - 1 and not bool(done.all()):
                hidden, cache = self.trunk(word, PROMPT + at, cache)
        return responses


def counted(responses: torch.Tensor) -> torch.Tensor:
    """(n, LENGTH) float: the tokens that a policy chose, END itself included."""
    here = alive(responses)
    return torch.cat([torch.ones_like(here[:, :1]), here[:, :-1]], 1).float()


def divergence(policy: torch.Tensor, base: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
    """(n,) KL of policy from base in nats a response: exact at each token, along the samples."""
    each = (policy.exp() * (policy - base)).sum(-1)
    return (each * counted(responses)).sum(1)


class RewardModel(nn.Module):
    """A learnt proxy: the trunk's score of each token of a response, summed."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.trunk, self.head = Trunk(width, layers), nn.Linear(width, 1)
        self.register_buffer("shift", torch.zeros(1))
        self.register_buffer("scale", torch.ones(1))

    def forward(self, prompt: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.trunk(torch.cat([prompt, responses], 1))
        raw = (self.head(hidden[:, PROMPT:])[:, :, 0] * counted(responses)).sum(1)
        return (raw - self.shift) / self.scale
