"""A posterior in words: rounded values and a one-sentence summary."""

from collections.abc import Sequence

import numpy as np

from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Result
from galexplorer.records.verdict import DO_NOT_USE, FINE, LEVEL_WORDS
from galexplorer.schema import BPT_CLASSES, TARGETS
from galexplorer.science.lines import kpc_per_arcsec

BPT_LABELS = dict(zip(BPT_CLASSES, ("Star-forming", "Composite", "Seyfert", "LINER"), strict=True))

PASSIVE_LOG_SSFR = -11.0
"""log10 of 1/yr below which a galaxy counts as passive (Fontana et al. 2009, A&A 501, 15)."""

EARLY_TYPE_CONCENTRATION = 2.6
"""Ratio of Petrosian R90 to R50 that divides late from early types (Strateva et al. 2001,
AJ 122, 1861)."""

MIN_CLASS_PROBABILITY = 0.5
"""Probability from which a class is named."""

FAINT_LINES = 0.8
"""Probability that a spectrum shows too few lines for a class, from which none is named."""

FEW_WITHOUT_LINES = 0.05
"""Probability that a spectrum does not show the lines, up to which it need not be told."""

MIN_MEASURABLE_PROBABILITY = 0.5
"""Probability from which a metallicity is shown as a number."""

NOT_MEANT = "the values below mean nothing for what was given."
VALUES_ANYWAY = "Show the values, which mean nothing for what was given"
"""Said where the verdict is not to use a result."""

_DIGITS = {target.name: target.digits for target in TARGETS}
_KINDS = {
    "star_forming": "Star-forming galaxy",
    "composite": "Composite galaxy",
    "seyfert": "Seyfert galaxy",
    "liner": "LINER",
}


def format_number(value: float, digits: int) -> str:
    """Return a number with a real minus sign, which zero has not.

    Examples
    --------
    >>> format_number(-0.5, 2), format_number(-0.001, 2)
    ('−0.50', '0.00')
    """
    words = f"{value:.{digits}f}"
    zero = not words.strip("-0.")
    return words.removeprefix("-") if zero else words.replace("-", "\N{MINUS SIGN}")


def in_sentence(label: str) -> str:
    """Return a label as it stands within a sentence: typeset names keep their capitals.

    Examples
    --------
    >>> in_sentence("Stellar mass"), in_sentence("Hα flux"), in_sentence("[N II] 6584 flux")
    ('stellar mass', 'Hα flux', '[N II] 6584 flux')
    """
    first = label.split()[0] if label else ""
    plain = first.isascii() and first[:1].isalpha() and not first.isupper()
    return label[0].lower() + label[1:] if plain else label


def format_value(name: str, value: float) -> str:
    """Return a target's value with the digits that its posterior justifies."""
    return format_number(value, _DIGITS[name])


def format_interval(name: str, low: float, middle: float, high: float) -> str:
    """Return "middle (+upper -lower)" with the target's digits."""
    digits = _DIGITS[name]
    upper, lower = high - middle, middle - low
    return f"{format_value(name, middle)} (+{upper:.{digits}f} \N{MINUS SIGN}{lower:.{digits}f})"


def describe_interval(posterior: Posterior, name: str) -> str:
    """Return a target's median and 68% interval in words, or the value it is fixed at."""
    column = posterior.column(name).astype(float)
    if name in posterior.fixed:
        return f"{column[0]:.6g} (fixed)"
    low, middle, high = np.quantile(column, [0.16, 0.5, 0.84])
    return format_interval(name, low, middle, high)


def describe_detection(result: Result, name: str) -> str:
    """Return how likely a spectrum shows a line or a metallicity; empty where that is unknown."""
    chance = result.measurable.get(name)
    return "" if chance is None or not np.isfinite(chance) else f"{chance:.0%}"


def not_measurable(result: Result, name: str) -> str:
    """Return why a target has no value to show: "not measurable (p = 0.03)", empty where it has.

    A galaxy without lines of young stars has no metallicity that anyone could measure, and the
    draws of one are what it would be if it had. Lines are never without a value: theirs becomes
    an upper limit (`galexplorer.science.lines.line_status`).
    """
    chance = result.measurable.get(name, 1.0)
    hidden = name == "gas_metallicity" and chance < MIN_MEASURABLE_PROBABILITY
    return f"not measurable (p = {chance:.2f})" if hidden else ""


def shown_targets(result: Result, names: Sequence[str]) -> list[str]:
    """Return those of some targets that have a value to show."""
    return [name for name in names if not not_measurable(result, name)]


def passive_share(result: Result) -> float:
    """Return the share of the draws that form too few stars for an active galaxy."""
    posterior = result.posterior
    log_ssfr = posterior.column("log_sfr") - posterior.column("log_stellar_mass")
    return float(np.mean(log_ssfr < PASSIVE_LOG_SSFR))


def kind_of_galaxy(result: Result) -> str:
    """Return what kind of galaxy it is, from star formation and the BPT classes.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        A passive galaxy by its specific star-formation rate; one with faint lines where a spectrum
        would hardly show them; otherwise its BPT class, or the two likeliest where none reaches
        50%. Each says how likely it is: a BPT class among the draws that show the lines, and it
        says so where more than a few do not.
    """
    passive = passive_share(result)
    first, second = sorted(result.bpt, key=lambda name: -result.bpt[name])[:2]
    of = "draws with lines" if result.p_no_lines > FEW_WITHOUT_LINES else "draws"
    if passive > MIN_CLASS_PROBABILITY:
        return f"Passive galaxy ({passive:.0%} of draws)"
    if result.p_no_lines >= FAINT_LINES:
        return f"Galaxy with faint emission lines (p = {result.p_no_lines:.2f})"
    if result.bpt[first] >= MIN_CLASS_PROBABILITY:
        return f"{_KINDS[first]} ({result.bpt[first]:.0%} of {of})"
    return (
        f"Galaxy of uncertain class ({BPT_LABELS[first]} {result.bpt[first]:.0%}, "
        f"{BPT_LABELS[second]} {result.bpt[second]:.0%} of {of})"
    )


def describe_shares(result: Result) -> str:
    """Return what the percentages of classes by lines hold for, in a sentence.

    Those of the BPT and of the mass-excitation diagram alike are of the draws that show all four
    lines (`galexplorer.science.bpt.shows_lines`).

    Parameters
    ----------
    result : Result
    """
    seen = 1 - result.p_no_lines
    words = "Percentages: probability of each class"
    if np.isfinite(seen):
        words += f" if an SDSS spectrum shows all four lines (probability {seen:.0%})"
    return f"{words}."


def describe_classes(result: Result) -> str:
    """Return what the probabilities of the BPT classes hold for, in a sentence or two.

    The lines of a passive galaxy, where they are seen at all, mostly have the ratios of a LINER:
    old stars ionize the gas, and most such galaxies have no active nucleus (Cid Fernandes et al.
    2011, MNRAS 413, 1687, who call them retired where EW(Halpha) is below 3 A).

    Parameters
    ----------
    result : Result
    """
    words = describe_shares(result)
    if passive_share(result) > MIN_CLASS_PROBABILITY:
        words += (
            " The galaxy is probably passive: old stars can give its gas the lines of a LINER "
            "without an active nucleus (Cid Fernandes et al. 2011)."
        )
    return words


def describe_concentration(result: Result) -> str:
    """Return what the concentration of its light says of a galaxy's type, empty where unknown."""
    r50, r90 = result.photometry.petro_r50, result.photometry.petro_r90
    if r50 is None or r90 is None:
        return ""
    ratio = r90 / r50
    kind = (
        "early-type concentration"
        if ratio > EARLY_TYPE_CONCENTRATION
        else "late-type concentration"
    )
    return f"{kind} (R90/R50 = {ratio:.1f})"


def picture_scale(result: Result) -> float | None:
    """Return kpc per arcsec at the median redshift, None where the verdict doubts that."""
    doubted = {"prior_conflict", "fixed_redshift", "beyond"}.intersection(result.verdict.codes)
    if doubted or not result.verdict.usable:
        return None
    return float(kpc_per_arcsec(float(np.median(result.posterior.column("redshift")))))


def describe_galaxy(result: Result) -> str:
    """Return one sentence on what the galaxy is.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        Such as "Star-forming galaxy (87% of draws) at z = 0.021 (+0.012 −0.010), log M⋆ = ...".
        Where the verdict is not to use the result, what the matter is takes its place.
    """
    if not result.verdict.usable:
        return " ".join(each.what for each in result.verdict.worst[:1])
    posterior = result.posterior
    shape = describe_concentration(result)
    return (
        f"{kind_of_galaxy(result)} at z = {describe_interval(posterior, 'redshift')}, "
        f"log M⋆/M☉ = {describe_interval(posterior, 'log_stellar_mass')}"
        f"{', ' + shape if shape else ''}."
    )


def domain_sentence(result: Result) -> str:
    """Return one sentence on whether the galaxy is in the training domain."""
    if result.domain.inside:
        return "It resembles the training galaxies."
    reasons = " ".join(result.domain.reasons)
    return f"It lies outside the training domain: treat all values with caution. {reasons}".strip()


def verdict_sentences(result: Result) -> tuple[str, ...]:
    """Return the verdict in words: a sentence or two on each reason, with what to do.

    Parameters
    ----------
    result : Result

    Returns
    -------
    tuple of str
        Where all is well, that it resembles the training galaxies; nothing where nobody can say.
    """
    verdict = result.verdict
    if verdict.level == FINE:
        return (domain_sentence(result),)
    words = tuple(f"{each.what} {each.advice}" for each in verdict.reasons)
    if verdict.level == DO_NOT_USE:
        return (f"{LEVEL_WORDS[DO_NOT_USE]}: {NOT_MEANT}", *words)
    return (f"{LEVEL_WORDS[verdict.level]}: {words[0]}", *words[1:])


def class_words(result: Result) -> str:
    """Return the likeliest BPT class with its probability, empty where the verdict allows none.

    Of a passive galaxy it is what its lines look like, and says so.
    """
    if not result.verdict.usable:
        return ""
    kind = max(result.bpt, key=lambda name: np.nan_to_num(result.bpt[name]))
    words = f"{BPT_LABELS[kind]} {result.bpt[kind]:.0%}"
    passive = passive_share(result) > MIN_CLASS_PROBABILITY
    return f"Passive; its lines: {words}" if passive else words


def emphasise(result: Result, words: str) -> str:
    """Return words in Markdown's bold, plain where the verdict is not to use the result."""
    return f"**{words}**" if result.verdict.usable else words
