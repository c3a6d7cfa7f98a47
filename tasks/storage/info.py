"""The `.info.json` that yt-dlp leaves beside a video: read with care, for anyone may have written it."""

import json
from pathlib import Path
from typing import Any

MAX_INFO_BYTES = 20 << 20


def read_info(path: Path) -> dict[str, Any] | None:
    """What it says, or None when it is missing, too large or no JSON object."""
    try:
        if path.is_symlink() or path.stat().st_size > MAX_INFO_BYTES:
            return None
        return parse_info(path.read_bytes())
    except OSError:
        return None


def parse_info(content: bytes) -> dict[str, Any] | None:
    """What these bytes say, or None when they are no JSON object."""
    try:
        info = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return info if isinstance(info, dict) else None
