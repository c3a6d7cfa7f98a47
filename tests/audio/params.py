"""The audio section of the params that the repository ships."""

from pathlib import Path

from tasks.params import load_params

AUDIO = load_params(Path(__file__).resolve().parents[2] / "params.yaml").audio
