"""The words near each picture as numbers of the vocabulary, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bags:
    """Row i has words[starts[i]:starts[i + 1]], numbers into a vocabulary, with their weights."""

    starts: NDArray[np.int64]
    words: NDArray[np.int64]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, labels: Sequence[dict[str, float]], vocabulary: Sequence[str]) -> "Bags":
        """Words outside the vocabulary are left out."""
        number = {word: at for at, word in enumerate(vocabulary)}
        rows = [[(number[word], weight) for word, weight in sorted(row.items()) if word in number] for row in labels]
        starts = np.cumsum([0, *map(len, rows)])
        flat = [pair for row in rows for pair in row]
        return cls(starts, np.array([word for word, _ in flat], np.int64), np.array([w for _, w in flat], np.float32))

    def dense(self, rows: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32 (len(rows), len(words)): the weights of some rows. words: ascending numbers of the vocabulary."""
        out = np.zeros((len(rows), len(words)), np.float32)
        for at, row in enumerate(rows.tolist()):
            mine = slice(self.starts[row], self.starts[row + 1])
            column = np.searchsorted(words, self.words[mine])
            known = (column < len(words)) & (words[np.minimum(column, len(words) - 1)] == self.words[mine])
            out[at, column[known]] = self.weights[mine][known]
        return out

    def words_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words near any of the rows, ascending."""
        return np.unique(np.concatenate([self.words[self.starts[row]:self.starts[row + 1]] for row in rows.tolist()]))
