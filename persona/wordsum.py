"""Sums told as a little story, and sums that go on from the last result: rewritten as plain expressions for persona.sums."""
from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from persona import sums
from persona.words import simplify

_N = r"(\d+(?:\.\d+)?)"
_STORIES_EN = (
    (rf"{_N} out of {_N}.*\b(?:percent|percentage|per cent|%)", r"\1 / \2 * 100"),
    (rf"(?:percent|percentage|per cent|%).*?\b{_N} (?:out )?of {_N}", r"\1 / \2 * 100"),
    (rf"(?:percent|percentage|per cent|%) of {_N} is {_N}", r"\2 / \1 * 100"),
    (rf"{_N} (?:%|percent|per cent)(?: tip| discount| tax)? (?:on|of|for|from) {_N}(?! \w+ (?:each|per))", r"\1 / 100 * \2"),
    (rf"\b(?:split|share|divide|shared?|distribute) {_N}(?: \w+){{0,3}}? (?:between|among|amongst|by|into|with|for) {_N}", r"\1 / \2"),
    (rf"\b{_N}(?: \w+){{0,3}}? (?:split|shared?|divided) (?:between|among|amongst|by|into|with) {_N}", r"\1 / \2"),
    (rf"\b(?:have|had|got|with) {_N}\b.*?\b(?:spend|spent|eat|ate|gives?|gave|lose|lost|use|used|take|took|pay|paid|sell|sold) (?:away "
     rf")?{_N}\b"
     r".*\b(?:left|remain\w*|change|have now|still have)", r"\1 - \2"),
    (rf"\b(?:have|had|got|with) {_N}\b.*?\b(?:get|got|buy|bought|find|found|receive|add|earn)(?:s|ed)? (?:another )?{_N}\b.*\bhow "
     rf"(?:many|much)", r"\1 + \2"),
    (rf"\b{_N} (?!%|percent|per cent|plus|minus|times)(?:\w+ ){{1,5}}?(?:for |at |cost(?:s|ing)? |pays? |paying |gives? |is |are |of |"
     rf"gets? )?{_N}"
     r"(?: \w+)?(?: each| apiece| per \w+| a (?:head|person|piece|ticket|day|week|hour|month|kilo|night))\b", r"\1 * \2"),
    (rf"\b{_N}(?: \w+)? (?:each|apiece|per \w+|a (?:head|person|piece|ticket|day|week|hour|kilo|night))\b.*?\b(?:for|times|and|if|buy|"
     rf"with|by) (?:\w+ ){{0,3}}?{_N}\b",
     r"\1 * \2"),
)
_STORIES_ZH = (
    (rf"{_N}(?:分|题|个|道)?(?:是|占|在){_N}(?:分|题|个|道)?(?:的|里|里面|中)?(?:是|占)?(?:百分之)(?:几|多少)", r"\1/\2*100"),
    (rf"{_N}(?:里|中|分里|题里|道题)(?:对|做对|有|答对|考)?(?:了)?{_N}.*百分之(?:几|多少)", r"\2/\1*100"),
    (rf"(?:每|一)(?:人|个人|个|张|斤|天|本|次|份|位|件|瓶|小时|杯|碗|盒|公斤|只|条){_N}(?:块|元|角|分|欧元|美元|个|钱)*.*?{_N}(?:个|张|"
     rf"斤|天|本|次|份|位|件|瓶|人|小时|杯|碗|盒|"
     r"公斤|只|条).*(?:多少|几|共)", r"\1*\2"),
    (rf"{_N}(?:个|张|斤|天|本|次|份|位|件|瓶|小时|杯|碗|盒|公斤|只|条)?\w{{0,5}}?(?:每|一)(?:人|个人|个|张|斤|天|本|次|份|位|件|瓶|小时|"
     rf"杯|碗|盒|公斤|只|条)\w{{0,2}}?{_N}.*"
     r"(?:多少|几|共|总)", r"\1*\2"),
    (rf"{_N}(?:块|元|个|颗|斤|块钱)*\w{{0,5}}?{_N}(?:个|位)?人?(?:平分|平均分|分|AA|aa|均摊).*(?:多少|几)", r"\1/\2"),
    (rf"(?:有|带了?){_N}\w{{0,5}}?(?:花|用|吃|给|丢|卖|借|送|付)\w{{0,4}}?{_N}.*(?:剩|找|还有)", r"\1-\2"),
    (rf"(?:有){_N}\w{{0,5}}?(?:又|再)(?:买|来|给|得到|捡)\w{{0,3}}?{_N}.*(?:多少|几|共)", r"\1+\2"),
)
_ON_EN = (
    (r"^(?:plus|add|and add|\+) (?:another )?(.+)", "+ "), (r"^(?:minus|less|subtract|take away|take off|-) (.+)", "- "),
    (r"^(?:times|multiplied by|multiply (?:that |it )?by|x|\*) (.+)", "* "),
    (r"^(?:divided by|divide (?:that |it )?by|over|/) (.+)", "/ "), (r"^(?:squared)()", "^ 2"),
    (r"^(?:doubled?|double (?:that|it)|twice (?:that|it|as much))()$", "* "
        "2"), (r"^(?:halved?|half(?: of)? (?:that|it)|halve (?:that|it))()$", "/ 2"),
)
_ON_ZH = ((r"^(?:再|又)?加上?(.+)", "+"), (r"^(?:再|又)?减去?(.+)", "-"), (r"^(?:再|又)?乘(?:以|"
                                                                   r"上)?(.+)", "*"), (r"^(?:再|又)?除(?:以|于)(.+)", "/"),
          (r"^(?:再)?(?:翻倍|翻一番|两倍)()$", "*2"), (r"^(?:的)?一半()$", "/2"), (r"^(?:的)?平方()$", "^2"))


def value(text: str, language: str, history: Sequence[dict]) -> Fraction | float | None:
    """The result of a sum, of a story with a sum in it, or of one that goes on from the last; None where nothing is reckoned. Raises as sums.value."""
    found = _alone(text, language)
    if found is not None:
        return found
    onward = _onward(text, language)
    if not onward:
        return None
    asked = [turn.get("content", "") for turn in history if turn.get("role") == "user"][-6:]
    before = None
    for said in asked:
        step = _alone(said, language)
        more = _onward(said, language)
        before = step if step is not None else _joined(before, more, language) if more and before is not None else None
    return _joined(before, onward, language) if before is not None else None


def _alone(text: str, language: str) -> Fraction | float | None:
    plain = sums.value(text, language)
    if plain is not None or len(text) > 200:
        return plain
    if language == "zh":
        bare = re.sub(r"[\s，,。！!?？、]", "", simplify(text))
        bare = re.sub(r"百分之(?![几多])", "%", bare)
        bare = re.sub(r"(?<!每)(?<!第)[零〇一二两三四五六七八九十百千万]+(?=[个张斤天本次份位件瓶人块元小杯碗盒公只条题分颗]|$)|"
                      r"(?<=每人|每个|每张|每斤|每天)[零〇一二两三四五六七八九十百千万]+",
                      lambda found: sums.number_zh(found.group()), bare)
        rows: Sequence[tuple[str, str]] = _STORIES_ZH
    else:
        bare = " ".join(re.sub(r"[$€£,]|[?!.](?!\d)", " ", text.lower().replace("%", " % ")).split())
        bare = sums.numbers_en(bare)
        rows = _STORIES_EN
    for pattern, with_ in rows:
        if found := re.search(pattern, bare):
            return sums.value(found.expand(with_), "en")
    return None


def _onward(text: str, language: str) -> str:
    """"and minus 5?" -> "- 5"; "" where the text doesn't begin with a sign."""
    if language == "zh":
        bare = re.sub(r"^(?:那么?|然后|如果|要是|接着|结果|它)+", "", re.sub(r"[\s，,。！!?？]", "", simplify(text)))
        bare = re.sub(r"(?:等于)?(?:是)?(?:多少|几)?(?:呢|啊|呀|吗)*$", "", bare)
        rows = _ON_ZH
    else:
        bare = " ".join(re.sub(r"[?!,]", " ", text.lower()).split())
        bare = re.sub(r"^(?:and |then |now |ok |okay |so |what about |how about |what if you |what is |if you |that |it |the result "
                      r")+", "", bare)
        rows = _ON_EN
    for pattern, sign in rows:
        if found := re.match(pattern, bare):
            return sign + found.group(1)
    return ""


def _joined(before: Fraction | float, onward: str, language: str) -> Fraction | float | None:
    whole = f"({before})" if isinstance(before, Fraction) else f"({before:.12f})"
    return sums.value(whole + onward, language)
