"""The commands that make and keep twins: create, list, export, import, delete. They belong to one user: the one whose token TWIN_TOKEN holds
(a browser keeps its own in localStorage), or else this machine's own, made at first use in the data folder."""
from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import secrets
import sys
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, TextIO

from .errors import Locked, Missing, Refused, TwinError
from .settings import load
from .users import User, who


def add(commands: Any) -> None:
    """Add the commands to an argparse's subparsers."""
    create = commands.add_parser("create", help="make a twin from a photo, a voice and a character")
    face = create.add_mutually_exclusive_group(required=True)
    face.add_argument("--photo", type=Path, help="a picture of a face")
    face.add_argument("--invent", metavar="WISH", help="a face that never was, in words: \"a woman of sixty with silver curls\"; it is "
                      "nobody's, and needs no consent")
    create.add_argument("--seed", type=int, default=None, help="of an invented face: the same words and seed are the same face; by itself drawn")
    create.add_argument("--face", type=int, default=None, help="which face, counted from 0, the largest first, where there are several")
    create.add_argument("--voice", type=Path, action="append", default=[], help="an audio or video file of them speaking (may be given again); "
                        "what is said in it stands in a file of the same name ending in .txt, if you have it")
    create.add_argument("--ready", default="", help="a ready voice's name instead")
    create.add_argument("--language", choices=("en", "zh"), default="en", help="what is spoken in the recordings")
    create.add_argument("--name", default="", help="what the twin is called")
    create.add_argument("--persona", type=Path, help="a persona (YAML, JSON) or a Character Card (PNG, JSON, CHARX)")
    create.add_argument("--consent", default="", metavar="WHO", help="the name of the person in the samples, or of whoever has their permission: says yes to "
                        "the statement that is printed without it")
    create.add_argument("--relation", choices=("self", "permission"), default="self", help="whether WHO is that person, or has their permission")
    create.add_argument("--for", dest="purposes", default="speech,film", help="what for: speech, film or both")
    create.add_argument("--scope", choices=("private", "link", "public"), default="private", help="how far it may go: only you, people with a link, everybody")
    create.add_argument("--passphrase", action="store_true", help="keep it behind a passphrase (asked for, or TWIN_PASSPHRASE)")
    create.set_defaults(run=_create)
    listing = commands.add_parser("list", help="your own twins and the default ones")
    listing.set_defaults(run=_list)
    export = commands.add_parser("export", help="save a twin: as one .twin file, as one HTML page that talks by itself, or as a Space")
    export.add_argument("twin")
    where = export.add_mutually_exclusive_group(required=True)
    where.add_argument("-o", "--output", type=Path, metavar="FILE", help="a .twin file, to be imported elsewhere")
    where.add_argument("--html", type=Path, metavar="FILE", help="one HTML file that opens by a double click and talks without a server")
    where.add_argument("--static", type=Path, metavar="DIR", help="the same page as a Static Space for Hugging Face")
    where.add_argument("--space", type=Path, metavar="DIR", help="a whole Space: the app with this twin alone")
    export.add_argument("--passphrase", action="store_true", help="of a .twin file: encrypt it, and put the conversations with it inside")
    export.add_argument("--lang", choices=("en", "zh", "both"), default="both", help="of a page: the languages it speaks")
    export.add_argument("--answers", type=int, default=160, metavar="N", help="of a page: how many answers of a language are spoken beforehand (60 are about "
                        "1 MB); what is beyond it only writes")
    export.add_argument("--endpoint", default="", metavar="URL", help="of a page: a server of this app to ask what the page cannot answer by itself")
    export.add_argument("--hardware", choices=("cpu-basic", "zero-a10g"), default="cpu-basic", help="of a Space: what it is to run on")
    export.add_argument("--mind", default="", metavar="MODEL", help="of a Space: a model of the hub to think with, instead of the one that suits the hardware")
    export.set_defaults(run=_export)
    train = commands.add_parser("train", help="let a twin of yours learn how a person talks, from chats they exported and texts they wrote")
    train.add_argument("twin")
    train.add_argument("--words", type=Path, action="append", default=[], metavar="FILE", help="an exported chat (WhatsApp, Telegram, WeChat, Name: text), a "
                       "text they wrote (PDF, Word, Markdown, text), or exchanges as JSON lines {asked, said}; may be given again")
    train.add_argument("--who", default="", metavar="NAME", help="under which name they write in the chats (without it: the twin's)")
    train.add_argument("--no-examples", action="store_true", help="leave the twin's own examples out")
    train.add_argument("--minutes", type=float, default=20.0, help="that learning may take; on a slow machine fewer words are seen")
    train.add_argument("--look", action="store_true", help="only say what could be learned from")
    then = train.add_mutually_exclusive_group()
    then.add_argument("--resume", action="store_true", help="go on with one that was ended")
    then.add_argument("--on", action="store_true", help="wear what was learned")
    then.add_argument("--off", action="store_true", help="do not wear it")
    then.add_argument("--share", choices=("yes", "no"), help="whether it goes along when the twin is shared: it was made of private words")
    then.add_argument("--forget", action="store_true", help="remove what was learned")
    train.set_defaults(run=_train)
    bring = commands.add_parser("import", help="load a .twin file")
    bring.add_argument("file", type=Path)
    bring.set_defaults(run=_import)
    consent = commands.add_parser("consent", help="what was agreed to for a twin of yours; with --scope, agree anew")
    consent.add_argument("twin")
    consent.add_argument("--scope", choices=("private", "link", "public"), help="how far it may go from now on: says yes to the statement again")
    consent.set_defaults(run=_consent)
    back = commands.add_parser("withdraw", help="take a consent back: the twin is unpublished and deleted, and no copy of it counts here again")
    back.add_argument("twin", nargs="?", default="", help="without one: Spaces of withdrawn twins that still stand are tried again")
    back.set_defaults(run=_withdraw)
    mine = commands.add_parser("me", help="all that is known of you here: told, exported as one zip, or erased")
    mine.add_argument("what", nargs="?", choices=("show", "export", "erase"), default="show")
    mine.add_argument("-o", "--output", type=Path, default=Path("me.zip"), help="the zip that export writes")
    mine.add_argument("--yes", action="store_true", help="erase without asking again")
    mine.set_defaults(run=_me)
    check = commands.add_parser("check", help="read back what a picture, sound, film, page or .twin says about how it was made")
    check.add_argument("file", type=Path)
    check.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
    check.set_defaults(run=_check)
    delete = commands.add_parser("delete", help="delete a twin and everything made from it")
    delete.add_argument("twin")
    delete.set_defaults(run=_delete)
    from .publish import add as add_sharing
    add_sharing(commands)

    user = commands.add_parser("user", help="who may sign in to a shared server (TWIN_USERS=FILE): add, list, remove")
    user.add_argument("file", type=Path, help="the file of names and passwords")
    user.add_argument("name", nargs="?", default="", help="whom to add, or to give another password (asked for, or TWIN_PASSWORD)")
    user.add_argument("--visitor", action="store_true", help="may talk, makes and keeps nothing")
    user.add_argument("--remove", action="store_true")
    user.set_defaults(run=_user)


def _user(options: argparse.Namespace) -> int:
    from .users import OWNER, VISITOR, Passwords
    people = Passwords(options.file)
    if options.remove:
        people.remove(options.name)
    elif options.name:
        password = os.environ.get("TWIN_PASSWORD", "") or _passphrase(f"A password for {options.name}: ", twice=True)
        people.put(options.name, password, VISITOR if options.visitor else OWNER)
    for name, role in people.names():
        print(f"{name:<32} {role}")
    return 0


def shelf() -> Any:
    """The shelf of the settings in force."""
    from .store import Shelf
    from .store.derived import OWN
    settings = load()
    return Shelf(settings.folder("data"), shared=settings.shared, caches=(settings.folder("cache") / OWN,))


def me() -> User:
    """Whose twins the command line works with. Raises Refused for a TWIN_TOKEN that is none."""
    if token := os.environ.get("TWIN_TOKEN", "").strip():
        return who({"token": token})
    path = load().folder("data") / "token"
    try:
        return who({"token": path.read_text().strip()})
    except (OSError, Refused):
        token = secrets.token_hex(32)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token)
        return who({"token": token})


def own(name: str, purpose: str = "") -> Any:
    """One of my twins, unlocked; None when there is none of that name. Raises Locked for a wrong passphrase, Refused when its consent
    does not cover the purpose ("talk" or "film")."""
    from .trust import allows
    place, user = shelf(), me()
    if not place.has(user.id, name):
        return None
    twin = place.get(user.id, name)
    if twin.locked:
        twin = place.unlock(user.id, name, _passphrase(f"Passphrase of {name}: "))
    if purpose and twin.has("consent.json"):
        allows(json.loads(twin.read("consent.json")), purpose)
    return twin


def _create(options: argparse.Namespace) -> int:
    from persona.card import CardError

    from .create import Drafts, measure
    place, user = shelf(), me()
    place.admit()
    screen = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")     # of its own: MediaPipe's remarks are sifted out of the other (paint/quiet.py)
    with screen, place.scratch() as folder:
        drafts = Drafts(place, root=folder)
        try:
            with drafts.of(user.id, user.key) as draft:
                _fill(draft, options)
                twin = _built(place, draft, _passphrase("A passphrase for it: ", twice=True) if options.passphrase else "", screen)
        except CardError as error:
            raise Refused(error.message, error.hint) from None
        finally:
            drafts.close()
    print(f"{twin.id} is there. Talk with it: python -m twin talk {twin.id}", flush=True)
    measure(place, user.id, twin.id)
    return 0


def _built(place: Any, draft: Any, passphrase: str, screen: TextIO) -> Any:
    """The twin; a bar that is redrawn in a terminal, a line for each change elsewhere."""
    from .create import build
    told = ("", "")
    with closing(build(place, draft, passphrase)) as steps:
        for progress in steps:
            line = f"{progress.done:4.0%}", progress.en
            if screen.isatty():
                full = round(30 * progress.done)
                print(f"\r[{'#' * full}{'.' * (30 - full)}] {line[0]} {line[1]:<50.50}", end="\n" if progress.twin else "", file=screen, flush=True)
            elif line != told:
                print(*line, file=screen, flush=True)
            told = line
    return progress.twin


def _fill(draft: Any, options: argparse.Namespace) -> None:
    """The draft as the page would have filled it. Raises Refused with what is missing."""
    from .trust import STATEMENT, STATEMENT_NOBODY, STATEMENT_VOICE
    fields = _character(draft, options.persona) if options.persona else {}
    draft.persona(fields | ({"name": options.name} if options.name else {}))
    if options.photo is None:
        _invent(draft, options)
    else:
        draft.photo(_file(options.photo))
    faces = draft.state["photo"]["faces"]
    if options.face is not None:
        draft.face(options.face)
    elif len(faces) > 1:
        boxes = "; ".join(f"{k}: at {box[0]:.0f},{box[1]:.0f}, {box[2]:.0f} px wide" for k, box in enumerate(faces))
        raise Refused(f"There are {len(faces)} faces in {options.photo} ({boxes}).", "Say which one: --face 0")
    for remark in draft.state["photo"]["report"]:
        if remark["level"] != "good":
            print(f"  {remark['en']}", file=sys.stderr)
    if len(options.voice) > 12:
        raise Refused("Twelve recordings are the most.", "Put them into one file.")
    for k, file in enumerate(options.voice):
        beside = file.with_suffix(".txt")
        text = beside.read_text(encoding="utf-8") if beside.is_file() else ""
        draft.voice(_file(file), "file" if len(options.voice) == 1 else str(k), text, options.language, own_text=True)
        for remark in draft.state["clips"][-1]["report"]:
            if remark["level"] != "good":
                print(f"  {file.name}: {remark['en']}", file=sys.stderr)
    if options.ready:
        draft.ready({"voice": options.ready})
    if draft.nobodys:
        print(f"  {STATEMENT_NOBODY['en']}", file=sys.stderr)
        return
    if not options.consent:
        statement = STATEMENT if options.photo is not None else STATEMENT_VOICE
        raise Refused(f"Nobody has agreed. The statement is:\n  {statement['en']}\n",
                      'If you agree: --consent "Your name" (and --relation permission for another person)',
                      code="consent")
    draft.agree({"agreed": True, "who": options.consent, "relation": options.relation, "for": options.purposes.split(","),
                 "scope": options.scope})


def _invent(draft: Any, options: argparse.Namespace) -> None:
    """The draft's face, from words and a seed. Raises Refused."""
    from .create import inventing
    seed = secrets.randbelow(inventing.MOST_SEED) if options.seed is None else options.seed
    if not 0 <= seed < 2**31:
        raise Refused(f"--seed {seed} is no seed.", "Give a whole number from 0 to 2147483647.")
    read = inventing.understood(options.invent)
    if read["left"]:
        print(f"  Not understood: {', '.join(read['left'])}", file=sys.stderr)
    inventor = draft.drafts.inventor
    face = next(inventor.faces(read["asked"], seed, words=options.invent, count=1))["face"]
    print(f"  {face['about']['en'] or 'A face'}, by {face['engine']} from seed {seed}", file=sys.stderr)
    inventing.used(draft, face["engine"], face["recipe"], inventor.portrait(face["recipe"], engine=face["engine"]))


def _character(draft: Any, file: Path) -> dict[str, Any]:
    """The form's fields of a persona file or a Character Card."""
    from persona import form
    from persona.card import CardError, Persona
    try:
        if file.suffix.lower() in (".yaml", ".yml") or file.is_dir():
            return form.to_fields(Persona.load(file))
        data = _file(file)
        if file.suffix.lower() == ".json" and b'"first_mes"' not in data and b'"spec"' not in data:
            return form.to_fields(Persona.load(file))
        for note, _ in draft.card(data, file.name):
            print(f"  {note}", file=sys.stderr)
        return dict(draft.state["persona"])
    except CardError as error:
        raise Refused(error.message, error.hint) from None


def _list(options: argparse.Namespace) -> int:
    from .store import Twins
    for twin in shelf().list(me().id):
        print(f"{twin.id:<32} {twin.persona.text('name', 'en')}{'  (behind a passphrase)' if twin.locked else ''}")
    for twin in Twins().values():
        print(f"{twin.id:<32} {twin.persona.text('name', 'en')}  (default)")
    return 0


def _export(options: argparse.Namespace) -> int:
    if options.html or options.static:
        return _alone(options)
    if options.space:
        from .share import space
        space.write(shelf(), any_twin(options.twin), options.space, hardware=options.hardware, mind=options.mind,
                    progress=lambda step: print(step.en, file=sys.stderr, flush=True))
        return 0
    from .store import export
    twin = _mine(options.twin)
    passphrase = _passphrase("A passphrase for the file: ", twice=True) if options.passphrase else ""
    place = shelf()
    if twin.key is not None and place.guarded(twin.owner, twin.id):
        place.hold(twin)
    data = export(place, twin, passphrase)
    write(options.output, data)
    print(f"{options.output}: {len(data) / 2**20:.1f} MB, with the consent inside{', encrypted' if passphrase else ''}.")
    return 0


def _alone(options: argparse.Namespace) -> int:
    """The twin as one HTML file, or the folder of a Static Space around it."""
    from .share import alone
    twin = any_twin(options.twin)
    languages = ("en", "zh") if options.lang == "both" else (options.lang,)
    page = asyncio.run(page_of(twin, languages, options.endpoint, options.answers))
    told = f"{len(page.data) / 2**20:.1f} MB, {page.spoken} answers spoken beforehand, {page.written} written"
    if options.static:
        alone.static(twin, page.data, options.static)
        print(f"{options.static}: a Static Space ({told}).")
    else:
        write(options.html, page.data)
        print(f"{options.html}: {told}. A double click opens it.")
    for note in page.notes:
        print(note, file=sys.stderr)
    return 0


async def page_of(twin: Any, languages: tuple[str, ...], endpoint: str, answers: int) -> Any:
    """The last step of share.alone.html; how far it is goes to the terminal."""
    from .meet import Host
    from .registry import Registry
    from .share import alone
    registry, told = Registry(load()), -1
    try:
        async with aclosing(alone.html(Host(registry), twin, languages=languages, endpoint=endpoint, answers=answers)) as steps:
            async for step in steps:
                if sys.stderr.isatty():
                    print(f"\r{step.en:<50.50} {step.done:4.0%} ", end="", file=sys.stderr, flush=True)
                elif told < (told := int(10 * step.done)):           # a log gets eleven lines
                    print(f"{step.done:4.0%} {step.en}", file=sys.stderr, flush=True)
    finally:
        print(file=sys.stderr)
        registry.close()
    return step


def any_twin(name: str) -> Any:
    """One of my twins, or else a default one. Raises Missing."""
    from .store import Twins
    twin = own(name, "talk") or Twins().get(name)
    if twin is None:
        raise Missing(f"There is no twin called {name!r}.", "python -m twin list says which there are.")
    return twin


def write(path: Path, data: bytes) -> None:
    """A file a person named, whole or not at all. Raises TwinError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise TwinError(f"{path} cannot be written: {error.strerror}.", "Name a file in a folder that exists.") from None
    finally:
        beside.unlink(missing_ok=True)


def _train(options: argparse.Namespace) -> int:
    from .create.lessons import Lessons
    twin, place = _mine(options.twin), shelf()
    place.present = lambda owner: True                   # as long as this command runs
    if twin.key is not None and place.guarded(twin.owner, twin.id):
        place.hold(twin)
    lessons = Lessons(place)
    if options.on or options.off or options.share:
        lessons.switch(twin, on=options.on or (False if options.off else None), public=options.share == "yes" if options.share else None)
    elif options.forget:
        lessons.forget(twin)
    else:
        return _learn(options, twin, lessons)
    told = lessons.told(place.get(twin.owner, twin.id))
    worn = f"{'on' if told['on'] else 'off'}, {'goes along' if told['public'] else 'stays here'} when shared"
    print(f"{twin.id}: {worn if told['learned'] else 'nothing learned'}")
    return 0


def _learn(options: argparse.Namespace, twin: Any, lessons: Any) -> int:
    """Gather the words, let the trainer go, and say how it went: 0 where what was learned is worn, 3 where it was not worth it."""
    from .create.lessons import Pupil, suits
    from .registry import Registry
    registry = Registry(load())
    try:
        found = registry.pupil()
        pupil = suits(Pupil(**found) if found else None)
    finally:
        registry.close()
    if not options.resume:
        words = _words(options, twin, pupil)
        told = words.told()
        print(f"{told['exchanges']} exchanges of {told['talks']} conversations to learn from.", *(f"  {note['en']}" for note in told["left"]), sep="\n")
        if options.look:
            return 0
    run, said = (lessons.go_on(twin) if options.resume else lessons.begin(twin, words, pupil, options.minutes)), ""
    try:
        while not run.over.wait(0.5):
            line = f"{run.done:4.0%} {run.note.get('en', '')}"
            if sys.stderr.isatty():
                print(f"\r{line:<70.70}", end="", file=sys.stderr, flush=True)
            elif said[5:] != line[5:]:
                print(line, file=sys.stderr, flush=True)
            said = line
    except KeyboardInterrupt:
        lessons.pause(twin)
        print(f"\nStopped; what was learned so far is kept. Go on: python -m twin train {twin.id} --resume", file=sys.stderr)
        return 130
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if run.failed:
        raise TwinError(run.failed["en"])
    report = lessons.told(lessons.shelf.get(twin.owner, twin.id))["report"]
    after = report["probes"]["after"] or {}
    print(report["why"]["en"])
    surprise, judged = report["perplexity"], report["exchanges"]["judged"]
    print(f"  perplexity of words it had not seen: {surprise['before']} before, {surprise['after']} after ({judged} exchanges)")
    for kind, (passed, of) in report["probes"]["before"].items():
        print(f"  probes, {kind}: {passed}/{of} before" + (f", {after[kind][0]}/{after[kind][1]} after" if kind in after else ""))
    return 0 if report["kept"] else 3


def _words(options: argparse.Namespace, twin: Any, pupil: Any) -> Any:
    """All that was named, cleaned. Raises TwinError."""
    from persona.card import LANGUAGES, CardError
    from persona.lines import parse_lines

    from .create import words as room
    from .read import read

    def paragraphs(name: str, data: bytes) -> list[tuple[str, str]]:
        return [(block.text, block.heading) for block in read(name, data).blocks]
    names = [name for name in twin.persona.name.values() if name]
    rows: list[Any] = []
    others: list[str] = []
    try:
        for file in options.words:
            came, strangers = room.gathered(file.name, _file(file), options.who or names[0], paragraphs)
            rows, others = rows + came, others + strangers
        if not options.no_examples:
            lines = {code: parse_lines(twin.read(name), name) if twin.has(name := f"lines.{code}.yaml") else () for code in LANGUAGES}
            rows += room.of_lines(lines, {"name": names[0], "first": names[0].split()[0]})
    except CardError as error:
        raise Refused(error.message, error.hint) from None
    return room.cleaned(rows, others, [*names, options.who], pupil.languages)


def _import(options: argparse.Namespace) -> int:
    from .create import measure
    from .store import bring_in
    from .store.bundle import MOST_BYTES, too_large
    try:
        if options.file.stat().st_size > MOST_BYTES:
            raise too_large(options.file.stat().st_size)
    except OSError as error:
        raise Missing(f"{options.file} cannot be read: {error.strerror}.", "Name a .twin file.") from None
    data, place, user = _file(options.file), shelf(), me()
    try:
        twin = bring_in(place, user.id, data)
    except Locked:
        twin = bring_in(place, user.id, data, _passphrase("Passphrase of the file: "))
    measure(place, user.id, twin.id)
    print(f"{twin.id} is there. Talk with it: python -m twin talk {twin.id}")
    return 0


def _consent(options: argparse.Namespace) -> int:
    from .trust import allows, reference, renewed, scope_of, vouched
    twin, place = _mine(options.twin), shelf()
    record = json.loads(twin.read("consent.json"))
    if options.scope and options.scope != scope_of(record):
        allows(record, record["for"][0], place.data)
        if twin.key is not None and place.guarded(twin.owner, twin.id):
            place.hold(twin)
        record = renewed(record, scope=options.scope, folder=place.data)
        place.note(twin.owner, twin.id, "consent.json", json.dumps(record, ensure_ascii=False, indent=1).encode())
    print(f"{record['who']} ({record['relation']}), {record['when']}: for {', '.join(record['for'])}, {scope_of(record)}")
    for part, found in record.get("verified", {}).items():
        print(f"  {part}: {found['state']}{' (' + found['why'] + ')' if found.get('why') else ''}")
    print(f"  reference {reference(record)}, signed {vouched(record, place.data)}\n  {record['statement']}")
    return 0


def _withdraw(options: argparse.Namespace) -> int:
    from .share.account import client
    from .share.withdraw import again, standing, withdraw
    place, user = shelf(), me()
    if not options.twin:
        for repo in again(place, user.id, lambda: client(own=True)):
            print(f"unpublished {repo}")
        return 0
    twin = _mine(options.twin)
    if twin.key is not None and place.guarded(twin.owner, twin.id):
        place.hold(twin)
    done = withdraw(place, twin, lambda: client(own=True))
    for repo in done.unpublished:
        print(f"unpublished {repo}")
    for gone in done.removed:
        print(f"removed {gone['en']}")
    if done.standing:
        print(f"Still published: {', '.join(done.standing)}. {done.why} Once that is mended: python -m twin withdraw", file=sys.stderr)
    return 1 if standing(place, user.id) else 0


def _me(options: argparse.Namespace) -> int:
    from . import me as mine
    from .create import Drafts
    from .share.account import client
    place, user = shelf(), me()
    about = mine.known(place, user.id)
    line = (f"{about['twins']} twins, {about['conversations']} conversations, {about['films']} films{', a draft' if about['draft'] else ''}: "
            f"{about['bytes'] / 2**20:.1f} MB in {place.data}")
    if options.what == "show":
        print(line)
        return 0
    drafts = Drafts(place)
    try:
        with drafts.of(user.id, user.key) as draft:
            if options.what == "export":
                beside = options.output.with_name(f".{options.output.name}.{secrets.token_hex(4)}.part")
                try:
                    told = mine.handed_over(place, user.id, draft, beside)
                    os.replace(beside, options.output)
                except OSError as error:
                    raise TwinError(f"{options.output} cannot be written: {error.strerror}.", "Name a file in a folder that exists.") from None
                finally:
                    beside.unlink(missing_ok=True)
                print(f"{options.output}: {line}")
                if told["locked"]:
                    print(f"Behind a passphrase, and not in it: {', '.join(told['locked'])}.", file=sys.stderr)
                return 0
            if not options.yes and (not sys.stdin.isatty() or input(f"{line}. Erase all of it? Write yes: ").strip() != "yes"):
                raise Refused("Nothing was erased.", "To erase without being asked: --yes")
            draft.throw_away()
            done = mine.erased(place, user.id, lambda: client(own=True))
    finally:
        drafts.close()
    for gone in done["removed"]:
        print(f"removed {gone['en']}")
    if done["standing"]:
        print(f"Still published: {', '.join(done['standing'])}. Once you are signed in: python -m twin withdraw", file=sys.stderr)
    return 1 if done["standing"] else 0


def _check(options: argparse.Namespace) -> int:
    """0: it is marked and whole; 1: a mark is broken; 3: there is no mark, or nobody's word for one."""
    from .trust import check
    report = check.check_file(options.file, load().folder("data"))
    told = report.told()
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        print(f"{options.file.name} ({report.kind}): {told['summary']['en']}")
        for finding in report.findings:
            print(f"  {({'good': '+', 'warn': '-', 'bad': '!'})[finding.level]} {finding.en}")
    return {"made": 0, "signed": 0, "broken": 1}.get(report.verdict, 3)


def _delete(options: argparse.Namespace) -> int:
    from .share.withdraw import delete
    place, user = shelf(), me()
    if not place.has(user.id, options.twin):
        raise Missing(f"You have no twin called {options.twin!r}.", "python -m twin list says which there are.")
    removed, left = delete(place, user.id, options.twin)
    for gone in removed:
        print(f"removed {gone['en']}")
    if left:
        print(f"Still published: {', '.join(left)}. To take that down as well: python -m twin withdraw", file=sys.stderr)
    return 0


def _mine(name: str) -> Any:
    twin = own(name)
    if twin is None:
        raise Missing(f"You have no twin called {name!r}.", "python -m twin list says which there are.")
    return twin


def _file(path: Path) -> bytes:
    """A file's bytes, bounded before it is read."""
    try:
        if path.stat().st_size > 256 * 2**20:
            raise Refused(f"{path} has {path.stat().st_size / 2**20:,.0f} MB, which is too much.", "Choose a smaller file.")
        return path.read_bytes()
    except OSError as error:
        raise Missing(f"{path} cannot be read: {error.strerror}.", "Check the name.") from None


def _passphrase(prompt: str, twice: bool = False) -> str:
    if given := os.environ.get("TWIN_PASSPHRASE", ""):
        return given
    if not sys.stdin.isatty():
        raise Locked("A passphrase is needed.", "Set TWIN_PASSPHRASE, or run this in a terminal.")
    said = getpass.getpass(prompt)
    if twice and getpass.getpass("Once more: ") != said:
        raise Refused("These were two different passphrases.", "Try again.")
    return said
