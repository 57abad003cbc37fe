"""Chinese questions that are plain by their wording, over invented people."""
from datetime import datetime

import pytest

from persona.card import Persona
from persona.into_chinese import to_chinese
from persona.mind import Mind

CARD = {"name": "陈秀兰", "age": 66, "gender": "female", "description": "陈秀兰是哈尔滨的退休护士，爱养花，会拉手风琴。",
        "facts": ["我以前在市第二医院当护士，干了三十一年。", "每天晚上七点在江边公园跳舞，周一不跳。", "我在阳台上养了十七盆君子兰，因为我老伴最喜欢君子兰。",
                  "我老伴叫孙国栋，以前开电车。", "我有一个女儿叫孙晴，在大连教英语。", "小孙女叫朵朵，今年五岁。", "我对花生过敏。"]}


@pytest.mark.parametrize(("turns", "held"), [
    (["爱人是做什么的"], "电车"), (["老公叫什么"], "孙国栋"), (["你爸爸呢"], "故事"), (["最小的孙女叫什么"], "朵朵"), (["在哪跳舞"], "江边公园"),
    (["周一跳吗"], "不"), (["养花吗", "为什么这么多"], "因为"), (["会乐器吗"], "手风琴"), (["干了多久了"], "三十一年"), (["累不累啊"], "数字人"),
    (["工资多少"], "故事"), (["请你吃糖"], "花生"), (["都没人理我"], "我"), (["你喜欢哪个歌手"], "没写"), (["“床前明月光”下一句是什么"], "疑是地上霜"),
    (["你又不是真人，你懂什么"], "数字人"), (["你是不是真的护士啊，真人？"], "不是真人"), (["人工智能会取代人类吗"], "说不准")])
def test_plain_questions(turns, held):
    mind, history = Mind(Persona.parse(CARD, "xiulan")), []
    for turn in turns:
        said = mind.answer(history, turn, now=datetime(2026, 11, 21, 12), language="zh").text
        history += [{"role": "user", "content": turn}, {"role": "assistant", "content": said}]
    assert held in said


def test_another_joke():
    mind, history, told = Mind(Persona.parse(CARD, "xiulan")), [], []
    for turn in ("讲个笑话", "不好笑，换一个", "再来一个"):
        told.append(mind.answer(history, turn, now=datetime(2026, 11, 21, 12), language="zh").text)
        history += [{"role": "user", "content": turn}, {"role": "assistant", "content": told[-1]}]
    assert len(set(told)) == 3


@pytest.mark.parametrize(("english", "chinese"), [
    ("I have a son called Peter, who is a plumber.", "我有个儿子叫Peter，是水管工。"), ("I am divorced.", "我离了婚。"),
    ("Entry is free, the special exhibition costs 9 pounds.", "入场免费，特展9英镑。"), ("I have sold three paintings.", "我卖过3幅画。"),
    ("I bake bread at night and sleep until noon.", "我夜里烤面包，睡到中午。"), ("I never get up before noon.", "我中午以前从不起床。"),
    ("I paint in oils at the kitchen table.", "我在厨房桌子上画油画。"), ("I have been a guard for fourteen years.", "我当保安14年了。")])
def test_everyday_gists(english, chinese):
    assert to_chinese(english) == chinese
