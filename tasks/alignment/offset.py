"""How far the narration of a video is behind its pictures, where the words tell."""

from dataclasses import dataclass

import numpy as np

from tasks.alignment.calibration import Calibration
from tasks.alignment.screen import Floats

NEAR_SECONDS = 1.0  # an offset is right within this much
MOST = 0.999  # no posterior is trusted beyond this: the model is only a model


@dataclass(frozen=True)
class Offset:
    """What the words tell about the lag of speech behind picture.

    posterior: probability of each lag, shape (lags,); flat where the words do not tell.
    best: the likeliest lag, seconds. confidence: that it is right within NEAR_SECONDS, 0-1.
    signs: what the confidence is read from: 1, the log odds of the posterior around the best lag, and how much better
    the words fit the pictures than chance would (log of the Bayes factor).
    """

    posterior: Floats
    best: float
    confidence: float
    signs: Floats


def estimate_offset(lags: Floats, log_likelihood: Floats, fitted: Calibration) -> Offset:
    """The lag of one video, from how well its words fit its pictures under each lag.

    Beforehand every lag is as likely as another. The confidence was fitted on videos whose lag is known, and on
    the same pictures with the words of another video, so that agreement by chance does not pass for evidence.
    """
    top = log_likelihood.max()
    likelihood = np.exp(log_likelihood - top)
    posterior = likelihood / likelihood.sum()
    near = np.abs(lags[:, None] - lags) <= NEAR_SECONDS
    mass = near @ posterior
    middle = int(mass.argmax())
    best = float((near[middle] * posterior) @ lags / mass[middle])
    trusted = min(mass[middle], MOST)
    signs = np.array([1.0, np.log(trusted / (1 - trusted)), top + np.log(likelihood.mean())])
    if lags[-1] <= NEAR_SECONDS:  # within so narrow a window any lag would be right
        return Offset(posterior, best, 0.0, signs)
    odds = signs @ np.array([fitted.offset_intercept, fitted.offset_by_mass, fitted.offset_by_evidence])
    return Offset(posterior, best, float(1 / (1 + np.exp(-odds))), signs)
