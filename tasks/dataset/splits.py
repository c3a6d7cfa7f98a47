"""Which split a video belongs to: decided once by what it is, never by what else is there."""

import hashlib
from collections.abc import Sequence

from tasks.params import DatasetParams
from tasks.schema import Video

SPLITS = ("train", "validation", "test")


def split_unit(video: Video, params: DatasetParams) -> str:
    """What goes into one split together: the channel; where it is not known, what was found through the same source."""
    return (video.channel or video.source or video.id) if params.split_by == "channel" else video.id


def assign_splits(videos: Sequence[Video], params: DatasetParams) -> list[str]:
    """The split of each video of the list.

    Every channel is placed by a seeded hash of its name alone, so that it stays where it is whatever is added, labelled
    or forgotten later. The first channel of the list always trains, so that a small dataset can be learnt from.
    """
    first = split_unit(videos[0], params) if videos else ""
    units = [split_unit(video, params) for video in videos]
    return [SPLITS[0] if unit == first else _place(unit, params) for unit in units]


def _place(unit: str, params: DatasetParams) -> str:
    digest = hashlib.blake2b(f"{params.split_seed}\n{unit}".encode(), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64
    if share < params.test_share:
        return "test"
    return "validation" if share < params.test_share + params.validation_share else "train"
