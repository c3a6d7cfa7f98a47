# ruff: noqa
# mypy: ignore-errors
"""A sheet to follow one video by: a frame every few seconds with the truth under it.

    python follow.py DIR VIDEO_ID --out sheet.png [--every 5]
"""
import argparse
import json
import os
import subprocess
import textwrap

from PIL import Image, ImageDraw, ImageFont

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("video")
    ap.add_argument("--out", required=True)
    ap.add_argument("--every", type=float, default=5)
    a = ap.parse_args()
    t = next(x for x in map(json.loads, open(os.path.join(a.folder, "truth.jsonl"))) if x["video_id"] == a.video)
    cols, w, h, text = 4, 380, 214, 112
    n = int(t["duration"] / a.every - 1e-6) + 1
    sheet = Image.new("RGB", (cols * w, -(-n // cols) * (h + text) + 24), "white")
    d = ImageDraw.Draw(sheet)
    f = ImageFont.load_default(14)
    d.text((6, 4), f"{t['video_id']}  lag {t['lag']['offset']:+.2f} s (said minus shown)  {t['title']}", fill="black", font=f)
    for k in range(n):
        s = k * a.every + .02
        raw = subprocess.run(["ffmpeg", "-v", "error", "-ss", str(s), "-i", os.path.join(a.folder, t["path"]), "-frames:v", "1", "-s", f"{w - 4}x{h - 4}",
                              "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE, check=True).stdout
        x, y = (k % cols) * w, (k // cols) * (h + text) + 24
        sheet.paste(Image.frombytes("RGB", (w - 4, h - 4), raw), (x, y))
        sc = next(q for q in t["scenes"] if q["start"] <= s < q["end"])
        what = sc["object"] or sc["kind"]
        if sc["distractors"]:
            what += " + " + ", ".join(sc["distractors"])
        if sc["dup_of"] is not None:
            what += f" ({sc['dup_kind']} of scene {sc['dup_of']}: {sc['how']})"
        d.text((x + 4, y + h - 2), f"{k * a.every:.0f} s  scene {sc['i']}: {what}", fill=(160, 0, 0), font=f)
        said = " ".join(f"*{q['word'].upper()}*" if q["on_topic"] else f"[{q['word']}]" if "in_view" in q else q["word"]
                        for q in t["words"] if s <= q["start"] < s + a.every)
        for j, line in enumerate(textwrap.wrap(said, 54)[:5]):
            d.text((x + 4, y + h + 16 + 17 * j), line, fill="black", font=f)
    sheet.save(a.out)


if __name__ == "__main__":
    main()
