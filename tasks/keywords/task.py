"""Key words of one video, judged against the videos listed before it, as a Prefect task."""

import time
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.errors import UnusableVideoError
from tasks.keywords.pick import keywords_extra, keywords_fingerprint, pick_keywords
from tasks.keywords.so_far import CorpusSoFar, read_frames
from tasks.params import KeywordsParams
from tasks.storage.artefact import Fingerprint, is_done, read_record, read_table, write_table
from tasks.storage.layout import DataFolder

ROW_GROUP_ROWS = 100_000  # read whole or by column, never row by row: one group is a third of the size and eight times as fast


def words_fingerprints(video_id: str, data: DataFolder, corpus: CorpusSoFar, params: KeywordsParams) -> list[Fingerprint]:
    """What new key words of a video would be made by, and then what else still holds."""
    heard, frames = (read_record(path)["fingerprint"] for path in (data.heard(video_id), data.frames(video_id)))
    return [keywords_fingerprint(heard, frames, chain, params) for chain in corpus.chains]


def has_words(video_id: str, data: DataFolder, corpus: CorpusSoFar, params: KeywordsParams) -> bool:
    """True when the key words of a video are there and hold."""
    return any(is_done(data.words(video_id), known) for known in words_fingerprints(video_id, data, corpus, params))


@task(task_run_name="keywords-{video_id}", cache_policy=NO_CACHE)
def label_words(video_id: str, data: DataFolder, corpus: CorpusSoFar, params: KeywordsParams) -> dict[str, Any] | State[Any]:
    """Say of every word heard whether it is a key word, or why not.

    Raises UnusableVideoError `no_words` when none is.
    """
    out = data.words(video_id)
    fingerprint, *earlier = words_fingerprints(video_id, data, corpus, params)
    done = next((known for known in (fingerprint, *earlier) if is_done(out, known)), None)
    if done is not None:
        said = dict(read_record(out)["extra"])
    else:
        began = time.thread_time()
        words = pick_keywords(read_table(data.heard(video_id)), read_frames(data, video_id), corpus.counts(), params)
        said = keywords_extra(words, params)
        write_table(words, out, fingerprint, extra=said, row_group_rows=ROW_GROUP_ROWS)
        said["cpu_seconds"] = time.thread_time() - began
    corpus.passed(video_id, (done or fingerprint).digest)
    if not said["kept"]:
        raise UnusableVideoError(f"{video_id}: none of {said['heard']} words is a key word", "it stays set aside", "no_words")
    return Completed(name="Cached", message=f"done: {out}", data=said) if done else said
