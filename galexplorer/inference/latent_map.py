"""A map of latent space: 32 numbers to a place on a plane, by a function that is kept.

A small network is fitted once, when a library is made, so that galaxies that are neighbours in
latent space lie close together on the plane (the cross-entropy of a neighbour graph with
negative samples: UMAP's, McInnes et al. 2018, 1802.03426; a network that learns it places
galaxies it has not seen, Sainburg et al. 2021, 2009.12981). Its weights are part of the library:
every machine draws the same map, and a new galaxy is placed by the same function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

HIDDEN = 64
NEIGHBOURS = 15
STEPS = 1500
BATCH = 512
NEGATIVES = 5

_RATE = 3e-3
_CORE = 1e-3
"""Squared distance on the plane below which two galaxies push each other no harder."""
_CHUNK = 512


@dataclass(frozen=True)
class LatentMap:
    """The function from whitened latents to the plane.

    Attributes
    ----------
    layers : tuple of (Tensor, Tensor)
        Weight and bias of each layer; GELU between them.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]

    @torch.no_grad()
    def place(self, whitened: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
        """Return places on the plane.

        Parameters
        ----------
        whitened : Tensor, shape (n, 32)
            Latents in units of the library's spread, its mean at zero.

        Returns
        -------
        Tensor, shape (n, 2)
            Without unit; distances on the plane tell order only.
        """
        return _forward(self.layers, whitened)

    def to_arrays(self) -> dict[str, Tensor]:
        """Return the tensors to keep."""
        return {
            f"map.{name}{k}": value.contiguous()
            for k, layer in enumerate(self.layers)
            for name, value in zip(("weight", "bias"), layer, strict=True)
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Tensor]) -> "LatentMap":
        """Build from the tensors of `to_arrays`; a missing one is a KeyError."""
        number = sum(name.startswith("map.weight") for name in arrays)
        if number == 0:
            raise KeyError("map.weight0")
        return cls(
            tuple(
                (arrays[f"map.weight{k}"].float(), arrays[f"map.bias{k}"].float())
                for k in range(number)
            )
        )


def fit(
    whitened: Float[Tensor, "n d"],
    right: Float[Tensor, " n"],
    up: Float[Tensor, " n"],
    seed: int = 0,
    steps: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LatentMap:
    """Fit a map to the galaxies of a library.

    Parameters
    ----------
    whitened : Tensor, shape (n, 32)
        Latents in units of their spread, their mean at zero.
    right, up : Tensor, shape (n,)
        Quantities that give the finished map its orientation and nothing else: the first rises
        to the right, and the second upwards as far as the first allows.
    seed : int
    steps : int, optional
        Default `STEPS`.
    progress : callable
        Called with the number of steps done and their number.

    Returns
    -------
    LatentMap
    """
    number, size = whitened.shape
    steps = STEPS if steps is None else steps
    graph = nearest_rows(whitened, min(NEIGHBOURS, number - 1))
    random = torch.Generator().manual_seed(seed)
    layers = _start((size, HIDDEN, HIDDEN, 2), random)
    parameters = [value.requires_grad_() for layer in layers for value in layer]
    optimizer = torch.optim.Adam(parameters, _RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    for step in range(steps):
        row = torch.randint(number, (BATCH,), generator=random)
        friend = graph[row, torch.randint(graph.shape[1], (BATCH,), generator=random)]
        place = _forward(layers, whitened[torch.cat([row, friend])])
        one, other = place[:BATCH], place[BATCH:]
        strangers = place[torch.randint(2 * BATCH, (BATCH, NEGATIVES), generator=random)]
        near = ((one - other) ** 2).sum(dim=1)
        far = ((one[:, None] - strangers) ** 2).sum(dim=2)
        pull = torch.log1p(near).mean()
        push = (torch.log1p(far) - torch.log(far + _CORE)).mean() * NEGATIVES
        optimizer.zero_grad()
        (pull + push).backward()
        optimizer.step()
        schedule.step()
        progress(step + 1, steps)
    return _orient([(w.detach(), b.detach()) for w, b in layers], whitened, right, up)


def nearest_rows(whitened: Float[Tensor, "n d"], number: int) -> Int[Tensor, "n k"]:
    """Return the rows of each row's nearest others, nearest first, shape (n, `number`)."""
    found = []
    for begin in range(0, len(whitened), _CHUNK):
        part = whitened[begin : begin + _CHUNK]
        distance = torch.cdist(part, whitened)
        own = torch.arange(len(part))
        distance[own, begin + own] = float("inf")
        found.append(distance.topk(number, largest=False).indices)
    return torch.cat(found)


def trustworthiness(
    whitened: Float[Tensor, "n d"], place: Float[Tensor, "n 2"], number: int = NEIGHBOURS
) -> float:
    """Return the trustworthiness of a map (Venna & Kaski 2001), 1 at best, about 0.5 by chance.

    Neighbours on the plane that are none in latent space cost by how far down the order they
    come there.

    Parameters
    ----------
    whitened : Tensor, shape (n, 32)
    place : Tensor, shape (n, 2)
    number : int
        Neighbours that count; below n / 2.
    """
    size = len(whitened)
    order = nearest_rows(whitened, size - 1)
    rank = torch.empty((size, size), dtype=torch.long)
    rank.scatter_(1, order, torch.arange(1, size).expand(size, -1))
    cost = (rank.gather(1, nearest_rows(place, number)) - number).clamp(min=0).sum()
    return 1 - 2 * float(cost) / (size * number * (2 * size - 3 * number - 1))


def _start(sizes: tuple[int, ...], random: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    return [
        (torch.randn((out, into), generator=random) / into**0.5, torch.zeros(out))
        for into, out in pairwise(sizes)
    ]


def _forward(layers: "list | tuple", values: Tensor) -> Tensor:
    for weight, bias in layers[:-1]:
        values = functional.gelu(functional.linear(values, weight, bias))
    return functional.linear(values, *layers[-1])


def _orient(
    layers: list[tuple[Tensor, Tensor]], whitened: Tensor, right: Tensor, up: Tensor
) -> LatentMap:
    """Centre the map and turn it, by changing its last layer."""
    place = _forward(layers, whitened)
    centre = place.mean(dim=0)
    slope = (place - centre).T @ (right - right.mean())
    across = slope / slope.norm().clamp(min=1e-12)
    upwards = torch.stack([-across[1], across[0]])
    if ((place - centre) @ upwards) @ (up - up.mean()) < 0:
        upwards = -upwards
    turn = torch.stack([across, upwards])
    weight, bias = layers[-1]
    return LatentMap((*layers[:-1], (turn @ weight, turn @ (bias - centre))))
