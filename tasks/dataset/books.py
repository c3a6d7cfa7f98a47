"""The books: every video, frame and word of the list is in the dataset or left out under a name."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.dataset.duplicates import Decided
from tasks.dataset.labels import STEPS, Fingerprinted
from tasks.dataset.splits import SPLITS, split_unit
from tasks.params import DatasetParams
from tasks.schema import Video


def summarise(
    found: Sequence[Fingerprinted], decided: Sequence[Decided], left_out: dict[str, int],
    shards: dict[str, list[dict[str, Any]]], params: DatasetParams,
) -> dict[str, Any]:
    """The part of the manifest that counts."""
    videos = [_video(labelled, video) for labelled, video in zip(found, decided, strict=True)]
    splits = {
        split: summarise_split([(labelled.video, record) for labelled, record in zip(found, videos, strict=True)
                                if record["split"] == split], shards[split], params) for split in SPLITS}
    facts = [video["facts"] for video in videos]
    books = {
        "videos": book(len(videos) + sum(left_out.values()), len(videos), left_out),
        "frames": book(_total(facts, "frames_sampled"), _total(videos, "rows"), add_counts(
            *(fact["frames_dropped"] for fact in facts), *(video["drops"] for video in videos))),
        "words": book(_total(facts, "words_heard"), _total(facts, "words_key"), add_counts(
            *(fact["words_dropped"] for fact in facts))),
    }
    return {
        "videos": videos, "splits": splits, "books": books, "notes": _notes(books, splits, params),
        "made_by": {step: _made_by(found, step) for step in STEPS},
        "engines": add_counts(*({fact["engine"]: 1} for fact in facts))}


def _video(labelled: Fingerprinted, video: Decided) -> dict[str, Any]:
    kept = video.content.labels[video.dropped == 0]
    return {
        "id": video.id, "fingerprint": labelled.fingerprint, "split": video.split, "group": video.group, "rows": len(kept),
        "labels": int(kept.sum()), "rows_without_label": int((kept == 0).sum()), "drops": video.drops(),
        "inputs": dict(labelled.records["frames"]["inputs"]), "facts": video.content.facts}


def book(everything: int, kept: int, left_out: dict[str, int]) -> dict[str, Any]:
    """One book: it balances when `all` is `kept` and what was left out, by reason."""
    return {"all": everything, "kept": kept, "left_out": left_out}


def summarise_split(
    videos: Sequence[tuple[Video, dict[str, Any]]], shards: list[dict[str, Any]], params: DatasetParams,
) -> dict[str, Any]:
    """A split of the manifest. videos: those in it, with their entries in the manifest."""
    rows = [record for _, record in videos]
    return {
        "videos": len(rows), "channels": len({split_unit(video, params) for video, _ in videos}),
        "rows": _total(rows, "rows"), "labels": _total(rows, "labels"), "rows_without_label": _total(rows, "rows_without_label"),
        "seconds": round(sum(record["facts"]["seconds"] for record in rows), 3),
        "bytes": _total(shards, "bytes"), "shards": shards}


def _made_by(found: Sequence[Fingerprinted], step: str) -> list[dict[str, Any]]:
    """Version and params of a label step, with how many videos were made so; more than one after a change of settings."""
    counts = Counter(
        json.dumps({key: labelled.records[step][key] for key in ("step", "version", "params")}, sort_keys=True)
        for labelled in found)
    return [{**json.loads(text), "videos": count} for text, count in sorted(counts.items())]


def _notes(books: dict[str, Any], splits: dict[str, Any], params: DatasetParams) -> list[str]:
    """What a person should know before using the dataset."""
    if not books["videos"]["kept"]:
        return ["The dataset is empty: no video of the list is labelled yet."]
    if not books["frames"]["kept"]:
        return ["The dataset is empty: every sampled frame was left out; the reasons are in the books."]
    wanted = {"train": 1.0, "validation": params.validation_share, "test": params.test_share}
    empty = [split for split in SPLITS if not splits[split]["rows"] and wanted[split] > 0]
    units = sum(split["channels"] for split in splits.values())
    notes = [f"Nothing fell into {' and '.join(empty)}: whole {params.split_by}s are placed by chance, "
             f"and there {'is only one' if units == 1 else f'are {units}'}."] if empty else []
    if empty and units < books["videos"]["kept"]:
        notes.append("With few channels set dataset.split_by to video; the same speakers then are in every split.")
    return notes


def _total(records: Iterable[dict[str, Any]], key: str) -> int:
    return sum(int(record[key]) for record in records)


def add_counts(*counts: dict[str, int]) -> dict[str, int]:
    """The sum of counts by name, names in order."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
