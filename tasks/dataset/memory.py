"""What an earlier version of the dataset in the same folder saves the next build from doing again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.dataset.duplicates import DROPS, Decided
from tasks.dataset.labels import Fingerprinted, LabelledVideo
from tasks.dataset.manifest import read_manifest
from tasks.errors import InputError, IntegrityError
from tasks.params import DatasetParams
from tasks.storage.artefact import digest_file, numbers, read_table

# What the verdicts depend on, besides the videos.
VERDICT_PARAMS = ("split_by", "validation_share", "test_share", "split_seed", "duplicate_bits")


@dataclass(frozen=True)
class Memory:
    """videos: in list order, with the fingerprint each was decided under. shards: manifest entries by path.

    index: manifest entry of the file of verdicts, found whole.
    """

    videos: list[tuple[str, Decided]] = field(default_factory=list)
    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    same_params: bool = False
    index: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._contents.update({(video.id, fingerprint): video.content for fingerprint, video in self.videos})

    _contents: dict[tuple[str, str], LabelledVideo] = field(default_factory=dict, init=False)

    def content(self, labelled: Fingerprinted) -> LabelledVideo | None:
        """What was read from these very labels before."""
        return self._contents.get((labelled.video.id, labelled.fingerprint))

    def verdicts(self, found: Sequence[tuple[Fingerprinted, str]]) -> tuple[list[Decided | None], set[str]]:
        """The verdict that each video had, None where it is new or has changed; and the videos that have changed or gone.

        A verdict depends on the video and on those before it in the list, so there is none where their order is another.
        """
        known = {video.id: (fingerprint, video) for fingerprint, video in self.videos} if self.same_params else {}
        listed = [labelled.video.id for labelled, _ in found if labelled.video.id in known]
        there = set(listed)
        if listed != [name for name in known if name in there]:
            known = {}
        old: list[Decided | None] = []
        for labelled, split in found:
            fingerprint, video = known.get(labelled.video.id, ("", None))
            old.append(video if video and (fingerprint, video.split) == (labelled.fingerprint, split) else None)
        return old, set(known) - {video.id for video in old if video}


def remember(out: Path, version: int, params: DatasetParams) -> Memory:
    """Read back the last version; nothing where there is none, or it is not whole, or other code made it."""
    try:
        manifest = read_manifest(out)
        if (manifest["step"], manifest["version"]) != ("dataset", version):
            return Memory()
        index = out / manifest["index"]["path"]
        if digest_file(index) != manifest["index"]["digest"]:
            return Memory()
        verdicts = read_table(index)
    except (InputError, IntegrityError, OSError):
        return Memory()
    counts = [record["facts"]["frames_kept"] for record in manifest["videos"]]
    videos = [
        (record["fingerprint"], _restore(record, verdicts.slice(end - count, count)))
        for record, count, end in zip(manifest["videos"], counts, accumulate(counts), strict=True)]
    shards = {shard["path"]: shard for split in manifest["splits"].values() for shard in split["shards"]}
    same = all(manifest["params"].get(key) == getattr(params, key) for key in VERDICT_PARAMS)
    return Memory(videos, shards, same, manifest["index"])


def _restore(record: dict[str, Any], verdicts: pa.Table) -> Decided:
    content = LabelledVideo(record["facts"], *(numbers(verdicts[name]) for name in ("frame", "phash", "flat", "labels")))
    codes = {reason: code for code, reason in enumerate((None, *DROPS))}
    return Decided(
        record["id"], record["split"], record["group"], content,
        np.array([codes[reason] for reason in verdicts["dropped"].to_pylist()], np.int8),
        tuple(name or "" for name in verdicts["duplicate_video"].to_pylist()),
        np.array([-1 if number is None else number for number in verdicts["duplicate_frame"].to_pylist()], np.int32))
