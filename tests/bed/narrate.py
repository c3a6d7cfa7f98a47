"""The sound track: sentences about what is on screen, ahead of or behind it by the video's lag, and others between them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tests.bed.channels import Channel
from tests.bed.scenes import visible
from tests.bed.speech import Sentence, Speaker, TimedWord, Voice, make_sentence
from tests.bed.truth import Scene

EDGE_SECONDS = 0.1  # a sentence is about a scene that is on screen at least this long around its noun


@dataclass(frozen=True)
class Said:
    """A sentence where it falls in the video. Times in seconds; scene, shift and shown only when kind is `on`."""

    kind: str  # on: names the scene's object | off: names one not shown | none: names none
    noun: str | None
    words: list[TimedWord]
    noun_at: int | None
    fillers: list[int]
    scene: int | None = None
    shift: float | None = None  # said minus shown
    shown: float | None = None  # when the noun would fall without lag


@dataclass
class Narrator:
    """Speaks over the scenes. A sentence about what is shown at t is said at t + lag + its own jitter."""

    r: random.Random
    channel: Channel
    speaker: Speaker
    scenes: Sequence[Scene]
    seconds: float
    objects: Sequence[str]
    lag: float
    jitter: float  # standard deviation of a sentence's own shift, cut at 1 s
    offtopic: float  # share of sentences that do not name what is shown
    sentences: list[Said] = field(default_factory=list)

    def narrate(self) -> NDArray[np.float32]:
        """Fill `sentences`; returns the samples in -1..1 at speaker.rate."""
        r, rate = self.r, self.speaker.rate
        audio = np.zeros(int((self.seconds + 1) * rate), np.float32)
        cursor, off = r.uniform(0.1, 0.8), 0
        voice = r.choice(self.channel.voices)
        while True:
            gap = r.uniform(2.2, 4.5) if r.random() < 0.08 else r.uniform(0.2, 0.9)
            spoken = cursor + gap
            jitter = max(-1.0, min(1.0, r.gauss(0, self.jitter)))
            wanted = self.offtopic + 0.5 * (self.offtopic * len(self.sentences) - off)
            on_topic = r.random() >= wanted
            tone = replace(voice, wpm=voice.wpm + r.randint(-8, 8), pitch=voice.pitch + r.randint(-4, 4))
            made = self._about_what_is_shown(spoken, jitter, tone) if on_topic else None
            if made is None and self.offtopic == 0:
                cursor = spoken + 0.5
                if cursor > self.seconds - 1:
                    break
                continue
            made = made or self._about_something_else(spoken, tone)
            if made is None:
                cursor = spoken
                continue
            samples, said = made
            end = said.words[-1].end
            if end > self.seconds - 0.15:
                break
            at = int(spoken * rate)
            audio[at : at + len(samples)] += samples[: len(audio) - at]
            off += said.kind != "on"
            self.sentences.append(said)
            cursor = end
        return self._record(audio[: int(self.seconds * rate)])

    def _scene_at(self, time: float) -> int | None:
        return next((k for k, s in enumerate(self.scenes) if s["start"] <= time < s["end"]), None)

    def _about_what_is_shown(self, spoken: float, jitter: float, voice: Voice) -> tuple[NDArray[np.float32], Said] | None:
        shift = self.lag + jitter
        k = self._scene_at(spoken + 0.8 - self.lag - jitter)
        for _ in range(4):
            if k is None or self.scenes[k]["kind"] != "object":
                return None
            scene = self.scenes[k]
            sentence = make_sentence("on", scene["object"], self.r)
            result = self.speaker.say(sentence.words, voice)
            if result is None:
                continue
            assert sentence.noun_at is not None
            noun = result[1][sentence.noun_at]
            shown = spoken + (noun.start + noun.end) / 2 - self.lag - jitter
            there = self._scene_at(shown)
            if there == k and scene["start"] + EDGE_SECONDS < shown < scene["end"] - EDGE_SECONDS:
                said = _place(sentence, result[1], spoken, "on", scene["object"])
                return result[0], replace(said, scene=k, shift=shift, shown=shown)
            k = there if there is not None else k
        return None

    def _about_something_else(self, spoken: float, voice: Voice) -> tuple[NDArray[np.float32], Said] | None:
        r, lag = self.r, self.lag
        for _ in range(6):
            kind, noun = "off" if r.random() < 0.6 else "none", None
            if kind == "off":
                taken = visible(self.scenes, spoken - 0.3, spoken + 4.5)
                taken |= visible(self.scenes, spoken - lag - 1.5, spoken - lag + 5)
                mine = [s["object"] for s in self.scenes if s["object"] and s["object"] not in taken]
                rest = [name for name in self.objects if name not in taken]
                noun = r.choice(mine if mine and r.random() < 0.5 else rest) if rest else None
                kind = "none" if noun is None else kind
            sentence = make_sentence(kind, noun, r)
            result = self.speaker.say(sentence.words, voice)
            if result:
                return result[0], _place(sentence, result[1], spoken, kind, noun)
        return None

    def _record(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Level and noise floor of a microphone."""
        audio *= self.r.uniform(0.45, 0.8) / (np.abs(audio).max() or 1)
        if self.channel.snr_db:
            noise = np.random.default_rng(self.r.randrange(1 << 30)).standard_normal(len(audio))
            noise = np.convolve(noise, np.ones(6) / 6, "same")
            level = np.sqrt((audio[audio != 0] ** 2).mean()) if audio.any() else 0.1
            audio = audio + noise / noise.std() * level * 10 ** (-self.channel.snr_db / 20)
        return np.clip(audio, -1, 1).astype(np.float32)


def _place(sentence: Sentence, words: Sequence[TimedWord], spoken: float, kind: str, noun: str | None) -> Said:
    timed = [TimedWord(word, start + spoken, end + spoken) for word, start, end in words]
    return Said(kind, noun, timed, sentence.noun_at, sentence.fillers)
