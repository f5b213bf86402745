"""The page on what the tool does, and what it cannot."""

import streamlit as st

from galexplorer.ui.parts import frame

TEXT = """
## Method

A convolutional variational autoencoder reduces the gri image of a galaxy to 32 numbers; smaller
networks, taught by real JPEGs, estimate redshift and mass of a JPEG, and for these two stand for
its image. All of this, the photometry and the angular scale condition a chain of neural spline
flows: redshift first; then stellar mass and star-formation rate given the redshift; then four
emission-line fluxes given all of those; last gas metallicity and black-hole mass, each given the
rest. Every draw is one joint answer, so that correlations survive, and a redshift that is known
can be held fixed. Each step of the chain is the mean of three networks; where they differ, the
answer is wider.

The image is brought to the colour scale of SDSS's own composites before the model sees it, and
training and inference share that step.

## What the numbers mean

| Quantity | Meaning |
|---|---|
| Redshift | spectroscopic quality, 0 to 0.3 |
| Stellar mass, star-formation rate | total, Kroupa initial mass function |
| Gas metallicity | 12 + log(O/H) on the scale of Tremonti et al. 2004 |
| Black-hole mass | through the M–σ relation, not a measurement of the hole |
| Line fluxes | in SDSS's 3″ fibre, corrected for Galactic extinction |

Line classes come from the demarcations of Kewley et al. 2001, Kauffmann et al. 2003 and
Schawinski et al. 2007; distances from the Planck 2018 cosmology.

## Limits

- It knows galaxies of SDSS's kind up to a redshift of 0.3. A verdict says when a galaxy lies
  outside of what it learnt from; trust no number then.
- Lines are inferred from light in broad bands. No line was measured: take a spectrum for that.
- Stellar masses it learnt from were themselves derived from photometry, so that a good agreement
  with catalogues is partly circular.
- A black-hole mass is what the M–σ relation of McConnell & Ma 2013 gives for the velocity
  dispersion (70 to 420 km/s). Holes scatter about that relation by 0.38 dex, which the posterior
  leaves out.
- Images with star-formation rates, metallicities and lines were rendered, not observed; real
  images taught redshift and mass.
- An 8-bit JPEG has lost the faint light; a FITS file goes without the estimates that real JPEGs
  taught. Which of the two tells more was not measured.
- The posterior answers "what would SDSS's catalogues say", their systematic errors included.

## Data and privacy

What you drop here is read in this process and goes nowhere else. The network is used only when you
search for a galaxy, run a list of targets, click *NGC 6978* or switch *SDSS pictures* on: then
names and positions go to Sesame or NED, SDSS, IRSA, the Legacy Surveys viewer or hips2fits.
Example galaxies are rendered by this project; pictures of neighbours are
reconstructions from stored latents. The manifest beside the weights says what they were
trained on.

## References

- The method this follows: [arXiv:2511.12737](https://arxiv.org/abs/2511.12737)
- Variational autoencoder: Kingma & Welling 2013,
  [arXiv:1312.6114](https://arxiv.org/abs/1312.6114)
- Neural spline flows: Durkan et al. 2019, [arXiv:1906.04032](https://arxiv.org/abs/1906.04032)
- Colour composites: Lupton et al. 2004,
  [astro-ph/0312483](https://arxiv.org/abs/astro-ph/0312483)
- Imaging and spectra: [Sloan Digital Sky Survey](https://www.sdss.org)
- Corner plots: Foreman-Mackey 2016, [JOSS 1, 24](https://doi.org/10.21105/joss.00024)
"""


def page() -> None:
    """Draw the page."""
    frame.dress()
    with st.container(width=760):
        st.markdown(TEXT)
