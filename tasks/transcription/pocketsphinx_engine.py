"""PocketSphinx: its wheel carries an English model, so it works anywhere; about 0.3-0.5 word error rate on real speech."""

import functools
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from tasks.errors import ParamsError
from tasks.transcription.words import HeardWord, Utterance

INSTALL = "pip install 'framewords[pocketsphinx]', or set transcription.engine to captions or vosk"
FRAMES_PER_SECOND = 100
VARIANT = re.compile(r"\(\d+\)$")  # read(2): the second pronunciation of read
PAUSE_SECONDS = 0.5  # a longer silence ends an utterance


class PocketsphinxEngine:
    """Recognises English with the model inside the wheel. Each thread has a decoder of its own."""

    def __init__(self, sample_rate_hz: int) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError as error:
            raise ParamsError("pocketsphinx is not installed", INSTALL) from error
        self._new_decoder: Callable[..., Any] = functools.partial(Decoder, samprate=sample_rate_hz, loglevel="FATAL")
        self._local = threading.local()

    def hear(self, pieces: Iterable[bytes]) -> list[Utterance]:
        decoder = self._decoder()
        decoder.reinit_feat()  # forget the noise and loudness of the segment before, which another thread may have heard
        decoder.start_utt()
        decoder.process_raw(b"".join(pieces), full_utt=True)  # normalising over the whole halves the errors
        decoder.end_utt()
        return _utterances(decoder)

    def _decoder(self) -> Any:
        if not hasattr(self._local, "decoder"):
            self._local.decoder = self._new_decoder()
        return self._local.decoder


def _utterances(decoder: Any) -> list[Utterance]:
    """The words of the best path; silences and noises between them only tell where an utterance ends."""
    utterances: list[Utterance] = [[]]
    for segment in decoder.seg():
        start, end = segment.start_frame / FRAMES_PER_SECOND, (segment.end_frame + 1) / FRAMES_PER_SECOND
        if segment.word.startswith(("<", "[")):
            if end - start >= PAUSE_SECONDS:
                utterances.append([])
        else:
            utterances[-1].append(HeardWord(VARIANT.sub("", segment.word), start, end, min(segment.prob, 1.0)))
    return [utterance for utterance in utterances if utterance]
