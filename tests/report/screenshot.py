"""The report as a picture, with Debian's chromium. Run: python -m tests.report.screenshot data/report.html docs/report.png"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS_PX = {"desk": 1280, "phone": 390}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", choices=WIDTHS_PX, default="desk")
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    parser.add_argument("--full", action="store_true", help="the whole page, not only what is seen first")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"])
        page = browser.new_page(
            viewport={"width": WIDTHS_PX[options.width], "height": 900}, color_scheme=options.scheme, device_scale_factor=1.5)
        page.goto(options.report.resolve().as_uri())
        page.screenshot(path=options.out, full_page=options.full)
        browser.close()


if __name__ == "__main__":
    main()
