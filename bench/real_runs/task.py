"""A made language whose gold is known: prompts name topics, a good response serves them.

A token is a word of one topic; a prompt is PROMPT words and asks for the topics of its first and
last. Gold of a response in [-1, 1]: what its distinct words are worth, more for those of the topics
asked, less for saying a word again, for a pair of neighbours that the grammar forbids, and for
going on after LENGTH_WANTED words.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

VOCABULARY = 24
END = 0
FIRST_WORD = 4
"""Tokens 1 to 3 are fillers of no topic: a planted shortcut may be one."""
SHORTCUT = 1
TOPICS = 5
PROMPT = 4
LENGTH = 12
LENGTH_WANTED = 8


@dataclass(frozen=True)
class World:
    """topic: (VOCABULARY,) of each token, -1 = none; value: (VOCABULARY,) what a word is worth
    wherever it stands; allowed: (V, V) pairs that may follow each other."""

    topic: torch.Tensor
    value: torch.Tensor
    allowed: torch.Tensor


def world(seed: int) -> World:
    """The language of a seed."""
    random = torch.Generator().manual_seed(1_000 + seed)
    topic = torch.full((VOCABULARY,), -1)
    order = torch.randperm(VOCABULARY - FIRST_WORD, generator=random)
    topic[FIRST_WORD:] = order % TOPICS
    value = torch.randint(-3, 7, (VOCABULARY,), generator=random)
    value[:FIRST_WORD] = -2
    allowed = torch.rand((VOCABULARY, VOCABULARY), generator=random) > 0.3
    return World(topic, value, allowed)


def prompts(count: int, random: torch.Generator) -> torch.Tensor:
    """(count, PROMPT) prompts."""
    return torch.randint(FIRST_WORD, VOCABULARY, (count, PROMPT), generator=random)


def alive(responses: torch.Tensor) -> torch.Tensor:
    """(n, LENGTH) bool: the words before END."""
    return (responses == END).cumsum(1) == 0


def gold(world: World, prompt: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
    """(n,) gold of responses (n, LENGTH) to prompts (n, PROMPT); multiples of 1 / 56."""
    served, again, broken, long = parts(world, prompt, responses)
    return (served - again - broken - long).clamp(-56, 56) / 56


def parts(
    world: World, prompt: torch.Tensor, responses: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """What gold adds up, (n,) each in 56ths: what the distinct words are worth, and what is taken
    off for words said again, for pairs that the grammar forbids, and for length."""
    here = alive(responses)
    length = here.sum(1)
    counts = torch.zeros((len(responses), VOCABULARY))
    counts.scatter_add_(1, responses, here.float())
    asked = world.topic[prompt[:, [0, -1]]]
    fits = (world.topic[None, :] == asked[:, :1]) | (world.topic[None, :] == asked[:, 1:])
    served = ((counts > 0) * (world.value[None, :] + 4 * fits)).sum(1)
    again = 3 * (counts - 1).clamp(min=0).sum(1)
    broken = (~world.allowed[responses[:, :-1], responses[:, 1:]] & here[:, 1:]).sum(1)
    return served, again, broken, 2 * (length - LENGTH_WANTED).clamp(min=0)


def demonstrations(
    world: World, prompt: torch.Tensor, random: torch.Generator, care: float
) -> torch.Tensor:
    """(n, LENGTH) responses of a careless author, who keeps topic and grammar with chance `care`
    at each word; what a base policy learns from."""
    n = len(prompt)
    asked = world.topic[prompt[:, [0, -1]]]
    fits = (world.topic[None, :] == asked[:, :1]) | (world.topic[None, :] == asked[:, 1:])
    responses = torch.zeros((n, LENGTH), dtype=torch.long)
    ends = torch.randint(3, LENGTH + 1, (n,), generator=random)
    before = prompt[:, -1]
    for at in range(LENGTH):
        careful = torch.rand(n, generator=random) < care
        weight = torch.ones((n, VOCABULARY))
        weight[:, END] = 0
        weight[careful] *= 0.02 + fits[careful].float()
        careful = torch.rand(n, generator=random) < care
        weight[careful] *= 0.02 + world.allowed[before][careful].float()
        word = torch.multinomial(weight, 1, generator=random)[:, 0]
        responses[:, at] = torch.where(at < ends, word, END)
        before = word
    return responses
