"""Key words of one video, judged against the videos listed before it, as a Prefect task."""

import logging
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.errors import IntegrityError, UnusableVideoError
from tasks.keywords.corpus import Corpus
from tasks.keywords.pick import keywords_extra, keywords_fingerprint, pick_keywords
from tasks.params import KeywordsParams
from tasks.schema import FRAMES
from tasks.storage.artefact import digest_json, is_done, read_record, read_table, write_table
from tasks.storage.layout import DataFolder

log = logging.getLogger(__name__)
# All a frame says but its picture.
FRAME_COLUMNS = [name for name in FRAMES.names if name != "jpeg"]


class CorpusSoFar:
    """The corpus of the videos passed so far, read only when a video needs it.

    chain: names the corpus by what made it, so that nothing must be read to know that a video's key words still hold.
    """

    def __init__(self, data: DataFolder) -> None:
        self.chain = ""
        self._data = data
        self._counts = Corpus.empty()
        self._uncounted: list[str] = []  # videos in the chain, not yet in the counts
        self._grown = False

    @property
    def _store(self) -> Path:
        return self._data.cache / f"corpus-{self.chain}.json"

    def passed(self, video_id: str, words_digest: str) -> None:
        """This video is behind us: the next ones are judged against it too."""
        self._uncounted.append(video_id)
        self.chain = digest_json([self.chain, words_digest])
        if self._store.is_file():
            try:
                self._counts, self._uncounted = Corpus.load(self._store), []
            except IntegrityError as error:
                log.warning("%s", error)  # a cache: what it held is counted again

    def counts(self) -> Corpus:
        """The counts of every video passed; costs only those not counted yet."""
        for video_id in self._uncounted:
            self._counts.add(read_table(self._data.words(video_id)), read_frames(self._data, video_id))
            self._grown = True
        self._uncounted.clear()
        return self._counts

    def keep(self) -> None:
        """Store grown counts for the next run, in place of older ones."""
        if not self._grown:
            return
        self.counts().save(self._store)
        for older in self._data.cache.glob("corpus-*.json"):
            if older != self._store:
                older.unlink()


def read_frames(data: DataFolder, video_id: str) -> pa.Table:
    """The frame rows of a video without their pictures."""
    return read_table(data.frames(video_id), columns=FRAME_COLUMNS)


@task(task_run_name="keywords-{video_id}", cache_policy=NO_CACHE)
def label_words(video_id: str, data: DataFolder, corpus: CorpusSoFar, params: KeywordsParams) -> dict[str, Any] | State[Any]:
    """Say of every word heard whether it is a key word, or why not.

    Raises UnusableVideoError `no_words` when none is.
    """
    out = data.words(video_id)
    heard, frames = (read_record(path)["fingerprint"] for path in (data.heard(video_id), data.frames(video_id)))
    fingerprint = keywords_fingerprint(heard, frames, corpus.chain, params)
    cached = is_done(out, fingerprint)
    if cached:
        said = dict(read_record(out)["extra"])
    else:
        began = time.thread_time()
        words = pick_keywords(read_table(data.heard(video_id)), read_frames(data, video_id), corpus.counts(), params)
        said = keywords_extra(words, params)
        write_table(words, out, fingerprint, extra=said)
        said["cpu_seconds"] = time.thread_time() - began
    corpus.passed(video_id, fingerprint.digest)
    if not said["kept"]:
        raise UnusableVideoError(f"{video_id}: none of {said['heard']} words is a key word", "it stays set aside", "no_words")
    return Completed(name="Cached", message=f"done: {out}", data=said) if cached else said
