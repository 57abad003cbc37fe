"""Personal data in a text, found and masked before the text is exported with a twin or learned from: phones, e-mail, identity and card numbers,
addresses, names; English and Chinese, offline.

Telephone numbers are Google's `phonenumbers` (every country's numbering plan); identity, card and account numbers have to pass their checksums, so that
a price or a date is left alone. Names are found where a text says that it is one ("my name is", 我叫, Mr, 先生), and wherever a name stands that is
already known; a name that nothing announces stays. Masking helps; it is no promise that nothing personal is left: read what you publish.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PIECE = 2_000            # characters that are looked at together: time grows with the length of a text, not with its square
SAID = {"phone": ("[phone]", "[电话]"), "email": ("[e-mail]", "[邮箱]"), "id": ("[ID number]", "[证件号]"), "card": ("[card number]", "[卡号]"),
        "address": ("[address]", "[地址]"), "name": ("[name]", "[姓名]"), "net": ("[network address]", "[网络地址]"), "key": ("[key]", "[密钥]")}
REGIONS = {"en": ("US", "GB"), "zh": ("CN", "HK", "TW")}                         # whose national numbers are looked for, besides +…

# Keys of the hub, of models' and code's houses, of clouds and chats; tokens of this app; private keys.
_KEY = re.compile(r"(?<![\w-])(?:hf_[A-Za-z0-9]{16,}|sk-[\w-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|"
                  r"(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|[0-9a-f]{64}(?![\w-]))|"
                  r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?", re.A)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
_NET = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)")
_RESIDENT = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])")
_PASSPORT = re.compile(r"(?:(?:passport|护照)\D{0,20}?)([A-Z]{1,2}\d{7,9})(?![0-9A-Za-z])", re.I)
_SOCIAL = re.compile(r"(?<!\d)(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?!\d)")
_INSURANCE = re.compile(r"(?<![A-Z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Z0-9])")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_ACCOUNT = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Z0-9])")
_STREET = re.compile(r"(?<!\w)\d{1,5}[A-Za-z]?,? (?:(?:[NSEW]\.?|North|South|East|West) )?(?:[A-Z][\w'’.-]*|\d{1,3}(?:st|nd|rd|th))(?: [A-Z][\w'’.-]*){0,3} "
                     r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Terrace|Square|Sq|Close|Crescent|Gardens)\b\.?"
                     r"(?:,? (?:Apt|Apartment|Flat|Unit|Suite|#) ?\w{1,5})?(?:, [A-Z][a-z.'’-]+(?: [A-Z][a-z.'’-]+){0,2}){0,2}"
                     r"(?:,? (?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}))?")
_FULL = r"[\u4e00-\u9fff]"
_PLACE_ZH = re.compile(rf"(?:{_FULL}{{2,7}}?(?:省|自治区))?(?:{_FULL}{{2,7}}?市)?(?:{_FULL}{{1,7}}?(?:区|县|镇))?{_FULL}{{1,12}}?(?:路|街|大道|巷|弄|胡同)"
                       r"[0-9０-９一二三四五六七八九十百]{1,6}号(?:院|楼)?(?:[0-9０-９A-Za-z一二三四五六七八九十-]{1,6}(?:号楼|栋|幢|座|单元|楼|层|室|房|号)){0,4}")
_WORD = r"[A-Z][a-z’'-]+(?: (?:van|de|von|der|la|bin|al)| [A-Z]\.)?"
_NAMED = re.compile(rf"\b(?:[Mm]y (?:full |first |last )?name is|[Mm]y name's|[Nn]ame: ?|I am called|I'm called|call me|[Tt]his is|[Dd]ear|[Ss]igned,?|"
                    rf"Mr\.?|Mrs\.?|Ms\.?|Miss|Dr\.?|Prof\.?) ?({_WORD}(?: {_WORD}){{0,2}})")
_NOT_NAMES = frozenset(("the", "a", "an", "i", "it", "my", "your", "our", "all", "sir", "madam", "sirs", "not", "why", "what", "how", "so", "very",
                        "friends", "customer", "customers", "team", "everyone", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
                        "sunday", "god", "diary", "english", "chinese", "just", "where"))
_DOUBLE = "欧阳|司马|诸葛|上官|夏侯|东方|皇甫|尉迟|公孙|慕容|令狐"
_SINGLE = ("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊"
           "秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤")
_SURNAME = f"(?:{_DOUBLE}|[{_SINGLE}])"
_NAMED_ZH = re.compile(rf"(?:我叫|我的名字(?:是|叫)|名叫|姓名[是为:：]?\s*|我是|联系人[是:：]?\s*)({_SURNAME}{_FULL}{{1,2}})(?=[，。,！!；;、\s的]|$)")
_TITLED_ZH = re.compile(rf"({_SURNAME}{_FULL}{{0,2}}?)(?=先生|女士|小姐|老师|医生|教授|经理|同学|师傅)")


_LEAD_ZH = re.compile(r"(?:.{0,10}?(?:住在|位于|搬到|寄到|送到|寄往|地址[是为：:]?|在))?")


@dataclass(frozen=True)
class Found:
    """A piece of personal data: what kind (a key of SAID), and where it stands."""
    kind: str
    start: int
    end: int


def masked(text: str, language: str = "", known: Iterable[str] = (), keep: Iterable[str] = ()) -> str:
    """The text with what is personal in it replaced by what it was, such as [phone]. `known`: names to mask wherever they stand; `keep`: texts that stay,
    such as a shop's own number."""
    zh = (language or _language(text)) == "zh"
    kept = [_plain(item) for item in keep if item.strip()]
    out, at = [], 0
    for one in found(text, language, known):
        raw = text[one.start:one.end]
        if one.kind != "key" and any(_plain(raw) in item for item in kept):
            continue
        out += [text[at:one.start], SAID[one.kind][zh]]
        at = one.end
    return "".join([*out, text[at:]])


def found(text: str, language: str = "", known: Iterable[str] = ()) -> list[Found]:
    """What is personal in a text, from its beginning on, nothing twice."""
    language, names = language or _language(text), list(known)
    out, at = [], 0
    while at < len(text):
        end = len(text) if len(text) - at <= PIECE else max(text.rfind(" ", at + PIECE // 2, at + PIECE), text.rfind("\n", at + PIECE // 2, at + PIECE)) + 1
        end = end or at + PIECE                          # a word without end is cut where it is
        out += [Found(one.kind, at + one.start, at + one.end) for one in _in(text[at:end], language, names)]
        at = end
    return out


def _in(text: str, language: str, known: list[str]) -> list[Found]:
    spans = [Found("key", *m.span()) for m in _KEY.finditer(text)]
    spans += [Found("email", *m.span()) for m in _EMAIL.finditer(text)]
    spans += [Found("id", *m.span()) for m in _RESIDENT.finditer(text) if _resident(m[0])]
    spans += [Found("id", *m.span(1)) for m in _PASSPORT.finditer(text)]
    spans += [Found("id", *m.span()) for pattern in (_SOCIAL, _INSURANCE) for m in pattern.finditer(text)]
    spans += [Found("card", *m.span()) for m in _CARD.finditer(text) if _luhn(m[0])]
    spans += [Found("card", *m.span()) for m in _ACCOUNT.finditer(text) if _iban(m[0])]
    spans += _phones(text, language)
    spans += [Found("address", *m.span()) for m in _STREET.finditer(text)]
    spans += [Found("address", m.start() + _lead(m[0]), m.end()) for m in _PLACE_ZH.finditer(text)]
    spans += [Found("net", *m.span()) for m in _NET.finditer(text)]
    spans += _names(text, known)
    taken: list[Found] = []
    for one in spans:                                    # the surer kinds come first
        if all(one.end <= other.start or one.start >= other.end for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: one.start)


def keys(raw: bytes) -> bytes:
    """A text without the keys that somebody pasted into it: nobody means to publish one, wherever it stands."""
    text = raw.decode("utf-8", "surrogateescape")
    return _KEY.sub(SAID["key"][0], text).encode("utf-8", "surrogateescape")


def lines(raw: bytes, keep: Iterable[str] = ()) -> bytes:
    """A lines.*.yaml (as its reader has checked it) with its texts masked; as it is where there was nothing to mask."""
    import yaml
    data, kept, changed = yaml.load(raw.decode("utf-8-sig"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)), list(keep), False

    def hide(value: Any) -> Any:
        nonlocal changed
        if isinstance(value, list):
            return [hide(item) for item in value]
        if not isinstance(value, str):
            return value
        done = masked(value, keep=kept)
        changed |= done != value
        return done
    for line in data if isinstance(data, list) else ():
        for part in ("ask", "say"):
            if isinstance(line, dict) and part in line:
                line[part] = hide(line[part])
    return str(yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=160)).encode() if changed else raw


def own(persona: Any) -> list[str]:
    """What a persona says of itself: its names, description and facts are its author's to publish."""
    texts = [text for part in (persona.name, persona.description, persona.tagline) for text in dict(part).values()]
    return [*texts, *(str(getattr(fact, "text", fact)) for fact in persona.facts)]


def _phones(text: str, language: str) -> list[Found]:
    if sum(map(str.isdigit, text)) < 6:                  # no number has fewer; looking for one takes most of the time there is to take
        return []
    try:
        import phonenumbers
    except ImportError:
        return [Found("phone", *m.span()) for m in _PLAIN_PHONE.finditer(text) if 7 <= sum(c.isdigit() for c in m[0]) <= 15]
    spans = []
    for region in (*REGIONS.get(language, ()), *(r for key, regions in REGIONS.items() if key != language for r in regions)):
        for match in phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.VALID):
            spans.append(Found("phone", match.start, match.end))
    return spans


_PLAIN_PHONE = re.compile(r"(?<![\w.])\+?\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w])")


def _names(text: str, known: Iterable[str]) -> list[Found]:
    spans = []
    for name in sorted({name.strip() for name in known if len(name.strip()) > 1}, key=len, reverse=True):
        edge = r"(?<!\w){}(?!\w)" if name.isascii() else "{}"
        spans += [Found("name", *m.span()) for m in re.finditer(edge.format(re.escape(name)), text)]
    spans += [Found("name", *m.span(1)) for m in _NAMED.finditer(text) if m[1].split()[0].lower() not in _NOT_NAMES]
    spans += [Found("name", *m.span(1)) for m in _NAMED_ZH.finditer(text)]
    spans += [Found("name", *m.span(1)) for m in _TITLED_ZH.finditer(text)]
    return spans


def _resident(number: str) -> bool:
    """The check digit of a Chinese resident number (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * (2 ** (17 - k) % 11) for k, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


def _luhn(number: str) -> bool:
    """The check digit of a payment card (ISO/IEC 7812-1)."""
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [d if k % 2 == 0 else sum(divmod(2 * d, 10)) for k, d in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _iban(number: str) -> bool:
    """The check digits of an account number (ISO 13616)."""
    plain = number.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _lead(place: str) -> int:
    """Characters before a Chinese address that are none of it."""
    found = _LEAD_ZH.match(place)
    return found.end() if found else 0


def _language(text: str) -> str:
    return "zh" if sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 12 else "en"


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c in "@.")
