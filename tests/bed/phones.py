"""espeak-ng's English phonemes folded to the smaller phone set of the tiny recogniser."""

from collections.abc import Mapping

SIL = "SIL"
# Stops whose event marks the burst: the closure before it belongs to them.
VOICELESS_STOPS = frozenset({"p", "t", "k", "tS"})

_PAUSE = {"_:", "_", "_::"}
# Very short linking sounds and glottal onsets: joined to what precedes them.
_DROP = {";", "?", "@-", "_!", "_|", "_^_", "-"}
_FOLD = {
    "t2": "t", "I2": "I", "I#": "I", "i2": "i", "@2": "@", "@5": "@", "a#": "@", "r-": "r", "n-": "n", "t#": "dx", "aa": "a",
    "O2": "O:", "l#": "l", "x": "k",
}  # fmt: skip
_ACCENTS: Mapping[str, Mapping[str, str]] = {
    "us": {"0": "A:", "o@": "O@", "0#": "A:"},
    "gb": {"3": "@", "A@": "A:", "O@": "O:", "o@": "O:", "0#": "0"},
}
_SPLIT = {
    "i@3": ("i@", "3"), "aI3": ("aI", "3"), "aI@": ("aI", "@"), "aU@": ("aU", "@"), "@L": ("@", "l"), "U@": ("U", "@"),
}  # fmt: skip
_PHONES = frozenset(
    """
    @ 0 3 3: A: A@ D E I N O: O@ OI S T U V Z a aI aU b d dZ dx e@ eI f g h i i:
    i@ j k l m n oU p r s t tS u: v w z
    """.split()
)


def fold(name: str, accent: str) -> tuple[str, ...]:
    """The phones of an espeak-ng phoneme; () if it is to be dropped.

    accent: `us` or `gb`.
    Raises KeyError for a phoneme that neither accent has.
    """
    if name in _PAUSE:
        return (SIL,)
    if name in _DROP:
        return ()
    phones = []
    for part in _SPLIT.get(name, (name,)):
        phone = _FOLD.get(part, part)
        phone = _ACCENTS[accent].get(phone, phone)
        if phone not in _PHONES:
            raise KeyError(f"unmapped espeak phoneme {name!r} ({accent})")
        phones.append(phone)
    return tuple(phones)
