"""A document somebody brought -> its text with places: PDF, Word (.docx), Markdown, HTML, plain text. Nothing is kept here, nothing is asked of a network.

The readers are pypdf, python-docx, markdown-it and lxml. A document comes from strangers: everything but plain text is read in a process of its own, with
a bound on its time and memory, and what that process is asked to unpack is bounded before. What a reader of the page would not see (scripts, hidden
text, comments) is left out, and so are lines that stand at the top or foot of every page.
"""
from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
import threading
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import Refused, TwinError

MOST_BYTES = 25 * 2**20                                  # of a file
MOST_TEXT = 4_000_000                                    # characters of a document
MOST_PAGES = 2000
MOST_UNPACKED, MOST_ENTRIES = 200 * 2**20, 3000          # of a .docx, which is a zip
SECONDS = 90.0                                           # a reader may take
MEMORY = 3 * 2**30                                       # bytes of address space it may have
LETTERS = 12                                             # fewer on a page, on average, is a picture of a page
KINDS = {"pdf": "PDF", "docx": "Word", "html": "HTML", "md": "Markdown", "txt": "text"}
HEADING = 120                                            # characters at the most


@dataclass(frozen=True)
class Block:
    """A paragraph, a row of a table or an item of a list. `page` is 0 where the document has no pages."""
    text: str
    page: int = 0
    heading: str = ""


@dataclass(frozen=True)
class Read:
    """`title`: what the document calls itself, or "". `pages` is 0 for one without any."""
    kind: str
    title: str
    blocks: tuple[Block, ...]
    pages: int = 0
    notes: tuple[tuple[str, str], ...] = field(default_factory=tuple)      # (en, zh) about what could not be read


def read(name: str, data: bytes) -> Read:
    """The document in these bytes. Raises Refused with the reason."""
    steps = reading(name, data)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value                            # type: ignore[no-any-return]


def reading(name: str, data: bytes) -> Generator[float, None, Read]:
    """The same as a generator of how far it is, 0..1, whose value is the document; closing it ends the reader's process."""
    kind = kind_of(name, data)
    if kind == "docx":
        _unpackable(data)
    if kind in ("txt", "md") and len(data) < 2**18:
        found = READERS[kind](data)
    else:
        found = yield from _apart(kind, data)
    letters = sum(c.isalnum() for block in found.blocks for c in block.text)
    if kind == "pdf" and letters < LETTERS * max(1, found.pages):
        raise Refused("The PDF holds pictures of pages and no text.", "Run a text recogniser (OCR) over it and bring the result.", code="scan",
                      zh=("这份 PDF 是扫描的图片，里面没有文字。", "请先做文字识别（OCR），再拿结果来。"))
    if not letters:
        raise _empty()
    return found


def kind_of(name: str, data: bytes) -> str:
    """A key of KINDS, from what is in the file, and from its name where that says no more. Raises Refused for what no reader here can read."""
    if len(data) > MOST_BYTES:
        raise Refused(f"The file has {len(data) / 2**20:.0f} MB; the most is {MOST_BYTES // 2**20} MB.", "Split it, or bring the part that matters.",
                      code="too-large", zh=(f"文件有 {len(data) / 2**20:.0f} MB，最多 {MOST_BYTES // 2**20} MB。", "请拆开，或只拿要紧的部分。"))
    if not data.strip():
        raise _empty()
    end = name.lower().rpartition(".")[2]
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _zipped(data)
    known = next((said for start, said in _OTHER.items() if data.startswith(start)), None)
    if known is None and end == "pdf":
        known = ("a PDF, or it is damaged at its beginning", "PDF，或者开头已损坏")
        raise _not("The file is not " + known[0], "文件不是" + known[1])
    if known is not None:
        raise _not("The file is " + known[0], "文件是" + known[1])
    if _binary(data[:65_536]):
        raise _not("The file holds no text", "文件里不是文字")
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if end in ("html", "htm", "xhtml") or head.startswith((b"<!doctype html", b"<html")):
        return "html"
    return "md" if end in ("md", "markdown", "mdown") else "txt"


_OTHER = {b"\xd0\xcf\x11\xe0": ("of an old kind of Office", "旧版 Office 格式"), b"{\\rtf": ("in Rich Text Format", "RTF 格式"),
          b"\x89PNG": ("a picture", "图片"), b"\xff\xd8\xff": ("a picture", "图片"), b"GIF8": ("a picture", "图片"),
          b"RIFF": ("a picture or a sound", "图片或声音"),
          b"\x1f\x8b": ("packed (gzip)", "压缩包（gzip）"), b"7z\xbc\xaf": ("packed (7z)", "压缩包（7z）"), b"Rar!": ("packed (RAR)", "压缩包（RAR）"),
          b"ID3": ("a sound", "声音"), b"\x00\x00\x00": ("a film or a picture", "影片或图片"), b"%!PS": ("PostScript", "PostScript")}


def _zipped(data: bytes) -> str:
    """What a zip is: a Word document, or what else. Raises Refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:MOST_ENTRIES]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise _not("The file is a damaged zip", "文件是损坏的压缩包") from None
    if "word/document.xml" in names:
        return "docx"
    other = next(((en, zh) for start, en, zh in (("xl/", "a table of Excel", "Excel 表格"), ("ppt/", "slides of PowerPoint", "PowerPoint 幻灯片"),
                 ("content.xml", "an OpenDocument file", "OpenDocument 文件"), ("META-INF/container.xml", "an e-book (EPUB)", "电子书（EPUB）"))
                  if any(name.startswith(start) for name in names)), ("a zip and no document", "压缩包，不是文档"))
    raise _not("The file is " + other[0], "文件是" + other[1])


def _unpackable(data: bytes) -> None:
    """Raises Refused for a zip that would unpack into far more than a document is."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise _locked()
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Refused("The document would unpack into more than a document holds.", "Save it anew from Word.", code="too-large",
                      zh=("文档解压后大得不像文档。", "请用 Word 重新保存。"))


def _binary(data: bytes) -> bool:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False                                     # UTF-16 says so at its beginning
    odd = sum(byte < 9 or 13 < byte < 32 and byte != 27 for byte in data)
    return b"\0" in data or odd > len(data) / 50


# each in a process of its own ------------------------------------------------------------------------------------------------------------

def _apart(kind: str, data: bytes) -> Generator[float, None, Read]:
    """The reader in a process that is ended when it takes too long or its generator is closed."""
    child = subprocess.Popen([sys.executable, "-c", f"from twin.read import _child; _child({kind!r})"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, cwd=Path(__file__).resolve().parents[1])
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    def feed() -> None:
        with contextlib.suppress(OSError, ValueError):
            child.stdin.write(data)                      # type: ignore[union-attr]
            child.stdin.close()                          # type: ignore[union-attr]
    clock, feeder = threading.Timer(SECONDS, end), threading.Thread(target=feed, daemon=True)
    clock.start()
    feeder.start()
    try:
        for raw in child.stdout or ():
            told = json.loads(raw)
            if "done" in told:
                yield float(told["done"])
            elif "code" in told:
                raise {"locked": _locked, "empty": _empty, "long": _long, "pages": _many}.get(told["code"], lambda: _damaged(kind))()
            else:
                return Read(kind, told["title"], tuple(Block(*row) for row in told["blocks"]), told["pages"], tuple(map(tuple, told["notes"])))
    except ValueError:
        pass                                             # half a line: it was ended
    finally:
        clock.cancel()
        child.kill()
        child.wait()
        feeder.join(5.0)
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()                             # type: ignore[union-attr]
    if late.is_set():
        raise Refused(f"Reading the document took longer than {SECONDS:.0f} s.", "Split it, or save it anew.", code="slow",
                      zh=(f"读这份文档超过了 {SECONDS:.0f} 秒。", "请拆开，或重新保存一份。"))
    raise _damaged(kind)


class _Told(Exception):
    """A reason by its code, from the reader's process."""


def _child(kind: str) -> None:
    """Standard input is the file; standard output is lines of JSON: {"done"}, at last the document or {"code"}."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 5, int(SECONDS) + 5))
    out, sys.stdout = sys.stdout, sys.stderr             # a reader may print
    try:
        found = READERS[kind](sys.stdin.buffer.read(MOST_BYTES + 1))
        told: dict[str, Any] = {"title": found.title, "pages": found.pages, "notes": found.notes, "blocks": [(b.text, b.page, b.heading) for b in found.blocks]}
    except _Told as reason:
        told = {"code": str(reason)}
    except Exception:                                    # a reader of damaged files raises what it likes, and the file is what is wrong
        told = {"code": "damaged"}
    out.write(json.dumps(told) + "\n")
    out.flush()


def _tell(done: float) -> None:
    sys.__stdout__.write(json.dumps({"done": round(done, 3)}) + "\n")       # type: ignore[union-attr]
    sys.__stdout__.flush()                               # type: ignore[union-attr]


# the readers -----------------------------------------------------------------------------------------------------------------------------

def _pdf(data: bytes) -> Read:
    import logging

    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise _Told("locked")
        count = len(reader.pages)
    except (FileNotDecryptedError, ImportError):         # some ciphers need a library that reads no document without its password either
        raise _Told("locked") from None
    if count > MOST_PAGES:
        raise _Told("pages")
    texts, size, bad = [], 0, 0
    for number, page in enumerate(reader.pages):
        try:
            text = page.extract_text() or ""
        except Exception:                                # one damaged page is left out, not the whole
            text, bad = "", bad + 1
        size += len(text)
        if size > MOST_TEXT:
            raise _Told("long")
        texts.append(text)
        if number % 8 == 7:
            _tell((number + 1) / count)
    outline = _outline(reader)
    title = str(reader.metadata.get("/Title") or "") if reader.metadata else ""
    notes = ((f"{bad} of {count} pages could not be read.", f"{count} 页里有 {bad} 页读不出来。"),) if bad else ()
    blocks = []
    heading = ""
    for number, lines in enumerate(_bare(texts), 1):
        heading = outline.get(number, heading)
        for text, own in paragraphs(lines, heading):
            heading = own
            if text:
                blocks.append(Block(text, number, heading))
    return Read("pdf", _title(title), tuple(blocks), count, notes)


def _outline(reader: Any) -> dict[int, str]:
    """page -> the last of the document's bookmarks that points at it."""
    found: dict[int, str] = {}

    def walk(items: Any, depth: int) -> None:
        for item in items:
            if isinstance(item, list):
                if depth < 6:
                    walk(item, depth + 1)
            elif len(found) < 5000:
                found[reader.get_destination_page_number(item) + 1] = _line(str(item.title))[:HEADING]
    with contextlib.suppress(Exception):                 # bookmarks are a help, no more
        walk(reader.outline, 0)
    return found


def _bare(pages: list[str]) -> list[list[str]]:
    """Lines of each page without those that stand at the top or foot of most pages, and without page numbers."""
    split = [[_line(line) for line in page.splitlines()] for page in pages]

    def edge(lines: list[str]) -> list[str]:
        full = [line for line in lines if line]
        most = 2 if len(full) > 8 else 1
        return [re.sub(r"\d+", "#", line) for line in dict.fromkeys((*full[:most], *full[-most:]))]
    seen = Counter(mark for lines in split for mark in edge(lines))
    often = {mark for mark, times in seen.items() if len(pages) >= 4 and times > len(pages) / 2}
    return [[line for line in lines if re.sub(r"\d+", "#", line) not in often and not _PAGE.fullmatch(line)] for lines in split]


_PAGE = re.compile(r"[-–—\s]*(?:page|第)?\s*\d{1,4}\s*(?:页|/\s*\d+)?[-–—\s]*", re.IGNORECASE)


_NUMBERED = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?\s+(?=[A-Z\u4e00-\u9fff])|(?:chapter|section|part|appendix)\s+[\divxA-Z]+\b|"
                       r"第[一二三四五六七八九十百\d]+[章节部分篇条]|[一二三四五六七八九十]+、)", re.IGNORECASE)
_ENDED = re.compile(r"[.!?。！？；;:：”\"’)）]$")


def paragraphs(lines: list[str], heading: str = "") -> Iterator[tuple[str, str]]:
    """(paragraph, the heading it stands under) of the lines of a page or a text file: broken lines are joined, lines that look like a heading
    become one; a last heading without text is yielded with ""."""
    width = sorted(len(line) for line in lines if line)[-max(1, len(lines) // 5):][:1] or [0]
    held: list[str] = []
    for number, line in enumerate([*lines, ""]):
        before = lines[number - 1] if number else ""
        following = next((other for other in lines[number + 1:number + 3] if other), "")
        if line and not held and looks_heading(line, before, following):
            heading = line.lstrip("#").strip()[:HEADING]
            continue
        item = re.match(r"(?:[-•▪●*·]|\(?\d{1,2}[.)])\s+", line)
        ended = held and (not line or item or _ENDED.search(held[-1]) and len(held[-1]) < 0.7 * width[0])
        if ended:
            yield _joined(held), heading
            held = []
        if line:
            held.append(re.sub(r"^[-•▪●*·]\s+", "", line))
            if line != lines[-1] and looks_heading(line, before, following) and len(held) == 1:
                held = []
                heading = line[:HEADING]
    yield "", heading


def looks_heading(line: str, before: str, following: str) -> bool:
    """Whether a line of plain text is a heading, by its number, its capitals or how it stands apart."""
    if len(line) > 80 or _ENDED.search(line) or not re.search(r"[A-Za-z\u4e00-\u9fff]", line) or re.match(r"[-•▪●*·]", line):
        return False
    if _NUMBERED.match(line) and len(line) < 60:
        return True
    letters = re.sub(r"[^A-Za-z]", "", line)
    if len(letters) > 3 and letters.isupper() and len(line) < 60:
        return True
    words = re.findall(r"[A-Za-z]+", line)
    titled = words and len(words) <= 8 and line[:1].isupper() and all(word[0].isupper() or len(word) < 5 for word in words)
    chinese = not words and len(line) <= 20 and not re.search(r"[，,、]", line)
    return bool(not before and following and (titled or chinese) and len(following) > len(line))


def _joined(lines: list[str]) -> str:
    """One paragraph of its lines: a word cut at a line's end is whole again, Chinese lines need no space."""
    text = lines[0]
    for line in lines[1:]:
        if re.search(r"[a-z]-$", text) and line[:1].islower():
            text = text[:-1] + line
        else:
            joint = "" if re.search(r"[\u3000-\u9fff\uff00-\uffef]$", text) and re.match(r"[\u3000-\u9fff\uff00-\uffef]", line) else " "
            text += joint + line
    return text


def _docx(data: bytes) -> Read:
    import docx
    from docx.table import Table
    from docx.text.paragraph import Paragraph
    document = docx.Document(io.BytesIO(data))
    blocks: list[Block] = []
    heading, size = "", 0

    def said(paragraph: Any) -> str:
        runs = [run for run in paragraph.iter_inner_content() if not (getattr(run, "font", None) is not None and run.font.hidden)]
        return _line("".join(run.text for run in runs))
    for item in document.iter_inner_content():
        if isinstance(item, Paragraph):
            text, style = said(item), str(getattr(item.style, "name", "") or "")
            if text and re.match(r"(?:heading|title|标题)", style, re.IGNORECASE):
                heading = text[:HEADING]
                continue
            rows = [text]
        elif isinstance(item, Table):
            rows = table([["".join(said(part) + " " for part in cell.paragraphs).strip() for cell in row.cells] for row in item.rows])
        else:
            continue
        for text in filter(None, rows):
            size += len(text)
            if size > MOST_TEXT:
                raise _Told("long")
            blocks.append(Block(text, 0, heading))
    return Read("docx", _title(document.core_properties.title or ""), tuple(blocks))


def table(rows: list[list[str]]) -> list[str]:
    """A table's rows as sentences: "Opening day: Monday; hours: 9 to 5"."""
    rows = [[cell if number == 0 or cell != row[number - 1] else "" for number, cell in enumerate(row)] for row in rows]     # merged cells come twice
    rows = [row for row in rows if any(row)]
    if not rows:
        return []
    width = max(map(len, rows))
    if width == 2 or len(rows) == 1:
        return [": ".join(filter(None, row)) + "." for row in rows]
    head, found = rows[0], []
    for row in rows[1:]:
        found.append("; ".join(f"{name}: {cell}" if name else cell for name, cell in zip([*head, *[""] * width], row) if cell) + ".")
    return found


_BLOCK = frozenset(("p", "div", "li", "dd", "dt", "blockquote", "pre", "td", "th", "tr", "section", "article", "main", "header", "figcaption", "caption",
                    "address", "ul", "ol", "dl", "table", "details", "summary", "body", "fieldset"))
_GONE = frozenset(("script", "style", "noscript", "template", "svg", "math", "canvas", "iframe", "object", "embed", "nav", "form", "button", "select", "option",
                   "input", "textarea", "head", "dialog", "audio", "video", "map"))
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d]*[1-9])|"
                     r"opacity\s*:\s*0(?![.\d]*[1-9])|clip-path|text-indent\s*:\s*-\d{3,}|(?:left|top)\s*:\s*-\d{3,}", re.IGNORECASE)


def _html(data: bytes) -> Read:
    from lxml import html
    text = decoded(data)
    declared = re.match(r"\s*<\?xml[^>]*\?>", text)
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    root = html.document_fromstring(text[declared.end():] if declared else text, parser=parser)
    title = _line(root.findtext(".//title") or "")
    blocks: list[Block] = []
    held: list[str] = []
    heading = [""]

    def flush() -> None:
        if text := _line("".join(held)):
            blocks.append(Block(text, 0, heading[0]))
            if sum(len(block.text) for block in blocks[-1:]) > MOST_TEXT:
                raise _Told("long")
        held.clear()

    def walk(element: Any, depth: int) -> None:
        tag = element.tag.lower() if isinstance(element.tag, str) else ""
        hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true" or _HIDDEN.search(element.get("style") or "")
        if not tag or tag in _GONE or hidden or depth > 200:
            return
        if re.fullmatch("h[1-6]", tag):
            flush()
            heading[0] = _line(_seen(element))[:HEADING] or heading[0]
            return
        if tag == "table" and not element.xpath(".//table"):
            flush()
            rows = [[_line(_seen(cell)) for cell in row.xpath("./td|./th")] for row in element.iter("tr")]
            blocks.extend(Block(text, 0, heading[0]) for text in table(rows))
            return
        if tag in _BLOCK:
            flush()
        if element.text:
            held.append(element.text)
        for child in element:
            walk(child, depth + 1)
            if tag_of(child) == "br":
                held.append(" ")
            if child.tail:
                held.append(child.tail)
        if tag in _BLOCK:
            flush()

    def tag_of(element: Any) -> str:
        return element.tag if isinstance(element.tag, str) else ""

    def _seen(element: Any) -> str:
        if not isinstance(element.tag, str) or element.tag in _GONE or element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
            return ""
        return (element.text or "") + "".join(_seen(child) + (child.tail or "") for child in element)
    body = root.find("body") if root.find("body") is not None else root
    walk(body, 0)
    flush()
    if sum(len(block.text) for block in blocks) > MOST_TEXT:
        raise _Told("long")
    return Read("html", _title(title), tuple(blocks))


def _md(data: bytes) -> Read:
    from markdown_it import MarkdownIt
    text, title = decoded(data), ""
    if front := re.match(r"---\s*\n(.*?)\n(?:---|\.\.\.)\s*(?:\n|$)", text, re.DOTALL):
        named = re.search(r"^title:\s*['\"]?(.+?)['\"]?\s*$", front[1], re.MULTILINE)
        text, title = text[front.end():], named[1] if named else ""
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    found = _html(f"<html><body>{page}</body></html>".encode())
    first = next((line for line in text.splitlines() if re.match(r"#\s+\S", line)), "")
    return Read("md", _title(title or first.lstrip("# ")), found.blocks)


def _txt(data: bytes) -> Read:
    lines = [_line(line) for line in decoded(data).splitlines()]
    return Read("txt", "", tuple(Block(text, 0, heading) for text, heading in paragraphs(lines) if text))


READERS = {"pdf": _pdf, "docx": _docx, "html": _html, "md": _md, "txt": _txt}


def decoded(data: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, what an HTML file names, GB 18030 where that gives Chinese, else Windows' Latin. Raises _Told."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start > len(data) - 4 and error.reason.startswith("unexpected end"):
                text = data[:error.start].decode("utf-8-sig")
            else:
                text = _older(data)
    if len(text) > MOST_TEXT * (4 if "<" in text[:4096] else 1):
        raise _Told("long")
    return text


def _older(data: bytes) -> str:
    for code in (*re.findall(rb"charset=[\"']?([\w-]{3,20})", data[:2048]), b"gb18030"):
        with contextlib.suppress(UnicodeDecodeError, LookupError):
            text = data.decode(code.decode())
            if code != b"gb18030" or sum("\u4e00" <= c <= "\u9fff" for c in text) > len(text) / 20:
                return text
    return data.decode("cp1252", "replace")


def _line(text: str) -> str:
    """One line without what cannot be seen: controls, marks of direction, spaces of no width; ligatures as letters."""
    flat = unicodedata.normalize("NFKC", text) if any(0xFB00 <= ord(c) <= 0xFB06 or 0x2F00 <= ord(c) <= 0x2FDF for c in text) else text
    kept = "".join(c if c.isprintable() else " " if c.isspace() or unicodedata.category(c) == "Cc" else "" for c in flat.replace("\u00ad", ""))
    return " ".join(kept.split())


def _title(text: str) -> str:
    """A title that is one: no file name of a word processor, no placeholder."""
    text = _line(text)[:HEADING]
    return "" if re.search(r"\.(docx?|pdf|indd|tex|html?)$|^(untitled|microsoft word|document\d*|无标题|slide 1)", text, re.IGNORECASE) else text


# what is said about a file that cannot be read --------------------------------------------------------------------------------------------

def _not(en: str, zh: str) -> Refused:
    return Refused(en + ".", "Bring a PDF, a Word file (.docx), Markdown, HTML or plain text.", code="no-document",
                   zh=(zh + "。", "请拿 PDF、Word（.docx）、Markdown、HTML 或纯文本文件来。"))


def _empty() -> Refused:
    return Refused("There is no text in the file.", "Choose another file.", code="empty", zh=("文件里没有文字。", "请换一个文件。"))


def _locked() -> Refused:
    return Refused("The document is locked with a password.", "Save a copy without a password and bring that.", code="encrypted",
                   zh=("文档有密码保护。", "请另存一份没有密码的再拿来。"))


def _damaged(kind: str) -> TwinError:
    return Refused(f"The {KINDS[kind]} file is damaged or is none.", "Open it in its own program, save it anew, and bring that.", code="damaged",
                   zh=(f"{KINDS[kind]} 文件损坏，或者不是这种文件。", "请用原来的程序打开，另存一份再拿来。"))


def _long() -> Refused:
    return Refused(f"The document has more than {MOST_TEXT:,} characters.", "Split it, or bring the part that matters.", code="too-large",
                   zh=(f"文档超过 {MOST_TEXT:,} 个字。", "请拆开，或只拿要紧的部分。"))


def _many() -> Refused:
    return Refused(f"The document has more than {MOST_PAGES:,} pages.", "Split it, or bring the part that matters.", code="too-large",
                   zh=(f"文档超过 {MOST_PAGES:,} 页。", "请拆开，或只拿要紧的部分。"))
