"""README.md of the dataset: what the Hugging Face hub and `load_dataset` read, and what a person reads first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tasks.schema import Video
from tasks.storage.atomic import write_whole

CARD = "README.md"
SHOWN_CHANNELS = 30
CELL_CHARACTERS = 80
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
LIMITS = """\
- Labels come from what was said while the picture was shown, not from looking at it: about half of narration is not in view.
  `weight` is the estimated probability that the picture shows the label; filter by it.
- Words were recognised by machine or taken from captions; `confidence` is the recogniser's own.
- Pictures are repeated views of few rooms, people and channels; the table of channels says how few.
- Near-duplicates are found by a 64-bit perceptual hash: crops, mirrored pictures and pictures with other text over them are not.
- Faces, voices' words and names may be of people who did not ask to be here. `framewords forget VIDEO` removes a video for good:
  the dataset then is as if it had never been there.
- Most videos may not be redistributed: check `licence` row by row before sharing pictures; share the recipe export instead.
"""
USE = """\
```python
from datasets import load_dataset            # pictures are decoded, types are in the files
rows = load_dataset("path/to/this/folder")

import pyarrow.dataset as ds                 # without pictures, in no time
table = ds.dataset("data", format="parquet").to_table(columns=["video_id", "timestamp", "labels", "sentence"])
```
```sql
SELECT l.label, count(*) AS rows, avg(l.weight) AS weight
FROM (SELECT unnest(labels) AS l FROM 'data/train-*.parquet') GROUP BY ALL ORDER BY rows DESC;   -- DuckDB
```
"""


def write_card(dataset: Path, manifest: dict[str, Any], videos: Sequence[Video]) -> None:
    """Write the card. videos: those of the manifest, in its order."""
    books, splits = manifest["books"], manifest["splits"]
    seconds = sum(split["seconds"] for split in splits.values())
    rows = books["frames"]["kept"]
    parts = [
        "---\n" + yaml.safe_dump(_header(splits, rows), sort_keys=False) + "---",
        "# Pictures labelled with the words spoken about them",
        f"{rows} pictures from {books['videos']['kept']} narrated videos ({seconds / 3600:.1f} hours).",
        *(f"> **Note:** {note}" for note in manifest["notes"]),
        _table(("split", "videos", "channels", "pictures", "labels", "without a label", "MB"), (
            (name, split["videos"], split["channels"], split["rows"], split["labels"], split["rows_without_label"],
             f"{split['bytes'] / 1e6:.1f}") for name, split in splits.items())),
        "No channel and no picture is in two splits." if manifest["params"]["split_by"] == "channel" else
        "Splits go by video: the same channel may be in several. No picture is in two splits.",
        "## How to use it", USE.strip(),
        "## Licences", _by(videos, manifest["videos"], "licence", "not stated"),
        "## Channels", _by(videos, manifest["videos"], "channel", "not stated"),
        "## What was left out", _left_out(books),
        "## Known limits", LIMITS.strip(),
        "## How it was made", _made(manifest)]
    write_whole(dataset / CARD, ("\n\n".join(parts) + "\n").encode())


def _header(splits: dict[str, Any], rows: int) -> dict[str, Any]:
    files = [
        {"split": name, "path": [shard["path"] for shard in split["shards"]]}
        for name, split in splits.items() if split["shards"]]
    header: dict[str, Any] = {
        "pretty_name": "Pictures labelled with the words spoken about them", "license": "other",
        "license_name": "see-the-licence-column",
        "task_categories": ["zero-shot-image-classification", "image-classification"],
        "tags": ["weak-supervision", "video", "speech"],
        "size_categories": [next((name for limit, name in SIZES if rows < limit), "n>10M")]}
    return header | ({"configs": [{"config_name": "default", "data_files": files}]} if files else {})


def _by(videos: Sequence[Video], records: Sequence[dict[str, Any]], field: str, unknown: str) -> str:
    """A table of what a detail of the videos is, most pictures first."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for video, record in zip(videos, records, strict=True):
        total = totals[getattr(video, field) or unknown]
        total[0] += 1
        total[1] += record["rows"]
        total[2] += record["facts"]["seconds"]
    ordered = sorted(totals.items(), key=lambda item: (-item[1][1], item[0]))
    lines = [(name, total[0], total[1], f"{total[2] / 3600:.2f}") for name, total in ordered[:SHOWN_CHANNELS]]
    more = f"\n\n... and {len(ordered) - SHOWN_CHANNELS} more." if len(ordered) > SHOWN_CHANNELS else ""
    return _table((field, "videos", "pictures", "hours"), lines) + more


def _left_out(books: dict[str, Any]) -> str:
    lines = []
    for what, book in sorted(books.items()):
        reasons = ", ".join(f"{count} {reason}" for reason, count in book["left_out"].items()) or "nothing"
        lines.append((what, book["all"], book["kept"], reasons))
    return _table(("", "all", "kept", "left out"), lines)


def _made(manifest: dict[str, Any]) -> str:
    steps = [
        (step, made["version"], ", ".join(f"{key}={value}" for key, value in sorted(made["params"].items())), made["videos"])
        for step, all_made in manifest["made_by"].items() for made in all_made]
    own = ", ".join(f"{key}={value}" for key, value in sorted(manifest["params"].items()))
    steps.append(("dataset", manifest["version"], own, manifest["books"]["videos"]["kept"]))
    engines = _table(("recogniser", "videos"), manifest["engines"].items())
    return _table(("step", "version", "settings", "videos"), steps, cell_characters=1_000) + "\n\n" + engines


def _table(head: Sequence[str], lines: Iterable[Sequence[Any]], cell_characters: int = CELL_CHARACTERS) -> str:
    rows = [[_cell(value, cell_characters) for value in line] for line in (head, *lines)]
    rows.insert(1, ["---"] * len(head))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: Any, characters: int) -> str:
    """Text of unknown origin as one Markdown cell: no control characters, no markup, not endless."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(value))[:characters]
    return "".join("\\" + sign if sign in "\\`*_[]<>|#" else sign for sign in text)
