"""The numbers of the alignment model that were fitted rather than chosen, kept in calibration.json beside this file."""

import json
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("calibration.json")


class Calibration(BaseModel):
    """Coefficients of coherence.py and offset.py; docs/alignment.md says what each does.

    note, fitted_on, command: how they came about and how to fit them again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    note: str
    fitted_on: str
    command: str
    jitter_seconds: float = Field(gt=0)
    named_share: float = Field(gt=0, lt=1)
    vocabulary: float = Field(gt=1)
    elsewhere_words: float = Field(gt=0)
    common_by_rarity: float
    name_by_rarity: float
    name_by_visual: float
    in_step_share: float = Field(ge=0, lt=1)
    weight_intercept: float
    weight_slope: float = Field(gt=0)
    offset_intercept: float
    offset_by_mass: float
    offset_by_spread: float
    offset_threshold: float = Field(ge=0, le=1)


@lru_cache(maxsize=1)
def read_calibration() -> Calibration:
    return Calibration.model_validate(json.loads(FILE.read_text()))
