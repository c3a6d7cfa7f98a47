"""Thin binding to libespeak-ng (Debian package libespeak-ng1): sound, and when each word and phoneme begins.

espeak-ng reports an event for the start of every word and phoneme while it speaks, so no forced aligner is needed.
"""

import ctypes
import ctypes.util
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

# speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2  # returns when all samples went to the callback
_INIT_PHONEME_EVENTS = 0x0001
_INIT_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_EVENT_WORD, _EVENT_PHONEME = 1, 7
_PARAMETERS = {"wpm": 1, "volume": 2, "pitch": 3, "pitch_range": 4, "word_gap": 7}
_ALWAYS = {"word_gap": 0, "volume": 90}  # some voices set a gap of their own


class _Id(ctypes.Union):
    _fields_: ClassVar = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Event(NamedTuple):
    """seconds: when it begins. position: of a word, its first character, counted from 1. phone: of a phoneme, its name."""

    seconds: float
    position: int | None = None
    phone: str = ""


class Espeak:
    """One synthesiser a process: libespeak-ng keeps global state, and some of it from one utterance to the next."""

    def __init__(self) -> None:
        self.library = load_library()
        flags = _INIT_PHONEME_EVENTS | _INIT_DONT_EXIT
        self.rate: int = self.library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, None, flags)  # Hz
        if self.rate <= 0:
            raise RuntimeError("espeak_Initialize failed")
        self._audio: list[NDArray[np.int16]] = []
        self._events: list[Event] = []
        self._callback = _CALLBACK(self._on_data)  # kept: the library holds only a pointer to it
        self.library.espeak_SetSynthCallback(self._callback)

    def _on_data(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._audio.append(np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events[i].type != 0:
            event = events[i]
            seconds = event.audio_position / 1000.0
            if event.type == _EVENT_WORD:
                self._events.append(Event(seconds, position=event.text_position))
            elif event.type == _EVENT_PHONEME:
                name = bytes(ctypes.string_at(ctypes.addressof(event.id), 8)).split(b"\0")[0]
                self._events.append(Event(seconds, phone=name.decode("utf8", "replace")))
            i += 1
        return 0

    def say(self, text: str, voice: str, parameters: Mapping[str, int]) -> tuple[NDArray[np.float32], list[Event]]:
        """-> (samples in -1..1 at self.rate, events in order of time).

        parameters: `wpm` (words a minute), `pitch` and `pitch_range` (0-100).
        Raises ValueError when espeak-ng has no such voice.
        """
        self._audio, self._events = [], []
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"no such voice: {voice}")
        for name, value in {**parameters, **_ALWAYS}.items():
            self.library.espeak_SetParameter(_PARAMETERS[name], int(value), 0)
        data = text.encode()
        size = ctypes.c_size_t(len(data) + 1)
        self.library.espeak_Synth(data, size, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        audio = np.concatenate(self._audio) if self._audio else np.zeros(0, np.int16)
        return audio.astype(np.float32) / 32768.0, list(self._events)


def load_library() -> ctypes.CDLL:
    """Raises OSError when libespeak-ng is not installed."""
    return ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
