"""Words as typed -> words to compare: cleaning, which language, and one spelling for what means the same. Pure."""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache


def words_of(text: str) -> frozenset[str]:
    """A set written as words between spaces."""
    return frozenset(text.split())


MOST = 4000                                              # characters of one utterance that are looked at

# Traditional -> simplified, the characters of everyday talk; both strings are equally long.
_TRADITIONAL = (
    "們個這來說話時會對過還為麼樣嗎媽愛學國裡裏後從開關門問間聽見覺點現實發經長張東車電視書買賣錢歲歡樂誰讓讀寫語請謝應該條頭"
    "體機種類業務員師醫藥傷處難離親爺孫兒氣熱鬧飯麵湯雞魚豬貓馬鳥龍龜蟲樹葉紅綠藍黃顏畫兩幾萬億數歷遠邊農園場廠館週鐘錶號碼線"
    "網頁訊聲團隊賽輸贏運動戲劇詩詞單雙進選擇舊衛護陽陰曆節慶賀禮許願夢記憶認識錄試題變換錯誤總統區縣鄉鎮灣廣島嶼飛鐵軌輪燈當"
    "無與將圖鬱悶壓緒煩惱惡殺結續給約終於紀計設較輕鬆緊專華麗強勁彈練習慣嚇騙偽裝術藝筆紙髮鬍鬚臉腦臟腸腳褲襪襯帶歐亞羅蘭韓義"
    "滿溫濕風雲軟據庫憑證婦嬰齡蓋鹽醬蘋檸養妳幹塊貴圍靜瘋陳劉趙吳鄭鄧馮蕭呂蔣盧閻顧賴龔鄒辦幫聰啟戰爭勝敗漢亂價優傳債償儲兇冊"
    "凍減創劃勞勢勵匯協卻參啞喚嘆嚴圓報壞壯夠奪奮妝娛寧審寬寵寶尋屆屬岡峽帳幣廳彎徑態憂懷懶戀戶掃揀擊擔擁擠擺攝敵斷晝暈暢曬殘"
    "決沒測湊滅滾漸潔澆濃災烏營爛爐牆獎獨獲獸瑪環產畢異療癒盡監盤矯確礙禍禪稱穩窮競築簡籠粵糧紋納純級細組絲綁維綜緣編縮績繞繪"
    "繼罰罵羨聯職肅脫臺舉蔥虛補規覽觸訂討訓託訪評詢誇誌誠課調談論諾謊譜譯議讚豐財貧貨販貼費賓賞質賺購趕跡踐輔輛輩轉辭迴遊違遙"
    "適遲遺邏郵鄰醜釋針鈴銀銅鋪鋼錦鍋鍛鎖鏡鑰閃閉閒閱隨險隱雖雜霧靈韻頂順預領頻額顯飄飲飾餃餅餓餘騎騷驗驚驢鬥魯鮮鯨鴨鵝鷹麥黨"
    "齊齒喫嘗係麽隻訴勸誕錫噁暫曉橋歸殼氈淚滬潤燒牽猶痠皺盜睏瞭礦禿稅筍簽紮絕綿罷膚膽臨艦莖葷蘿蝦蟬衝褻覓詐詭誘諷謎贈躍轟辯遞"
    "鑽闖陣階頸頹顫颱飢駕駛驕髒鳳鴿")
_SIMPLIFIED = (
    "们个这来说话时会对过还为么样吗妈爱学国里里后从开关门问间听见觉点现实发经长张东车电视书买卖钱岁欢乐谁让读写语请谢应该条头"
    "体机种类业务员师医药伤处难离亲爷孙儿气热闹饭面汤鸡鱼猪猫马鸟龙龟虫树叶红绿蓝黄颜画两几万亿数历远边农园场厂馆周钟表号码线"
    "网页讯声团队赛输赢运动戏剧诗词单双进选择旧卫护阳阴历节庆贺礼许愿梦记忆认识录试题变换错误总统区县乡镇湾广岛屿飞铁轨轮灯当"
    "无与将图郁闷压绪烦恼恶杀结续给约终于纪计设较轻松紧专华丽强劲弹练习惯吓骗伪装术艺笔纸发胡须脸脑脏肠脚裤袜衬带欧亚罗兰韩义"
    "满温湿风云软据库凭证妇婴龄盖盐酱苹柠养你干块贵围静疯陈刘赵吴郑邓冯萧吕蒋卢阎顾赖龚邹办帮聪启战争胜败汉乱价优传债偿储凶册"
    "冻减创划劳势励汇协却参哑唤叹严圆报坏壮够夺奋妆娱宁审宽宠宝寻届属冈峡帐币厅弯径态忧怀懒恋户扫拣击担拥挤摆摄敌断昼晕畅晒残"
    "决没测凑灭滚渐洁浇浓灾乌营烂炉墙奖独获兽玛环产毕异疗愈尽监盘矫确碍祸禅称稳穷竞筑简笼粤粮纹纳纯级细组丝绑维综缘编缩绩绕绘"
    "继罚骂羡联职肃脱台举葱虚补规览触订讨训托访评询夸志诚课调谈论诺谎谱译议赞丰财贫货贩贴费宾赏质赚购赶迹践辅辆辈转辞回游违遥"
    "适迟遗逻邮邻丑释针铃银铜铺钢锦锅锻锁镜钥闪闭闲阅随险隐虽杂雾灵韵顶顺预领频额显飘饮饰饺饼饿余骑骚验惊驴斗鲁鲜鲸鸭鹅鹰麦党"
    "齐齿吃尝系么只诉劝诞锡恶暂晓桥归壳毡泪沪润烧牵犹酸皱盗困了矿秃税笋签扎绝绵罢肤胆临舰茎荤萝虾蝉冲亵觅诈诡诱讽谜赠跃轰辩递"
    "钻闯阵阶颈颓颤台饥驾驶骄脏凤鸽")
_TO_SIMPLE = str.maketrans(_TRADITIONAL, _SIMPLIFIED)

_CONTRACTIONS = (
    (r"\bwon't\b", "will not"), (r"\bcan't\b|\bcant\b", "can not"), (r"\bain't\b", "am not"), (r"n't\b", " not"), (r"\bdont\b", "do not"),
    (r"\bdoesnt\b", "does not"), (r"\bdidnt\b", "did not"), (r"\bisnt\b", "is not"), (r"\barent\b", "are not"),
    (r"\byoure\b", "you are"), (r"\btheyre\b", "they are"), (r"\b(that|there|he|she)s\b", r"\1 is"), (r"\byouve\b", "you have"), (r"\bwont\b", "will not"),
    (r"\b(was|were|have|has|had|would|could|should)nt\b", r"\1 not"),
    (r"\blet's\b", "let us"), (r"'re\b", " are"), (r"'ve\b", " have"), (r"'ll\b", " will"), (r"'m\b", " am"), (r"\bim\b", "i am"),
    (r"\bive\b", "i have"), (r"\b(what|who|where|when|how|why|that|it|there|here|he|she)'s\b", r"\1 is"),
    (r"\b(what|who|where|how)s\b", r"\1 is"), (r"'d\b", " would"), (r"\bu\b", "you"), (r"\bur\b", "your"), (r"\br\b(?= you\b)", "are"),
    (r"\by(ou)? all\b", "you"), (r"\bya\b", "you"), (r"\bwanna\b", "want to"), (r"\bgonna\b", "going to"), (r"\bgotta\b", "got to"), (
        r"\bpls\b|\bplz\b", "please"),
    (r"\bthx\b|\bty\b", "thanks"), (r"\bfav\b", "favourite"), (r"\bfavorite\b", "favourite"), (r"\bcolor\b", "colour"), (
        r"\bmum\b|\bmommy\b", "mom"),
    (r"\btire\b", "tyre"), (r"\bidk\b", "i do not know"), (r"\bbf\b", "boyfriend"), (r"\bgf\b", "girlfriend"), (r"\bwht\b", "what"),
)
_CONTRACTED = tuple((re.compile(pattern), with_) for pattern, with_ in _CONTRACTIONS)

_SAME_ZH = (
    (r"您", "你"), (r"俺|咱(?!们)", "我"), (r"啥时候|什么时间|何时", "什么时候"), (r"为啥|为何|干嘛要|怎么会", "为什么"), (
        r"干嘛|干啥|做啥|干什么|做些什么|做什么", "做什么"),
    (r"啥子|啥|甚么|神马", "什么"), (r"哪儿|哪里|哪边|何处|什么地方", "哪里"), (r"在哪(?!里)", "在哪里"), (r"咋样|如何|怎样", "怎么样"), (
        r"咋", "怎么"),
    (r"爸爸|父亲|老爸|爹", "爸"), (r"妈妈|母亲|老妈|娘亲", "妈"), (r"父母|爸妈|双亲", "爸妈"), (r"爷爷奶奶|姥姥姥爷|外公外婆", "祖父母"),
    (r"老公|丈夫|先生(?=是|叫|做)", "丈夫"), (r"老婆|妻子|媳妇|太太|爱人", "妻子"), (r"孩子|小孩|娃", "孩子"), (
        r"多大(?:年纪|岁数|了)?|几岁|年龄|岁数|年纪", "多大"),
    (r"什么价(?:格|钱)?|多少钱|几块钱|价格|价钱|收费|怎么卖", "多少钱"), (r"叫什么(?:名字)?|怎么称呼|名字是什么|如何称呼|什么名字|贵姓|"
                                                   r"尊姓大名", "叫什么"),
    (r"喜爱|中意|爱好是什么|最爱", "喜欢"), (r"朋友们", "朋友"), (r"上班|工作|职业|干哪行|哪一行", "工作"), (r"自行车|单车|脚踏车",
        "自行车"),
    (r"聊会儿|聊一聊|聊一下|聊聊|谈谈|唠唠", "聊聊"), (r"讲个|说个|来个|讲一个|说一个|来一个", "讲个"), (r"晓得|知不知道", "知道"), (
        r"是不是", "是"), (r"有没有", "有"),
    (r"会不会", "会"), (r"能不能|可不可以|可以不可以|能否|可否", "能"), (r"喜不喜欢|喜歡", "喜欢"), (r"想不想", "想"), (r"要不要", "要"), (
        r"好不好", "好"), (r"觉不觉得", "觉得"),
    (r"最近怎么样|过得怎么样|还好吗|好吗$", "好吗"), (r"不开心|不快乐|不高兴", "难过"), (r"开心|快乐|高兴", "高兴"), (r"无聊|没劲|没意思",
        "无聊"),
)
_SAMED_ZH = tuple((re.compile(pattern), with_) for pattern, with_ in _SAME_ZH)
_PARTICLES = re.compile(r"(?:[吗呢啊吧呀哦嘛哈啦喔噢哟耶诶哎唉呗咧滴]|的呢|的吗|了吗)+$")
_LEADS_ZH = re.compile(r"^(?:那么|那|嗯+|呃+|哦+|请问一下|请问|我想问一下|我想问|想问一下|想问|告诉我|话说|对了|所以|其实|哎|诶|喂|"
                       r"麻烦问下|问一下|问下)+")
_LEADS_EN = re.compile(
    r"^(?:(?:so|well|ok|okay|um+|uh+|oh|and|but|hey|hi|hello|please|alright|right|now|listen|actually|anyway|hmm+|btw|by the way|tell me|"
    r"can i ask you|may i ask you|may i ask|can i ask|can you tell me|could you tell me|would you tell me|do you mind telling me|"
    r"i want to know|i would like to know|i was wondering|i wonder)\b[\s,]*)+")
_SCRIPTS = (("HIRAGANA", "ja"), ("KATAKANA", "ja"), ("HANGUL", "ko"), ("CYRILLIC", "ru"), ("ARABIC", "ar"), ("THAI", "th"), ("HEBREW",
    "he"),
            ("DEVANAGARI", "hi"), ("GREEK", "el"), ("BENGALI", "bn"), ("TAMIL", "ta"), ("GEORGIAN", "ka"), ("ARMENIAN", "hy"))
_FOREIGN = {
    "fr": "qui es quoi je tu vous est suis les des une bonjour salut merci comment ça va pourquoi où quel quelle avec parlez êtes moi "
          "oui "
          "êtes-vous appelez",
    "es": "hola como estas que tal gusto cómo estás está qué eres usted gracias buenos días por dónde cuál tienes hablas soy una los el "
          "puedes quién llamas",
    "de": "ich du sie bist ist wie heißt der die das und nicht guten tag hallo wer woher sprichst kannst deutsch bin ein mir geht danke",
    "it": "ciao come stai sei chi grazie buongiorno perché dove quale parli sono una che ti chiami il italiano",
    "pt": "olá você como está obrigado obrigada bom dia quem onde fala português são uma não tudo bem qual",
    "nl": "ik jij je bent hoe heet wat is het een goedendag dank niet waar spreek nederlands gaat",
    "vi": "xin chào bạn là gì tên không có tôi khỏe cảm ơn", "id": "apa kabar kamu siapa nama saya terima kasih anda bagaimana selamat",
    "tr": "merhaba nasılsın sen kimsin adın ne teşekkür ederim bir misin",
}
_FOREIGN_WORDS = {code: frozenset(words.split()) for code, words in _FOREIGN.items()}
_ENGLISH = words_of(
    "the a an is are am was were be do does did you your i my me we what who where when how why can could will would it this that have "
    "has "
    "not and or of to in on for with about like want tell please yes no hello hi hey thanks good")


def clean(text: str) -> str:
    """Printable, NFKC, single spaces, at most MOST characters."""
    flat = unicodedata.normalize("NFKC", text[:MOST * 2]) if text else ""
    kept = "".join(c if c.isprintable() or unicodedata.category(c) == "Mn" else " " for c in flat if unicodedata.category(c) not in ("Cf",
        "Co", "Cn"))
    return " ".join(kept.split())[:MOST]


def cjk_share(text: str) -> float:
    """Chinese characters among the letters, an English word counted as two letters."""
    chinese = sum("\u3400" <= c <= "\u9fff" for c in text)
    words = len(re.findall(r"[A-Za-zÀ-ɏ]+", text))
    return chinese / (chinese + 2 * words) if chinese + words else 0.0


def foreign(text: str) -> str:
    """The code of a language that is neither English nor Chinese, if the text is plainly in one, else ""."""
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return ""
    for script, code in () if text.isascii() else _SCRIPTS:
        share = sum(unicodedata.name(c, "").startswith(script) for c in letters) / len(letters)
        if share > (0.15 if code == "ja" else 0.5):
            return code
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)?", text.lower())
    english = sum(word in _ENGLISH for word in words)
    best = max(_FOREIGN_WORDS, key=lambda code: sum(word in _FOREIGN_WORDS[code] for word in words))
    hits = sum(word in _FOREIGN_WORDS[best] for word in words)
    marked = any(ord(c) > 127 for c in "".join(words))
    return best if hits >= 2 and hits > english + (0 if marked else 1) or hits == len(words) == 1 and best in ("es", "fr", "it", "pt",
        "tr") \
        and words[0] in ("hola", "bonjour", "ciao", "salut", "merci", "gracias", "grazie", "olá", "merhaba") else ""


def language_of(text: str, history: Sequence[dict], page: str) -> str:
    """"en" or "zh": of the text, else of the user's last words, else of the page."""
    for words in (text, *(turn.get("content", "") for turn in reversed(history) if turn.get("role") == "user")):
        letters = re.findall(r"[A-Za-z\u3400-\u9fff]", words)
        if letters and (len(letters) > 1 or words is text and "\u3400" <= letters[0] <= "\u9fff"):
            return "zh" if cjk_share(words) >= 0.4 else "en"
    return "zh" if page.lower().startswith("zh") else "en"


@lru_cache(maxsize=512)
def simplify(text: str) -> str:
    return text.translate(_TO_SIMPLE)


@lru_cache(maxsize=512)
def spell_out(text: str) -> str:
    """English in lower case with contractions written out; punctuation kept."""
    low = text.lower().replace("’", "'").replace("`", "'")
    for pattern, with_ in _CONTRACTED:
        low = pattern.sub(with_, low)
    return " ".join(low.split())


@lru_cache(maxsize=512)
def normal_en(text: str) -> str:
    """For comparing: spelled out, without punctuation and lead-ins such as "so, can you tell me"."""
    low = " ".join(re.sub(r"[^\w\s'+]", " ", spell_out(text)).split())
    led = _LEADS_EN.sub("", low).strip()
    led = re.sub(r"\s+(please|then|though|by the way|exactly|right now|actually|mate|buddy|dude|bro|my friend)$", "", led)
    return led or low


@lru_cache(maxsize=512)
def normal_zh(text: str) -> str:
    """For comparing: simplified, one word for each meaning, without punctuation, particles and lead-ins."""
    bare = re.sub(r"[^\w]", "", simplify(text).lower())
    bare = _LEADS_ZH.sub("", bare) or bare
    bare = re.sub(r"(?<=你)(?:到底|究竟|其实|真的|自己)(?=是谁|叫|是什么)", "", bare)
    bare = re.sub(r"(?<![成首古])都(?=叫|有|干|做|教|卖|吃|喝|会|去|在)", "", bare)
    for pattern, with_ in _SAMED_ZH:
        bare = pattern.sub(with_, bare)
    return _PARTICLES.sub("", bare) or bare


def normal(text: str, language: str) -> str:
    return normal_zh(text) if language == "zh" else normal_en(text)


def parts(text: str) -> list[str]:
    """Sentences, and questions joined by "and", as typed."""
    found = []
    for sentence in re.split(r"(?<=[.!?。！？；;~～…])\s*|\n", text):
        found += re.split(r"(?:,|，)?\s*\band\b\s+(?=(?:what|how|who|where|when|why|do|does|are|is|can|did)\b\s+\w)|[，,](?=\s*(?:你|"
                          r"那你|那|what|how|"
                          r"who|where|are you|do you|can you))",
                          sentence, flags=re.IGNORECASE)
    return [part.strip(" ,，") for part in found if part and re.search(r"\w", part)]
