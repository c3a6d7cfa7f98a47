"""Make the three narrated videos of data/sample again, with their info and their truth.

python -m tests.bed.sample [--out data/sample]

The seed was chosen by eye and ear: pictures without clutter, voices that the tiny recogniser hears well, a scene shown
again in two of them. The same tools give the same bytes.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bed.make import Bed, MissingToolsError, make_bed
from tests.bed.truth import Json, VideoTruth, write_truth

TRUTH = Path(__file__).parent / "sample_truth.jsonl"  # beside the videos the product would find it
LICENCE = "Apache-2.0"


def sample_bed(out: Path) -> Bed:
    return Bed(out, videos=3, channels=3, seconds=24, seed=142, classes=54, lag=(0.0, 1.0), jitter=0.2, offtopic=0.25)


def info_of(video: VideoTruth) -> Json:
    """What yt-dlp would write beside the video, in its field names."""
    return {
        "id": video["video_id"],
        "title": video["title"],
        "channel": video["channel_name"],
        "uploader": video["channel_name"],
        "upload_date": video["published"][:10].replace("-", ""),
        "license": LICENCE,
        "duration": video["duration"],
    }


def make_sample(out: Path, truth: Path) -> None:
    """Write each video and its info.json into `out`, and the truth of all to `truth`."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        videos = make_bed(sample_bed(Path(scratch)))
        for video in videos:
            name = Path(video["path"]).name
            shutil.copyfile(Path(scratch) / video["path"], out / name)
            info = json.dumps(info_of(video), indent=1) + "\n"
            (out / name).with_suffix(".info.json").write_text(info)
    write_truth(truth, videos)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/sample"))
    parser.add_argument("--truth", type=Path, default=TRUTH)
    a = parser.parse_args()
    try:
        make_sample(a.out, a.truth)
    except MissingToolsError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
