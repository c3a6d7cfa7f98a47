"""The word tower: any word becomes a vector, through its hashed parts.

A word is the sum of rows of one table: one row for the word itself and one for each of its runs of three to five letters.
Rows are chosen by a hash, so that a word never seen before needs no new shape, and shares parts with its relatives.
Source: Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

SHORTEST_PART, LONGEST_PART = 3, 5  # letters, with < and > for the ends of the word
NO_WORD = ""  # has a vector as any word: of pictures that show nothing that is said
INITIAL_SD = 0.02  # small, so that parts which no known word has hardly turn a new one


@lru_cache(maxsize=1 << 16)
def word_parts(word: str, buckets: int) -> tuple[int, ...]:
    """Rows of the table that make up a word, the word's own row first."""
    marked = f"<{word.lower()}>"
    runs = [marked[at:at + length] for length in range(SHORTEST_PART, LONGEST_PART + 1)
            for at in range(len(marked) - length + 1)]
    return tuple(zlib.crc32(part.encode()) % buckets for part in (f"={marked}", *runs))


class WordTower(nn.Module):
    """Words to vectors of unit length."""

    def __init__(self, buckets: int, dimensions: int) -> None:
        super().__init__()
        self.buckets = buckets
        self.table = nn.EmbeddingBag(buckets, dimensions, mode="sum")
        nn.init.normal_(self.table.weight, std=INITIAL_SD)

    def forward(self, words: Sequence[str]) -> Tensor:
        """-> float32 (len(words), dimensions)."""
        return self.embed(*self.parts(words))

    def embed(self, parts: Tensor, starts: Tensor) -> Tensor:
        """As forward, from the parts of the words."""
        return nn.functional.normalize(self.table(parts, starts).float(), dim=-1)

    def parts(self, words: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Rows of the table, word after word, and where each word begins: int64."""
        rows = [word_parts(word, self.buckets) for word in words]
        starts = torch.tensor([0, *(len(one) for one in rows)][:len(rows)], dtype=torch.int64).cumsum(0)
        device = self.table.weight.device
        return torch.tensor([part for one in rows for part in one], dtype=torch.int64, device=device), starts.to(device)
