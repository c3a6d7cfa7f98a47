# ruff: noqa
# mypy: ignore-errors
"""Score predicted (frame, word) pairs, words tables and nets against truth.jsonl.

    python score.py --truth DIR/truth.jsonl --baseline 5
    python score.py --truth DIR/truth.jsonl --pairs FOLDER [--words FOLDER] [--frames FOLDER]
    python score.py --truth DIR/truth.jsonl --net-labels FOLDER --net-ranking FOLDER

FOLDER may be a Parquet file, a folder of them (searched recursively) or a
.jsonl file.  Column names are options; a dot reaches into a struct.  --help
lists them, README.md says what each number means.  Prints one JSON object.
"""
import argparse
import ast
import json
import os
import re
import sys
from collections import defaultdict

import numpy as np

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


# --- truth -------------------------------------------------------------------------
class Truth:
    def __init__(self, path, tol, split=None, classes=None):
        self.all = [json.loads(x) for x in open(path) if x.strip()]
        self.keys = {}
        for t in self.all:
            stem = t["video_id"]
            for k in (stem, t["path"], t["page"], t["title"], os.path.basename(t["path"]), os.path.basename(t["page"])):
                if self.keys.setdefault(norm(k), stem) != stem:
                    self.keys[norm(k)] = None  # says nothing: two videos have it
        self.videos = {t["video_id"]: t for t in self.all if split in (None, t["split"])}
        self.classes = set(classes or (o for t in self.all for o in t["objects"]))
        self.tol, self.unknown = tol, set()
        self.root = {}
        for t in self.all:
            for s in t["scenes"]:
                k = s["i"] if s["dup_of"] is None else self.root[t["video_id"], s["dup_of"]]
                self.root[t["video_id"], s["i"]] = k

    def find(self, name):
        """video_id of whatever the product calls the video, or None."""
        n = norm(str(name))
        for k in (n, norm(os.path.basename(str(name).split("?")[0].rstrip("/"))), norm(os.path.splitext(os.path.basename(str(name)))[0])):
            if self.keys.get(k):
                return self.keys[k]
        hits = {v for k, v in self.keys.items() if v == k and re.search(rf"(?<![a-z0-9]){re.escape(k)}(?![a-z0-9])", n)}
        if len(hits) == 1:
            return hits.pop()
        self.unknown.add(str(name))
        return None

    def scenes_at(self, vid, t):
        """Scenes on screen at t; two of them within --tol of a cut or inside a dissolve."""
        v = self.videos[vid]
        soft = {c["t"]: c["duration"] / 2 for c in v["cuts"]}
        return [s for s in v["scenes"] if s["start"] - max(self.tol, soft.get(s["start"], 0)) <= t < s["end"] + max(self.tol, soft.get(s["end"], 0))]

    def visible(self, vid, t):
        out = set()
        for s in self.scenes_at(vid, t):
            if s["object"]:
                out |= {s["object"], *s["distractors"]}
        return out

    def scene(self, vid, t):
        v = self.videos[vid]["scenes"]
        return next((s for s in v if s["start"] <= t < s["end"]), v[-1] if t >= v[-1]["start"] else None)


def norm(s):
    return re.sub(r"\s+", " ", s.strip().lower())


# --- reading -------------------------------------------------------------------------
def rows(path):
    if path.endswith(".jsonl"):
        return [json.loads(x) for x in open(path) if x.strip()]
    import pyarrow.parquet as pq
    files = [path] if os.path.isfile(path) else sorted(os.path.join(d, f) for d, _, fs in os.walk(path) for f in fs if f.endswith(".parquet"))
    if not files:
        sys.exit(f"no .parquet in {path}")
    return [r for f in files for r in pq.ParquetFile(f).read().to_pylist()]


def get(row, col):
    for part in col.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


def seconds(x, unit):
    if hasattr(x, "total_seconds"):
        return x.total_seconds()
    return float(x) * UNITS[unit]


def labels_of(row, a):
    """-> [(word, weight)], heaviest first.  A list, a list of structs or of pairs, a dict, or JSON text."""
    got = get(row, a.labels_col)
    if isinstance(got, str):
        try:
            got = json.loads(got)
        except ValueError:
            try:
                got = ast.literal_eval(got)
            except (ValueError, SyntaxError):
                got = [w for w in re.split(r"[,\s]+", got) if w]
    if got is None:
        return []
    if not isinstance(got, (list, tuple, dict)):
        got = [got]
    out = []
    weights = get(row, a.weights_col) if a.weights_col else None
    if isinstance(got, dict):
        out = list(got.items())
    else:
        for k, x in enumerate(got):
            if isinstance(x, dict):
                out.append((x.get(a.label_field), x.get(a.weight_field, 1.0)))
            elif isinstance(x, (list, tuple)):
                out.append((x[0], x[1]))
            else:
                w = weights[k] if isinstance(weights, (list, tuple)) else weights
                out.append((x, 1.0 if w is None else w))
    out = [(str(w).lower(), float(1.0 if v is None else v)) for w, v in out if w is not None]
    return sorted(out, key=lambda p: -p[1])


def frames_of(a, T, path):
    """-> {(video_id, t): [(label, weight)]}; rows of one frame are joined (one label a row is read too)."""
    out, dropped = defaultdict(dict), 0
    for r in rows(path):
        vid, t = T.find(get(r, a.video_col)), get(r, a.time_col)
        if vid is None or t is None:
            dropped += 1
            continue
        if vid not in T.videos:
            continue
        cell = out[vid, round(seconds(t, a.time_unit), 4)]
        for w, v in labels_of(r, a):
            cell[w] = max(v, cell.get(w, v))
    return {k: sorted(v.items(), key=lambda p: -p[1]) for k, v in out.items()}, dropped


# --- numbers -------------------------------------------------------------------------
def ratio(a, b):
    return round(a / b, 4) if b else None


def score_pairs(T, frames, a):
    keep = (lambda w: True) if a.nouns == "all" else (lambda w: w in T.classes)
    n = true = 0
    wn = wt = 0.0
    first = first_n = unlabelled = on_filler = filler_frames = 0
    hit, heavy = defaultdict(set), defaultdict(set)
    per = defaultdict(lambda: [0, 0])
    curve = []
    for (vid, t), labs in frames.items():
        labs = [(w, v) for w, v in labs if keep(w) and v >= a.min_weight][:a.top]
        see = T.visible(vid, t)
        filler = not see
        filler_frames += filler
        if not labs:
            unlabelled += 1
            continue
        on_filler += filler
        first_n += 1
        first += labs[0][0] in see
        for s in T.scenes_at(vid, t):
            k = vid, T.root[vid, s["i"]]
            hit[k] |= {w for w, _ in labs}
            heavy[k].add(labs[0][0])
        for w, v in labs:
            ok = w in see
            n, true, wn, wt = n + 1, true + ok, wn + v, wt + v * ok
            per[w][0] += ok
            per[w][1] += 1
            curve.append((v, ok))
    # a scene shown again counts with the one it repeats: a good product keeps one frame of the two
    spoken = {(vid, T.root[vid, p["scene"]], p["word"]) for vid, v in T.videos.items() for p in v["pairs"]}
    shown = {(vid, T.root[vid, s["i"]], s["object"]) for vid, v in T.videos.items() for s in v["scenes"] if s["object"]}
    got = sum(w in hit[vid, k] for vid, k, w in spoken)
    out = {"frames": len(frames), "frames_without_labels": unlabelled, "labels": n, "labels_per_labelled_frame": ratio(n, first_n),
           "pair_precision": ratio(true, n), "pair_precision_weighted": ratio(wt, wn), "precision_at_1": ratio(first, first_n),
           "recall_spoken_and_visible": ratio(got, len(spoken)),
           "recall_spoken_and_visible_at_1": ratio(sum(w in heavy[vid, k] for vid, k, w in spoken), len(spoken)),
           "recall_all_shown": ratio(sum(w in hit[vid, k] for vid, k, w in shown), len(shown)),
           "scenes_spoken_and_visible": len(spoken), "scenes_shown": len(shown),
           "filler_frames": filler_frames, "filler_frames_labelled": on_filler}
    p, r = out["pair_precision"], out["recall_spoken_and_visible"]
    out["f1"] = round(2 * p * r / (p + r), 4) if p and r else 0.0
    if len({v for v, _ in curve}) > 1:
        curve.sort(key=lambda x: -x[0])
        c = np.cumsum([ok for _, ok in curve])
        out["precision_of_heaviest_share"] = {f"{q:.0%}": round(float(c[max(0, int(len(c) * q) - 1)] / max(1, int(len(c) * q))), 4) for q in (.1, .25, .5, 1)}
    worst = sorted((round(x / y, 2), w, y) for w, (x, y) in per.items() if w in T.classes)
    out["worst_words"] = [f"{w} {q} of {y}" for q, w, y in worst[:5]]
    return out


def score_frames(T, keys):
    """Frames kept per distinct picture; a duplicate counts as the scene it repeats."""
    kept = defaultdict(int)
    for vid, t in keys:
        s = T.scene(vid, t)
        if s:
            kept[vid, T.root[vid, s["i"]]] += 1
    out = {}
    for name, kinds in (("object", {"object"}), ("all", {"object", "talking_head", "slide"})):
        want = {(vid, T.root[vid, s["i"]]) for vid, v in T.videos.items() for s in v["scenes"] if s["kind"] in kinds}
        n = [kept.get(k, 0) for k in want]
        out[name] = {"distinct_scenes": len(want), "frames_kept": sum(n), "frames_per_distinct_scene": ratio(sum(n), len(want)),
                     "missed_scenes": n.count(0), "scenes_with_one_frame": n.count(1), "frames_beyond_first": sum(x - 1 for x in n if x > 1)}
    again = [(vid, s) for vid, v in T.videos.items() for s in v["scenes"] if s["dup_of"] is not None]
    for kind in ("exact", "near"):
        d = [(vid, s) for vid, s in again if s["dup_kind"] == kind]
        out[f"{kind}_duplicates"] = {"planted": len(d), "kept_again": sum(any(x == vid and s["start"] <= t < s["end"] for x, t in keys) for vid, s in d)}
    return out


def align(ref, hyp):
    n, m = len(ref), len(hyp)
    cost = np.zeros((n + 1, m + 1), np.int32)
    cost[:, 0], cost[0, :] = np.arange(n + 1), np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            cost[i, j] = min(cost[i - 1, j - 1] + (ref[i - 1] != hyp[j - 1]), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    i, j, pairs = n, m, []
    while i and j:
        same = ref[i - 1] == hyp[j - 1]
        if cost[i, j] == cost[i - 1, j - 1] + (not same):
            if same:
                pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return int(cost[n, m]), pairs


def score_words(T, a):
    hyp, dropped = defaultdict(list), 0
    for r in rows(a.words):
        vid, w, t = T.find(get(r, a.words_video_col)), get(r, a.word_col), get(r, a.start_col)
        if vid is None or not w or t is None:
            dropped += 1
        elif vid in T.videos:
            e = get(r, a.end_col)
            hyp[vid].append((seconds(t, a.words_time_unit), str(w).lower().strip(".,!?"), None if e is None else seconds(e, a.words_time_unit)))
    out, starts, ends, said, heard, nouns = {"rows_dropped": dropped}, [], [], 0, 0, [0, 0]
    for name, drop in (("wer", False), ("wer_without_um_uh", True)):
        errors = total = 0
        for vid, v in T.videos.items():
            ref = [w for w in v["words"] if not (drop and w["word"] in ("um", "uh"))]
            h = sorted(hyp[vid])
            e, pairs = align([w["word"] for w in ref], [w for _, w, _ in h])
            errors, total = errors + e, total + len(ref)
            if drop:
                good = {i for i, _ in pairs}
                nouns[0] += sum(k in good for k, w in enumerate(ref) if w["word"] in T.classes)
                nouns[1] += sum(w["word"] in T.classes for w in ref)
                for i, j in pairs:
                    starts.append(h[j][0] - ref[i]["start"])
                    if h[j][2] is not None:
                        ends.append(h[j][2] - ref[i]["end"])
        out[name] = ratio(errors, total)
        out["words"] = total
    out["object_words_heard"] = ratio(*nouns)
    for name, x in (("start_error_ms", starts), ("end_error_ms", ends)):
        if x:
            x = 1000 * np.asarray(x)
            out[name] = {"median": round(float(np.median(np.abs(x)))), "p90": round(float(np.percentile(np.abs(x), 90))), "bias": round(float(np.median(x)))}
    return out


def score_labels(T, a):
    """A net's ranked labels per frame.  Frames that show no object are left out."""
    frames, dropped = frames_of(a, T, a.net_labels)
    n = h1 = h5 = 0
    p5 = 0.0
    rr = []
    for (vid, t), labs in frames.items():
        see = T.visible(vid, t)
        if not see or not labs:
            continue
        names = [w for w, _ in labs]
        n, h1, h5 = n + 1, h1 + (names[0] in see), h5 + bool(see & set(names[:5]))
        p5 += len(see & set(names[:5])) / 5
        rr.append(next((1 / (k + 1) for k, w in enumerate(names) if w in see), 0))
    return {"frames": n, "rows_dropped": dropped, "precision_at_1": ratio(h1, n), "hit_at_5": ratio(h5, n), "precision_at_5": ratio(p5, n),
            "mean_reciprocal_rank": round(float(np.mean(rr)), 4) if rr else None}


def score_ranking(T, a):
    """A net's ranked frames per word.  R@K: the word has a frame that shows it among the first K."""
    got = defaultdict(list)
    for k, r in enumerate(rows(a.net_ranking)):
        word = str(get(r, a.query_col)).lower()
        many = get(r, a.ranked_col) if a.ranked_col else None
        for q, x in enumerate(many if many is not None else [r]):
            vid = T.find(get(x, a.video_col))
            if vid in T.videos:
                rank = get(x, a.rank_col)
                got[word].append(((rank if rank is not None else q) if many is None else q, k, vid, seconds(get(x, a.time_col), a.time_unit)))
    shown = {o for v in T.videos.values() for s in v["scenes"] if s["object"] for o in (s["object"], *s["distractors"])}
    words = sorted(shown & (set(got) if a.given_words else T.classes))
    r1 = r10 = 0
    p10 = 0.0
    for w in words:
        ok = [w in T.visible(v, t) for _, _, v, t in sorted(got.get(w, []))[:10]]
        r1, r10, p10 = r1 + any(ok[:1]), r10 + any(ok), p10 + sum(ok) / 10
    n = len(words)
    return {"words": n, "R@1": ratio(r1, n), "R@10": ratio(r10, n), "precision_at_10": ratio(p10, n)}


def baseline(T, a):
    """No recogniser, no thought: each frame gets all nouns said within the window."""
    out = {}
    for vid, v in T.videos.items():
        for k in range(int(v["duration"] / a.every)):
            t = (k + .5) * a.every
            said = defaultdict(float)
            for w in v["words"]:
                m = (w["start"] + w["end"]) / 2 - (v["lag"]["offset"] if a.known_lag else 0)
                if abs(m - t) <= a.baseline and w["word"] in a.said:
                    said[w["word"]] = max(said[w["word"]], 1 - abs(m - t) / (a.baseline + 1e-6))
            out[vid, t] = sorted(said.items(), key=lambda p: -p[1])
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--truth", required=True)
    ap.add_argument("--split", choices=["train", "test"], help="only videos of this split")
    ap.add_argument("--tol", type=float, default=.1, help="seconds a frame may be over a cut and still count for both scenes")
    g = ap.add_argument_group("what to score")
    g.add_argument("--pairs", help="predicted frames with their labels")
    g.add_argument("--frames", help="frames kept, if not those of --pairs")
    g.add_argument("--words", help="words heard, with their times")
    g.add_argument("--net-labels", help="ranked labels per frame")
    g.add_argument("--net-ranking", help="ranked frames per word")
    g.add_argument("--baseline", type=float, metavar="SECONDS", help="score the fixed-window labelling of the truth's own words")
    g.add_argument("--known-lag", action="store_true", help="baseline: each video's own offset is taken off first")
    g.add_argument("--every", type=float, default=1.0, help="baseline: seconds between frames")
    g.add_argument("--nouns", choices=["objects", "all"], default="all", help="objects: labels that are no class of the bed are left out")
    g.add_argument("--top", type=int, help="only the heaviest N labels of a frame")
    g.add_argument("--min-weight", type=float, default=float("-inf"))
    c = ap.add_argument_group("columns")
    c.add_argument("--video-col", default="video_id")
    c.add_argument("--time-col", default="timestamp")
    c.add_argument("--time-unit", choices=UNITS, default="s")
    c.add_argument("--labels-col", default="labels")
    c.add_argument("--weights-col", help="a list beside the labels, or one number a row")
    c.add_argument("--label-field", default="label", help="when labels are structs")
    c.add_argument("--weight-field", default="weight")
    c.add_argument("--words-video-col", default="video_id")
    c.add_argument("--word-col", default="word")
    c.add_argument("--start-col", default="start")
    c.add_argument("--end-col", default="end")
    c.add_argument("--words-time-unit", choices=UNITS, default="s")
    c.add_argument("--query-col", default="word")
    c.add_argument("--rank-col", default="rank")
    c.add_argument("--ranked-col", help="a list of frame structs per word, instead of one row per rank")
    c.add_argument("--given-words", action="store_true", help="rank only the words given, not every class shown")
    a = ap.parse_args()
    T = Truth(a.truth, a.tol, a.split)
    out = {"videos": len(T.videos)}
    if a.baseline is not None:
        if a.nouns == "all":
            from tests.bed import speech
            a.said = speech.NOUNS | T.classes
        else:
            a.said = T.classes
        frames = baseline(T, a)
        out["baseline"] = score_pairs(T, frames, a)
    if a.pairs:
        frames, dropped = frames_of(a, T, a.pairs)
        out["pairs"] = dict(score_pairs(T, frames, a), rows_dropped=dropped)
        if not a.frames:
            out["dedup"] = score_frames(T, frames)
    if a.frames:
        frames, dropped = frames_of(a, T, a.frames)
        out["dedup"] = dict(score_frames(T, frames), rows_dropped=dropped)
    if a.words:
        out["words"] = score_words(T, a)
    if a.net_labels:
        out["net_labels"] = score_labels(T, a)
    if a.net_ranking:
        out["net_ranking"] = score_ranking(T, a)
    if T.unknown:
        out["names_not_found"] = sorted(T.unknown)[:10]
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
