"""Labels on generated narrated videos with exact truth: those of bench_alignment, recorded."""

import pytest

from tasks.alignment.align import align
from tasks.params import AlignmentParams
from tests.alignment.narrated import RECORDED_RUNS, Narrated, read_recorded
from tests.bed.score import Truth, baseline
from tests.benchmarks.bench_alignment import KEPT_WEIGHT, curve, labelled, precision_at, reliability

EVERYTHING = AlignmentParams(window_seconds=8, min_weight=0)
UNKNOWN, IN_STEP = RECORDED_RUNS

Made = tuple[Truth, list[Narrated]]


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("bed")
    narrated = read_recorded(folder, request.param)
    return Truth.load(folder / "truth.jsonl"), narrated


def frames_of(made: Made) -> dict[tuple[str, float], list[tuple[str, float]]]:
    truth, narrated = made
    found = labelled(narrated, [align(one.words, one.frames, EVERYTHING) for one in narrated], truth.classes)
    return {key: [(label.word, label.weight) for label in labels] for key, labels in found.items()}


@pytest.mark.parametrize("made", [IN_STEP], indirect=True)
def test_precision_of_videos_narrated_in_step(made: Made) -> None:
    reached = precision_at(curve(made[0], frames_of(made), "objects"), recall=0.95)
    assert reached is not None
    assert reached >= 0.45


@pytest.mark.parametrize("made", [UNKNOWN], indirect=True)
def test_with_unknown_lag_precision_is_above_every_noun_within_5_s_at_every_recall(made: Made) -> None:
    truth, _ = made
    ours, trivial = curve(truth, frames_of(made), "objects"), curve(truth, baseline(truth, 5, only_objects=True), "objects")
    for recall in trivial.recall:
        reached, beaten = precision_at(ours, recall), precision_at(trivial, recall)
        assert reached is not None
        assert beaten is not None
        assert reached > beaten


@pytest.mark.parametrize("made", [IN_STEP, UNKNOWN], indirect=True)
def test_weights_are_the_shares_that_are_right(made: Made) -> None:
    kept = {key: [label for label in labels if label[1] >= KEPT_WEIGHT] for key, labels in frames_of(made).items()}
    assert reliability(made[0], kept)[0] < 0.05


@pytest.mark.parametrize("made", [IN_STEP, UNKNOWN], indirect=True)
def test_an_offset_is_given_where_it_is_right_and_rarely_to_the_words_of_another_video(made: Made) -> None:
    """The threshold lets 5 % of strangers pass: of 120 pairs 6, give or take 5."""
    _, narrated = made

    def offset(words: Narrated, frames: Narrated) -> float | None:
        found = align(words.words, frames.frames, EVERYTHING)["video_offset_seconds"][0].as_py()
        return None if found is None else float(found)

    own = [(offset(one, one), one.video["lag"]["offset"]) for one in narrated]
    right = [abs(found - true) <= 1 for found, true in own if found is not None]
    assert len(right) >= 0.1 * len(narrated)
    assert sum(right) >= 0.85 * len(right)
    strangers = [offset(one, narrated[at - apart]) for at, one in enumerate(narrated) for apart in (5, 11, 17)]
    assert sum(found is not None for found in strangers) <= 12
