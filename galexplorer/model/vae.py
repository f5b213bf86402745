"""The convolutional variational autoencoder (Kingma & Welling 2013, 1312.6114)."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

import torch
from jaxtyping import Float, Real, Shaped
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

LATENTS = 32
_DEPTHS = (1, 2, 4, 8)
_RESIDUAL_DEPTHS = (2, 4)

_AT_ONCE = 64
"""Images that go through a network together: few of them keep no processor busy, and what many
leave behind has no place in its cache."""


class _Residual(nn.Module):
    """Two convolutions beside an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(x + self.body(x), inplace=not torch.is_grad_enabled())


class Trunk(nn.Module):
    """Convolutions from an image to a vector, (n, 3, 64, 64) in 0..1 to (n, `size`).

    The four stages are 1, 2, 4 and 8 times `width` wide.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        width_in = 3
        first = width
        for depth in _DEPTHS:
            width = depth * first
            stages += [
                nn.Conv2d(width_in, width, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.SiLU(),
            ]
            if depth in _RESIDUAL_DEPTHS:
                stages.append(_Residual(width))
            width_in = width
        self.stages = nn.Sequential(*stages)
        self.size = width_in * 5

    def pool(self, image: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n size"]:
        """Return the vector of each image."""
        x = self.stages(stretch(image))
        # the centre of the field apart from the rest: the galaxy lies there
        return torch.cat(
            [x.mean(dim=(2, 3)), functional.adaptive_avg_pool2d(x, 2).flatten(1)], dim=1
        )


class Encoder(Trunk):
    """Image to latent means and log variances: (n, 3, 64, 64) in 0..1 to (n, 32) and (n, 32)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__(width)
        self.head = nn.Sequential(nn.Linear(self.size, 256), nn.SiLU(), nn.Linear(256, 2 * LATENTS))

    def forward(
        self, image: Float[Tensor, "n 3 64 64"]
    ) -> tuple[Float[Tensor, "n 32"], Float[Tensor, "n 32"]]:
        mean, log_variance = self.head(self.pool(image)).chunk(2, dim=1)
        return mean, log_variance.clamp(-8.0, 4.0)


class Decoder(nn.Module):
    """Latents to image: (n, 32) to (n, 3, 64, 64) in 0..1; `width` as in the encoder."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = nn.Linear(LATENTS, _DEPTHS[-1] * width * 16)
        stages: list[nn.Module] = []
        widths = [*(depth * width for depth in reversed(_DEPTHS[:-1])), width // 2]
        width_in = _DEPTHS[-1] * width
        for width in widths:
            stages += [
                nn.ConvTranspose2d(width_in, width, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.SiLU(),
            ]
            width_in = width
        self.stages = nn.Sequential(*stages, nn.Conv2d(width_in, 3, 3, padding=1))

    def forward(self, latent: Float[Tensor, "n 32"]) -> Float[Tensor, "n 3 64 64"]:
        x = functional.silu(self.stem(latent)).unflatten(1, (-1, 4, 4))
        return torch.sigmoid(self.stages(x) - 2.0)


_Net = TypeVar("_Net", bound=nn.Module)


def fold_batch_norms(net: _Net) -> _Net:
    """Return a copy of a network, for inference alone, in which convolutions normalise too.

    A batch normalisation that has learnt is a factor and a shift of each channel, which the
    convolution before it may have instead: one pass over every image less, and the same numbers
    but for rounding. An activation takes the place of what it is given, which nothing needs again.
    """
    folded = deepcopy(net).eval()
    folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for part in folded.modules():
        if isinstance(part, nn.SiLU):
            part.inplace = True
        if not isinstance(part, nn.Sequential):
            continue
        for k, (layer, after) in enumerate(pairwise(list(part))):
            if isinstance(after, nn.BatchNorm2d):
                assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
                transposed = isinstance(layer, nn.ConvTranspose2d)
                part[k] = fuse_conv_bn_eval(layer, after, transposed)
                part[k + 1] = nn.Identity()
    return folded


def stretch(image: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Lift the faint levels of a composite, where spiral arms live: (n, 3, H, W) in 0..1."""
    return 2.0 * torch.sqrt(image + 1e-3) - 0.6


def dihedral(image: Shaped[Tensor, "n c h h"], element: int) -> Shaped[Tensor, "n c h h"]:
    """Apply one of the eight symmetries of the square to images (n, c, h, h)."""
    turned = torch.rot90(image, element % 4, dims=(2, 3))
    return turned.flip(3) if element >= 4 else turned


def turn(image: Shaped[Tensor, "n c h h"], symmetries: int) -> Iterator[Tensor]:
    """Yield images (n, c, h, h) turned by symmetries of the square, some symmetries at a time."""
    step = max(1, _AT_ONCE // max(1, len(image)))
    for begin in range(0, symmetries, step):
        turned = [dihedral(image, k) for k in range(begin, min(begin + step, symmetries))]
        yield torch.cat(turned).contiguous(memory_format=torch.channels_last)


def image_of(grid: Real[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
    """Return images, 0 to 1, of grids (n, 3, h, w), 0 to 255, as convolutions like them."""
    return (grid.to(torch.float32) / 255.0).contiguous(memory_format=torch.channels_last)
