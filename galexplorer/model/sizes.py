"""How wide the networks are, and how many."""

from dataclasses import dataclass

from galexplorer.model import features

_WIDEST, _MOST_NETWORKS = 1024, 32
"""What is larger, a damaged manifest asks for."""


@dataclass(frozen=True)
class Sizes:
    """Widths of the networks; the manifest of the weights has the same names.

    Attributes
    ----------
    encoder : int
        Channels of the autoencoder's first stage.
    regressor : int
        Channels of the first stage of each regressor.
    regressors : int
        How many of them.
    context : int
        Length of the vector that conditions the flows.
    context_hidden, flow_hidden : int
        Width of the hidden layers before it and in each flow.
    members : int
        Networks of the ensemble behind the autoencoder.
    features : int
        How many of `galexplorer.model.features` the networks know; earlier ones lack the last.

    Raises
    ------
    ValueError
        If one is no number of a network that a laptop can hold.
    """

    encoder: int = 32
    regressor: int = 16
    regressors: int = 5
    context: int = 96
    context_hidden: int = 192
    flow_hidden: int = 128
    members: int = 3
    features: int = features.SIZE

    def __post_init__(self) -> None:
        for name, size in vars(self).items():
            least = int(name != "regressors")
            most = _MOST_NETWORKS if name in ("regressors", "members") else _WIDEST
            if type(size) is not int or not least <= size <= most:
                raise ValueError(f"{name} is {size!r}: it must lie between {least} and {most:,}.")
