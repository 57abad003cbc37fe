"""Time and date asked for, and how they are said. The clock itself is handed in."""
from __future__ import annotations

import re
from datetime import datetime, timedelta

_DAYS = {"en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"], "zh": ["星期一", "星期二", "星期三",
    "星期四", "星期五", "星期六", "星期日"]}
_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
_ASKED_EN = (
    ("time",
     r"^(what|which) time (is it|now|do you have|have you got)( now| right now| there| at the moment| currently)*$|"
     r"^what is the (current |exact )?time( now| right now| please| there)*$|^(do you )?(have|know|got) (the|what) time( it is|"
     r" is it)?( now)?$|^(the )?(current )?time( now)?( please)?$|^what hour is it|^what does (the|your) clock say|"
     r"^(is it )?(late|how late is it)( now| already)?$|\bwhat time it is\b|^what is (the )?time$|^time check$"),
    ("tomorrow",
     r"^(what|which) (day|date|weekday) (is|will it be|will be|is it) ?(it )?tomorrow$|^what is tomorrow$|"
     r"^what is the date tomorrow$|^what is tomorrow s date"),
    ("yesterday",
     r"^(what|which) (day|date|weekday) was (it )?yesterday$|^what was yesterday$"),
    ("day",
     r"^(what|which) (day|weekday)( of the week)? (is it|is today|are we|it is|is this)( today| now)*$|^what is the day( today|"
     r" of the week)*$|^(what day is today|what is the weekday)|^is it (a )?(monday|tuesday|wednesday|thursday|friday|saturday|"
     r"sunday|the weekend|weekend)( today| already)?$|^what day it is$|^is today (a )?\w+day$"),
    ("date",
     r"^(what|which) date (is it|is today|do we have|are we)( today| now)*$|^what is (the date|today s date|the date today|"
     r"today)( today| now| please)*$|^what is today s \w+$|^(the )?(current |today s )?date( today)?( please)?$|"
     r"^what (is the )?(day and month|month and day)|^(what|which) month (is it|are we in)( now)?$|"
     r"^what is the (current )?month$|^what is the date and time$|^what day and date\b"),
    ("year",
     r"^(what|which) year (is it|is this|are we in|do we have)( now)?$|^what is the (current )?year$|^what year it is$"),
)
_ASKED_ZH = (
    ("time",
     r"^(现在|你那|那边|这会儿|此刻|当前)*(是)?(北京时间)?(几点|什么时间|什么时候|啥时间|什么时辰)(了|钟|啦|钟了|啊|呀|呢|整)*$|"
     r"^(现在|当前)(的)?时间(是)?(多少|几点|什么)?$|^(报(一)?下时(间)?|看(一)?下时间|时间)$|知道(现在)?(是)?几点(了|钟)*(吗)?$|"
     r"^几点(了|啦)|告诉我(现在)?(几点|时间)"),
    ("tomorrow",
     r"^明天(是)?(星期几|周几|礼拜几|几号|几月几号|什么日子|哪天)"),
    ("yesterday",
     r"^昨天(是)?(星期几|周几|礼拜几|几号|几月几号|什么日子)"),
    ("day",
     r"^(今天|今儿|现在)?(是)?(星期几|周几|礼拜几|星期天吗|周末吗|周六吗|周日吗)|^今天(是)?(星期|周|"
     r"礼拜)[一二三四五六日天末](吗|么|吧)?$"),
    ("date",
     r"^(今天|今儿|现在)?(是)?(几月几号|几号|几月几日|什么日子|多少号|几月|什么日期|哪天|哪一天)(了|啊|呀|呢|啦)*$|^(今天|当前|"
     r"现在)?(的)?日期(是什么|是多少|是)?$|^(今天|现在)(是)?几月"),
    ("year",
     r"^(今年|现在|这)?(是)?(哪一?年|几几年|什么年份|多少年|哪年)(了|啊|呀|呢|啦)*$|^今年(是)?(几|多少|什么)年|^现在(是)?(哪|"
     r"几)几?年"),
)
_EN = tuple((what, re.compile(pattern)) for what, pattern in _ASKED_EN)
_ZH = tuple((what, re.compile(pattern)) for what, pattern in _ASKED_ZH)


def asked(comparable: str, bare: str) -> str:
    """"time", "date", "day", "tomorrow", "yesterday", "year" or "". `comparable`: normal_en; `bare`: simplified Chinese, no punctuation."""
    english = re.sub(r"[’']", " ", comparable)
    chinese = re.sub(r"^(请问一?下?|你知道|知道|告诉我|能告诉我|那|那么|嗯|对了|想问一?下?)+", "", bare)
    chinese = re.sub(r"[吗呢呀啊吧]+$", "", chinese)
    return next((what for what, pattern in _EN if pattern.search(english)), "") or next((what for what, pattern in _ZH if pattern.search(chinese)),
        "")


def values(now: datetime, language: str) -> dict[str, str]:
    """time, date, weekday, tomorrow, yesterday, year, as said in the language."""
    return {"time": _time(now, language), "date": _date(now, language), "weekday": _DAYS[language][now.weekday()],
            "tomorrow": _date(now + timedelta(days=1), language), "yesterday": _date(now - timedelta(days=1), language), "year": str(now.year)}


def _time(now: datetime, language: str) -> str:
    if language == "en":
        return f"{now.hour % 12 or 12}:{now.minute:02d} {'am' if now.hour < 12 else 'pm'}"
    part = ("凌晨" if now.hour < 5 else "早上" if now.hour < 9 else "上午" if now.hour < 12 else "中午" if now.hour < 13 else "下午" if now.hour < 18
            else "晚上")
    return f"{part}{now.hour % 12 or 12}点{f'{now.minute}分' if now.minute else '整'}"


def _date(now: datetime, language: str) -> str:
    if language == "en":
        return f"{_DAYS['en'][now.weekday()]}, {now.day} {_MONTHS[now.month - 1]} {now.year}"
    return f"{now.year}年{now.month}月{now.day}日，{_DAYS['zh'][now.weekday()]}"
