import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.search.find import find_pictures, moment_address
from tasks.search.words import Term
from tests.search.world import make_index, random_unit, unit

# Pictures in a plane of two things: 0 shows the first, 1 the second, 2 both, 3 neither.
CORNERS = unit([[1, 0, 0.2], [0, 1, 0.2], [1, 1, 0.2], [0, 0, 1]])


def term(vector: object, factor: float = 8.0, intercept: float = -4.0) -> Term:
    return Term("word", unit(vector), factor, intercept)


def test_one_word_finds_what_shows_it_most() -> None:
    found = find_pictures(make_index(CORNERS), [term([1, 0, 0])], results=2, per_video=0)
    assert [one.row for one in found] == [0, 2]


def test_a_second_word_narrows_to_what_shows_both() -> None:
    found = find_pictures(make_index(CORNERS), [term([1, 0, 0]), term([0, 1, 0])], results=4, per_video=0)
    assert [one.row for one in found] == [2, 0, 1, 3]


def test_some_of_each_word_beats_much_of_one() -> None:
    """By hand, with odds 40 cos - 20: cosines (0.95, 0.31) give P (1, 0.0005), floored 1.05 * 0.0505; (0.6, 0.6) give
    (0.98, 0.98), floored 1.03 * 1.03. The sums of the cosines, 1.26 and 1.20, would have it the other way round.
    """
    strong, even = [0.95, 0.31, 0.0371], [0.6, 0.6, 0.529]
    terms = [term(axis, 40, -20) for axis in np.eye(3)]
    found = find_pictures(make_index(unit([strong, even])), terms[:2], results=2, per_video=0)
    assert [one.row for one in found] == [1, 0]
    assert found[0].chances == pytest.approx((0.98, 0.98), abs=0.01)


def test_a_word_that_was_overlooked_does_not_outweigh_the_other() -> None:
    """By hand, with odds 40 cos - 20: cosines (0.6, 0.1) and (0.5, 0.15) give P (0.98, 1e-7) and (0.5, 8e-7): a bare product
    would have the second first, which shows nothing of the second word and less of the first.
    """
    pictures = [[0.6, 0.1, 0.7937], [0.5, 0.15, 0.8529]]
    found = find_pictures(
        make_index(unit(pictures)), [term([1, 0, 0], 40, -20), term([0, 1, 0], 40, -20)], results=2, per_video=0)
    assert [one.row for one in found] == [0, 1]


def test_small_chances_keep_their_order() -> None:
    """With odds cos - 30 every chance is about 1e-13."""
    found = find_pictures(make_index(CORNERS), [term([1, 0, 0], 1, -30)], results=4, per_video=0)
    assert [one.row for one in found][:2] == [0, 2]


def test_chances_are_the_logistic_of_the_odds() -> None:
    [found] = find_pictures(make_index(unit([[1, 0, 0]])), [term([1, 0, 0], 8, -4)], results=1, per_video=0)
    assert found.chances[0] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-3)


@given(st.integers(1, 4), st.integers(1, 60), st.integers(0, 3), st.integers(0, 5))
def test_the_ranking_is_that_of_exact_arithmetic(pieces: int, results: int, per_video: int, seed: int) -> None:
    """Against the definition, in float64 over all pictures: at 1,500 pictures the 8-bit short list is truly a short list."""
    vectors, owners = random_unit(1_500, 16, seed), np.random.default_rng(seed).integers(0, 40, 1_500)
    terms = [term(vector, 12, -3) for vector in random_unit(2, 16, seed + 100)]
    stored = vectors.astype(np.float16).astype(np.float64)
    odds = np.stack([12 * stored @ one.vector.astype(np.float64) - 3 for one in terms], axis=1)
    score = np.log(0.05 + 1 / (1 + np.exp(-odds))).sum(axis=1)
    expected: list[int] = []
    for picture in np.argsort(-score):
        held = sum(owners[other] == owners[picture] for other in expected)
        if len(expected) < results and (not per_video or held < per_video):
            expected.append(int(picture))
    found = find_pictures(make_index(vectors, owners.tolist(), pieces), terms, results=results, per_video=per_video)
    assert [round(one.seconds / 3) for one in found] == expected


def test_one_video_cannot_crowd_out_the_others() -> None:
    """1,000 pictures of one video are better than the only one of another."""
    vectors = unit([[1, 0.001 * at / 1000] for at in range(1_000)] + [[1, 1]])
    found = find_pictures(make_index(vectors, [0] * 1_000 + [1]), [term([1, 0])], results=3, per_video=2)
    assert [one.video_id for one in found] == ["site_0", "site_0", "site_1"]


def test_a_video_in_two_shards_counts_once() -> None:
    index = make_index(unit([[1, 0], [1, 0.1], [1, 0.2], [1, 0.3]]), [0, 0, 0, 1], pieces=2)
    found = find_pictures(index, [term([1, 0])], results=3, per_video=1)
    assert [(one.video_id, one.shard.name, one.row) for one in found] == [
        ("site_0", "train-00000.parquet", 0), ("site_1", "train-00001.parquet", 1)]


def test_fewer_pictures_than_asked_for_are_all_given() -> None:
    assert len(find_pictures(make_index(CORNERS), [term([1, 0, 0])], results=50, per_video=0)) == 4


@pytest.mark.parametrize(("url", "expected"), [
    ("https://www.youtube.com/watch?v=abc", "https://www.youtube.com/watch?v=abc&t=65s"),
    ("https://youtu.be/abc", "https://youtu.be/abc?t=65s"),
    ("https://example.org/video.mp4", "https://example.org/video.mp4#t=65"),
    ("/films/cake.mp4", "/films/cake.mp4"),
])
def test_an_address_leads_to_the_moment(url: str, expected: str) -> None:
    assert moment_address(url, 65.4) == expected
