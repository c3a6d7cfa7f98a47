"""Where a training stands, in one file: weights, optimiser, random state and position. Written aside and renamed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tasks.storage.atomic import staged_file

POSITION = "position"


@dataclass(frozen=True)
class Checkpoint:
    """One training's file. made_by: the fingerprint of the training; a file of another one is not gone on from."""

    path: Path
    made_by: str

    def save(self, towers: nn.Module, optimiser: torch.optim.Optimizer, position: dict[str, Any]) -> None:
        """position: JSON values; with the weights they say all that the next step depends on."""
        tensors = {f"weights.{name}": tensor for name, tensor in towers.state_dict().items()}
        tensors |= {f"optimiser.{at}.{name}": tensor for at, parameter in enumerate(_parameters(optimiser))
                    for name, tensor in optimiser.state[parameter].items()}
        tensors["random"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        with staged_file(self.path) as staging:
            save_file(whole, staging, {"made_by": self.made_by, POSITION: json.dumps(position, sort_keys=True)})

    def restore(self, towers: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any] | None:
        """Put towers and optimiser where they stood; -> the position, None when there is nothing to go on from."""
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("made_by") != self.made_by:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
                position: dict[str, Any] = json.loads(metadata[POSITION])
        except (OSError, SafetensorError):
            return None  # none, or torn before renaming was finished by a crash of the machine: begin again
        towers.load_state_dict(_below("weights.", tensors))
        for at, parameter in enumerate(_parameters(optimiser)):
            state = _below(f"optimiser.{at}.", tensors)
            optimiser.state[parameter] = {
                name: torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
                for name, value in state.items()}
        torch.set_rng_state(tensors["random"])
        if "random.cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random.cuda"])
        return position

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def _parameters(optimiser: torch.optim.Optimizer) -> list[Any]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
