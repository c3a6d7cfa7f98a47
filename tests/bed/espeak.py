# ruff: noqa
# mypy: ignore-errors
"""Thin ctypes binding to libespeak-ng: audio plus word and phoneme events.

libespeak-ng (Debian package ``libespeak-ng1``) reports, while it synthesises,
an event for the start of every word and of every phoneme.  These events are
what the acoustic model is trained on: no forced aligner is needed.
"""
import ctypes
import ctypes.util

import numpy as np

_AUDIO_OUTPUT_SYNCHRONOUS = 2  # returns when all samples went to the callback
_INIT_PHONEME_EVENTS = 0x0001
_INIT_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_EV_WORD, _EV_END, _EV_PHONEME = 1, 5, 7
_PARAM_RATE, _PARAM_VOLUME, _PARAM_PITCH, _PARAM_RANGE, _PARAM_WORDGAP = 1, 2, 3, 4, 7


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p),
                ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint),
                ("text_position", ctypes.c_int), ("length", ctypes.c_int),
                ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _Id)]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short),
                             ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """One synthesiser per process (libespeak-ng keeps global state)."""

    def __init__(self):
        name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        self.lib = ctypes.CDLL(name)
        self.rate = self.lib.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, None,
            _INIT_PHONEME_EVENTS | _INIT_DONT_EXIT)
        if self.rate <= 0:
            raise RuntimeError("espeak_Initialize failed")
        self._callback = _CALLBACK(self._on_data)
        self.lib.espeak_SetSynthCallback(self._callback)

    def _on_data(self, wav, count, events):
        if wav and count > 0:
            self._audio.append(np.ctypeslib.as_array(wav, (count,)).copy())
        i = 0
        while events[i].type != 0:
            ev = events[i]
            if ev.type == _EV_WORD:
                self._events.append(("word", ev.audio_position / 1000.0,
                                     ev.text_position, ev.length))
            elif ev.type == _EV_PHONEME:
                raw = bytes(ctypes.string_at(
                    ctypes.addressof(ev.id), 8)).split(b"\0")[0]
                self._events.append(("phone", ev.audio_position / 1000.0,
                                     raw.decode("utf8", "replace"), 0))
            elif ev.type == _EV_END:
                self._events.append(("end", ev.audio_position / 1000.0, "", 0))
            i += 1
        return 0

    def say(self, text, voice="en-us", wpm=175, pitch=50, pitch_range=50,
            word_gap=0):
        """Return (float32 samples at self.rate, [(kind, seconds, a, b), ...])."""
        self._audio, self._events = [], []
        if self.lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"no such voice: {voice}")
        for param, value in ((_PARAM_RATE, wpm), (_PARAM_PITCH, pitch),
                             (_PARAM_RANGE, pitch_range),
                             (_PARAM_WORDGAP, word_gap), (_PARAM_VOLUME, 90)):
            self.lib.espeak_SetParameter(param, int(value), 0)
        data = text.encode()
        self.lib.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0,
                              _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        audio = (np.concatenate(self._audio) if self._audio
                 else np.zeros(0, np.int16))
        return audio.astype(np.float32) / 32768.0, list(self._events)
