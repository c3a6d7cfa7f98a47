import json
import math
import random
import statistics
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import IntegrityError
from tasks.keywords.corpus import DIRECTIONS, FEATURE_SCALE, MIN_VIDEOS, Corpus, picture_features
from tasks.keywords.pick import pick_keywords
from tests.keywords.tables import GREY, PARAMS, frames, heard

OBJECTS = {"tomato": (90, 110, 200), "cucumber": (120, 100, 90), "sky": (160, 180, 110), "lemon": (210, 60, 140)}
Part = tuple[pa.Table, pa.Table]
CHATTER = ("message", "family", "music", "letter")


def video(seed: int, *, tied: bool = True, pictures: int = 8) -> Part:
    """A video of pictures of one object each, 10 s long, its name said at a random moment in it, and chatter anywhere.

    tied: false says the names regardless of the pictures.
    """
    random_ = random.Random(seed)
    shown = [random_.choice(list(OBJECTS)) for _ in range(pictures)]
    said = shown if tied else random_.sample(shown, len(shown))
    spoken = [(10 * at + random_.uniform(4, 6), name) for at, name in enumerate(said)]
    spoken += [(random_.uniform(0, 10 * pictures - 1), word) for word in CHATTER for _ in range(2)]
    spoken.sort()
    starts = [start for start, _ in spoken]
    words = heard(" ".join(word for _, word in spoken), f"v{seed}", start=starts, end=[start + 0.3 for start in starts])
    seen = frames([picture(name, random_.randrange(16)) for name in shown], f"v{seed}")
    return pick_keywords(words, seen, Corpus.empty(), PARAMS), seen


def picture(name: str, cell: int) -> bytes:
    """A grey picture with the object's colour in one cell."""
    return GREY[:3 * cell] + bytes(OBJECTS[name]) + GREY[3 * cell + 3:]


def corpus_of(parts: Iterable[Part]) -> Corpus:
    corpus = Corpus.empty()
    for words, seen in parts:
        corpus.add(words, seen)
    return corpus


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_order_does_not_matter_and_removing_equals_never_having_added(data: st.DataObject) -> None:
    parts = [video(seed) for seed in range(5)]
    order = data.draw(st.permutations(range(5)))
    gone = data.draw(st.sets(st.integers(0, 4)))
    corpus = corpus_of(parts[at] for at in order)
    for at in gone:
        corpus.remove(*parts[at])
    expected = corpus_of(parts[at] for at in range(5) if at not in gone)
    assert corpus == expected
    assert corpus.digest == expected.digest


def test_the_digest_names_the_videos_and_what_they_say() -> None:
    parts = [video(seed) for seed in range(3)]
    digests = {corpus_of(parts[:count]).digest for count in range(4)}
    words, seen = parts[2]
    digests.add(corpus_of([*parts[:2], (words.slice(0, 5), seen)]).digest)
    assert len(digests) == 5


def test_only_what_was_added_can_be_removed() -> None:
    corpus = corpus_of([video(0)])
    words, seen = video(0)
    with pytest.raises(IntegrityError, match="v1"):
        corpus.remove(*video(1))
    with pytest.raises(IntegrityError, match="v0"):
        corpus.remove(words.slice(1), seen)
    with pytest.raises(ValueError, match="already"):
        corpus.add(words, seen)
    with pytest.raises(ValueError, match="one video"):
        corpus.add(words, frames(video_id="v1"))


def test_the_same_corpus_is_stored_in_the_same_bytes_and_alterations_are_found(tmp_path: Path) -> None:
    parts = [video(seed) for seed in range(4)]
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    corpus_of(parts).save(paths[0])
    corpus_of(reversed(parts)).save(paths[1])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert Corpus.load(paths[0]) == corpus_of(parts)
    state = json.loads(paths[0].read_text())
    state["document_frequency"]["music"] += 1
    paths[1].write_text(json.dumps(state))
    for damage in (paths[1].read_bytes(), b"[]", b"{}", paths[0].read_bytes()[:-9]):
        paths[1].write_bytes(damage)
        with pytest.raises(IntegrityError):
            Corpus.load(paths[1])


def test_nothing_is_known_from_an_empty_corpus() -> None:
    assert (Corpus.empty().rarity("knife"), Corpus.empty().visual("knife")) == (0.5, 0.5)


def test_names_of_what_is_seen_score_high_and_chatter_low() -> None:
    corpus = corpus_of(video(seed) for seed in range(200))
    assert all(corpus.visual(name) > 0.95 for name in OBJECTS)
    assert all(corpus.visual(word) < 0.5 for word in CHATTER)
    assert statistics.mean(corpus.visual(word) for word in CHATTER) < 0.2


def test_too_few_videos_tell_nothing() -> None:
    corpus = corpus_of(video(seed, pictures=20) for seed in range(MIN_VIDEOS - 1))
    assert {corpus.visual(name) for name in OBJECTS} == {0.5}


def test_words_said_regardless_of_pictures_agree_as_chance_would() -> None:
    scores = []
    for trial in range(12):
        corpus = corpus_of(video(1000 * trial + seed, tied=False) for seed in range(1, 25))
        for word in (*OBJECTS, *CHATTER):
            agreement, error = corpus.agreement(word)
            scores.append(agreement / error)
    # 96 standard scores, those of one trial not quite independent: mean 0 +- 0.1, spread 1.
    assert abs(statistics.mean(scores)) < 0.4
    assert 0.7 < statistics.stdev(scores) < 1.3


def test_a_words_channel_does_not_make_it_visual() -> None:
    """One channel shows tomatoes mostly and says `music`, the other cucumbers and `family`, whatever is on screen."""
    corpus = Corpus.empty()
    for seed in range(60):
        random_ = random.Random(seed)
        usual, word = (("tomato", "music"), ("cucumber", "family"))[seed % 2]
        seen = frames([picture(usual if random_.random() < 0.7 else "sky", 5) for _ in range(10)], f"v{seed}")
        starts = sorted(random_.uniform(0, 99) for _ in range(12))
        text = " ".join(random_.choice([word, "letter"]) for _ in starts)
        words = heard(text, f"v{seed}", start=starts, end=[start + 0.3 for start in starts])
        corpus.add(pick_keywords(words, seen, corpus, PARAMS), seen)
    for word in ("music", "family"):
        agreement, error = corpus.agreement(word)
        assert abs(agreement) < 3 * error
        assert corpus.visual(word) < 0.7


def test_a_still_picture_and_a_video_without_words_add_no_pictures() -> None:
    still, silent = frames([GREY] * 5), frames(video_id="silent")
    words = pick_keywords(heard("tomato music"), still, Corpus.empty(), PARAMS)
    nothing = pick_keywords(heard("", "silent"), silent, Corpus.empty(), PARAMS)
    corpus = corpus_of([(words, still), (nothing, silent)])
    assert corpus.directions == {}
    assert corpus.document_frequency == {"tomato": 1, "music": 1}


def test_where_the_coloured_cell_lies_makes_no_difference_to_a_picture() -> None:
    cells = np.frombuffer(b"".join(picture("tomato", cell) for cell in range(16)), np.uint8).reshape(16, 16, 3)
    features = picture_features(cells)
    assert features.shape == (16, DIRECTIONS)
    assert (features == features[0]).all()
    # 20 grey levels darker, Cb -18, Cr +72 with colour counting twice: the direction nearest to that sees nearly all of it.
    strength = math.sqrt((20 / 2) ** 2 + 18**2 + 72**2) * FEATURE_SCALE
    assert 0.9 * strength < features.max() <= strength


def test_a_plain_picture_has_no_features() -> None:
    plain = np.frombuffer(GREY, np.uint8).reshape(1, 16, 3)
    assert not picture_features(plain).any()
