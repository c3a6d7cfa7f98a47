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

    def same_prefix(self, found: Sequence[tuple[Fingerprinted, str]]) -> list[Decided]:
        """The verdicts that still hold: those on the first videos, as long as these are the same.

        A verdict depends on the videos before it in the list and on nothing else.
        """
        same = []
        if self.same_params:
            for (labelled, split), (fingerprint, video) in zip(found, self.videos, strict=False):
                if (labelled.video.id, labelled.fingerprint, split) != (video.id, fingerprint, video.split):
                    break
                same.append(video)
        return same


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
