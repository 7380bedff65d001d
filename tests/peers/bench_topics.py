"""Topics beside the usual recipe (jieba, TF-IDF, LDA at scikit-learn's defaults): CPU time and coherence.

Run: python tests/peers/bench_topics.py [--comments 60000] [--reviews FILE]

Comments are those of the simulated company, in Chinese; `--reviews` reads one text a line instead. Ours
does all that the page does (words mined, number of topics chosen against shuffled words, LDA beside it).
Coherence is NPMI of ten words a topic over the comments themselves, counted as strings, so that neither
side's way of cutting words has an advantage.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import TfidfVectorizer

from crm_helpers.analysis.needs.coherence import npmi
from crm_helpers.analysis.needs.normalise import normalised
from crm_helpers.analysis.needs.topics import find_topics
from crm_helpers.analysis.needs.words import find_words
from crm_helpers.demo.comments import KINDS, TOPICS, read_phrases

FASTER = 5
TOP = 10


def main() -> int:
    """Print one JSON line a side and one for both; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--comments", type=int, default=60_000)
    parser.add_argument("--reviews", type=Path)
    arguments = parser.parse_args()
    texts = _reviews(arguments.reviews) if arguments.reviews else _comments(arguments.comments)
    ours = _ours(texts)
    theirs = _recipe(texts, topics=ours["topics"])
    faster = theirs["cpu_seconds"] / ours["cpu_seconds"]
    better = ours["npmi"] - theirs["npmi"]
    print(
        json.dumps(
            {
                "measure": "ours beside the recipe",
                "times_faster": round(faster, 1),
                "npmi_gain": round(better, 3),
            }
        )
    )
    return 0 if faster >= FASTER and better >= 0 else 1


def _comments(count: int) -> pd.Series:
    random = np.random.default_rng(1)
    topic, kind = random.integers(0, len(TOPICS), count), random.integers(0, len(KINDS), count)
    said = read_phrases().comment(topic, kind, language=np.zeros(count, dtype=int), random=random)
    return pd.Series(said.to_pylist(), dtype="str")


def _reviews(path: Path) -> pd.Series:
    lines = path.read_text(encoding="utf-8").splitlines()
    return pd.Series([line.strip() for line in lines if line.strip()], dtype="str")


def _ours(texts: pd.Series) -> dict[str, float]:
    start = time.process_time()
    plain = normalised(texts)
    found = find_topics(find_words(plain))
    seconds = time.process_time() - start
    return _said("ours", plain, found.top, seconds)


def _recipe(texts: pd.Series, *, topics: int) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # escapes in jieba's source
        import jieba
    start = time.process_time()
    tokens = [" ".join(jieba.lcut(text)) for text in texts]
    vectors = TfidfVectorizer()
    weights = vectors.fit_transform(tokens)
    model = LatentDirichletAllocation(topics, random_state=0).fit(weights)
    seconds = time.process_time() - start
    names = vectors.get_feature_names_out()
    top = [tuple(names[np.argsort(-row)[:TOP]]) for row in model.components_]
    return _said("jieba, TF-IDF, LDA", normalised(texts), top, seconds)


def _said(side: str, texts: pd.Series, top: list[tuple[str, ...]], seconds: float) -> dict[str, float]:
    words = sorted({word for line in top for word in line})
    held = sparse.csr_array(
        np.stack([texts.str.contains(word, regex=False).to_numpy(dtype=float) for word in words], axis=1)
    )
    place = {word: column for column, word in enumerate(words)}
    coherence = float(npmi(held, [np.array([place[word] for word in line]) for line in top]).mean())
    measured = {"cpu_seconds": round(seconds, 2), "npmi": round(coherence, 4), "topics": len(top)}
    print(
        json.dumps(
            {"side": side, "comments": len(texts), **measured, "words": [" ".join(line) for line in top]},
            ensure_ascii=False,
        )
    )
    return measured


if __name__ == "__main__":
    sys.exit(main())
