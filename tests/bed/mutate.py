"""Damaged copies of a file, for fuzzing what decodes it. The same seed gives the same mutants."""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

HEADER_BYTES = 64


class Mutant(NamedTuple):
    name: str  # how it was damaged and by which seed, so that a failure can be made again
    data: bytes


def truncate(data: bytes, r: Random) -> bytes:
    return data[: r.randrange(len(data))]


def flip_bits(data: bytes, r: Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(r.choice([1, 8, 64])):
        damaged[r.randrange(len(damaged))] ^= 1 << r.randrange(8)
    return bytes(damaged)


def zero_run(data: bytes, r: Random) -> bytes:
    start = r.randrange(len(data))
    length = min(len(data) - start, r.choice([16, 512, 16_384]))
    return data[:start] + bytes(length) + data[start + length :]


def splice(data: bytes, r: Random) -> bytes:
    """A piece of the file put in, or written over, another place of it."""
    start, at = r.randrange(len(data)), r.randrange(len(data))
    piece = data[start : start + r.choice([64, 4_096, 65_536])]
    return data[:at] + piece + data[at + r.choice([0, len(piece)]) :]


def change_header(data: bytes, r: Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(r.choice([1, 4, 16])):
        damaged[r.randrange(min(HEADER_BYTES, len(damaged)))] = r.randrange(256)
    return bytes(damaged)


DAMAGES: tuple[Callable[[bytes, Random], bytes], ...] = (truncate, flip_bits, zero_run, splice, change_header)


def mutants(data: bytes, count: int, seed: int) -> Iterator[Mutant]:
    """`count` damaged copies of `data`, which must not be empty, each kind of damage in turn."""
    for k in range(count):
        damage = DAMAGES[k % len(DAMAGES)]
        yield Mutant(f"{damage.__name__}-{seed}-{k}", damage(data, Random(f"{seed}/{k}")))
