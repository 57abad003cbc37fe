"""How quickly a question finds its passage among 10,000, and whether it is the right one: English with an embedder, Chinese by words.

The passages are composed: places with their hours, founders, prices and rooms, no two alike, among sentences of drawn words. Vectors of the passages are drawn
(they cost time to make and none to search); the question's is the embedder's. `cpu` is the time of the processor, `wall` that of the clock.
"""
from __future__ import annotations

import random
import time
from typing import Any

import numpy as np

from persona.documents import Library

PARTS = (("Amber", "Birch", "Cedar", "Dover", "Elm", "Fern", "Glen", "Heron", "Iris", "Juniper", "Kelp", "Linden", "Maple", "North", "Olive", "Pine", "Quarry",
          "Rowan", "Sable"),
         ("Abbey", "Bakery", "Castle", "Dairy", "Foundry", "Gallery", "Harbour", "Infirmary", "Kiln", "Library", "Mill", "Nursery", "Observatory", "Priory",
          "Quay", "School", "Tannery", "Vineyard", "Workshop", "Zoo"))
PEOPLE = (("Ada", "Bram", "Clara", "Dirk", "Ellen", "Felix", "Greta", "Hugo", "Inga", "Jonas", "Karin", "Lars", "Mara", "Nils", "Olga", "Paul"),
          ("Abel", "Brandt", "Castell", "Dorn", "Ekman", "Falk", "Grimm", "Holm", "Ivers", "Jansen", "Keller", "Lund", "Moser", "Nolde", "Ott", "Prell"))
ZH = ("东南西北金银青白红蓝长大小高平安和乐清明", "山湖桥园林塔城镇村港",
      ("博物馆", "图书馆", "面包店", "茶馆", "学校", "书店", "花园", "剧院", "工坊", "市场"))


def options(parser: Any) -> None:
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=200)


def run(options: Any) -> dict[str, object]:
    draw, rng = random.Random(5), np.random.default_rng(5)
    syllables = ["".join(draw.choice("bdfgklmnprst") + draw.choice("aeiou") for _ in range(3)) for _ in range(4000)]
    share = 1 / np.arange(1, 4001)
    filler = rng.choice(syllables, (options.passages, 3, 16), p=share / share.sum())
    asked: dict[str, list[tuple[str, str]]] = {"en": [], "zh": []}
    english, chinese = [], []
    places = draw.sample([f"{a} {b} {n}" for a in PARTS[0] for b in PARTS[1] for n in range(1, 30)], options.passages * 9 // 10)
    for n, place in enumerate(places):
        who, year, price = f"{draw.choice(PEOPLE[0])} {draw.choice(PEOPLE[1])}", draw.randrange(1500, 2020), draw.randrange(2, 90)
        rest = " ".join(" ".join(row).capitalize() + "." for row in filler[n])
        english.append((f"The {place} was founded in {year} by {who}. A visit costs {price} euros. {rest}", n, ""))
        ways = ((f"Who founded the {place}?", who), (f"How much is a visit to the {place}?", f"{price} euros"), (f"When was the {place} founded?", str(year)))
        asked["en"].append(draw.choice(ways))
    names = draw.sample([f"{a}{b}{c}{d}" for a in ZH[0] for b in ZH[0] if a != b for c in ZH[1] for d in ZH[2]], options.passages - len(places))
    for n, place in enumerate(names):
        hour, price = draw.choice("六七八九十"), draw.randrange(10, 200)
        rest = "".join(chr(0x4e00 + int(c)) for c in rng.integers(0, 3000, 60))
        chinese.append((f"{place}每天上午{hour}点开放。{place}的门票是{price}元，老人免费。{rest}。", n, ""))
        asked["zh"].append(draw.choice(((f"{place}几点开门？", f"{hour}点"), (f"{place}门票多少钱？", f"{price}元"))))
    embed = _embed(rng)
    library = Library(embed=embed)
    began = time.perf_counter()
    for low in range(0, len(english), 2000):
        library.add(f"english {low}.txt", [(text, page, str(page)) for text, page, _ in english[low:low + 2000]])
    library.add("chinese.txt", [(text, page, str(page)) for text, page, _ in chinese])
    figures: dict[str, object] = {"passages": len(library), "learn_s": round(time.perf_counter() - began, 2), "embedder": int(embed is not None)}
    packed = library.packed()
    began = time.perf_counter()
    library = Library(data=packed, embed=embed)
    library.warm()
    figures |= {"file_mb": round(len(packed) / 2**20, 1), "load_s": round(time.perf_counter() - began, 2)}
    for language, questions in asked.items():
        wall, cpu, right = [], [], 0
        for question, answer in draw.sample(questions, min(options.questions, len(questions))):
            clock, processor = time.perf_counter(), time.process_time()
            found = library.find(question, language)
            wall.append(1000 * (time.perf_counter() - clock))
            cpu.append(1000 * (time.process_time() - processor))
            right += bool(found) and answer in found[0].best
        figures |= {f"{language}_wall_p50_ms": round(float(np.median(wall)), 2), f"{language}_wall_p95_ms": round(float(np.percentile(wall, 95)), 2),
                    f"{language}_cpu_p50_ms": round(float(np.median(cpu)), 2), f"{language}_cpu_p95_ms": round(float(np.percentile(cpu, 95)), 2),
                    f"{language}_right": round(right / len(wall), 3)}
    return figures


def _embed(rng: np.random.Generator) -> Any:
    """Drawn vectors for many sentences, the embedder's for one; None where it is not there."""
    from twin.think import embed
    if not embed.ready():
        return None
    real = embed.Embedder().embed

    def made(texts: list[str]) -> np.ndarray:
        if len(texts) == 1:
            return real(texts)
        rows = rng.standard_normal((len(texts), embed.HIDDEN)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made
