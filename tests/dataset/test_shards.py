"""Cuts between shards follow the videos themselves."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.dataset.duplicates import Decided
from tasks.dataset.labels import LabelledVideo
from tasks.dataset.shards import Piece, cut_pieces, group_pieces

TARGET = 1000


def decided(name: str, size: int, frames: int = 4) -> Decided:
    numbers = np.arange(frames, dtype=np.int32)
    content = LabelledVideo({"picture_bytes": size}, numbers, numbers.astype(np.uint64), numbers < 0, numbers)
    return Decided(name, "train", name, content, np.zeros(frames, np.int8), ("",) * frames, numbers)


def shards_of(videos: dict[str, int]) -> list[tuple[str, ...]]:
    pieces = [piece for name, size in videos.items() for piece in cut_pieces(decided(name, size), TARGET)]
    return [tuple(piece.name for piece in shard) for shard in group_pieces(pieces, TARGET)]


lists = st.dictionaries(st.text("abcdef", min_size=1, max_size=8), st.integers(1, 900), min_size=1, max_size=60)


@given(lists, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_what_is_appended_never_changes_a_sealed_shard(videos: dict[str, int], count: int) -> None:
    before = shards_of(dict(list(videos.items())[:count]))
    sealed = before[:-1]
    assert shards_of(videos)[:len(sealed)] == sealed


@given(lists)
@settings(max_examples=60, deadline=None)
def test_every_piece_is_in_one_shard_in_order_and_shards_keep_their_size(videos: dict[str, int]) -> None:
    shards = shards_of(videos)
    assert [name for shard in shards for name in shard] == list(videos)
    sizes = [sum(videos[name] for name in shard) for shard in shards]
    assert all(TARGET / 3 <= size < TARGET + max(videos.values()) for size in sizes[:-1])
    assert sizes[-1] < TARGET + max(videos.values())


def test_forgetting_one_of_many_videos_changes_about_one_shard() -> None:
    random = np.random.default_rng(0)
    videos = {f"site_{at}": int(size) for at, size in enumerate(random.lognormal(np.log(80), 0.7, 500))}
    before = set(shards_of(videos))
    assert len(before) > 50
    changed = [
        len([shard for shard in shards_of({name: size for name, size in videos.items() if name != gone}) if shard not in before])
        for gone in random.choice(list(videos), 40, replace=False)]
    assert np.mean(changed) < 1.5
    assert np.percentile(changed, 90) <= 2


def test_a_video_of_two_and_a_half_shards_comes_in_three_pieces_of_whole_rows() -> None:
    pieces: list[Piece] = cut_pieces(decided("long", 2500, frames=100), TARGET)
    assert [piece.name for piece in pieces] == ["long#0", "long#1", "long#2"]
    assert [frame for piece in pieces for frame in piece.frames] == list(range(100))
    assert {len(piece.frames) for piece in pieces} <= {33, 34}
