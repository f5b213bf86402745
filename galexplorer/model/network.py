"""The whole model: what sees images, context, chain of flows and its calibration, detectability."""

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int, Real
from torch import Tensor, nn
from torch.nn import functional

from galexplorer.model.flows import LAST, ORDER, Chain, Context
from galexplorer.model.modes import MODES, features_with_estimate
from galexplorer.model.regressor import ESTIMATE, Regressor
from galexplorer.model.sizes import Sizes
from galexplorer.model.splines import pass_grouped
from galexplorer.model.stacks import Order, Stack
from galexplorer.model.vae import LATENTS, Decoder, Encoder, image_of, turn
from galexplorer.schema import MEASURABLE_NAMES, TARGETS

SYMMETRIES = 8

CALIBRATION = {
    **{"base_shift": 0.0, "base_width": 1.0, "base_skew": 0.0, "base_tail": 1.0},
    **{"measurable_shift": 0.0, "measurable_slope": 1.0},
}
"""Buffers that are fitted on galaxies which training never saw, and what changes nothing."""

# n rows, m galaxies with n / m rows each, e members of the ensemble, c numbers of context
Grids = Real[Tensor, "n 3 64 64"]
Latents = Float[Tensor, "n 32"]
Targets = Float[Tensor, "n 9"]
Contexts = Float[Tensor, "n e c"]
Groups = Float[Tensor, "m e c"]
Modes = Int[Tensor, " n"]
Column = Float[Tensor, " n"]


class ImageSummary(NamedTuple):
    """What the networks keep of images; all zero where there is none.

    Attributes
    ----------
    mean, log_variance : Tensor, shape (n, 32)
        Latents of the autoencoder.
    estimate : Tensor, shape (n, 4)
        Of the regressors.
    """

    mean: Latents
    log_variance: Latents
    estimate: Float[Tensor, "n 4"]

    @classmethod
    def zeros(cls, number: int, like: Tensor) -> "ImageSummary":
        """Return that of no images, of the type and on the device of a tensor."""
        return cls(*(like.new_zeros((number, size)) for size in (LATENTS, LATENTS, ESTIMATE)))

    @classmethod
    def join(cls, parts: "list[ImageSummary]") -> "ImageSummary":
        """Join summaries row-wise."""
        return cls(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def rows(self, chosen: Tensor | slice) -> "ImageSummary":
        """Return those of some rows."""
        return ImageSummary(*(part[chosen] for part in self))


class GalaxyModel(nn.Module):
    """Autoencoder, regressors and flows.

    One autoencoder and a few regressors, and behind them an ensemble of networks that make the
    densities of the targets (`galexplorer.model.flows`). Buffers hold the standardisation of the
    targets and, for each of `MODES` and each target, what turns a standard normal into the base of
    its flows: a sinh-arcsinh transform (Jones & Pewsey 2009, doi:10.1093/biomet/asp053) with shift,
    width, skew and tail, which makes the posteriors calibrated on validation rows.
    """

    target_mean: Tensor
    target_std: Tensor
    base_shift: Tensor
    base_width: Tensor
    base_skew: Tensor
    base_tail: Tensor
    measurable_shift: Tensor
    measurable_slope: Tensor

    def __init__(self, sizes: Sizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes = sizes or Sizes()
        self.encoder = Encoder(sizes.encoder)
        self.decoder = Decoder(sizes.encoder)
        self.regressors = nn.ModuleList(Regressor(sizes.regressor) for _ in range(sizes.regressors))
        # what was added last comes last: earlier weights lack it
        inputs = 2 * LATENTS + sizes.features + ESTIMATE
        # the targets that images estimate have their own: they may learn for longer than the rest
        self.first_contexts, self.contexts = (
            nn.ModuleList(
                Context(inputs, sizes.context_hidden, sizes.context) for _ in range(sizes.members)
            )
            for _ in range(2)
        )
        self.chain = Chain(sizes.context, sizes.flow_hidden, members=sizes.members)
        self.measurable = nn.ModuleList(
            nn.Sequential(
                nn.Linear(sizes.context + 1, 64), nn.SiLU(), nn.Linear(64, len(MEASURABLE_NAMES))
            )
            for _ in range(sizes.members)
        )
        number = len(TARGETS)
        self.register_buffer("target_mean", torch.zeros(number))
        self.register_buffer("target_std", torch.ones(number))
        for name, value in CALIBRATION.items():
            size = number if name.startswith("base") else len(MEASURABLE_NAMES)
            self.register_buffer(name, torch.full((len(MODES), size), value))

    def reset_calibration(self) -> None:
        """Make the flows' bases standard normals and the odds those of the network again."""
        for name, value in CALIBRATION.items():
            getattr(self, name).fill_(value)

    def encode(self, grid: Grids, symmetries: int = SYMMETRIES) -> tuple[Latents, Latents]:
        """Return latent means and log variances, averaged over the symmetries of the square.

        Parameters
        ----------
        grid : Tensor, shape (n, 3, 64, 64), 0 to 255
        symmetries : int
            How many of the eight to average over; posteriors are calibrated for all.

        Returns
        -------
        mean, log_variance : Tensor, shape (n, 32)
        """
        means, log_variances = self._encode_turned(grid, symmetries)
        return means.mean(dim=0), log_variances.mean(dim=0)

    def _encode_turned(self, grid: Grids, symmetries: int) -> tuple[Tensor, Tensor]:
        """Return the latents of images turned by each of the symmetries, both (s, n, 32)."""
        found = zip(*(self.encoder(part) for part in turn(image_of(grid), symmetries)), strict=True)
        means, log_variances = (torch.cat(part).unflatten(0, (symmetries, -1)) for part in found)
        return means, log_variances

    def estimate(
        self, grid: Grids, log_scale: Column, symmetries: int = SYMMETRIES, by: int | None = None
    ) -> Float[Tensor, "n 4"]:
        """Return estimates, averaged over the symmetries and the regressors.

        Parameters
        ----------
        grid : Tensor, shape (n, 3, 64, 64), 0 to 255
        log_scale : Tensor, shape (n,)
            Sizes of pixels as `galexplorer.model.features.scaled_log_pixel_size` gives them.
        symmetries : int
        by : int, optional
            A regressor, to be used alone.

        Returns
        -------
        Tensor, shape (n, 4)
            Zeros of a model without regressors.
        """
        use_estimate = self.regressors if by is None else [self.regressors[by]]
        image = image_of(grid)
        if len(use_estimate) == 0:
            return image.new_zeros((len(image), ESTIMATE))
        found = []
        for part in turn(image, symmetries):
            scales = log_scale.repeat(len(part) // len(image))
            found.append(torch.stack([net(part, scales).float() for net in use_estimate]))
        return torch.cat(found, dim=1).unflatten(1, (symmetries, len(image))).mean(dim=(0, 1))

    def summarise(
        self,
        grid: Grids,
        log_scale: Column,
        use_estimate: Bool[Tensor, " n"],
        symmetries: int = SYMMETRIES,
    ) -> ImageSummary:
        """Return what `encode` makes of images, and `estimate` where `use_estimate`, (n,)."""
        return self.look_at(grid, log_scale, use_estimate, symmetries)[0]

    def look_at(
        self, grid: Grids, log_scale: Column, use_estimate: Tensor, symmetries: int = SYMMETRIES
    ) -> tuple[ImageSummary, Latents]:
        """Return what `summarise` does, and the latents of the images as they lie, (n, 32)."""
        means, log_variances = self._encode_turned(grid, symmetries)
        mean, log_variance = means.mean(dim=0), log_variances.mean(dim=0)
        estimate = mean.new_zeros((len(mean), ESTIMATE), dtype=torch.float)
        if use_estimate.any():
            estimate[use_estimate] = self.estimate(
                grid[use_estimate], log_scale[use_estimate], symmetries
            )
        return ImageSummary(mean, log_variance, estimate), means[0]

    def reconstruct(self, grid: Grids) -> tuple[Latents, Float[Tensor, "n 3 64 64"]]:
        """Return the latents of images as they lie, (n, 32), and what the decoder makes of them.

        The latents that `encode` averages over symmetries have no orientation left, and would
        come back as round blurs; these keep it. Images are (n, 3, 64, 64), 0 to 255 in, 0..1 out.
        """
        mean, _ = self.encoder(image_of(grid))
        return mean, self.decoder(mean)

    def context_of(self, summary: ImageSummary, feature: Float[Tensor, "n f"]) -> Contexts:
        """Return the contexts of each member's flows, (n, e, 2 c), given features (n, f).

        First that of the targets that have an estimate, where there is one. It tells all that the
        image does of them, so hardly anything else of the image stands beside it: neither latents
        nor what was measured on the pixels, only the size of these, and a catalogue's numbers.
        Then that of all other targets.
        """
        context = self._vectors(self.contexts, summary, feature)
        if len(self.regressors) == 0:
            return torch.cat([self._vectors(self.first_contexts, summary, feature), context], dim=2)
        use_estimate = summary.estimate.any(dim=1, keepdim=True)
        unseen = summary._replace(
            mean=summary.mean * ~use_estimate, log_variance=summary.log_variance * ~use_estimate
        )
        shown = torch.where(use_estimate, features_with_estimate(feature), feature)
        return torch.cat([self._vectors(self.first_contexts, unseen, shown), context], dim=2)

    def _vectors(self, nets: nn.ModuleList, summary: ImageSummary, feature: Tensor) -> Tensor:
        widths = functional.softplus(summary.log_variance) - 0.7
        known = feature[:, : self.sizes.features]
        inputs = torch.cat([summary.mean, widths, known, summary.estimate], dim=1)
        return torch.stack([net(inputs) for net in nets], dim=1)

    def standardise(self, targets: Targets) -> Targets:
        """Return targets in units of the training rows' spread; redshift in log(z + 0.02)."""
        return (_to_line(targets) - self.target_mean) / self.target_std

    def unstandardise(self, standard: Targets) -> Targets:
        """Invert `standardise`."""
        return _from_line(standard * self.target_std + self.target_mean)

    def sample(
        self,
        context: Float[Tensor, "m e c"],
        mode: Int[Tensor, " m"],
        noise: Targets,
        orders: Sequence[Order],
        redshift: Column,
        stacks: Sequence[Stack] | None = None,
    ) -> Targets:
        """Return draws of the targets at given redshifts, which are those drawn or fixed.

        Parameters
        ----------
        context : Tensor, shape (m, e, 2 c)
            One row for each galaxy, which has n / m draws in succession.
        mode : Tensor, shape (m,), int
            Index into `MODES`.
        noise : Tensor, shape (n, 9)
            Standard normal.
        orders, stacks
            As of `galexplorer.model.flows.Chain.from_noise`.
        redshift : Tensor, shape (n,)

        Returns
        -------
        Tensor, shape (n, 9)
        """
        first = (_line_of_redshift(redshift) - self.target_mean[0]) / self.target_std[0]
        base = self.to_base(noise.unflatten(0, (len(mode), -1)), mode[:, None]).flatten(0, 1)
        return self.unstandardise(self.chain.from_noise(base, context, orders, first, stacks))

    def log_density(self, k: int, targets: Targets, context: Contexts, mode: Modes) -> Column:
        """Return the log density of one target given those before it in the chain.

        Parameters
        ----------
        k : int
            Index of the target.
        targets : Tensor, shape (n, 9)
            Those after it do not count.
        context : Tensor, shape (n, e, 2 c)
        mode : Tensor, shape (n,), int
            Index into `MODES`.

        Returns
        -------
        Tensor, shape (n,)
            Per unit of the target itself, calibration included; the cut that keeps draws within
            the target's bounds is not.
        """
        standard = self.standardise(targets)
        ordered, column = standard[:, ORDER], standard[:, k : k + 1]
        base, log_slope = self.chain.target_to_noise(k, column, context, ordered)
        noise, log_bend = self.base_to_noise(base, k, mode[:, None])
        density = mean_density(log_slope + log_bend - 0.5 * noise**2)
        density = density - torch.log(self.target_std[k]) - 0.5 * math.log(2 * math.pi)
        # from log(z + softening) to z
        return density - _line_of_redshift(targets[:, 0]) if k == 0 else density

    def base_to_noise(self, base: Tensor, k: int, mode: Tensor) -> tuple[Tensor, Tensor]:
        """Undo the calibration of one target's base variables (n,).

        Returns
        -------
        noise, log_slope : Tensor, shape (n,)
            Standard normal noise, and the log derivative of it with respect to the base.
        """
        width, tail = self.base_width[mode, k], self.base_tail[mode, k]
        standard = (base - self.base_shift[mode, k]) / width
        angle = tail * torch.asinh(standard) - self.base_skew[mode, k]
        log_slope = torch.log(torch.cosh(angle) * tail / width) - 0.5 * torch.log1p(standard**2)
        return torch.sinh(angle), log_slope

    def to_base(self, noise: Tensor, mode: Tensor, k: int | slice = slice(None)) -> Tensor:
        """Return the calibrated base variables of standard normal noise, of all targets or one."""
        skew, tail = self.base_skew[mode, k], self.base_tail[mode, k]
        # asinh and sinh by functions that a processor has for many numbers at once
        square = noise * noise
        size = torch.log1p(noise.abs() + square / (1 + torch.sqrt(1 + square)))
        grown = torch.expm1((torch.copysign(size, noise) + skew) / tail)
        bent = 0.5 * (grown + grown / (1 + grown))
        return self.base_shift[mode, k] + self.base_width[mode, k] * bent

    def measurable_logit(self, context: Groups, redshift: Column) -> Float[Tensor, "n e 5"]:
        """Return log odds that an SDSS spectrum would show each of `MEASURABLE_NAMES`.

        Not yet calibrated.

        Parameters
        ----------
        context : Tensor, shape (m, e, 2 c)
            Each is the context of n / m rows in succession.
        redshift : Tensor, shape (n,)

        Returns
        -------
        Tensor, shape (n, e, 5)
            By each member.
        """
        standard = (_line_of_redshift(redshift) - self.target_mean[0]) / self.target_std[0]
        column = standard[:, None].clamp(-8, 8)
        context = self.chain.context_for(LAST[0], context)
        nets = (cast(nn.Sequential, net) for net in self.measurable)
        found = [pass_grouped(net, context[:, e], column) for e, net in enumerate(nets)]
        return torch.stack(found, dim=1)

    def measurable_probability(
        self, context: Groups, mode: Modes, redshift: Column
    ) -> Float[Tensor, "n 5"]:
        """Return calibrated probabilities, shape (n, 5), by the members' mean log odds."""
        logit = self.measurable_logit(context, redshift).mean(dim=1)
        return torch.sigmoid(self.measurable_shift[mode] + self.measurable_slope[mode] * logit)

    def redshift_to_base(
        self, redshift: Float[Tensor, "*rows m"], context: Contexts, mode: Modes
    ) -> Float[Tensor, "n e m"]:
        """Return where redshifts (m,) or (n, m) lie on each member's calibrated base, (n, e, m).

        A redshift at the end of the line the flow lives on is infinitely far out.
        """
        standard = (_line_of_redshift(redshift) - self.target_mean[0]) / self.target_std[0]
        base = self.chain.redshift_to_noise(standard, context)
        return self.base_to_noise(base, 0, mode[:, None, None])[0]

    def redshift_from_base(
        self,
        noise: Float[Tensor, "n d"],
        member: Int[Tensor, "n d"],
        context: Contexts,
        mode: Modes,
    ) -> Float[Tensor, "n d"]:
        """Return redshifts for calibrated base draws of members, all (n, d)."""
        base = self.to_base(noise, mode[:, None], 0)
        standard = self.chain.noise_to_redshift(base, context, member)
        return torch.exp(standard * self.target_std[0] + self.target_mean[0]) - _SOFTENING


def mean_density(log_density: Float[Tensor, " n e *rest"]) -> Float[Tensor, " n *rest"]:
    """Return the log of the members' mean density; members are the second axis."""
    return torch.logsumexp(log_density, dim=1) - math.log(log_density.shape[1])


_SOFTENING = 0.02


def _line_of_redshift(redshift: Tensor) -> Tensor:
    return torch.log(redshift + _SOFTENING)


def _to_line(targets: Tensor) -> Tensor:
    return torch.cat([_line_of_redshift(targets[:, :1]), targets[:, 1:]], dim=1)


def _from_line(values: Tensor) -> Tensor:
    return torch.cat([torch.exp(values[:, :1]) - _SOFTENING, values[:, 1:]], dim=1)
