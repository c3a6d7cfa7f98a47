"""What `dvc metrics` and `dvc plots` show: figures of the dataset, in git beside it. They follow from its manifest alone."""

import csv
import io
import json
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from tasks.dataset.manifest import read_manifest
from tasks.storage.atomic import write_whole
from tasks.storage.layout import DataFolder

METRICS, GROWTH, LEFT_OUT = "metrics.json", "growth.csv", "left_out.csv"


def write_metrics(data: DataFolder) -> None:
    """Write data/metrics.json, data/growth.csv and data/left_out.csv.

    Raises InputError when there is no dataset, IntegrityError when its manifest is not whole.
    """
    manifest = read_manifest(data.dataset)
    write_whole(data.root / METRICS, json.dumps(figures(manifest), indent=1, sort_keys=True).encode() + b"\n")
    write_whole(data.root / GROWTH, _table(("videos", "pictures", "labels"), _growth(manifest)))
    write_whole(data.root / LEFT_OUT, _table(("what", "reason", "count"), (
        (what, reason, count) for what, book in sorted(manifest["books"].items())
        for reason, count in sorted(book["left_out"].items()))))


def figures(manifest: dict[str, Any]) -> dict[str, Any]:
    """The dataset in a few numbers. hours: of the videos in it."""
    splits, books = manifest["splits"], manifest["books"]
    pictures, labels = books["frames"]["kept"], sum(split["labels"] for split in splits.values())
    return {
        "videos": books["videos"]["kept"], "pictures": pictures, "labels": labels,
        "hours": round(sum(split["seconds"] for split in splits.values()) / 3600, 4),
        "labels_per_picture": round(labels / pictures, 4) if pictures else 0.0,
        "pictures_without_label": sum(split["rows_without_label"] for split in splits.values()),
        "megabytes": round(sum(split["bytes"] for split in splits.values()) / 1e6, 3),
        "splits": {name: {"videos": split["videos"], "pictures": split["rows"]} for name, split in splits.items()},
        "left_out": {what: book["left_out"] for what, book in books.items()}}


def _growth(manifest: dict[str, Any]) -> Iterable[tuple[int, int, int]]:
    """How many pictures and labels the first so many videos of the list give."""
    pictures = accumulate(video["rows"] for video in manifest["videos"])
    labels = accumulate(video["labels"] for video in manifest["videos"])
    return zip(range(1, len(manifest["videos"]) + 1), pictures, labels, strict=True)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode()
