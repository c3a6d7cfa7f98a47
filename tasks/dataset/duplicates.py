"""Which kept frames repeat a picture of an earlier video, and what that means for the dataset.

The first video of the list to show a picture keeps it. A later frame that repeats it is left out: `duplicate_video` when the
first lies in the same split, `split_leak` when it lies in another. A video of which at least half the pictures repeat
earlier ones is a re-upload: it joins the duplicate group of the video it repeats most, and when the pictures it repeats lie
in another split, all of it is a leak, since what is left shows the same things and has the same voice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.dataset.labels import LabelledVideo
from tasks.dataset.near_duplicates import HashIndex, brute_force

REUPLOAD_SHARE = 0.5  # of a video's pictures with a meaningful hash
DROPS = ("duplicate_video", "split_leak")

# One row a kept frame of every labelled video, in list order: what the cross-video step decided and why.
INDEX = pa.schema([
    pa.field("video_id", pa.string()),
    pa.field("frame", pa.int32()),
    pa.field("phash", pa.uint64()),
    pa.field("flat", pa.bool_()),
    pa.field("labels", pa.int32()),
    pa.field("dropped", pa.string()),  # one of DROPS, or null: a row of the dataset
    pa.field("duplicate_video", pa.string()),  # the earlier frame it repeats
    pa.field("duplicate_frame", pa.int32()),
])


@dataclass(frozen=True)
class Decided:
    """A video with the cross-video verdict on each of its kept frames.

    dropped: per frame, 0 kept, else 1 + the place in DROPS. duplicate_video, duplicate_frame: the earlier frame, or "" and -1.
    group: the first video of its duplicate group, itself when it repeats none.
    """

    id: str
    split: str
    group: str
    content: LabelledVideo
    dropped: NDArray[np.int8]
    duplicate_video: tuple[str, ...]
    duplicate_frame: NDArray[np.int32]

    @property
    def kept(self) -> NDArray[np.int32]:
        """The frames that become rows."""
        kept: NDArray[np.int32] = self.content.frames[self.dropped == 0]
        return kept

    @property
    def indexed(self) -> NDArray[np.uint64]:
        """The hashes that later videos are compared with: those of its rows, flat pictures left out."""
        hashes: NDArray[np.uint64] = self.content.phash[(self.dropped == 0) & ~self.content.flat]
        return hashes

    def drops(self) -> dict[str, int]:
        counts = {reason: int((self.dropped == at).sum()) for at, reason in enumerate(DROPS, start=1)}
        return {reason: count for reason, count in counts.items() if count}


class Judge:
    """Decides on videos in list order."""

    def __init__(self, duplicate_bits: int) -> None:
        self._index = HashIndex(duplicate_bits)
        self._videos: list[Decided] = []
        self._owners: NDArray[np.int32] = np.empty(0, np.int32)  # of each indexed hash: place in _videos
        self._frames: NDArray[np.int32] = np.empty(0, np.int32)

    def accept(self, videos: Iterable[Decided]) -> None:
        """Take over what was decided before, all at once."""
        known = [np.empty(0, np.uint64)]
        owners, frames = [self._owners], [self._frames]
        for video in videos:
            mine = (video.dropped == 0) & ~video.content.flat
            known.append(video.indexed)
            frames.append(video.content.frames[mine])
            owners.append(np.full(int(mine.sum()), len(self._videos), np.int32))
            self._videos.append(video)
        self._index.add(np.concatenate(known))
        self._owners, self._frames = np.concatenate(owners), np.concatenate(frames)

    def decide(self, video_id: str, split: str, content: LabelledVideo) -> Decided:
        """Judge the next video of the list."""
        count = len(content.frames)
        told = np.flatnonzero(~content.flat)  # hashes of flat pictures are noise
        first = np.full(count, -1, np.int64)
        first[told] = self._index.first_within(content.phash[told])
        repeats = np.flatnonzero(first >= 0)
        owners = self._owners[first[repeats]]
        leaks = np.array([self._videos[owner].split != split for owner in owners], bool)
        dropped = np.zeros(count, np.int8)
        dropped[repeats] = np.where(leaks, 2, 1)
        group = video_id
        if len(repeats) and len(repeats) >= REUPLOAD_SHARE * len(told):
            group = self._videos[int(np.bincount(owners).argmax())].group
        if leaks.any() and leaks.sum() >= REUPLOAD_SHARE * len(told):
            dropped[:] = 2
        names, frames = [""] * count, np.full(count, -1, np.int32)
        for at, owner in zip(repeats, owners, strict=True):
            names[at] = self._videos[owner].id
        frames[repeats] = self._frames[first[repeats]]
        decided = Decided(video_id, split, group, content, dropped, tuple(names), frames)
        self.accept([decided])
        return decided


class Changes:
    """What has come and gone since verdicts were made, to tell which of the later ones it touches."""

    def __init__(self, duplicate_bits: int, gone: Iterable[str]) -> None:
        """gone: ids of videos whose pictures are no longer there."""
        self._bits = duplicate_bits
        self._videos = set(gone)
        self._new = np.empty(0, np.uint64)

    def note(self, old: Decided | None, new: Decided) -> None:
        """A video was judged. old: the verdict that it had before."""
        if old is None:
            added = new.indexed
        elif (old.group, old.split) == (new.group, new.split) and np.array_equal(old.kept, new.kept):
            return
        else:
            added = np.setdiff1d(new.indexed, old.indexed)
            self._videos.add(old.id)
        self._new = np.concatenate([self._new, added])

    def touch(self, video: Decided) -> bool:
        """True when a later video must be judged again: it repeats what has changed, or may repeat what has come."""
        if not self._videos.isdisjoint(video.duplicate_video):
            return True
        told = video.content.phash[~video.content.flat]
        return bool(len(self._new)) and bool((brute_force(self._new, told, self._bits) >= 0).any())


def index_table(videos: list[Decided]) -> pa.Table:
    """The verdicts as a table (schema INDEX)."""
    reasons = np.array([None, *DROPS], object)
    columns = [
        [name for video in videos for name in [video.id] * len(video.content.frames)],
        *(np.concatenate([np.empty(0, kind), *(getattr(video.content, name) for video in videos)])
          for name, kind in (("frames", np.int32), ("phash", np.uint64), ("flat", bool), ("labels", np.int32))),
        [reason for video in videos for reason in reasons[video.dropped]],
        [name or None for video in videos for name in video.duplicate_video],
        [None if frame < 0 else int(frame) for video in videos for frame in video.duplicate_frame],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, INDEX, strict=True)]
    return pa.table(arrays, schema=INDEX)
