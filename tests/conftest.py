"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def media_folder() -> Path:
    """Real third-party media, used in place. Skips, saying so, when $FRAMEWORDS_MEDIA is not set."""
    folder = os.environ.get("FRAMEWORDS_MEDIA", "")
    if not folder:
        pytest.skip("needs third-party media: set FRAMEWORDS_MEDIA to a folder that holds MEDIA.md")
    return Path(folder).resolve()
