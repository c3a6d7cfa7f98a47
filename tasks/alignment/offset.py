"""How far the narration of a video is behind its pictures, where the words tell."""

from dataclasses import dataclass

import numpy as np

from tasks.alignment.calibration import Calibration
from tasks.alignment.screen import Floats

IN_STEP_SECONDS = 0.5  # standard deviation of the lag of a video narrated in step with its pictures
# Words of one video are not independent, as the likelihood takes them to be. Between 0.7 and 1 the labels are as likely;
# at 0.7 more of them survive where the likeliest lag is wrong (precision at recall 0.98: 0.35 against 0.26).
LIKELIHOOD_POWER = 0.7
NEAR_SECONDS = 1.0  # an offset is right within this much
MOST = 0.999  # no posterior is trusted beyond this: the model is only a model


@dataclass(frozen=True)
class Offset:
    """What the words tell about the lag of speech behind picture.

    posterior: probability of each lag, shape (lags,); the prior where the words do not tell.
    best: the lag the words tell of, seconds. confidence: that it is right within NEAR_SECONDS, 0-1.
    signs: what the confidence is read from: 1, the log odds of the posterior around the best lag, and how much the lag
    matters at all (standard deviation of the log-likelihood over lags; words of another video fit as badly everywhere).
    """

    posterior: Floats
    best: float
    confidence: float
    signs: Floats


def estimate_offset(lags: Floats, log_likelihood: Floats, fitted: Calibration) -> Offset:
    """The lag of one video, from how well its words fit its pictures under each lag.

    Beforehand a share of videos is taken to be narrated in step with the pictures, and the rest at any lag alike. That
    prior enters the posterior, by which labels are weighed; `best` and `confidence` come from the words alone.
    The confidence was fitted on videos whose lag is known, and on the same pictures with the words of other videos, so
    that agreement by chance does not pass for evidence.
    """
    likelihood = np.exp(LIKELIHOOD_POWER * (log_likelihood - log_likelihood.max()))
    in_step = np.exp(-0.5 * (lags / IN_STEP_SECONDS) ** 2)
    prior = fitted.in_step_share * in_step / in_step.sum() + (1 - fitted.in_step_share) / len(lags)
    posterior = prior * likelihood / (prior @ likelihood)
    near = np.abs(lags[:, None] - lags) <= NEAR_SECONDS
    mass = near @ likelihood / likelihood.sum()
    middle = int(mass.argmax())
    best = float((near[middle] * likelihood) @ lags / (near[middle] @ likelihood))
    trusted = min(mass[middle], MOST)
    signs = np.array([1.0, np.log(trusted / (1 - trusted)), log_likelihood.std()])
    if lags[-1] <= NEAR_SECONDS:  # within so narrow a window any lag would be right
        return Offset(posterior, best, 0.0, signs)
    odds = signs @ np.array([fitted.offset_intercept, fitted.offset_by_mass, fitted.offset_by_spread])
    return Offset(posterior, best, float(1 / (1 + np.exp(-odds))), signs)
