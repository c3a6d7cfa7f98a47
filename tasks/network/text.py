"""Text that comes from outside: shown in one line, or cleaned to be stored."""

import re
import unicodedata

SHOWN_CHARACTERS = 80
UNPRINTABLE = ("Cc", "Cf", "Cs", "Co")
CREDENTIALS = re.compile(r"(?<=://)[^/?#@\s]*@")


def shown(value: object, limit: int = SHOWN_CHARACTERS) -> str:
    """The value as it may appear in an error: one line, control characters escaped, shortened, credentials masked."""
    text = CREDENTIALS.sub("***@", str(value)[: 10 * limit])
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    return escaped if len(escaped) <= limit else f"{escaped[:limit]}..."


def clean(value: object, limit: int) -> str:
    """The value as stored: control, direction, private and unpaired surrogate characters out, white space single, capped.

    limit: characters kept.
    """
    text = value if isinstance(value, str) else "" if value is None else str(value)
    spaced = " ".join(text[: 4 * limit].split())
    return "".join(c for c in spaced if unicodedata.category(c) not in UNPRINTABLE)[:limit].strip()
