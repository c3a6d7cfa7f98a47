"""What every recogniser looks like to the step: sound in, words out."""

from collections.abc import Iterable
from typing import Protocol

from tasks.transcription.words import Utterance


class Engine(Protocol):
    """A recogniser with its model loaded. `hear` may be called from several threads at once."""

    def hear(self, pieces: Iterable[bytes]) -> list[Utterance]:
        """What is said in one stretch of sound; times count from its beginning.

        pieces: 16-bit mono samples, some tenths of a second each. The same samples give the same words, whatever the
        engine heard before.
        """
