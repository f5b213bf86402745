"""From an observation to its posterior: the same engine for app, command line and catalogues."""

from collections.abc import Sequence
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer, UInt8
from torch import Tensor

from galexplorer.inference.detection import (
    check_detected,
    keep_detected,
    tell_detected,
    tell_measurable,
)
from galexplorer.inference.neighbours import LIBRARY_FILE, ORIGINS, SOURCE, Library, to_picture
from galexplorer.inference.noise import keys_of
from galexplorer.inference.options import check_options
from galexplorer.inference.prepared import (
    Encoded,
    PreparedObservation,
    errors_of,
    fibre_magnitudes_of,
    magnitudes_of,
    seen_magnitudes_of,
)
from galexplorer.inference.prior import Prior, choose_prior, tell_prior
from galexplorer.inference.sampler import Sampler
from galexplorer.model.features import INPUTS, JPEG, LOG_SCALE, WITHOUT_FIBRE, photometry_features
from galexplorer.model.modes import modes_of
from galexplorer.model.network import ImageSummary
from galexplorer.model.weights import Weights, load, read_arrays
from galexplorer.records.observation import Cutout, Observation, Stored
from galexplorer.records.posterior import Posterior
from galexplorer.records.result import Domain, Neighbour, Result, View
from galexplorer.records.verdict import Reason, Verdict
from galexplorer.schema import BANDS, MEASURABLE_NAMES
from galexplorer.science.bpt import class_probabilities
from galexplorer.science.caveats import warned_targets
from galexplorer.verdict.classifiers import VERDICT_FILE
from galexplorer.verdict.domain import DomainStatistics, assess_domain, distance_inputs, misfit_of
from galexplorer.verdict.judgement import Screens, judge
from galexplorer.version import versions

DOMAIN_FILE = "domain.safetensors"
NEIGHBOURS = 8

_EngineT = TypeVar("_EngineT", bound="Engine")  # not Self, which no checker at run time knows


class Engine(Sampler):
    """A loaded model. Immutable, so threads may share it."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights.model)
        self.weights = weights

    @cached_property
    def library(self) -> Library:
        """Return the library of real galaxies."""
        source = self.weights.manifest.get("library", {}).get("source", SOURCE)
        return Library(self._read(LIBRARY_FILE), source)

    @cached_property
    def domain(self) -> DomainStatistics:
        """Return what new galaxies are compared with."""
        return DomainStatistics.from_arrays(self._read(DOMAIN_FILE))

    @cached_property
    def screens(self) -> Screens | None:
        """Return the classifiers of the verdict; None where the manifest names none."""
        if self.weights.sha256_of(VERDICT_FILE) is None:
            return None
        return Screens.from_arrays(self._read(VERDICT_FILE))

    def _read(self, name: str) -> dict[str, Tensor]:
        return read_arrays(self.weights.folder, name, self.weights.manifest)

    @classmethod
    def load(
        cls: type[_EngineT], weights_dir: Path | None = None, device: str = "auto"
    ) -> _EngineT:
        """Load weights, library and domain statistics, and set torch to one thread.

        Threads of torch that wait for each other on a busy machine take ten times as long as one
        thread; on an idle one they gain little. So galaxies run in parallel, one thread each.

        Raises
        ------
        WeightsError
            If a file is missing, damaged or of another version.
        OptionError
            If the device is not available.
        """
        torch.set_num_threads(1)
        engine = cls(load(weights_dir, device))
        _ = engine.library, engine.domain, engine.screens  # read here, where an error is expected
        return engine

    @torch.inference_mode()
    def infer(
        self,
        target: Observation,
        *,
        redshift: float | None = None,
        redshift_range: tuple[float, float] | None = None,
        prior: Prior | None = None,
        detected: Sequence[str] = (),
        draws: int = 5000,
        seed: int = 0,
        prepared: PreparedObservation | None = None,
    ) -> Result:
        """Infer one galaxy.

        Parameters
        ----------
        target : Observation
        redshift : float, optional
            Known redshift: the other targets are conditioned on it.
        redshift_range : tuple of float, optional
            Prior range: the posterior is restricted to it.
        prior : RedshiftPrior, or what `galexplorer.inference.prior.read_prior` reads, optional
            Independent information on the redshift, which multiplies the posterior.
        detected : sequence of str
            Lines that the galaxy's spectrum is known to show.
        draws : int
        seed : int
        prepared : PreparedObservation, optional
            What `prepare` returned for this observation, where it is at hand.

        Returns
        -------
        Result

        Raises
        ------
        OptionError
            If an option is out of range or two contradict each other.
        InputError
            If the prior cannot be read.
        """
        check_options(redshift, redshift_range, draws, seed)
        known = choose_prior(prior, redshift, redshift_range)
        lines = check_detected(detected)
        prepared = self.prepare(target) if prepared is None else prepared
        fixed = None if redshift is None else torch.tensor([redshift])
        encoded = prepared.encoded
        drawn = self.sample(encoded, draws, seed, fixed, redshift_range, [known]).numpy()
        kept, effective = keep_detected(drawn, magnitudes_of([target])[:, 2], lines)
        samples = kept[0]
        measurable = tell_measurable(self.measurable(prepared.encoded, kept[..., 0])[0], lines)
        doubts = self.doubts(
            prepared.encoded,
            np.array([np.nan if redshift is None else redshift]),
            np.array([(np.nan, np.nan) if redshift_range is None else redshift_range], float),
        )
        result = self.compose(
            target, prepared, samples, measurable, redshift, redshift_range, seed, doubts[0]
        )
        result = tell_detected(result, lines, effective[0])
        return tell_prior(result, known, *self.weigh(encoded, [known], redshift_range))

    def compose(
        self,
        observation: Observation,
        prepared: PreparedObservation,
        samples: np.ndarray,
        measurable: np.ndarray,
        redshift: float | None,
        redshift_range: tuple[float, float] | None,
        seed: int,
        doubts: tuple[Reason, ...] = (),
    ) -> Result:
        """Put together what is known of one galaxy once its draws are there.

        Parameters
        ----------
        observation : Observation
        prepared : PreparedObservation
            Of this observation.
        samples : ndarray, shape (draws, 9)
        measurable : ndarray, shape (5,)
            Probability of each of `galexplorer.schema.MEASURABLE_NAMES`.
        redshift, redshift_range, seed
            What the draws were made with.
        doubts : tuple of Reason
            What `doubts` said of the galaxy.

        Returns
        -------
        Result
        """
        posterior = Posterior(samples.astype(np.float32), () if redshift is None else ("redshift",))
        shares = {name: float(p) for name, p in zip(MEASURABLE_NAMES, measurable, strict=True)}
        warned = warned_targets(posterior, shares["gas_metallicity"]).values()
        library_notes = self.library.notes if prepared.latent is not None else ()
        return Result(
            posterior=posterior,
            bpt=class_probabilities(posterior.draws, shares),
            measurable=shares,
            photometry=observation.photometry,
            domain=prepared.domain,
            neighbours=prepared.neighbours,
            view=prepared.view,
            notes=(*observation.notes, *self._unused(observation), *warned, *library_notes),
            provenance=self._provenance(
                observation, prepared.kind, redshift, redshift_range, len(samples), seed
            ),
            known=observation.known,
            origins=observation.origins,
            latent=prepared.latent,
            verdict=prepared.verdict.with_reasons(doubts),
        )

    @torch.inference_mode()
    def prepare(self, observation: Observation) -> PreparedObservation:
        """Encode one galaxy, assess its domain and find its neighbours: all but the draws.

        Parameters
        ----------
        observation : Observation

        Returns
        -------
        PreparedObservation
        """
        encoded = self.encode([observation])
        view, misfit = self._view(observation.cutout, encoded)
        image = observation.cutout or observation.stored
        if observation.stored is not None:
            misfit = torch.tensor([observation.stored.misfit])
        kind = INPUTS[encoded.origin[0]]
        magnitudes = torch.from_numpy(seen_magnitudes_of([observation])).float()
        inputs = distance_inputs(encoded.latent.cpu(), magnitudes, kind)
        domain = assess_domain(self.domain, kind, inputs, misfit, magnitudes)[0]
        return PreparedObservation(
            encoded=encoded,
            kind=kind,
            view=view,
            domain=domain,
            neighbours=self._neighbours(image, encoded.latent[0]),
            latent=None if image is None else encoded.latent[0].cpu().numpy(),
            verdict=self.judge([observation], [domain])[0],
        )

    def _known_magnitudes(self, observations: list[Observation]) -> Float[np.ndarray, "n 5"]:
        """Return the magnitudes that the networks are given: some of them know no limits."""
        knows_limits = self.model.sizes.features > WITHOUT_FIBRE
        return (magnitudes_of if knows_limits else seen_magnitudes_of)(observations)

    def _unused(self, observation: Observation) -> tuple[str, ...]:
        """Say which bands the networks were not given."""
        given, known = magnitudes_of([observation])[0], self._known_magnitudes([observation])[0]
        lost = [band for band, a, b in zip(BANDS, given, known, strict=True) if a == a and b != b]
        if not lost:
            return ()
        return (
            f"{', '.join(lost)}: within the noise, and not used. The present weights know no "
            "upper limits.",
        )

    def judge(
        self, observations: Sequence[Observation], domains: Sequence[Domain]
    ) -> list[Verdict]:
        """Return the verdict on each of n galaxies, before their posteriors are known."""
        return judge(self.screens, observations, domains)

    def encode(self, observations: list[Observation]) -> Encoded:
        """Encode a batch; rows without an image get zero latents."""
        photometry = [o.photometry for o in observations]
        images = [o.cutout or o.stored for o in observations]
        kinds = [o.origin if image else None for o, image in zip(observations, images, strict=True)]
        origin = np.array([ORIGINS.index(kind or "") for kind in kinds])
        scale = np.array([c.pixel_scale_arcsec if c else np.nan for c in images])
        petro = np.array(
            [[p.petro_r50 or np.nan, p.petro_r90 or np.nan] for p in photometry], float
        )
        measured = np.array([p.kind == "measured" for p in photometry])
        features = photometry_features(
            self._known_magnitudes(observations),
            errors_of(photometry),
            petro,
            measured,
            np.array([p.petro_kind == "measured" for p in photometry]),
            scale,
            origin,
            np.array([[p.petro_magnitudes.get(b, np.nan) for b in BANDS] for p in photometry]),
            fibre_magnitudes_of(images),
        )
        grids = [o.cutout.grid if o.cutout else None for o in observations]
        return self.encode_arrays(features, grids, origin, [o.stored for o in observations])

    def encode_arrays(
        self,
        features: Float[np.ndarray, "n f"],
        grids: list[UInt8[np.ndarray, "3 64 64"] | None],
        origin: Integer[np.ndarray, " n"],
        stored: Sequence[Stored | None] = (),
        estimated: Bool[np.ndarray, " n"] | None = None,
    ) -> Encoded:
        """Encode feature vectors (n, f) with the images, or stored latents, that go with them.

        The regressors estimate from the images that are `estimated`, (n,), all JPEGs by default.
        """
        estimated = origin == JPEG if estimated is None else estimated
        features = features[:, : self.model.sizes.features]
        feature = torch.from_numpy(features).to(self.device)
        summary = ImageSummary.zeros(len(features), feature)
        appearance = torch.zeros_like(summary.mean)
        rows = [k for k, grid in enumerate(grids) if grid is not None]
        if rows:
            stack = np.stack([grid for grid in grids if grid is not None])
            found, appearance[rows] = self.model.look_at(
                torch.from_numpy(stack).to(self.device),
                feature[rows, LOG_SCALE],
                torch.from_numpy(estimated[rows]).to(self.device),
            )
            for part, values in zip(summary, found, strict=True):
                part[rows] = values
        for k, kept in enumerate(stored):
            if kept is not None:
                known = (kept.latent, kept.log_variance, kept.estimate)
                for part, value in zip(summary, known, strict=True):
                    part[k] = torch.from_numpy(value)
        context = self.model.context_of(summary, feature)
        mode = modes_of(feature, torch.from_numpy(estimated).to(self.device))
        images = [
            grid.tobytes() if grid is not None else kept.latent.tobytes() if kept else None
            for grid, kept in zip_longest(grids, stored)
        ]
        key = keys_of(features, images, origin)
        return Encoded(context, mode, origin, summary.mean, appearance, features, key)

    def _view(
        self, cutout: Cutout | None, encoded: Encoded
    ) -> tuple[View | None, Float[Tensor, "1"] | None]:
        if cutout is None:
            return None, None
        grid = torch.from_numpy(cutout.grid)[None].to(self.device)
        decoded = self.model.decoder(encoded.appearance)
        view = View(
            composite=np.ascontiguousarray(cutout.grid.transpose(1, 2, 0)),
            reconstruction=to_picture(decoded[0]),
            pixel_scale_arcsec=cutout.pixel_scale_arcsec,
            native=np.ascontiguousarray(cutout.native.transpose(1, 2, 0)),
            native_pixel_scale_arcsec=cutout.native_pixel_scale_arcsec,
            petrosian_radius_arcsec=cutout.petrosian_radius_arcsec,
            north_angle_deg=cutout.north_angle_deg,
            mirrored=cutout.mirrored,
            ra=cutout.ra,
            dec=cutout.dec,
        )
        return view, misfit_of(grid.float() / 255.0, decoded).cpu()

    def _neighbours(self, image: Cutout | Stored | None, latent: Tensor) -> tuple[Neighbour, ...]:
        if image is None:
            return ()
        place = None if image.ra is None or image.dec is None else (image.ra, image.dec)
        published = self.library.published
        found = self.library.nearest(latent, NEIGHBOURS, exclude=place, only=published)
        return self.describe([row for row, _ in found], [distance for _, distance in found])

    def describe(
        self, rows: Sequence[int], distances: Sequence[float] | None = None
    ) -> tuple[Neighbour, ...]:
        """Return galaxies of the library, with distances from another where these are given."""
        return self.library.describe(
            rows, lambda latents: self.model.decoder(latents.to(self.device)), distances
        )

    def _provenance(
        self,
        observation: Observation,
        kind: str,
        redshift: float | None,
        redshift_range: tuple[float, float] | None,
        draws: int,
        seed: int,
    ) -> dict:
        photometry = observation.photometry
        return {
            "weights_sha256": self.weights.sha256,
            "verdict_sha256": self.weights.sha256_of(VERDICT_FILE),
            "versions": versions(),
            "input_sha256": observation.input_sha256,
            "input_kind": kind,
            "photometry_used": photometry.kind,
            "bands_used": [b for b in BANDS if b in photometry.magnitudes],
            "seed": seed,
            "draws": draws,
            "redshift_fixed": redshift,
            "redshift_range": None if redshift_range is None else list(redshift_range),
        }
