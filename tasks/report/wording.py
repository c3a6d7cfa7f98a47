"""How the report writes times, chances and texts of others."""

import re

# Control characters, direction overrides, surrogates and non-characters: nothing a title needs.
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def cap(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[:letters - 1] + "…"


def clock(seconds: float) -> str:
    """A place in a video: 1:05 or 1:02:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def percent(share: float) -> str:
    """A chance in whole per cent; never 100 %, which would be a promise."""
    return ">99%" if share > 0.99 else f"{share:.0%}"


def visible(text: str) -> str:
    """The text without what a reader cannot see and a page might obey."""
    return UNSEEN.sub(lambda found: " " if found[0].isspace() else "", text)
