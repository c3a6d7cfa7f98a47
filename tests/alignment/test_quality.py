"""Labels on generated narrated videos with exact truth. Needs Debian's espeak-ng to speak; bench_alignment measures more."""

import pytest

from tasks.alignment.align import align
from tasks.params import AlignmentParams
from tests.alignment.narrated import Narrated, make_narrated
from tests.bed.make import missing_packages
from tests.bed.score import Truth
from tests.benchmarks.bench_alignment import curve, labelled, precision_at, reliability

EVERYTHING = AlignmentParams(window_seconds=8, min_weight=0)
VIDEOS = 6

pytestmark = pytest.mark.slow  # speaking and drawing a video takes seconds

Made = tuple[Truth, list[Narrated]]


@pytest.fixture(scope="module", params=[0.0, 6.0], ids=["in step", "unknown lag"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    if missing := missing_packages(truth_only=True):
        pytest.skip(f"the narration is spoken by Debian's {' '.join(missing)}, not installed here")
    folder = tmp_path_factory.mktemp("bed")
    narrated = make_narrated(folder, VIDEOS, 5001, (-request.param, request.param), draw=False, jobs=2)
    return Truth.load(folder / "truth.jsonl"), narrated


def test_labels_are_as_right_as_their_bars_say(made: Made) -> None:
    """In step: precision 0.45 at recall 0.95. Unknown lag: above every noun within 5 s, 0.25 at recall 0.98."""
    truth, narrated = made
    examples = [align(one.words, one.frames, EVERYTHING) for one in narrated]
    found = labelled(narrated, examples, truth.classes)
    frames = {key: [(label.word, label.weight) for label in labels] for key, labels in found.items()}
    line = curve(truth, frames, "objects")
    in_step = narrated[0].video["lag"]["offset"] == 0
    reached = precision_at(line, 0.95 if in_step else 0.9)
    assert reached is not None
    assert reached >= (0.45 if in_step else 0.25)
    error, _ = reliability(truth, frames)
    assert error < 0.03


def test_an_offset_is_rarely_given_to_the_words_of_another_video(made: Made) -> None:
    """The threshold allows 5 % of such pairs: of 30 about 2."""
    _, narrated = made
    given = sum(
        align(one.words, other.frames, EVERYTHING)["video_offset_seconds"][0].as_py() is not None
        for one in narrated for other in narrated if one is not other)
    assert given <= 0.15 * VIDEOS * (VIDEOS - 1)


def test_an_offset_that_is_given_is_right(made: Made) -> None:
    _, narrated = made
    found = [(align(one.words, one.frames, EVERYTHING)["video_offset_seconds"][0].as_py(), one.video["lag"]["offset"])
             for one in narrated]
    errors = sorted(abs(offset - lag) for offset, lag in found if offset is not None)
    assert len(errors) >= 1
    assert errors[len(errors) // 2] <= 1
