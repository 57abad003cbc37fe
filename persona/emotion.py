"""The one table of moods: what each does to face, voice and liveliness; what a user's words tell of their feeling; which mood answers it; and
the twin's own mood over a conversation. Words alone are looked at, never a face or a voice."""
from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from persona.feelings import FELT, Place, hits


@dataclass(frozen=True)
class Emotion:
    """One row. `face`: ARKit channel -> weight 0..1, held while it lasts; `rate`, `volume` factors; `pitch` semitones;
    `energy` 0 sleepy .. 1 lively; `pad`: pleasure, arousal, dominance in -1..1 (Mehrabian, 1996)."""
    face: dict[str, float]
    rate: float = 1.0
    pitch: float = 0.0
    volume: float = 1.0
    energy: float = 0.5
    pad: tuple[float, float, float] = (0.0, 0.0, 0.0)


def _both(**weights: float) -> dict[str, float]:
    """`mouthSmile=.4` -> mouthSmileLeft and mouthSmileRight, the right a little less: a face is never quite even."""
    single = {"browInnerUp", "jawOpen", "mouthPucker", "mouthFunnel", "mouthShrugUpper", "mouthShrugLower", "mouthRollLower", "cheekPuff"}
    face: dict[str, float] = {}
    for channel, weight in weights.items():
        if channel in single or channel.endswith(("Left", "Right")):
            face[channel] = weight
        else:
            face[channel + "Left"], face[channel + "Right"] = weight, round(weight * 0.92, 3)
    return face


EMOTIONS: dict[str, Emotion] = {
    "neutral": Emotion(_both(mouthSmile=0.06), energy=0.5),
    "happy": Emotion(_both(mouthSmile=0.45, cheekSquint=0.25, eyeSquint=0.12, browOuterUp=0.08, mouthDimple=0.10),
                     rate=1.04, pitch=0.8, volume=1.03, energy=0.7, pad=(0.8, 0.45, 0.35)),
    "warm": Emotion(_both(mouthSmile=0.28, cheekSquint=0.15, eyeSquint=0.08, browInnerUp=0.10),
                    rate=0.98, pitch=0.2, energy=0.5, pad=(0.6, 0.1, 0.2)),
    "amused": Emotion(_both(mouthSmileLeft=0.48, mouthSmileRight=0.34, cheekSquint=0.28, eyeSquint=0.18, browOuterUp=0.14, mouthDimple=0.14),
                      rate=1.03, pitch=0.6, energy=0.7, pad=(0.7, 0.4, 0.3)),
    "excited": Emotion(_both(mouthSmile=0.5, cheekSquint=0.2, eyeWide=0.22, browInnerUp=0.22, browOuterUp=0.28, jawOpen=0.04),
                       rate=1.1, pitch=1.6, volume=1.08, energy=0.95, pad=(0.75, 0.8, 0.4)),
    "proud": Emotion(_both(mouthSmile=0.3, mouthPress=0.08, cheekSquint=0.1, browOuterUp=0.12, mouthShrugLower=0.06),
                     rate=0.98, pitch=-0.2, volume=1.05, energy=0.6, pad=(0.65, 0.3, 0.65)),
    "curious": Emotion(_both(browInnerUp=0.16, browOuterUpLeft=0.34, browOuterUpRight=0.16, eyeWide=0.12, mouthSmile=0.14),
                       rate=1.01, pitch=0.6, energy=0.6, pad=(0.3, 0.4, 0.0)),
    "thoughtful": Emotion(_both(browDown=0.14, browInnerUp=0.12, eyeSquint=0.14, mouthPress=0.12, mouthPucker=0.05),
                          rate=0.93, pitch=-0.4, volume=0.97, energy=0.35, pad=(0.1, -0.1, 0.1)),
    "surprised": Emotion(_both(browInnerUp=0.45, browOuterUp=0.45, eyeWide=0.4, jawOpen=0.1),
                         rate=1.05, pitch=1.8, volume=1.04, energy=0.8, pad=(0.2, 0.75, -0.15)),
    "sad": Emotion(_both(browInnerUp=0.42, browDown=0.08, mouthFrown=0.3, eyeSquint=0.1, mouthShrugLower=0.12),
                   rate=0.88, pitch=-1.2, volume=0.9, energy=0.2, pad=(-0.6, -0.3, -0.35)),
    "concerned": Emotion(_both(browInnerUp=0.36, browDown=0.16, mouthFrown=0.1, mouthPress=0.1, eyeSquint=0.06),
                         rate=0.92, pitch=-0.5, volume=0.95, energy=0.35, pad=(-0.2, 0.1, -0.1)),
    "annoyed": Emotion(_both(browDown=0.3, eyeSquint=0.16, mouthPress=0.2, noseSneer=0.08, mouthFrown=0.06),
                       rate=0.99, pitch=-0.4, energy=0.45, pad=(-0.45, 0.35, 0.25)),
}

# What the user's words call for, first hit wins: (mood of the reply, English, Chinese). Infer from words only.
_CALLS: tuple[tuple[str, str, str], ...] = (
    ("concerned",
     r"\b(sad|lonely|depress\w*|cry(ing)?|cried|died|passed away|funeral|hurts?|miserable|heartbroken|broke up|dumped|divorc\w*|"
     r"scared|afraid|anxious|worried|stress\w*|exhausted|burnt? out|overwhelmed|sick|ill|hospital|pain|fired|lost my|failed|"
     r"bad day|rough day|awful|terrible day|homesick|nobody (likes|loves)|feel(ing)? (down|bad|low|empty))\b",
     r"死了(?!机)|难过|伤心|孤独|寂寞|抑郁|想哭|哭了|去世|走了以后|葬礼|分手|失恋|离婚|害怕|焦虑|担心|压力|累死|好累|太累|很累|"
     r"心累|崩溃|生病|住院|疼|失业|被裁|没考好|考砸|不及格|倒霉|糟糕|想家|没人喜欢|心情不好|不开心|不高兴|烦死|难受"),
    ("excited",
     r"\b(got the job|i won|we won|passed my|got engaged|getting married|i'?m pregnant|having a baby|promot(ed|ion)|can'?t wait|"
     r"so excited|amazing news|great news|guess what|graduat\w+|accepted)\b|!!+",
     r"升职|考上|录取|中奖|赢了|结婚了|怀孕|生了|好消息|太激动|等不及|毕业了|通过了"),
    ("amused",
     r"\b(ha(ha)+|lol|lmao|rofl|hehe|joke|funny|hilarious|make me laugh|knock knock|pun)\b|[😂🤣😆😹]",
     r"哈哈|嘻嘻|笑话|搞笑|好笑|逗我|段子|幽默|笑死|[😂🤣😆]"),
    ("happy",
     r"\b(thank(s| you)|you('re| are) (so |really |very )?(great|nice|kind|cool|sweet|funny|smart|beautiful|pretty|awesome|"
     r"amazing|lovely|cute|the best|wonderful|helpful)|i (really )?(like|love) (you|talking)|well done|good job|love your)\b|"
     r"[😊😀😃😄😍🥰❤]",
     r"谢谢|感谢|多谢|你(真|好|很|太|真是)+(好|棒|可爱|聪明|厉害|漂亮|美|帅|有趣|贴心|温柔|幽默|强|牛)|喜欢你|爱你|做得好|"
     r"干得好|[😊😀😃😄😍🥰❤]"),
    ("annoyed",
     r"\b(stupid|idiot|shut up|dumb|moron|useless|suck|loser|ugly|hate you|fuck \w+|screw you|piece of (shit|crap)|boring)\b",
     r"傻逼|傻瓜|笨蛋|白痴|闭嘴|废物|垃圾|滚|讨厌你|恨你|去死|丑|蠢|没用"),
    ("curious",
     r"\b(guess|did you know|secret|imagine|what if|have you heard)\b",
     r"猜猜|你知道吗|秘密|想象|如果|听说"),
    ("thoughtful",
     r"\b(why|meaning of|believe|opinion|think about|philosoph\w*|should i|advice|future|death|god|truth)\b",
     r"为什么|意义|相信|看法|觉得|怎么看|建议|该不该|应该|未来|死亡|人生|哲学"),
)
_COMPILED = tuple((mood, re.compile(en, re.IGNORECASE), re.compile(zh)) for mood, en, zh in _CALLS)


@dataclass(frozen=True)
class Appraisal:
    """What a text tells of feeling. `valence`, `arousal`, `dominance` in -1..1; `ekman`: joy, sadness, anger, fear, disgust, surprise or neutral;
    `intensity` 0..1; `about`: whose feeling it is, "self", "other" (a sister, a friend) or "" where nothing is felt."""
    valence: float = 0.0
    arousal: float = 0.0
    dominance: float = 0.0
    ekman: str = "neutral"
    intensity: float = 0.0
    about: str = ""

    @property
    def heavy(self) -> bool:
        """Whether somebody who listens would say a word to it before anything else."""
        return self.ekman in ("sadness", "fear", "anger", "disgust") and self.intensity >= 0.45


NOTHING = Appraisal()


def appraise(text: str, language: str = "") -> Appraisal:
    """The feeling in a text, English or Chinese (`language`; by its letters where left out). Offline; some 0.3 ms a sentence."""
    found = hits(text[:1000], language)
    if not found:
        return NOTHING
    left: dict[str, float] = {}                          # 1 - what is felt of each class: hits add up, and never beyond 1
    for hit in found:
        left[hit.of] = left.get(hit.of, 1.0) * (1.0 - min(0.95, hit.strong))
    felt = {of: 1.0 - rest for of, rest in left.items()}
    strong = sum(hit.strong for hit in found) or 1.0
    x, y, z = (sum(hit.place[axis] * hit.strong for hit in found) / strong for axis in range(3))
    if "surprise" in felt and len(felt) > 1:             # a surprise is coloured by what else is felt
        felt["surprise"] *= 0.8
    of = max(felt, key=lambda name: felt[name])
    if felt[of] < FELT:
        return NOTHING
    mine = sum(hit.strong for hit in found if hit.of == of and not hit.other)
    about = "self" if mine >= sum(hit.strong for hit in found if hit.of == of) / 2 else "other"
    size = felt[of]
    return Appraisal(round(x * size, 3), round(y * size, 3), round(z * size, 3), of, round(size, 3), about)


_ANSWERED = {"sadness": "concerned", "fear": "concerned", "anger": "concerned", "disgust": "concerned", "joy": "happy", "surprise": "surprised"}


def called_for(text: str, language: str = "") -> str:
    """The mood in which the twin answers this text; "neutral" when nothing in it calls for another. Both languages are looked at."""
    short = text[:1000]
    for mood, en, zh in _COMPILED:
        if en.search(short) or zh.search(short):
            return mood
    felt = appraise(short, language)
    if felt.intensity < 0.45:
        return "neutral"
    return "excited" if felt.ekman == "joy" and felt.intensity > 0.8 else _ANSWERED[felt.ekman]


HALF_LIFE = 120.0                                        # s after which half of a mood is gone
MOVES = 0.45                                             # how far the strongest feeling of a user moves a twin's mood towards its answer
EVEN: Place = (0.15, 0.05, 0.1)
_NATURES: tuple[tuple[str, Place], ...] = (              # what the card says of its nature -> where its mood rests
    (r"\b(cheerful|lively|bubbly|playful|enthusiastic|energetic|cheeky)\b|活泼|开朗|热情|俏皮|爽快", (0.25, 0.25, 0.1)),
    (r"\b(warm|kind|gentle|friendly|caring|motherly)\b|温柔|亲切|和蔼|温暖|善良", (0.2, 0.0, 0.0)),
    (r"\b(calm|quiet|patient|serene|thoughtful|wise)\b|平静|沉稳|安静|耐心|从容", (0.1, -0.2, 0.1)),
    (r"\b(shy|timid|nervous|modest)\b|害羞|腼腆|内向", (0.0, 0.05, -0.3)),
    (r"\b(stern|strict|proud|bold|commanding|gruff)\b|严厉|严肃|骄傲|威严", (-0.05, 0.05, 0.3)),
    (r"\b(melanchol\w+|sad|gloomy|wistful)\b|忧郁|忧伤|感伤", (-0.3, -0.15, -0.1)))


def nature(texts: Sequence[str]) -> Place:
    """Where the mood of a persona with these texts (style, description) rests."""
    said = " ".join(texts).lower()
    x, y, z = EVEN
    for pattern, (dx, dy, dz) in _NATURES:
        if re.search(pattern, said):
            x, y, z = x + dx, y + dy, z + dz
    return _within(x), _within(y), _within(z)


class Temper:
    """A twin's mood in one conversation: moved by what the user says, back to its own nature by halves. Times in s, on any steady clock."""

    def __init__(self, rest: Place = EVEN, half_life: float = HALF_LIFE):
        self.rest, self.half_life = rest, half_life
        self._off: Place = (0.0, 0.0, 0.0)               # how far from where it rests, at `_since`
        self._since = 0.0

    def at(self, now: float) -> Place:
        """Pleasure, arousal, dominance, each -1..1."""
        share = self._left(now)
        return tuple(_within(own + off * share) for own, off in zip(self.rest, self._off))  # type: ignore[return-value]

    def feels(self, felt: Appraisal, now: float) -> None:
        """A user said something: sorrow makes it concerned, not sorrowful; joy is shared; anger makes it heedful."""
        place = self.at(now)
        if felt.ekman == "neutral":
            return
        target = EMOTIONS[_ANSWERED[felt.ekman]].pad
        move = MOVES * felt.intensity * (1.0 if felt.about == "self" else 0.7)
        self._off = tuple(at + (goal - at) * move - own for at, goal, own in zip(place, target, self.rest))  # type: ignore[assignment]
        self._since = now

    def shown(self, name: str, now: float) -> tuple[str, float]:
        """(row of EMOTIONS, strength) of an answer in mood `name`: a neutral one takes on what is left of the mood; one that agrees with it is
        a little stronger, one against it a little weaker. Strength 0.3..1.2."""
        off = [(value - own) for value, own in zip(self.at(now), self.rest)]
        size = math.sqrt(sum(value * value for value in off))
        if size < 0.12:
            return name, 1.0
        if name in ("", "neutral"):
            pads = [(other, row.pad) for other, row in EMOTIONS.items() if other not in ("neutral", "annoyed", "sad")]
            place = self.at(now)
            nearest = min(pads, key=lambda row: math.dist(row[1], [2.2 * value for value in off] if size > 0.2 else place))[0]
            return nearest, min(0.7, 0.3 + size)
        own = EMOTIONS.get(name, EMOTIONS["neutral"]).pad
        agree = sum(a * b for a, b in zip(own, off)) / (size * math.hypot(*own) or 1.0)
        return name, round(1.0 + 0.2 * agree * min(1.0, size / 0.4), 3)

    def _left(self, now: float) -> float:
        return 0.5 ** (max(0.0, now - self._since) / self.half_life)


def _within(value: float) -> float:
    return max(-1.0, min(1.0, value))
