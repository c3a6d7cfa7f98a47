"""Which word names which picture, by timing alone: words that keep to one picture, under every lag of speech behind picture.

Narrators come back to the name of a thing while it is in view, and turn to another with the next picture. So under the
right lag the words said during one picture agree with each other, and under a wrong lag they are torn apart. The model: a
view (the pictures of one shot, and their repeats) has one name, said or not; a word about it is that name with a certain
probability, else any word, as likely as elsewhere in the video. The likelihood of all words, summed over names, tells
lags apart; the posterior of the name tells words apart. Repeats of a picture, several mentions, and rival words all
count, each for what it is worth.
"""

from dataclasses import dataclass

import numpy as np

from tasks.alignment.calibration import Calibration
from tasks.alignment.screen import Floats, Ints, Screen, expand

LAG_LIMIT_SECONDS = 6.0  # speech leads or lags its picture by at most this much; equally likely anywhere within
LAG_STEP_SECONDS = 0.25  # half of the jitter between sentences: finer steps change no figure
MOST_SAID = 0.9  # however many words are near a view, its name may be none of them
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
    """Every mention beside every view within the window, ordered by view, then lemma, then time.

    mention, view: shape (pairs,).
    share: probability that the mention is about a moment at which the view was on screen, shape (pairs, lags).
    """

    mention: Ints
    view: Ints
    share: Floats


@dataclass(frozen=True)
class Looks:
    """What the pictures say of the names: how much likelier they are under a name than under any.

    named: of each of the names, shape (names,). unsaid: of each view together with all names that were not said near it,
    shape (views near words,), in the order of Nearby.
    """

    named: Floats
    unsaid: Floats


@dataclass(frozen=True)
class Names:
    """Every word near a view as its possible name, in the order of Nearby.

    first: where its mentions begin in Nearby, shape (names,).
    probability: that the word names the view, given the lag, shape (names, lags).
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
    mention, span = expand(begin, count)
    view = screen.view[screen.picture[span]]
    order = np.lexsort((mention, mentions.lemma[mention], view))
    mention, span, view = mention[order], span[order], view[order]
    about = mentions.middle[mention, None] - lags(window_seconds)
    scale = STEEPNESS / fitted.jitter_seconds
    share = np.tanh((screen.end[span, None] - about) * scale) - np.tanh((screen.start[span, None] - about) * scale)
    pair = starts_of(view, mention)  # all spans of a view within the window are one pair
    return Nearby(mention[pair], view[pair], np.add.reduceat(share, pair) / 2)


def name_views(mentions: Mentions, nearby: Nearby, fitted: Calibration, looks: Looks | None = None) -> Names:
    """Weigh every word near every view as its name, under every lag; `looks`: by its pictures too."""
    lemma = mentions.lemma[nearby.mention]
    name = starts_of(nearby.view, lemma)
    shown = starts_of(nearby.view[name])  # where the names of a view begin
    names, pairs = np.diff(shown, append=len(name)), np.diff(name, append=len(lemma))
    here = np.add.reduceat(nearby.share, name)
    here_all = np.repeat(np.add.reduceat(here, shown), names, axis=0)
    # How likely a word is where it names nothing: as often as elsewhere in the video, or as in any video.
    rarity, visual = mentions.rarity[nearby.mention[name]] - 0.5, mentions.visual[nearby.mention[name]] - 0.5
    usual = np.exp(-fitted.common_by_rarity * rarity) / fitted.vocabulary
    total = np.bincount(mentions.lemma)[lemma[name]]
    elsewhere = (np.maximum(total[:, None] - here, 0) + fitted.elsewhere_words * usual[:, None]) / (
        len(mentions.lemma) - here_all + fitted.elsewhere_words)
    # A word about the view is its name with probability named_share, if it was heard rightly.
    naming = fitted.named_share * mentions.confidence[nearby.mention, None] * nearby.share
    other = np.log1p(-naming)
    same = np.log1p(naming * (1 / np.repeat(elsewhere, pairs, axis=0) - 1)) - other
    none = np.add.reduceat(np.add.reduceat(other, name), shown)  # the view has a name that was not said
    prior = np.exp(fitted.name_by_rarity * rarity + fitted.name_by_visual * visual) / fitted.vocabulary
    crowd = np.add.reduceat(prior, shown)
    prior /= np.repeat(np.maximum(crowd / MOST_SAID, 1), names)
    log_named = np.add.reduceat(same, name) + np.repeat(none, names, axis=0) + np.log(prior)[:, None]
    unseen = 1 - np.minimum(crowd, MOST_SAID)
    if looks is not None:
        log_named += np.log(looks.named)[:, None]
        unseen = unseen * looks.unsaid
    top = np.maximum(np.maximum.reduceat(log_named, shown), none)
    named = np.exp(log_named - np.repeat(top, names, axis=0))
    unsaid = unseen[:, None] * np.exp(none - top)
    evidence = np.add.reduceat(named, shown) + unsaid
    return Names(name, named / np.repeat(evidence, names, axis=0), (np.log(evidence) + top).sum(axis=0))


def starts_of(*columns: Ints) -> Ints:
    """Where runs of equal rows begin."""
    changed = np.zeros(len(columns[0]), dtype=bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)
