"""Labels of many videos become one dataset: shards by split, a manifest in which the books balance, and a card.

The result is a pure function of list, labels and params, whatever was there before: an earlier version in the same folder only
saves work. Pictures are read and written for new and changed shards only; of every other video the footers are read, to see
that its labels are still the same.
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.dataset.books import summarise
from tasks.dataset.card import write_card
from tasks.dataset.duplicates import Changes, Decided, Judge, index_table
from tasks.dataset.labels import Fingerprinted, LabelledVideo, fingerprint_video, read_labelled
from tasks.dataset.manifest import file_entry, shard_entry, write_manifest
from tasks.dataset.memory import Memory, remember
from tasks.dataset.rows import PICTURE, read_rows
from tasks.dataset.shards import Piece, cut_pieces, group_pieces
from tasks.dataset.splits import SPLITS, assign_splits
from tasks.errors import InputError, IntegrityError
from tasks.params import DatasetParams
from tasks.schema import Video
from tasks.storage.artefact import Fingerprint, digest_json, is_done, write_table
from tasks.storage.atomic import staged_file

VERSION = 1
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatasetSummary:
    """What a build came to.

    rows: by split. left_out: videos of the list that are not in it, by reason. notes: what a person should know.
    """

    rows: dict[str, int]
    videos: int
    left_out: dict[str, int]
    shards_written: int
    shards_kept: int
    bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Survey:
    """The labelled videos of the list, in its order, judged; and why the others are not there."""

    found: list[Fingerprinted]
    decided: list[Decided]
    left_out: dict[str, int]


def build_dataset(
    labels: Path, videos: Sequence[Video], out: Path, params: DatasetParams, evidence: Path | None = None,
) -> DatasetSummary:
    """Bring the dataset in `out` up to date with the labels of the videos, in list order; forgotten ones are passed over.

    labels: holds <id>/{frames,words,examples}.parquet; a video without them counts as `not_labelled`, one whose files are torn
    or do not fit together as `damaged_labels`.
    evidence: holds <id>.parquet, examples that nets have judged; they take the place of those from timing alone.
    Raises InputError when the list names a video twice, IntegrityError when a picture cannot be read; OSError when the disk is
    full. The earlier version then is still whole.
    """
    twice = [name for name, count in Counter(video.id for video in videos).items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]}: listed twice", "keep one of its lines in videos.csv")
    memory = remember(out, VERSION, params)
    survey = _survey(labels, [video for video in videos if not video.is_forgotten], memory, params, evidence)
    splits, written = _write_shards(labels, survey, out, params, memory)
    index = _write_index(survey, out, params, memory)
    manifest = {
        "step": "dataset", "version": VERSION, "params": params.model_dump(), "index": index,
        **summarise(survey.found, survey.decided, survey.left_out, splits, params)}
    write_card(out, manifest, [found.video for found in survey.found])
    write_manifest(out, manifest)
    _sweep(out, manifest)
    shards = [shard for split in splits.values() for shard in split]
    return DatasetSummary(
        rows={name: split["rows"] for name, split in manifest["splits"].items()}, videos=len(survey.decided),
        left_out=survey.left_out, shards_written=written, shards_kept=len(shards) - written,
        bytes=sum(shard["bytes"] for shard in shards), notes=tuple(manifest["notes"]))


def _survey(
    labels: Path, videos: Sequence[Video], memory: Memory, params: DatasetParams, evidence: Path | None,
) -> _Survey:
    found: list[tuple[Fingerprinted, str]] = []
    left_out: Counter[str] = Counter()
    contents = []
    for video, split in zip(videos, assign_splits(videos, params), strict=True):
        try:
            labelled = fingerprint_video(labels / video.id, video, evidence)
            if labelled is None:
                left_out["not_labelled"] += 1
                continue
            content = memory.content(labelled) or read_labelled(labels / video.id, labelled)
        except IntegrityError as error:
            log.warning("%s is left out: %s", video.id, error)
            left_out["damaged_labels"] += 1
            continue
        found.append((labelled, split))
        contents.append(content)
    decided = _judge(found, contents, memory, params)
    return _Survey([labelled for labelled, _ in found], decided, dict(sorted(left_out.items())))


def _judge(
    found: Sequence[tuple[Fingerprinted, str]], contents: Sequence[LabelledVideo], memory: Memory, params: DatasetParams,
) -> list[Decided]:
    """The cross-video verdicts, in list order: those remembered, where nothing that they depend on has changed."""
    verdicts, gone = memory.verdicts(found)
    judge, changes = Judge(params.duplicate_bits), Changes(params.duplicate_bits, gone)
    decided: list[Decided] = []
    accepted = 0
    for (labelled, split), content, old in zip(found, contents, verdicts, strict=True):
        if old is not None and not changes.touch(old):
            decided.append(old)
            continue
        judge.accept(decided[accepted:])
        decided.append(judge.decide(labelled.video.id, split, content))
        accepted = len(decided)
        changes.note(old, decided[-1])
    return decided


def _write_shards(
    labels: Path, survey: _Survey, out: Path, params: DatasetParams, memory: Memory,
) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Make every shard be there; returns their manifest entries by split, and how many had to be written."""
    target = params.shard_megabytes * 1_000_000
    found = {labelled.video.id: labelled for labelled in survey.found}
    splits: dict[str, list[dict[str, Any]]] = {}
    written = 0
    for split in SPLITS:
        pieces = [piece for video in survey.decided if video.split == split for piece in cut_pieces(video, target)]
        splits[split] = []
        for number, shard in enumerate(group_pieces(pieces, target)):
            fingerprint = shard_fingerprint(shard, {piece.video.id: found[piece.video.id].fingerprint for piece in shard}, params)
            path = out / "data" / f"{split}-{number:05d}-{fingerprint.digest[:8]}.parquet"
            known = memory.shards.get(f"data/{path.name}")
            if not (is_done(path, fingerprint) and (known is None or known["bytes"] == path.stat().st_size)):
                known = _move_shard(path, fingerprint, memory)
                if known is None:
                    _write_shard(path, shard, fingerprint, labels, found, params)
                    written += 1
            rows = sum(len(piece.frames) for piece in shard)
            splits[split].append(shard_entry(path, rows, [piece.name for piece in shard], known))
    return splits, written


def shard_fingerprint(shard: Sequence[Piece], videos: dict[str, str], params: DatasetParams) -> Fingerprint:
    """What makes a shard: its videos, and which of their frames. The bytes follow from it."""
    inputs = {
        piece.name: digest_json([videos[piece.video.id], piece.video.group, piece.frames.tolist()]) for piece in shard}
    return Fingerprint("dataset", VERSION, {"row_group_rows": params.row_group_rows}, inputs)


def _move_shard(path: Path, fingerprint: Fingerprint, memory: Memory) -> dict[str, Any] | None:
    """Put a shard where it belongs that lies under another number; returns how the last manifest named it."""
    split, _, digest = path.stem.split("-")
    for name, known in memory.shards.items():
        other = path.parent / Path(name).name
        if fnmatch(other.stem, f"{split}-*-{digest}") and is_done(other, fingerprint) and known["bytes"] == other.stat().st_size:
            path.unlink(missing_ok=True)
            try:
                os.link(other, path)
            except OSError:  # no links on this file system
                with staged_file(path) as staging:
                    shutil.copyfile(other, staging)
            return known
    return None


def _write_shard(
    path: Path, shard: Sequence[Piece], fingerprint: Fingerprint, labels: Path, found: dict[str, Fingerprinted],
    params: DatasetParams,
) -> None:
    tables = [
        read_rows(labels / piece.video.id, found[piece.video.id], piece.frames, piece.video.group) for piece in shard]
    write_table(pa.concat_tables(tables), path, fingerprint, row_group_rows=params.row_group_rows, plain_columns=(PICTURE,))


def _write_index(survey: _Survey, out: Path, params: DatasetParams, memory: Memory) -> dict[str, Any]:
    """The cross-video verdicts, one row a kept frame: the reasons, and what the next build starts from."""
    verdicts = digest_json([
        [labelled.fingerprint, video.group, video.dropped.tolist()]
        for labelled, video in zip(survey.found, survey.decided, strict=True)])
    fingerprint = Fingerprint("dataset-index", VERSION, {"duplicate_bits": params.duplicate_bits}, {"verdicts": verdicts})
    path = out / f"index-{fingerprint.digest[:8]}.parquet"
    if memory.index.get("path") == path.name:
        return memory.index
    table = index_table(survey.decided)
    write_table(table, path, fingerprint, row_group_rows=100_000)
    return {**file_entry(path, path.name), "rows": len(table)}


def _sweep(out: Path, manifest: dict[str, Any]) -> None:
    """Remove shards and indices of earlier versions; the manifest no longer names them."""
    named = {shard["path"] for split in manifest["splits"].values() for shard in split["shards"]} | {manifest["index"]["path"]}
    for path in [*out.glob("data/*.parquet"), *out.glob("index-*.parquet")]:
        if str(path.relative_to(out)) not in named:
            path.unlink()
