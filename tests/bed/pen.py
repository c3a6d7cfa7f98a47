"""Colours, curves and the pen that every object is drawn with. Nothing is kept between calls: a seed decides alone."""

import colorsys
import math
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]  # RGB, 0-255
Point = tuple[float, float]  # in a unit square, y down

WHITE, BLACK, STEEL = (245, 245, 245), (25, 25, 28), (190, 196, 204)
WOOD = [(150, 100, 60), (110, 70, 40), (190, 140, 90), (90, 60, 45), (205, 170, 120)]
FUR = [(225, 140, 60), (90, 90, 95), (50, 45, 45), (235, 230, 220), (140, 95, 60),
       (190, 160, 120), (170, 170, 178)]
LEAF = [(70, 150, 60), (40, 110, 60), (120, 170, 60), (90, 130, 40)]


def hsv(h: float, s: float, v: float) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(h % 1, min(1, s), min(1, v))
    return int(255 * r), int(255 * g), int(255 * b)


def shade(c: Colour, f: float) -> Colour:
    """f below 1: darker; above 1: towards white."""
    if f <= 1:
        return int(c[0] * f), int(c[1] * f), int(c[2] * f)
    return mix(c, (255, 255, 255), min(1, f - 1))


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """a at t = 0, b at t = 1."""
    return int(a[0] + (b[0] - a[0]) * t), int(a[1] + (b[1] - a[1]) * t), int(a[2] + (b[2] - a[2]) * t)


def near(c: Colour, r: Random, d: int = 22) -> Colour:
    red, green, blue = (max(0, min(255, x + r.randint(-d, d))) for x in c)
    return red, green, blue


def paint(r: Random) -> Colour:
    """Any colour: things made by people come in all of them."""
    if r.random() < 0.2:
        return shade((255, 255, 255), r.uniform(0.2, 0.97))
    return hsv(r.random(), r.uniform(0.35, 0.95), r.uniform(0.4, 0.97))


def smooth(points: Sequence[Point], closed: bool = True, pieces: int = 8) -> list[Point]:
    """Catmull-Rom curve through the points."""
    curve: list[Point] = []
    count = len(points)
    for i in range(count if closed else count - 1):
        around = (i + k for k in (-1, 0, 1, 2))
        a, b, c, d = (points[k % count if closed else min(count - 1, max(0, k))] for k in around)
        for j in range(pieces):
            t = j / pieces
            curve.append((_spline(a[0], b[0], c[0], d[0], t), _spline(a[1], b[1], c[1], d[1], t)))
    return curve if closed else [*curve, points[-1]]


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


class Pen:
    """A unit square of `size` pixels with a margin of a fifth around it, on a transparent ground."""

    def __init__(self, size: int, line: float, ink: Colour) -> None:
        """line: width of outlines as a share of the square, 0 for none."""
        self.size, self.margin, self.width, self.ink = size, size // 5, line, ink
        self.im = Image.new("RGBA", (size + 2 * self.margin,) * 2, (0, 0, 0, 0))
        self.d = ImageDraw.Draw(self.im)

    def px(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.size + self.margin, y * self.size + self.margin) for x, y in points]

    def part(self, x0: float, y0: float, x1: float, y1: float) -> Image.Image:
        (a, b), (c, d) = self.px([(x0, y0), (x1, y1)])
        return self.im.crop((int(a), int(b), int(c), int(d)))

    def poly(self, points: Sequence[Point], fill: Colour, ink: bool = True) -> None:
        q = self.px(points)
        self.d.polygon(q, fill=(*fill, 255))
        if ink and self.width:
            self.d.line(q + q[:2], fill=(*self.ink, 255), width=max(1, int(self.width * self.size)), joint="curve")

    def hole(self, points: Sequence[Point], ellipse: bool = False) -> None:
        """Make the inside of a polygon, or of the ellipse between two corners, transparent again."""
        mask = Image.new("L", self.im.size, 0)
        d = ImageDraw.Draw(mask)
        (d.ellipse if ellipse else d.polygon)(self.px(points), fill=255)
        self.im.paste((0, 0, 0, 0), mask=mask)
        self.d = ImageDraw.Draw(self.im)

    def blob(self, points: Sequence[Point], fill: Colour, ink: bool = True) -> None:
        self.poly(smooth(points), fill, ink)

    def ell(self, cx: float, cy: float, rx: float, ry: float, fill: Colour, rot: float = 0.0, ink: bool = True) -> None:
        c, s = math.cos(rot), math.sin(rot)
        turns = [2 * math.pi * k / 60 for k in range(60)]
        ring = [
            (cx + rx * math.cos(a) * c - ry * math.sin(a) * s, cy + rx * math.cos(a) * s + ry * math.sin(a) * c) for a in turns
        ]
        self.poly(ring, fill, ink)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, rad: float = 0.0, ink: bool = True) -> None:
        if not rad:
            self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill, ink)
            return
        rad = min(rad, (x1 - x0) / 2, (y1 - y0) / 2)
        corners = ((x1 - rad, y0 + rad, -90), (x1 - rad, y1 - rad, 0), (x0 + rad, y1 - rad, 90), (x0 + rad, y0 + rad, 180))
        turns = [(cx, cy, math.radians(first + 15 * k)) for cx, cy, first in corners for k in range(7)]
        self.poly([(cx + rad * math.cos(a), cy + rad * math.sin(a)) for cx, cy, a in turns], fill, ink)

    def line(self, points: Sequence[Point], w: float, fill: Colour, curve: bool = False) -> None:
        """A line with round ends, w wide."""
        q = self.px(smooth(points, closed=False) if curve and len(points) > 2 else points)
        wide = max(1, int(w * self.size))
        self.d.line(q, fill=(*fill, 255), width=wide, joint="curve")
        for x, y in (q[0], q[-1]):
            self.d.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=(*fill, 255))
