"""What every test may ask for."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bed.make import Bed, make_bed, missing_packages
from tests.stores import aws_environment, moto_process, moto_server, rclone_process, rclone_server, s3_server  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Ctrl-C works in the commands that tests start, also where the shell has it ignored, as in a background job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def media_folder() -> Path:
    """Real third-party media, used in place. Skips, saying so, when $FRAMEWORDS_MEDIA is not set."""
    folder = os.environ.get("FRAMEWORDS_MEDIA", "")
    if not folder:
        pytest.skip("needs third-party media: set FRAMEWORDS_MEDIA to a folder that holds MEDIA.md")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def tiny_model() -> Path:
    """A real Vosk model of 414 words, for the voices of the bed only."""
    return REPOSITORY / "data" / "sample" / "models" / "vosk-model-tiny-en-us"


@pytest.fixture(scope="session")
def sample_folder() -> Path:
    """Three short narrated videos with their info, as the repository bundles them."""
    return REPOSITORY / "data" / "sample"


@pytest.fixture(scope="session")
def bed_tools() -> None:
    """Skips, naming the Debian packages, where narrated videos cannot be made."""
    if missing := missing_packages():
        pytest.skip(f"needs Debian's {' '.join(missing)} to make narrated videos")


@pytest.fixture(scope="session")
def bed_videos(bed_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bed: two channels of two videos, 30 s each, lags within 6 s, with truth.jsonl and the site around them."""
    folder = tmp_path_factory.mktemp("bed")
    make_bed(Bed(out=folder, videos=4, channels=2, seconds=30, seed=7, jobs=min(2, os.cpu_count() or 1)))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's chromium, driven by Playwright. For one module: while it runs, asyncio.run cannot be called."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"])
        yield running
        running.close()
