"""What does the frames step cost? Run: python -m tests.benchmarks.bench_frames [--bed FOLDER] [--minutes 9]

User and system CPU of `sample_frames` (everything: demux, decode, hash, duplicates, JPEG, Parquet) in a child with its
modules loaded, against `ffmpeg -vf fps=1/3` writing JPEGs of the same file, with its default threads and with one. The file
is generated narrated videos one after the other, coded by x264 with its default keyframe spacing of 250. Memory: the peak
of the child that decodes, on the whole file and on its first quarter. Needs Debian's ffmpeg.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from tasks.frames.sample import frames_fingerprint, sample_frames
from tasks.params import load_params
from tasks.storage.child import preload, run_in_child
from tests.bed.make import Bed, make_bed

ROUNDS = 3
VIDEOS = 3
PARAMS = Path(__file__).parents[2] / "params.yaml"
BARS = {(360, "keyframes"): 5.0, (720, "keyframes"): 10.0, (360, "interval"): 1.3, (720, "interval"): 1.3}
PEAK_MEGABYTES = 300
# scikit-image loads its parts at first use, and pyarrow imports pandas, where it is, at first use.
CHILD_MODULES = ["tasks.frames.sample", "skimage.metrics._structural_similarity", "scipy.ndimage", "pandas"]


def looped(bed: Path, out: Path, height: int, minutes: float) -> Path:
    """The first videos of the bed one after the other, again and again, at another size."""
    videos = sorted(bed.rglob("*.mp4"))[:VIDEOS]
    listing = out.with_suffix(".txt")
    listing.write_text("".join(f"file '{video.resolve()}'\n" for video in videos))
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-f", "concat", "-safe", "0", "-i", listing,
                    "-t", str(minutes * 60), "-an", "-vf", f"scale=-2:{height}", "-c:v", "libx264", "-preset", "veryfast", out],
                   check=True)
    return out


def ffmpeg_seconds(video: Path, threads: list[str]) -> float:
    """CPU seconds of one JPEG every 3 s."""
    with tempfile.TemporaryDirectory() as folder:
        before = _children_cpu()
        subprocess.run(["ffmpeg", "-v", "error", *threads, "-i", video, "-an", "-vf", "fps=1/3", f"{folder}/%05d.jpg"],
                       check=True)
        return _children_cpu() - before


def our_run(video: Path, mode: str) -> tuple[float, float]:
    """(CPU seconds, peak MB) of the step in a child of its own."""
    params = load_params(PARAMS, {"frames.mode": mode}).frames
    answer = run_in_child(
        sample_frames, "bench", video, video.with_suffix(".parquet"), frames_fingerprint("0", params), params,
        timeout_seconds=3600, memory_megabytes=2000)
    return answer["cpu_seconds"], answer["peak_megabytes"]


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bed", type=Path)
    parser.add_argument("--minutes", type=float, default=9)
    options = parser.parse_args()
    preload(CHILD_MODULES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bed = options.bed or folder / "bed"
        if options.bed is None:
            make_bed(Bed(out=bed, videos=VIDEOS, seed=21, jobs=2))
        for height in (360, 720):
            video = looped(bed, folder / f"{height}.mp4", height, options.minutes)
            report(video, height)
        short = looped(bed, folder / "short.mp4", 720, options.minutes / 4)
        print(json.dumps({
            "bench": "frames_peak_megabytes", "value": our_run(folder / "720.mp4", "auto")[1], "bar": PEAK_MEGABYTES,
            "of_a_quarter": our_run(short, "auto")[1], "minutes": options.minutes}))


def report(video: Path, height: int) -> None:
    rounds = []
    for _ in range(ROUNDS + 1):
        ours = [our_run(video, mode)[0] for mode in ("keyframes", "interval", "auto")]
        rounds.append([ffmpeg_seconds(video, []), ffmpeg_seconds(video, ["-threads", "1"]), *ours])
    # The first round only warms up.
    default, one_thread, *ours = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
    for mode, seconds in zip(("keyframes", "interval", "auto"), ours, strict=True):
        print(json.dumps({
            "bench": f"frames_{mode}_{height}p", "ratio": round(default / seconds, 2), "bar": BARS.get((height, mode)),
            "against_one_thread": round(one_thread / seconds, 2), "ours_cpu_s": round(seconds, 3),
            "ffmpeg_cpu_s": round(default, 3), "machine": platform.platform()}), flush=True)


if __name__ == "__main__":
    main()
