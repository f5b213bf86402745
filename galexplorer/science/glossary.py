"""Words of the field in plain sentences: for the app's hints and the documentation."""

GLOSSARY = {
    "Posterior": "What is probable of a galaxy once its picture and magnitudes are known: not one "
    "number, but how likely each is, of all nine quantities together.",
    "Draw": "One possible galaxy, with a value of each quantity, picked as often as it is likely. "
    "Thousands of draws stand for the posterior; a share of draws is a probability.",
    "68% interval": "Holds the middle 68% of the draws, as one standard deviation does of a "
    "Gaussian. The true value lies outside in about one of three galaxies.",
    "Median": "Half of the draws lie below it, and half above.",
    "Prior": "What was taken to be likely before this galaxy was looked at.",
    "dex": "A step of a decimal logarithm: 1 dex is a factor of 10, 0.3 dex a factor of 2.",
    "Redshift z": "By how much the expansion of the Universe has stretched the light: the larger, "
    "the more distant. At z = 0.1 the light was on its way for 1.3 billion years.",
    "Stellar mass M⋆": "The mass of all stars of the galaxy, in masses of the Sun (M☉).",
    "Star-formation rate (SFR)": "The mass of stars that form in a year. The specific rate (sSFR) "
    "is that divided by the stellar mass.",
    "12 + log(O/H)": "How many oxygen atoms the gas has for each of hydrogen, on a logarithmic "
    "scale: 8.69 in the Sun. Astronomers call it metallicity.",
    "M–σ relation": "Galaxies whose stars move faster have heavier black holes in their centres; "
    "the relation turns one into the other.",
    "Emission lines": "Light that gas gives off at single wavelengths, such as Hα and Hβ of "
    "hydrogen, [N II] of nitrogen and [O III] of oxygen. A spectrum measures them; here they are "
    "predicted.",
    "BPT diagram": "Two ratios of emission lines tell what ionizes the gas (Baldwin, Phillips & "
    "Terlevich 1981): young stars, an active nucleus, or both.",
    "Star-forming": "Young, hot stars ionize the gas.",
    "Composite": "Between the two curves of the BPT diagram: young stars and an active nucleus "
    "together, or either.",
    "Seyfert": "An active nucleus: gas that falls into the central black hole shines and ionizes "
    "the rest.",
    "LINER": "Low-ionization nuclear emission-line region: weak lines of the kind that a faint "
    "active nucleus makes, and old stars as well.",
    "Passive": "Forms hardly any stars: less than 10⁻¹¹ of its stellar mass in a year. If it has "
    "lines at all, old stars mostly ionize the gas, so that it looks like a LINER (a retired "
    "galaxy; Hα then has an equivalent width below 3 Å).",
    "Mass-excitation diagram (MEx)": "As the BPT diagram, with the stellar mass in place of one "
    "ratio of lines (Juneau et al. 2014).",
    "Corner plot": "Every pair of quantities in a panel, and each alone on the diagonal: it shows "
    "which of them go together.",
    "Latent space": "The network sums a picture up in 32 numbers. Galaxies that look alike have "
    "numbers alike, so that near in this space means alike.",
    "Petrosian radius": "The radius at which the surface brightness falls to a fifth of its mean "
    "inside, a ratio that does not depend on distance. R50 and R90 hold 50% and 90% of the light "
    "within twice that radius.",
    "Nanomaggy": "The unit of flux in SDSS's images: one is a magnitude of 22.5.",
}
"""What each word means, in a sentence or two of its own."""


def explain(*words: str) -> str:
    """Return what some words mean, in Markdown.

    Parameters
    ----------
    *words : str
        Of `GLOSSARY`.

    Examples
    --------
    >>> explain("Median")
    '**Median**: Half of the draws lie below it, and half above.'
    """
    return "\n\n".join(f"**{word}**: {GLOSSARY[word]}" for word in words)
