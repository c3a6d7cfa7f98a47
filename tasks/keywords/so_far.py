"""The corpus as a walk through the list finds it: the counts of the videos behind us, named by what made them."""

import logging
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from tasks.errors import IntegrityError
from tasks.keywords.corpus import Corpus
from tasks.schema import FRAMES
from tasks.storage.artefact import digest_json, read_table
from tasks.storage.layout import DataFolder
from tasks.storage.tombstones import read_tombstones

STORE = "corpus-"  # and a chain
log = logging.getLogger(__name__)
# All a frame says but its picture.
FRAME_COLUMNS = [name for name in FRAMES.names if name != "jpeg"]


class CorpusSoFar:
    """The corpus of the videos passed so far, read only when a video needs it.

    A chain names the corpus by what made it, so that nothing must be read to know that a video's key words still hold. There is
    one chain for each state the list has been in: with every forgotten video still counted, without the first forgotten one,
    without the first two, and so on; the last is without all of them. Key words made under any of these still hold; new ones
    are judged by the last. Stored counts may have the name of any of them, too: `uncount` takes what is forgotten out of them.
    """

    def __init__(self, data: DataFolder) -> None:
        tombstones = read_tombstones(data.forgotten)
        counted = [tombstone for tombstone in tombstones if tombstone.words]
        self._gone = {tombstone.video_id for tombstone in tombstones}
        self._forgotten = {tombstone.video_id: (place, tombstone.words) for place, tombstone in enumerate(counted)}
        self._chains = [""] * (len(counted) + 1)
        self._data = data
        self._counts = Corpus.empty()
        self._uncounted: list[str] = []  # videos in the chain, not yet in the counts
        self._grown = False
        self._stored = {path.stem.removeprefix(STORE): path for path in _stores(data)}

    @property
    def chain(self) -> str:
        """The chain of the videos passed that are not forgotten."""
        return self._chains[-1]

    @property
    def chains(self) -> list[str]:
        """Each different chain once, `chain` first."""
        return list(dict.fromkeys(reversed(self._chains)))

    def passed(self, video_id: str, words_digest: str) -> None:
        """This video is behind us: the next ones are judged against it too."""
        self._uncounted.append(video_id)
        self._chains = [digest_json([chain, words_digest]) for chain in self._chains]
        stored = next((self._stored[chain] for chain in self.chains if chain in self._stored), None)
        if stored is not None:
            try:
                counts = Corpus.load(stored)
                if counts.videos.keys().isdisjoint(self._gone):
                    self._counts, self._uncounted = counts, []
            except IntegrityError as error:
                log.warning("%s", error)  # a cache: what it held is counted again

    def passed_forgotten(self, video_id: str) -> None:
        """A forgotten video is behind us: the next ones may have been judged against it before it was forgotten."""
        place, words_digest = self._forgotten.get(video_id, (-1, ""))
        self._chains = [
            digest_json([chain, words_digest]) if without <= place else chain for without, chain in enumerate(self._chains)]

    def counts(self) -> Corpus:
        """The counts of every video passed that is not forgotten; costs only those not counted yet."""
        for video_id in self._uncounted:
            self._counts.add(read_table(self._data.words(video_id)), read_frames(self._data, video_id))
            self._grown = True
        self._uncounted.clear()
        return self._counts

    def keep(self) -> None:
        """Store grown counts for the next run, in place of older ones."""
        if not self._grown:
            return
        store = self._data.cache / f"{STORE}{self.chain}.json"
        self.counts().save(store)
        for older in _stores(self._data):
            if older != store:
                older.unlink()


def uncount(data: DataFolder, video_ids: Iterable[str]) -> None:
    """Take videos that are being forgotten out of the stored counts, while their labels are there; drop damaged counts."""
    names = [name for name in video_ids if data.words(name).is_file() and data.frames(name).is_file()]
    for store in _stores(data) if names else ():
        try:
            counts = Corpus.load(store)
            counted = [name for name in names if name in counts.videos]
            for name in counted:
                counts.remove(read_table(data.words(name)), read_frames(data, name))
            if counted:
                counts.save(store)
        except IntegrityError as error:
            log.info("%s", error)
            store.unlink()


def _stores(data: DataFolder) -> list[Path]:
    return sorted(data.cache.glob(f"{STORE}*.json"))


def read_frames(data: DataFolder, video_id: str) -> pa.Table:
    """The frame rows of a video without their pictures."""
    return read_table(data.frames(video_id), columns=FRAME_COLUMNS)
