"""A user's statement about themselves and their people, taken up by what it says: "Your sister's wedding is on Saturday! That is a day to look forward
to." Warm, and only now and then with a question back. Nothing is promised, nothing added. English and Chinese; pure."""
from __future__ import annotations

import re
from dataclasses import dataclass

from persona.chat import is_question
from persona.topics import topics, wish
from persona.words import parts, simplify

LONGEST = {"en": 15, "zh": 22}                           # words, characters of what is said back
_YOURS = (("I am", "you are"), ("I'm", "you're"), ("I was", "you were"), ("I've", "you've"), ("I'd", "you'd"), ("I'll", "you'll"), ("am I", "are you"), ("I", "you"), ("me", "you"), ("my", "your"), ("mine", "yours"), ("myself", "yourself"),
          ("we were", "you were"), ("we're", "you're"), ("we've", "you've"), ("we'll", "you'll"), ("we", "you"), ("us", "you"), ("our", "your"), ("ours", "yours"), ("ourselves", "yourselves"))
_TO = {first.lower(): second for first, second in _YOURS}
_SWAP = re.compile(r"\b(" + "|".join(re.escape(first) for first, _ in sorted(_YOURS, key=lambda pair: -len(pair[0]))) + r")\b(?!')", re.IGNORECASE)
_LEAD = re.compile(r"^(?:(?:so|well|oh|and|but|also|hey|hi|hello|by the way|btw|guess what|you know(?: what)?|actually|anyway|honestly|great news|good news|big news|news|fun fact|listen|look|yes|yeah|no|ok|okay|just so you know|did i mention)\b[\s,:!.-]*)+", re.IGNORECASE)
_LEAD_ZH = re.compile(r"^(?:对了|话说|其实|那个|你知道吗|告诉你|跟你说|说起来|顺便说一下|顺便|好消息|嗯+|哦+|哎|诶|嘿|你好|而且|另外|还有|是的|没错)[，,：:！! ]*")
_CLAUSE = re.compile(r",? (?:because|although|though|which|while|since|so that) |,? (?:and|but|so) (?=(?:i|we|he|she|they|it|my|our|the|that|now)\b)|[;:]|, (?=(?:i|we|he|she|they|it|but|so)\b)| [-–—] ", re.IGNORECASE)

# matter -> (mood, what is said to it), in the order in which they go before each other
_SAID: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("death", "concerned", ("I'm so sorry.", "I'm sorry for your loss."), ("节哀。", "听了心里很难过，节哀。")),
    ("hurt", "concerned", ("I hope it heals quickly.", "That sounds painful, take it slowly."), ("希望快点好起来。", "听着就疼，好好养着。")),
    ("loss", "concerned", ("What a nuisance, I'm sorry.", "I'm sorry, that is a rotten thing to happen."), ("真糟心，替你可惜。", "这也太气人了。")),
    ("health", "warm", ("I hope all goes well with it.", "I wish you all the best with that."), ("希望一切顺利。", "愿一切都好好的。")),
    ("wedding", "happy", ("That is a day to look forward to.", "How lovely, I hope it's a beautiful day."), ("真是喜事，祝那天顺顺利利。", "替你们高兴，一定很热闹。")),
    ("baby", "happy", ("What wonderful news.", "How lovely, I'm happy for you all."), ("真是天大的好消息。", "恭喜，替你们全家高兴。")),
    ("party", "happy", ("I hope it's a good one.", "That sounds like a reason to celebrate."), ("好好庆祝一下。", "祝过得开开心心。")),
    ("travel", "happy", ("Have a good journey.", "That sounds like something to look forward to."), ("一路平安。", "听着就让人期待。")),
    ("exam", "warm", ("I'll keep my fingers crossed.", "Good luck with it."), ("祝你发挥得好。", "预祝顺利。")),
    ("newjob", "happy", ("Congratulations, that's a real step.", "I wish you a good start there."), ("恭喜，新的开始。", "祝你在那边顺心。")),
    ("newhome", "happy", ("I hope it soon feels like home.", "A new place is always a small adventure."), ("愿新地方早点住出家的感觉。", "换个地方，也换份心情。")),
    ("pet", "happy", ("Animals make a house warmer.", "That must be good company."), ("有它们在，家里就热闹。", "真是好伙伴。")),
    ("child", "happy", ("They keep life lively, don't they.", "That's nice to hear."), ("有孩子的家里总是热闹。", "听着就可爱。")),
    ("music", "happy", ("Music does one good.", "That takes patience, and it's worth it."), ("有音乐的日子真好。", "这要下功夫，也值得。")),
    ("sport", "happy", ("That keeps you going.", "Your body will thank you for it."), ("动起来真好。", "坚持下去，身体会谢你。")),
    ("plant", "happy", ("Things that grow are good for the mind.", "I like the thought of that."), ("看着东西长起来最舒心。", "听着就有生气。")),
    ("food", "happy", ("That sounds good.", "One eats better when it's something one likes."), ("听着就香。", "吃得开心最要紧。")),
    ("book", "happy", ("A good book is good company.", "That sounds like time well spent."), ("有书读的日子不闷。", "读着喜欢就好。")),
    ("language", "happy", ("A new language opens a door.", "A little every day goes far."), ("多会一门话，多一扇门。", "每天一点点，就很多了。")),
    ("work", "warm", ("Thanks for telling me, now I can picture it better.", "That's good to know."), ("这下我更了解你了。", "原来如此，知道你在忙什么了。")),
    ("home", "warm", ("Now I can picture it better.", "That's good to know."), ("这下我能想象得更清楚了。", "原来如此。")),
    ("", "warm", ("That's good to know.", "Thanks for telling me.", "I like hearing that."), ("谢谢你告诉我。", "原来如此。", "听你说这些真好。")))
_SPECIAL = (("wedding", re.compile(r"\b(?:wedding|getting married|engaged|marry(?:ing)?)\b|婚礼|结婚|订婚|办酒")), ("baby", re.compile(r"\b(?:baby|pregnant|expecting|gave birth|was born)\b|怀孕|生了|宝宝|预产期")),
            ("exam", re.compile(r"\b(?:exam|test|interview|driving test|audition|presentation|viva)\b|考试|面试|答辩|路考|高考|中考")), ("newjob", re.compile(r"\b(?:new job|got the job|promot\w+|start(?:ing|ed)? (?:a job|work|at)|hired|joined)\b|新工作|入职|录用|升职|升了|提了|跳槽|换工作")),
            ("newhome", re.compile(r"\b(?:moved|moving|new (?:flat|house|place|home|apartment))\b|搬|新家|新房")))
_ASKS = {"en": ("How do you feel about it?", "How did that come about?", "What's the best part of it?", "What comes next?"), "zh": ("你自己怎么想？", "是怎么开始的？", "最高兴的是哪一点？", "接下来呢？")}


@dataclass(frozen=True)
class Heard:
    text: str
    mood: str


def taken_up(text: str, tongue: str, turn: int) -> Heard | None:
    """What is said to a statement that tells of the user or theirs; None where it does not. `turn`: how many there were; only every third asks back."""
    sentence = next((one for one in parts(text) if _tells(one, tongue)), "")
    if not sentence or is_question(sentence, tongue) or wish(sentence):
        return None
    matter = next((own for own, pattern in _SPECIAL if pattern.search(sentence.lower())), "")
    about = {matter, *topics(sentence)}
    _, mood, en, zh = next(row for row in _SAID if row[0] in about or not row[0])
    back, says = said_back(sentence, tongue), (zh if tongue == "zh" else en)
    if back and tongue == "en" and turn % 2 and mood != "concerned":
        back = f"So {back[:1].lower()}{back[1:]}" if back.startswith(("You", "Your", "It")) else back
    said = says[turn % len(says)]
    ask = _ASKS[tongue][turn // 3 % len(_ASKS[tongue])] if turn % 3 == 2 and mood != "concerned" else ""
    return Heard("".join(filter(None, (back, said, ask))) if tongue == "zh" else " ".join(filter(None, (back, said, ask))), mood)


def said_back(sentence: str, tongue: str) -> str:
    """The first clause of a sentence as the one it was said to says it; "" where it is too long to be said back."""
    if tongue == "zh":
        bare = simplify(sentence)
        while bare != (bare := _LEAD_ZH.sub("", bare)):
            pass
        clause = re.split(r"[，,。；;！!：:—]", bare)[0].strip()
        if len(clause) > LONGEST["zh"] or len(clause) < 4 or "我" not in clause and "咱" not in clause or "你" in clause:
            return ""
        clause = re.sub(r"咱(?:们|家)?|我们", "你们", clause).replace("我", "你")
        return clause + ("，" if clause.endswith(("了", "啦", "呢", "吧", "呀")) else "啊，")
    bare = _LEAD.sub("", sentence.replace("’", "'").strip())
    clause = _CLAUSE.split(bare)[0].strip(" ,.!…")
    if not 2 < len(clause.split()) <= LONGEST["en"] or re.search(r"\byou\b|\byour\b", clause, re.IGNORECASE) or not re.match(r"(?:i|i'm|i've|we|we're|we've|my|our|[A-Z]\w+)\b", clause, re.IGNORECASE):
        return ""
    turned = _SWAP.sub(lambda hit: _TO[hit[0].lower()], clause)
    return turned[:1].upper() + turned[1:] + "."


def _tells(sentence: str, tongue: str) -> bool:
    if re.search("你|您" if tongue == "zh" else r"\byou(?:r|rs)?\b", sentence, re.IGNORECASE):
        return False                                     # it is the twin's matter too
    return bool(re.search("我|咱", sentence) if tongue == "zh" else re.search(r"\b(?:i|i'm|i've|my|we|we're|we've|our)\b", sentence.replace("’", "'"), re.IGNORECASE))
