"""Mandarin as it is said: numbers, dates, times, money, measures and formulas in characters. Pure; aloud.py calls it with markup gone.

And `respelled`: what the Mandarin of espeak-ng would spell out in English instead of reading.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from . import english

STOP, COMMA, ITEM, AT, SLASH, GAP = "。", "，", "，", "艾特", "斜杠", ""
MARKS = {".": "点", "-": "杠", "_": "下划线", "+": "加"}
DIGITS = "零一二三四五六七八九"
_N = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?"
_FIRST = r"(?<![\d.,])"                                  # a number is tried from its first digit only

MONEY = {"HK$": "港元", "US$": "美元", "A$": "澳元", "C$": "加元", "$": "美元", "€": "欧元", "£": "英镑", "¥": "元", "₹": "卢比", "₩": "韩元", "₽": "卢布",
         "USD": "美元", "EUR": "欧元", "GBP": "英镑", "CNY": "元", "RMB": "元人民币", "JPY": "日元", "HKD": "港元", "CHF": "瑞士法郎", "KRW": "韩元",
         "AUD": "澳元", "CAD": "加元", "TWD": "新台币", "SGD": "新加坡元"}
_CURRENCY = "|".join(re.escape(c) for c in sorted(MONEY, key=len, reverse=True))
SCALES = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9, "tn": 10**12}
UNITS = {"km/h": "公里每小时", "m/s": "米每秒", "km²": "平方公里", "㎡": "平方米", "m²": "平方米", "cm²": "平方厘米", "m³": "立方米", "cm³": "立方厘米",
         "km": "公里", "㎞": "公里", "kg": "公斤", "㎏": "公斤", "cm": "厘米", "㎝": "厘米", "mm": "毫米", "㎜": "毫米", "µm": "微米", "μm": "微米",
         "nm": "纳米", "mg": "毫克", "ml": "毫升", "mL": "毫升", "m": "米", "g": "克", "t": "吨", "L": "升", "l": "升", "s": "秒", "ms": "毫秒",
         "min": "分钟", "h": "小时", "W": "瓦", "kW": "千瓦", "kWh": "千瓦时", "mAh": "毫安时", "V": "伏", "Hz": "赫兹", "kHz": "千赫", "MHz": "兆赫",
         "dB": "分贝", "kcal": "千卡", "mph": "英里每小时", "lb": "磅", "lbs": "磅", "ft": "英尺", "°C": "摄氏度", "℃": "摄氏度", "°F": "华氏度",
         "℉": "华氏度", "°": "度", "‰": "‰"}
_UNIT = "|".join(re.escape(u) for u in sorted(UNITS, key=len, reverse=True))
SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
FRACTIONS = {"½": "二分之一", "⅓": "三分之一", "⅔": "三分之二", "¼": "四分之一", "¾": "四分之三", "⅕": "五分之一", "⅛": "八分之一", "⅜": "八分之三"}
ROMAN = {"I": 1, "V": 5, "X": 10}
# A lone 2 before one of these is 两; before a name's number (楼, 号, 月, 日, 班, 路 ...) it stays 二.
_PAIR = re.compile(r"\s?(?:个|只|条|张|本|位|件|次|杯|瓶|台|辆|部|家|座|棵|朵|块|片|双|对|套|间|份|名|句|篇|首|支|枝|把|碗|盘|颗|粒|滴|群|种|项|步|场|遍|回|"
                   r"趟|天|年(?!级)|周|小时|分|秒|点|岁|米|公里|公斤|斤|千克|吨|升|元|毛|角|人|倍|层|箱|盒|袋|包|根|头|匹|幅|架|艘|封|段|页|国|者|口|英里|"
                   r"英尺|英镑|厘米|毫米|毫升|克|摄氏度|度|美元|欧元|日元|港元|万|亿|千|百|成|星期|礼拜|顿|局|轮|道|扇|则|声|笔|批|圈|晚|夜|磅|平方|立方|瓦|"
                   r"伏)")
_NUMBERED = "第初周"                                      # behind these, and behind 星期 and 礼拜, a 2 names a place in a row


def written(text: str) -> str:
    """Text without markup -> the same with every number in characters."""
    text = english.titles(text)
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text


def spelled(digits: str) -> str:
    """"2026" -> "二零二六"."""
    return "".join(DIGITS[int(d)] for d in digits if d.isdecimal())


def number(digits: str) -> str:
    """"1,205.3" -> "一千两百零五点三"; from 10^12 on, or with a leading zero, digit by digit."""
    whole, _, rest = digits.replace(",", "").partition(".")
    tail = "点" + spelled(rest) if rest else ""
    if len(whole) > 12 or (len(whole) > 1 and whole[0] == "0"):
        return spelled(whole) + tail
    if not whole or int(whole) == 0:
        return "零" + tail
    out = ""
    groups: list[str] = []
    while whole:
        groups.insert(0, whole[-4:])
        whole = whole[:-4]
    for index, group in enumerate(groups):
        large = ["", "万", "亿"][len(groups) - 1 - index]
        words = "两" if large and group == "2" else _below_10000(group, first=not out)
        if words.strip("零"):
            out += words + large
        elif out and not out.endswith("零") and any(int(g) for g in groups[index + 1:]):
            out += "零"
    return out + tail


def roman(letters: str) -> int:
    """The value of a Roman numeral of I, V and X; 0 when it is none ("IIII", "VX", "IVI")."""
    values = [ROMAN.get(letter, 0) for letter in letters]
    total = sum(-v if v < (values[i + 1] if i + 1 < len(values) else 0) else v for i, v in enumerate(values))
    tens, ones = divmod(total, 10)
    right = "X" * tens + ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"][ones]
    return total if right == letters else 0


def _below_10000(group: str, first: bool) -> str:
    out = ""
    for place, digit in zip(range(len(group) - 1, -1, -1), group, strict=True):
        if digit != "0":
            two = digit == "2" and place >= 2
            out += ("两" if two else DIGITS[int(digit)]) + ["", "十", "百", "千"][place]
        elif out and not out.endswith("零") or not out and not first:
            out += "零"
    out = out.rstrip("零") if out.strip("零") else ""
    return out[1:] if first and out.startswith("一十") else out


def _counted(match: re.Match[str]) -> str:
    """A number in its place: 2 is 两 before a measure."""
    digits, before, behind = match[0], match.string[max(0, match.start() - 2):match.start()], match.string[match.end():match.end() + 5]
    if digits == "2" and (found := _PAIR.match(behind)):
        minutes = found[0].strip() == "分" and before.rstrip().endswith("点") and not behind.strip().startswith("分钟")
        below = found[0].strip() in ("摄氏度", "度") and before.rstrip()[-1:] in ("下", "负")
        if not (minutes or below or before.rstrip()[-1:] in (*_NUMBERED,) or before in ("礼拜", "农历")):
            return "两"
    return number(digits)


def _date(year: str, month: str, day: str) -> str | None:
    if 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
        return f"{spelled(year)}年{number(str(int(month)))}月{number(str(int(day)))}日"
    return None


def _date_last(match: re.Match[str]) -> str:
    """Day and month before the year: the American order unless the first is no month."""
    one, two, year = match[1], match[3], match[4]
    if match[2] == "." or int(one) > 12:
        one, two = two, one
    return _date(year, one, two) or match[0]


def _time(match: re.Match[str]) -> str:
    hour, minute, second = int(match[1]), int(match[2]), match[3]
    if hour > 24 or minute > 59:
        return match[0]
    said = ("两" if hour == 2 else number(str(hour))) + "点"
    if minute or second:
        said += ("零" + DIGITS[minute] if 0 < minute < 10 else number(str(minute))) + "分"
    return said + (number(str(int(second))) + "秒" if second else "")


def _plain(value: Decimal) -> str:
    """A sum with its 万 or 亿 apart: "50亿"."""
    for size, name in ((10**8, "亿"), (10**4, "万")):
        if value >= size:
            return f"{(value / size).normalize():f}{name}"
    return f"{value.normalize():f}"


def _money(match: re.Match[str]) -> str:
    group = match.groupdict()
    digits, scale, name = group["sum"].replace(",", ""), group["scale"], MONEY[group["code"]]
    minus = "负" if group.get("minus") else ""
    if scale:
        return f"{minus}{_plain(Decimal(digits) * SCALES[scale.lower()])}{name}"
    if name == "元" and (coins := _coins(digits)):
        return minus + coins
    return f"{minus}{digits.rstrip('0').rstrip('.') if '.' in digits else digits}{group['han'] or ''}{name}"


def _coins(digits: str) -> str:
    """"3.50" -> "三元五角", "3.05" -> "三元零五分"; "" where there are not two decimals."""
    whole, _, rest = digits.replace(",", "").partition(".")
    if len(rest) != 2:
        return ""
    tenth, cent = rest[0], rest[1]
    said = ("两" if whole == "2" else number(whole)) + "元" if int(whole) else ""
    said += ("两" if tenth == "2" else DIGITS[int(tenth)]) + "角" if tenth != "0" else "零" if cent != "0" and said else ""
    return (said + (DIGITS[int(cent)] + "分" if cent != "0" else "")) or "零元"


def _groups(match: re.Match[str]) -> str:
    """A telephone number: digit by digit, a breath between its groups."""
    return ("加" if match[0].startswith("+") else "") + "，".join(spelled(part) for part in re.findall(r"\d+", match[0]))


def _emergency(match: re.Match[str]) -> str:
    """A number that calls help or a service, where calling is spoken of."""
    return spelled(match[0]) if re.search("打|拨|急救|报警|求助|热线|电话|火警|救护|客服", match.string) else match[0]


def _percent(match: re.Match[str]) -> str:
    parts = "到".join(number(part) for part in match[2].split("到"))
    return f"{'负' if match[1] else ''}{'百' if match[3] == '%' else '千'}分之{parts}"


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match[1]), int(match[2])
    if (above, below) == (24, 7):
        return "二十四七"
    if above < below:
        return f"{number(match[2])}分之{number(match[1])}"
    divided = match.string[match.end():match.end() + 3].lstrip()[:1] == "=" or " / " in match[0]
    return f"{match[1]}除以{match[2]}" if divided else f"{match[1]}，{match[2]}"


def _power(exponent: str) -> str:
    exponent = exponent.translate(SUPERSCRIPT)
    return f"{'负' if exponent.startswith('-') else ''}{number(exponent.lstrip('+-'))}次方"


def _raised(match: re.Match[str]) -> str:
    base, exponent = match[1], match[2].translate(SUPERSCRIPT)
    if not base.isdecimal() and exponent in ("2", "3"):
        return base + ("的平方" if exponent == "2" else "的立方")
    return (number(base) if base.isdecimal() else base) + "的" + _power(exponent)


def _roman(match: re.Match[str]) -> str:
    """亨利VIII is 亨利八世; from ten on, as in 路易十四, 世 is not said."""
    king = re.search("(?:亨利|查理|路易|威廉|乔治|爱德华|腓特烈|菲利普|伊丽莎白|保罗|本笃|詹姆斯|凯瑟琳|亚历山大|尼古拉|拿破仑)$", match.string[max(0,
        match.start() - 5):match.start()])
    value = roman(match[1])
    if not value or not king and (match[1] in ("X", "XX", "XXX", "V") or match.string[match.end():match.end() + 1] not in tuple("级期型章部卷代类度")):
        return match[0]                                  # X光, XX大学
    return number(str(value)) + ("世" if king and value < 10 else "")


def _year(match: re.Match[str]) -> str:
    return spelled(match[1]) if 1000 <= int(match[1]) <= 2999 or match[1].startswith("0") else match[1]


_Said = str | Callable[[re.Match[str]], str]


def _rule(pattern: str, said: _Said, flags: int = 0) -> tuple[re.Pattern[str], _Said]:
    return re.compile(pattern, flags), said


_YEAR_ON = r"(?!\s?(?:的?历史|以?前(?!后)|以?来|之久|寿命|间))"
_RULES = (
    _rule(r"\.{3,}|…+|。{2,}", "……"),
    _rule(r"[—–]{2,}|—", "——"), _rule("–", "-"),
    _rule(r"([½⅓⅔¼¾⅕⅛⅜])", lambda m: ("又" if m.string[m.start() - 1:m.start()].isdecimal() else "") + FRACTIONS[m[1]]),
    _rule(r"[Ⅰ-Ⅻ]", lambda m: number(str(ord(m[0]) - 0x215F))),
    # dates
    _rule(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d.]\d|\d)(?:T(?=\d))?", lambda m: _date(m[1], m[3], m[4]) or m[0]),
    _rule(r"(?<![\d.])(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?!\d)", _date_last),
    _rule(rf"(?<!\d)(\d{{4}})\s?[-~]\s?(?=\d{{4}}\s?年{_YEAR_ON})", lambda m: _year(m) + "到"),
    _rule(rf"(?<!\d)(\d{{4}}|0\d)\s?(?=年{_YEAR_ON})", _year),
    # addresses of machines, versions
    _rule(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.]\d|\d)", lambda m: "点".join(spelled(p) for p in m[1].split("."))),
    _rule(r"(?<![A-Za-z\d])[vV]\.?(\d{1,4}(?:\.\d{1,4}){1,3})(?![\d.]\d|\d)", lambda m: "版本" + "点".join(number(p) for p in m[1].split("."))),
    _rule(r"(?<![\d.])(\d{1,4}(?:\.\d{1,4}){2,3})(?![\d.]\d|\d)", lambda m: "点".join(number(p) for p in m[1].split("."))),
    # telephone numbers, and other numbers that are names
    _rule(r"\+\d{1,3}(?:[ -]?\(?\d{1,5}\)?){2,7}(?!\d)", _groups),
    _rule(r"(?<![\d-])1[3-9]\d(?:[ -]?\d{4}){2}(?![\d-])|(?<![\d-])0\d{2,3}[ -]\d{7,8}(?!\d)|(?<![\d-])\d{3}-\d{3,4}-\d{4}(?![\d-])", _groups),
    _rule(r"(?<![\d.,¥$-])(?:110|112|114|119|120|122|911|988|999|116 123|12\d{3}|10086|10010|10000)(?![\d%:/°]|[.,]\d|"
          r"\s?[个只条元块分次年月日小人万千百张公斤岁米克天页名位倍名])", _emergency),
    _rule(r"((?:拨打|拨|致电|电话|热线|号码|手机|房间|验证码|密码|邮编|QQ|账号|学号|编号|房号|代码|航班|尾号)[是为号：: ]{0,3})(\d{3,18})(?![\d.:年月元个])",
          lambda m: m[1] + spelled(m[2])),
    _rule(r"(?<!\d)(\d{3,4})(?=号?房|室|次列车|航班)|(?<=[A-Za-z])(\d{3,12})(?![\d.])", lambda m: spelled(m[0])),
    _rule(r"(?<=\d米)(\d\d)(?!\d|\.\d)", lambda m: spelled(m[1])),
    # scores, ranges, clock times
    _rule(r"((?:比分|以|比分是|比分为)\s?)(\d{1,3})\s?[-:：]\s?(\d{1,3})(?![\d:：])", lambda m: f"{m[1]}{number(m[2])}比{number(m[3])}"),
    _rule(r"(?<=\d)-(?=\d{1,9}(?:\.\d{1,9})?\s?=)", "减"), _rule(r"(?<=\d)\s?~\s?(?=\d)|(?<=[\d%元℃])-(?=\d)", "到"),
    _rule(r"(?<![\d:：])(\d{1,2})[:：](\d{2})(?:[:：](\d{2}))?(?![\d:：])", _time),
    _rule(r"(?<=\d)(?:[:：]| : )(?=\d)", "比"),
    # money
    _rule(rf"(?P<minus>(?<![A-Za-z\d])-)?(?:(?<![A-Z])(?P<code>{_CURRENCY})\s?)(?P<sum>{_N})\s?(?:(?P<scale>bn|mn|tn|[kKmMbB])(?![A-Za-z]))?(?P<han>[万亿]?)",
          _money),
    _rule(rf"{_FIRST}(?P<sum>{_N})\s?(?:(?P<scale>bn|mn|tn|[kKmMbB])\s?)?(?P<han>[万亿]?)\s?(?P<code>{_CURRENCY})(?![A-Za-z\d])", _money),
    _rule(rf"{_FIRST}(\d+\.\d\d)\s?元", lambda m: _coins(m[1])),
    # shares, measures
    _rule(rf"((?<![A-Za-z\d])-)?{_FIRST}((?:{_N})(?:到(?:{_N}))?)\s?([%‰])", _percent), _rule("%", "百分号"),
    _rule(rf"(?<=\d)\s?({_UNIT})(?![A-Za-z\d²³])", lambda m: UNITS[m[1]]),
    # formulas
    _rule(rf"{_FIRST}(\d{{1,9}}(?:\.\d{{1,9}})?)[eE]([+-]?\d{{1,3}})(?![A-Za-z\d.])", lambda m: f"{number(m[1])}乘以十的{_power(m[2])}"),
    _rule(r"(?<![A-Za-z\d.])(\d{1,9}|[A-Za-z]{1,3})\^?([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,4})", _raised),
    _rule(r"(?<![A-Za-z\d.])(\d{1,9}|[A-Za-z]{1,3})\^([+-]?\d{1,4})(?!\d)", _raised),
    _rule(r"(?<=次方)\s?(m/s|km/h|kg|km|m|g|W|Hz)(?![A-Za-z])", lambda m: UNITS[m[1]]),
    _rule(r"(?<![\d/])(\d{1,4})\s?/\s?(\d{1,4})(?![\d/])", _fraction),
    _rule(r"(?<=\d)[xX](?![A-Za-z\d\s])", "倍"), _rule(r"(?<=[元块毛钱])/(?=[\u3400-\u9fff])", "每"), _rule(r"(?<=[\u3400-\u9fff])/(?=[\u3400-\u9fff])", "或"),
    _rule(r"(?<=\d)\s*[×*xX]\s*(?=\d)|×", "乘以"), _rule(r"\s?÷\s?", "除以"), _rule(r"(?<=\d)\s+-\s+(?=\d)", "减"),
    _rule(r"(?<=[A-Za-z])\+\+", "加加"), _rule(r"(?<![A-Za-z])([CF])#(?![A-Za-z])", r"\1 sharp"),
    _rule(r"(?<=\d)\s*\+\s*(?=\d)|(?<=[\d万亿千百])\+|\s?\+\s?(?=[A-Za-z\d])", "加"),
    _rule(r"\s?(?:>=|≥)\s?", "大于等于"), _rule(r"\s?(?:<=|≤)\s?", "小于等于"), _rule(r"\s?[-=]>\s?|\s?→\s?", "到"), _rule(r"\s?(?:!=|≠)\s?", "不等于"),
    _rule(r"\s?≈\s?", "约等于"), _rule(r"±\s?", "正负"), _rule(r"√\s?", "根号"), _rule(r"\s?={1,3}\s?", "等于"),
    _rule(r"(?<=[\dA-Za-z])\s?>\s?(?=[\dA-Za-z])", "大于"), _rule(r"(?<=[\dA-Za-z])\s?<\s?(?=[\dA-Za-z])", "小于"),
    _rule(r"(?<![A-Za-z\d)）])-\s?(?=\d)", "负"), _rule(r"(?<![\w])~\s?(?=\d)|(?<=[\u3400-\u9fff])~(?=\d)", "大约"),
    _rule(r"(?<=[\dA-Za-z])(?<=\w)-(?=\d)", ""),
    # numbers that name
    _rule(r"(?<![A-Za-z])[Nn][Oo]\.\s?(\d{1,6})", lambda m: "第" + number(m[1])), _rule(r"[#№]\s?(\d{1,9})", lambda m: number(m[1]) + "号"),
    _rule(r"(?<!\d)(\d{1,6})(?:st|nd|rd|th)(?![A-Za-z])", lambda m: "第" + number(m[1])),
    _rule(r"(?<=第)([IVX]{1,6})(?![A-Za-z])", lambda m: number(str(roman(m[1]))) if roman(m[1]) else m[0]),
    _rule(r"(?<![A-Za-z\d])([IVX]{1,6})(?![A-Za-z\d世])",
          _roman),
    _rule(r"&", "和"), _rule(r"@", "艾特"), _rule(r"~", "，"), _rule(r"[#^|<>§/]", " "), _rule(r"°", "度"),
    _rule(rf"{_FIRST}(?:{_N})", _counted), _rule(r"\d+", lambda m: number(m[0])),
)
# Final -r: espeak's Mandarin dictionary holds some of these words with pinyin that it cannot read, and spells them; the bare word is as
# good Mandarin. Some syllables are missing from its table: they are given as phonemes, in double brackets.
_RESPELLED = (
    (re.compile(r"(?<=[这那哪])儿"), "里"), (re.compile(r"(?<=[今明昨后])儿"), "天"),
    (re.compile(r"(?<=[\u4e00-\u9fff])(?<![女婴幼孤少胎托健娇宠弃男患育产生侄妻血运])儿(?![子女童孙媳科歌])"), ""),
    (re.compile(r"[兄胸凶匈汹]"), "[[S;jong55]]"), (re.compile(r"[熊雄]"), "[[S;jong35]]"),
    (re.compile(r"[穷琼]"), "[[tS;hjong35]]"), (re.compile(r"[窘炯迥]"), "[[tS;jong214]]"),
)


def respelled(text: str) -> str:
    """A run of Mandarin as espeak-ng can read all of it; phonemes come in [[double brackets]]."""
    for pattern, said in _RESPELLED:
        text = pattern.sub(said, text)
    return text
