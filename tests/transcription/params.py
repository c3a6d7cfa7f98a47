"""The sections of the params that the repository ships."""

from pathlib import Path

from tasks.params import load_params

PARAMS = load_params(Path(__file__).resolve().parents[2] / "params.yaml")
AUDIO, TRANSCRIPTION = PARAMS.audio, PARAMS.transcription
