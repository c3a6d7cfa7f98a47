"""A trained net in a folder: `weights.safetensors` and `net.json`. The same net is the same bytes."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from tasks.errors import InputError, IntegrityError
from tasks.nets.towers import NetSpec, Towers
from tasks.nets.words import NO_WORD
from tasks.storage.atomic import write_whole

FORMAT = 1
WEIGHTS, NET = "weights.safetensors", "net.json"
PICTURES_AT_ONCE = 256
PICKLES = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # how torch.save and pickle begin
REMEDY = "restore the net from where it was pushed, or train again with `framewords train`"

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities: sigmoid(slope * logit + intercept of the word).

    intercepts: one a word of the vocabulary, in its order.
    error: expected calibration error on the validation split, 0-1; nan where there was none to tell.
    """

    slope: float
    intercepts: tuple[float, ...]
    error: float = math.nan


@dataclass(frozen=True)
class TrainedNet:
    """A net as it is used. towers: in eval mode. vocabulary: the words it was trained on, sorted."""

    spec: NetSpec
    towers: Towers
    vocabulary: tuple[str, ...]
    calibration: Calibration
    word_vectors: Vectors = field(init=False, repr=False)  # of the vocabulary and, last, of NO_WORD

    def __post_init__(self) -> None:
        self.towers.eval()
        object.__setattr__(self, "word_vectors", self.embed_words((*self.vocabulary, NO_WORD)))

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Vectors of pictures (N, D) -> (N, len(vocabulary)): the calibrated probability that the picture shows the word."""
        odds = self.calibration.slope * self.scores(vectors) + np.asarray(self.calibration.intercepts, np.float32)
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -60, 60))), dtype=np.float32)

    def scores(self, vectors: Vectors) -> Vectors:
        """Vectors of pictures (N, D) -> (N, len(vocabulary)): log-likelihood of each word among all and NO_WORD."""
        logits = float(self.towers.scale().detach()) * (vectors @ self.word_vectors.T)
        top = logits.max(axis=1, keepdims=True)
        everything = np.log(np.exp(logits - top).sum(axis=1, keepdims=True)) + top
        return np.asarray((logits - everything)[:, :-1], dtype=np.float32)

    def embed_pictures(self, pictures: NDArray[np.uint8]) -> Vectors:
        """uint8 (N, H, W, 3) in the size of the spec -> float32 (N, D), unit length."""
        device = self.towers.log_scale.device
        parts = [np.empty((0, self.spec.dimensions), np.float32)]
        with torch.inference_mode():
            for at in range(0, len(pictures), PICTURES_AT_ONCE):
                batch = torch.from_numpy(np.array(pictures[at:at + PICTURES_AT_ONCE])).to(device).permute(0, 3, 1, 2)
                parts.append(self.towers.embed_pictures(batch).cpu().numpy())
        return np.concatenate(parts)

    def embed_words(self, words: Sequence[str]) -> Vectors:
        """float32 (len(words), D), unit length."""
        if not words:
            return np.empty((0, self.spec.dimensions), np.float32)
        with torch.inference_mode():
            return np.asarray(self.towers.embed_words(words).cpu().numpy())


def save_net(folder: Path, net: TrainedNet) -> None:
    """Write the two files, each whole or not at all; weights first, so that a `net.json` always has its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = save({name: tensor.detach().cpu().contiguous() for name, tensor in sorted(net.towers.state_dict().items())})
    write_whole(folder / WEIGHTS, weights)
    error = net.calibration.error
    record = {
        "format": FORMAT, "spec": asdict(net.spec), "vocabulary": list(net.vocabulary), "weights": digest(weights),
        "calibration": {"slope": net.calibration.slope, "intercepts": list(net.calibration.intercepts),
                        "error": None if math.isnan(error) else error}}
    write_whole(folder / NET, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def load_net(folder: Path) -> TrainedNet:
    """Raises InputError when there is no net, IntegrityError when it is torn, altered, of other shapes, or not safetensors."""
    record = _read_record(folder)
    try:
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise IntegrityError(f"{folder / WEIGHTS}: cannot be read ({error.strerror})", REMEDY) from error
    if digest(content) != record["weights"]:
        said = "a pickle or zip, not safetensors" if content[:2] in PICKLES else "torn, or not what net.json was written with"
        raise IntegrityError(f"{folder / WEIGHTS}: {said}", REMEDY)
    try:
        spec = NetSpec(**record["spec"])
        calibration = record["calibration"]
        error_found = calibration["error"]
        net_calibration = Calibration(float(calibration["slope"]), tuple(map(float, calibration["intercepts"])),
                                      math.nan if error_found is None else float(error_found))
        vocabulary = tuple(map(str, record["vocabulary"]))
        if len(net_calibration.intercepts) != len(vocabulary):
            raise ValueError(f"{len(vocabulary)} words with {len(net_calibration.intercepts)} intercepts")
        towers = Towers(spec)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise IntegrityError(f"{folder / NET}: not a net ({_first_line(error)})", REMEDY) from error
    put_weights(towers, read_tensors(content, str(folder / WEIGHTS)), str(folder / WEIGHTS))
    return TrainedNet(spec, towers, vocabulary, net_calibration)


def put_weights(net: torch.nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Load weights into a net. Raises IntegrityError when they are not all there, of other shapes, or not finite."""
    wanted = net.state_dict()
    for key, tensor in wanted.items():
        if key not in tensors:
            raise IntegrityError(f"{name}: lacks {key}", REMEDY)
        if tensors[key].shape != tensor.shape:
            raise IntegrityError(f"{name}: {key} is {_shape(tensors[key])}, not {_shape(tensor)}", REMEDY)
        if not torch.isfinite(tensors[key]).all():
            raise IntegrityError(f"{name}: {key} is not finite", REMEDY)
    if extra := sorted(set(tensors) - set(wanted)):
        raise IntegrityError(f"{name}: {extra[0]} belongs to another net", REMEDY)
    net.load_state_dict(dict(tensors))


def read_tensors(content: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of safetensors bytes. Raises IntegrityError when they are something else."""
    try:
        return dict(load(content))
    except (SafetensorError, ValueError, KeyError) as error:
        raise IntegrityError(f"{name}: not safetensors ({_first_line(error)})", REMEDY) from error


def digest(content: bytes) -> str:
    """32 hex digits (blake2b-128), as digest_file gives them."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _read_record(folder: Path) -> Mapping[str, Any]:
    try:
        record = json.loads((folder / NET).read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no net there", "train one with `framewords train`") from error
    except (OSError, ValueError, RecursionError) as error:
        raise IntegrityError(f"{folder / NET}: cannot be read ({_first_line(error)})", REMEDY) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT or "weights" not in record:
        raise IntegrityError(f"{folder / NET}: of another format", REMEDY)
    return record


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
