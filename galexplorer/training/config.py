"""Settings of a training run, from one YAML file."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from galexplorer.errors import OptionError
from galexplorer.model.sizes import Sizes


@dataclass(frozen=True)
class Config:
    """Settings of a training run; the YAML file has the same names.

    Attributes
    ----------
    steps : int
        Optimiser steps on pixels, of everything but the regressors.
    seed : int
    learning_rate, weight_decay, ema : float
    real, unlabelled, rendered, tables : int
        Rows per step of each kind. The labels of real JPEGs reach the flows through the
        regressors: an encoder that learns from them too tells the flows more of its training
        images than of any other. Without regressors, `real` is how they are learnt.
    vae_weight, kl_weight : float
        Weight of the autoencoder's loss, and of the KL divergence within it.
    pixel_sigma : float
        Width of the reconstruction's likelihood, in levels of 0..1.
    completed_weight : float
        Weight of imputed labels of images against measured ones.
    completed_table_weight : float
        Likewise of rows without an image. What was imputed for them adds nothing to measured ones:
        it comes from their magnitudes alone.
    measurable_weight : float
        Weight of the cross-entropy of what a spectrum would show.
    dropout : float
        In the network that makes the context of the flows.
    patience : int
        Stop after so many reports without a better validation score; 0 never stops. In either
        case the averaged weights with the best score are returned.
    keep_start : bool
        Whether the weights that a stage begins with may be the best. Not where they know more of
        the training images than they should.
    report_steps : int
        Steps between two reports.
    validation_rows : int
        Most held-out rows of each kind of input that a report looks at.
    flow_steps : int
        Steps of the last stage, which trains the flows alone on latents and estimates; 0
        leaves it out.
    flow_batch : int
        Rows per step of the last stage.
    flow_real, flow_rendered : float
        Shares of real and rendered images among them; tables are the rest. A row weighs the same
        wherever it comes from.
    flow_views, flow_real_views : int
        Views of each rendered and each real training image whose latents are kept: as it is, and
        changed at random.
    flow_learning_rate, flow_weight_decay, flow_ema : float
    flow_dropout, flow_last_dropout : float
        In the network that makes the context of the flows, and in those of the flows of metallicity
        and black-hole mass: the few galaxies that have these are soon learnt by heart.
    flow_noise : float
        Noise added to latents in the last stage, in units of the encoder's own uncertainty, so
        that the flows do not learn single images by heart.
    flow_patience : int
        As `patience`, in reports of the last stage.
    regressor_steps : int
        Steps of the regressors, which learn before all else and apart; 0 leaves them as they are.
    regressor_batch : int
        Images per step of each.
    regressor_learning_rate, regressor_weight_decay, regressor_ema, regressor_dropout : float
    regressors, regressor_width, encoder_width : int
    context_size, context_width, flow_width, members : int
        See `galexplorer.model.network.Sizes`.
    checkpoint_minutes : float
    threads : int
        CPU threads; 0 leaves torch's choice.
    workers : int
        Processes that prepare rows for a GPU ahead of it; a CPU prepares its own.
    """

    steps: int = 4000
    seed: int = 1
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.03
    ema: float = 0.998
    real: int = 0
    unlabelled: int = 64
    rendered: int = 96
    tables: int = 256
    vae_weight: float = 2e-3
    kl_weight: float = 1.0
    pixel_sigma: float = 0.06
    completed_weight: float = 0.3
    completed_table_weight: float = 0.3
    measurable_weight: float = 0.3
    dropout: float = 0.05
    patience: int = 0
    keep_start: bool = True
    report_steps: int = 200
    validation_rows: int = 600
    flow_steps: int = 4000
    flow_batch: int = 2048
    flow_real: float = 0.08
    flow_rendered: float = 0.32
    flow_views: int = 2
    flow_real_views: int = 8
    flow_learning_rate: float = 1e-3
    flow_weight_decay: float = 0.03
    flow_ema: float = 0.998
    flow_dropout: float = 0.1
    flow_last_dropout: float = 0.0
    flow_noise: float = 0.0
    flow_patience: int = 6
    regressor_steps: int = 4800
    regressor_batch: int = 64
    regressor_learning_rate: float = 2e-3
    regressor_weight_decay: float = 0.05
    regressor_ema: float = 0.995
    regressor_dropout: float = 0.3
    regressors: int = 5
    regressor_width: int = 16
    encoder_width: int = 32
    context_size: int = 96
    context_width: int = 192
    flow_width: int = 128
    members: int = 3
    checkpoint_minutes: float = 3.0
    threads: int = 0
    workers: int = 8

    def sizes(self) -> Sizes:
        """Return the widths of the networks."""
        return Sizes(
            encoder=self.encoder_width,
            regressor=self.regressor_width,
            regressors=self.regressors,
            context=self.context_size,
            context_hidden=self.context_width,
            flow_hidden=self.flow_width,
            members=self.members,
        )


def read_config(path: Path | None) -> Config:
    """Read a YAML file of settings.

    Raises
    ------
    OptionError
        If it cannot be read, or names a setting that does not exist.
    """
    if path is None:
        return Config()
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except FileNotFoundError:
        raise OptionError(f"{path} does not exist; name a YAML file of settings.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OptionError(f"{path} cannot be read as YAML; check the file.") from error
    if not isinstance(values, dict):
        raise OptionError(f"{path} holds no settings; write lines such as `steps: 3000`.")
    unknown = set(values) - set(Config.__dataclass_fields__)
    if unknown:
        raise OptionError(f"{path} has unknown settings: {', '.join(sorted(map(str, unknown)))}.")
    for name, value in values.items():
        kind = type(getattr(Config, name))
        if isinstance(value, bool) != (kind is bool) or not isinstance(value, (int, kind)):
            wanted = "true or false" if kind is bool else "a number"
            raise OptionError(f"{path}: {name} is {value!r}; write {wanted}.")
        values[name] = kind(value)
    if values.get("members", 1) < 1 or values.get("flow_noise", 0.0) < 0:
        raise OptionError(f"{path}: members must be at least 1 and flow_noise at least 0.")
    if values.get("regressors", 0) < 0 or values.get("regressors") == 1:
        raise OptionError(
            f"{path}: regressors must be 0 or at least 2, since each leaves out a part."
        )
    if values.get("flow_real", 0.0) + values.get("flow_rendered", 0.0) >= 1.0:
        raise OptionError(f"{path}: flow_real and flow_rendered leave nothing for the tables.")
    config = Config(**values)
    try:
        config.sizes()
    except ValueError as error:
        raise OptionError(f"{path} asks for networks that no model has: {error}") from None
    return config
