"""What words say about whose turn it is: whether they sound finished, only say that somebody listens, or ask the twin to stop.

English and Chinese by their closed classes of words; other languages by punctuation alone.
"""
from __future__ import annotations

import re

PAUSE, SOON, MAYBE, LATE = 0.6, 0.3, 0.45, 1.2           # s of silence that end a turn: usually, behind what is finished, or seems so, or isn't


def _set(rows: str) -> frozenset[str]:
    """Words and phrases, separated by commas or lines."""
    return frozenset(part.strip() for part in re.split(r"[,\n]", rows) if part.strip())


OPEN = _set("""a, an, the, and, or, but, because, so, if, when, while, although, though, since, unless, until, than, as, of, to, my, your, his, her, our, their
    its, these, some, any, every, no, very, really, quite, just, also, um, uh, er, hmm, erm, like, well, is, are, was, were, am, be, been, do, does, did, have
    has, had, will, would, can, could, should, may, might, must, i, we, he, she, they, who, whose, which, with, without, into, from, by, for, at, on, in
    about, between, under, over, i'm, you're, we're, they're, i'll, we'll, you'll, i've, i'd, that's, it's, there's, let's, don't, can't, not, more, most
    other, another, each, both, mister, mrs, doctor, then, maybe, actually, basically""")
HANGING = _set("""from, for, at, on, in, about, to, with, of, by, over, under, like, without, is, are, was, were, am, do, does, did, have, has, had, will, would
    can, could, should, be, been, not, more, most, other, another, any, some, who, which, into""")                  # may end a question: "how old is it"
ASKING = _set("what, who, whom, whose, which, when, where, why, how")
YESNO = _set("""is, are, was, were, am, do, does, did, have, has, had, will, would, can, could, should, may, might, shall, don't, doesn't, didn't, isn't
    aren't, can't, won't""")
BEGINNING = _set("and, so, but, well, okay")             # words before a question
ENOUGH = _set("""yes, no, yeah, yep, nope, sure, okay, ok, hello, hi, hey, thanks, thank you, goodbye, bye, stop, please, of course, not really, never mind
    good morning, good evening, good night, i don't know, i see, me too, go on, that's all, exactly, maybe, all right, alright, no thanks
    no thank you, yes please, really, help""")
OPEN_ZH = tuple(_set("""然后, 但是, 可是, 不过, 因为, 所以, 如果, 而且, 或者, 还有, 那个, 这个, 就是, 比如, 虽然, 要是, 以及, 关于, 的, 和
    跟, 与, 嗯, 呃, 把, 被, 在, 是, 对于, 我, 很, 想, 要, 会, 能, 给, 从, 到, 向, 比, 一个, 其实, 首先"""))
CLOSED_ZH = tuple(_set("是的, 好的, 对的, 真的, 我也是, 不是, 还是, 可以的, 没有的, 谁是, 不要, 不会, 不想, 不能, 怎么会"))      # though they end as those do
LAST_ZH = "吗呢吧啊呀啦嘛了么哦"
ENOUGH_ZH = _set("""是, 对, 好, 不, 行, 可以, 谢谢, 你好, 再见, 没有, 有, 知道, 不知道, 嗯嗯, 停, 是的, 好的, 不是, 没关系, 您好, 早上好
    晚上好""")
AGREEING = _set("""mm, mhm, mmhm, mm hm, mm hmm, mmhmm, hm, hmm, uh huh, uhhuh, huh, um, uh, ah, oh, aha, yeah, yep, yes, yup, right, okay, ok, sure, i see
    really, wow, good, great, nice, exactly, true, all right, alright, of course, got it, interesting, cool, oh i see, go on, that's right, ha, haha""")
AGREEING_ZH = _set("""嗯, 嗯嗯, 对, 对对, 对对对, 好, 好的, 好好, 是, 是的, 是啊, 哦, 噢, 喔, 啊, 哈, 哈哈, 行, 这样, 这样啊, 原来如此, 真的, 真的吗
    没错, 不错, 明白, 知道了, 我明白, 有意思, 哇, 唔, 呃, 可以, 然后呢, 当然""")
HALTING = _set("stop, wait, halt, quiet, enough, pause, hush, silence")
HALTS = _set("""hold on, hang on, shut up, be quiet, excuse me, one moment, one second, just a moment, just a second, let me, no no, hey, sorry, listen
    never mind""")                                       # not "no" alone: a recogniser hears it in any murmur
HALTS_ZH = tuple(_set("""停, 等等, 等一下, 等会, 别说, 不要说, 闭嘴, 安静, 够了, 打断, 稍等, 慢着, 住口, 不对, 不是, 不用, 算了, 可是, 但是, 喂"""))
MORE = ("…", "...", "-", "—", ",", "，", "、", ":", "：", ";", "；")


def _bare(text: str) -> str:
    """Lower case, without punctuation but the apostrophes within words."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'").replace("-", " ")))


def _chinese(text: str, language: str) -> bool:
    """By its last word, whatever the language of the conversation."""
    return bool(re.search(r"[\u4e00-\u9fff]\W*$", text)) or language.startswith("zh") and not re.search(r"[a-zA-Z]\W*$", text)


def finished(text: str, language: str, sure: bool) -> float:
    """s of silence that end a turn behind `text`, what a recogniser made of it so far: SOON where it sounds complete, LATE where more must follow.

    `sure`: the recogniser is; it knows the sentence, or is rarely wrong.
    """
    words, ending = _bare(text), text.rstrip()
    if not words:
        return PAUSE
    if ending.endswith(MORE):
        return LATE
    asked = ending.endswith(("?", "!", "？", "！"))
    if _chinese(text, language):
        return _finished_zh(words.replace(" ", ""), asked, sure)
    if not language.startswith(("en", "zh")):
        return SOON if asked else MAYBE if ending.endswith(".") and sure else PAUSE
    said = words.split()
    question = said[0] in ASKING or (said[0] in BEGINNING and len(said) > 1 and said[1] in ASKING)
    if asked or words in ENOUGH:
        return SOON
    if said[-1] in OPEN and not (question and len(said) > 2 and said[-1] in HANGING):
        return LATE
    if sure:
        return SOON
    return MAYBE if ending.endswith(".") or (question and len(said) >= 3) or (said[0] in YESNO and len(said) >= 4) else PAUSE


def _finished_zh(joined: str, asked: bool, sure: bool) -> float:
    if asked or joined in ENOUGH_ZH or joined[-1] in LAST_ZH:
        return SOON
    if joined.endswith(OPEN_ZH) and not joined.endswith(CLOSED_ZH):
        return LATE
    return SOON if sure else PAUSE


def backchannel(text: str, language: str) -> bool:
    """Whether it only says that somebody listens: "mm", "uh-huh", "right", 嗯, 对; nothing at all counts too."""
    words = _bare(text)
    if words and _chinese(text, language):
        return words.replace(" ", "") in AGREEING_ZH or all(one in AGREEING_ZH for one in words.split())
    return not words or words in AGREEING or (len(words.split()) <= 4 and all(one in AGREEING for one in words.split()))


def halts(text: str, language: str) -> bool:
    """Whether a short burst of speech asks the twin to stop: "stop", "wait a second", 等一下."""
    words = _bare(text)
    if _chinese(text, language):
        return words.replace(" ", "").startswith(HALTS_ZH)
    return bool(HALTING & set(words.split())) or any(words == some or words.startswith(some + " ") for some in HALTS)
