"""The picture track: which scenes follow each other, what each shows, and how the camera moves over it."""

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from tests.bed import draw
from tests.bed.channels import Channel
from tests.bed.objects import FILLS_FRAME
from tests.bed.pen import WHITE
from tests.bed.truth import Cut, Scene

Photos = Mapping[str, Sequence[Path]]  # class -> its pictures, used in place of drawings
Still = Sequence[Image.Image]  # one picture, or three of a talking head: mouth closed, half open, open

MAIN_SHARE, DISTRACTOR_SHARE = 0.85, 0.8  # how much of an object stays in the picture while the camera moves
NEAR = ["brighter", "darker", "zoom", "noise", "caption", "contrast"]
FULL: list[float] = [0.0, 0.0, 1.0, 1.0]


def plan_scenes(r: random.Random, channel: Channel, seconds: float, objects: Sequence[str]) -> list[Scene]:
    """Scenes without gaps from 0 to `seconds`; cuts fall on frames. At least one exact and one near duplicate, if they fit."""
    scenes: list[Scene] = []
    made = {"exact": 0, "near": 0}
    start, last = 0.0, ""
    while start < seconds - 1e-6:
        shown = [k for k, s in enumerate(scenes) if s["kind"] == "object" and s["dup_of"] is None]
        x, kind = r.random(), "object"
        again: tuple[str, int] | None = None
        if (start == 0 and x < 0.5) or (start > 0 and last != "talking_head" and x < channel.head_share):
            kind = "talking_head"
        elif last != "slide" and x > 0.93:
            kind = "slide"
        elif len(shown) >= 3 and last == "object":
            for how in made:
                if r.random() < (0.5 if start > seconds * 0.55 and not made[how] else 0.06):
                    again = how, r.choice(shown[:-1])
                    made[how] += 1
                    break
        length = {"object": r.uniform(4, 9), "talking_head": r.uniform(3, 7), "slide": r.uniform(2.5, 4.5)}[kind]
        if seconds - (start + length) < 2.5:
            length = seconds - start
        end = round((start + length) * channel.fps) / channel.fps
        scene = Scene(start=start, end=end, kind=kind, object=None, distractors=[], dup_of=None, dup_kind=None)
        if again:
            scene["dup_kind"], scene["dup_of"] = again
            scene["object"] = scenes[again[1]]["object"]
        elif kind == "object":
            before = [s["object"] for s in scenes[-2:]]
            scene["object"] = r.choice([name for name in objects if name not in before])
        scenes.append(scene)
        start, last = end, kind
    return scenes


def plan_cuts(r: random.Random, scenes: Sequence[Scene]) -> list[Cut]:
    cuts = []
    for _, scene in pairwise(scenes):
        soft = r.random() < 0.15
        duration = round(r.uniform(0.4, 0.8), 2) if soft else 0.0
        cuts.append(Cut(t=scene["start"], kind="dissolve" if soft else "cut", duration=duration))
    return cuts


def visible(scenes: Sequence[Scene], start: float, end: float) -> set[str]:
    """Every object on screen at some time between `start` and `end`."""
    shown: set[str] = set()
    for scene in scenes:
        if scene["start"] < end and scene["end"] > start and scene["object"]:
            shown |= {scene["object"], *scene["distractors"]}
    return shown


def make_stills(
    r: random.Random, channel: Channel, scenes: Sequence[Scene], objects: Sequence[str], photos: Photos | None
) -> list[Still]:
    """Draw each scene's picture, and write what is in it into the scene."""
    stills: list[Still] = []
    for k, scene in enumerate(scenes):
        if scene["dup_of"] is not None:
            stills.append([_repeat(r, channel, scene, scenes[scene["dup_of"]], stills[scene["dup_of"]][0])])
        elif scene["kind"] == "object":
            stills.append([_object_still(r, scenes, k, objects, photos)])
        elif scene["kind"] == "talking_head":
            heads, background = draw.talking_head(channel.who, r)
            scene["background"], scene["window"] = background, [[0, 0, 1, 1], [0.02, 0.02, 0.96, 0.96]]
            stills.append(heads)
        else:
            lines = [r.choice(["welcome", "today", "what is this", "one more time", "thank you"])]
            words = ["first", "we", "take", "some", "time", "and", "then", "wait", "go", "home"]
            lines += [" ".join(r.sample(words, 4)) for _ in range(3)]
            scene["background"], scene["text"], scene["window"] = "slide", lines, [[0, 0, 1, 1], [0, 0, 1, 1]]
            stills.append([draw.slide(lines, r, channel.style)])
    for scene in scenes:
        scene["static"] = scene["window"][0] == scene["window"][1] and scene["kind"] != "talking_head"
    return stills


def _object_still(
    r: random.Random, scenes: Sequence[Scene], k: int, objects: Sequence[str], photos: Photos | None
) -> Image.Image:
    scene = scenes[k]
    name = scene["object"]
    assert name is not None
    photo, others = None, []
    if photos:
        photo = r.choice(photos[name])
        scene["photo"] = photo.name
    elif r.random() < 0.3:
        taken = {s["object"] for s in scenes[max(0, k - 2) : k + 3]}
        free = [o for o in objects if o not in taken and o not in FILLS_FRAME]
        others = r.sample(free, min(len(free), r.choice([1, 1, 2])))
    still, facts = draw.scene_still(name, r, others, photo)
    scene["background"], scene["bbox"] = facts.background, facts.box
    scene["distractors"] = [name for name, _ in facts.distractors]
    scene["distractor_boxes"] = [box for _, box in facts.distractors]
    needs = [(scene["bbox"], MAIN_SHARE)] + [(box, DISTRACTOR_SHARE) for box in scene["distractor_boxes"]]
    # A scene shown again must be still for its frames to be the same.
    again = any(s["dup_of"] == k for s in scenes)
    scene["window"] = _motion(r, needs, again or r.random() < 0.3)
    return still


def _repeat(r: random.Random, channel: Channel, scene: Scene, source: Scene, still: Image.Image) -> Image.Image:
    """The picture of a scene shown again, the same or nearly so."""
    scene["distractors"] = source["distractors"]
    scene["background"], scene["bbox"] = source["background"], source["bbox"]
    scene["distractor_boxes"] = source["distractor_boxes"]
    if "photo" in source:
        scene["photo"] = source["photo"]
    scene["window"], scene["how"] = source["window"], "same"
    if scene["dup_kind"] == "exact":
        return still
    how = scene["how"] = r.choice(NEAR)
    if how in ("brighter", "darker"):
        return ImageEnhance.Brightness(still).enhance(1.18 if how == "brighter" else 0.84)
    if how == "contrast":
        return ImageEnhance.Contrast(still).enhance(1.2)
    if how == "noise":
        noise = np.random.default_rng(r.randrange(1 << 30)).normal(0, 9, (draw.H, draw.W, 3))
        return Image.fromarray(np.clip(np.asarray(still) + noise, 0, 255).astype(np.uint8), "RGB")
    if how == "caption":
        still = still.copy()
        pen = ImageDraw.Draw(still)
        pen.rectangle((0, draw.H - 64, draw.W, draw.H), fill=channel.style["accent"])
        pen.text((30, draw.H - 56), channel.name, font=draw.font(36), fill=WHITE)
        return still
    scene["window"] = _motion(r, [(scene["bbox"], MAIN_SHARE)], False)
    return still


def _motion(r: random.Random, needs: Sequence[tuple[Sequence[float], float]], static: bool) -> list[list[float]]:
    """Start and end crop windows (left, top, width, height as shares) in which each box keeps its share."""
    if static:
        return [FULL, FULL]

    def holds(window: Sequence[float]) -> bool:
        left, top, width, height = window
        for box, share in needs:
            across = max(0, min(box[2], left + width) - max(box[0], left))
            down = max(0, min(box[3], top + height) - max(box[1], top))
            if across * down < share * (box[2] - box[0]) * (box[3] - box[1]):
                return False
        return True

    for _ in range(60):
        windows: list[list[float]] = []
        for _ in (0, 1):
            zoom = 1 / r.uniform(1, 1.3)
            windows.append([r.uniform(0, 1 - zoom), r.uniform(0, 1 - zoom), zoom, zoom])
        if all(map(holds, windows)):
            return windows
    return [FULL, [0.01, 0.01, 0.98, 0.98]]
