"""Facts said back to the user: "your sister is called Ana", 你姐姐叫安娜; as they are, and as they were. Pure."""
from __future__ import annotations

import re
from datetime import datetime

from persona import kin
from persona.fact import Fact
from persona.learn_zh import FAVOURITES_ZH, STATUS_ZH
from persona.words import cjk_share

_WORDS = {"i": "you", "me": "you", "my": "your", "mine": "yours", "our": "your", "we": "you", "us": "you", "myself": "yourself", "am": "are"}
# predicate -> (of "you", of another, past of "you", past of another); {o} the object
_EN: dict[str, tuple[str, str, str, str]] = {
    "name": ("your name is {o}", "{s} is called {o}", "your name was {o}", "{s} was called {o}"),
    "age": ("you are {o}", "{s} is {o}", "you were {o}", "{s} was {o}"),
    "birthday": ("your birthday is {o}", "{s}'s birthday is {o}", "your birthday was {o}", "{s}'s birthday was {o}"),
    "born": ("you were born in {o}", "{s} was born in {o}", "you were born in {o}", "{s} was born in {o}"),
    "home": ("you live {o}", "{s} lives {o}", "you lived {o}", "{s} lived {o}"),
    "origin": ("you are from {o}", "{s} is from {o}", "you were from {o}", "{s} was from {o}"),
    "job": ("you work as {o}", "{s} works as {o}", "you worked as {o}", "{s} worked as {o}"),
    "field": ("you work in {o}", "{s} works in {o}", "you worked in {o}", "{s} worked in {o}"),
    "employer": ("you work at {o}", "{s} works at {o}", "you worked at {o}", "{s} worked at {o}"),
    "working hours": ("you work {o}", "{s} works {o}", "you worked {o}", "{s} worked {o}"),
    "status": ("you are {o}", "{s} is {o}", "you were {o}", "{s} was {o}"),
    "death": ("you {o}", "{s} {o}", "you {o}", "{s} {o}"),
    "diet": ("you are {o}", "{s} is {o}", "you were {o}", "{s} was {o}"),
    "allergy": ("you are allergic to {o}", "{s} is allergic to {o}", "you were allergic to {o}", "{s} was allergic to {o}"),
    "health": ("you have {o}", "{s} has {o}", "you had {o}", "{s} had {o}"),
    "likes": ("you like {o}", "{s} likes {o}", "you liked {o}", "{s} liked {o}"),
    "dislikes": ("you don't like {o}", "{s} doesn't like {o}", "you didn't like {o}", "{s} didn't like {o}"),
    "afraid": ("you are afraid of {o}", "{s} is afraid of {o}", "you were afraid of {o}", "{s} was afraid of {o}"),
    "speaks": ("you speak {o}", "{s} speaks {o}", "you spoke {o}", "{s} spoke {o}"),
    "learns": ("you are learning {o}", "{s} is learning {o}", "you were learning {o}", "{s} was learning {o}"),
    "plays": ("you play {o}", "{s} plays {o}", "you played {o}", "{s} played {o}"),
    "plan": ("you are {o}", "{s} is {o}", "you were {o}", "{s} was {o}"),
    "event": ("you have {o}", "{s} has {o}", "you had {o}", "{s} had {o}"),
    "wants": ("you want to {o}", "{s} wants to {o}", "you wanted to {o}", "{s} wanted to {o}"),
    "has": ("you have {o}", "{s} has {o}", "you had {o}", "{s} had {o}"), "owns": ("you have {o}", "{s} has {o}", "you had {o}", "{s} had {o}"),
    "studies": ("you study {o}", "{s} studies {o}", "you studied {o}", "{s} studied {o}"),
    "school": ("you go to {o}", "{s} goes to {o}", "you went to {o}", "{s} went to {o}"),
    "did": ("you {o}", "{s} {o}", "you {o}", "{s} {o}"), "is": ("you are {o}", "{s} is {o}", "you were {o}", "{s} was {o}"),
    "does": ("among the things you do: {o}", "among the things {s} does: {o}", "you used to do this: {o}", "{s} used to do this: {o}"),
}
_ZH: dict[str, tuple[str, str]] = {                      # now, before; {s} is 你 or 你姐姐
    "name": ("{s}叫{o}", "{s}以前叫{o}"), "age": ("{s}{o}岁", "{s}那时{o}岁"), "birthday": ("{s}的生日是{o}", "{s}的生日是{o}"), "born": ("{s}是{o}年出生的", "{s}是{o}年出生的"),
    "home": ("{s}住在{o}", "{s}以前住在{o}"), "origin": ("{s}来自{o}", "{s}来自{o}"), "job": ("{s}的工作是{o}", "{s}以前的工作是{o}"), "field": ("{s}在{o}行业工作", "{s}以前在{o}行业工作"),
    "employer": ("{s}在{o}工作", "{s}以前在{o}工作"), "working hours": ("{s}的工作时间是{o}", "{s}以前的工作时间是{o}"), "status": ("{s}{o}", "{s}那时{o}"), "death": ("{s}{o}了", "{s}{o}了"),
    "diet": ("{s}{o}", "{s}以前{o}"), "allergy": ("{s}对{o}过敏", "{s}以前对{o}过敏"), "health": ("{s}有{o}", "{s}以前有{o}"), "likes": ("{s}喜欢{o}", "{s}以前喜欢{o}"),
    "dislikes": ("{s}不喜欢{o}", "{s}以前不喜欢{o}"), "afraid": ("{s}怕{o}", "{s}以前怕{o}"), "speaks": ("{s}会说{o}", "{s}会说{o}"), "learns": ("{s}在学{o}", "{s}学过{o}"), "plays": ("{s}会{o}", "{s}以前会{o}"),
    "plan": ("{s}{o}", "{s}当时{o}"), "event": ("{s}有{o}", "{s}当时有{o}"), "wants": ("{s}想{o}", "{s}曾经想{o}"), "has": ("{s}有{o}", "{s}以前有{o}"), "owns": ("{s}有{o}", "{s}以前有{o}"),
    "studies": ("{s}学的是{o}", "{s}以前学{o}"), "school": ("{s}在{o}", "{s}以前在{o}"), "did": ("{s}{o}", "{s}{o}"), "is": ("{s}是{o}", "{s}以前是{o}"), "does": ("{s}{o}", "{s}以前{o}"),
}


_PHRASES = frozenset(("plan", "event", "has", "owns", "wants", "does", "did", "diet", "studies", "school", "is", "likes", "dislikes", "job"))     # objects of several words


def clause(fact: Fact, tongue: str, past: bool = False) -> str:
    """"your sister lives in Porto"; `past`: as something that was. What was said in the other language is quoted where it is more than a word."""
    foreign = (cjk_share(fact.object) >= 0.3) != (tongue == "zh")
    if foreign and fact.predicate in _PHRASES and fact.said and (" " in fact.object or tongue == "en"):
        return f"你说过：“{fact.said}”" if tongue == "zh" else f"you said: “{fact.said}”"
    return _zh(fact, past) if tongue == "zh" else _en(fact, past)


def sentence(fact: Fact, tongue: str, past: bool = False) -> str:
    """The same with a capital and a full stop."""
    text = clause(fact, tongue, past)
    return text if text.endswith("”") and text[:3] == "你说过" else f"{text}。" if tongue == "zh" else text[:1].upper() + text[1:] + ("" if text.endswith("”") else ".")


def turned(text: str) -> str:
    """An English object as the user said it, said to them: "my aunt" -> "your aunt"."""
    return re.sub(r"\b(?:I|me|my|mine|our|we|us|myself|am)\b", lambda hit: _WORDS[hit[0].lower()], text)


def day(when: datetime, now: datetime, tongue: str) -> str:
    """"today", "on 5 May", 5月3日; with the year where it is another."""
    if when.date() == now.date():
        return "今天" if tongue == "zh" else "today"
    if tongue == "zh":
        return f"{when.year}年{when.month}月{when.day}日" if when.year != now.year else f"{when.month}月{when.day}日"
    return f"on {when.day} {when:%B}" + (f" {when.year}" if when.year != now.year else "")


def _en(fact: Fact, past: bool) -> str:
    value = turned(fact.object)
    if fact.predicate == "home" and not re.match(r"(?:with|near|on|at|in|outside)\b", value):
        value = f"in {value}"
    elif fact.predicate == "job" and not re.match(r"(?:an?|the|my|your|in|run|head|co-?)\b|.*s$", value.lower()) and value.isascii():
        value = f"{'an' if value[:1].lower() in 'aeiou' else 'a'} {value}"
    elif fact.predicate == "diet" and value.startswith("no "):
        whose = _whose(fact.subject)
        verb = "drink" if re.search("alcohol|coffee|milk|tea|beer|wine", value) else "eat"
        return f"{whose} {'did not' if past else 'do not' if whose == 'you' else 'does not'} {verb} {value[3:]}"
    elif fact.predicate == "plan" and not re.search(r"[a-z]", value):
        return f"{_whose(fact.subject)} had this in mind: {value}"
    if fact.predicate not in _EN:                        # "favourite colour", or what the user calls a thing's part
        verb = "was" if past else "is"
        return f"{_own(fact.subject)} {fact.predicate} {verb} {value}"
    row = _EN[fact.predicate]
    if fact.subject == kin.USER:
        return row[2 if past else 0].replace("{o}", value)
    if fact.predicate == "plan" and fact.subject.endswith("s") and not past:
        return f"{_whose(fact.subject)} are {value}"
    return row[3 if past else 1].replace("{s}", _whose(fact.subject)).replace("{o}", value)


def _zh(fact: Fact, past: bool) -> str:
    value = fact.object.replace("我", "你")
    whose = "你" if fact.subject == kin.USER else "你" + _chain_zh(fact.subject)
    if fact.predicate == "status":
        value = STATUS_ZH.get(value, f"是{value}" if value.isascii() else value)
    if fact.predicate.startswith("favourite "):
        what = fact.predicate.split(" ", 1)[1]
        return f"{whose}{'以前' if past else ''}最喜欢的{FAVOURITES_ZH.get(what, what)}是{value}"
    if fact.predicate == "diet" and value.isascii():
        value = f"的饮食：{value}"
    if fact.predicate in ("has", "owns") and re.match("有|养", value):
        value = value[1:]
    if fact.predicate == "death":
        value = "去世"
    row = _ZH.get(fact.predicate, (f"{{s}}的{fact.predicate}是{{o}}", f"{{s}}以前的{fact.predicate}是{{o}}"))
    return row[1 if past else 0].replace("{s}", whose).replace("{o}", value)


def _whose(subject: str) -> str:
    return "you" if subject == kin.USER else f"your {subject}"


def _own(subject: str) -> str:
    return "your" if subject == kin.USER else f"your {subject}'s"


def _chain_zh(subject: str) -> str:
    return "的".join(kin.shown(part, "zh") for part in subject.split("'s "))
