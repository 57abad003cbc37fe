"""What an English sentence tells about the user and their people: clauses, whom each is about, and what its verb says. Pure; see learn.py."""
from __future__ import annotations

import re
from collections.abc import Mapping

from persona import days, kin
from persona.fact import Learned

_JOBS = (r"(?:teacher|nurse|doctor|engineer|lawyer|accountant|chef|cook|baker|driver|pilot|painter|plumber|electrician|carpenter|farmer|gardener|dentist|vet|surgeon|pharmacist|"
         r"architect|designer|developer|programmer|coder|writer|author|journalist|editor|translator|interpreter|photographer|musician|singer|actor|actress|dancer|artist|"
         r"scientist|researcher|biologist|chemist|physicist|mathematician|economist|psychologist|therapist|physiotherapist|midwife|paramedic|firefighter|fireman|policeman|"
         r"policewoman|police officer|soldier|sailor|judge|clerk|secretary|receptionist|assistant|manager|director|consultant|analyst|banker|salesman|saleswoman|cashier|waiter|"
         r"waitress|barista|bartender|barber|hairdresser|tailor|mechanic|builder|bricklayer|welder|butcher|fisherman|librarian|student|professor|lecturer|tutor|coach|trainer|"
         r"priest|monk|nun|imam|rabbi|politician|entrepreneur|freelancer|retiree|pensioner|housewife|homemaker|trucker|courier|postman|cleaner|janitor|caretaker|nanny|carer|"
         r"optician|optometrist|radiologist|cardiologist|beekeeper|florist|jeweller|potter|sculptor|illustrator|composer|conductor|geologist|archaeologist|historian|"
         r"statistician|actuary|auditor|broker|realtor|estate agent|travel agent|tour guide|flight attendant|social worker|civil servant|data scientist|"
         r"\w{3,}(?:ologist|ographer|maker|keeper|worker|technician|specialist|operator|instructor|officer|agent|dealer|smith|wright|eer|ician))")
JOB = rf"(?:an? |the )?(?P<o>(?:(?!not\b|fan\b|good\b|bad\b|terrible\b|great\b)[\w'-]+ ){{0,3}}{_JOBS})(?:\b(?! of\b))"
_NAME = r"(?P<o>[A-ZÀ-Þ][\w'’-]*(?: (?!And\b|But\b|I\b)[A-ZÀ-Þ][\w'’-]*){0,2}|[a-z]{2,14}(?=$))"
_PLACE = r"(?P<o>(?:the |a |an )?[\w'’. -]{2,60})"
_REST = r"(?P<o>.{2,90})"
_COUNT = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|several|some|no|\d{1,2})"
_ILL = (r"(?:type [12] )?(?:diabetes|asthma|migraines?|arthritis|epilepsy|anxiety|depression|adhd|autism|dyslexia|insomnia|hypertension|high blood pressure|low blood pressure|"
        r"cancer|anaemia|anemia|eczema|tinnitus|sciatica|hay fever|coeliac disease|celiac disease|ibs|crohn's(?: disease)?|parkinson's|alzheimer's|dementia|(?:a )?(?:bad|sore|broken) "
        r"(?:back|knee|leg|arm|wrist|ankle|foot|hip|shoulder)|(?:a )?(?:heart|thyroid|kidney|back|knee|hip|sleep) (?:condition|problems?|disease)|a pacemaker|the flu|covid)")
_STATUS = r"(?P<o>married|single|divorced|engaged|widowed|separated|pregnant|retired|unemployed|self-employed|in a relationship)"
_DIET = r"(?P<o>(?:a |an )?(?:strict )?(?:vegetarian|vegan|pescatarian|lactose[ -]intolerant|gluten[ -]free|gluten[ -]intolerant|coeliac|celiac|teetotal|halal|kosher|on a diet|keto))"
_LANGS = (r"(?:english|german|french|spanish|italian|portuguese|dutch|swedish|norwegian|danish|finnish|polish|czech|russian|ukrainian|greek|turkish|arabic|hebrew|hindi|urdu|bengali|"
          r"tamil|chinese|mandarin|cantonese|japanese|korean|vietnamese|thai|indonesian|malay|swahili|irish|welsh|catalan|basque|hungarian|romanian|bulgarian|serbian|croatian|latin|"
          r"esperanto|sign language|icelandic|estonian|latvian|lithuanian|persian|farsi|gujarati|punjabi)")
_INSTRUMENTS = (r"(?:the |a )?(?:piano|guitar|violin|cello|flute|drums?|bass|trumpet|saxophone|clarinet|harp|ukulele|accordion|viola|oboe|trombone|keyboard|football|soccer|tennis|chess|"
                r"basketball|golf|rugby|cricket|hockey|badminton|volleyball|table tennis|squash|video games|poker|go|bridge|handball|baseball|banjo|mandolin|organ|recorder)")
_GOES = r"(?:going|flying|travell?ing|driving|moving|heading|off|returning|coming|visiting|starting|taking|having|getting|meeting|seeing|running|leaving|graduating|retiring|hosting|joining|" \
        r"attending|expecting|sitting|playing|giving|throwing|staying|sailing|cycling|hiking|celebrating|training|launching|defending|performing|competing|presenting|interviewing)"
_ENDED = r"(?: any ?more| any longer| now)?"

# (predicate, what the verb says, from the subject's end on; `o` is the object), in their order; the first that fits counts
_SAYS: tuple[tuple[str, str, str], ...] = (
    ("name", "add", rf"(?:(?:am|is|are) (?:called|named)|go(?:es)? by|(?:am|is) known as) (?:the name (?:of )?)?{_NAME}"),
    ("death", "add", r"(?:has |have )?(?P<o>died|passed away|passed)(?=$| (?:away|on|in|last|this|yesterday|years?|two|a )\b).*"),
    ("status", "add", r"(?:am|is|are|got|just got|have been|has been) (?:now |just |finally |happily |newly |recently )*" + _STATUS + r"\b.*"),
    ("diet", "end", rf"(?:am|is|are) (?:not|no longer) {_DIET}{_ENDED}"),
    ("diet", "add", rf"(?:am|is|are|became|went|have gone|turned) (?:now |also |both )*{_DIET}\b.*"),
    ("diet", "add", r"(?:(?:do|does|can) not|never) (?P<o>eats? (?!out\b|breakfast\b|much\b|enough\b|any ?thing\b)[\w ,'-]{3,40}|drinks? (?:alcohol|coffee|milk|tea))"),
    ("allergy", "add", r"(?:am|is|are) (?:very |severely |really |badly |also |highly |deathly |quite )*allergic to (?P<o>[\w ,'-]{2,60})"),
    ("allergy", "add", r"(?:have|has|have got) (?:a|an) (?:\w+ )?(?P<o>[\w-]+) allergy\b.*"),
    ("health", "add", rf"(?:have|has|suffers? from|was diagnosed with|have been diagnosed with|has been diagnosed with|struggles? with|lives? with|have got) (?P<o>{_ILL})\b.*"),
    ("health", "add", r"(?:am|is) (?P<o>diabetic|asthmatic|epileptic|dyslexic|autistic|deaf|blind|colou?r[ -]blind|short-sighted|hard of hearing|in (?:the )?hospital)\b.*"),
    ("age", "add", r"(?:am|is|are|just turned|turned|have just turned|has just turned|turns|will be|will turn|(?:am|is|are) turning) (?:now |only |already |almost |nearly |about )*(?P<o>\d{1,3})"
                   r"(?: years? old| years? of age| now| today| this year)?(?: (?:on|in|next|this|last|yesterday|tomorrow|today)\b.*)?$"),
    ("age", "add", r"(?:am|is|are|turned|just turned|turns|(?:am|is|are) turning) (?P<o>(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|"
                   r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)(?: years? old)?(?: (?:on|in|next|this|last|yesterday|tomorrow|today)\b.*)?$"),
    ("age", "add", r"(?:am|is) an? (?P<o>\d{1,3})[ -]year[ -]old\b.*"),
    ("birthday", "add", rf"(?:was|were) born (?:on )(?P<o>(?:the )?\d.*|{days._MONTH} \d.*)"),
    ("born", "add", r"(?:was|were) born in (?P<o>(?:19|20)\d\d)"),
    ("origin", "add", rf"(?:am|is|are|come|comes|came) (?:originally |actually )?from {_PLACE}|(?:was|were) born (?:and raised )?in {_PLACE.replace('<o>', '<o2>')}|"
                      rf"(?:grew up|was raised|was brought up) in {_PLACE.replace('<o>', '<o3>')}"),
    ("home", "plan", rf"(?:(?:am|is|are) (?:moving|going to move|about to move)|will move|plans? to move|want to move) (?:back )?to {_PLACE}"),
    ("home", "was", rf"(?:used to live|lived|was living|were living|had lived) (?:in|on|at|near) {_PLACE}"),
    ("home", "end", rf"(?:do|does) not live (?:in|at|on|near) {_PLACE}{_ENDED}$|(?:moved (?:away|out)|left) (?:from|of) {_PLACE.replace('<o>', '<o2>')}$"),
    ("home", "add", rf"(?:live|lives|(?:have|has) (?:lived|been living)|living|am living|is living|are living|reside|resides|am based|is based|are based|based|settled|settled down|am staying for good|bought a (?:house|flat)|"
                    rf"rent a (?:flat|room)) (?:now |currently |together |alone )*(?:in|on|at|near|outside|with) {_PLACE}"),
    ("home", "add", rf"(?:have |has )?(?:just |recently |finally |since |now )*(?:moved|relocated|emigrated) (?:back |house |home |over |out |down |up )*(?:from [\w' ]+? )?to {_PLACE}"),
    ("employer", "end", rf"(?:do|does) not work (?:at|for|with) (?P<o>[\w'&. -]+?){_ENDED}$|(?:have |has )?(?:just )?(?:quit|left|resigned from|was fired from|got fired from|was laid off from) "
                        rf"(?:my |the |his |her |their )?(?:job|work|position)(?: at (?P<o2>.+))?$|(?:no longer work|no longer works) (?:at|for|with) (?P<o3>.+)"),
    ("employer", "end", r"(?:do|does) not work there(?: any ?more)?|no longer works? there|(?:got|was|were|have been|has been) (?P<o>fired|laid off|made redundant)\b.*|lost (?:my|his|her|their) job\b.*"),
    ("employer", "end", r"(?:have |has )?(?:just |recently |finally )*(?:quit|resigned)$"),
    ("job", "was", rf"(?:used to be|was|was formerly) {JOB}(?: .*)?$"),
    ("employer", "was", r"(?:used to work|worked) (?:at|for|with) (?P<o>[\w'&. -]{2,50})"),
    ("working hours", "add", r"works? (?P<o>nights|night shifts?|part[ -]time|full[ -]time|shifts|from home|weekends|remotely)\b.*"),
    ("job", "add", rf"(?:work|works|am working|is working|are working|have been working|has been working) as {JOB}(?: .*)?$"),
    ("job", "add", r"(?:work|works|am working|is working|are working|have been working|has been working) as (?P<o>(?:an? )?[\w' -]{3,40}?)(?: (?:at|for|with|in) .*)?$"),
    ("job", "add", rf"(?:am|is|are|became|have become|has become|was promoted to|got promoted to|am training to be|is training to be) (?:now |also |currently |actually )*{JOB}(?: .*)?$"),
    ("employer", "add", r"(?:work|works|am working|is working|are working|have been working|has been working) (?:now |currently )*(?:at|for|with) (?P<o>[\w'&. -]{2,50})"),
    ("employer", "add", r"(?:have |has )?(?:just |recently |now )*(?:joined|got a (?:new )?job (?:at|with)|started (?:working |a (?:new )?job |work )?(?:at|for|with)|got hired (?:by|at)) (?P<o>[\w'&. -]{2,50})"),
    ("field", "add", r"(?:work|works|am working|is working) in (?P<o>[\w' -]{2,40})"),
    ("job", "add", r"(?:drives? (?P<o>a (?:taxi|bus|truck|lorry|tram|train)) for a living|runs? (?P<o2>an? (?:small |little |tiny )?[\w -]*?(?:shop|café|cafe|bakery|restaurant|farm|business|company|"
                   r"bookshop|hotel|studio|garage|school|bar|salon|start-?up))\b)"),
    ("studies", "add", r"(?:study|studies|am studying|is studying|are studying|am doing a degree in|majors? in|am majoring in|is majoring in|am reading) (?P<o>[\w' -]{3,60})"),
    ("school", "add", r"(?:go|goes|went|am going) to (?P<o>(?:[\w' -]+ )?(?:school|university|college|kindergarten|nursery)\b.*)|am in (?:my )?(?P<o2>(?:first|second|third|fourth|final|last) year .*)"),
    ("did", "add", r"(?P<o>graduated (?:from|in) .+|retired\b.*)"),
    ("likes", "end", r"(?:do|does) not (?:like|love|enjoy) (?P<o>.+?)(?: any ?more| any longer)$|no longer (?:like|likes|love|loves|enjoys?) (?P<o2>.+)"),
    ("dislikes", "add", r"(?:really |absolutely |just |also )*(?:do not|does not|did not) (?:really |particularly )?(?:like|love|enjoy|care for) (?P<o>.+)|"
                        r"(?:really |absolutely |just |also )*(?:hate|hates|dislike|dislikes|detest|detests|loathe|loathes|can not stand|can not bear|despise|despises) (?P<o2>.+)|"
                        r"(?:am|is) not (?:a (?:big |huge )?fan of|keen on|fond of|into) (?P<o3>.+)"),
    ("likes", "add", r"(?:really |absolutely |just |also |quite |do |still |always )*(?:like|likes|love|loves|enjoy|enjoys|adore|adores|prefer|prefers) (?P<o>.+)|"
                     r"(?:am|is|are) (?:really |very |quite |totally |also )*(?:into|fond of|keen on|crazy about|passionate about|obsessed with|mad about|a (?:big |huge |great )?fan of) (?P<o2>.+)"),
    ("afraid", "add", r"(?:am|is) (?:really |very |terribly |a bit |quite )*(?:afraid|scared|terrified|frightened) of (?P<o>.+)|(?:have|has) a (?:fear|phobia) of (?P<o2>.+)"),
    ("speaks", "add", rf"(?:can |also |already )*(?:speak|speaks) (?:some |a little |a bit of |fluent |good )*(?P<o>{_LANGS}(?:(?:,| and|, and) (?:some |a little |a bit of )?{_LANGS})*)\b.*"),
    ("learns", "add", r"(?:am|is|are|have been|has been|started|have started|am currently) (?:currently |now )*(?:learning|taking lessons in|taking up) (?:how )?(?P<o>(?!about\b|that\b|a lot\b).+)"),
    ("plays", "add", rf"(?:also |can |often |sometimes )*(?:play|plays) (?P<o>{_INSTRUMENTS}\b.*)|(?:am|is) (?P<o2>in a (?:band|choir|football team|chess club|book club)\b.*)"),
    ("plan", "add", rf"(?:am|is|are|will be) (?P<o>{_GOES}\b.*)"),
    ("plan", "add", r"(?:will|shall|plans? to|am planning to|is planning to|are planning to|intends? to|hopes? to|am hoping to|am about to|is about to) (?!not\b|never\b|probably\b|be back\b)(?P<will>.{4,90})"),
    ("event", "add", r"(?:have|has|have got|got) (?P<o>(?:an?|my|our|the|two|three|some) (?:\w+ ){0,4}?(?:exam|test|interview|appointment|meeting|deadline|presentation|wedding|operation|surgery|"
                     r"check-?up|scan|concert|party|flight|trip|date|match|game|race|marathon|conference|lesson|class|audition|recital|reunion|viewing|trial|hearing|driving test)s?\b.*)"),
    ("wants", "add", r"(?:really |always |have always )*(?:want|wants|wanted|would love|would like|dreams?) (?:to|of) (?P<o>(?!know\b|ask\b|say\b|tell\b|hear\b|talk\b|see you\b|thank\b|be honest\b|understand\b).{3,80})"),
    ("has", "add", rf"(?:have|has|have got|has got) (?P<o>{_COUNT} (?:[\w-]+ ){{0,2}}?(?:{kin._EN_WORDS})(?:s|es|ren)?)\b(?P<tail>.*)"),
    ("has", "add", rf"(?:have |has )?(?:just |recently |finally )*(?:adopted|got|bought|rescued|found) (?P<o>(?:an?|two|three|some) (?:[\w-]+ ){{0,3}}?(?:{'|'.join(sorted((w for w, s in kin._EN.items() if s in kin.ANIMALS), key=len, reverse=True))})s?)\b(?P<tail>.*)"),
    ("owns", "end", r"(?:have |has )?(?:just |recently |finally )*(?:sold|lost|gave away|crashed|scrapped) (?:my |his |her |our |the )(?P<o>[\w' -]{2,40})"),
    ("owns", "add", r"(?:have|has|have got|has got|own|owns|drive|drives|ride|rides) (?P<o>(?:an?|my own|two|three) (?!question|problem|idea|feeling|look|chat|talk|minute|moment|headache|cold|bad day|"
                    r"good day|great day|lot|bit|few|hard|point|dream|good time|nice|walk|break|chance)[\w' ,-]{2,50})"),
    ("owns", "add", r"(?:have |has )?(?:just |recently |finally )*(?:bought|got|inherited) (?:myself |himself |herself )?(?P<o>(?:an?|my first|a new|two) (?!job|call|message|letter|email|cold|headache|raise|"
                    r"feeling)[\w' ,-]{2,50})"),
    ("does", "add", r"(?:also |often |usually |always |sometimes )*(?:collects?|go|goes|do|does|practi[cs]es?|volunteers?|sings?|runs?|swims?|cycles?|paints?|knits?|bakes?|grows?|keeps?|coaches?|teaches?|writes?) "
                    r"(?P<o>(?!not\b|to bed\b|back\b|on\b|you\b).{2,60})"),
    ("feeling", "skip", r"(?:am|feel|feeling|was) (?:so |very |really |a bit |quite |too )*(?:sad|happy|tired|bored|lonely|angry|stressed|excited|nervous|fine|good|great|ill|sick|ok|okay|sorry|sure)\b.*"),
)
_ROWS = tuple((predicate, change, re.compile(rf"(?:{pattern})", re.IGNORECASE if predicate != "name" else 0)) for predicate, change, pattern in _SAYS)
_VERBS = (r"(?:is|was|are|am|has|have|had|lives?|works?|likes?|loves?|hates?|moved|plays?|speaks?|stud(?:y|ies)|enjoys?|will|used|got|owns?|wants?|can|cannot|teaches|runs|drives|"
          r"came|comes|grew|collects?|adores?|does|do|prefers?|just|also|really|now|joined|left|quit|started|turned|turns|bought|sold|died|passed|married|goes|drinks|eats|dislikes?|never)")
_SUBJECT = re.compile(
    rf"(?:(?P<me>I|me)|(?P<mine>[Mm]y|[Oo]ur) (?P<noun>{kin.NOUN_EN})(?P<es>s(?= are| have| live| both))?(?:,? (?:is |called |named )?(?P<name>(?!I\b)(?:(?:Dr|Mrs?|Ms|Miss|Professor)\.? (?=[A-ZÀ-Þ]))?[A-ZÀ-Þ][\w’-]*),?)?|"
    rf"(?P<who>[Hh]e|[Ss]he|[Tt]hey|[Ii]t|[Ww]e))(?=\s|$|[,'’])")
_THING = re.compile(r"^(?:[Mm]y|[Oo]ur) (?P<thing>(?!god\b|goodness\b|turn\b|point\b|bad\b|question\b|opinion\b|guess\b|advice\b|fault\b|day\b|life\b|problem\b|mind\b|heart\b|thoughts?\b|name\b)"
                    r"[a-zà-ÿ][\w-]*(?: [a-z][\w-]*){0,3}?)(?P<poss>'s [a-z]+(?: [a-z]+)?)? (?:is|are|was|'s) (?P<verb>called |named |on |in |at )?(?P<o>.{1,80})$")
_POSSESSED = re.compile(
    rf"^(?:(?:[Mm]y|[Oo]ur) (?P<noun>{kin.NOUN_EN})(?:,? (?P<name>[A-ZÀ-Þ][\w’-]*),?)?(?:'s|s')|(?P<pro>[Mm]y|[Hh]is|[Hh]er|[Ii]ts|[Tt]heir)|(?P<known>[A-ZÀ-Þ][\w’-]*)'s) "
    r"(?P<what>(?:full |first |last |middle |nick|favou?rite )?(?:name|birthday|age|job|profession|occupation|hometown|employer|address|phone number|number|email|surname|nickname|star sign|"
    r"(?<=ite )[a-z]+(?: [a-z]+)?|husband|wife|partner|boyfriend|girlfriend|son|daughter|dog|cat|diet|height|weight|shoe size|blood type|native language|mother tongue))"
    r" (?:is|are|was|'s|has always been|used to be) (?P<o>.{1,80})$")
_LEAD = re.compile(
    r"^(?:(?:well|so|oh|yes|yeah|yep|no|and|but|also|hi|hello|hey|hiya|ok|okay|anyway|by the way|btw|you know(?: what)?|guess what|fun fact|honestly|to be honest|actually|currently|now|today|"
    r"yesterday|recently|lately|last (?:week|month|year|night|summer|winter|spring|autumn|fall)|these days|at the moment|as i said|as you know|i think|i guess|i told you(?: that)?|you should know(?: that)?|"
    r"just so you know|for the record|remember(?: that)?|please remember(?: that)?|don'?t forget(?: that)?|great news|good news|big news|bad news|sad news|news|finally|in fact|speaking of which|good morning|good evening|"
    r"good afternoon|did i mention(?: that)?|i forgot to (?:say|mention|tell you)(?: that)?|i should (?:say|mention)(?: that)?|i have to say|thanks?|thank you|sorry|as of (?:today|now|this week)|in (?:19|20)\d\d|since \w+|"
    r"this (?:week|month|year|morning|afternoon|evening)|(?:a few |two |three |several )(?:days|weeks|months|years) ago|unfortunately|luckily|happily|sadly|at home|at work|since then|"
    r"between you and me|keep this to yourself|(?:this is )?(?:just )?between us|don'?t tell anyone(?: but)?|it's a secret(?: but)?|funny you ask|funnily enough|apparently|correction|i meant|i mean|and yes|about me)\b[\s,:;.!–—-]*)+", re.IGNORECASE)
_TAIL = re.compile(r"(?:[\s,]+(?:now|too|also|as well|by the way|btw|actually|though|these days|at the moment|currently|you know|lol|haha|right now|anyway|of course|if you must know|in case you wonder(?:ed)?|"
                   r"any ?more|again|at last|already|since then|for now|as you know|so far|thanks|thank you|today|yesterday|last (?:week(?:end)?|month|year|night|summer|winter|spring|autumn|fall|\w+day)|"
                   r"(?:a few|two|three|several|\d+) (?:days|weeks|months|years) ago|this (?:week|month|year)|recently|with my \w+|for (?:about |over |almost |nearly )?(?:\w+|\d+) years(?: now)?|since \w+(?: \w+)?))+$", re.IGNORECASE)
_TIME = ("plan", "event", "birthday", "studies", "wants", "did", "does", "is")          # objects that keep their time
_SPLIT = re.compile(rf"\s*(?:;|–|—|--)\s*|\s*,\s*(?:and |but |so |or |which means |because |as |since |though )?(?=(?:I|my|our|he|she|they|it|we) |I'|[A-Z]\w+ {_VERBS}\b|{_VERBS}\b)|"
                    rf"\s+(?:and|but|while|whereas|because|so|although|though|since|where)\s+(?=(?:then |now |also )?(?:I|[Mm]y|our|he|she|they|it|we|{_VERBS})\b)|\s+(?:and|but)\s+(?=[A-Z]\w+ {_VERBS}\b)|\s*,?\s+who\s+(?={_VERBS}\b)")


def spelled(text: str) -> str:
    """Contractions written out, case kept: "I'm" -> "I am"; an 's that owns something stays."""
    text = re.sub(r"[’`´]", "'", text)
    text = re.sub(r"\b[Ii]'?m\b", "I am", text)
    text = re.sub(r"\b[Ii]\b(?!')", "I", text)
    text = re.sub(r"\b[Ii]'", "I'", text)
    for pattern, with_ in ((r"\bcan'?t\b", "can not"), (r"\bcannot\b", "can not"), (r"\bwon't\b", "will not"), (r"n't\b", " not"), (r"\bdont\b", "do not"), (r"\bdoesnt\b", "does not"), (r"\bive\b", "I have"),
                           (r"'re\b", " are"), (r"'ve\b", " have"), (r"'ll\b", " will"), (r"'d (?=love|like|rather|be)", " would "), (r"'d\b", " had"),
                           (r"\b([Hh]e|[Ss]he|[Ii]t|[Tt]hat|[Tt]here|[Ww]ho)'s (?=been|got|moved|just|gone|become|turned|started|passed|joined|left|quit)", r"\1 has "),
                           (r"\b([Hh]e|[Ss]he|[Ii]t|[Tt]hat|[Tt]here|[Ww]ho)'s\b", r"\1 is"), (r"\bgonna\b", "going to"), (r"\bwanna\b", "want to"), (r"\bfavorite\b", "favourite"), (r"\bcolor\b", "colour")):
        text = re.sub(pattern, with_, text)
    text = re.sub(r"\b((?:[Mm]y|[Oo]ur) (?:\w+ )?\w+)'s (?=(?:a|an|the|in|at|on|called|named|from|allergic|turning|getting|going|coming|moving|not|now|very|really|\d+)\b)", r"\1 is ", text)
    return re.sub(r"\bname's\b", "name is", text)


def facts(sentence: str, known: Mapping[str, str], last: str) -> tuple[list[Learned], str]:
    """(what a sentence tells, whom it was about last). `known`: names in lower case -> subjects; `last`: whom "she" means."""
    found: list[Learned] = []
    about, named = last, ""
    fresh = False                                        # whether this sentence has named its subject
    for clause in _clauses(spelled(sentence)):
        clause = _first(_LEAD.sub("", clause).strip(" ,.!;:"))
        if not clause or _hypothetical(clause):
            continue
        owned = _owned(clause, known, about)
        if owned:
            found += owned
            about, fresh = next((item.subject for item in owned if item.subject != kin.USER), about), True
            continue
        subject, name, rest = _subject(clause, known, about)
        if not subject and fresh and re.match(rf"(?:{_VERBS}|not)\b", clause):
            subject, name, rest = about, named, clause
        if not subject:
            if thing := _thing(clause):
                found.append(thing)
                about, fresh = thing.subject, True
            elif re.match(r"(?:broke|split) up\b", clause) and fresh:
                found += _parted(clause)
            continue
        about, named, fresh = subject, name, True
        if name and subject not in (kin.USER, "children", "parents", "family"):
            found.append(Learned(subject, "name", name, named=name))
        found += _said(subject, name, rest.strip(" ,"))
    return found, about


def _first(clause: str) -> str:
    """A clause that begins with its subject: "Next week I am starting ..." -> "I am starting ... next week", "Just moved" -> "I moved"."""
    clause = re.sub(rf"^(?:[Mm]y|[Oo]ur) (?:{kin.NOUN_EN})(?: [A-Z]\w+)? and I (?:are|were)\b", "I am", clause)
    if (hit := days.WHEN_EN.match(clause)) and re.match(r",? (?:I|[Mm]y|[Ww]e|[Hh]e|[Ss]he)\b", clause[hit.end():]):
        return f"{clause[hit.end():].lstrip(', ')} {hit[0][:1].lower() + hit[0][1:] if not re.match(rf'(?i){days._MONTH}', hit[0]) else hit[0]}"
    return re.sub(r"^(?:Just |Finally |Recently )?(?=(?:[Mm]oved|[Gg]ot a|[Bb]ought|[Aa]dopted|[Jj]oined|[Qq]uit|[Tt]urned|[Gg]raduated) )([A-Za-z])", lambda hit: f"I {hit[1].lower()}", clause)


def _clauses(sentence: str) -> list[str]:
    return [part for part in _SPLIT.split(sentence) if part and part.strip()]


def _hypothetical(clause: str) -> bool:
    return bool(re.match(r"(?:if|suppose|supposing|imagine|pretend|what if|let us say|let's say|assume|assuming|unless|in case|whether|say i|as if|when i (?:am|was|were|grow|become|get)\b.*\bwill)\b", clause, re.IGNORECASE)
                or re.search(r"\b(?:I wish|if only|would have|could have|might|could be|would be|were I)\b|\bI (?:am not sure|do not know|doubt|wonder)\b", clause))


def _subject(clause: str, known: Mapping[str, str], last: str) -> tuple[str, str, str]:
    """(subject, the name said with it, the rest of the clause); "" where the clause has none that is known."""
    if hit := _SUBJECT.match(clause):
        rest = clause[hit.end():]
        if hit["me"]:
            return kin.USER, "", rest
        if hit["noun"]:
            subject = kin.english(hit["noun"])
            if hit["es"] or re.match(r"\s*'s ", rest):
                rest = re.sub(r"^\s*'s ", " is ", rest)
            name = hit["name"] or ""
            if name and re.match(rf"(?i)(?:{_VERBS})$", name):
                return subject, "", f" {name}{rest}"
            if name and re.search(r"\b(?:is|called|named) ?,?$", clause[:hit.start("name")].rstrip()) is None and not re.match(r"\s*(?:$|[,'’]|\w)", rest):
                name = ""
            return subject, name, rest
        who = hit["who"].lower()
        if who == "we":
            return kin.USER, "", re.sub(r"^ are\b", " am", rest)
        if last and last != kin.USER and (who != "it" or kin.head(last) in kin.ANIMALS or not kin.kin(last)) and not (kin.sex(last) and who in ("he", "she") and kin.sex(last) != {"he": "m", "she": "f"}[who]):
            return last, "", rest
        return "", "", clause
    if (hit := re.match(r"([A-ZÀ-Þ][\w’-]*)(?=\s|'s )", clause)) and (subject := known.get(hit[1].lower(), "")):
        return subject, "", re.sub(r"^'s ", " is ", clause[hit.end():])
    return "", "", clause


def _owned(clause: str, known: Mapping[str, str], last: str) -> list[Learned]:
    """"My sister's name is Ana", "her birthday is on 5 May", "my favourite colour is blue"."""
    hit = _POSSESSED.match(clause)
    if not hit:
        return []
    pro = (hit["pro"] or "").lower()
    subject = kin.english(hit["noun"]) if hit["noun"] else kin.USER if pro == "my" else known.get(hit["known"].lower(), "") if hit["known"] else last if last != kin.USER else ""
    what, value = hit["what"].lower().replace("favorite", "favourite"), _trimmed(hit["o"], hit["what"].lower())
    if not subject or not value or re.match(r"(?:not|what|how|none|a secret|hard|difficult|long)\b", value):
        return []
    if (other := kin.english(what)) and what not in ("dog", "cat") and hit["pro"] is None or other and pro != "my":
        return [Learned(f"{subject}'s {other}", "name" if re.match("[A-Z]|called", value) else "is", re.sub(r"^called ", "", value))]
    if other:
        return []
    predicate = {"full name": "name", "first name": "name", "profession": "job", "occupation": "job", "hometown": "origin", "number": "phone", "phone number": "phone", "mother tongue": "native language"}.get(what, what)
    if predicate == "name":
        value = _name(value)
    if predicate == "age":
        value = re.sub(r"\D", "", value) or value
    if predicate in ("birthday",):
        value = re.sub(r"^(?:on|is) ", "", value)
    if predicate == "job":
        value = re.sub(r"^(?:an?|the) ", "", value)
    change = "was" if re.search(r" (?:was|used to be) [^ ]*" + re.escape(hit["o"][:4]), clause) else "add"
    named = hit["name"] or ""
    rows = [Learned(subject, "name", named, named=named)] if named else []
    return rows + ([Learned(subject, predicate, value, change=change, named=named if predicate != "name" else "")] if value else [])


def _thing(clause: str) -> Learned | None:
    """"My car is a red Volvo", "my flight is at nine"."""
    hit = _THING.match(clause)
    if not hit or re.search(r"\b(?:password|passcode|pin|credit card|card number)\b", hit["thing"].lower()):
        return None
    if kin.english(hit["thing"]):
        return None
    verb, value = (hit["verb"] or "").strip(), _trimmed(hit["o"], "is")
    if not value or re.match(r"(?:not|so|very|too|really|always|never|going to|that|what|because|to\b)\b", value.lower()):
        return None
    subject = hit["thing"].lower()
    if hit["poss"]:
        return Learned(subject, hit["poss"][3:].strip(), f"{verb} {value}".strip() if verb not in ("called", "named") else value)
    if verb in ("called", "named"):
        return Learned(subject, "name", value)
    return Learned(subject, "is", f"{verb} {value}".strip())


def _said(subject: str, name: str, rest: str) -> list[Learned]:
    """What the rest of a clause says of its subject."""
    rest = re.sub(r"^(?:(?:also|actually|really|just|now|currently|still|both|then|finally|recently|myself|usually|absolutely|already) )+", "", rest)
    rest = re.sub(r"^(have|has|am|is|are) (?:(?:also|actually|just|now|currently|recently|finally|always|already|still) )+", r"\1 ", rest)
    if parted := _parted(rest):
        return parted
    if wed := re.match(r"(?:am|is|got|just got|have been) (married|engaged) to (?:an? )?(.+)", rest):
        return _wed(subject, wed[1], wed[2])
    if dating := re.match(r"(?:am|started|have been|am now) (?:dating|seeing|going out with) ([A-Z]\w+)", rest):
        return [Learned("partner", "name", dating[1])] if subject == kin.USER else []
    for predicate, change, pattern in _ROWS:
        hit = pattern.match(rest)
        if not hit:
            continue
        if change == "skip":
            return []
        groups = hit.groupdict()
        value = next((groups[key] for key in ("o", "o2", "o3") if groups.get(key)), "")
        if groups.get("will"):
            value = f"going to {groups['will']}"
        if predicate == "plan" and not _planned(value):
            continue
        if predicate in ("age", "name") and not value:
            continue
        return [*_made(subject, name, predicate, change, value, groups), *_more(subject, predicate, rest)]
    if (bare := re.match(r"(?:is|am) ([A-ZÀ-Þ][\w’-]+)$", rest)) and subject != kin.USER:
        return [Learned(subject, "name", bare[1])]
    return []


def _planned(value: str) -> bool:
    """A plan names a day, or goes somewhere; "having a good time" is none."""
    if re.search(r"\b(?:good|great|bad|hard|rough|fun|nice|lovely) (?:time|day|week)\b|\b(?:crazy|mad|insane|well|on here|to (?:bed|sleep|work|eat|lunch|dinner|rain|snow|be (?:honest|fine|late))|old|better|worse|tired|bored|used to)\b", value):
        return False
    return bool(days.found(value, "en") or re.match(r"(?:coming to (?:visit|stay|see)|going|flying|travell?ing|driving|heading|moving|off|sailing|cycling|hiking) (?:back |over |out |home )?to\b|(?:visiting|meeting|starting|joining|getting married|"
                                                    r"getting a|expecting|hosting|attending|running|launching|leaving|retiring|graduating|training)", value))


def _made(subject: str, name: str, predicate: str, change: str, value: str, groups: Mapping[str, str | None]) -> list[Learned]:
    value = _trimmed(value, predicate)
    if change == "plan":                                 # a move that is still to come
        return [Learned(subject, "plan", f"moving to {value}")]
    if predicate == "name":
        value = _name(value)
    elif predicate in ("home", "origin"):
        value = re.sub(r"^(?:a |the )(?=[A-Z])", lambda hit: hit[0], value)
        value = re.split(r"\s+(?:with|for|since|because|when|but|as|until|at the age|after|during|from)\s", value)[0]
        if re.match(r"(?:my|the same|love|peace|fear|hope|a dream|different|trouble|bed|here|there)\b", value.lower()) and predicate == "origin" or value.lower() in ("here", "there", "hell", "work"):
            return []
        if re.match(r"my |our |a |him|her|them", value.lower()) and predicate == "home":
            value = f"with {value}" if "parent" in value or kin.english(value.split(" ", 1)[-1]) else value
    elif predicate == "employer":
        value = re.split(r"\s+(?:as|in|since|for|because|now|on|which|where|last|this|two|three)\s", value)[0]
        if re.match(r"(?:night|home|it|him|her|them|myself|a living|the moment)\b", value.lower()):
            return []
    elif predicate == "job":
        value = re.sub(r"^(?:an?|the) (?=\w)", "", value)
    elif predicate == "speaks":
        value = ", ".join(part[:1].upper() + part[1:] for part in re.split(r",? and |, ", re.sub(r"\b(?:some|a little|a bit of) ", "", value)) if part)
    elif predicate == "diet":
        value = re.sub(r"^(?:eats?|drinks?) (?:any )?", "no ", value)
    elif predicate == "status":
        value = value.lower()
    elif predicate in ("likes", "dislikes"):
        value = re.sub(r" (?:to|over|rather than) .+$", "", value) if re.match(r"\w+ (?:to|over|rather) ", value) else value
        if re.search(r"\byou\b", value) or re.match(r"(?:you|it|that|this|him|her|them|how|when|what|to know|to ask|to tell|to say|to talk|talking (?:to|with) you|your|if|so much|a lot)\b", value.lower()):
            return []
    elif predicate == "has":
        return _having(subject, value, (groups.get("tail") or "").rstrip(" ,"))
    if not value and change != "end":
        return []
    return [Learned(subject, predicate, value, change=change, named=name if predicate != "name" else "")]


def _more(subject: str, predicate: str, rest: str) -> list[Learned]:
    """A second fact behind the first: "a nurse at Bosch", "moved to Leeds from York", "biology at Porto"."""
    if predicate in ("job",) and (hit := re.search(r"\b(?:at|for|with) (?:the |a |an )?([A-ZÀ-Þ][\w'&. -]{1,40})$", rest)):
        return [Learned(subject, "employer", _trimmed(hit[1], "employer"))]
    if predicate == "employer" and (hit := re.search(rf"\bas {JOB}", rest)):
        return [Learned(subject, "job", re.sub(r"^(?:an?|the) ", "", hit["o"]))]
    if predicate == "age" and (hit := re.search(r"\band (?:lives?) in ([A-Z][\w ]+)$", rest)):
        return [Learned(subject, "home", hit[1])]
    return []


def _having(subject: str, value: str, tail: str) -> list[Learned]:
    """"two brothers", "a dog called Rex", "a sister named Ana who ...", "two cats, Tom and Kit"."""
    noun = re.sub(rf"^{_COUNT} ", "", value)
    bare = re.sub(r"(?<=[^s])s$|(?<=ch)ildren$", lambda hit: "ild" if hit[0] == "ildren" else "", noun.split()[-1])
    whose = kin.english(" ".join([*noun.split()[:-1], bare])) or kin.english(bare)
    if not whose:
        return []
    rows = [] if value.startswith("no ") else [Learned(subject, "has", value)]
    names = re.match(r"(?:[:, ]*(?:called|named|whose names? (?:is|are)|by the name of|and (?:his|her|its|their) names? (?:is|are)) |[:,(] ?)((?:[A-ZÀ-Þ][\w’-]*)(?:(?:, | and |, and | & )[A-ZÀ-Þ][\w’-]*)*)", tail)
    if subject == kin.USER and names:
        each = re.split(r", and |, | and | & ", names[1])
        rows += [Learned(whose, "name", name, named=name if len(each) > 1 or whose in kin.SEVERAL else "") for name in each]
    elif names:
        rows.append(Learned(f"{subject}'s {whose}", "name", names[1]))
    if subject == kin.USER and whose in kin.ANIMALS and (breed := " ".join(noun.split()[:-1])) and re.search(r"[a-z]{4}", breed):
        rows.append(Learned(whose, "is", f"{'an' if breed[0] in 'aeiou' else 'a'} {noun}", named=re.split(r",| and ", names[1])[0] if names else ""))
    return rows


def _parted(rest: str) -> list[Learned]:
    hit = re.match(r"(?:have |has |just |recently |finally )*(?:(?:broke|broken|split) up|separated|got divorced|divorced|am divorced|am no longer with|am not with)\b(?: (?:with|from))?(?: (?:my )?(?:\w+ )?([A-Z]\w+|\w+))?", rest)
    return [Learned("partner", "*", hit[1] or "", change="end"), Learned(kin.USER, "status", "divorced" if "divorce" in rest else "single")] if hit else []


def _wed(subject: str, status: str, whom: str) -> list[Learned]:
    rows = [Learned(subject, "status", status)]
    if (name := re.match(r"([A-ZÀ-Þ][\w’-]*(?: [A-ZÀ-Þ][\w’-]*)?)", whom)):
        rows.append(Learned("partner" if subject == kin.USER else f"{subject}'s partner", "name", name[1]))
    elif subject == kin.USER and (job := re.match(JOB, whom)):
        rows.append(Learned("partner", "job", job["o"]))
    return rows


def _name(value: str) -> str:
    hit = re.match(r"(?:called |named )?([A-ZÀ-Þ][\w'’-]*(?: (?!And\b)[A-ZÀ-Þ][\w'’-]*){0,2}|[a-z]{2,14}$)", value.strip())
    if not hit or hit[1].lower() in ("the", "a", "an", "not", "it", "called", "so", "very", "short", "for"):
        return ""
    return hit[1] if any(c.isupper() for c in hit[1]) else hit[1].title()


def _trimmed(value: str, predicate: str) -> str:
    """Without what only fills the sentence, and without a second clause; a time stays where it belongs to the thing."""
    value = value.strip(" ,.!;:")
    if predicate not in _TIME:
        value = _TAIL.sub("", value)
        value = re.split(r"\s+(?:because|but|although|though|when|since|which|who|if|so that|even though)\s|\s*\(|\s+–\s|\.\s", value)[0]
    else:
        value = re.split(r"\s+(?:because|but|although|though|so|which|since)\s|\.\s", re.sub(r"(?:[\s,]+(?:by the way|btw|actually|you know|lol|haha|too|as well|finally))+$", "", value))[0]
    return value.strip(" ,.!;:")[:120]


def corrected(text: str) -> tuple[str, str]:
    """(the right value, the wrong one or "") where a sentence puts right what was said before: "no, it's Anna with two n's"; else ("", "")."""
    plain = re.sub(r"[’]", "'", text).strip(" .!")
    led = re.match(r"(?:(?:no|nope|sorry|oops|wait|actually|correction|hold on|my mistake|my bad|i meant|i mean|not quite|wrong)\b[\s,.:;!–—-]*)+", plain, re.IGNORECASE)
    rest = plain[led.end():] if led else plain
    wrong = ""
    if hit := re.match(r"(?:(?:it|that|she|he|they|her name|his name|my name|the name)(?:'s| is| was| are|'re) )?(?:called |spelled |spelt |named )?(.+?),? (?:and )?not ([\w' -]+)$", rest, re.IGNORECASE):
        rest, wrong = hit[1], hit[2]
    elif hit := re.match(r"(?:it|that|she|he)(?:'s| is) not ([\w' -]+?)(?:,? but|,|;| -) ?(?:it's |it is |she's |he's )?(.+)$|not ([\w' -]+?),? but (.+)$", rest, re.IGNORECASE):
        rest, wrong = hit[2] or hit[4], hit[1] or hit[3]
    elif not led or led[0].lower().strip(" ,") in ("no",) and not re.match(r"(?:it|that|she|he|they|i meant|the|her|his)\b|[A-Z]\w+ with\b|\w+$", rest, re.IGNORECASE):
        return "", ""
    value = re.sub(r"^(?:it|that|she|he|they|her name|his name|its name|the name|i meant|i mean)(?:'s| is| was| are|'re)? (?:called |named |spelled |spelt |actually |really )*", "", rest, flags=re.IGNORECASE)
    value = re.split(r",? (?:with (?:an?|one|two|double|no)|without|spelled|spelt|like|as in|to be precise)\b", value)[0].strip(" ,.!")
    value = re.sub(r"^(?:actually|really|not) ", "", value)
    if not value or len(value.split()) > 5 or re.match(r"(?:i|my|we|you|what|why|how|do|does|did|don't|not|thanks?|ok|okay|never|please|nothing|fine|true|right|wrong|sorry|yes|problem|way|idea)\b", value.lower()):
        return "", ""
    return value, wrong.strip(" .!")
