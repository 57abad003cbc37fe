"""What a Chinese sentence tells about the user and their people. Pure; see learn.py. Works on simplified characters."""
from __future__ import annotations

import re
from collections.abc import Mapping

from persona import days, kin
from persona.fact import Learned
from persona.words import simplify

_END = r"(?=$|[，,。.！!；;、\s]|了$|呢$|啊$|哦$|呀$|的$)"
_NAME = r"([A-Za-z][A-Za-z .·-]{0,24}[A-Za-z]|[\u4e00-\u9fff·]{1,4}?)"
_COUNT = r"[一两二三四五六七八九十几\d]{1,3}"
_UNIT = "[个只条位名匹辆台部套头尾对把架间栋双]"
_JOB = (r"([\u4e00-\u9fff]{0,8}(?:老师|教师|医生|护士|律师|司机|厨师|会计|设计师|程序员|工程师|演员|歌手|画家|作家|记者|编辑|翻译|警察|军人|消防员|农民|工人|学生|研究生|博士生|大学生|"
        r"教授|经理|老板|店长|店员|服务员|保安|快递员|外卖员|销售|顾问|分析师|摄影师|建筑师|药剂师|理发师|美容师|公务员|秘书|助理|前台|导游|飞行员|空姐|空乘|运动员|教练|木匠|电工|"
        r"水管工|裁缝|兽医|牙医|图书管理员|产品经理|自由职业者|主播|博主|音乐家|钢琴家|舞蹈家|舞者|科学家|研究员|法官|检察官|面包师|咖啡师|调酒师|渔民|家庭主妇|[\u4e00-\u9fff]{1,6}[师员家工]))")
_ILL = r"(糖尿病|高血压|哮喘|偏头痛|抑郁症|焦虑症|失眠|关节炎|癫痫|鼻炎|胃病|胃炎|心脏病|贫血|颈椎病|腰椎间盘突出|近视|色盲|乳糖不耐受?|痛风|湿疹|白内障|[\u4e00-\u9fff]{1,5}癌|甲亢|甲减|肾结石)"
_NOW = r"(?:现在|目前|如今|今年|最近|已经|刚刚|刚|也|就|都|又|还|正在|正|一直|上周|上个月|去年|终于|从小|特别|其实|真的|一般)*"
_ROWS: tuple[tuple[str, str, str], ...] = (
    ("name", "add", rf"(?:的?(?:名字|大名|小名|英文名)(?:是|叫)|(?:名|名字)?叫(?:做|作)?|姓名是)\s*(?!我|什么|啥|上|醒|车|外卖|他|她|你){_NAME}{_END}"),
    ("age", "add", rf"的?(?:年龄是|年纪是)?(?:今年|现在|已经|刚满|刚过|快|满|才|刚|就要|马上|下个月就?|明年就?)*({_COUNT})岁(?:半)?(?:了|啦|生日)?"),
    ("birthday", "add", rf"的?生日(?:是|在|就是)?(?:农历|阳历)?({days._COUNT_ZH}月{days._COUNT_ZH}[号日]?|{days.WHEN_ZH.pattern})|(?:是)?({days._COUNT_ZH}月{days._COUNT_ZH}[号日]?)(?:出生|生的|的生日|过生日)"),
    ("born", "add", r"是?((?:19|20)\d\d)年(?:出生|生)(?:的)?|是?([\d]{2})后"),
    ("home", "was", r"(?:以前|之前|原来|曾经|过去)(?:是)?(?:住在?|在)([\u4e00-\u9fffA-Za-z· ]{2,16}?)(?:住|生活)?(?:过)?" + _END),
    ("plan", "add", rf"((?:{days.WHEN_ZH.pattern})(?:早上|上午|中午|下午|晚上|的)?(?:我)?(?:就|也|还)?(?:要|会|打算|准备|得|想|将|有|和|跟|去|飞|坐|搬|出差|考试|开会|面试|结婚|手术|回|参加|带|陪|见)[^，。！？；]{{1,40}})"),
    ("plan", "add", rf"(?:打算|准备|计划|要|会|想在|将)((?:在)?(?:{days.WHEN_ZH.pattern})[^，。！？；]{{2,40}})|(?:打算|准备|计划)((?!怎么|什么)[^，。！？；]{{2,40}})|要(搬到|搬去|去|飞|回|结婚|生|考|参加|出差)([^，。！？；]{{0,30}})"),
    ("home", "end", r"不(?:再)?住(?:在)?([\u4e00-\u9fff]{1,12}?)了|从([\u4e00-\u9fff]{2,12})搬走了?"),
    ("home", "add", r"(?:刚|又|已经)?(?:从[\u4e00-\u9fff]{2,10})?搬(?:家)?(?:到|去|回|来)了?([\u4e00-\u9fffA-Za-z· ]{2,16}?)(?:了|来了|住|去了|生活)*" + _END),
    ("home", "add", r"的?家(?:现在)?(?:在|住)(?!家)([\u4e00-\u9fffA-Za-z·]{2,16}?)(?:的|那边|住)?" + _END + r"|(?:定居|住)(?:在|到)?(?!院|不|了|得|过)([\u4e00-\u9fffA-Za-z·]{2,16}?)(?:的|那边|呢)?" + _END + r"|在([\u4e00-\u9fffA-Za-z·]{2,10}?)(?:生活|居住|定居)"),
    ("origin", "add", r"来自([\u4e00-\u9fffA-Za-z·]{2,12})|的?老家(?:是|在)([\u4e00-\u9fffA-Za-z·]{2,12}?)(?:的|人)?" + _END + r"|(?:是)?(?:在|出生在|出生于|生在)([\u4e00-\u9fff]{2,10}?)(?:出生|长大|生的)(?:的)?|出生(?:在|于)([\u4e00-\u9fff]{2,10})|"
                      r"是(?!一|个|男|女|好|坏|老|什么|哪|盲|病|工|军|商|诗|主|本地|外地|普通|年轻)([\u4e00-\u9fff]{2,6})人" + _END),
    ("employer", "end", r"(?:已经)?不在([\u4e00-\u9fffA-Za-z]{0,12}?)(?:工作|上班|干|做)了|从([\u4e00-\u9fffA-Za-z]{1,12})(?:辞职|离职)了?|(?:辞职|离职|被裁|被炒|失业|下岗|辞掉工作|辞了工作)(?:员)?(?:了)?"),
    ("status", "add", r"(?:已经|刚|快)?(退休|结婚|离婚|订婚|怀孕|分手|单身|已婚|未婚|丧偶)(?:了|的|啦|快|没多久|不久)*" + _END),
    ("job", "was", rf"(?:以前|之前|原来|曾经|过去)(?:是|当过?|做过?)(?:一[个名位])?{_JOB}"),
    ("employer", "was", r"(?:以前|之前|原来|曾经|过去)在([\u4e00-\u9fffA-Za-z]{2,14}?)(?:工作|上班)"),
    ("job", "add", rf"的?(?:职业|工作)(?:就)?是(?:一[个名位])?([\u4e00-\u9fffA-Za-z]{{2,12}}?){_END}|(?:是|当|做|成了|成为)(?:了)?(?:一[个名位]|一|个|名|位)?(?!好|什么|谁|怎么|我|你|他|她)(?:小学|中学|大学)?{_JOB}(?:的)?{_END}|"
                   rf"在([\u4e00-\u9fffA-Za-z]{{2,16}}?)(?:当|做)?((?:教)?(?<=[当做教])[\u4e00-\u9fff]{{2,8}}?){_END}|做([\u4e00-\u9fff]{{2,6}})的{_END}|开(?:了)?(?:一?[家间个])([\u4e00-\u9fff]{{2,8}}){_END}"),
    ("employer", "add", r"在([\u4e00-\u9fffA-Za-z· ]{2,18}?)(?:里|那边)?(?:工作|上班|任职|打工|实习|干活)|(?:去了|加入了?|跳槽到了?|跳槽去了?|入职了?|换到了?|应聘到了?)([\u4e00-\u9fffA-Za-z]{2,14}?)(?:工作|上班|了)*" + _END),
    ("studies", "add", r"(?:在[\u4e00-\u9fffA-Za-z]{2,12})?(?:学的是|读的是|学|读|念)(?!习|会|过|书|了|校|费|期|不|得|生|着)([\u4e00-\u9fff]{2,10}?专业|医|法律|计算机|英语|数学|物理|化学|生物|经济|金融|会计|设计|美术|音乐|建筑|历史|哲学|中文|新闻)" + _END),
    ("school", "add", r"(?:在|上|读|念)([\u4e00-\u9fffA-Za-z]{0,12}(?:小学|中学|初中|高中|大学|幼儿园|学院|研究生|年级|初[一二三]|高[一二三]|大[一二三四]))(?:读书|上学|念书|读|就读|学习)?|毕业于([\u4e00-\u9fff]{2,14})|从([\u4e00-\u9fff]{2,14})毕业"),
    ("allergy", "add", r"对([\u4e00-\u9fffA-Za-z、和跟与]{1,16}?)(?:严重|很|特别|会|都)*过敏|([\u4e00-\u9fff]{1,5})过敏" + _END),
    ("diet", "end", r"(?:现在|已经)?不(?:再)?吃(素)了"),
    ("diet", "add", r"(?:是)?(吃素|素食者|素食主义者|吃全素|纯素)(?:的|了)?|(?:从来|一点|一向|都)?(不(?:能)?(?:吃|喝)(?!饭|惯|了|完|饱|下|得|东西|苦|亏|早)[\u4e00-\u9fff]{1,8}?)(?:了|的)?" + _END),
    ("health", "add", rf"(?:有|得了|患有|患了|查出|确诊了?|被诊断出?)(?:轻度|严重的?|一点|老毛病)?{_ILL}|(失眠|近视|色盲)(?:很|好|得)?" + _END + r"|(住院|做手术|骨折)了"),
    ("likes", "end", r"(?:现在|已经)?不(?:再)?(?:喜欢|爱)([^，。！？；]{1,16}?)了"),
    ("dislikes", "add", r"(?:最|很|特别|非常|真的|也)*(?:讨厌|不喜欢|不爱|受不了|反感|烦)(?!你|我|他|她|这|那)([^，。！？；]{1,20}?)(?:了|的)?" + _END),
    ("afraid", "add", r"(?:最|很|特别|有点|从小)*(?:害怕|怕|恐惧)(?!你|什么|死了)([\u4e00-\u9fff]{1,8})"),
    ("likes", "add", r"(?:最|很|特别|非常|挺|超|真的|比较|平时|也|还|一直|都|超级|尤其|更)*(?:喜欢|爱|热爱|迷上了?|痴迷于?|偏爱)(?!你|它|他|上你|这|那|我|过|的是|的人|谁|她|他)([^，。！？；]{1,24}?)(?:了|的)?" + _END + r"|是([\u4e00-\u9fffA-Za-z]{2,10})(?:迷|粉丝|球迷)" + _END),
    ("speaks", "add", r"(?:会说|会讲|能说|能讲|讲|说得?一口)(?:流利的|一点点?|点|一些)?((?:[\u4e00-\u9fff]{1,3}[语话文](?:、|和|跟|以及|，)?)+)"),
    ("learns", "add", r"(?:开始|在)(?:自)?学(?:习)?(?!校|生|期|过)([\u4e00-\u9fffA-Za-z]{1,12}?)(?:了|呢)?" + _END + r"|报了([\u4e00-\u9fff]{2,8}班)"),
    ("plays", "add", r"(?:会|常|喜欢)?((?:弹|拉|吹|打|踢)(?:钢琴|吉他|小提琴|大提琴|古筝|二胡|笛子|篮球|足球|乒乓球|羽毛球|网球|排球|鼓|太极|高尔夫|麻将|棒球))"),
    ("has", "add", rf"(?:家(?:里)?)?(?:还)?(?:养|有|领养|收养|买|生)(?:了|着|过)?(?:一|{_COUNT})?(?:{_UNIT})?((?:[\u4e00-\u9fff]{{0,6}}?)({kin.NOUN_ZH}))(?!节|路|肉|汤)(?:[，,]?(?:它|他|她)?(?:名字)?(?:叫|是)(?:做)?{_NAME}{_END})?"),
    ("owns", "end", rf"(?:把)?(?:我的|我)?([\u4e00-\u9fff]{{1,6}}?)(?:已经)?(?:卖了|丢了|卖掉了|弄丢了)|卖(?:掉)?了(?:我的|那[{_UNIT[1:-1]}])?([\u4e00-\u9fff]{{1,6}})"),
    ("owns", "add", rf"(?:买|有|开)(?:了|着)?((?:一|{_COUNT}){_UNIT}(?!问题|想法|朋友|事|人)[\u4e00-\u9fffA-Za-z\d]{{1,12}}?)(?:了)?{_END}"),
    ("death", "add", r"(?:已经|前年|去年|今年|上个月|上周|多年前|几年前)*(去世|走|过世|不在|离世|去天堂)了"),
    ("wants", "add", r"(?:一直|特别|很|的?梦想是|的?愿望是|以后|将来|长大)*(?:想当|想成为|想做|梦想是|愿望是|想去|想学|想买)([^，。！？；]{1,24}?)" + _END),
    ("plan", "add", r"(在?准备(?:考|参加|结婚|搬)[^，。！？；]{1,20})"),
    ("does", "add", r"((?:每天|每周|每个?周末|平时|周末|经常|常常)(?:早上|晚上|下班后|都|去|会)*(?:跑步|游泳|健身|爬山|画画|唱歌|跳舞|做饭|钓鱼|骑车|瑜伽|写作|摄影|种花|下棋|书法)[^，。！？；]{0,10})"),
)
_TABLE = tuple((predicate, change, re.compile(pattern)) for predicate, change, pattern in _ROWS)
_PERSON = re.compile(rf"^(?:我们|咱们|我|咱|俺)?(?:家|的)?(?:的)?(?P<noun>{kin.NOUN_ZH})(?:的(?=名字|生日|年龄|工作|职业|老家|家|爱好|电话))?(?P<name>(?:[A-Z][a-z]+|[小阿老大][\u4e00-\u9fff])(?=是|在|住|叫|今|喜|有|对|会|刚|也|很|最|去|搬|养|的|，|现))?")
_ME = re.compile(r"^(?:我们|咱们|我|咱|俺|本人)(?:自己|家(?!在|住|乡))?(?:是(?=在|对|从|\d|今))?(?!觉得你|说你|问|给你|跟你)")
_PRONOUN = re.compile(r"^(?:他们|她们|它们|他|她|它)")
_LEAD = re.compile(r"^(?:嗯+|哦+|对了|对|其实|那个|话说|是的|没错|好的|好吧|你好|嗨|哈喽|告诉你|跟你说|跟你讲|说起来|顺便说一下|顺便说|顺便|而且|并且|还有|另外|但是|不过|可是|可|所以|因为|虽然|然后|于是|最近|现在|目前|"
                   r"昨天|上周|上个月|去年|前几天|今天|我跟你说|我告诉你|记住|记得|别忘了|请记住|提醒一下|你知道吗|说真的|老实说|不瞒你说|偷偷告诉你|别告诉别人|保密|悄悄说|忘了说|忘了告诉你|我想说|从(?:去年|今年|上个月|下周)起|"
                   r"刚才|今年|早上好|晚上好|哎|唉|哈哈+|好消息|坏消息|谢谢|不是|就是|原来|后来|自从[\u4e00-\u9fff]{2,8}|这几年|这些年)[，,：:！! ]*")
_THING = re.compile(r"^我(?:们)?的?(?P<thing>[\u4e00-\u9fff]{1,6}?)(?:是|叫)(?P<o>[^，。！？；]{1,30})$")
_FAVOURITE = re.compile(r"(?:最喜欢|最爱)(?:吃|喝|看|听|玩)?的([\u4e00-\u9fff]{1,6}?)(?:就)?是([^，。！？；]{1,20})")
FAVOURITES = {"颜色": "colour", "食物": "food", "菜": "dish", "水果": "fruit", "电影": "film", "书": "book", "歌": "song", "歌手": "singer", "城市": "city", "季节": "season", "运动": "sport", "动物": "animal", "饮料": "drink",
               "花": "flower", "数字": "number", "科目": "subject", "作家": "author", "乐队": "band", "演员": "actor", "球队": "team", "游戏": "game", "音乐": "music", "零食": "snack", "地方": "place", "节日": "holiday"}
_PLAIN = {"结婚": "married", "已婚": "married", "离婚": "divorced", "订婚": "engaged", "怀孕": "pregnant", "单身": "single", "未婚": "single", "分手": "single", "退休": "retired", "丧偶": "widowed"}
FAVOURITES_ZH = {en: zh for zh, en in FAVOURITES.items()}
STATUS_ZH = {"married": "结婚了", "divorced": "离婚了", "engaged": "订婚了", "pregnant": "怀孕了", "single": "单身", "retired": "退休了", "widowed": "丧偶"}


def facts(sentence: str, known: Mapping[str, str], last: str) -> tuple[list[Learned], str]:
    """As learn_en.facts."""
    found: list[Learned] = []
    about, fresh = last, False
    for clause in re.split(r"[，,；;。.！!\s]+(?![A-Z])|(?<=[\u4e00-\u9fff])(?:而且|但是|不过|并且)", simplify(sentence)):
        before = None
        while clause and clause != before:
            before, clause = clause, _LEAD.sub("", clause)
        if not clause or re.match(r"如果|要是|假如|假设|假装|想象|万一|就算|即使|倘若|除非|等我|等到", clause):
            if clause:
                break                                    # what follows hangs on it
            continue
        subject, name, rest = _subject(clause, known, about, fresh)
        if not subject:
            continue
        about, fresh = subject, True
        if name:
            found.append(Learned(subject, "name", name, named=name))
        rows = _said(subject, name, rest)
        if not rows and subject == kin.USER and (hit := _THING.match(clause)) and not re.search("密码|意思|错|天|问题|想法", hit["thing"]):
            rows = [Learned(hit["thing"], "is", hit["o"])] if not kin.chinese(hit["thing"]) and "的" not in hit["o"][:1] else []
        found += rows
        about = next((row.subject for row in rows if row.predicate in ("name", "*") and row.change != "end" and row.subject != kin.USER), about)
    return [row for row in found if row.change != "mention"], about


def _subject(clause: str, known: Mapping[str, str], last: str, fresh: bool) -> tuple[str, str, str]:
    clause = re.sub(rf"^我(?:和|跟|与)我?(?:的)?{kin.NOUN_ZH}(?:一起|都)?(?=住|在|要|下|明|打算|准备|刚|搬)", "我", clause)
    if (hit := _PERSON.match(clause)) and (clause.startswith(("我", "咱", "俺")) or hit["noun"] not in ("老师", "医生", "学生", "同学", "鱼", "马", "鸡", "鸟", "先生", "老板", "经理", "领导", "朋友", "猫", "狗")):
        return kin.chinese(hit["noun"]), hit["name"] or "", clause[hit.end():]
    if hit := _ME.match(clause):
        return kin.USER, "", clause[hit.end():]
    if (hit := _PRONOUN.match(clause)) and last and last != kin.USER:
        return last, "", clause[hit.end():]
    low = clause.lower()
    for long in range(min(16, len(low) - 1), 1, -1):
        if subject := known.get(low[:long], ""):
            return subject, "", clause[long:]
    if not clause.startswith(("你", "您", "这", "那", "谁")) and fresh:
        return last, "", clause
    if re.match(r"在|住在|来自|叫|今年|是做|有[一两]|养了|对.{1,6}过敏", clause) and not last:
        return kin.USER, "", clause
    when = days.found(clause, "zh")
    return (kin.USER, "", clause) if when and clause.startswith(when) and "我" in clause[:len(when) + 3] else ("", "", clause)


def _said(subject: str, name: str, rest: str) -> list[Learned]:
    rest = re.sub(rf"^{_NOW}", "", rest) if not days.found(rest[:6], "zh") else rest
    favourite = _FAVOURITE.search(rest)
    if favourite:
        return [Learned(subject, f"favourite {FAVOURITES.get(favourite[1], favourite[1])}", favourite[2])]
    for predicate, change, pattern in _TABLE:
        hit = pattern.match(rest) or (pattern.search(rest) if predicate in ("allergy", "speaks", "likes", "dislikes") and len(rest) < 20 else None)
        if hit:
            groups = [group for group in hit.groups() if group]
            rows = _made(subject, name, predicate, change, groups, hit[0])
            if rows is not None:
                left = rest[hit.end():].strip("的了呢啊，, ")
                return rows + (_said(subject, name, left) if len(left) > 3 and predicate in ("age", "origin", "employer", "job", "home") else [])
    return []


def _made(subject: str, name: str, predicate: str, change: str, groups: list[str], whole: str) -> list[Learned] | None:
    value = re.sub(r"(?:了|的|呢|啊|呀|哦|啦|吧|哈)+$", "", groups[0]) if groups else ""
    if predicate == "owns" and change == "end":
        value = value.lstrip("的")
    if predicate == "plan":
        value = re.sub(r"我", "", "".join(groups[:2]) if value in ("搬到", "搬去", "去", "飞", "回", "结婚", "生", "考", "参加", "出差") else value)
        return [Learned(subject, "plan", value)] if len(value) > 1 else None
    if predicate == "age":
        number = days.number_zh(value)
        return [Learned(subject, "age", str(number))] if number >= 0 else None
    if predicate == "status":
        rows = [Learned(subject, "status", _PLAIN.get(value, value))]
        return ([Learned("partner", "*", "", change="end")] if value in ("分手", "离婚") and subject == kin.USER else []) + rows
    if predicate == "employer" and change == "end":
        return [Learned(subject, "employer", "" if re.match("[那这]", value) else value, change="end")]
    if predicate == "job" and len(groups) > 1:
        return [Learned(subject, "employer", groups[0]), Learned(subject, "job", groups[1])]
    if predicate == "has":
        return _having(subject, groups, whole)
    if predicate == "speaks":
        return [Learned(subject, "speaks", "、".join(part for part in re.split(r"、|和|跟|以及|，", value) if part))]
    if predicate == "death":
        return [Learned(subject, "death", "去世")] if subject != kin.USER and (value != "走" or "走了" in whole) and not (value in ("走", "不在") and len(whole) > 5) else None
    if predicate == "born" and len(value) == 2:
        return None
    if not value or re.fullmatch(r"(?:这|那|什么|哪|怎么|不|没|你|他|她|它|一个|一下|人|东西)+", value):
        return None
    if predicate == "name" and re.search(r"什么|谁|不|没|我|你|了$|的$|一[声下]", value):
        return None
    if predicate in ("home", "origin") and re.match(r"这|那|哪|学校|公司|一起|家|哪里|宿舍$|一个人|不", value):
        return None
    return [Learned(subject, predicate, value, change=change, named=name if predicate != "name" else "")]


def _having(subject: str, groups: list[str], whole: str) -> list[Learned] | None:
    noun = groups[1] if len(groups) > 1 else ""
    whose = kin.chinese(noun)
    if not whose or "没有" in whole:
        return None
    said = re.sub(r"^家里?|^还|(?:[，,]?[它他她]?名?字?叫.*)$|(?:养|有|领养|收养|买|生)(?:了|着|过)?", "", whole).strip("，, ")
    rows = [Learned(subject, "has", said)] if not said.startswith("的") else []
    if len(groups) > 2:
        target = whose if subject == kin.USER else f"{subject}'s {whose}"
        rows.append(Learned(target, "name", groups[2].strip(), named=groups[2].strip() if whose in kin.SEVERAL else ""))
    elif subject == kin.USER:
        rows.append(Learned(whose, "*", "", change="mention"))
    return rows


def corrected(text: str) -> tuple[str, str]:
    """As learn_en.corrected."""
    plain = re.sub(r"[。！!.\s]+$", "", simplify(text))
    led = re.match(r"(?:不对|不是的?|错了|我?说错了|我?打错了|不不+|不，|更正一下|纠正一下|准确地?说|哎呀|抱歉|对不起|应该)[，,！!。 ]*(?:是我?说?错了?[，,])?", plain)
    if hit := re.match(r"(?:他|她|它|我说的|名字|应该)?不是([^，,]{1,12})[，,而]+\s*(?:应该)?是(?:叫)?(.{1,14})$", plain):
        return hit[2].strip(), hit[1].strip()
    if hit := re.match(r"(?:应该)?是(?:叫)?([^，,]{1,12})[，,]\s*(?:而)?不是(.{1,12})$", plain):
        return hit[1].strip(), hit[2].strip()
    if not led:
        return "", ""
    rest = plain[led.end():]
    hit = re.match(r"(?:应该)?(?:我?(?:的意思)?(?:是|说的是)|(?:他|她|它)?(?:的?名字)?(?:是|叫)|应该是|应该叫|改成)+\s*(.{1,14})$", rest)
    return (re.sub(r"(?:才对|的|了)$", "", hit[1]).strip(), "") if hit and not re.match(r"我|你|这|什么|不", hit[1]) else ("", "")
