"""What a sentence is about, beside its words: matters of everyday life, one mark for each in both languages ("rent", 租 -> home); whether it tells of
a change; whether it is a wish about how to be spoken with. Pure; for finding, not for understanding."""
from __future__ import annotations

import re
from functools import lru_cache

from persona.words import simplify, spell_out

# matter: English words, * for any ending; Chinese words
_ROWS = """
home: live* living home homes town city house* housing flat flats apartment* rent* landlord landlady lease settl* move* moving reside* address* neighbourhood suburb village mortgage place bungalow* cottage* villa* caravan* loft* studio attic* tenant* roommate* flatmate* room-mate room basement downstairs upstairs street road district; 住 搬 租 公寓 房子 房东 小区 落脚 安家 定居 地址 买房 新家 宿舍 村 镇 家在 家属院 附近 挨着 邻 楼下 楼上 后门 隔壁 街 路边 合租
work: job jobs work* employ* career profession* occupation living earn* boss* manager* office colleague* promot* notice resign* quit hire* fired compan* firm trade shift* retire* freelance* salary business shop café cafe start* role position trade desk museum* archive* post clerk* apprentic* customer* client* firm factory office* teach* class* slot radio pilot* fly* helicopter* groom* van stall* market* archiv* retir*; 工作 上班 单位 公司 职 营生 做什么 干什么 谋生 养活 当上 辞 跳槽 领导 老板 上司 升 值班 夜班 加班 退休 退下来 同事 行当 开店 生意 应聘 录用 入职 岗 办公 打工 改行 转行 干的 铺 铺子 摊 买卖 干活 营业 教书 社区 图书室 打工 接单 生计
boss: boss* manager* supervisor* report* lead* chief; 领导 老板 上司 经理 主管 顶头 归
money: money cost* pay* paid price* pound* dollar* euro* sold sell* bought buy* sav* account* bank hundred thousand cash budget spend* spent expensive cheap owe* tax* taxman pence quid kroner grant* scholarship budget allowance owe* owing outstanding debt* fee* fine* tip* invoice bill* grocer* supermarket kroner broke rich afford; 钱 花了 块 元 万 价 卖 存款 积蓄 攒 银行 账 贵 便宜 付 工资 薪 费 租金 多少钱 赔 税 奖金 稿费 押金 定金 欠 亏 收 挣 赚
saving: sav* aside; 攒 存钱 积蓄
vehicle: car cars van drive* driving drove vehicle* motor* truck scooter* lorry bike* bicycle* cycl* tandem moped tram* helicopter* plane* glider* taxi* forklift tractor* boat* ship* skateboard sledge; 辆 车 开着 汽车 轿车 摩托 骑 驾 公交 快线 地铁 拖拉机 飞机 船 三轮 电动车
travel: trip* travel* holiday* vacation* journey* flight* fly* flew abroad hotel* tour* cruise* honeymoon* book* visit* airport* weekend*  outing* excursion* camping camped sleeper anniversary abroad hostel* sightsee* trek* backpack* passport visa* mountain* lake*; 旅行 旅游 度假 出国 机票 飞 出差 酒店 之行 蜜月 行程 机场 游玩 去玩 去过 趟 去了 回来 逛 天来回 之旅 出门 包车  景区 爬山 看海 春游 旅 游
ride: bus tram* ferry commut* train* subway metro minutes catch route*; 公交 地铁 轮渡 船 班车 通勤 路上 那班 赶 火车 高铁
phone: phone* mobile* number* call*; 手机 电话 号码
health: doctor* gp hospital* operation* surger* ill illness* sick* medicine* tablet* pill* clinic* therap* knee* hip hips stomach* pain* diagnos* allerg* intoleran* test tests blood dentist* specialist* tonsil* rib* tooth teeth tonsil* collarbone* shoulder* bone* therap* blood sugar salt cold flu fever cough headache migraine* asthma allerg* wrong pregnant swell* rash sore hurts limp crutch* surgery ward nurse* vaccin* eyes ears hearing glasses heart lung* skin wound* counsel*; 医生 大夫 医院 手术 病 药 腰 膝 胃 疼 痛 过敏 不耐受 检查 诊断 住院 看病 肠 血压 治 骨 牙 感冒 发烧 咳 头疼 过敏 喷嚏 呼吸 打呼噜 蜇 眼 血糖 尾巴骨 片 拍了 大夫 毛病 闪了
hurt: broke broken twist* sprain* injur* hurt* ankle* wrist* fell fractur* bruise* collarbone* rib* tooth crack* cracked cut knock* sting stung bitten bite burn* bleed* bled ladder; 受伤 伤 摔 断 扭 骨折 崴 砸 蜇 咬 烫 肿 闪了 磕
food: eat* ate food* taste* meal* cook* dish* diet* vegetarian* vegan* meat fish cake* bread* bak* recipe* snack* fruit* breakfast lunch* dinner* restaurant* flavour* spic* sugar salt salty sweet* dessert* afters pudding* shellfish prawn* shrimp* lobster* crab* oyster* seafood nut* egg eggs cheese* butter milk pork beef lamb chicken rice noodle* soup* salad vegetable* potato* chips chocolate candy ice curry sushi pizza pasta kimchi tofu order* hungry groceries supermarket bakery baker* grocer* apple* banana* honey; 吃 饭 菜 口味 味 素 肉 鱼 蛋糕 面包 烤 食 餐 馋 点心 水果 忌口 厨 羊肉 牛肉 猪肉 海鲜 虾 蟹 甜 咸 辣 豆腐 米 粥 汤 蛋 奶 馆子 下午茶 泡菜  苹果 葡萄 蜂蜜 糖 请客 豆 花生 小吃 零食
drink: drink* drank coffee* tea teas beer* wine* juice* caffeine alcohol whisky whiskey gin vodka rum dram cocktail* lemonade ale lager cider pub bar soda* smoothie* sober dry tipple; 喝 咖啡 茶 酒 饮料 白酒 啤酒 红酒 奶茶 果汁 汽水 醉
sport: exercis* gym* sport* run running ran swim* climb* yoga fitness workout* train* match* team* football tennis race* marathon* badminton basketball hik* jog* box* danc* ski skis skiing skate* skating surf* rowing golf cricket rugby hockey judo karate boxing archery fencing glid* cycl* marathon* trampoline* snowboard* dart* medal* champion* league pilates; 锻炼 健身 运动 跑 游泳 攀岩 瑜伽 比赛 球 队 教练 练 爬山 徒步 滑冰 滑雪 乒乓球 羽毛球 篮球 足球 太极 广场舞 骑车 散步 劈叉 象棋 钓鱼
music: music* instrument* play* violin* viola piano guitar* cello drum* trombone trumpet flute choir* sing* sang band bands orchestra* concert* song* accordion* ukulele* tuba trombone saxophone clarinet harp* oboe* bass keyboard banjo jazz opera gig* gigs radio tune* lyric* album* record* vinyl; 音乐 乐器 拉琴 弹 琴 鼓 合唱 唱 乐团 乐队 演奏 歌 二胡 笛 手风琴 葫芦丝 吉他 钢琴 小提琴 古筝 笛子 口琴 情歌 曲 吹
book: read* book* novel* author* chapter* writer* library poem*  detective stor* comic* magazine* newspaper* print thriller* biograph*; 书 读 看书 小说 作家 作品 散文 诗 绘本 童书 插画 漫画 诗 杂志
language: language* learn* speak* french german spanish italian chinese japanese english korean russian portuguese grammar lesson* accent; 语 外语 学 口音
study: study* studi* thesis degree* universit* college* course* exam* school* class* pupil* teach* deadline* due essay* dissertation graduat* master* phd exchange degree certificate olympiad scholar* professor* tutor* apprentic* learn* driving qualification* licen* ticket; 论文 学校 大学 考试 专业 课 毕业 学习 截止 研究生 老师 年级 交 考 考研 念 驾照 证 大学 幼儿园 小学 初中 高中 学位 兽医 实习 训 班
pet: pet pets dog* cat cats parrot* puppy kitten* animal* rabbit* hamster* horse* guinea goldfish fish axolotl* whippet* greyhound* terrier* spaniel* poodle* hen hens chicken* duck* goat* sheep pony tortoise* turtle* snake* lizard* gecko* canary budgie* ferret* hedgehog* mouse mice rat gerbil* pup pups hound* bee bees cockerel* paw* fur vet vets; 宠物 狗 猫 鹦鹉 动物 犬 兔 仓鼠 孔雀鱼 金鱼 鱼 龟 狸花 小狗 小猫 鸟 鸡 鸭 鸽 蜂 养了 蛇 蜥蜴 兽 喂 毛
plant: plant* garden* flower* fern* tulip* rose* allotment* plot greenhouse* seed* water waters watering grow* tomato* fig figs tree* bulb* herb* cactus orchid* lawn hedge* shed greenhouse* vine* compost dig* weed* apple*; 花 菜地 种 浇 院子 园 苗 草 盆栽 捕蝇草 无花果 果树 树 盆 花园 叶 浇水 多肉 兰花
love: wedding* marr* engage* girlfriend* boyfriend* partner* single divorc* dating date relationship* split broke spouse seeing girlfriend* man woman engaged propos* kiss* ex husband* wife romance dumped over together crush* fiancé* fiancée* anniversary; 婚 对象 恋 女朋友 男朋友 分手 离婚 酒席 单身 谈朋友 求婚 结婚 女友 男友 老伴 老公 媳妇 爱人 异地 感情
name: call* name* renam*; 叫 名字 改名 起名 取名 招牌 称呼
hobby: hobb* collect* mad craz* obsess* fan interest* passion* craze hooked; 爱好 迷 收集 喜欢 兴趣 痴迷 上瘾
like: like* lov* enjoy* favourite* prefer* fond hate* dislike* stand skip adore* craving soft; 喜欢 爱 讨厌 最 受不了 偏好 偏爱 馋 不吃
when: date when day days monday* tuesday* wednesday* thursday* friday* saturday* sunday* january february march april june july august september october november december o'clock booked postponed pushed; 几号 哪天 日期 什么时候 星期 周一 周二 周三 周四 周五 周六 周日 月 几点 点 号 改到 推 延
lend: lent lend* borrow* loan*; 借
loss: stolen nicked stole theft* burgl* lost lose* missing pinched; 偷 丢 遗失 不见了
film: film* movie* cinema series actor* actress*; 电影 电视剧 演员
weight: weigh* kilo* pounds diet heavy heavier; 体重 斤 公斤 多重 瘦 胖
people: people member* many us; 个人 几位 几个人 成员 人数
building: floor* lift storey desk office; 楼 层 办公 工位
child: child* kid* son* daughter* baby born pregnant expecting boy girl tooth eldest youngest twin twins lad grandson* granddaughter* grandchild* nephew* niece* toddler* teenager* pup pups; 孩子 儿子 女儿 闺女 宝宝 生了 怀孕 老大 老二 外孙 孙 侄 小的
care: care* looks look after help* fix* repair* water*; 帮 照看 照顾 修 忙
sleep: sleep* slept bed insomnia tired wake* early; 睡 失眠 起床 起得
sea: sea boat* sail* ship* kayak* harbour; 海 船 艇 港
art: paint* draw* pottery art craft* knit* sew* photo* sculpt*  whittl* carv* wood* tattoo* ink potter* sketch* drawing* draw watercolour* oil canvas exhibit* gallery joiner* carpent* weld* spoon* build* stitch* quilt* origami; 画 陶艺 摄影 手工 织 毛笔字 书法 临 字 插画 雕 捏 木 瓷 绘 设计
fear: afraid scared fear* anxious* nervous worr* phobia; 怕 焦虑 紧张 担心
dream: dream* wish* hope* someday ambition*; 梦想 梦 愿望 想去
origin: born birth* grew raised childhood hometown; 出生 老家 长大 小时候
death: died dead death passed funeral lost late mourn* gone grave grief widow*; 去世 过世 走了 葬礼 没了 走得 过了世
crime: police court* lawyer* arrest*; 警察 律师 法院
gift: gift* present* gave given got badge* medal* prize* won win*  bronze scholarship bequest inherit* passed left legacy; 礼物 送 奖 得 赢 留给 传给 传下 奖牌 锦旗 名次 冠军 第五 第一 第三
party: part* birthday* celebrat* feast; 生日 聚会 庆祝 宴
weather: rain* snow* sun sunny storm* frost; 雨 雪 晴 冻
water: flood* water* drown* bath leak*; 水 淹 漏
fire: fire* burn* smoke alarm; 火 烧 烟 糊
"""
_CHANGE = re.compile(
    r"\b(?:now|no longer|not any ?more|any ?more|any longer|instead|anyway|these days|nowadays|from now on|changed?|switch\w*|swapp\w*|swap|replac\w*|renam\w*|moved|moving|left|quit|gave up|given up|giving up|dropp\w*|cancel\w*|(?:called?|put) (?:\w+ ){0,4}off|"
    r"postpon\w*|pushed|shifted|put off|brought forward|rescheduled|extension|extended|delayed|sold|scrapped|broke up|split up|retired|promot\w*|upgrad\w*|stopped|finished with|done with|turns? out|turned out|actually|correction|after all|in fact|not .{1,30} but|"
    r"it is .{1,24} not|forget (?:about )?the|scratch that|never mind the|off (?:coffee|\w+) completely|fell through|went back to|back to|started|joined|became|took over|takes over|new|bought|got (?:me )?an?|no more|history|since (?:then|last)|by now|finally|at last|"
    r"another|more joined|down to|up to|have had enough|had enough|gone to|hung up|stepp?(?:ed|ing)? down|made (?:me|him|her|us)|handed (?:over|in)|gone (?:right )?off|(?:is|are|was) (?:off|out|gone|over|done)|let (?:me|us) off|only|burnt|blew|came through|passed)\b")
_CHANGE_ZH = re.compile("现在|如今|目前|改|换|搬|不再|不干|不做|不用|不买|不去|不吃|不喝|不养|不学|不是.{1,12}(?:是|，)|取消|推迟|推后|往后推|延|提前|调整|调到|调去|辞|离职|退了|退休|退下|戒|放弃|卖|分手|散了|离婚|升|提成|转|终于|总算|已经|又|从此|以后|起|重新|恢复|其实|原来|更正|说错|接手|接替|后来|变成|成了|没了|走了|来了|过时|不成|没成|新|缓|让给|推我|扔|退伙|也不想|只剩|只欠|放一放|考进|考上|过了|多了|少了|瘦|胖|长|关门|倒闭|报废")
_WISH = re.compile(
    r"\b(?:please|kindly)\b(?! (?:help|tell me (?:about|a)|remember|forget)\b)|\bdo not (?:\w+ ){0,2}(?:call|tell|say|start|begin|use|give|mention|ask(?! why\b)|talk|speak|write|send|quote|explain|repeat|interrupt|lecture|sugar|try|be|make|bring|end|put|remind|read|bother|"
    r"assume|apologi[sz]e|praise|flatter|rush|correct|translate|answer|reply|respond|add|leave|skip|suggest|recommend)\b|"
    r"\b(?:i (?:would|had) (?:rather|prefer|like|love|appreciate)(?: it)? (?:if )?(?:you|not|that you|short|long)|i (?:want|need|like|prefer|find it easier|find it better|hate|love) (?:it )?(?:if |when |that |for )?you\b|i(?: would)? (?:like|prefer|want|hate|need) (?:your|my|short|long|clear|simple|plain|direct|brief|large|being|to be (?:called|addressed|spoken|asked|told))|"
    r"i like (?:a |the )?(?:\w+ )?(?:joke|tone|style|answers?|repl\w+)|i find it (?:easier|hard|harder|better|annoying))\b|"
    r"^(?:(?:and|so|ok|oh|also|from now on|in future|by the way|one more thing|in (?:the )?\w+)[, ]+)*(?!tell me (?:something|about|an?\b|more|what|how|why|where)|give me (?:an?|one|some|another) |just (?:\w+ed|got|back|had|been|went|came|met|saw|left)\b)(?:keep|talk|speak|call|address|use|write|answer|reply|be|give|tell|remind|always|never|no|skip|stick|stop|avoid|spare|leave|explain|let|say|make|go|treat|mind|try|assume|start|end|begin|just|only)\b(?! (?:time|way|idea|wonder|problem|luck|rain|one|news)).{0,60}"
    r"\b(?:me|my|answers?|repl\w+|emojis?|please|sentences?|words?|with me|units?|metric|english|chinese|short|brief|slow\w*|simple|plain\w*|formal|jokes?|tone|names?|lists?|bullet|polite\w*|direct\w*|honest\w*)\b|"
    r"\b(?:when|if|whenever) i (?:am|ask|say|sound|slip|rant|write|make|get|feel|talk|start|go|mention|want)\b.{0,60}(?:, |\bthen )(?:please )?(?:do not|just|be|give|say|answer|tell|keep|use|correct|remind|ask|listen|stop|try|make|let|skip|explain|show|leave|start|write|speak|put|go|add|always|never)\b|"
    r"\byou (?:can|may|could|should|must|do not have to|do not need to|need not|are allowed to) (?:always |just |also |never |not )?(?:tease|joke|call|be|tell|correct|skip|use|speak|talk|swear|ask|interrupt|remind|answer|write|say|drop|leave|make)\b|\buse my name\b|\bbeing called\b|\bcall me\b|\bwhen you (?:write|talk|speak|answer|reply|explain|tell)\b|^(?:speak up|explain things|put things)\b|\bsay so\b|"
    r"\b(?:when|whenever|if) you (?:suggest|recommend|pick|offer|give|show|list|name|mention)\b|\bwith me[.!]?$|^(?:if|when|whenever) i\b.{3,60}, (?!(?:i|we|it|he|she|they|you|my|our|the|that|there|this|his|her|then i|because|which|but|and|so)\b)[a-z]+\b|"
    r"^(?:keep|stick|stay|hold|go easy|get)\b.{0,40}\b(?:the point|explanations?|english|facts?|bullets?|details?|figures?|numbers?|inches|metres|lines|basics)\b|^no \w+(?: \w+)? (?:puns?|jokes?|lists?|emojis?|marks?)\b")
_WISH_ZH = re.compile(
    r"^(?:那个|对了|另外|还有|以后|今后|从今往后|从现在起|拜托|麻烦你?|请|你|记得|记住|回复里|回答里|说话|聊天|平时|反正|先说好|[\u4e00-\u9fff]{1,10}(?:的时候|时)[，,]?|(?:如果|除非|只要)[\u4e00-\u9fff]{1,12}[，,]|我(?:要是|如果)?[\u4e00-\u9fff]{1,14}[，,]你?)*"
    r"(?:别(?:再|老|总|老是|总是|给我|跟我|对我|叫|喊|用|说|放|讲|劝|客气|哄|催|一上来|一开口)|不要(?:再|老|总|给我|跟我|对我|叫|用|说|放|讲|劝)|不用(?:哄|跟我|对我|客气|太|那么|每次|说|劝|安慰)|请(?:你)?(?:用|叫|说|给|把|尽量|直接|简短|少|多|先|慢)|(?:尽量|最好|务必|一定要|就|都|只)?(?:用(?:中文|英文|简|大|公里|公制|克|短|口语|敬|大白话|普通话)|说(?:慢|短|简单|直接|重点|一句|公里)|叫我|喊我|称呼我|直说|慢慢说|简短|说重点|当场|当面|照样))|"
    r"(?:跟我|和我|对我|给我(?!延|批|放|发|寄|买|带|送|打|配|换|开|做)|教我|回复我?|回答我?|回我|答复|写给我|称呼)[^。，,]{0,16}(?:要|就|用|别|不要|不用|像|轻|慢|短|直接|简单|编号|一步|两三句|句|大|少|多|先|再|点)|"
    r"我(?:更)?(?:希望|想让|喜欢|宁愿|宁可|受不了|讨厌|最烦|不喜欢)(?:让)?你|你(?:可以|尽管|只管|只要|就|得|该|要|最好|一次)(?:只|直接|就|拿我|跟我|多|少|先|说|当场|问|用|叫|照样|纠正|提醒)|有话直说|给我来个|叫我[^。]{1,6}(?:就好|就行|吧|好了|即可)|纠正我|提醒我(?:一下|一句)|就说一?句|一次只|(?:别|不要|少)(?:跟|给|对|和|劝|叫|喊|催|夸|哄)我|你[^。，,]{0,10}别|别超过|夸我的?话?少|直接(?:挑|说|讲|指)")
_ASKS_WISH = re.compile(
    r"\b(?:how|what|which|when|where|may|can|should|must|are|do|is|would|could)\b.*\b(?:should|must|may|can|do|are|would|could|ought|shall|might) you\b(?! (?:know|remember|recall|tell me (?:about )?(?:what|my|how|where|who|when))\b)|\byou (?:should|must|ought|may|are (?:not )?(?:allowed|supposed|meant)|need to|have to)\b|"
    r"\byour (?:answers?|repl\w+|responses?|tone|style|messages?|sentences|explanations|language|way of)\b|\bdo i (?:like|want|prefer|need|ask|expect|hate)\b.*\b(?:you|your|from you|answers?|repl\w+|recipes|instructions|explanations?|explained|distances|text|called|addressed|questions at once|spoken|talked)\b|"
    r"\b(?:would|did) i (?:rather|prefer|like|ask|want|tell|say)\b.*\byou\b.*\b(?:to|do|did|not|open|be|answer|talk|speak|write|stop|avoid|use|keep|call)\b|\b(?:tone|style|manner|length|format|form|wording|phrase|words?) (?:do|did|would|should|am|of repl)|\btalk(?:ing)? to me\b|\bspeak(?:ing)? (?:to|with) me\b|\baddress me\b|\bcall me\b|\bin what you (?:write|say)\b|\bi (?:like|want|prefer) (?:to be|being)\b|\bwith me\b")
_ASKS_WISH_ZH = re.compile(
    r"你[^。？?]{0,8}(?:该|应该|应当|要(?!不要)|得|可以|能不能|可不可以|最好|用什么|用哪|怎么(?:回|说|称呼|叫|跟|对|写|讲|答|做|办|帮)|注意|避开|避免)|(?:该|应该)(?:怎么|用什么|如何|叫)[^。]{0,6}(?:我|你)?|你(?:的)?(?:回答|回复|口气|语气|说话|写的)|"
    r"(?:(?<![传送留寄交])给|跟|和|对|教|写给|回复|回答|称呼)我[^。]{0,14}(?:怎么|什么|该|要|哪|多)|我(?:希望|想|要|喜欢|不喜欢|不想|不爱|讨厌|需要)(?:你|被|听)|希望你|怎么(?:称呼|叫|跟|对)我|(?:我要|我希望|我想要|我喜欢)(?:哪种|什么样|怎么|几)|哪句话我|能不能跟我|跟我(?:聊|说话|讲话|开)|希望怎么|该怎么(?:排|写|说|回)|我想听什么|你[^。]*怎样(?:对|跟)?$|你(?:不能|不要|不该|别)|(?:要|该|得)多[细长短大慢准快]|话题[^。]{0,6}(?:避|别|不)|避开|忌讳|你[^。？?]{0,6}能(?:给|跟|对)我")


def _tables() -> tuple[dict[str, tuple[str, ...]], tuple[tuple[str, str], ...], tuple[tuple[str, re.Pattern[str]], ...]]:
    words: dict[str, tuple[str, ...]] = {}
    starts: list[tuple[str, str]] = []
    chinese: list[tuple[str, re.Pattern[str]]] = []
    for row in _ROWS.strip().splitlines():
        name, _, rest = row.partition(": ")
        en, _, zh = rest.partition("; ")
        for word in en.split():
            if word.endswith("*"):
                starts.append((word[:-1], name))
            else:
                words[word] = (*words.get(word, ()), name)
        chinese.append((name, re.compile("|".join(sorted(zh.split(), key=len, reverse=True)))))
    return words, tuple(starts), tuple(chinese)


_WORDS, _STARTS, _CHINESE = _tables()


@lru_cache(maxsize=8192)
def of_word(word: str) -> tuple[str, ...]:
    """The matters an English word belongs to."""
    return tuple(dict.fromkeys((*_WORDS.get(word, ()), *(name for start, name in _STARTS if word.startswith(start) and len(word) - len(start) <= 4))))


def topics(text: str) -> list[str]:
    """The matters that a text speaks of."""
    found: dict[str, None] = {}
    for word in re.findall("[a-z][a-z'-]*", spell_out(text)):
        found |= dict.fromkeys(of_word(word))
    if re.search("[\u4e00-\u9fff]", text):
        bare = simplify(text)
        found |= dict.fromkeys(name for name, pattern in _CHINESE if pattern.search(bare))
    return list(found)


def changes(text: str) -> bool:
    """Whether a sentence may tell of a change."""
    return bool(_CHANGE.search(spell_out(text)) or re.search("[\u4e00-\u9fff]", text) and _CHANGE_ZH.search(simplify(text)))


_TASTE = re.compile(
    r"\b(?:can not|could not|will not|never|no longer|no more|allerg\w*|intoleran\w*|hate\w*|loathe|detest|love|adore|fond|favourite|prefer|rather|avoid\w*|stay away|off limits|(?:is|are) out|gave up|given up|(?:swore|sworn) off|do not (?:eat|drink|like|touch|wear|watch|do)|"
    r"vegetarian|vegan|halal|kosher|diet|regime|sober|dry|(?:traded|swapped) .{1,30} for|makes? me|hopeless|not a \w+ person|leave me out|nothing with|skip|soft spot|weakness for|craz\w+|obsessed|scared|afraid|nightmares|swell|only|mad about|into)\b")
_TASTE_ZH = re.compile("不(?:吃|喝|碰|爱|喜欢|能|看|听|沾|去)|过敏|讨厌|最(?:爱|喜欢|馋|怕|烦)|戒|忌|受不了|反胃|恶心|吐了|宁可|喜欢|爱吃|爱喝|只[吃喝看听]|吃素|血糖|血脂|痛风|晕[车船]|怕|迷上|听不得|吃不惯|口味")
_TIP = re.compile(
    r"\b(?:recommend|suggest(?:ions?)?|any (?:ideas?|tips?)|(?:what|where|when|which .{1,30}|who) (?:should|could|can|shall|might|would you have) (?:i|we)|(?:find|pick|choose) (?:me|us)|think of (?:something|a|an|some)|help (?:me|us) (?:choose|pick|find|plan|decide)|"
    r"would you (?:put|pick|choose|suggest|book|plan)|(?:give|plan|find|book) (?:me|us) an?|what (?:is|would be) (?:a )?good)\b")
_NO_TIP = re.compile(r"\b(?:did|have) (?:you|i)\b|\byou (?:said|told)\b|\bshould you\b")
_TIP_ZH = re.compile("推荐|建议(?!过)|(?:帮我|给我|替我)(?:挑|选|想想|找|拿个?主意|出个?主意|安排|放点|来点|点个)|有什么(?:好?主意|好去处|好吃|好玩)|[吃喝看听买点送穿去玩][^，。？]{0,8}好[呢啊]?[？?]?$|我?该[买点吃喝看穿送去选]")


def taste(sentence: str) -> bool:
    """Whether a sentence may tell what somebody likes, cannot bear or keeps from."""
    return bool(_TASTE.search(spell_out(sentence))) or bool(re.search("[\u4e00-\u9fff]", sentence) and _TASTE_ZH.search(simplify(sentence)))


def asks_tip(question: str) -> bool:
    """Whether a question asks for a suggestion, which what somebody likes should shape."""
    low = spell_out(question)
    return bool(_TIP.search(low) and not _NO_TIP.search(low)) or bool(re.search("[\u4e00-\u9fff]", question) and _TIP_ZH.search(simplify(question)) and not re.search("你(?:之前|上次)?(?:推荐|建议)过|你该", question))


def wish(sentence: str) -> bool:
    """Whether a sentence is a wish about how to be spoken with."""
    if sentence.rstrip().endswith(("?", "？")):
        return False
    return bool(_WISH.search(spell_out(sentence))) or bool(re.search("[\u4e00-\u9fff]", sentence) and _WISH_ZH.search(simplify(sentence)))


def asks_wish(question: str) -> bool:
    """Whether a question is after such a wish."""
    return bool(_ASKS_WISH.search(spell_out(question))) or bool(re.search("[\u4e00-\u9fff]", question) and _ASKS_WISH_ZH.search(re.sub(r"[^\w]", "", simplify(question))))
