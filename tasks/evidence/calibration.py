"""The numbers of learned alignment that were fitted rather than chosen, kept in calibration.json beside this file."""

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tasks.alignment.screen import Floats

FILE = Path(__file__).with_name("calibration.json")


class EvidenceCalibration(BaseModel):
    """From posteriors of words and pictures together to the share that is right; docs/alignment.md says how they came about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    note: str
    fitted_on: str
    command: str
    weight_intercept: float
    weight_slope: float = Field(gt=0)
    offset_threshold: float = Field(ge=0, le=1)

    def weigh(self, probability: Floats) -> Floats:
        """The share of labels with such a posterior that was right on videos with known truth."""
        sure = np.clip(probability, 1e-9, 1 - 1e-9)
        weight: Floats = 1 / (1 + np.exp(-(self.weight_intercept + self.weight_slope * np.log(sure / (1 - sure)))))
        return weight


@lru_cache(maxsize=1)
def read_evidence_calibration() -> EvidenceCalibration:
    return EvidenceCalibration.model_validate(json.loads(FILE.read_text()))
