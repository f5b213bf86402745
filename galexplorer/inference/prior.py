"""A redshift prior of the user's own: independent information p(z) that multiplies the posterior.

The redshift is the first of the chain of flows, and all other targets are conditioned on it. So a
posterior under such a prior is exact: its redshifts are drawn from the normalised product, and the
rest of the chain follows as it does without a prior.
"""

import hashlib
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from astropy.table import Table
from jaxtyping import Float

from galexplorer.errors import InputError, OptionError
from galexplorer.records.result import Result
from galexplorer.records.verdict import Reason
from galexplorer.schema import TARGETS
from galexplorer.verdict.judgement import doubts_about_prior

MAX_POINTS = 100_000
_REACH = 8.0
"""Standard deviations that a Gaussian reaches."""
_BINS = 512
_SOFTENING = 0.02  # of the line that the redshift's flow lives on
_TINY = 1e-300
_DIFFERENCES = 4096
_NUMBER = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
_PAIR = re.compile(f"{_NUMBER},{_NUMBER}")
_REDSHIFT_NAMES = ("z", "redshift", "zgrid", "z_grid", "photoz", "zphot")
_DENSITY_NAMES = ("p", "pz", "p_z", "p(z)", "pdf", "density", "probability", "posterior")


@dataclass(frozen=True, eq=False)
class RedshiftPrior:
    """A density of redshift, straight between its points and zero beyond them.

    Attributes
    ----------
    redshift : ndarray, shape (n,)
        Increasing.
    density : ndarray, shape (n,)
        Per unit of redshift; its integral is 1.
    words : str
        What it is, for messages.
    """

    redshift: Float[np.ndarray, " n"]
    density: Float[np.ndarray, " n"]
    words: str

    @property
    def sha256(self) -> str:
        """Return a hash of the density."""
        return hashlib.sha256(self.redshift.tobytes() + self.density.tobytes()).hexdigest()

    def cumulative(self, redshift: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return the probability below redshifts, exactly.

        Parameters
        ----------
        redshift : ndarray, shape (m,)

        Returns
        -------
        ndarray, shape (m,)
        """
        z, p = self.redshift, self.density
        ends = np.concatenate([[0.0], np.cumsum(np.diff(z) * (p[1:] + p[:-1]) / 2)])
        inside = np.clip(redshift, z[0], z[-1])
        k = np.clip(np.searchsorted(z, inside, side="right") - 1, 0, len(z) - 2)
        step = inside - z[k]
        slope = (p[k + 1] - p[k]) / (z[k + 1] - z[k])
        return ends[k] + step * (p[k] + slope * step / 2)

    def edges(self, low: float, high: float) -> Float[np.ndarray, " m"]:
        """Return edges of bins in which it and a posterior hardly change, between two limits."""
        wide = np.geomspace(low + _SOFTENING, high + _SOFTENING, _BINS + 1) - _SOFTENING
        first, last = (float(np.clip(z, low, high)) for z in self.redshift[[0, -1]])
        fine = np.linspace(first, last, 16 * _BINS + 1)
        below = self.cumulative(fine)
        narrow = np.interp(np.linspace(below[0], below[-1], _BINS + 1), below, fine)
        return np.sort(np.clip(np.concatenate([[low, high], wide, narrow]), low, high))


Prior: TypeAlias = RedshiftPrior | Table | bytes | str | Path | tuple[float, float]
"""A prior, or what `read_prior` makes one of."""


@dataclass(frozen=True)
class PriorWeight:
    """What a prior does to the posterior of a galaxy.

    Attributes
    ----------
    effective : float
        Effective sample size over number of draws, were draws of the posterior without the prior
        weighted with it (Kish 1965): 1 changes nothing; a narrow prior makes it small, and so does
        one that the data contradict.
    agreement : float
        Probability of a difference between a redshift of the posterior and one of the prior that
        is no likelier than none. Of two normal densities it is that of a deviation as large as
        theirs: 1 where they agree, 0.0027 at three standard deviations.
    evidence : float
        Integral of the posterior without the prior times the prior, per unit of redshift.
    """

    effective: float
    agreement: float
    evidence: float

    @property
    def doubts(self) -> tuple[Reason, ...]:
        """What a verdict says if the prior and the data contradict each other."""
        return doubts_about_prior(self.agreement)


@dataclass(frozen=True, eq=False)
class Product:
    """The posterior of a galaxy's redshift under a prior, in bins.

    Attributes
    ----------
    edges, cumulative : ndarray, shape (m + 1,)
        Ends of the bins, and the probability below them.
    weight : PriorWeight
    """

    edges: Float[np.ndarray, " m1"]
    cumulative: Float[np.ndarray, " m1"]
    weight: PriorWeight

    def quantiles(self, share: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
        """Return the redshifts below which given shares of it lie."""
        return np.interp(share, self.cumulative, self.edges)


def multiply(
    edges: Float[np.ndarray, " m1"], mass: Float[np.ndarray, " m"], prior: RedshiftPrior
) -> Product:
    """Multiply the posterior of a redshift with a prior.

    Parameters
    ----------
    edges : ndarray, shape (m + 1,)
        Of bins, in order; empty ones may be among them.
    mass : ndarray, shape (m,)
        What the posterior without a prior has in them.
    prior : RedshiftPrior

    Returns
    -------
    Product
        Where it is nothing that a float holds, the prior alone, with an agreement of 0.
    """
    width = np.maximum(np.diff(edges), _TINY)
    own = np.where(np.diff(edges) > 0, np.diff(prior.cumulative(edges)), 0.0)
    posterior = np.where(np.diff(edges) > 0, mass, 0.0) / max(float(mass.sum()), _TINY)
    given = own / width
    product = posterior * given
    evidence = float(product.sum())
    if evidence > 1e-200:
        shares = product / evidence
        effective = min(evidence**2 / float((product * given).sum()), 1.0)
        agreement = _agreement(edges, posterior, prior)
    else:
        shares, effective, agreement = own / own.sum(), 0.0, 0.0
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    return Product(edges, cumulative / cumulative[-1], PriorWeight(effective, agreement, evidence))


def _agreement(edges: np.ndarray, posterior: np.ndarray, prior: RedshiftPrior) -> float:
    """Return the share of the differences of draws of both that are not denser than zero.

    As tensions between experiments are judged (Raveri & Doux 2021,
    doi:10.1103/PhysRevD.104.043504), here of one parameter.
    """
    even = np.linspace(edges[0], edges[-1], _DIFFERENCES + 1)
    below = np.interp(even, edges, np.concatenate([[0.0], np.cumsum(posterior)]))
    shares = np.diff(below), np.diff(prior.cumulative(even))[::-1]
    spectra = (np.fft.rfft(share, 2 * _DIFFERENCES) for share in shares)
    differences = np.fft.irfft(math.prod(spectra), 2 * _DIFFERENCES).clip(min=0)
    none = differences[_DIFFERENCES - 1]
    likely = differences > none * (1 + 1e-6)
    return float(1 - differences[likely].sum() / differences.sum())


def gaussian(mean: float, sigma: float) -> RedshiftPrior:
    """Return a Gaussian prior, such as a cluster's redshift and the scatter of its members.

    Raises
    ------
    OptionError
        If `sigma` is not positive, or nothing of it lies within the model's range.
    """
    if not (abs(mean) <= 100 and 1e-6 <= sigma <= 10):
        raise OptionError(
            f"A redshift prior of {mean:g} ± {sigma:g} cannot be used: give a mean, and a standard "
            "deviation between 0.000001 and 10."
        )
    z = mean + sigma * np.linspace(-_REACH, _REACH, 1025)
    return _normalised(z, np.exp(-0.5 * ((z - mean) / sigma) ** 2), f"{mean:g} ± {sigma:g}")


def read_prior(source: Prior) -> RedshiftPrior:
    """Read a redshift prior.

    Parameters
    ----------
    source : RedshiftPrior, tuple of float, str, Path, bytes or Table
        Mean and standard deviation of a Gaussian, also as text, ``0.023,0.003``; or a table, in a
        file of any format that is read or in memory, with a column ``z`` (or ``redshift``) and a
        column ``p`` (or ``pdf``), or of two columns in this order. The density is straight between
        its rows, zero beyond them, and need not be normalised.

    Returns
    -------
    RedshiftPrior

    Raises
    ------
    InputError
        If a table cannot be read or is no density.
    OptionError
        If nothing of the prior lies within the model's range.

    Examples
    --------
    >>> read_prior("0.1, 0.02").cumulative(np.array([0.1])).round(3)
    array([0.5])
    """
    if isinstance(source, RedshiftPrior):
        return source
    if isinstance(source, tuple):
        mean, sigma = source
        return gaussian(float(mean), float(sigma))
    if isinstance(source, str) and (match := _PAIR.fullmatch(source)):
        return gaussian(float(match[1]), float(match[2]))
    from galexplorer.tables.cells import numbers_of
    from galexplorer.tables.formats import read_raw

    label = str(source) if isinstance(source, str | Path) else "the redshift prior"
    table = read_raw(source, name=label).table
    if not 2 <= len(table) <= MAX_POINTS:
        raise InputError(
            f"{label} has {len(table):,} rows: a redshift prior has between 2 and {MAX_POINTS:,}, "
            "each with a redshift and its density."
        )
    names = _choose_columns(table, label)
    (z, odd), (p, other) = (numbers_of(table[name], name, label) for name in names)
    if odd.any() or other.any() or not (np.isfinite(z).all() and np.isfinite(p).all()):
        raise InputError(f"{label} has rows without a redshift or a density: remove them.")
    if (p < 0).any():
        raise InputError(f"{label} has negative densities: they must be 0 or more.")
    order = np.argsort(z, kind="stable")
    if (np.diff(z[order]) <= 0).any():
        raise InputError(f"{label} has a redshift twice: keep one row of each.")
    words = f"p(z) of {Path(label).name}" if isinstance(source, str | Path) else "p(z) as given"
    return _normalised(z[order], p[order], words)


def _choose_columns(table: Table, label: str) -> tuple[str, str]:
    from galexplorer.tables.cells import is_plain

    plain = [name for name in table.colnames if is_plain(table[name])]
    known = {name.strip().lower(): name for name in reversed(plain)}
    z = next((known[word] for word in _REDSHIFT_NAMES if word in known), None)
    p = next((known[word] for word in _DENSITY_NAMES if word in known), None)
    if z and p:
        return z, p
    if len(plain) == 2:
        return plain[0], plain[1]
    raise InputError(
        f"{label} is no redshift prior: give it a column z and a column p, its density."
    )


def _normalised(z: np.ndarray, p: np.ndarray, words: str) -> RedshiftPrior:
    z, p = np.asarray(z, np.float64), np.asarray(p, np.float64)
    with np.errstate(all="ignore"):
        scaled, steps = p / p.max(), np.diff(z)
        density = scaled / np.sum(steps * (scaled[1:] + scaled[:-1]) / 2)
        possible = np.isfinite(density).all() and np.isfinite(1.0 / steps).all()
    if not (possible and density.max() > 0):
        raise InputError(f"The redshift prior {words} is no density: check its rows.")
    check_within(prior := RedshiftPrior(z, density, words), *TARGETS[0].bounds)
    return prior


def check_within(prior: RedshiftPrior, low: float, high: float) -> None:
    """Refuse a prior that is zero between two limits.

    Raises
    ------
    OptionError
        If it is.
    """
    below, above = prior.cumulative(np.array([low, high], np.float64))
    if not above - below > 1e-12:
        raise OptionError(
            f"The redshift prior {prior.words} has no probability between {low:g} and {high:g}: "
            "give one that has, or leave it out."
        )


def choose_prior(
    source: Prior | None,
    redshift: float | None = None,
    redshift_range: tuple[float, float] | None = None,
) -> RedshiftPrior | None:
    """Read a prior where one is given, and check it against what else is stated of the redshift.

    Raises
    ------
    OptionError
        If the redshift is fixed too, or the prior is zero in the range.
    InputError
        If it cannot be read.
    """
    if source is None:
        return None
    if redshift is not None:
        raise OptionError("Give a redshift or a redshift prior, not both.")
    prior = read_prior(source)
    check_within(prior, *(redshift_range or TARGETS[0].bounds))
    return prior


def tell_prior(result: Result, prior: RedshiftPrior | None, weight: PriorWeight | None) -> Result:
    """Add to a result what its prior was and did: to notes, provenance and verdict.

    Parameters
    ----------
    result : Result
    prior : RedshiftPrior or None
        Without one, the result stays as it is.
    weight : PriorWeight or None

    Returns
    -------
    Result
    """
    if prior is None or weight is None:
        return result
    draws = len(result.posterior.draws)
    note = (
        f"Redshift prior {prior.words}: {draws:,} draws without it would be an effective sample "
        f"of {weight.effective * draws:,.0f} under it."
    )
    told = {
        "prior": prior.words,
        "sha256": prior.sha256,
        "effective_draws": round(weight.effective * draws, 1),
        "agreement": float(f"{weight.agreement:.4g}"),
        "evidence": float(f"{weight.evidence:.4g}"),
    }
    return replace(
        result,
        notes=(*result.notes, note),
        verdict=result.verdict.with_reasons(weight.doubts),
        provenance={**result.provenance, "redshift_prior": told},
    )
