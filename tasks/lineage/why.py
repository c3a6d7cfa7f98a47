"""`framewords why`: from a picture, word, pair, dataset row or video back to where it comes from and what decided on it."""

import difflib
import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tasks.dataset.splits import SPLITS
from tasks.errors import InputError, IntegrityError
from tasks.keywords.pick import normalise
from tasks.lineage.answer import Answer, Step, amount, clock, render
from tasks.lineage.question import Question, parse_question
from tasks.lineage.sources import TABLES, Labels, Sources
from tasks.lineage.steps import dataset_step, frame_step, label_steps, media_step, source_step, table_step, word_rule
from tasks.lineage.words import explain_word
from tasks.storage.artefact import numbers, read_table
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Ledger, Outcome
from tasks.storage.tombstones import read_tombstones

__all__ = ["Answer", "explain", "render"]

DIGESTS: dict[int, Callable[[bytes], str]] = {
    32: lambda jpeg: hashlib.md5(jpeg, usedforsecurity=False).hexdigest(),
    40: lambda jpeg: hashlib.sha1(jpeg, usedforsecurity=False).hexdigest(),
    64: lambda jpeg: hashlib.sha256(jpeg).hexdigest()}


def explain(data: DataFolder, question: str) -> Answer:
    """The lineage of what the question names.

    question: `VIDEO:FRAME` or `VIDEO@SECONDS`, either followed by a word; `train:ROW`; a picture's phash (16 hex digits) or md5,
    sha1 or sha256; a video id; or a word.
    Raises InputError, with the nearest name, for what is not there; IntegrityError for an artefact that is damaged.
    """
    sources = Sources(data)
    asked = parse_question(question, sources.videos, SPLITS)
    if asked.kind == "word":
        return explain_word(sources, asked.name)
    if asked.kind == "video":
        return _explain_video(sources, asked.name)
    if asked.kind in ("row", "hash"):
        name, frame = _find_row(sources, asked) if asked.kind == "row" else _find_picture(sources, asked.name)
        return _explain_frame(sources, question.strip(), name, frame, asked.word)
    if asked.name not in sources.videos:
        near = difflib.get_close_matches(asked.name, sources.videos, n=1)
        raise InputError(f"{asked.name}: no such video", f"did you mean {near[0]}?" if near else "ask for one of videos.csv")
    if sources.videos[asked.name].is_forgotten:
        raise InputError(f"{asked.name}: forgotten", "nothing of it is here any more")
    frame = _frame_at(sources.labels(asked.name), asked.number) if asked.kind == "moment" else int(asked.number)
    return _explain_frame(sources, f"{asked.name}:{frame}", asked.name, frame, asked.word)


def _frame_at(labels: Labels, seconds: float) -> int:
    """The frame on screen at that time."""
    _require_frames(labels)
    for row in labels.frames.select(["frame", "timestamp", "end"]).to_pylist():
        if row["timestamp"] <= seconds < row["end"]:
            return int(row["frame"])
    last = float(numbers(labels.frames["end"]).max(initial=0.0))
    raise InputError(f"{labels.video_id}@{seconds:g}: no picture then", f"its pictures last until {clock(last)}")


def _require_frames(labels: Labels) -> None:
    if labels.record("frames") is None:
        raise InputError(f"{labels.video_id}: not sampled yet", f"`framewords why {labels.video_id}` says how it stands")


def _explain_frame(sources: Sources, subject: str, name: str, frame: int, word: str) -> Answer:
    labels = sources.labels(name)
    _require_frames(labels)
    if frame >= len(labels.frames):
        raise InputError(f"{name}:{frame}: no such frame", f"it has frames 0 to {len(labels.frames) - 1}")
    row = labels.frames.slice(frame, 1).to_pylist()[0]
    steps = [source_step(sources.videos[name], row["timestamp"]), media_step(labels),
             frame_step(labels, row, labels.record("frames") or {}), *label_steps(labels, row)]
    if word:
        steps += _pair_steps(labels, row, word)
    return Answer(subject if subject.endswith(word) else f"{subject} {word}", (*steps, dataset_step(sources, labels, row)))


def _pair_steps(labels: Labels, row: dict[str, Any], word: str) -> list[Step]:
    """Why a word does, or does not, label a picture."""
    record = labels.record("words")
    if record is None:
        return [Step("pair", "its words are not judged yet", {"label": None})]
    wanted = normalise(word) or word.lower()
    spoken = [one for one in labels.words.to_pylist() if one["lemma"] == wanted or normalise(one["word"]) == wanted]
    if not spoken:
        return [Step("pair", f"{wanted} is never said in this video", {"label": None})]
    middle = (row["timestamp"] + row["end"]) / 2
    example = labels.example(row["frame"])
    label = next((one for one in (example or {"labels": []})["labels"] if one["label"] in {one["lemma"] for one in spoken}), None)
    nearest = next((one for one in spoken if label and one["word_index"] == label["word_index"]), None) or min(
        spoken, key=lambda one: abs((one["start"] + one["end"]) / 2 - middle))
    steps = [Step("word", f"{nearest['word']} at {clock(nearest['start'])}: {word_rule(nearest, record)}",
                  {"word": nearest, "params": record["params"], "fingerprint": record["fingerprint"]})]
    if label:
        side = "while it is shown" if not label["offset_seconds"] else f"{label['offset_seconds']:+.1f} s from the picture"
        return [*steps, Step("pair", f"{label['label']} labels it with weight {label['weight']:.2f}: said at "
                             f"{clock(label['start'])}, {side}, {amount(label['count'], 'time')} near it", {"label": label})]
    params = (labels.record("examples") or {"params": {}})["params"]
    return [*steps, Step("pair", f"no label: {_no_label(row, nearest, params)}", {"label": None, "params": params})]


def _no_label(row: dict[str, Any], nearest: dict[str, Any], params: dict[str, Any]) -> str:
    if row["dropped"] is not None:
        return f"the frame was dropped as {row['dropped']}"
    if nearest["why_not"] is not None:
        return "it is no key word"
    away = max(row["timestamp"] - nearest["end"], nearest["start"] - row["end"], 0.0)
    if away > params.get("window_seconds", float("inf")):
        return f"said {away:.1f} s away at the nearest, alignment.window_seconds = {params['window_seconds']}"
    return f"said {away:.1f} s away, but its weight is below alignment.min_weight = {params.get('min_weight', '?')}"


def _explain_video(sources: Sources, name: str) -> Answer:
    """How a video stands, with the fingerprint of every step."""
    video, labels = sources.videos[name], sources.labels(name)
    tombstone = next((tomb for tomb in read_tombstones(sources.data.forgotten) if tomb.video_id == name), None)
    if tombstone:
        return Answer(name, (Step("state", f"forgotten on {tombstone.forgotten}", {"state": "forgotten"}),))
    entry = next((one for one in (sources.manifest or {"videos": []})["videos"] if one["id"] == name), None)
    steps = [source_step(video), _state_step(sources, name), media_step(labels), *(table_step(labels, table) for table in TABLES)]
    if entry is None:
        return Answer(name, (*steps, Step("dataset", "not in it", {"in_dataset": False})))
    shards = [shard for shard in sources.shards if any(piece.partition("#")[0] == name for piece in shard["videos"])]
    drops = "".join(f", {count} {reason}" for reason, count in entry["drops"].items())
    where = ", ".join(f"{shard['path']} {shard['digest'][:12]}" for shard in shards)
    rows = f"{amount(entry['rows'], 'row')} in {entry['split']}{drops}"
    text = f"{rows}; group {entry['group']}; {entry['fingerprint'][:12]}: {where}"
    return Answer(name, (*steps, Step("dataset", text, {
        "in_dataset": True, **entry, "shards": [{key: shard[key] for key in ("path", "digest", "bytes")} for shard in shards]})))


def _state_step(sources: Sources, name: str) -> Step:
    outcome = _outcomes(sources.data).get(name)
    if outcome is None:
        labelled = sources.data.examples(name).is_file()
        return Step("state", "labelled" if labelled else "not tried yet", {"state": "labelled" if labelled else "waiting"})
    why = f": {outcome.code}: {outcome.problem}" if outcome.code else ""
    return Step("state", f"{outcome.outcome.replace('_', ' ')}{why}", {
        "state": outcome.outcome, "step": outcome.step, "code": outcome.code, "problem": outcome.problem,
        "attempts": outcome.attempts})


def _outcomes(data: DataFolder) -> dict[str, Outcome]:
    """What the ledger says of every video; nothing where there is none."""
    if not data.ledger.is_file():
        return {}
    try:
        ledger = Ledger(data.ledger)
    except sqlite3.DatabaseError as error:
        remedy = "delete it; the next run makes it again"
        raise IntegrityError(f"{data.ledger}: not a ledger ({error})", remedy) from error
    try:
        return ledger.outcomes()
    finally:
        ledger.close()


def _find_row(sources: Sources, asked: Question) -> tuple[str, int]:
    """The video and frame of a row of a split."""
    mine = [shard for shard in sources.shards if shard["split"] == asked.name]
    for shard in mine:
        if 0 <= (at := int(asked.number) - shard["first"]) < shard["rows"]:
            rows = read_table(sources.data.dataset / shard["path"], ["video_id", "frame"])
            return rows["video_id"][at].as_py(), rows["frame"][at].as_py()
    total = sum(shard["rows"] for shard in mine)
    hint = f"it has rows 0 to {total - 1}" if total else "the split is empty"
    raise InputError(f"{asked.name}:{int(asked.number)}: no such row", hint)


def _find_picture(sources: Sources, digits: str) -> tuple[str, int]:
    """The first picture with this phash, or with this digest of its JPEG (then every picture of the dataset is read)."""
    if len(digits) == 16 and sources.manifest and sources.manifest["index"]:
        index = read_table(sources.data.dataset / sources.manifest["index"]["path"], ["video_id", "frame", "phash"])
        found = np.flatnonzero(numbers(index["phash"]) == int(digits, 16))
        if len(found):
            return index["video_id"][int(found[0])].as_py(), index["frame"][int(found[0])].as_py()
    digest = DIGESTS.get(len(digits))
    for shard in sources.shards if digest else ():
        with pq.ParquetFile(sources.data.dataset / shard["path"], memory_map=True) as file:
            for batch in file.iter_batches(columns=["image.bytes", "video_id", "frame"], batch_size=100):
                for at, jpeg in enumerate(batch.column("image").field("bytes")):
                    if digest and digest(jpeg.as_py()) == digits:
                        return batch["video_id"][at].as_py(), batch["frame"][at].as_py()
    raise InputError(f"{digits}: no picture of the dataset", "give its phash, or the md5, sha1 or sha256 of its JPEG")
