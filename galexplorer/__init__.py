"""Joint posteriors of galaxy properties from one image or from photometry alone."""

__version__ = "0.1.0"
