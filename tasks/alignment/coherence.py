"""Which word names which picture, by timing alone: words that keep to one picture, under every lag of speech behind picture.

Narrators come back to the name of a thing while it is in view, and turn to another with the next picture. So under the
right lag the words said during one picture agree with each other, and under a wrong lag they are torn apart. The model: a
picture has one name or none; a word said during it is that name with a certain probability, else any word, as likely as
elsewhere in the video. The likelihood of all words, summed over names, tells lags apart; the posterior of the name
tells words apart. Repeats of a picture, several mentions, and rival words all count, each for what it is worth.
"""

from dataclasses import dataclass

import numpy as np

from tasks.alignment.calibration import Calibration
from tasks.alignment.screen import Floats, Ints, Screen

LAG_LIMIT_SECONDS = 6.0  # speech leads or lags its picture by at most this much; equally likely anywhere within
LAG_STEP_SECONDS = 0.25  # half of the jitter between sentences: finer steps change no figure
STEEPNESS = 0.8507  # tanh(STEEPNESS * x) comes within 0.01 of the error function of a standard normal


@dataclass(frozen=True)
class Mentions:
    """Key words as said, in order of time. All of shape (mentions,).

    middle: seconds. lemma: counts from 0. confidence, rarity, visual: 0-1.
    """

    middle: Floats
    lemma: Ints
    confidence: Floats
    rarity: Floats
    visual: Floats


@dataclass(frozen=True)
class Nearby:
    """Every mention beside every picture within the window, ordered by picture, then lemma, then time.

    mention, picture: shape (pairs,). distance: seconds that the mention is behind the nearest span of the picture;
    negative when ahead, 0 within it. share: probability that the mention is about a moment at which the picture was
    shown, shape (pairs, lags).
    """

    mention: Ints
    picture: Ints
    distance: Floats
    share: Floats


@dataclass(frozen=True)
class Names:
    """Every word near a picture as its possible name, in the order of Nearby.

    first: where its mentions begin in Nearby, shape (names,).
    probability: that the word names the picture, given the lag, shape (names, lags).
    log_likelihood: of all words, against words that know of no picture, shape (lags,).
    """

    first: Ints
    probability: Floats
    log_likelihood: Floats


def lags(window_seconds: float) -> Floats:
    """The lags considered, in seconds that speech is behind the picture; none lies outside the window."""
    steps = int(min(LAG_LIMIT_SECONDS, window_seconds) / LAG_STEP_SECONDS)
    return np.linspace(-steps, steps, 2 * steps + 1, dtype=np.float64) * LAG_STEP_SECONDS


def find_nearby(mentions: Mentions, screen: Screen, window_seconds: float, fitted: Calibration) -> Nearby:
    begin = np.searchsorted(screen.end, mentions.middle - window_seconds, side="left")
    stop = np.searchsorted(screen.start, mentions.middle + window_seconds, side="right")
    count = np.maximum(stop - begin, 0)
    mention = np.repeat(np.arange(len(count)), count)
    span = np.arange(len(mention)) - np.repeat(np.cumsum(count) - count - begin, count)
    behind = mentions.middle[mention] - screen.end[span]
    ahead = screen.start[span] - mentions.middle[mention]
    distance = np.maximum(behind, 0) - np.maximum(ahead, 0)
    order = np.lexsort((np.abs(distance), mention, mentions.lemma[mention], screen.picture[span]))
    mention, span, distance = mention[order], span[order], distance[order]
    about = mentions.middle[mention, None] - lags(window_seconds)
    scale = STEEPNESS / fitted.jitter_seconds
    share = np.tanh((screen.end[span, None] - about) * scale) - np.tanh((screen.start[span, None] - about) * scale)
    # A picture shown twice within the window is one pair: both shares, the nearer distance.
    picture = screen.picture[span]
    pair = _starts(picture, mention)
    return Nearby(mention[pair], picture[pair], distance[pair], np.add.reduceat(share, pair) / 2)


def name_pictures(mentions: Mentions, nearby: Nearby, fitted: Calibration) -> Names:
    """Weigh every word near every picture as its name, under every lag."""
    lemma = mentions.lemma[nearby.mention]
    name = _starts(nearby.picture, lemma)
    shown = _starts(nearby.picture[name])  # where the names of a picture begin
    names, pairs = np.diff(shown, append=len(name)), np.diff(name, append=len(lemma))
    here = np.add.reduceat(nearby.share, name)
    here_all = np.repeat(np.add.reduceat(here, shown), names, axis=0)
    # How likely a word is where it names nothing: as often as elsewhere in the video, or as in any video.
    rarity, visual = mentions.rarity[nearby.mention[name]] - 0.5, mentions.visual[nearby.mention[name]] - 0.5
    usual = np.exp(-fitted.common_by_rarity * rarity) / fitted.vocabulary
    total = np.bincount(mentions.lemma)[lemma[name]]
    elsewhere = (np.maximum(total[:, None] - here, 0) + fitted.elsewhere_words * usual[:, None]) / (
        len(mentions.lemma) - here_all + fitted.elsewhere_words)
    # A word about the picture is its name with probability named_share, if it was heard rightly.
    naming = fitted.named_share * mentions.confidence[nearby.mention, None] * nearby.share
    other = np.log1p(-naming)
    same = np.log1p(naming * (1 / np.repeat(elsewhere, pairs, axis=0) - 1)) - other
    none = np.add.reduceat(np.add.reduceat(other, name), shown)  # the picture has a name that was not said
    prior = np.exp(fitted.name_by_rarity * rarity + fitted.name_by_visual * visual) / fitted.vocabulary
    log_named = np.add.reduceat(same, name) + np.repeat(none, names, axis=0) + np.log(prior)[:, None]
    top = np.maximum(np.maximum.reduceat(log_named, shown), 0)
    named = (1 - fitted.nameless_share) * np.exp(log_named - np.repeat(top, names, axis=0))
    unsaid = (1 - fitted.nameless_share) * np.maximum(1 - np.add.reduceat(prior, shown), 0)[:, None]
    evidence = np.add.reduceat(named, shown) + unsaid * np.exp(none - top) + fitted.nameless_share * np.exp(-top)
    return Names(name, named / np.repeat(evidence, names, axis=0), (np.log(evidence) + top).sum(axis=0))


def _starts(*columns: Ints) -> Ints:
    """Where runs of equal rows begin."""
    changed = np.zeros(len(columns[0]), dtype=bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)
