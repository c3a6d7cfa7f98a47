"""Vosk: Kaldi models, fast on a CPU. One model is shared by all threads; the recogniser releases the GIL while it works."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tasks.errors import ParamsError
from tasks.transcription.words import HeardWord, Utterance


class VoskEngine:
    """Recognises with the model folder `model` at `sample_rate_hz`."""

    def __init__(self, model: Path, sample_rate_hz: int) -> None:
        import vosk

        vosk.SetLogLevel(-1)
        self._recognizer = vosk.KaldiRecognizer
        self._rate = sample_rate_hz
        try:
            self._model = vosk.Model(str(model))
        except Exception as error:  # the binding raises nothing narrower
            raise ParamsError(f"{model}: not a Vosk model that can be loaded", "fetch it again or name another") from error

    def hear(self, pieces: Iterable[bytes]) -> list[Utterance]:
        recognizer = self._recognizer(self._model, self._rate)
        recognizer.SetWords(True)
        utterances = []
        for piece in pieces:
            if recognizer.AcceptWaveform(piece):
                utterances.append(_utterance(recognizer.Result()))
        utterances.append(_utterance(recognizer.FinalResult()))
        return [utterance for utterance in utterances if utterance]


def _utterance(result: str) -> Utterance:
    words: list[dict[str, Any]] = json.loads(result).get("result", [])
    return [HeardWord(word["word"], word["start"], word["end"], min(word["conf"], 1.0)) for word in words]
