"""Procedural pictures: objects before backgrounds, talking heads, slides, thumbnails. A picture depends on its seed alone.

python -m tests.bed.draw --out PREFIX     # contact sheets of all objects
"""

import argparse
import colorsys
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.bed.objects import FILLS_FRAME, OBJECTS
from tests.bed.pen import BLACK, LEAF, WHITE, WOOD, Colour, Pen, hsv, mix, near, paint, shade, smooth

W, H = 960, 540  # px of a still; the video is cut from it
THUMBNAIL = (640, 360)
MIN_CONTRAST = 40  # how far an object's mean colour must be from what is behind it, 0-255
STANDS = frozenset({"book", "bridge"})  # never mirrored

Box = list[float]  # left, top, right, bottom, as shares of the still


class Style(TypedDict):
    """What all pictures of a channel have in common."""

    bg: Colour
    accent: Colour
    border: int
    badge: str
    corner: tuple[int, int]
    grain: int
    shake: float


class Person(TypedDict):
    skin: Colour
    hair: Colour
    shirt: Colour
    long: bool
    glasses: bool
    seed: int


@dataclass
class Facts:
    """What is in a still."""

    background: str
    box: Box
    distractors: list[tuple[str, Box]] = field(default_factory=list)


def sprite(name: str, r: Random, px: float) -> Image.Image:
    """The object on a transparent ground, its longer side `px` pixels."""
    draw_object, turn = OBJECTS[name][:2]
    line = r.choice([0, 0.006, 0.009, 0.013])
    ink = r.choice([BLACK, (60, 45, 40), (30, 40, 70)])
    pen = Pen(int(min(1500, max(400, px * 2))), line, ink)
    draw_object(pen, r)
    patch = name in FILLS_FRAME
    im = pen.part(0, 0.1, 1, 0.9) if patch else pen.im
    if not patch and r.random() < 0.5 and name not in STANDS:
        im = im.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    im = _light(im, r)
    if not patch:  # another view
        kx, ky, lean = r.uniform(0.84, 1.16), r.uniform(0.88, 1.12), r.uniform(-0.14, 0.14)
        c = im.width / 2
        affine = (kx, lean, c - kx * c - lean * c, 0, ky, c - ky * c)
        im = im.transform(im.size, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
        if turn:
            im = im.rotate(r.uniform(-turn, turn), Image.Resampling.BICUBIC, expand=True)
        im = im.crop(im.getchannel("A").getbbox())
    k = px / max(im.size)
    return im.resize((max(8, int(im.width * k)), max(8, int(im.height * k))), Image.Resampling.LANCZOS)


def _light(im: Image.Image, r: Random) -> Image.Image:
    """Light from one side, and sometimes a grainy surface."""
    across = r.random() < 0.5
    start, end = r.uniform(0.78, 1), r.uniform(0.9, 1.12)
    length = im.width if across else im.height
    flip = r.random() < 0.5
    level = np.linspace(start, end, length)[:: -1 if flip else 1]
    rgba = np.asarray(im).astype(np.float32)
    rgba[..., :3] = np.clip(rgba[..., :3] * (level[None, :, None] if across else level[:, None, None]), 0, 255)
    if r.random() < 0.4:
        g = np.random.default_rng(r.randrange(1 << 30))
        coarse = g.normal(0, r.uniform(4, 11), (im.height // 3 + 1, im.width // 3 + 1))
        grain = np.kron(coarse, np.ones((3, 3)))[: im.height, : im.width]
        rgba[..., :3] = np.clip(rgba[..., :3] + grain[..., None], 0, 255)
    return Image.fromarray(rgba.astype(np.uint8), "RGBA")


# --- backgrounds ---------------------------------------------------------------
def _noise(r: Random) -> NDArray[np.float32]:
    """Clouds, shape (H, W), 0-1."""
    g = np.random.default_rng(r.randrange(1 << 30))
    out = np.zeros((H, W), np.float32)
    for k in range(5):
        n = 2 ** (k + r.randint(1, 2))
        small = Image.fromarray(g.random((n, int(n * 1.7) + 1)).astype(np.float32), "F")
        out += np.asarray(small.resize((W, H), Image.Resampling.BICUBIC)) / 2**k
    out -= out.min()
    clouds: NDArray[np.float32] = out / (out.max() + 1e-6)
    return clouds


def _soft(r: Random) -> Colour:
    return hsv(r.random(), r.uniform(0.08, 0.65), r.uniform(0.3, 0.97))


def _ramp(a: Colour, b: Colour, t: NDArray[np.float32]) -> Image.Image:
    """From a where t is 0 to b where it is 1."""
    start, end = np.asarray(a, np.float32), np.asarray(b, np.float32)
    return Image.fromarray(np.clip(start + (end - start) * t[..., None], 0, 255).astype(np.uint8), "RGB")


def background(r: Random) -> tuple[Image.Image, str]:
    """-> (picture, kind)"""
    kind = r.choice(["grad", "grad", "radial", "cloud", "stripes", "tiles", "bokeh", "room", "land", "planks", "dots"])
    a, b = _soft(r), _soft(r)
    yy, xx = np.mgrid[0:H, 0:W].astype(np.float32)
    if kind == "radial":
        cx, cy = r.uniform(0.2, 0.8) * W, r.uniform(0.2, 0.8) * H
        im = _ramp(a, b, np.clip(np.hypot(xx - cx, yy - cy) / W * 1.4, 0, 1))
    elif kind == "cloud":
        im = _ramp(a, b, _noise(r))
    elif kind == "stripes":
        turn, period = r.uniform(0, 3.14), r.uniform(30, 140)
        s = np.clip(np.sin((xx * math.cos(turn) + yy * math.sin(turn)) * 6.28 / period) * 4, -1, 1) * 0.5 + 0.5
        im = _ramp(a, mix(a, b, r.uniform(0.2, 0.6)), s)
    else:
        turn = r.uniform(0, 6.28)
        g = xx * math.cos(turn) + yy * math.sin(turn)
        im = _ramp(a, b, (g - g.min()) / (g.max() - g.min()))
    _furnish(im, r, kind, a, b)
    if r.random() < 0.5:
        k = _noise(r)[..., None] * r.uniform(8, 40)
        im = Image.fromarray(np.clip(np.asarray(im).astype(np.float32) + k - 10, 0, 255).astype(np.uint8), "RGB")
    return im, kind


def _furnish(im: Image.Image, r: Random, kind: str, a: Colour, b: Colour) -> None:
    """Draw what makes the kind of background: tiles, a floor, planks."""
    d = ImageDraw.Draw(im)
    if kind == "tiles":
        n, _ = r.randint(50, 130), r.uniform(0.75, 0.95)
        for y in range(0, H, n):
            for x in range(0, W, n):
                d.rectangle((x, y, x + n - 4, y + n - 4), fill=near(a, r, 9))
    elif kind == "bokeh":
        lights = Image.new("RGBA", (W, H), (0, 0, 0, 0))
        q = ImageDraw.Draw(lights)
        for _ in range(r.randint(15, 40)):
            cx, cy, s = r.uniform(0, W), r.uniform(0, H), r.uniform(12, 70)
            q.ellipse((cx - s, cy - s, cx + s, cy + s), fill=(*_soft(r), r.randint(40, 120)))
        mask = lights.getchannel("A").filter(ImageFilter.GaussianBlur(4))
        im.paste(lights.filter(ImageFilter.GaussianBlur(r.uniform(1, 6))), mask=mask)
    elif kind == "room":
        y = int(H * r.uniform(0.6, 0.8))
        d.rectangle((0, y, W, H), fill=_soft(r))
        d.line((0, y, W, y), fill=shade(a, 0.6), width=6)
    elif kind == "land":
        y = int(H * r.uniform(0.5, 0.75))
        d.rectangle((0, y, W, H), fill=r.choice([*LEAF, (210, 190, 130), (160, 140, 110), (235, 238, 242)]))
    elif kind == "planks":
        wood = r.choice(WOOD)
        n = r.randint(50, 110)
        for y in range(0, H, n):
            d.rectangle((0, y, W, y + n - 3), fill=near(wood, r, 12))
            for _ in range(4):
                at = y + r.randint(4, n - 6)
                d.line((r.randint(0, W // 2), at, r.randint(W // 2, W), at), fill=shade(wood, 0.85), width=2)
    elif kind == "dots":
        n, size = r.randint(40, 90), r.randint(6, 16)
        for j, y in enumerate(range(0, H, n)):
            for x in range((n // 2) * (j % 2), W, n):
                d.ellipse((x - size, y - size, x + size, y + size), fill=mix(a, b, 0.5))


def _clutter(im: Image.Image, r: Random, n: int) -> None:
    """Shapes that are nothing: blobs, bars, triangles."""
    layer = Image.new("RGBA", im.size, (0, 0, 0, 0))
    d = ImageDraw.Draw(layer)
    for _ in range(n):
        x, y, s = r.uniform(0, W), r.uniform(0, H), r.uniform(15, 75)
        c = (*_soft(r), r.randint(90, 230))
        kind = r.randint(0, 3)
        if kind == 0:
            d.rectangle((x - s, y - s * r.uniform(0.2, 0.5), x + s, y), fill=c)
        elif kind == 1:
            turns = [q * 1.2566 for q in range(5)]
            corners = [(x + s * r.uniform(0.5, 1) * math.cos(a), y + s * r.uniform(0.5, 1) * math.sin(a)) for a in turns]
            d.polygon(smooth(corners), fill=c)
        elif kind == 2:
            d.polygon([(x + r.uniform(-s, s), y + r.uniform(-s, s)) for _ in range(3)], fill=c)
        else:
            d.line([(x, y), (x + r.uniform(-3, 3) * s, y + r.uniform(-3, 3) * s)], fill=c, width=r.randint(3, 12))
    im.paste(layer, mask=layer.getchannel("A"))


# --- scenes ---------------------------------------------------------------
def scene_still(name: str, r: Random, others: Sequence[str] = (), photo: Path | None = None) -> tuple[Image.Image, Facts]:
    """A picture of `name`, W x H. others: distractor objects, drawn small. photo: taken in place of a drawing."""
    if photo is not None:
        return _photo_still(photo, r), Facts("photo", [0, 0, 1, 1])
    lo, hi = OBJECTS[name][2:4]
    sp = sprite(name, r, H * r.uniform(lo, hi))
    too_large = sp.width > W * 0.95 or sp.height > H * 1.02
    if too_large and name not in FILLS_FRAME:
        k = min(W * 0.95 / sp.width, H * 1.0 / sp.height)
        sp = sp.resize((int(sp.width * k), int(sp.height * k)), Image.Resampling.LANCZOS)
    mx, my = max(0, (W * 0.92 - sp.width) / 2), max(0, (H * 0.94 - sp.height) / 2)
    cx, cy = W / 2 + r.uniform(-mx, mx), H / 2 + r.uniform(-my, my)
    for _ in range(8):
        im, kind = background(r)
        if _contrast(im, sp, cx, cy) > MIN_CONTRAST:
            break
    _clutter(im, r, r.choice([0, 0, 3, 6, 10]))
    distractors = []
    for other in others:
        small = sprite(other, r, H * r.uniform(0.24, 0.34))
        hidden, x, y = _free_spot(r, small, sp, cx, cy)
        if hidden < 0.25:
            distractors.append((other, _put(im, small, x, y, r)))
    box = _put(im, sp, cx, cy, r, shadow=r.random() < 0.6)
    return _grade(im, r), Facts(kind, box, distractors)


def _free_spot(r: Random, small: Image.Image, main: Image.Image, cx: float, cy: float) -> tuple[float, float, float]:
    """-> (share hidden by the main object, x, y), the least hidden of forty."""
    left, top, right, bottom = cx - main.width / 2, cy - main.height / 2, cx + main.width / 2, cy + main.height / 2
    spots = []
    for _ in range(40):
        x = r.uniform(small.width * 0.6 + 60, W - small.width * 0.6 - 60)
        y = r.uniform(small.height * 0.6 + 40, H - small.height * 0.6 - 40)
        across = max(0, min(right, x + small.width / 2) - max(left, x - small.width / 2))
        down = max(0, min(bottom, y + small.height / 2) - max(top, y - small.height / 2))
        spots.append((across * down / (small.width * small.height), x, y))
    return min(spots)


def _put(im: Image.Image, sp: Image.Image, cx: float, cy: float, r: Random, shadow: bool = True) -> Box:
    x, y = int(cx - sp.width / 2), int(cy - sp.height / 2)
    if shadow:
        alpha = sp.getchannel("A").point(lambda v: v * 0.45)
        blur = Image.new("L", (sp.width + 60, sp.height + 60), 0)
        blur.paste(alpha, (30, 30))
        blur = blur.filter(ImageFilter.GaussianBlur(10))
        im.paste((15, 15, 20), (x - 30 + r.randint(-8, 12), y - 30 + r.randint(4, 16)), blur)
    im.paste(sp, (x, y), sp.getchannel("A"))
    left, top, right, bottom = max(0, x), max(0, y), min(W, x + sp.width), min(H, y + sp.height)
    return [round(left / W, 3), round(top / H, 3), round(right / W, 3), round(bottom / H, 3)]


def _contrast(im: Image.Image, sp: Image.Image, cx: float, cy: float) -> float:
    """How far the object's mean colour is from what is behind it, 0-255."""
    x, y = int(cx - sp.width / 2), int(cy - sp.height / 2)
    box = (max(0, x), max(0, y), min(W, x + sp.width), min(H, y + sp.height))
    if box[2] <= box[0] or box[3] <= box[1]:
        return 0
    under = np.asarray(im.crop(box).resize((24, 24))).astype(float).mean((0, 1))
    s = np.asarray(sp.resize((24, 24))).astype(float)
    m = s[..., 3:] / 255
    return float(np.abs((s[..., :3] * m).sum((0, 1)) / (m.sum() + 1e-6) - under).mean())


def _grade(im: Image.Image, r: Random) -> Image.Image:
    """White balance, exposure, blur: what cameras do."""
    a = np.asarray(im).astype(np.float32)
    a = a * np.array([r.uniform(0.88, 1.08), 1, r.uniform(0.88, 1.08)], np.float32) * r.uniform(0.78, 1.12)
    if r.random() < 0.4:
        yy, xx = np.mgrid[-1 : 1 : H * 1j, -1 : 1 : W * 1j]
        a = a * (1 - r.uniform(0.1, 0.4) * np.clip(np.hypot(xx, yy) - 0.4, 0, 1))[..., None]
    im = Image.fromarray(np.clip(a, 0, 255).astype(np.uint8), "RGB")
    return im.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.6))) if r.random() < 0.35 else im


def _photo_still(path: Path, r: Random) -> Image.Image:
    im: Image.Image = Image.open(path).convert("RGB")
    k = max(W / im.width, H / im.height) * r.uniform(1, 1.12)
    im = im.resize((max(W, int(im.width * k)), max(H, int(im.height * k))), Image.Resampling.LANCZOS)
    x, y = r.randint(0, im.width - W), r.randint(0, im.height - H)
    im = im.crop((x, y, x + W, y + H))
    if r.random() < 0.3:
        im = im.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _grade(im, r)


# --- filler scenes ----------------------------------------------------------------
def person(r: Random) -> Person:
    return Person(
        skin=r.choice([(250, 215, 185), (225, 175, 135), (175, 120, 80), (120, 80, 55)]),
        hair=r.choice([(40, 30, 25), (110, 70, 40), (210, 170, 90), (150, 150, 150), (140, 50, 30)]),
        shirt=paint(r),
        long=r.random() < 0.5,
        glasses=r.random() < 0.35,
        seed=r.randrange(1 << 30),
    )


def _bust(who: Person, size: int, mouth: float) -> Image.Image:
    """Head and shoulders on a transparent ground; mouth 0 closed, 1 open."""
    p = Pen(size, 0.005, (60, 45, 40))
    s, hair = who["skin"], who["hair"]
    if who["long"]:
        p.blob([(0.28, 0.3), (0.5, 0.05), (0.72, 0.3), (0.76, 0.7), (0.66, 0.76), (0.34, 0.76), (0.24, 0.7)], hair)
    p.blob([(0.06, 1.02), (0.12, 0.84), (0.36, 0.74), (0.64, 0.74), (0.88, 0.84), (0.94, 1.02)], who["shirt"])
    p.blob([(0.42, 0.6), (0.58, 0.6), (0.6, 0.78), (0.5, 0.83), (0.4, 0.78)], shade(s, 0.88))
    p.blob([(0.5, 0.12), (0.66, 0.2), (0.69, 0.4), (0.62, 0.6), (0.5, 0.68), (0.38, 0.6), (0.31, 0.4), (0.34, 0.2)], s)
    fringe = [(0.3, 0.36), (0.31, 0.16), (0.5, 0.06), (0.69, 0.16), (0.7, 0.36), (0.64, 0.26), (0.5, 0.22), (0.36, 0.26)]
    p.blob(fringe, hair)
    for d in (-1, 1):
        p.ell(0.5 + d * 0.085, 0.38, 0.035, 0.022, WHITE)
        p.ell(0.5 + d * 0.085, 0.38, 0.016, 0.018, (60, 45, 35), ink=False)
        p.line([(0.5 + d * 0.05, 0.33), (0.5 + d * 0.125, 0.325)], 0.013, shade(hair, 0.8))
        if who["glasses"]:
            rim = [(0.03, 0.38), (0.06, 0.335), (0.12, 0.34), (0.14, 0.39), (0.08, 0.43), (0.03, 0.39)]
            p.line([(0.5 + d * x, y) for x, y in rim], 0.009, BLACK, True)
    p.line([(0.5, 0.4), (0.485, 0.48), (0.51, 0.485)], 0.009, shade(s, 0.7), True)
    p.ell(0.5, 0.56, 0.052, 0.008 + 0.028 * mouth, (150, 60, 60))
    return p.part(0, 0, 1, 1)


def talking_head(who: Person, r: Random) -> tuple[list[Image.Image], str]:
    """-> (stills with closed, half and open mouth, kind of background)"""
    q = Random(who["seed"])
    if r.random() < 0.5:
        im, kind = background(q)
    else:
        im, kind = Image.new("RGB", (W, H), _soft(q)), "plain"
        d = ImageDraw.Draw(im)
        for y in (90, 210, 330):
            d.rectangle((40, y, 300, y + 10), fill=(90, 70, 55))
            for x in range(50, 280, 22):
                if q.random() < 0.75:
                    d.rectangle((x, y - q.randint(35, 70), x + 17, y), fill=paint(q))
    im = im.filter(ImageFilter.GaussianBlur(9))
    px, cx = int(H * r.uniform(0.9, 1.15)), r.uniform(0.35, 0.65) * W
    stills = []
    for mouth in (0, 0.5, 1):
        still = im.copy()
        bust = _bust(who, px * 2, mouth).resize((px, px), Image.Resampling.LANCZOS)
        still.paste(bust, (int(cx - px / 2), H - px), bust.getchannel("A"))
        stills.append(still)
    return stills, kind


def font(size: int) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return found


def slide(lines: Sequence[str], r: Random, style: Style) -> Image.Image:
    """A heading and points below it."""
    ground = style["bg"] if r.random() < 0.6 else _soft(r)
    im = Image.new("RGB", (W, H), ground)
    d = ImageDraw.Draw(im)
    ink = WHITE if sum(ground) < 380 else BLACK
    d.rectangle((0, 0, W, 18), fill=style["accent"])
    d.text((70, 70), lines[0], font=font(64), fill=ink)
    for k, text in enumerate(lines[1:]):
        d.ellipse((80, 196 + 76 * k, 98, 214 + 76 * k), fill=style["accent"])
        d.text((120, 180 + 76 * k), text, font=font(40), fill=ink)
    return im


def channel_style(r: Random) -> Style:
    hue = r.random()
    return Style(
        bg=hsv(hue, r.uniform(0.1, 0.6), r.uniform(0.3, 0.98)),
        accent=hsv(hue + r.uniform(0.3, 0.7), 0.85, 0.9),
        border=r.choice([0, 10, 22]),
        badge=r.choice(["disc", "bar", "ribbon", "none"]),
        corner=r.choice([(0, 0), (1, 0), (0, 1), (1, 1)]),
        grain=r.choice([0, 0, 3, 6]),
        shake=r.choice([0, 0, 1.5]),
    )


def thumbnail(
    name: str, r: Random, style: Style, who: Person, features: Mapping[str, float], text: str, photo: Path | None = None
) -> Image.Image:
    """features: object_size, saturation, brightness in 0..1; face, text: 0 or 1."""
    width, height = THUMBNAIL
    if photo is not None:
        im = _photo_still(photo, r).resize(THUMBNAIL)
    else:
        red, green, blue = (v / 255 for v in style["bg"])
        hue = colorsys.rgb_to_hsv(red, green, blue)[0]
        left = hsv(hue, 0.1 + 0.8 * features["saturation"], 0.45 + 0.5 * features["brightness"])
        im = _ramp(left, style["bg"], np.mgrid[0:height, 0:width][1].astype(np.float32) / 900)
        sp = sprite(name, r, height * (0.4 + 0.7 * features["object_size"]))
        k = min(1, 600 / sp.width, 340 / sp.height)
        sp = sp.resize((int(sp.width * k), int(sp.height * k)), Image.Resampling.LANCZOS)
        cx = width // 2 + (80 if features["face"] else 0)
        im.paste(sp, (cx - sp.width // 2, height // 2 - sp.height // 2), sp.getchannel("A"))
    if features["face"]:
        bust = _bust(who, 480, 1).resize((240, 240), Image.Resampling.LANCZOS)
        im.paste(bust, (-20, 125), bust.getchannel("A"))
    d = ImageDraw.Draw(im)
    low = style["corner"][1] == 1
    _badge(d, style)
    if features["text"]:
        d.text((30, 10 if low else 305), text, font=font(44), fill=WHITE, stroke_width=4, stroke_fill=BLACK)
    return im


def _badge(d: ImageDraw.ImageDraw, style: Style) -> None:
    """The border and mark that all thumbnails of a channel share."""
    accent = style["accent"]
    if style["border"]:
        d.rectangle((0, 0, 639, 359), outline=accent, width=style["border"])
    low = style["corner"][1] == 1
    x, y = (20, 520)[style["corner"][0]], 270 if low else 20
    if style["badge"] == "disc":
        d.ellipse((x, y, x + 70, y + 70), fill=accent)
    elif style["badge"] == "bar":
        d.rectangle((0, 300, 640, 360) if low else (0, 0, 640, 60), fill=accent)
    elif style["badge"] == "ribbon":
        d.polygon([(640, 0), (640, 110), (530, 0)], fill=accent)


def contact_sheet(names: Sequence[str], per: int, seed: int) -> Image.Image:
    """`per` scenes of each object, a row each."""
    width, height = 200, 112
    sheet = Image.new("RGB", (width * per, (height + 16) * len(names)), WHITE)
    d = ImageDraw.Draw(sheet)
    for j, name in enumerate(names):
        for k in range(per):
            r = Random(f"{seed}/{name}/{k}")
            others = r.sample([o for o in names if o != name], 1) if k % 4 == 3 and len(names) > 1 else ()
            im, _ = scene_still(name, r, others)
            sheet.paste(im.resize((width - 4, height), Image.Resampling.LANCZOS), (k * width + 2, j * (height + 16)))
        d.text((4, j * (height + 16) + height), name, font=font(13), fill=BLACK)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="prefix; writes PREFIX-1.png, ...")
    parser.add_argument("--per", type=int, default=8)
    parser.add_argument("--rows", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*")
    a = parser.parse_args()
    names = a.only or list(OBJECTS)
    for k in range(0, len(names), a.rows):
        contact_sheet(names[k : k + a.rows], a.per, a.seed).save(f"{a.out}-{k // a.rows + 1}.png")


if __name__ == "__main__":
    main()
