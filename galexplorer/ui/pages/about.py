"""The page on what the tool does, and what it cannot."""

import streamlit as st

from galexplorer.science.glossary import GLOSSARY
from galexplorer.ui.parts import page_style

TEXT = """
## Method

A convolutional variational autoencoder reduces the gri image of a galaxy to 32 numbers; smaller
networks, trained on real JPEGs, estimate redshift and mass of a JPEG and replace its image for
these two targets. Latents, photometry and angular scale condition a chain of neural spline
flows: redshift first; then stellar mass and star-formation rate given the redshift; then four
emission-line fluxes given all of those; finally gas-phase metallicity and black-hole mass, given
the rest. Every draw is joint, so correlations are preserved, and a known redshift can be held
fixed. Each step of the chain is the mean of three networks; where they disagree, the posterior is
wider.

The image is converted to the stretch of SDSS colour composites before it is encoded; training
and inference share this step.

## What the numbers mean

| Quantity | Meaning |
|---|---|
| Redshift | spectroscopic quality, 0 to 0.3 |
| Stellar mass, star-formation rate | total, Kroupa initial mass function |
| Gas-phase metallicity | 12 + log(O/H) on the scale of Tremonti et al. 2004 |
| Black-hole mass | from the M–σ relation, not a measurement of the black hole |
| Line fluxes | in SDSS's 3″ fibre, corrected for Galactic extinction |

BPT classes follow the demarcations of Kewley et al. 2001, Kauffmann et al. 2003 and
Schawinski et al. 2007; distances from the Planck 2018 cosmology.

## Limits

- The training domain is galaxies like those of SDSS up to redshift 0.3. A note says when a galaxy
  lies outside this domain; do not rely on its values.
- Lines are inferred from broad-band light. No line was measured: that requires a spectrum.
- The stellar masses used in training were derived from photometry, so good agreement
  with catalogues is partly circular.
- A black-hole mass is what the M–σ relation of McConnell & Ma 2013 gives for the velocity
  dispersion (70 to 420 km/s). The intrinsic scatter of 0.38 dex about that relation is not
  included in the posterior.
- Training images with star-formation rates, metallicities and lines were simulated, not observed;
  real images were used for redshift and mass only.
- An 8-bit JPEG has lost the faint light; a FITS file does not use the regressors, which were
  trained on real JPEGs. Which of the two is more informative was not measured.
- The posterior predicts SDSS catalogue values, including their systematic errors.

## Data and privacy

Uploaded files are read by this process and sent nowhere else. The network is used only when you
search for a galaxy, run a list of targets, click *Random galaxy*, *NGC 6978*, *Fetch its SDSS
image* or another object of a fetched image, or switch *SDSS pictures* on: then names and positions
go to Sesame or NED, SDSS, IRSA, the Legacy Surveys viewer or hips2fits.
Example galaxies are simulated by this project; images of neighbours are
reconstructions from stored latents. The manifest beside the weights says what they were
trained on.

## References

- Method: [arXiv:2511.12737](https://arxiv.org/abs/2511.12737)
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
    page_style.apply_style()
    with st.container(width=760):
        st.markdown(TEXT)
        words = "\n".join(f"- **{word}**: {meaning}" for word, meaning in GLOSSARY.items())
        st.markdown(f"## Glossary\n\n{words}")
