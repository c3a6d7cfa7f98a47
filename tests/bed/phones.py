# ruff: noqa
# mypy: ignore-errors
"""Phone set: espeak-ng's English phonemes folded to a smaller inventory."""

SIL = "SIL"
_PAUSE = {"_:", "_", "_::"}
# very short linking sounds and glottal onsets: joined to what precedes them
_DROP = {";", "?", "@-", "_!", "_|", "_^_", "-"}
_FOLD = {"t2": "t", "I2": "I", "I#": "I", "i2": "i", "@2": "@", "@5": "@",
         "a#": "@", "r-": "r", "n-": "n", "t#": "dx", "aa": "a", "O2": "O:",
         "l#": "l", "x": "k"}
_US = {"0": "A:", "o@": "O@", "0#": "A:"}
_GB = {"3": "@", "A@": "A:", "O@": "O:", "o@": "O:", "0#": "0"}
_SPLIT = {"i@3": ("i@", "3"), "aI3": ("aI", "3"), "aI@": ("aI", "@"),
          "aU@": ("aU", "@"), "@L": ("@", "l"), "U@": ("U", "@")}
# stops whose event marks the burst: the closure before it belongs to them
VOICELESS_STOPS = {"p", "t", "k", "tS"}

PHONES = [SIL] + """
@ 0 3 3: A: A@ D E I N O: O@ OI S T U V Z a aI aU b d dZ dx e@ eI f g h i i:
i@ j k l m n oU p r s t tS u: v w z
""".split()


def fold(name, accent):
    """espeak phoneme name -> tuple of phones; () if it is to be dropped."""
    if name in _PAUSE:
        return (SIL,)
    if name in _DROP:
        return ()
    out = []
    for part in _SPLIT.get(name, (name,)):
        part = _FOLD.get(part, part)
        part = (_US if accent == "us" else _GB).get(part, part)
        if part not in PHONES:
            raise KeyError(f"unmapped espeak phoneme {name!r} ({accent})")
        out.append(part)
    return tuple(out)
