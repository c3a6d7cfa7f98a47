"""Image towers that others have trained, from a folder of this machine: safetensors only, nothing is fetched, no code is run."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from tasks.errors import InputError, IntegrityError
from tasks.nets.store import put_weights, read_tensors
from tasks.nets.towers import CENTRE, SPREAD, NetSpec, Towers
from tasks.params import NetsParams

KINDS = {"clip_vision_model": "CLIPVisionModel", "vit": "ViTModel", "dinov2": "Dinov2Model"}  # by model_type
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's, of shares
HUGE = 4 << 30  # bytes


class PretrainedTower(nn.Module):
    """A vision transformer of transformers, and its picture size and normalisation."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: str) -> None:
        """config: its vision config as JSON, with model_type one of KINDS."""
        super().__init__()
        self.model, settings = build_vision(config)
        self.side_px = int(settings.image_size)
        self.features = int(settings.hidden_size)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """float (N, 3, H, W) as Towers normalises them -> (N, features)."""
        shares = (pictures * SPREAD + CENTRE) / 255
        seen = interpolate(shares, (self.side_px, self.side_px), mode="bilinear", antialias=True, align_corners=False)
        found: Tensor = self.model(pixel_values=(seen - self.mean) / self.deviation).last_hidden_state[:, 0]
        return found


def build_vision(config: str) -> tuple[Any, Any]:
    """-> (an untrained model, its config). Raises InputError when transformers is missing or the kind is not known."""
    values = json.loads(config)
    model_class = _vision_class(values)
    settings = model_class.config_class.from_dict(values)
    return model_class(settings), settings


def _vision_class(values: dict[str, Any]) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise InputError("nets.image is pretrained: transformers is not installed",
                         "pip install 'framewords[pretrained]'") from error
    name = KINDS.get(str(values.get("model_type")))
    if name is None:
        raise InputError(f"model_type {values.get('model_type')!r} is none of {', '.join(KINDS)}",
                         "give a CLIP, ViT or DINOv2 folder")
    return getattr(transformers, name)


def read_vision_config(folder: Path) -> str:
    """The vision part of config.json of a transformers folder, as JSON."""
    try:
        values = json.loads((folder / "config.json").read_bytes())
        if values.get("model_type") == "clip":
            values = {**values["vision_config"], "model_type": "clip_vision_model"}
        kept = {key: value for key, value in values.items() if isinstance(value, str | int | float | bool | None)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{folder}/config.json: not a transformers config ({type(error).__name__})",
                         "nets.pretrained names a folder with config.json and model.safetensors") from error
    return json.dumps(kept, sort_keys=True)


def new_towers(params: NetsParams) -> Towers:
    """An untrained net as the settings say, with pretrained weights in its image tower where they name some.

    Raises InputError when what they name cannot be used, IntegrityError when it has other shapes.
    """
    place = Path(params.pretrained)
    config = ""
    if params.image == "pretrained":
        if not params.pretrained or not place.is_dir():
            raise InputError(f"nets.pretrained is {params.pretrained!r}: no folder",
                             "name one with config.json and model.safetensors")
        config = read_vision_config(place)
        _refuse_pickles(place)
    towers = Towers(NetSpec(params.image, params.picture_px, params.width, params.dimensions, params.buckets, config))
    if params.image == "pretrained":
        towers.image.model.load_state_dict(_read_vision(place, config))
    elif params.pretrained:
        _load(towers.image, place)
    return towers


def _read_vision(folder: Path, config: str) -> dict[str, Tensor]:
    """The weights of a transformers folder, under the names that this version of it gives them."""
    from safetensors import SafetensorError

    try:
        model, info = _vision_class(json.loads(config)).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True,
            dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise IntegrityError(f"{folder}: not safetensors of this architecture ({said})", "fetch the folder again") from error
    if info["missing_keys"]:
        raise IntegrityError(f"{folder}: lacks {min(info['missing_keys'])}", "give the weights of this very architecture")
    return dict(model.state_dict())


def _refuse_pickles(folder: Path) -> None:
    if not (folder / "model.safetensors").is_file() and (bad := sorted([*folder.glob("*.bin"), *folder.glob("*.pt*")])):
        raise InputError(f"{bad[0]}: a pickle can run code when it is read", "convert it to model.safetensors")


def _load(module: Any, path: Path) -> None:
    """The weights of an image tower of our own, by itself or from a whole net."""
    try:
        if path.stat().st_size > HUGE:
            raise InputError(f"{path}: {path.stat().st_size} bytes", f"keep weights below {HUGE}")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: weights cannot be read ({error.strerror})", "nets.pretrained names safetensors") from error
    tensors = read_tensors(content, str(path))
    wanted = module.state_dict()
    found = {name: tensors.get(f"image.{name}", tensors.get(name)) for name in wanted}
    missing = [name for name, tensor in found.items() if tensor is None]
    if missing:
        raise IntegrityError(f"{path}: lacks {missing[0]}", "give the weights of this very architecture")
    put_weights(module, {name: tensor for name, tensor in found.items() if tensor is not None}, str(path))
