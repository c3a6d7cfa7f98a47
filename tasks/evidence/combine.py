"""What is said and what is seen, weighed together: pictures count before names compete and before the lag is told.

Timing gives, under every lag, how well each name explains the words near a view. A picture that is r times as likely under a
name as under any multiplies that by r; so the lag under which words and pictures agree gains, and with the lag all the other
names of the video. Where a judge has nothing to say, r is 1 and everything is as by timing alone.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from tasks.alignment.align import DECIMALS, Evidence, list_labels
from tasks.alignment.calibration import Calibration
from tasks.alignment.coherence import Looks, lags, name_views, starts_of
from tasks.alignment.offset import estimate_offset
from tasks.alignment.screen import Floats, Ints
from tasks.evidence.calibration import EvidenceCalibration

LEAST = 1e-6  # no picture speaks more strongly than this against a name


def classes_of(evidence: Evidence, words: Mapping[str, int]) -> Ints:
    """The class of each candidate name, shape (names,): its place among the judge's words, or len(words) for all others."""
    lemma = evidence.mentions.lemma[evidence.nearby.mention[evidence.names.first]]
    known = np.array([words.get(name, len(words)) for name in evidence.lemmas], dtype=np.int64)
    return known[lemma] if len(lemma) else lemma


def seen_in_views(evidence: Evidence, seen: Floats, prior: Floats, trust: float) -> Floats:
    """What the judge says of each view near words, shape (views near words, classes): its pictures together.

    seen: of each kept picture, shape (pictures, classes); a row of nan where none was looked at. prior: shape (classes,).
    trust: power of what is seen against the prior; 1 takes the judge at his word.
    """
    views = _views(evidence)
    place = np.searchsorted(views, evidence.screen.view)
    looked = np.flatnonzero((place < len(views)) & ~np.isnan(seen[:, 0]))
    looked = looked[views[place[looked]] == evidence.screen.view[looked]]
    total, count = np.zeros((len(views), len(prior))), np.zeros(len(views))
    np.add.at(total, place[looked], np.log(np.maximum(seen[looked], LEAST) / prior))
    np.add.at(count, place[looked], 1)
    told = prior * np.exp(trust * total / np.maximum(count, 1)[:, None])
    together: Floats = told / told.sum(axis=1, keepdims=True)
    return together


def looks_of(evidence: Evidence, in_views: Floats, prior: Floats, classes: Ints) -> Looks:
    """How much likelier the pictures of each view are under each name said near it, and under all others together."""
    shown = starts_of(_view_of_names(evidence))
    row = np.repeat(np.arange(len(shown)), np.diff(shown, append=len(classes)))
    known = classes < len(prior) - 1
    said_now = np.add.reduceat(np.where(known, in_views[row, classes], 0), shown) if len(shown) else np.empty(0)
    said_ever = np.add.reduceat(np.where(known, prior[classes], 0), shown) if len(shown) else np.empty(0)
    return Looks(np.maximum(in_views[row, classes] / prior[classes], LEAST),
                 np.maximum((1 - said_now) / (1 - said_ever), LEAST))


def judged(evidence: Evidence, looks: Looks, window_seconds: float, fitted: Calibration) -> Evidence:
    """The evidence again, with the pictures."""
    names = name_views(evidence.mentions, evidence.nearby, fitted, looks)
    offset = estimate_offset(lags(window_seconds), names.log_likelihood, fitted)
    return replace(evidence, names=names, offset=offset, probability=names.probability @ offset.posterior)


def log_evidence(evidence: Evidence) -> float:
    """How well words and pictures of a video explain each other, over all lags; nats, more is better."""
    told = evidence.names.log_likelihood
    return float(np.log(np.exp(told - told.max()).mean()) + told.max())


def shares(evidence: Evidence, seen: Floats, classes: Ints) -> Floats:
    """What each kept picture is taken to show, for a judge to learn from, shape (pictures, classes); rows sum to 1.

    Names said near it by their probability; what is left goes to all that was not said near it, as far as an earlier judge
    saw it there. seen: shape (pictures, classes); rows of nan stay so.
    """
    views = _view_of_names(evidence)
    shown = np.zeros_like(seen)
    picture, name = np.nonzero(evidence.screen.view[:, None] == views[None, :])
    np.add.at(shown, (picture, classes[name]), evidence.probability[name])
    rest = np.array(seen)
    known = classes[name] < seen.shape[1] - 1
    rest[picture[known], classes[name][known]] = 0
    rest /= rest.sum(axis=1, keepdims=True)
    shown += np.maximum(1 - shown.sum(axis=1, keepdims=True), 0) * rest
    whole: Floats = shown / shown.sum(axis=1, keepdims=True)
    return whole


def judged_examples(
    examples: pa.Table, words: pa.Table, evidence: Evidence, min_weight: float, fitted: EvidenceCalibration) -> pa.Table:
    """The examples with labels weighed anew; everything that was heard stays as it is.

    examples, words: schemas EXAMPLES and WORDS, of one video. evidence: judged.
    """
    weight = fitted.weigh(evidence.probability)
    said = np.zeros(len(evidence.screen.view))
    views = _view_of_names(evidence)
    picture, name = np.nonzero(evidence.screen.view[:, None] == views[None, :])
    np.add.at(said, picture, weight[name])  # a view has one name: what excludes each other adds up
    offset, count = evidence.offset, len(examples)
    told = offset.confidence >= fitted.offset_threshold
    new = {
        "labels": list_labels(words, evidence, weight, min_weight),
        "p_alignable": np.round(np.minimum(said, 1), DECIMALS),
        "video_offset_seconds": [round(offset.best, DECIMALS) if told else None] * count,
        "video_offset_confidence": [round(offset.confidence, DECIMALS)] * count}
    columns = {field.name: pa.array(new[field.name], field.type) if field.name in new else examples[field.name]
               for field in examples.schema}
    return pa.table(columns, schema=examples.schema)


def _view_of_names(evidence: Evidence) -> Ints:
    return evidence.nearby.view[evidence.names.first]


def _views(evidence: Evidence) -> Ints:
    views = _view_of_names(evidence)
    return views[starts_of(views)]
