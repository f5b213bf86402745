"""Weights on disk: safetensors, and a JSON manifest that says what they are."""

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file

from galexplorer.errors import OptionError, WeightsError
from galexplorer.model.features import WITHOUT_FIBRE
from galexplorer.model.network import CALIBRATION, GalaxyModel
from galexplorer.model.regressor import ESTIMATE
from galexplorer.model.sizes import Sizes
from galexplorer.resources import bundled
from galexplorer.schema import TARGET_NAMES

log = logging.getLogger(__name__)

WEIGHTS_FORMAT = 4
_WITHOUT_REGRESSORS = 2
DEFAULT_FOLDER = bundled("weights")
MODEL_FILE = "model.safetensors"
_CONTEXTS = ("first_contexts.", "contexts.")
MANIFEST_FILE = "manifest.json"
REPORT_CARD_FILE = "report_card.json"
"""What `galexplorer evaluate --record` found, kept beside the weights."""


@dataclass(frozen=True)
class Weights:
    """A loaded model.

    Attributes
    ----------
    model : GalaxyModel
        In evaluation mode; never changed after loading.
    sha256 : str
        Of the model's file.
    manifest : dict
    folder : Path
    """

    model: GalaxyModel
    sha256: str
    manifest: dict
    folder: Path

    def sha256_of(self, name: str) -> str | None:
        """Return the hash of another file of the folder; None where the manifest has none."""
        return self.manifest.get("files", {}).get(name)


def choose_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    OptionError
        If CUDA is asked for and there is none, or the name is another.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise OptionError(f"Device {name!r} is unknown; choose auto, cpu or cuda.")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise OptionError("No CUDA device was found; choose the device cpu or auto.")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def save(folder: Path, model: GalaxyModel, manifest: dict) -> None:
    """Write model and manifest.

    Floating-point weights are stored as float16 where that loses nothing that matters (the
    autoencoder's convolutions) and as float32 elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {}
    for name, value in model.state_dict().items():
        value = value.detach().cpu().contiguous()
        if value.ndim == 4:
            value = value.to(torch.float16)
        state[name] = value
    write_arrays(folder / MODEL_FILE, state)
    write_manifest(folder, {**manifest, "sizes": asdict(model.sizes)})


def write_arrays(path: Path, arrays: dict[str, torch.Tensor]) -> None:
    """Write a safetensors file in one move: a reader never meets half of one."""
    temporary = path.with_suffix(".part")
    save_file({name: value.contiguous() for name, value in arrays.items()}, str(temporary))
    os.replace(temporary, path)


def write_manifest(folder: Path, manifest: dict) -> None:
    """Write the manifest; hashes of every safetensors file in the folder are added."""
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.safetensors"))
    }
    full = {
        **manifest,
        "format": WEIGHTS_FORMAT,
        "targets": list(TARGET_NAMES),
        "files": files,
    }
    temporary = folder / f"{MANIFEST_FILE}.part"
    temporary.write_text(json.dumps(full, indent=2) + "\n")
    os.replace(temporary, folder / MANIFEST_FILE)  # a reader never meets half of one


def read_manifest(folder: Path, earlier: bool = False) -> dict:
    """Return the manifest.

    Parameters
    ----------
    folder : Path
    earlier : bool
        Take one of an earlier format too.

    Raises
    ------
    WeightsError
        If it is missing, damaged or of another format.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"No readable model in {folder}; restore the folder weights/ or train new ones."
        ) from error
    content = manifest if isinstance(manifest, dict) else {}
    number = content.get("format")
    known = number in range(1, WEIGHTS_FORMAT) if earlier else False
    if not (known or number == WEIGHTS_FORMAT) or content.get("targets") != list(TARGET_NAMES):
        raise WeightsError(
            f"The model in {folder} belongs to another version of galexplorer; "
            "update one of the two."
        )
    return manifest


def read_report_card(folder: Path | None = None) -> dict | None:
    """Return the report card of the weights in a folder.

    Returns
    -------
    dict or None
        None where there is none, or only one of other weights or that the manifest does not name.

    Raises
    ------
    WeightsError
        If the manifest or the report card is damaged.
    """
    folder = DEFAULT_FOLDER if folder is None else folder
    manifest = read_manifest(folder)
    path = folder / REPORT_CARD_FILE
    recorded = manifest.get("evaluation")
    if recorded is None or not path.exists():  # new weights do not name the card of earlier ones
        return None
    content = path.read_bytes()
    if recorded.get("sha256") != hashlib.sha256(content).hexdigest():
        raise WeightsError(f"{path} is not the one the manifest names; restore it.")
    if recorded.get("weights_sha256") != manifest["files"].get(MODEL_FILE):
        return None
    return json.loads(content)


def read_arrays(folder: Path, name: str, manifest: dict) -> dict[str, torch.Tensor]:
    """Return the tensors of one file of the folder after checking its hash.

    Raises
    ------
    WeightsError
        If the file is missing or differs from the manifest.
    """
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} is missing; restore the folder weights/.") from error
    if manifest.get("files", {}).get(name) != hashlib.sha256(content).hexdigest():
        raise WeightsError(f"{path} is damaged or not the one the manifest names; restore it.")
    try:
        # and not from the file itself, which would change these weights when it is written over
        return load_tensors(content)
    except SafetensorError as error:
        raise WeightsError(f"{path} is not a safetensors file; restore it.") from error


def initialise_from(model: GalaxyModel, folder: Path) -> dict:
    """Initialise a model from other weights.

    That is all but their calibration if the networks are the same; of weights of the first format
    or other networks it is the autoencoder. Regressors are taken apart: all of them where they are
    as many and as wide, or none.

    Returns
    -------
    dict
        Which weights those are: ``model_sha256`` of their file, how they were made, and what of
        them was ``taken``: networks or encoder, and whether regressors were.

    Raises
    ------
    WeightsError
        If files are missing or damaged, or the autoencoder has another architecture.
    """
    manifest = read_manifest(folder, earlier=True)
    state = _with_first_contexts(read_arrays(folder, MODEL_FILE, manifest))
    # earlier formats calibrate other modes, and no calibration is taken
    state, own_state = (
        {name: value for name, value in part.items() if name not in CALIBRATION}
        for part in (state, model.state_dict())
    )
    kinds = {name: (value.dtype, value.shape) for name, value in own_state.items()}
    if manifest["format"] == _WITHOUT_REGRESSORS:
        state = {name: _widened(name, value) for name, value in state.items()}
    alike = {k for k, v in state.items() if k in kinds and v.shape == kinds[k][1]}
    own = {name for name in kinds if name.startswith(("encoder.", "decoder."))}
    if not own <= alike:
        raise WeightsError(
            f"The encoder in {folder} has another architecture; set its encoder_width."
        )
    estimating, other = ({k for k in kinds if k.startswith("regressors.") == c} for c in (1, 0))
    theirs = {name for name in state if name.startswith("regressors.")}
    same = manifest["format"] >= _WITHOUT_REGRESSORS and other == set(state) - theirs <= alike
    names = other if same else own
    take_regressors = bool(theirs) and theirs == estimating <= alike
    if take_regressors:  # each left out other galaxies: a part of them would be none
        # and what they estimate is in units of their own training rows
        names = names | estimating | {"target_mean", "target_std"}
    model.load_state_dict({k: state[k].to(kinds[k][0]) for k in names}, strict=False)
    model.reset_calibration()
    made = {k: manifest[k] for k in ("made", "config", "started_from") if k in manifest}
    return {
        "model_sha256": manifest["files"][MODEL_FILE],
        "taken": "networks" if same else "encoder",
        "regressors_taken": take_regressors,
        **made,
    }


def _widened(name: str, value: torch.Tensor) -> torch.Tensor:
    """Let a context that was given no estimates make nothing of them."""
    enters = name.startswith(_CONTEXTS) and name.endswith(("net.0.weight", "skip.weight"))
    return torch.nn.functional.pad(value, (0, ESTIMATE)) if enters else value


def _with_first_contexts(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a state in which the first targets have contexts: once all targets had the same."""
    first, rest = _CONTEXTS
    if any(name.startswith(first) for name in state):
        return state
    shared = {name: value for name, value in state.items() if name.startswith(rest)}
    return {**state, **{f"{first}{k.removeprefix(rest)}": v.clone() for k, v in shared.items()}}


def load(folder: Path | None = None, device: str = "auto") -> Weights:
    """Load the model.

    Raises
    ------
    WeightsError
        If files are missing, damaged or of another version.
    OptionError
        If the device is not available.
    """
    folder = DEFAULT_FOLDER if folder is None else folder
    place = choose_device(device)
    manifest = read_manifest(folder)
    state = _with_first_contexts(read_arrays(folder, MODEL_FILE, manifest))
    sizes = manifest.get("sizes")
    try:
        model = GalaxyModel(sizes and Sizes(**{"features": WITHOUT_FIBRE, **sizes}))
        kinds = {name: value.dtype for name, value in model.state_dict().items()}
        converted = {k: v.to(kinds.get(k, v.dtype)) for k, v in state.items()}
        model.load_state_dict(converted, assign=True)
    except (RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(
            f"The model in {folder} has another architecture; update galexplorer or the weights."
        ) from error
    model.eval().requires_grad_(False).to(place)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent in stubs
    weights = Weights(model, manifest["files"][MODEL_FILE], manifest, folder)
    log.info("weights %s from %s, on %s", weights.sha256[:12], folder, place)
    return weights
