# ruff: noqa: E501 - a shape reads better on one line
"""Fifty-four things that can be drawn, each in endless variants. Drawing code: numbers are places in a unit square."""

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

from tests.bed.pen import BLACK, FUR, LEAF, STEEL, WHITE, WOOD, Colour, Pen, Point, hsv, mix, near, paint, shade, smooth


# --- scenery ---------------------------------------------------------------
def jag(a: Point, b: Point, n: int, d: float, r: Random) -> list[Point]:
    """A ragged line of n pieces from a to b."""
    return [a] + [(a[0] + (b[0] - a[0]) * k / n + r.uniform(-d, d),
                   a[1] + (b[1] - a[1]) * k / n + r.uniform(-d, d))
                  for k in range(1, n)] + [b]


def mountain(p: Pen, r: Random) -> None:
    c = r.choice([(115, 115, 125), (125, 95, 75), (80, 100, 140), (105, 85, 125),
                  (75, 105, 80), (155, 125, 105), (60, 70, 90), (170, 95, 70)])
    for k, (x, top) in enumerate({1: [(.5, .08)], 2: [(.3, .3), (.6, .1)],
                                  3: [(.22, .3), (.78, .26), (.5, .08)]}[r.randint(1, 3)]):
        x, top = x + r.uniform(-.05, .05), top + r.uniform(-.05, .05)
        wide = r.uniform(.3, .42) * (1 - top) / .9
        left = jag((x - wide, .9), (x, top), 7, .012, r)
        right = jag((x, top), (x + wide * r.uniform(.8, 1.1), .9), 7, .012, r)
        body = shade(near(c, r, 10), 1.15 - .08 * k)
        p.poly(left + right, body)
        p.poly([*right, (x + 0.02, 0.9), *jag((x + 0.02, 0.9), (x, top), 5, 0.02, r)],
               shade(body, .72), ink=False)
        snow = r.randint(2, 3)
        edge = jag(right[snow], left[-1 - snow], 6, .03, r)
        cap = shade((250, 252, 255), r.uniform(.9, 1))
        p.poly(left[-1 - snow:] + right[:snow + 1] + edge, cap)
        p.poly(right[:snow + 1] + edge[:3], shade(cap, .85), ink=False)
    if r.random() < .6:
        g = r.choice([*LEAF, (150, 130, 80), (230, 235, 240)])
        p.blob([(.0, .93), (.2, .84), (.5, .88), (.8, .83), (1, .92), (.5, .96)], g)


def river(p: Pen, r: Random) -> None:
    land = r.choice([*LEAF, (180, 160, 100), (150, 120, 90), (120, 140, 90), (225, 228, 232)])
    water = r.choice([(60, 130, 210), (50, 160, 190), (110, 150, 170), (90, 180, 220), (70, 110, 150)])
    sky = r.choice([(170, 210, 240), (240, 200, 160), (200, 205, 215), (120, 150, 200)])
    top = r.uniform(.22, .34)
    p.rect(0, .1, 1, .9, sky, ink=False)
    p.blob([(-.1, top + .06), (.2, top - .06), (.45, top + .01), (.7, top - .07), (1.1, top + .06),
            (1.1, .5), (-.1, .5)], shade(land, .7), ink=False)
    p.rect(0, top + .02, 1, .9, land, ink=False)
    flip = r.choice([-1, 1])
    amp, wide = r.uniform(.14, .2), r.uniform(.2, .3)
    left, right = [], []
    for k in range(41):
        t = k / 40
        y = top + .02 + (.9 - top - .02) * t ** 1.6
        x = .5 + flip * amp * (.25 + t) * math.sin(2 * math.pi * 1.35 * t ** .75 + .4)
        w = .012 + wide * t ** 1.7
        left.append((x - w, y))
        right.append((x + w, y))
    p.poly(left + right[::-1], shade(land, .6), ink=False)
    inner = [(x + .012, y) for x, y in left] + [(x - .012, y) for x, y in right[::-1]]
    p.poly(inner, water)
    for _ in range(14):
        k = r.randint(12, 38)
        a, b = left[k], right[k]
        u = r.uniform(.15, .6)
        x0 = a[0] + (b[0] - a[0]) * u
        p.line([(x0, a[1]), (x0 + (b[0] - a[0]) * .2, a[1])], .006, shade(water, 1.5))
    for _ in range(r.randint(5, 12)):
        k = r.randint(8, 36)
        side = r.choice([-1, 1])
        x = (left[k][0] if side < 0 else right[k][0]) + side * r.uniform(.05, .2)
        s = .02 + .05 * (k / 40)
        p.ell(x, left[k][1] - s * .5, s, s * .8, shade(land, r.uniform(.5, .8)), ink=False)


def road(p: Pen, r: Random) -> None:
    land = r.choice([*LEAF, (200, 175, 110), (170, 130, 90), (230, 232, 236)])
    sky = r.choice([(170, 210, 240), (240, 190, 150), (200, 205, 215), (90, 110, 170)])
    tar = shade((120, 120, 125), r.uniform(.45, 1.05))
    top, vx, lean = r.uniform(.28, .42), r.uniform(.38, .62), r.uniform(-.1, .1)
    p.rect(0, .1, 1, .9, sky, ink=False)
    p.rect(0, top, 1, .9, land, ink=False)
    wide = r.uniform(.3, .42)
    p.poly([(vx - .015, top), (vx + .015, top), (.5 + lean + wide, .9), (.5 + lean - wide, .9)], tar)
    mark = r.choice([WHITE, (240, 200, 60)])
    for k in range(6):
        t0, t1 = (k / 6) ** 2, ((k + .55) / 6) ** 2
        y0, y1 = top + (.9 - top) * t0, top + (.9 - top) * t1
        x0, x1 = vx + (.5 + lean - vx) * t0, vx + (.5 + lean - vx) * t1
        p.poly([(x0 - .02 * t0, y0), (x0 + .02 * t0, y0), (x1 + .022 * t1, y1),
                (x1 - .022 * t1, y1)], mark, ink=False)
    for s in (-1, 1):
        p.poly([(vx + s * .012, top), (vx + s * .013, top), (.5 + lean + s * wide * .93, .9),
                (.5 + lean + s * wide * .88, .9)], WHITE, ink=False)


def sun(p: Pen, r: Random) -> None:
    c = r.choice([(255, 210, 50), (255, 170, 40), (250, 120, 50), (255, 235, 130), (235, 80, 50)])
    n, kind = r.choice([8, 10, 12, 16]), r.randint(0, 2)
    for k in range(n):
        a = 2 * math.pi * k / n + .2
        i, o, w = .29, (.47 if kind != 1 or k % 2 else .4), math.pi / n * .6
        if kind == 2:
            p.line([(.5 + i * math.cos(a) * 1.1, .5 + i * math.sin(a) * 1.1),
                    (.5 + o * math.cos(a), .5 + o * math.sin(a))], .035, c)
        else:
            p.poly([(.5 + i * math.cos(a - w), .5 + i * math.sin(a - w)),
                    (.5 + o * math.cos(a), .5 + o * math.sin(a)),
                    (.5 + i * math.cos(a + w), .5 + i * math.sin(a + w))], c)
    p.ell(.5, .5, .25, .25, shade(c, r.uniform(1, 1.4)))
    if r.random() < .35:
        for x in (.42, .58):
            p.ell(x, .45, .025, .035, BLACK, ink=False)
        p.line([(.38, .56), (.44, .62), (.56, .62), (.62, .56)], .018, BLACK, True)


def rain(p: Pen, r: Random) -> None:
    c = shade((235, 238, 245), r.uniform(.5, 1))
    for x, y, s in ((.28, .36, .15), (.45, .27, .19), (.65, .32, .17), (.78, .4, .12)):
        p.ell(x, y, s, s * .95, c)
    for x, y, s in ((.28, .36, .14), (.45, .27, .18), (.65, .32, .16), (.78, .4, .11)):
        p.ell(x, y, s, s * .93, c, ink=False)
    p.rect(.2, .36, .82, .5, c, .07, ink=False)
    d = r.choice([(70, 140, 230), (90, 170, 235), (50, 100, 190), (150, 190, 220)])
    lean = r.uniform(-.06, .06)
    for row in range(3):
        for k in range(5):
            x, y = .24 + .13 * k + (.06 if row % 2 else 0) + r.uniform(-.015, .015), .57 + .13 * row
            x += lean * row
            p.blob([(x - lean * .7, y), (x + .024, y + .06), (x, y + .085), (x - .024, y + .06)], d)


def stars(p: Pen, r: Random) -> None:
    c = r.choice([(255, 215, 60), (250, 250, 235), (255, 160, 60), (200, 225, 255), (255, 130, 160)])
    spots = [[(.5, .5, .42)], [(.36, .4, .3), (.76, .7, .2)],
             [(.34, .36, .26), (.74, .3, .17), (.62, .74, .21)],
             [(.25, .3, .18), (.7, .25, .2), (.45, .6, .2), (.82, .7, .14), (.18, .8, .12)]][r.choice([0, 1, 2, 2, 3])]
    inner = r.uniform(.4, .52)
    for x, y, s in spots:
        a0 = r.uniform(-.25, .25) - math.pi / 2
        p.poly([(x + s * (1 if k % 2 == 0 else inner) * math.cos(a0 + k * math.pi / 5),
                 y + s * (1 if k % 2 == 0 else inner) * math.sin(a0 + k * math.pi / 5))
                for k in range(10)], near(c, r, 8))


def tree(p: Pen, r: Random) -> None:
    bark, g = r.choice(WOOD), r.choice([*LEAF, (210, 130, 40), (190, 70, 50), (230, 190, 70), (240, 170, 190)])
    if r.random() < .4:  # conifer
        p.rect(.46, .78, .54, .96, bark)
        n = r.randint(3, 4)
        for k in range(n):
            y0, w = .82 - k * .6 / n, .34 - k * .24 / n
            p.poly([(.5 - w, y0), (.5, y0 - .34), (.5 + w, y0)], shade(g, .85 + .1 * k))
    else:
        p.poly([(.44, .96), (.46, .6), (.34, .48), (.38, .45), (.49, .55), (.6, .44), (.64, .47),
                (.545, .6), (.57, .96)], bark)
        spots = [(.5 + .2 * math.cos(a) * r.uniform(.9, 1.2), .33 + .16 * math.sin(a), r.uniform(.13, .18))
                 for a in (k * math.pi / 4 for k in range(8))] + [(.5, .33, .22)]
        for x, y, s in spots:
            p.ell(x, y, s, s, g)
        for x, y, s in spots:
            p.ell(x, y, s * .96, s * .96, near(g, r, 8), ink=False)
        if r.random() < .3:
            for _ in range(8):
                p.ell(.5 + r.uniform(-.25, .25), .33 + r.uniform(-.2, .2), .02, .02, (210, 40, 40), ink=False)


def flowers(p: Pen, r: Random) -> None:
    c, mid = paint(r), r.choice([(250, 200, 60), (90, 60, 40), WHITE])
    n, petals = r.randint(1, 3), r.choice([5, 6, 7, 8])
    spots = [[(.5, .32, .25)], [(.32, .34, .19), (.68, .28, .19)],
             [(.24, .38, .16), (.5, .24, .17), (.77, .37, .16)]][n - 1]
    g = r.choice(LEAF)
    for x, y, _ in spots:
        p.line([(x, y), (.5 + (x - .5) * .5, .65), (.5, .95)], .03, g, True)
    for side in (-1, 1):
        p.blob([(.5, .82), (.5 + side * .12, .7), (.5 + side * .24, .68), (.5 + side * .14, .8)], g)
    for x, y, s in spots:
        a0 = r.random()
        for k in range(petals):
            a = a0 + 2 * math.pi * k / petals
            p.ell(x + s * .58 * math.cos(a), y + s * .58 * math.sin(a), s * .44,
                  s * (.26 if petals > 6 else .34), c, a)
        p.ell(x, y, s * .28, s * .28, mid)


def fire(p: Pen, r: Random) -> None:
    a, b, c = r.choice([((235, 70, 30), (250, 150, 40), (255, 225, 110)),
                        ((210, 40, 30), (240, 110, 40), (255, 200, 70)),
                        ((250, 120, 30), (255, 180, 60), (255, 240, 170))])

    def j() -> float:
        return r.uniform(-.03, .03)

    wood = r.choice(WOOD)
    p.line([(.2, .9), (.8, .76)], .085, shade(wood, .6))
    p.line([(.2, .76), (.8, .9)], .085, wood)
    for s, col in ((1, a), (.68, b), (.38, c)):
        pts = [(.22, .7), (.2 + j(), .45), (.3 + j(), .3), (.36, .44), (.42 + j(), .22), (.52 + j(), .04),
               (.58, .28), (.62, .4), (.7 + j(), .26), (.79 + j(), .48), (.77, .7), (.5, .82)]
        p.blob([(.5 + (x - .5) * s, .8 + (y - .8) * s) for x, y in pts], col, ink=s == 1)
    for x, y in ((.2, .9), (.8, .9)):
        p.ell(x, y, .045, .045, shade(wood, 1.4))


# --- food -------------------------------------------------------------------
def onion(p: Pen, r: Random) -> None:
    c = r.choice([(200, 140, 70), (150, 50, 90), (235, 225, 205), (225, 180, 80), (175, 105, 50)])
    w = r.uniform(.3, .37)
    if r.random() < .33:  # cut in half: rings
        p.blob([(.5, .1), (.56, .22), (.5 + w, .5), (.5 + w * .8, .76), (.5, .86), (.5 - w * .8, .76),
                (.5 - w, .5), (.44, .22)], c)
        flesh = mix((250, 245, 235), c, .15)
        for k, s in enumerate((.9, .72, .55, .38, .22)):
            col = flesh if k % 2 == 0 else mix(flesh, c, .4)
            p.blob([(.5, .56 - .36 * s), (.5 + w * s, .5 + .03), (.5 + w * .75 * s, .56 + .2 * s), (.5, .56 + .28 * s),
                    (.5 - w * .75 * s, .56 + .2 * s), (.5 - w * s, .53)], col)
    else:
        p.blob([(.47, .04), (.5, .1), (.55, .03), (.56, .2), (.5 + w * .85, .36), (.5 + w, .58),
                (.5 + w * .7, .79), (.5, .86), (.5 - w * .7, .79), (.5 - w, .58), (.5 - w * .85, .36), (.44, .2)], c)
        for q in (-.75, -.45, -.15, .15, .45, .75):
            p.line([(.5 + q * .04, .2), (.5 + q * w * .95, .42), (.5 + q * w * 1.02, .62), (.5 + q * w * .3, .84)],
                   .009, shade(c, .68), True)
        p.line([(.5 - w * .5, .4), (.5 - w * .62, .55)], .03, shade(c, 1.5))
    for k in range(7):
        x = .44 + .02 * k
        p.line([(x, .85), (x + (k - 3) * .018 + r.uniform(-.01, .01), .93)], .008, shade(c, .6))


def carrot(p: Pen, r: Random) -> None:
    c = r.choice([(240, 130, 40), (235, 110, 30), (120, 50, 110), (235, 190, 60), (215, 80, 40)])
    g = r.choice(LEAF)
    for a in (-.5, -.25, 0, .25, .5):
        x, y = .5 + .26 * math.sin(a), .27 - .24 * math.cos(a)
        p.line([(.5, .29), (.5 + .1 * math.sin(a), .2), (x, y)], .025, g, True)
        for t in (.45, .65, .85, 1):
            for s in (-1, 1):
                cx, cy = .5 + (x - .5) * t, .29 + (y - .29) * t
                p.ell(cx + s * .025, cy, .028, .015, shade(g, r.uniform(.8, 1.2)), a + s * .8, ink=False)
    w = r.uniform(.1, .14)
    bend = r.uniform(-.05, .05)
    p.blob([(.5, .27), (.5 + w * .8, .29), (.5 + w, .36), (.5 + w * .75, .55), (.5 + w * .35 + bend, .8), (.5 + bend, .97),
            (.5 - w * .35 + bend, .8), (.5 - w * .75, .55), (.5 - w, .36), (.5 - w * .8, .29)], c)
    for y in (.38, .46, .55, .64, .74):
        s, k = r.choice([-1, 1]), w * (1 - (y - .3) / .75)
        p.line([(.5 + s * k * .9, y), (.5 + s * k * .2, y + .012)], .01, shade(c, .7))


def apple(p: Pen, r: Random) -> None:
    c = r.choice([(205, 40, 45), (120, 180, 60), (235, 200, 80), (170, 30, 50), (190, 215, 100)])
    w = r.uniform(.33, .38)
    p.blob([(.5, .3), (.5 + w * .55, .22), (.5 + w, .42), (.5 + w * .85, .7), (.5 + w * .4, .9), (.5, .86),
            (.5 - w * .4, .9), (.5 - w * .85, .7), (.5 - w, .42), (.5 - w * .55, .22)], c)
    p.line([(.5, .32), (.51, .2), (.55, .1)], .03, (95, 65, 40), True)
    p.blob([(.53, .2), (.62, .08), (.76, .08), (.66, .19)], r.choice(LEAF))
    p.ell(.5 - w * .5, .42, .05, .09, shade(c, 1.55), .4, ink=False)
    if r.random() < .25:
        p.ell(.5 + w, .55, .14, .16, mix(c, (255, 250, 225), .85))


def lemon(p: Pen, r: Random) -> None:
    c = r.choice([(250, 225, 60), (240, 235, 90), (170, 205, 70), (245, 205, 40)])
    p.blob([(.04, .5), (.12, .45), (.26, .3), (.5, .23), (.74, .3), (.88, .45), (.96, .49), (.9, .56), (.74, .71),
            (.5, .77), (.26, .71), (.11, .56)], c)
    for _ in range(30):
        a, q = r.uniform(0, 6.28), r.uniform(0, .9)
        p.ell(.5 + .33 * q * math.cos(a), .5 + .22 * q * math.sin(a), .006, .006, shade(c, .85), ink=False)
    p.ell(.36, .38, .1, .04, shade(c, 1.6), -.4, ink=False)
    if r.random() < .5:
        p.blob([(.9, .47), (.86, .3), (.95, .18), (.99, .35)], r.choice(LEAF))
    if r.random() < .6:
        x, y, q = .66, .72, .2
        p.ell(x, y, q, q, c)
        p.ell(x, y, q * .88, q * .88, (252, 250, 225), ink=False)
        for k in range(8):
            a = 2 * math.pi * k / 8
            p.poly([(x + .02 * math.cos(a), y + .02 * math.sin(a)),
                    (x + q * .78 * math.cos(a - .3), y + q * .78 * math.sin(a - .3)),
                    (x + q * .83 * math.cos(a), y + q * .83 * math.sin(a)),
                    (x + q * .78 * math.cos(a + .3), y + q * .78 * math.sin(a + .3))], shade(c, 1.1), ink=False)


def egg(p: Pen, r: Random) -> None:
    kind = r.random()
    c = r.choice([(250, 245, 235), (225, 180, 140), (200, 215, 220), (240, 215, 180), (185, 130, 95)])

    def shape(x: float, y: float, s: float) -> list[Point]:
        return [(x, y - 1.3 * s), (x + .62 * s, y - .75 * s), (x + .95 * s, y + .1 * s), (x + .68 * s, y + .8 * s),
                (x, y + 1.02 * s), (x - .68 * s, y + .8 * s), (x - .95 * s, y + .1 * s), (x - .62 * s, y - .75 * s)]

    if kind < .4:  # fried
        q = [.34 + r.uniform(-.06, .08) for _ in range(9)]
        p.blob([(.5 + q[k] * math.cos(6.283 * k / 9), .5 + q[k] * .9 * math.sin(6.283 * k / 9)) for k in range(9)],
               (252, 250, 244))
        yolk = r.choice([(250, 190, 40), (245, 150, 30), (255, 215, 70)])
        p.ell(.5, .49, .16, .15, yolk)
        p.ell(.45, .43, .045, .03, shade(yolk, 1.7), ink=False)
    elif kind < .7:
        p.blob(shape(.5, .53, .34), c)
        p.ell(.4, .38, .05, .1, shade(c, 1.7), .4, ink=False)
    else:  # broken shell, yolk
        p.blob([(.3, .78), (.4, .68), (.62, .68), (.74, .78), (.6, .87), (.4, .87)], (248, 246, 240))
        p.ell(.52, .73, .14, .11, (250, 185, 40))
        for x, d in ((.26, -1), (.76, 1)):
            z = [(x - .2, .42), (x - .13, .36), (x - .07, .44), (x, .36), (x + .07, .44), (x + .13, .36), (x + .2, .42)]
            z = [(X, Y + d * (X - x) * .5) for X, Y in z]
            p.poly(z + smooth([z[-1], (x + .17, .6), (x, .7), (x - .17, .6), z[0]], False), c)


def cheese(p: Pen, r: Random) -> None:
    c = r.choice([(250, 205, 70), (240, 165, 60), (245, 235, 190), (255, 220, 110)])
    h = r.uniform(.24, .32)
    a, b, d = (.04, .52), (.72, .24), (.96, .46)
    p.poly([a, b, d], shade(c, 1.35))
    p.poly([a, d, (d[0], d[1] + h), (a[0], a[1] + h)], c)
    for _ in range(9):
        t, u = r.uniform(.1, .92), r.uniform(.2, .8)
        q = r.uniform(.02, .05)
        p.ell(a[0] + (d[0] - a[0]) * t, a[1] + (d[1] - a[1]) * t + h * u, q, q * .9, shade(c, .72), ink=False)
    for x, y in ((.55, .39), (.7, .33), (.4, .45)):
        p.ell(x, y, .045, .018, shade(c, .8), ink=False)


def bread(p: Pen, r: Random) -> None:
    c = r.choice([(195, 130, 65), (165, 100, 50), (220, 165, 95), (130, 80, 45)])
    if r.random() < .5:  # loaf and slices
        p.blob([(.2, .75), (.17, .5), (.12, .42), (.2, .28), (.5, .25), (.85, .27), (.97, .38), (.93, .5), (.93, .74), (.55, .78)], c)
        for x in (.5, .63, .76):
            p.line([(x, .3), (x + .07, .42)], .02, shade(c, 1.5))
        crumb = shade(mix(c, (250, 235, 200), .75), 1.1)
        for x in (.26, .16):
            s = [(x - .13, .8), (x - .12, .55), (x - .17, .44), (x - .09, .34), (x, .33), (x + .1, .34), (x + .17, .44),
                 (x + .12, .55), (x + .13, .8)]
            p.poly(smooth(s), c)
            p.poly(smooth([(x + (X - x) * .84, .57 + (Y - .57) * .88) for X, Y in s]), crumb, ink=False)
    else:  # baguette / oval loaf with cuts
        fat = r.uniform(.13, .24)
        p.blob([(.03, .5), (.12, .5 - fat * .8), (.5, .5 - fat), (.88, .5 - fat * .8), (.97, .5), (.88, .5 + fat * .7),
                (.5, .5 + fat * .85), (.12, .5 + fat * .7)], c)
        for x in (.2, .36, .52, .68, .82):
            p.blob([(x - .05, .5 + fat * .3), (x - .01, .5 - fat * .2), (x + .06, .5 - fat * .6), (x + .03, .5 - fat * .05)],
                   mix(c, (250, 230, 190), .7))


def cake(p: Pen, r: Random) -> None:
    c, top = r.choice([(240, 200, 150), (110, 65, 40), (250, 220, 190), (200, 90, 90)]), \
        r.choice([(250, 245, 240), (245, 160, 190), (90, 50, 35), (190, 225, 245), (200, 240, 180)])
    if r.random() < .55:  # whole, candles
        tiers = r.randint(1, 2)
        p.ell(.5, .86, .46, .08, shade(STEEL, 1.3))
        for k in range(tiers):
            w, y1 = .38 - .13 * k, .84 - .26 * k
            y0 = y1 - .28
            p.rect(.5 - w, y0, .5 + w, y1, c, .03)
            p.rect(.5 - w, (y0 + y1) / 2 + .02, .5 + w, (y0 + y1) / 2 + .06, top, ink=False)
            drip = [(.5 - w, y0 + .02)]
            n = 8
            for i in range(n + 1):
                x = .5 - w + 2 * w * i / n
                drip += [(x, y0 + (.11 if i % 2 else .06) + r.uniform(0, .02))]
            p.poly(smooth([*drip, (0.5 + w, y0 + 0.02)], False), top)
            p.ell(.5, y0, w, .055, shade(top, 1.1))
            y_top, w_top = y0, w
        n = r.randint(3, 5)
        for k in range(n):
            x = .5 - w_top * .6 + w_top * 1.2 * k / (n - 1)
            p.rect(x - .012, y_top - .14, x + .012, y_top, paint(r))
            p.blob([(x, y_top - .21), (x + .018, y_top - .16), (x, y_top - .14), (x - .018, y_top - .16)], (255, 190, 50))
    else:  # a slice
        a, b, d = (.05, .5), (.75, .3), (.95, .48)
        h = .32
        p.poly([a, d, (d[0], d[1] + h), (a[0], a[1] + h)], c)
        for u in (.3, .62):
            p.poly([(a[0], a[1] + h * u), (d[0], d[1] + h * u), (d[0], d[1] + h * (u + .12)), (a[0], a[1] + h * (u + .12))],
                   top, ink=False)
        p.poly([a, b, d], top)
        p.poly(smooth([a, (.3, .6), (.4, .53), (.6, .6), (.75, .51), (.9, .56), d], False), top, ink=False)
        p.ell(.66, .33, .075, .075, (205, 30, 50))
        p.line([(.67, .27), (.7, .16)], .012, (80, 110, 50))


# --- kitchen ------------------------------------------------------------------
def metal(r: Random) -> Colour:
    return r.choice([STEEL, (165, 170, 180), (215, 218, 222), (205, 180, 110), (140, 145, 155)])


def knife(p: Pen, r: Random) -> None:
    m, h = metal(r), r.choice([*WOOD, BLACK, paint(r), paint(r)])
    w = r.uniform(.07, .12)
    p.poly([(0.36, 0.5 - w), *smooth([(0.36, 0.5 - w), (0.7, 0.5 - w), (0.9, 0.5 - w * 0.3), (0.99, 0.5 + w)], False), (0.36, 0.5 + w)], m)
    p.poly([(.36, .5 + w * .45), (.95, .5 + w * .55), (.99, .5 + w), (.36, .5 + w)], shade(m, 1.5), ink=False)
    p.rect(.33, .5 - w, .38, .5 + w, shade(m, .7))
    p.rect(.01, .5 - w * .8, .35, .5 + w * .55, h, .03)
    for x in (.08, .18, .28):
        p.ell(x, .5 - w * .1, .015, .015, shade(m, 1.2), ink=False)


def fork(p: Pen, r: Random) -> None:
    m = metal(r) if r.random() < .75 else paint(r)
    p.poly(smooth([(.02, .46), (.3, .475), (.58, .48), (.58, .52), (.3, .525), (.02, .54), (.0, .5)]), m)
    n = r.choice([3, 4])
    w = .13
    p.blob([(.55, .48), (.62, .5 - w), (.74, .5 - w - .005), (.74, .5 + w + .005), (.62, .5 + w), (.55, .52)], m)
    for k in range(n):
        y = .5 - w + .022 + (2 * w - .044) * k / (n - 1)
        p.rect(.7, y - .022, .99, y + .022, m, .02)
    p.rect(.66, .5 - w + .01, .74, .5 + w - .01, m, ink=False)


def spoon(p: Pen, r: Random) -> None:
    m = metal(r) if r.random() < .6 else r.choice([*WOOD, paint(r)])
    p.poly(smooth([(.01, .46), (.35, .48), (.64, .485), (.64, .515), (.35, .52), (.01, .54), (-.005, .5)]), m)
    w = r.uniform(.12, .15)
    p.ell(.8, .5, .19, w, m)
    p.ell(.81, .5, .15, w * .74, shade(m, .78), ink=False)
    p.ell(.84, .5 - w * .25, .08, w * .25, shade(m, 1.4), -.1, ink=False)


def pan(p: Pen, r: Random) -> None:
    c, h = r.choice([(60, 60, 65), (40, 42, 48), STEEL, (170, 80, 50), paint(r)]), r.choice([*WOOD, BLACK, paint(r)])
    if r.random() < .55:  # from above
        p.rect(.6, .46, .99, .54, h, .03)
        p.ell(.95, .5, .015, .015, shade(h, .5), ink=False)
        p.ell(.34, .5, .32, .32, c)
        p.ell(.34, .5, .26, .26, shade(c, .7))
        p.ell(.27, .41, .1, .05, shade(c, 1.15), -.6, ink=False)
    else:
        p.poly([(.58, .47), (.98, .34), (1, .39), (.6, .55)], h)
        p.poly(smooth([(.02, .44), (.06, .6), (.12, .65), (.5, .65), (.56, .6), (.62, .44)], False), c)
        p.ell(.32, .44, .3, .07, shade(c, .7))
        p.ell(.32, .45, .25, .05, shade(c, .55), ink=False)


def pot(p: Pen, r: Random) -> None:
    c = r.choice([STEEL, (200, 60, 50), (60, 90, 150), (70, 70, 75), paint(r), paint(r)])
    for x in (.06, .94):
        p.rect(x - .06, .46, x + .06, .54, shade(c, .6), .03)
    p.rect(.12, .4, .88, .86, c, .06)
    p.rect(.12, .5, .88, .54, shade(c, 1.3), ink=False)
    if r.random() < .7:
        p.blob([(.1, .41), (.16, .32), (.5, .24), (.84, .32), (.9, .41)], shade(c, 1.15))
        p.rect(.44, .17, .56, .26, shade(c, .6), .03)
    else:
        p.ell(.5, .4, .38, .09, shade(c, .7))
        p.ell(.5, .41, .32, .065, r.choice([(230, 150, 60), (170, 190, 90), (200, 70, 50), (220, 215, 190)]))
        for x in (.4, .55):
            p.line([(x, .3), (x + .03, .24), (x - .02, .17), (x + .02, .1)], .018, (235, 235, 240), True)
    p.rect(.17, .56, .22, .8, shade(c, 1.4), .02, ink=False)


def cup(p: Pen, r: Random) -> None:
    c = paint(r)
    w = r.uniform(.22, .28)
    p.ell(.5 + w, .56, .15, .16, c)
    p.ell(.5 + w, .56, .08, .09, (0, 0, 0), ink=True)
    p.hole([(.5 + w - .08, .47), (.5 + w + .08, .65)], ellipse=True)
    if r.random() < .5:
        p.ell(.5, .88, .42, .06, shade(c, .85))
    p.poly(smooth([(.5 - w, .3), (.5 - w * .95, .6), (.5 - w * .75, .84), (.5 - w * .5, .88)], False)
           + smooth([(.5 + w * .5, .88), (.5 + w * .75, .84), (.5 + w * .95, .6), (.5 + w, .3)], False), c)
    p.ell(.5, .3, w, .07, shade(c, 1.3))
    p.ell(.5, .31, w * .84, .048, r.choice([(80, 50, 30), (150, 90, 40), (200, 160, 110)]), ink=False)
    k = r.random()
    if k < .35:
        p.rect(.5 - w * .93, .52, .5 + w * .93, .6, paint(r), ink=False)
    elif k < .6:
        for x, y in ((-.4, .5), (.1, .62), (.4, .48), (-.2, .72)):
            p.ell(.5 + w * x, y, .035, .035, WHITE, ink=False)
    if r.random() < .6:
        for x in (.42, .54):
            p.line([(x, .22), (x + .03, .16), (x - .02, .1), (x + .02, .03)], .02, (238, 238, 242), True)


def bowl(p: Pen, r: Random) -> None:
    c = paint(r)
    fill = r.choice([(200, 70, 50), (230, 200, 130), (120, 170, 80), (240, 235, 220), (150, 100, 60)])
    p.rect(.36, .76, .64, .84, shade(c, .75))
    p.poly(smooth([(.04, .42), (.1, .6), (.28, .76), (.5, .79), (.72, .76), (.9, .6), (.96, .42)], False), c)
    p.ell(.5, .42, .46, .11, shade(c, 1.25))
    p.ell(.5, .43, .4, .085, fill)
    for _ in range(9):
        a, q = r.uniform(0, 6.28), r.uniform(0, .9)
        p.ell(.5 + .36 * q * math.cos(a), .43 + .07 * q * math.sin(a), .025, .014, shade(fill, r.choice([.7, 1.4])), ink=False)
    if r.random() < .4:
        p.poly([(.08, .52), (.92, .52), (.89, .58), (.11, .58)], shade(c, 1.5), ink=False)


# --- animals --------------------------------------------------------------------
def eye(p: Pen, x: float, y: float, s: float, iris: Colour | None = None) -> None:
    if iris:
        p.ell(x, y, s, s, iris)
        p.ell(x, y, s * .4, s * .85, BLACK, ink=False)
    else:
        p.ell(x, y, s, s, BLACK, ink=False)
    p.ell(x - s * .3, y - s * .35, s * .25, s * .25, WHITE, ink=False)


def cat_face(p: Pen, r: Random, c: Colour, x: float, y: float, s: float, iris: Colour) -> None:
    for d in (-1, 1):
        p.poly([(x + d * .95 * s, y - .25 * s), (x + d * .85 * s, y - 1.3 * s), (x + d * .2 * s, y - .8 * s)], c)
        p.poly([(x + d * .8 * s, y - .5 * s), (x + d * .77 * s, y - 1.05 * s), (x + d * .42 * s, y - .78 * s)],
               (235, 165, 165), ink=False)
    p.ell(x, y, s * 1.05, s * .88, c)
    if r.random() < .5:
        for k in (-.3, 0, .3):
            p.line([(x + k * s, y - .85 * s), (x + k * .8 * s, y - .5 * s)], .09 * s, shade(c, .6))
    for d in (-1, 1):
        eye(p, x + d * .42 * s, y - .12 * s, .2 * s, iris)
    p.ell(x - .16 * s, y + .38 * s, .2 * s, .16 * s, shade(c, 1.5), ink=False)
    p.ell(x + .16 * s, y + .38 * s, .2 * s, .16 * s, shade(c, 1.5), ink=False)
    p.poly([(x - .11 * s, y + .18 * s), (x + .11 * s, y + .18 * s), (x, y + .31 * s)], (220, 120, 130))
    dark = shade(c, .35) if sum(c) > 220 else (220, 220, 220)
    for d in (-1, 1):
        p.line([(x, y + .31 * s), (x + d * .08 * s, y + .46 * s), (x + d * .22 * s, y + .45 * s)], .035 * s, dark, True)
        for k in (-.16, 0, .16):
            p.line([(x + d * .3 * s, y + (.36 + k * .4) * s), (x + d * 1.35 * s, y + (.36 + k * 1.5) * s)], .025 * s, dark)


def cat(p: Pen, r: Random) -> None:
    c, iris = r.choice(FUR), r.choice([(120, 190, 90), (230, 190, 60), (110, 170, 220)])
    if r.random() < .35:
        cat_face(p, r, c, .5, .57, .36, iris)
        return
    p.line([(.62, .9), (.85, .88), (.9, .68), (.82, .52)], .075, shade(c, .85), True)
    p.blob([(.5, .42), (.66, .52), (.74, .8), (.68, .94), (.5, .96), (.32, .94), (.26, .8), (.34, .52)], c)
    if r.random() < .5:
        p.ell(.5, .68, .1, .15, shade(c, 1.6), ink=False)
    for x in (.41, .59):
        p.rect(x - .055, .68, x + .055, .96, shade(c, 1.06), .05)
    cat_face(p, r, c, .5, .32, .22, iris)


def dog(p: Pen, r: Random) -> None:
    c = r.choice(FUR)
    e = shade(c, .55) if r.random() < .7 else r.choice(FUR)
    if r.random() < .5:  # face on, ears hanging
        x, y, s = .5, .46, .3
        if r.random() < .5:
            p.blob([(.34, .62), (.66, .62), (.78, .98), (.22, .98)], c)
        p.blob([(x, y - 1.0 * s), (x + .75 * s, y - .75 * s), (x + .85 * s, y), (x + .55 * s, y + .8 * s), (x, y + 1.05 * s),
                (x - .55 * s, y + .8 * s), (x - .85 * s, y), (x - .75 * s, y - .75 * s)], c)
        for d in (-1, 1):
            p.blob([(x + d * .5 * s, y - .95 * s), (x + d * .95 * s, y - .8 * s), (x + d * 1.3 * s, y - .05 * s),
                    (x + d * 1.15 * s, y + .6 * s), (x + d * .85 * s, y + .35 * s), (x + d * .72 * s, y - .3 * s)], e)
        p.blob([(x - .08 * s, y + .7 * s), (x + .22 * s, y + .72 * s), (x + .2 * s, y + 1.2 * s), (x + .04 * s, y + 1.28 * s),
                (x - .1 * s, y + 1.15 * s)], (230, 110, 120))
        p.ell(x, y + .45 * s, .52 * s, .42 * s, shade(c, 1.45))
        p.ell(x, y + .2 * s, .23 * s, .16 * s, BLACK)
        p.line([(x, y + .35 * s), (x, y + .6 * s)], .05 * s, BLACK)
        p.line([(x - .3 * s, y + .58 * s), (x, y + .65 * s), (x + .3 * s, y + .58 * s)], .05 * s, BLACK, True)
        for d in (-1, 1):
            eye(p, x + d * .36 * s, y - .2 * s, .13 * s)
        return
    p.line([(.16, .46), (.06, .34), (.07, .2)], .06, c, True)
    for x in (.2, .3, .6, .68):
        p.rect(x - .045, .6, x + .045, .94, shade(c, .85 if x in (.3, .6) else 1), .03)
        p.rect(x - .045, .9, x + .065, .95, shade(c, 1.1), .02)
    p.blob([(.12, .46), (.3, .4), (.6, .4), (.76, .36), (.78, .56), (.68, .7), (.4, .66), (.18, .68)], c)
    p.blob([(.6, .46), (.64, .2), (.74, .12), (.84, .16), (.88, .24), (.98, .28), (.99, .35), (.92, .4), (.8, .4), (.76, .52)], c)
    p.ell(.975, .29, .03, .026, BLACK, ink=False)
    p.line([(.97, .36), (.86, .36)], .01, BLACK)
    eye(p, .81, .22, .022)
    p.blob([(.66, .15), (.74, .17), (.75, .34), (.69, .44), (.62, .36)], e)
    p.rect(.62, .41, .77, .45, r.choice([(200, 40, 50), (50, 90, 190)]), .02)


def bird(p: Pen, r: Random) -> None:
    c = paint(r)
    beak = r.choice([(245, 170, 50), (70, 70, 75), (235, 110, 50)])
    wing = shade(c, .7) if r.random() < .6 else paint(r)
    if r.random() < .35:  # flying
        p.blob([(.32, .5), (.2, .3), (.24, .05), (.44, .2), (.55, .42)], shade(wing, .85))
        p.poly([(.22, .54), (.0, .5), (.02, .62), (.24, .64)], wing)
        p.blob([(.18, .58), (.4, .46), (.66, .46), (.8, .4), (.88, .48), (.82, .6), (.6, .7), (.36, .68)], c)
        p.poly([(.86, .44), (1, .5), (.86, .54)], beak)
        eye(p, .8, .47, .022)
        p.blob([(.38, .54), (.36, .3), (.56, .06), (.66, .3), (.62, .52)], wing)
        return
    for x in (.46, .56):
        p.line([(x, .76), (x, .93)], .018, beak)
        p.line([(x - .05, .94), (x, .92), (x + .06, .94)], .016, beak)
    p.poly([(.3, .56), (.02, .66), (.04, .78), (.36, .72)], wing)
    p.blob([(.24, .66), (.36, .46), (.52, .36), (.6, .22), (.74, .17), (.84, .26), (.82, .42), (.74, .62), (.58, .78), (.38, .78)], c)
    p.blob([(.5, .7), (.66, .6), (.72, .48), (.76, .6), (.62, .77)], shade(c, 1.5), ink=False)
    p.poly([(.82, .24), (.99, .3), (.82, .34)], beak)
    eye(p, .74, .27, .026)
    p.blob([(.28, .64), (.42, .48), (.58, .48), (.6, .58), (.48, .7)], wing)


def fish(p: Pen, r: Random) -> None:
    c, fin = paint(r), paint(r)
    h = r.uniform(.19, .3)
    p.poly([(.24, .5), (.02, .5 - h), (.08, .5), (.02, .5 + h)], fin)
    p.blob([(.4, .5 - h * .7), (.55, .5 - h - .13), (.72, .5 - h * .7)], fin)
    p.blob([(.45, .5 + h * .7), (.5, .5 + h + .09), (.62, .5 + h * .7)], fin)
    p.blob([(.16, .5), (.36, .5 - h * .75), (.62, .5 - h), (.86, .5 - h * .6), (.97, .5), (.86, .5 + h * .6), (.62, .5 + h), (.36, .5 + h * .75)], c)
    k = r.random()
    if k < .4:
        for x in (.36, .48, .6):
            p.line([(x, .5 - h * .6), (x + .03, .5), (x, .5 + h * .6)], .035, shade(c, 1.5), True)
    elif k < .8:
        for row in range(-2, 3):
            for q in range(4):
                x, y = .34 + .09 * q + (.045 if row % 2 else 0), .5 + row * h * .3
                p.line([(x, y - .03), (x + .025, y), (x, y + .03)], .009, shade(c, .65), True)
    p.line([(.76, .5 - h * .55), (.71, .5), (.76, .5 + h * .55)], .014, shade(c, .6), True)
    p.ell(.84, .5 - h * .25, .045, .045, WHITE)
    p.ell(.85, .5 - h * .25, .024, .024, BLACK, ink=False)
    p.line([(.96, .53), (.89, .55)], .012, shade(c, .45))
    p.blob([(.58, .54), (.5, .64), (.46, .54)], fin)


def horse(p: Pen, r: Random) -> None:
    c = r.choice([(140, 85, 45), (75, 50, 40), (225, 220, 210), (40, 38, 40), (190, 130, 70), (150, 150, 155)])
    mane = shade(c, .5) if sum(c) > 200 else (190, 180, 170)
    p.blob([(.16, .4), (.06, .46), (.04, .7), (.09, .78), (.13, .6), (.2, .48)], mane)
    for x0, x1, q in ((.25, .3, .8), (.6, .57, .8), (.19, .17, 1), (.67, .7, 1)):
        p.poly([(x0 - .05, .52), (x0 + .05, .52), (x1 + .03, .75), (x1 + .025, .93), (x1 - .025, .93), (x1 - .03, .75)], shade(c, q))
        p.rect(x1 - .03, .91, x1 + .035, .96, shade(c, .4))
    p.blob([(.13, .42), (.26, .36), (.45, .4), (.62, .36), (.74, .4), (.74, .55), (.62, .6), (.4, .58), (.2, .6), (.12, .52)], c)
    p.poly(smooth([(.58, .42), (.66, .2), (.74, .1), (.8, .1), (.82, .2), (.77, .36), (.74, .52)], False), c)
    p.poly([(.73, .11), (.745, .02), (.79, .09)], c)
    p.blob([(.72, .1), (.8, .09), (.9, .22), (.97, .3), (.95, .37), (.89, .37), (.82, .27), (.76, .22)], c)
    p.blob([(.76, .05), (.72, .08), (.62, .2), (.56, .4), (.63, .36), (.7, .22), (.76, .13)], mane)
    eye(p, .815, .17, .015)
    p.ell(.945, .315, .009, .009, BLACK, ink=False)


def cow(p: Pen, r: Random) -> None:
    c = r.choice([WHITE, (150, 95, 60), (235, 215, 185), (60, 55, 55)])
    spot = BLACK if sum(c) > 400 else (235, 230, 225)
    p.line([(.1, .4), (.04, .5), (.05, .68)], .02, shade(c, .8), True)
    p.ell(.05, .7, .025, .04, BLACK, ink=False)
    for x, q in ((.25, .8), (.56, .8), (.17, 1), (.64, 1)):
        p.rect(x - .045, .58, x + .045, .92, shade(c, q))
        p.rect(x - .045, .88, x + .045, .93, (70, 60, 55))
    p.ell(.46, .68, .08, .06, (240, 170, 170))
    p.rect(.09, .34, .74, .68, c, .11)
    for _ in range(r.randint(3, 5)):
        x, y, s = r.uniform(.18, .64), r.uniform(.42, .6), r.uniform(.04, .09)
        p.blob([(x + s * math.cos(a) * r.uniform(.7, 1.2), y + s * .8 * math.sin(a) * r.uniform(.7, 1.2))
                for a in (k * 1.047 for k in range(6))], spot, ink=False)
    for d in (-1, 1):
        p.poly(smooth([(.79 + d * .06, .25), (.79 + d * .15, .2), (.79 + d * .16, .1)], False)
               + smooth([(.79 + d * .16, .1), (.79 + d * .1, .17), (.79 + d * .03, .2)], False), (225, 210, 180))
        p.ell(.79 + d * .17, .31, .08, .04, shade(c, .8), d * .25)
    p.blob([(.79, .2), (.91, .25), (.9, .42), (.86, .56), (.72, .56), (.68, .42), (.67, .25)], c)
    if r.random() < .6:
        p.blob([(.8, .22), (.9, .27), (.88, .4), (.81, .36)], spot, ink=False)
    p.ell(.79, .53, .12, .08, (240, 180, 175))
    for d in (-1, 1):
        p.ell(.79 + d * .05, .52, .016, .022, (120, 70, 70), ink=False)
        eye(p, .79 + d * .065, .35, .024)


# --- things ------------------------------------------------------------------
def bed(p: Pen, r: Random) -> None:
    w, sheet, quilt = r.choice([*WOOD, BLACK, WHITE]), r.choice([WHITE, (225, 230, 240), (250, 240, 220)]), paint(r)
    p.rect(.03, .22, .1, .9, w, .02)
    p.rect(.1, .3, .12, .7, w)
    p.rect(.91, .48, .97, .9, w, .02)
    p.rect(.08, .62, .93, .8, shade(w, .85))
    p.rect(.09, .52, .92, .68, sheet, .03)
    p.poly(smooth([(.34, .5), (.38, .44), (.6, .46), (.88, .45), (.93, .52), (.935, .74), (.7, .77), (.36, .75), (.32, .62)]), quilt)
    if r.random() < .6:
        for x in (.45, .56, .67, .78):
            p.line([(x, .47), (x - .02, .75)], .012, shade(quilt, r.choice([.7, 1.4])))
    p.poly(smooth([(.32, .49), (.4, .44), (.42, .5), (.39, .75), (.31, .74)]), shade(sheet, .93))
    p.blob([(.11, .5), (.13, .4), (.2, .38), (.3, .42), (.31, .5), (.22, .54)], sheet)


def chair(p: Pen, r: Random) -> None:
    c, seat = r.choice([*WOOD, paint(r), paint(r), BLACK]), paint(r)
    k = r.uniform(0, .04)
    p.poly([(.66, .6), (.71, .58), (.72, .84), (.68, .84)], shade(c, .7))
    p.poly([(.28, .56), (.33, .56), (.31, .84), (.27, .84)], shade(c, .7))
    p.rect(.24, .06, .3, .62, c, .02)
    p.rect(.64, .06 + k, .7, .62, c, .02)
    if r.random() < .5:
        p.rect(.27, .08, .67, .36, seat if r.random() < .5 else c, .03)
    else:
        for y in (.1, .22, .34):
            p.rect(.27, y, .67, y + .06, c)
    p.poly([(.24, .54), (.7, .54), (.82, .66), (.2, .66)], seat)
    p.poly([(.2, .66), (.82, .66), (.82, .71), (.2, .71)], shade(seat, .75))
    p.rect(.2, .71, .255, .97, c)
    p.rect(.765, .71, .82, .97, c)


def table(p: Pen, r: Random) -> None:
    c = r.choice([*WOOD, WHITE, paint(r)])
    if r.random() < .3:
        p.rect(.46, .4, .54, .82, shade(c, .75))
        p.ell(.5, .86, .2, .05, shade(c, .7))
        p.ell(.5, .42, .46, .12, shade(c, .8))
        p.ell(.5, .38, .46, .12, c)
        return
    for x, y in ((.22, .74), (.78, .74)):
        p.rect(x - .022, .42, x + .022, y, shade(c, .6))
    for x in (.07, .93):
        p.rect(x - .035, .5, x + .035, .92, shade(c, .85))
    p.poly([(.18, .34), (.82, .34), (.99, .5), (.01, .5)], c)
    p.rect(.01, .5, .99, .56, shade(c, .75))
    for k in (.3, .5, .7):
        p.line([(.18 + .64 * k, .35), (.01 + .98 * k, .49)], .006, shade(c, .8))


def door(p: Pen, r: Random) -> None:
    c = r.choice([*WOOD, paint(r), paint(r), paint(r)])
    frame = shade(c, .6) if r.random() < .5 else WHITE
    p.rect(.22, .02, .78, .98, frame)
    if r.random() < .3:  # half open
        p.rect(.27, .07, .73, .98, (40, 38, 45))
        p.poly([(.27, .07), (.58, .13), (.58, .99), (.27, .98)], c)
        for y in (.2, .55):
            p.poly([(.32, y), (.53, y + .03), (.53, y + .28), (.32, y + .27)], shade(c, .8))
        p.ell(.54, .55, .022, .022, (230, 190, 80))
        return
    p.rect(.27, .07, .73, .98, c)
    if r.random() < .4:
        p.ell(.5, .24, .13, .12, (190, 220, 235))
        p.line([(.5, .12), (.5, .36)], .015, frame)
        p.line([(.37, .24), (.63, .24)], .015, frame)
        rows = [(.56, .9)]
    else:
        rows = [(.13, .48), (.58, .9)]
    for a, b in rows:
        for x0, x1 in ((.32, .48), (.52, .68)):
            p.rect(x0, a, x1, b, shade(c, .8))
    p.ell(.685, .53, .025, .025, r.choice([(230, 190, 80), STEEL]))


def window(p: Pen, r: Random) -> None:
    frame = r.choice([WHITE, (120, 80, 50), (70, 75, 80), paint(r)])
    sky = r.choice([(160, 205, 240), (250, 190, 130), (60, 80, 130), (190, 225, 245)])
    arch = r.random() < .25
    p.rect(.16, .1, .84, .84, frame, .2 if arch else 0)
    p.rect(.22, .16, .78, .78, sky, .16 if arch else 0)
    p.poly([*smooth([(0.22, 0.7), (0.4, 0.62), (0.6, 0.68), (0.78, 0.6)], False), (0.78, 0.78), (0.22, 0.78)], r.choice(LEAF), ink=False)
    for x in ((.5,) if r.random() < .6 else (.4, .6)):
        p.rect(x - .018, .14, x + .018, .8, frame)
    p.rect(.2, .42, .8, .46, frame)
    p.rect(.1, .83, .9, .9, shade(frame, .85))
    if r.random() < .6:
        q = paint(r)
        p.rect(.04, .045, .96, .075, shade(q, .5), .02)
        for d in (-1, 1):
            p.blob([(.5 + d * .44, .08), (.5 + d * .16, .08), (.5 + d * .26, .4), (.5 + d * .34, .8), (.5 + d * .45, .8)], q)


def house(p: Pen, r: Random) -> None:
    c, roof = paint(r), r.choice([(170, 60, 50), (110, 70, 55), (80, 85, 100), (60, 100, 90), paint(r)])
    k = r.random()
    if r.random() < .6:
        p.rect(.66, .1, .76, .34, shade(roof, .8))
    if k < .7:
        p.rect(.14, .42, .86, .93, c)
        p.poly([(.04, .46), (.5, .08), (.96, .46)], roof)
    else:
        p.rect(.06, .46, .94, .93, c)
        p.poly([(.0, .5), (.16, .2), (.84, .2), (1, .5)], roof)
        for x in (.2, .4, .6, .8):
            p.line([(x, .22), (x + (x - .5) * .2, .48)], .007, shade(roof, .75))
    d = .5 if r.random() < .6 else .3
    p.rect(d - .08, .64, d + .08, .93, r.choice([*WOOD, paint(r)]))
    p.ell(d + .05, .79, .013, .013, (240, 200, 90), ink=False)
    for x in ((.26, .74) if d == .5 else (.58, .76)):
        p.rect(x - .075, .55, x + .075, .72, (180, 220, 240) if r.random() < .6 else (255, 220, 120))
        p.line([(x, .55), (x, .72)], .012, WHITE)
        p.line([(x - .075, .635), (x + .075, .635)], .012, WHITE)
    if k < .5:
        p.ell(.5, .3, .06, .06, (180, 220, 240))


def tent(p: Pen, r: Random) -> None:
    c = paint(r)
    p.poly([(.3, .2), (.72, .14), (.98, .84), (.6, .9)], shade(c, .75))
    p.poly([(.3, .16), (.02, .9), (.6, .9)], c)
    p.poly([(.3, .3), (.2, .9), (.43, .9)], (45, 40, 45))
    p.poly([(.3, .3), (.2, .9), (.1, .88)], shade(c, 1.4))
    p.poly([(.3, .3), (.43, .9), (.51, .88)], shade(c, 1.4))
    p.line([(.3, .18), (.3, .08)], .014, (90, 80, 70))
    p.line([(.02, .9), (-.03, .95)], .008, (200, 190, 170))
    if r.random() < .5:
        p.line([(.45, .19), (.75, .87)], .018, shade(c, 1.3))


def book(p: Pen, r: Random) -> None:
    c = paint(r)
    if r.random() < .55:  # open
        page = r.choice([(250, 247, 235), (240, 228, 200), WHITE])
        p.poly([(.02, .3), (.5, .36), (.98, .3), (.98, .8), (.5, .86), (.02, .8)], c)
        for d in (-1, 1):
            p.poly(smooth([(.5, .32), (.5 + d * .2, .24), (.5 + d * .45, .25)], False)
                   + smooth([(.5 + d * .45, .76), (.5 + d * .2, .75), (.5, .82)], False), page)
            for k in range(7):
                y = .34 + .058 * k
                p.line([(.5 + d * .06, y + .02), (.5 + d * .2, y - .02), (.5 + d * r.uniform(.3, .4), y - .02)], .009, (110, 110, 115), True)
        p.line([(.5, .32), (.5, .83)], .01, shade(page, .6))
    else:
        p.poly([(.2, .12), (.26, .06), (.84, .06), (.84, .86), (.78, .93), (.2, .93)], shade(c, .6))
        p.poly([(.78, .12), (.83, .07), (.83, .86), (.78, .91)], (245, 240, 225))
        for k in range(4):
            p.line([(.79 + .01 * k, .13), (.79 + .01 * k, .88)], .003, (170, 165, 150))
        p.rect(.2, .12, .78, .93, c)
        p.rect(.2, .12, .27, .93, shade(c, .7))
        p.rect(.36, .24, .7, .4, shade(c, 1.6))
        for y in (.29, .34):
            p.line([(.4, y), (.66, y)], .012, shade(c, .5))
        p.ell(.53, .65, .1, .1, shade(c, 1.4))


def box(p: Pen, r: Random) -> None:
    c = r.choice([(200, 150, 95), (180, 130, 80), (220, 180, 130), paint(r), paint(r)])
    a, b, d, e = (.06, .36), (.5, .5), (.94, .36), (.5, .22)
    h = .42
    lid = r.random()
    if lid < .5:
        p.poly([a, b, d, e], shade(c, .45))
        p.poly([a, e, (.3, .06), (-.06, .2)], shade(c, .9))
        p.poly([e, d, (1.04, .2), (.7, .06)], shade(c, 1.1))
    else:
        p.poly([a, b, d, e], shade(c, 1.25))
        p.poly([(.25, .42), (.31, .44), (.75, .3), (.69, .28)], (225, 210, 170))
    p.poly([a, b, (b[0], b[1] + h), (a[0], a[1] + h)], c)
    p.poly([b, d, (d[0], d[1] + h), (b[0], b[1] + h)], shade(c, .75))
    if lid < .5:
        p.poly([a, b, (.36, .62), (-.05, .48)], shade(c, 1.15))
        p.poly([b, d, (1.05, .48), (.64, .62)], shade(c, .9))
    else:
        p.poly([(.25, .42), (.31, .44), (.31, .58), (.25, .56)], (225, 210, 170))
    p.poly([(.62, .74), (.8, .68), (.8, .78), (.62, .84)], WHITE, ink=False)


def bag(p: Pen, r: Random) -> None:
    c, s = paint(r), r.random()
    if s < .5:  # handbag
        p.line([(.3, .45), (.32, .15), (.5, .06), (.68, .15), (.7, .45)], .045, shade(c, .6), True)
        p.poly(smooth([(.16, .42), (.84, .42), (.94, .88), (.88, .94), (.12, .94), (.06, .88)]), c)
        p.poly([(.15, .42), (.85, .42), (.8, .62), (.5, .7), (.2, .62)], shade(c, .8))
        p.rect(.45, .63, .55, .74, (235, 200, 90), .02)
    else:  # backpack
        p.line([(.4, .14), (.42, .04), (.58, .04), (.6, .14)], .04, shade(c, .5), True)
        for x in (.14, .86):
            p.rect(x - .06, .5, x + .06, .8, shade(c, .7), .05)
        p.rect(.17, .1, .83, .95, c, .2)
        p.line([(.22, .36), (.5, .42), (.78, .36)], .016, shade(c, .5), True)
        p.rect(.27, .55, .73, .88, shade(c, .8), .06)
        p.line([(.29, .63), (.71, .63)], .016, shade(c, .45))
        p.rect(.48, .63, .52, .7, (230, 200, 100))


def ball(p: Pen, r: Random) -> None:
    k = r.randint(0, 3)
    c = paint(r)
    if k == 0:  # football
        p.ell(.5, .5, .45, .45, WHITE)
        a0 = r.random() * 6
        dark = r.choice([BLACK, (40, 60, 150), (180, 30, 40)])
        p.poly([(.5 + .15 * math.cos(a0 + i * 1.2566), .5 + .15 * math.sin(a0 + i * 1.2566)) for i in range(5)], dark)
        for i in range(5):
            a = a0 + i * 1.2566
            p.line([(.5 + .15 * math.cos(a), .5 + .15 * math.sin(a)), (.5 + .3 * math.cos(a), .5 + .3 * math.sin(a))], .014, BLACK)
            q = [(.5 + d * math.cos(a + t), .5 + d * math.sin(a + t)) for d, t in
                 ((.3, 0), (.38, -.2), (.445, -.17), (.445, .17), (.38, .2))]
            p.poly(q, dark)
            b = a + .6283
            p.line([(.5 + .38 * math.cos(a + .2), .5 + .38 * math.sin(a + .2)), (.5 + .34 * math.cos(b), .5 + .34 * math.sin(b)),
                    (.5 + .38 * math.cos(a + 1.056), .5 + .38 * math.sin(a + 1.056))], .012, BLACK)
    elif k == 1:  # basketball
        c = r.choice([(225, 120, 50), c])
        p.ell(.5, .5, .45, .45, c)
        line = shade(c, .35)
        p.line([(.5, .05), (.5, .95)], .018, line)
        p.line([(.05, .5), (.95, .5)], .018, line)
        for d in (-1, 1):
            p.line([(.5 + d * .31, .18), (.5 + d * .16, .35), (.5 + d * .13, .5), (.5 + d * .16, .65), (.5 + d * .31, .82)], .018, line, True)
    elif k == 2:  # beach ball
        cols = [paint(r) if i % 2 == 0 else WHITE for i in range(6)]
        for i in range(6):
            a = i * 1.0472
            arc = [(.5 + .45 * math.cos(a + t * 1.0472 / 8), .5 + .45 * math.sin(a + t * 1.0472 / 8)) for t in range(9)]
            p.poly(smooth([(.42, .42), ((arc[0][0] + .42) / 2 + .03, (arc[0][1] + .42) / 2 - .03), arc[0]], False) + arc
                   + smooth([arc[-1], ((arc[-1][0] + .42) / 2 + .03, (arc[-1][1] + .42) / 2 - .03), (.42, .42)], False), cols[i])
        p.ell(.42, .42, .06, .06, WHITE)
    else:  # tennis
        c = r.choice([(200, 225, 60), c])
        p.ell(.5, .5, .45, .45, c)
        for d in (-1, 1):
            p.line([(.5 + d * .36, .22), (.5 + d * .2, .38), (.5 + d * .2, .62), (.5 + d * .36, .78)], .03, WHITE, True)


def hand(p: Pen, r: Random) -> None:
    c = r.choice([(250, 215, 185), (225, 175, 135), (175, 120, 80), (120, 80, 55), (85, 55, 40)])
    p.rect(.36, .72, .64, 1, c if r.random() < .5 else paint(r))
    tips = [(.24, .22), (.4, .08), (.56, .06), (.71, .16)]
    bases = [(.34, .5), (.44, .46), (.54, .46), (.64, .5)]
    for (tx, ty), (bx, by) in zip(tips, bases, strict=True):
        p.line([(bx, by), (tx, ty)], .115, p.ink if p.width else shade(c, .7))
    p.line([(.62, .72), (.78, .6), (.92, .48)], .13, p.ink if p.width else shade(c, .7), True)
    p.blob([(.3, .5), (.5, .44), (.69, .5), (.72, .68), (.64, .82), (.36, .82), (.29, .68)], c)
    for (tx, ty), (bx, by) in zip(tips, bases, strict=True):
        p.line([(bx, by + .04), (tx, ty)], .095, c)
        p.ell(tx, ty - .01, .026, .032, shade(c, 1.4), math.atan2(ty - by, tx - bx) + 1.57, ink=False)
    p.line([(.6, .72), (.78, .6), (.92, .48)], .11, c, True)
    p.blob([(.34, .5), (.5, .47), (.66, .52), (.68, .68), (.62, .79), (.38, .79), (.32, .68)], c, ink=False)
    p.line([(.4, .62), (.52, .58), (.64, .6)], .01, shade(c, .75), True)


# --- machines -----------------------------------------------------------------
def wheel(p: Pen, x: float, y: float, s: float) -> None:
    p.ell(x, y, s, s, (35, 35, 38))
    p.ell(x, y, s * .55, s * .55, (185, 188, 195))
    p.ell(x, y, s * .18, s * .18, (70, 70, 75), ink=False)


def car(p: Pen, r: Random) -> None:
    c, glass = paint(r), r.choice([(180, 215, 235), (70, 85, 100)])
    k = r.random()
    if k < .5:
        roof = [(.2, .5), (.3, .3), (.36, .27), (.62, .27), (.7, .31), (.82, .5)]
    else:
        roof = [(.1, .5), (.14, .28), (.2, .25), (.62, .25), (.68, .28), (.8, .5)]
    p.poly(roof, c)
    p.blob([(.02, .56), (.06, .49), (.3, .47), (.78, .47), (.94, .51), (.99, .6), (.97, .72), (.5, .73), (.04, .72)], c)
    x0, x1 = (.27, .47) if k < .5 else (.18, .43)
    p.poly([(x0, .48), (x0 + .08 if k < .5 else x0 + .02, .32), (x1, .32), (x1, .48)], glass)
    p.poly([(x1 + .04, .48), (x1 + .04, .32), (.64, .32), (.75, .48)], glass)
    p.line([(x1 + .02, .5), (x1 + .02, .7)], .008, shade(c, .6))
    p.line([(x1 - .1, .54), (x1 - .04, .54)], .014, shade(c, .5))
    p.ell(.955, .57, .025, .035, (255, 240, 170))
    p.ell(.035, .57, .018, .032, (220, 50, 40))
    for x in (.24, .77):
        wheel(p, x, .72, .095)


def bus(p: Pen, r: Random) -> None:
    c, glass = paint(r), r.choice([(185, 220, 240), (75, 90, 105)])
    top = .18 if r.random() < .35 else .32
    p.rect(.02, top, .98, .76, c, .04)
    for y0 in ([.24, .45] if top < .2 else [.39]):
        n = 6 if top < .2 and y0 < .3 else 5
        for k in range(n):
            x = .05 + .15 * k
            p.rect(x, y0, x + .12, y0 + .14, glass, .012)
    p.rect(.82, .42, .95, .73, glass)
    p.line([(.885, .42), (.885, .73)], .008, shade(c, .5))
    p.rect(.02, .62, .8, .66, r.choice([WHITE, shade(c, .6), paint(r)]), ink=False)
    p.ell(.965, .7, .018, .022, (255, 240, 170))
    for x in (.2, .72):
        wheel(p, x, .77, .08)


def train(p: Pen, r: Random) -> None:
    c = paint(r)
    p.rect(.0, .83, 1, .86, (110, 100, 95))
    for k in range(12):
        p.rect(.02 + .083 * k, .86, .055 + .083 * k, .89, (110, 75, 50), ink=False)
    if r.random() < .55:  # steam engine
        p.rect(.3, .42, .8, .66, c, .05)
        p.rect(.06, .26, .34, .68, shade(c, .8))
        p.rect(.02, .2, .38, .27, shade(c, .55))
        p.rect(.12, .33, .28, .48, (190, 220, 235))
        p.poly([(.68, .43), (.66, .22), (.78, .22), (.76, .43)], shade(c, .5))
        p.blob([(.45, .43), (.46, .35), (.52, .33), (.56, .43)], (225, 190, 90))
        p.ell(.8, .54, .035, .12, shade(c, .6))
        p.rect(.06, .64, .9, .7, shade(c, .4))
        p.poly([(.86, .66), (.99, .82), (.84, .82)], (170, 50, 45))
        for x, s in ((.16, .095), (.38, .095), (.6, .065), (.75, .065)):
            wheel(p, x, .83 - s, s)
        p.line([(.16, .75), (.4, .75)], .018, STEEL)
        for x, y, s in ((.7, .14, .05), (.6, .08, .065), (.46, .06, .07)):
            p.ell(x, y, s, s * .8, (235, 235, 238))
    else:  # modern
        glass = (70, 85, 105)
        p.poly(smooth([(.0, .38), (.66, .38), (.82, .44), (.97, .64), (.99, .74), (.9, .78), (.0, .78)], False), c)
        p.poly([(.74, .44), (.82, .47), (.92, .6), (.76, .58)], glass)
        p.rect(.0, .65, .97, .69, shade(c, 1.6), ink=False)
        for x in (.04, .16, .36, .48, .6):
            p.rect(x, .46, x + .09, .58, glass, .015)
        p.rect(.27, .44, .34, .77, shade(c, .75))
        for x in (.08, .2, .62, .76):
            wheel(p, x, .8, .038)
        p.line([(.3, .37), (.4, .28), (.28, .22)], .012, (70, 70, 75))
        p.line([(.0, .2), (1, .2)], .006, (70, 70, 75))


def plane(p: Pen, r: Random) -> None:
    c, w = r.choice([WHITE, (225, 228, 235), paint(r), STEEL]), paint(r)
    if r.random() < .55:  # from above
        p.poly([(.46, .4), (.02, .64), (.02, .7), (.46, .6)], w)
        p.poly([(.54, .4), (.98, .64), (.98, .7), (.54, .6)], w)
        for x in (.25, .75):
            p.rect(x - .03, .47, x + .03, .6, shade(c, .7), .025)
        p.poly([(.48, .8), (.3, .92), (.3, .97), (.48, .92)], w)
        p.poly([(.52, .8), (.7, .92), (.7, .97), (.52, .92)], w)
        p.blob([(.5, .02), (.56, .12), (.565, .5), (.545, .8), (.5, .98), (.455, .8), (.435, .5), (.44, .12)], c)
        p.blob([(.47, .1), (.53, .1), (.54, .14), (.46, .14)], (60, 75, 95), ink=False)
    else:
        p.poly([(.1, .46), (.02, .18), (.12, .18), (.28, .44)], w)
        p.poly([(.5, .46), (.4, .24), (.47, .24), (.64, .46)], shade(w, .7))
        p.blob([(.03, .46), (.2, .42), (.6, .4), (.86, .42), (.98, .52), (.9, .6), (.6, .62), (.25, .58)], c)
        for k in range(8):
            p.ell(.3 + .062 * k, .48, .014, .018, (70, 85, 105), ink=False)
        p.poly([(.86, .45), (.93, .48), (.87, .5)], (70, 85, 105))
        p.poly([(.46, .54), (.28, .82), (.36, .82), (.66, .55)], w)
        p.rect(.38, .66, .5, .73, shade(c, .65), .03)
        p.poly([(.08, .48), (.0, .58), (.06, .58), (.2, .5)], w)


def boat(p: Pen, r: Random) -> None:
    c, sail = r.choice([*WOOD, paint(r), paint(r), WHITE]), r.choice([WHITE, paint(r), (245, 235, 215)])
    if r.random() < .65:
        p.line([(.48, .76), (.48, .04)], .025, (110, 80, 55))
        p.poly([*smooth([(0.5, 0.08), (0.66, 0.3), (0.86, 0.62)], False), (0.5, 0.66)], sail)
        p.poly([(.46, .16), (.46, .64), (.16, .6)], shade(sail, .86) if r.random() < .5 else paint(r))
        p.poly([(.48, .04), (.62, .06), (.48, .11)], paint(r))
    else:
        p.rect(.3, .44, .66, .7, WHITE)
        for x in (.34, .46, .57):
            p.rect(x, .5, x + .07, .59, (120, 180, 220))
        p.rect(.42, .28, .52, .44, paint(r))
        p.rect(.42, .28, .52, .33, shade(c, .5))
        p.rect(.26, .4, .7, .45, c)
    p.poly(smooth([(.04, .68), (.12, .82), (.22, .88)], False) + smooth([(.78, .88), (.9, .8), (.97, .66)], False), c)
    p.poly([(.05, .69), (.96, .67), (.95, .72), (.07, .74)], shade(c, 1.4), ink=False)
    if r.random() < .8:
        sea = r.choice([(60, 130, 200), (60, 160, 190), (90, 120, 150)])
        p.poly([(-.02 + .065 * k, .86 + (.025 if k % 2 else 0)) for k in range(17)] + [(1.02, .96), (-.02, .96)], sea, ink=False)


def bridge(p: Pen, r: Random) -> None:
    c = r.choice([(150, 140, 130), (180, 90, 60), (110, 110, 115), (200, 60, 50), (190, 170, 130), (80, 110, 140)])
    water = r.choice([(70, 140, 200), (80, 160, 180), (110, 140, 160)])
    p.rect(-.02, .78, 1.02, .92, water, ink=False)
    for _ in range(8):
        x, y = r.uniform(0, .9), r.uniform(.81, .9)
        p.line([(x, y), (x + .07, y)], .006, shade(water, 1.5))
    k = r.random()
    if k < .5:  # stone arches
        n = r.randint(2, 4)
        rise = r.uniform(0, .08)
        top = [(t / 20, .42 - rise * math.sin(math.pi * t / 20)) for t in range(21)]
        p.poly([*top, (1, 0.8), (0, 0.8)], c)
        for i in range(n):
            cx, w = (i + .5) / n, .5 / n - .035
            h = .3 + rise * math.sin(math.pi * cx) * .8
            arc = [(cx - w * math.cos(math.pi * t / 24), .8 - h * math.sin(math.pi * t / 24)) for t in range(25)]
            p.hole(arc)
            p.line(arc, .016, shade(c, .65))
        p.line([(x, y - .015) for x, y in top], .035, shade(c, 1.25))
    else:  # hung from two towers
        y = .62
        for x in (.27, .73):
            p.rect(x - .03, .14, x + .03, .84, shade(c, .85))
        cable = [(0, .5), (.27, .17)] + [(.27 + .46 * t / 12, .17 + .4 * (1 - (2 * t / 12 - 1) ** 2)) for t in range(1, 12)] \
            + [(.73, .17), (1, .5)]
        p.line(cable, .018, shade(c, .7))
        for t in range(1, 12):
            x, yy = cable[1 + t]
            p.line([(x, yy), (x, y)], .007, shade(c, .7))
        for x, yy in ((.09, .39), (.18, .28), (.82, .28), (.91, .39)):
            p.line([(x, yy), (x, y)], .007, shade(c, .7))
        p.rect(-.02, y, 1.02, y + .06, c)


def phone(p: Pen, r: Random) -> None:
    c = r.choice([BLACK, WHITE, paint(r)])
    p.rect(.27, .02, .73, .98, c, .06)
    if r.random() < .2:
        p.rect(.31, .1, .69, .45, (160, 200, 170))
        for y in range(4):
            for x in range(3):
                p.rect(.325 + .13 * x, .53 + .1 * y, .415 + .13 * x, .6 + .1 * y, shade((230, 230, 232), .9), .02)
        return
    scr = hsv(r.random(), .5, r.uniform(.3, .9))
    p.rect(.305, .1, .695, .87, scr)
    for y in range(5):
        for x in range(3):
            if r.random() < .9:
                p.rect(.335 + .12 * x, .17 + .135 * y, .415 + .12 * x, .255 + .135 * y, paint(r), .02, ink=False)
    p.ell(.5, .925, .028, .028, shade(c, .6) if sum(c) > 300 else (120, 120, 125))
    p.line([(.45, .06), (.55, .06)], .012, (120, 120, 125))


def computer(p: Pen, r: Random) -> None:
    c = r.choice([STEEL, (60, 62, 68), WHITE, paint(r)])
    scr = r.choice([(50, 90, 150), (30, 40, 50), (90, 160, 170), (230, 235, 240)])
    if r.random() < .55:  # laptop
        p.rect(.16, .12, .84, .62, c, .03)
        x0, y0, x1, y1 = .2, .16, .8, .58
        p.rect(x0, y0, x1, y1, scr)
        p.poly([(.16, .63), (.84, .63), (.98, .86), (.02, .86)], shade(c, .9))
        for row in range(4):
            y = .655 + .035 * row
            for k in range(11):
                x = .2 - .022 * row + (.6 + .044 * row) * k / 11
                p.rect(x, y, x + .042, y + .024, shade(c, .4), ink=False)
        p.poly([(.41, .805), (.59, .805), (.61, .845), (.39, .845)], shade(c, .75))
        p.rect(.02, .86, .98, .885, shade(c, .6))
    else:
        p.rect(.44, .6, .56, .76, shade(c, .75))
        p.ell(.5, .77, .2, .035, shade(c, .75))
        p.rect(.1, .08, .9, .63, c, .03)
        x0, y0, x1, y1 = .14, .12, .86, .57
        p.rect(x0, y0, x1, y1, scr)
        p.poly([(.16, .84), (.84, .84), (.9, .94), (.1, .94)], shade(c, .95))
        for row in range(3):
            for k in range(13):
                x = .17 - .015 * row + (.66 + .03 * row) * k / 13
                p.rect(x, .852 + .028 * row, x + .038, .872 + .028 * row, shade(c, .4), ink=False)
    t = shade(scr, 1.6) if sum(scr) < 450 else shade(scr, .5)
    if r.random() < .5:
        for k in range(6):
            y = y0 + .05 + .055 * k
            p.line([(x0 + .04, y), (x0 + .04 + r.uniform(.15, x1 - x0 - .1), y)], .014, t)
    else:
        p.rect(x0 + .08, y0 + .07, x0 + .36, y0 + .32, t)
        p.rect(x0 + .08, y0 + .07, x0 + .36, y0 + .11, shade(t, .6))
        p.rect(x0 + .3, y0 + .15, x1 - .06, y1 - .05, shade(t, .85))


def keyboard(p: Pen, r: Random) -> None:
    c = r.choice([(50, 52, 58), (225, 226, 230), paint(r)])
    key = shade(c, 1.5) if sum(c) < 380 else shade(c, r.choice([.45, .8]))
    p.rect(.01, .3, .99, .7, c, .03)
    for row in range(4):
        off = (0, .015, .03, 0)[row]
        n = (13, 13, 12, 0)[row]
        for k in range(n):
            x = .04 + off + .07 * k
            if x + .058 < .97:
                p.rect(x, .33 + .088 * row, x + .056, .402 + .088 * row, key, .01, ink=False)
    y = .33 + .088 * 3
    for x0, x1 in ((.04, .12), (.13, .2), (.21, .28), (.29, .68), (.69, .76), (.77, .84), (.85, .96)):
        p.rect(x0, y, x1 - .005, y + .072, key if x0 != .85 else paint(r), .01, ink=False)


def mouse(p: Pen, r: Random) -> None:
    c = r.choice([(60, 62, 68), WHITE, (190, 192, 198), paint(r)])
    wire = shade(c, .55)
    p.line([(.5, .3), (.5, .18), (.62, .1), (.78, .12), (.9, .02)], .025, wire, True)
    p.blob([(.5, .26), (.63, .28), (.71, .42), (.73, .66), (.66, .88), (.5, .95), (.34, .88), (.27, .66), (.29, .42), (.37, .28)], c)
    line = shade(c, .45)
    p.line([(.28, .52), (.5, .56), (.72, .52)], .014, line, True)
    p.line([(.5, .27), (.5, .55)], .014, line)
    p.rect(.465, .33, .535, .48, shade(c, .35) if sum(c) > 250 else (150, 150, 155), .03)
    p.ell(.4, .72, .05, .1, shade(c, 1.35), .2, ink=False)


def camera(p: Pen, r: Random) -> None:
    c = r.choice([BLACK, (60, 62, 66), STEEL, (140, 90, 60), paint(r)])
    p.poly([(.36, .28), (.4, .16), (.6, .16), (.64, .28)], shade(c, .8))
    p.rect(.12, .2, .24, .3, shade(c, .6), .02)
    p.rect(.78, .21, .88, .3, (200, 50, 50) if r.random() < .4 else shade(c, .6), .02)
    p.rect(.03, .27, .97, .83, c, .06)
    p.rect(.03, .4, .97, .7, shade(c, .7) if sum(c) > 200 else (80, 80, 85), ink=False)
    p.ell(.5, .55, .25, .25, STEEL)
    p.ell(.5, .55, .21, .21, (35, 36, 42))
    p.ell(.5, .55, .14, .14, r.choice([(50, 70, 120), (70, 50, 110), (40, 90, 100)]))
    p.ell(.5, .55, .07, .07, (20, 22, 30), ink=False)
    p.ell(.44, .48, .04, .03, (220, 230, 245), -.6, ink=False)
    p.rect(.74, .32, .9, .39, (240, 240, 225))


def map_(p: Pen, r: Random) -> None:
    land = r.choice([(235, 220, 170), (220, 230, 190), (245, 235, 210)])
    n = r.randint(3, 4)
    fold = [(.03 + .94 * k / n, (.0 if k % 2 else .07)) for k in range(n + 1)]

    def up(x: float) -> float:
        return next(a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]) for a, b in pairwise(fold) if x <= b[0] + 1e-9)

    for k in range(n):
        (a, da), (b, db) = fold[k], fold[k + 1]
        p.poly([(a, .14 + da), (b, .14 + db), (b, .78 + db), (a, .78 + da)], shade(land, 1 if k % 2 else .88))

    def path(pts: list[Point], w: float, c: Colour) -> None:
        q = smooth(pts, False)
        p.line([(x, y + up(min(.97, max(.03, x)))) for x, y in q], w, c)

    path([(.05, .3 + r.uniform(0, .1)), (.3, .4), (.45, .25), (.7, .35), (.95, .22)], .035, (110, 170, 220))
    path([(.05, .62), (.3, .55), (.6, .68), (.95, .5)], .014, (200, 90, 60))
    path([(.3, .16), (.34, .4), (.3, .76)], .012, (150, 140, 120))
    for _ in range(4):
        x, y = r.uniform(.12, .88), r.uniform(.25, .7)
        p.ell(x, y + up(x), .05, .035, r.choice(LEAF), ink=False)
    x, y = r.uniform(.55, .8), .5
    if r.random() < .5:
        y += up(x)
        for d in (-1, 1):
            p.line([(x - .05, y - .05 * d), (x + .05, y + .05 * d)], .025, (200, 30, 30))
    else:
        y += up(x)
        p.blob([(x, y + .05), (x - .06, y - .06), (x, y - .13), (x + .06, y - .06)], (215, 40, 40))
        p.ell(x, y - .06, .024, .024, WHITE, ink=False)


# name -> (function, how far it may turn in degrees, smallest and largest share of the frame height)
OBJECTS: dict[str, tuple[Callable[[Pen, Random], None], float, float, float]] = {
    "cat": (cat, 12, .5, .95), "house": (house, 5, .5, .95), "car": (car, 10, .5, 1.25), "tree": (tree, 8, .55, 1),
    "knife": (knife, 180, .6, 1.2), "fish": (fish, 30, .5, 1.2), "mountain": (mountain, 3, .7, 1.5),
    "onion": (onion, 35, .45, .9), "bed": (bed, 6, .6, 1.3), "boat": (boat, 8, .55, 1), "cup": (cup, 10, .45, .9),
    "bridge": (bridge, 3, .9, 1.6), "book": (book, 25, .5, .95), "door": (door, 4, .65, 1), "sun": (sun, 30, .4, .85),
    "bird": (bird, 15, .45, .95), "plane": (plane, 60, .5, 1.1), "river": (river, 0, 1.05, 1.75), "carrot": (carrot, 180, .55, 1.05),
    "chair": (chair, 8, .55, .95), "bus": (bus, 6, .6, 1.35), "fire": (fire, 6, .5, .95), "ball": (ball, 180, .35, .85),
    "tent": (tent, 6, .5, 1.1), "apple": (apple, 30, .4, .85), "dog": (dog, 10, .55, .95), "spoon": (spoon, 180, .6, 1.15),
    "flowers": (flowers, 15, .5, .95), "train": (train, 4, .65, 1.4), "phone": (phone, 40, .5, .95),
    "cheese": (cheese, 20, .5, 1), "egg": (egg, 25, .4, .8), "camera": (camera, 12, .45, .95), "table": (table, 6, .6, 1.3),
    "hand": (hand, 40, .5, .95), "cow": (cow, 5, .6, 1.1), "window": (window, 4, .55, 1), "bread": (bread, 25, .5, 1.1),
    "pan": (pan, 40, .5, 1.1), "fork": (fork, 180, .6, 1.15), "cake": (cake, 6, .5, .95), "horse": (horse, 6, .6, 1),
    "computer": (computer, 6, .55, 1), "rain": (rain, 6, .5, .95), "lemon": (lemon, 40, .45, .95), "bag": (bag, 12, .45, .9),
    "keyboard": (keyboard, 25, .7, 1.4), "box": (box, 8, .5, .95), "pot": (pot, 6, .5, .95), "road": (road, 0, 1.05, 1.75),
    "mouse": (mouse, 40, .4, .85), "bowl": (bowl, 8, .5, 1.05), "stars": (stars, 25, .45, .95), "map": (map_, 15, .55, 1.15),
}

# These are seen from inside: they have no edge, never turn, and fill the frame.
FILLS_FRAME = frozenset({"river", "road"})
