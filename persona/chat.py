"""What kind of thing the user says: a question, a statement about themselves, a follow-up; and how anybody takes up a statement. Pure."""
from __future__ import annotations

import re

from persona.words import normal_en, normal_zh, simplify, spell_out

_ASKS_EN = re.compile(r"^(what|who|whom|whose|where|when|why|how|which|do|does|did|is|are|am|was|were|can|could|will|would|shall|should|"
                      r"may|might|have|has|had|tell|give|show|sing|write|explain|help|let|"
                      r"say|make|teach|recommend|suggest|describe|name|list|guess|read|translate|define|compare|any|got(?! to\b)|ever|want|know|"
                      r"spell|count|talk|play)\b")
_ASKS_ZH = re.compile(r"[?？吗呢么]|([\u4e00-\u9fff])不\1|什么|怎么|谁|哪|几|多少|为什么|是不是|有没有|会不会|能不能|如何|可以|多大|多久|多远|多高|多长|多重|"
                      r"多深|多快|(给|帮|告诉|教|"
                      r"陪)我|^你(最|的).{2,8}$|啥|咋|下一?句|(?<=[好会爱能行是对有要累贵难远养喝吃甜辣])不$|^(讲|说|唱|写|念|推荐|介绍|解释|翻译|猜|来)")
_FOLLOW = (                                              # (kind, English over normal_en, Chinese over bare)
    ("why",
     r"^(?:(?:ha)+ |lol |lmao |hm+ |huh |wow |oh |ok |but )*(why|why so (?:many|much|few|little|long|early|late|high|big|small|old|cheap|far|"
     r"expensive)|why that many|why not|why is that|why so|how come|what for|and why|why do you (say|think) (that|so)|what makes you say that|"
     r"why that( one)?)$",
     r"^(那)?(你)?(为什么|为啥|为何|怎么会|凭什么|为什么(这么|这样|呢|这么说|会这样|不)|怎么说|此话怎讲|为什么是它)(呀|啊|呢|"
     r"吗)*$"),
    ("then",
     r"^(then|and then|then what|what then|and then what|what (happened|came) (next|then|after( that)?)|what next|"
     r"and after( that)?|go on|continue|carry on|keep going|and|next|so what happened)$",
     r"^(那|然后|后来|接着|之后|再后来|接下来|那后来|那然后|再然后|继续)+(呢|怎么样|怎么了|怎样|说|讲|发生了什么|吧|啊)*$"),
    ("really",
     r"^(really|are you sure|is that (so|true|right)|seriously|for real|no way|honestly|truly|you sure|oh really|wow really|"
     r"sure)$",
     r"^(真的|是吗|真的假的|不会吧|你确定|确定|当真|真是这样|真的是这样|是真的|有这回事|你认真的|骗人)(吗|呀|啊|么|吧)*$"),
    ("more",
     r"^(tell me (a bit |a little |some |something )?more|more|tell me more about (that|it|this|him|her|them)|(can|"
     r"could) you (tell me more|elaborate|explain( that)?)|what else|anything else|more details?|say more|elaborate|"
     r"i want to (know|hear) more|tell me about (it|that)|please (do|tell me)|what about it|interesting tell me more|"
     r"another( one)?|one more|else)$",
     r"^(再|多|详细|具体|继续)?(说|讲|聊|介绍|展开)(说|讲|聊)?(说|讲)?(一)?(点|些|下|说|讲|详细点|具体点)(吧|呗|看)*$|^(还有(呢|"
     r"吗|什么|别的)?|多说(一)?(点|些)|再来一个|再讲一个|讲讲看|说说看|说来听听|比如|比如说|举个例子|比方说|再说点|愿闻其详|"
     r"展开说说|怎么讲|另一个|换一个)(呢|吗|吧|呗)*$"),
    ("you",
     r"^(what about you|how about you|and you|and yourself|and yours|you|what about yours|how about yourself|yours)$",
     r"^(那)?(你)(自己)?(呢|觉得呢|怎么样呢)$|^你的呢$|^那你$"),
    ("yes",
     r"^(yes|yeah|yep|yup|sure|of course|ok|okay|please|yes please|definitely|absolutely|certainly|alright|all right|why not|"
     r"sounds good|go ahead|i would( love to)?|let us do it|fine|good|great|yes i do|yes of course|y|i do|i am|sure thing|"
     r"gladly|with pleasure|right|exactly|true|correct|cool|nice|k|kk)$",
     r"^(好|好的|好啊|好呀|行|行啊|可以|可以啊|嗯+|是|是的|是啊|对|对的|对啊|没错|当然|当然了|当然可以|要|要啊|想|想啊|想听|"
     r"来吧|说吧|讲吧|好吧|ok|okay|成|没问题|可以的|有|有啊|会|愿意|恩|哦+|噢|原来如此|这样啊|知道了|明白了|不错|挺好)$"),
    ("no",
     r"^(no|nope|nah|not really|no thanks|no thank you|not now|not yet|never|never mind|nothing|no i do not|not at all|n|"
     r"not today|maybe later|i do not|i am not|none|no way)$",
     r"^(不|不用|不要|不了|不是|没有|没|不想|算了|不用了|还没|没什么|没事|不行|不好|不太想|不需要|下次吧|改天吧|以后再说|不对|"
     r"没有啊|并没有|不会)(了|吧|啊|呢)*$"),
    ("unsure",
     r"^(i do not know|not sure|i am not sure|no idea|dunno|maybe|perhaps|whatever|anything|you choose|you decide|it depends|"
     r"i guess( so)?|something|up to you)$",
     r"^(不知道|不清楚|不确定|说不好|随便|都行|都可以|无所谓|也许|可能吧?|大概|看情况|你定|你来定|你决定|你说了算|没想好|"
     r"随你)(吧|啊|呢)*$"),
)
_KINDS = tuple((kind, re.compile(en), re.compile(zh)) for kind, en, zh in _FOLLOW)

# How anybody takes up a statement: (id of the line, English over spell_out without punctuation, Chinese over bare); group 1 is taken up.
_STATED = (
    ("said-like",
     r"^i (?:really |also |just |do |still )*(?:like|love|enjoy|adore|am into|am a fan of) (?!you\b|this\b|that\b|it\b|to be\b|"
     r"how\b|your\b|when\b)([\w' -]{2,40})$",
     r"^我(?:也|很|最|特别|非常|挺|超|真的|比较|平时)*(?:喜欢|爱)(?!你|上|这|那|的|过)([\w]{1,12}?)(?:了|的|呀|啊)*$"),
    ("said-dislike",
     r"^i (?:really |just )*(?:hate|dislike|can not stand|do not like|detest) (?!you\b|this\b|that\b|it\b|myself\b|my life\b|"
     r"your\b)([\w' -]{2,40})$",
     r"^我(?:很|最|特别|真的|挺)*(?:讨厌|不喜欢|受不了|烦)(?!你|我|自己|这|那|活)([\w]{1,12}?)(?:了|的|呀|啊)*$"),
    ("said-from",
     r"^i (?:am from|come from|live in|grew up in|was born in|moved to|am in) ([\w' -]{2,40})$",
     r"^我(?:来自|住在|住|出生在|老家在|老家是|家在|现在在|在)([\u4e00-\u9fffA-Za-z]{2,8}?)(?:住|生活|长大|那边)*(?:的)?$|"
     r"^我是([\u4e00-\u9fffA-Za-z]{2,6})人$"),
    ("said-job",
     r"^i (?:work as|am|used to be|am studying to be) (an? (?!bit\b|little\b|lot\b|human\b|person\b|robot\b|fan\b|mess\b|"
     r"loser\b|bad\b|good\b|big\b|huge\b|vegetarian\b|vegan\b)[\w' -]{3,30})$",
     r"^我(?:是|做|当)(?:一?[个名位])?((?!好|坏|人|真|谁)[\u4e00-\u9fff]{0,6}(?:师|员|生|工|医生|护士|律师|司机|经理|老板|会计|"
     r"农民|厨师|程序员|教授|家|警察|军人))(?:的)?$"),
    ("said-have",
     r"^i (?:have|have got|own|got|just got|adopted|just bought|bought) ((?:an?|two|three|four|some|my own) (?!question|problem|"
     r"idea|headache|cold|fever|joke|secret|exam|test|job|meeting|feeling|lot|bad|gun|date|interview|dream|plan|"
     r"cough)[\w' -]{2,40})$",
     r"^我(?:家|也)*(?:有|养了?|买了?)(?:一|两|三|四|几)?[个只条辆台匹把本座间套](?!问题|想法|主意|秘密|疑问|请求|考试|会|毛病|"
     r"约会|梦|面试|计划)([\u4e00-\u9fff]{1,10})$"),
    ("said-going",
     r"^i (?:am going to|will|am planning to|want to|would like to|plan to|am about to) (?!die\b|kill\b|hurt\b|know\b|talk\b|"
     r"ask\b|hear\b|be alone\b|sleep\b|sue\b|see you\b|buy\b|order\b|book\b|have sex\b|learn about you\b)([\w' -]{3,60})$",
     r"^我(?:打算|准备|计划|想要?|要|正要)(?:去)?(?!死|问|知道|听|跟你|和你|找你|买|订|哭|睡|走|你|告)([\u4e00-\u9fff]{2,14})$"),
    ("said-age",
     r"^i (?:am|just turned|turned) (\d{1,3})(?: years old)?$",
     r"^我(?:今年)?([\d一二三四五六七八九十]{1,4}岁)(?:了)?$"),
    ("said-did",
     r"^(?:today |yesterday )?i (?:just )?((?:went|visited|saw|watched|read|made|cooked|baked|played|painted|travelled|finished|"
     r"met)\b.*)",
     r"^(?:我|今天|昨天|周末|刚才|刚刚|上午|下午|早上|晚上)+((?:去|看|吃|做|玩|读|逛|爬|跑|画|拍|听|见)(?:.{0,8})了.*)$"),
    ("said-skill",
     r"^i (?:can|know how to|play|am learning(?: to)?|am good at) (?!not\b|hear\b|see\b|you\b)([\w' -]{3,40})$",
     r"^我(?:会|在学|学过|擅长)(?!死|想|不|去|的|好起来|努力|加油)([\u4e00-\u9fff]{2,8})$"),
)
_STATEMENTS = tuple((own, re.compile(en), re.compile(zh)) for own, en, zh in _STATED)


def bare_zh(text: str) -> str:
    return re.sub(r"[^\w]", "", simplify(text))


def is_question(text: str, language: str) -> bool:
    """Whether the user wants something said, rather than says something."""
    if "?" in text or "？" in text:
        return True
    if language == "zh":
        return bool(_ASKS_ZH.search(simplify(text)))
    return bool(_ASKS_EN.match(normal_en(text)) or _ASKS_EN.match(spell_out(text)))


def follow_up(text: str, language: str) -> str:
    """why, then, really, more, you, yes, no, unsure; or "" where the text stands on its own."""
    if language == "zh":
        bare = re.sub(r"^(哦|噢|嗯|啊|哎|诶|哇|那|对了|好吧|哈哈)+(?=.{2,})", "", bare_zh(text))
        return next((kind for kind, _, zh in _KINDS if zh.search(bare) or zh.search(bare_zh(text))), "")
    plain = " ".join(re.sub(r"[^\w\s]", " ", spell_out(text)).split())
    led = normal_en(text)
    return next((kind for kind, en, _ in _KINDS if en.search(plain) or en.search(led)), "")


def stated(text: str, language: str) -> tuple[str, str] | None:
    """(id of the line that takes it up, what is taken up), or None."""
    if is_question(text, language):
        return None
    if language == "zh":
        said = bare_zh(text)
        for own, _, zh in _STATEMENTS:
            if found := zh.search(said):
                return own, next(group for group in found.groups() if group)
        return None
    said = " ".join(re.sub(r"[^\w\s'-]", " ", spell_out(text)).split())
    for own, en, _ in _STATEMENTS:
        if found := en.search(said):
            return own, _turned(_cased(found.group(1), text))
    return None


def mirrored(text: str, language: str) -> str:
    """"I like tea" as the question back to the twin, "do you like tea"; "" where it cannot be turned."""
    if language == "zh":
        said = normal_zh(text)
        said = re.sub(r"[一二两三四五六七八九十几\d]+[只条个辆]", "", said)
        return re.sub(r"(?<=[养有买])了", "", said).replace("我", "你") + "吗" if said.startswith("我") and not is_question(text, language) else ""
    said = " ".join(re.sub(r"[^\w\s'-]", " ", spell_out(text)).split())
    for pattern, with_ in ((r"^i am (fine|good|well|great|ok|okay|doing \w+|not bad|alright)\b.*", "how are you"), (
        r"^my name is .*|^i am called .*", "what is your name"),
                           (r"^i am \d+.*", "how old are you"), (r"^i (?:am|come) from .*", "where are you from"), (r"^i live in .*",
                               "where do you live"),
                           (r"^i (?:work|am an?) .*", "what do you do for work"), (r"^my favourite (.*?) is .*",
                               r"what is your favourite \1"),
                           (r"^i (like|love|have|play|want|hate|enjoy|need|know|drink|eat|speak) (.*)", r"do you \1 \2"), (r"^i am (.*)",
                               r"are you \1")):
        if re.match(pattern, said):
            return _turned(re.sub(pattern, with_, said))
    return ""


def _turned(text: str) -> str:
    """my -> your, me -> you."""
    swap = {"my": "your", "me": "you", "mine": "yours", "myself": "yourself", "i": "you", "our": "your"}
    return " ".join(swap.get(word.lower(), word) for word in text.split())


def _cased(part: str, text: str) -> str:
    """`part` as the user wrote it, with their capitals."""
    found = re.search(re.escape(part), text, re.IGNORECASE)
    return found.group() if found else part
