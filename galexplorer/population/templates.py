"""The galaxy templates of kcorrect (Blanton & Roweis 2007, astro-ph/0606170), read once."""

import functools
import warnings

from kcorrect.kcorrect import KcorrectSDSS


@functools.cache
def sdss_templates() -> KcorrectSDSS:
    """Return the fitter for ugriz; kcorrect leaves its own files open; that warning is silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        return KcorrectSDSS()
