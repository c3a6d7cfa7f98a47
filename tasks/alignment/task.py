"""Key words paired with the pictures of one video, as a Prefect task."""

import time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.alignment.align import align, alignment_fingerprint
from tasks.params import AlignmentParams
from tasks.storage.artefact import Fingerprint, is_done, read_record, read_table, write_table
from tasks.storage.layout import DataFolder


def examples_fingerprint(video_id: str, data: DataFolder, params: AlignmentParams) -> Fingerprint:
    """What the examples of a video with frames and words are made by."""
    words, frames = (read_record(path)["fingerprint"] for path in (data.words(video_id), data.frames(video_id)))
    return alignment_fingerprint(words, frames, params)


def has_examples(video_id: str, data: DataFolder, params: AlignmentParams) -> bool:
    """True when the examples of a video with frames and words are there and hold."""
    return is_done(data.examples(video_id), examples_fingerprint(video_id, data, params))


@task(task_run_name="alignment-{video_id}", cache_policy=NO_CACHE)
def align_words(
    video_id: str, data: DataFolder, frame_columns: list[str], params: AlignmentParams) -> dict[str, Any] | State[Any]:
    """One row a kept picture: the key words spoken about it, with calibrated weights."""
    out = data.examples(video_id)
    fingerprint = examples_fingerprint(video_id, data, params)
    if is_done(out, fingerprint):
        return Completed(name="Cached", message=f"done: {out}", data=read_record(out)["extra"])
    began = time.thread_time()
    examples = align(read_table(data.words(video_id)), read_table(data.frames(video_id), columns=frame_columns), params)
    said = _count(examples)
    write_table(examples, out, fingerprint, extra=said)
    return {**said, "cpu_seconds": time.thread_time() - began}


def _count(examples: pa.Table) -> dict[str, Any]:
    labels = pc.list_value_length(examples["labels"])
    return {"examples": int(pc.sum(pc.greater(labels, 0)).as_py() or 0), "labels": int(pc.sum(labels).as_py() or 0)}
