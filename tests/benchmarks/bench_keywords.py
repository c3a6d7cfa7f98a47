"""What do key words cost, and does the visual score find the words for what is seen?

Run: python -m tests.benchmarks.bench_keywords
Needs Debian's espeak-ng (narration) but no ffmpeg: pictures are taken from the bed's stills, one each 3 s. The score is
measured on VIDEOS generated one-minute videos, half of whose sentences name nothing in view. About 10 minutes.
"""

import json
import multiprocessing
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import simplemma

from tasks.keywords.corpus import MIN_VIDEOS, Corpus
from tasks.keywords.lists import read_lists
from tasks.keywords.pick import lemma_of, pick_keywords
from tests.bed.channels import make_channel
from tests.bed.encode import Picture
from tests.bed.narrate import Narrator
from tests.bed.objects import OBJECTS
from tests.bed.scenes import make_stills, plan_cuts, plan_scenes
from tests.bed.speech import Speaker
from tests.keywords.tables import PARAMS, frames, heard

VIDEOS, CHANNELS, SECONDS, EVERY_SECONDS, CLASSES, SEED = 60, 6, 60.0, 3.0, 32, 500
LAGS = {"lag 0": (0.0, 0.0), "lag -6..6 s": (-6.0, 6.0)}
ROUNDS = 5
Tables = tuple[pa.Table, pa.Table]


def main() -> None:
    pick_ratio()
    add_ratio()
    for name, lag in LAGS.items():
        visual_score(name, lag)


def pick_ratio() -> None:
    """An hour of words against a bare loop of stop words and lemmas over the same words."""
    words = " ".join(random.Random(1).choices([*OBJECTS, "the", "we", "you", "know", "cutting", "slowly"], k=9000))
    said, seen = heard(words), frames([bytes(48)] * 1500)
    stopwords = read_lists(("en",)).stopwords

    def bare() -> None:
        for word in said["word"].to_pylist():
            if word.lower() not in stopwords:
                simplemma.lemmatize(word.lower(), lang="en")

    ours, simple = cpu_seconds(lambda: pick_keywords(said, seen, Corpus.empty(), PARAMS)), cpu_seconds(bare)
    print_figure("keywords: one hour of words against a bare lemma loop", ours / simple, seconds=round(ours, 4))


def add_ratio() -> None:
    """Adding a video to 5,000 counted ones against adding it to none: 1 when the cost is that of the video alone."""
    random_ = random.Random(2)
    seen = frames([random_.randbytes(48) for _ in range(20)], "new")
    words = pick_keywords(heard(" ".join(random_.choices([*OBJECTS], k=150)), "new"), seen, Corpus.empty(), PARAMS)
    large = Corpus.empty()
    for number in range(5000):
        column = pa.array([f"v{number}"] * len(words)), pa.array([f"v{number}"] * len(seen))
        large.add(words.set_column(0, "video_id", column[0]), seen.set_column(0, "video_id", column[1]))

    def add(corpus: Corpus) -> Callable[[], None]:
        def there_and_back() -> None:
            for _ in range(20):
                corpus.add(words, seen)
                corpus.remove(words, seen)
        return there_and_back

    on_large, on_none = cpu_seconds(add(large)), cpu_seconds(add(Corpus.empty()))
    print_figure(
        "keywords: adding a video to 5,000 against to none", on_large / on_none, bar=1.5, at_most=True,
        seconds=round(on_large / 40, 5))


def visual_score(name: str, lag: tuple[float, float]) -> None:
    """How often an object noun scores above another key word (0.5 is chance), and what agreement object nouns have."""
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:  # espeak-ng keeps state between utterances
        videos = pool.starmap(make_tables, [(number, lag) for number in range(VIDEOS)], chunksize=1)
    corpus = Corpus.empty()
    for words, seen in videos:
        corpus.add(words, seen)
    nouns = {lemma_of(noun, ("en",)) for noun in list(OBJECTS)[:CLASSES]}
    judged = sorted(lemma for lemma, (count, *_) in corpus.directions.items() if count >= MIN_VIDEOS)
    scores = {lemma: corpus.visual(lemma) for lemma in judged}
    standard = [agreement / error for lemma in judged if lemma not in nouns for agreement, error in [corpus.agreement(lemma)]]
    print_figure(
        f"keywords: visual score, object nouns above other key words, {VIDEOS} videos, {name}",
        area([scores[lemma] for lemma in judged if lemma in nouns], [scores[lemma] for lemma in judged if lemma not in nouns]),
        beside=0.5, nouns=sum(lemma in nouns for lemma in judged), others=len(standard),
        nouns_agreement=round(statistics.mean(corpus.agreement(lemma)[0] for lemma in judged if lemma in nouns), 4),
        others_z_mean=round(statistics.mean(standard), 2), others_z_sd=round(statistics.stdev(standard), 2))


def make_tables(number: int, lag: tuple[float, float]) -> Tables:
    """Words and frames of one generated video, without coding it."""
    channel = make_channel(SEED, number % CHANNELS)
    random_ = random.Random(f"{SEED}/keywords/{number}")
    objects = list(OBJECTS)[:CLASSES]
    offset = random_.uniform(*lag)
    scenes = plan_scenes(random_, channel, SECONDS, objects)
    stills = make_stills(random_, channel, scenes, objects, None)
    cuts = plan_cuts(random_, scenes)
    narrator = Narrator(random_, channel, Speaker(), scenes, SECONDS, objects, offset, 0.4, 0.5)
    narrator.narrate()
    picture = Picture(channel, scenes, stills, cuts, np.zeros(int(SECONDS * channel.fps), np.intp), 0.0)
    layouts = []
    for at in range(int(SECONDS / EVERY_SECONDS)):
        scene = max(k for k, scene in enumerate(scenes) if scene["start"] <= at * EVERY_SECONDS)
        grid = picture.frame(scene, int(at * EVERY_SECONDS * channel.fps)).convert("YCbCr").reduce((160, 90))
        layouts.append(grid.tobytes())
    spoken = [word for sentence in narrator.sentences for word in sentence.words]
    words = heard(" ".join(word for word, _, _ in spoken), f"v{number}",
                  start=[start for _, start, _ in spoken], end=[end for _, _, end in spoken])
    seen = frames(layouts, f"v{number}", EVERY_SECONDS)
    return pick_keywords(words, seen, Corpus.empty(), PARAMS), seen


def area(above: Sequence[float], below: Sequence[float]) -> float:
    """Area under the ROC curve: the share of pairs in the right order, ties a half."""
    return statistics.mean((a > b) + (a == b) / 2 for a in above for b in below)


def cpu_seconds(work: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        work()
        rounds.append(time.process_time() - began)
    return statistics.median(rounds[1:])  # the first round only warms up


def print_figure(bench: str, ratio: float, **facts: object) -> None:
    print(json.dumps({"bench": bench, "ratio": round(ratio, 3), **facts, "machine": platform.platform()}), flush=True)


if __name__ == "__main__":
    main()
