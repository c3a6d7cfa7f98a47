# ruff: noqa
# mypy: ignore-errors
"""Make narrated test videos whose truth is known exactly.

    python bed.py --out DIR --videos 6 --seed 1 --channels 2

See README.md for what is written and what the fields of truth.jsonl mean.
"""
import argparse
import datetime as dt
import html
import json
import math
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import wave
from email.utils import format_datetime

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from tests.bed import draw, speech

OW, OH = 640, 360
START = dt.datetime(2026, 1, 5, 8, tzinfo=dt.timezone.utc)
CHANNEL_WORDS = "happy little green great fresh blue sunny white old big good quick".split()
CHANNEL_PLACES = "kitchen garden valley village island beach street room camp world lake forest".split()


# --- one channel ---------------------------------------------------------------
def make_channel(seed, c):
    r = random.Random(f"{seed}/channel/{c}")
    voices = speech.VOICES[:]
    random.Random(f"{seed}/voices").shuffle(voices)
    mine = [voices[(2 * c + k) % len(voices)] for k in (0, 1)]
    name = f"{CHANNEL_WORDS[(c * 5 + r.randrange(3)) % 12]} {CHANNEL_PLACES[(c * 7 + r.randrange(3)) % 12]} {c + 1}"
    return {"id": name.replace(" ", "-"), "name": name.title(), "style": draw.channel_style(r),
            "voices": [{"voice": f"en-us+{v}", "wpm": r.randint(145, 180), "pitch": r.randint(30, 70),
                        "pitch_range": r.randint(35, 70)} for v in mine],
            "fps": r.choice([24, 25]), "gop": r.choice([48, 60, 72, 96, 120]), "crf": r.choice([23, 26, 29]),
            "head_share": r.uniform(.1, .22), "snr": r.choice([None, 40, 30, 24]), "who": draw.person(r),
            "base_views_per_day": round(math.exp(r.uniform(3.5, 7)), 1), "every_days": r.uniform(1, 4)}


# --- the picture track -----------------------------------------------------------
def plan_scenes(r, ch, seconds, objects):
    fps, scenes, t, last = ch["fps"], [], 0.0, None
    exact = near = 0
    while t < seconds - 1e-6:
        shown = [k for k, s in enumerate(scenes) if s["kind"] == "object" and s["dup_of"] is None]
        x, dup = r.random(), None
        kind = "object"
        if (t == 0 and x < .5) or (t > 0 and last != "talking_head" and x < ch["head_share"]):
            kind = "talking_head"
        elif last != "slide" and x > .93:
            kind = "slide"
        elif len(shown) >= 3 and last == "object":
            far = shown[:-1]
            late = t > seconds * .55
            if r.random() < (.5 if late and not exact else .06):
                dup, exact = ("exact", r.choice(far)), exact + 1
            elif r.random() < (.5 if late and not near else .06):
                dup, near = ("near", r.choice(far)), near + 1
        d = {"object": r.uniform(4, 9), "talking_head": r.uniform(3, 7), "slide": r.uniform(2.5, 4.5)}[kind]
        if seconds - (t + d) < 2.5:
            d = seconds - t
        end = round((t + d) * fps) / fps
        s = {"start": t, "end": end, "kind": kind, "object": None, "distractors": [], "dup_of": None, "dup_kind": None}
        if dup:
            src = scenes[dup[1]]
            s.update(object=src["object"], dup_of=dup[1], dup_kind=dup[0])
        elif kind == "object":
            before = [q["object"] for q in scenes[-2:]]
            s["object"] = r.choice([o for o in objects if o not in before])
        scenes.append(s)
        t, last = end, kind
    return scenes


def motion(r, boxes, static):
    """Start and end crop windows (x, y, w, h in 0..1); what is named stays in them."""
    full = (0.0, 0.0, 1.0, 1.0)
    if static:
        return full, full

    def seen(w):
        for b, need in boxes:
            ix = max(0, min(b[2], w[0] + w[2]) - max(b[0], w[0])) * max(0, min(b[3], w[1] + w[3]) - max(b[1], w[1]))
            if ix < need * (b[2] - b[0]) * (b[3] - b[1]):
                return False
        return True
    for _ in range(60):
        wins = []
        for _ in (0, 1):
            z = 1 / r.uniform(1, 1.3)
            wins.append((r.uniform(0, 1 - z), r.uniform(0, 1 - z), z, z))
        if all(map(seen, wins)):
            return tuple(wins)
    return full, (.01, .01, .98, .98)


def make_stills(r, ch, scenes, objects, photos):
    """Fill in each scene's picture(s) and facts."""
    stills = []
    used = [s["object"] for s in scenes]
    for k, s in enumerate(scenes):
        if s["dup_of"] is not None:
            src, base = scenes[s["dup_of"]], stills[s["dup_of"]][0]
            s.update({f: src[f] for f in ("distractors", "background", "bbox", "distractor_boxes", "photo") if f in src})
            s["window"], s["how"] = src["window"], "same"
            if s["dup_kind"] == "near":
                s["how"] = r.choice(["brighter", "darker", "zoom", "noise", "caption", "contrast"])
                if s["how"] in ("brighter", "darker"):
                    base = ImageEnhance.Brightness(base).enhance(1.18 if s["how"] == "brighter" else .84)
                elif s["how"] == "contrast":
                    base = ImageEnhance.Contrast(base).enhance(1.2)
                elif s["how"] == "noise":
                    n = np.random.default_rng(r.randrange(1 << 30)).normal(0, 9, (draw.H, draw.W, 3))
                    base = Image.fromarray(np.clip(np.asarray(base) + n, 0, 255).astype(np.uint8), "RGB")
                elif s["how"] == "caption":
                    base = base.copy()
                    d = ImageDraw.Draw(base)
                    d.rectangle((0, draw.H - 64, draw.W, draw.H), fill=ch["style"]["accent"])
                    d.text((30, draw.H - 56), ch["name"], font=draw.font(36), fill=draw.WHITE)
                else:
                    boxes = [(s["bbox"], .85)]
                    s["window"] = motion(r, boxes, False)
            stills.append([base])
            continue
        if s["kind"] == "object":
            photo, others = None, ()
            if photos:
                photo = r.choice(photos[s["object"]])
                s["photo"] = os.path.basename(photo)
            elif r.random() < .3:
                near = set(used[max(0, k - 2):k + 3])
                free = [o for o in objects if o not in near and o not in ("river", "road")]
                others = r.sample(free, min(len(free), r.choice([1, 1, 2])))
            im, facts = draw.scene_still(s["object"], r, others, photo)
            s["background"], s["bbox"] = facts["background"], facts["bbox"]
            s["distractors"] = [d["object"] for d in facts["distractors"]]
            s["distractor_boxes"] = [d["bbox"] for d in facts["distractors"]]
            boxes = [(s["bbox"], .85)] + [(b, .8) for b in s["distractor_boxes"]]
            # a scene shown again must be still for its frames to be the same
            again = any(q["dup_of"] == k for q in scenes)
            s["window"] = motion(r, boxes, again or r.random() < .3)
            stills.append([im])
        elif s["kind"] == "talking_head":
            ims, facts = draw.talking_head(ch["who"], r)
            s["background"], s["window"] = facts["background"], ((0, 0, 1, 1), (.02, .02, .96, .96))
            stills.append(ims)
        else:
            lines = [r.choice(["welcome", "today", "what is this", "one more time", "thank you"])] + \
                [" ".join(r.sample(["first", "we", "take", "some", "time", "and", "then", "wait", "go", "home"], 4)) for _ in range(3)]
            s["background"], s["text"], s["window"] = "slide", lines, ((0, 0, 1, 1), (0, 0, 1, 1))
            stills.append([draw.slide(lines, r, ch["style"])])
    for s in scenes:
        s["static"] = s["window"][0] == s["window"][1] and s["kind"] != "talking_head"
    return stills


def plan_cuts(r, scenes):
    cuts = []
    for a, b in zip(scenes, scenes[1:]):
        soft = r.random() < .15
        d = round(r.uniform(.4, .8), 2) if soft else 0.0
        cuts.append({"t": b["start"], "kind": "dissolve" if soft else "cut", "duration": d})
    return cuts


# --- the sound track ---------------------------------------------------------------
def visible(scenes, a, b):
    out = set()
    for s in scenes:
        if s["start"] < b and s["end"] > a and s["object"]:
            out |= {s["object"], *s["distractors"]}
    return out


def narrate(r, ch, speaker, scenes, seconds, objects, lag, jitter, offtopic):
    """-> (samples, sentences).  A sentence about what is shown at t is said at t + lag + jitter."""
    audio = np.zeros(int((seconds + 1) * speaker.rate), np.float32)
    sentences, cursor, off = [], r.uniform(.1, .8), 0
    voice = dict(r.choice(ch["voices"]))

    def scene_at(t):
        return next((k for k, s in enumerate(scenes) if s["start"] <= t < s["end"]), None)

    while True:
        gap = r.uniform(2.2, 4.5) if r.random() < .08 else r.uniform(.2, .9)
        spoken = cursor + gap
        j = max(-1.0, min(1.0, r.gauss(0, jitter)))
        want = offtopic + .5 * (offtopic * len(sentences) - off)
        on = r.random() >= want
        got = kind = noun = None
        v = dict(voice, wpm=voice["wpm"] + r.randint(-8, 8), pitch=voice["pitch"] + r.randint(-4, 4))
        if on:
            k = scene_at(spoken + .8 - lag - j)
            for _ in range(4):
                if k is None or scenes[k]["kind"] != "object":
                    break
                names, at, fill = speech.sentence("on", scenes[k]["object"], r)
                said = speaker.say(names, **v)
                if said is None:
                    continue
                t = spoken + (said[1][at][1] + said[1][at][2]) / 2 - lag - j
                k2 = scene_at(t)
                if k2 == k and scenes[k]["start"] + .1 < t < scenes[k]["end"] - .1:
                    got, kind, noun, scene, shown = said, "on", scenes[k]["object"], k, t
                    break
                k = k2 if k2 is not None else k
        if got is None:
            if offtopic == 0:
                cursor = spoken + .5
                if cursor > seconds - 1:
                    break
                continue
            for _ in range(6):
                kind = "off" if r.random() < .6 else "none"
                if kind == "off":
                    taken = visible(scenes, spoken - .3, spoken + 4.5) | visible(scenes, spoken - lag - 1.5, spoken - lag + 5)
                    mine = [s["object"] for s in scenes if s["object"] and s["object"] not in taken]
                    rest = [o for o in objects if o not in taken]
                    noun = r.choice(mine if mine and r.random() < .5 else rest) if rest else None
                    if noun is None:
                        kind = "none"
                names, at, fill = speech.sentence(kind, noun, r)
                got = speaker.say(names, **v)
                if got:
                    break
        if not got:
            cursor = spoken
            continue
        wave_, words = got
        end = spoken + words[-1][2]
        if end > seconds - .15:
            break
        x = int(spoken * speaker.rate)
        audio[x:x + len(wave_)] += wave_[:len(audio) - x]
        off += kind != "on"
        s = {"start": spoken + words[0][1], "end": end, "kind": kind, "noun": noun if kind != "none" else None,
             "text": " ".join(names), "scene": scene if kind == "on" else None,
             "shift": lag + j if kind == "on" else None, "shown": shown if kind == "on" else None,
             "words": [(w, a + spoken, b + spoken) for w, a, b in words], "at": at, "fill": fill}
        sentences.append(s)
        cursor = end
    audio = audio[:int(seconds * speaker.rate)]
    peak = np.abs(audio).max() or 1
    audio *= r.uniform(.45, .8) / peak
    if ch["snr"]:
        n = np.random.default_rng(r.randrange(1 << 30)).standard_normal(len(audio))
        n = np.convolve(n, np.ones(6) / 6, "same")
        rms = np.sqrt((audio[audio != 0] ** 2).mean()) if audio.any() else .1
        audio = audio + n / n.std() * rms * 10 ** (-ch["snr"] / 20)
    return np.clip(audio, -1, 1).astype(np.float32), sentences


# --- putting them together -------------------------------------------------------------
def encode(path, r, ch, scenes, stills, cuts, audio, rate, seconds):
    fps, frames = ch["fps"], round(seconds * ch["fps"])
    env = np.abs(audio)
    step = rate // fps
    env = np.array([env[k * rate // fps:k * rate // fps + step].mean() if k * rate // fps < len(env) else 0 for k in range(frames)])
    level = np.percentile(env, 90) or 1
    grain = ch["style"]["grain"]
    g = np.random.default_rng(r.randrange(1 << 30))
    noise = [g.normal(0, grain, (OH, OW, 1)).astype(np.int16) for _ in range(6)] if grain else None
    shake, ph = ch["style"]["shake"], r.uniform(0, 6)
    fade = {k + 1: c["duration"] for k, c in enumerate(cuts) if c["duration"]}

    def frame(k, n):
        s = scenes[k]
        t = n / fps
        u = min(1.2, max(-.2, (t - s["start"]) / (s["end"] - s["start"])))
        w0, w1 = s["window"]
        x, y, w, h = (a + (b - a) * u for a, b in zip(w0, w1))
        if shake and not s["static"]:
            x += shake / OW * math.sin(t * 5.1 + ph)
            y += shake / OH * math.sin(t * 6.7 + ph * 2)
        x, y = min(max(0, x), 1 - min(w, 1)), min(max(0, y), 1 - min(h, 1))
        w, h = min(w, 1 - x), min(h, 1 - y)
        pic = stills[k][0]
        if len(stills[k]) == 3:
            pic = stills[k][min(2, int(2.2 * env[min(n, frames - 1)] / level))]
        return pic.resize((OW, OH), Image.BILINEAR, box=(x * draw.W, y * draw.H, (x + w) * draw.W, (y + h) * draw.H))

    with tempfile.TemporaryDirectory() as tmp:
        wav = os.path.join(tmp, "a.wav")
        with wave.open(wav, "wb") as f:
            f.setnchannels(1)
            f.setsampwidth(2)
            f.setframerate(rate)
            f.writeframes((audio * 32767).astype("<i2").tobytes())
        cmd = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{OW}x{OH}", "-r", str(fps),
               "-i", "-", "-i", wav, "-c:v", "libx264", "-preset", "veryfast", "-threads", "2", "-crf", str(ch["crf"]), "-g", str(ch["gop"]),
               "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", "-ar", "44100", "-ac", "2", "-movflags", "+faststart",
               "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", path]
        enc = subprocess.Popen(cmd, stdin=subprocess.PIPE)
        k, held = 0, {}
        for n in range(frames):
            while k + 1 < len(scenes) and n >= round(scenes[k + 1]["start"] * fps):
                k += 1
            near = [(q, d) for q, d in fade.items() if abs(n / fps - scenes[q]["start"]) < d / 2]
            if near:
                q, d = near[0]
                im = Image.blend(frame(q - 1, n), frame(q, n), (n / fps - scenes[q]["start"]) / d + .5)
            elif scenes[k]["static"]:
                if k not in held:
                    held = {k: frame(k, n)}
                im = held[k]
            else:
                im = frame(k, n)
            if noise is not None and not scenes[k]["static"]:
                data = np.clip(np.asarray(im).astype(np.int16) + noise[n % 6], 0, 255).astype(np.uint8).tobytes()
            else:
                data = im.tobytes()
            enc.stdin.write(data)
        enc.stdin.close()
        if enc.wait():
            raise RuntimeError("ffmpeg failed")


def make_video(job):
    a, c, i, objects, photos = job
    ch = make_channel(a.seed, c)
    number = i // a.channels
    vid = f"{ch['id']}-{number + 1:03d}"
    r = random.Random(f"{a.seed}/video/{c}/{number}")
    folder = os.path.join(a.out, ch["id"])
    os.makedirs(folder, exist_ok=True)
    seconds = round(a.seconds * ch["fps"]) / ch["fps"]
    lag = r.uniform(*a.lag)
    scenes = plan_scenes(r, ch, seconds, objects)
    stills = make_stills(r, ch, scenes, objects, photos)
    cuts = plan_cuts(r, scenes)
    speaker = speech.Speaker()
    audio, sentences = narrate(r, ch, speaker, scenes, seconds, objects, lag, a.jitter, a.offtopic)
    if not a.truth_only:
        encode(os.path.join(folder, vid + ".mp4"), random.Random(f"{a.seed}/encode/{vid}"), ch, scenes, stills, cuts, audio, speaker.rate, seconds)

    words, pairs, fillers = [], [], []
    for n, s in enumerate(sentences):
        for k, (w, b, e) in enumerate(s["words"]):
            d = {"word": w, "start": round(b, 3), "end": round(e, 3), "on_topic": s["kind"] == "on" and k == s["at"], "sentence": n}
            if k in s["fill"]:
                d["filler"] = True
                fillers.append([w, d["start"], d["end"]])
            if w in draw.OBJECTS:
                d["in_view"] = w in visible(scenes, (b + e) / 2, (b + e) / 2 + .001)
            words.append(d)
        if s["kind"] == "on":
            sc = scenes[s["scene"]]
            b, e = s["words"][s["at"]][1:]
            pairs.append({"word": s["noun"], "word_start": round(b, 3), "word_end": round(e, 3), "scene": s["scene"],
                          "start": sc["start"], "end": sc["end"], "shift": round(s["shift"], 3)})
    edges = [0.0] + [t for w in words for t in (w["start"], w["end"])] + [seconds]
    silences = [[round(x, 3), round(y, 3)] for x, y in zip(edges[::2], edges[1::2]) if y - x >= 1.0]

    # the thumbnail decides part of how often the video is watched
    f = {"object_size": r.random(), "saturation": r.random(), "brightness": r.random(), "face": int(r.random() < .4), "text": int(r.random() < .5)}
    seen = [s["object"] for s in scenes if s["object"]]
    star = max(dict.fromkeys(seen), key=seen.count) if seen else objects[0]
    draw.thumbnail(star, r, ch["style"], ch["who"], f, r.choice(["WOW", "LOOK", "NEW", "TODAY", "HOW"]),
                   r.choice(photos[star]) if photos else None).save(os.path.join(folder, vid + ".jpg"), quality=88)
    used = {"face": f["face"], "text": f["text"]} if photos else f
    weights = {"object_size": 1.2, "saturation": 1.0, "brightness": .4, "face": .8, "text": -.5}
    picture = sum(weights[k] * (v - .5) for k, v in used.items())
    luck = r.gauss(0, .45)
    per_day = ch["base_views_per_day"] * math.exp(picture + luck)
    day = START + dt.timedelta(days=number * ch["every_days"] + random.Random(f"{a.seed}/{vid}").uniform(0, .6))
    day = day.replace(microsecond=0)
    seen = list(dict.fromkeys(seen))
    title = f"{r.choice(['Look at', 'Today', 'My day with', 'How we see'])} the {seen[0]}" if seen else "Hello"
    if len(seen) > 2:
        title += f" and the {r.choice(seen[1:])}"
    title += f" part {number + 1}"
    for s in scenes:
        s["start"], s["end"] = round(s["start"], 4), round(s["end"], 4)
        s["window"] = [[round(v, 4) for v in w] for w in s["window"]]
    for s in sentences:
        del s["words"], s["at"], s["fill"]
        for k in ("start", "end", "shift", "shown"):
            s[k] = None if s[k] is None else round(s[k], 3)
    return {
        "video_id": vid, "channel": ch["id"], "channel_name": ch["name"], "title": title, "path": f"{ch['id']}/{vid}.mp4",
        "page": f"{ch['id']}/{vid}.html", "split": "test" if number % 5 == 4 else "train", "seed": a.seed, "duration": seconds,
        "fps": ch["fps"], "gop": ch["gop"], "crf": ch["crf"], "width": OW, "height": OH, "objects": objects,
        "lag": {"offset": round(lag, 3), "jitter_sd": a.jitter, "meaning": "said minus shown, seconds"},
        "offtopic_asked": a.offtopic, "offtopic_made": round(1 - len(pairs) / max(1, len(sentences)), 3),
        "scenes": [dict(i=k, **s) for k, s in enumerate(scenes)], "cuts": cuts,
        "duplicates": [{"kind": s["dup_kind"], "a": s["dup_of"], "b": k, "how": s["how"]} for k, s in enumerate(scenes) if s["dup_of"] is not None],
        "talking_heads": [[s["start"], s["end"]] for s in scenes if s["kind"] == "talking_head"],
        "slides": [[s["start"], s["end"]] for s in scenes if s["kind"] == "slide"],
        "sentences": sentences, "words": words, "pairs": pairs, "fillers": fillers, "silences": silences,
        "published": day.isoformat(), "voices": ch["voices"], "snr_db": ch["snr"],
        "thumbnail": {"path": f"{ch['id']}/{vid}.jpg", "object": star, "features": f, "weights": weights, "log_picture": round(picture, 3),
                      "log_noise": round(luck, 3), "channel_base": ch["base_views_per_day"], "views_per_day": round(per_day, 2)},
    }


# --- pages ----------------------------------------------------------------------------
def publish(a, truth):
    base = a.base.rstrip("/")
    now = max(dt.datetime.fromisoformat(t["published"]) for t in truth) + dt.timedelta(days=5)
    for t in truth:
        age = (now - dt.datetime.fromisoformat(t["published"])).total_seconds() / 86400
        t["views"], t["views_as_of"] = int(t["thumbnail"]["views_per_day"] * age), now.isoformat()
        ld = {"@context": "https://schema.org", "@type": "VideoObject", "name": t["title"],
              "description": f"{t['title']} from {t['channel_name']}", "identifier": t["video_id"],
              "thumbnailUrl": [f"{base}/{t['thumbnail']['path']}"], "uploadDate": t["published"],
              "duration": f"PT{int(t['duration'] // 60)}M{t['duration'] % 60:.2f}S", "contentUrl": f"{base}/{t['path']}",
              "encodingFormat": "video/mp4", "width": OW, "height": OH,
              "author": {"@type": "Person", "name": t["channel_name"], "url": f"{base}/{t['channel']}/index.html"},
              "publisher": {"@type": "Organization", "name": t["channel_name"]},
              "interactionStatistic": {"@type": "InteractionCounter", "interactionType": {"@type": "WatchAction"},
                                       "userInteractionCount": t["views"]}}
        with open(os.path.join(a.out, t["page"]), "w") as f:
            f.write(f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(t['title'])}</title>
<meta property="og:title" content="{html.escape(t['title'])}"><meta property="og:image" content="{base}/{t['thumbnail']['path']}">
<script type="application/ld+json">{json.dumps(ld)}</script></head>
<body><h1>{html.escape(t['title'])}</h1><p><a href="index.html">{html.escape(t['channel_name'])}</a> {t['published'][:10]} {t['views']} views</p>
<div id="player"><img width="640" src="{t['video_id']}.jpg" alt=""></div>
<script>document.getElementById("player").onclick = function () {{ var v = document.createElement("video");
v.controls = true; v.width = 640; v.src = {json.dumps(t['video_id'])} + "." + "mp4"; this.replaceChildren(v); v.play(); }};</script></body></html>
""")

    def rss(path, title, rows):
        items = "".join(f"""  <item><title>{html.escape(t['title'])}</title><link>{base}/{t['page']}</link>
    <guid isPermaLink="false">{t['video_id']}</guid><pubDate>{format_datetime(dt.datetime.fromisoformat(t['published']))}</pubDate>
    <author>{html.escape(t['channel_name'])}</author><media:thumbnail url="{base}/{t['thumbnail']['path']}"/>
    <media:community><media:statistics views="{t['views']}"/></media:community>
    <enclosure url="{base}/{t['path']}" type="video/mp4" length="{os.path.getsize(os.path.join(a.out, t['path']))}"/></item>
""" for t in sorted(rows, key=lambda t: t["published"], reverse=True))
        with open(os.path.join(a.out, path), "w") as f:
            f.write(f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>{html.escape(title)}</title><link>{base}/</link>
<description>{html.escape(title)}</description>
{items}</channel></rss>
""")

    def listing(path, title, rows, up):
        with open(os.path.join(a.out, path), "w") as f:
            f.write(f'<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
                    f'<link rel="alternate" type="application/rss+xml" href="feed.xml"></head><body><h1>{html.escape(title)}</h1><ul>\n'
                    + "".join(f'<li><a href="{(t["page"] if up else t["page"].split("/")[1])}">{html.escape(t["title"])}</a></li>\n' for t in rows)
                    + "</ul></body></html>\n")

    if not a.truth_only:
        rss("feed.xml", "All channels", truth)
    listing("index.html", "All channels", truth, True)
    for c in dict.fromkeys(t["channel"] for t in truth):
        rows = [t for t in truth if t["channel"] == c]
        if not a.truth_only:
            rss(f"{c}/feed.xml", rows[0]["channel_name"], rows)
        listing(f"{c}/index.html", rows[0]["channel_name"], rows, False)
    with open(os.path.join(a.out, "base.txt"), "w") as f:
        f.write(base + "\n")
    with open(os.path.join(a.out, "truth.jsonl"), "w") as f:
        for t in truth:
            f.write(json.dumps(t) + "\n")


def main():
    args = sys.argv[1:]
    for k in range(len(args) - 1):  # "--lag -6..6": argparse would take the value for an option
        if args[k] == "--lag":
            args[k:k + 2] = [f"--lag={args[k + 1]}", ""]
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", required=True)
    ap.add_argument("--videos", type=int, required=True, help="in all, dealt to the channels in turn")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--seconds", type=float, default=60)
    ap.add_argument("--objects", type=int, default=32, help=f"classes used, at most {len(draw.OBJECTS)}")
    ap.add_argument("--lag", default="-6..6", help="seconds the voice is behind the picture, one draw a video: LOW..HIGH")
    ap.add_argument("--jitter", type=float, default=.4, help="standard deviation of each sentence's own shift, cut at 1 s")
    ap.add_argument("--offtopic", type=float, default=.5, help="share of sentences that do not name what is shown")
    ap.add_argument("--channels", type=int, default=2)
    ap.add_argument("--base", default="http://127.0.0.1:8765", help="address written into pages and feeds; serve.py replaces it")
    ap.add_argument("--photos", help="a folder with a sub-folder of pictures per class; used in place of drawings")
    ap.add_argument("--jobs", type=int, default=1)
    ap.add_argument("--truth-only", action="store_true", help="write truth.jsonl and thumbnails only")
    a = ap.parse_args([x for x in args if x != ""])
    a.lag = tuple(float(x) for x in a.lag.split("..")) if ".." in a.lag else (float(a.lag),) * 2
    photos = None
    if a.photos:
        photos = {}
        for c in sorted(os.listdir(a.photos)):
            d = os.path.join(a.photos, c)
            files = [os.path.join(d, f) for f in sorted(os.listdir(d)) if f.lower().endswith((".jpg", ".jpeg", ".png", ".webp"))] \
                if os.path.isdir(d) else []
            if files and c in speech.VOCAB:
                photos[c] = files
            elif files:
                print(f"skipped {c}: not in the recogniser's vocabulary", file=sys.stderr)
        objects = list(photos)[:a.objects]
        draw.OBJECTS.update({c: (None, 0, 0, 0) for c in objects})
    else:
        objects = list(draw.OBJECTS)[:a.objects]
    if len(objects) < 6:
        ap.error("needs at least 6 classes")
    if not photos:
        speech.check_templates(draw.OBJECTS)
    os.makedirs(a.out, exist_ok=True)
    jobs = [(a, i % a.channels, i, objects, photos) for i in range(a.videos)]
    truth = []
    # espeak-ng keeps state from one utterance to the next: a process per video makes a seed mean the same files
    with multiprocessing.Pool(a.jobs, maxtasksperchild=1) as pool:
        for k, t in enumerate(pool.imap(make_video, jobs)):
            truth.append(t)
            print(f"{k + 1}/{a.videos} {t['video_id']} lag {t['lag']['offset']:+.2f} pairs {len(t['pairs'])} of {len(t['sentences'])} sentences", flush=True)
    truth.sort(key=lambda t: (t["channel"], t["video_id"]))
    publish(a, truth)


if __name__ == "__main__":
    main()
