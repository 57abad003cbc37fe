"""Personal data in English and Chinese texts is masked; times, prices and plain words are not."""
from __future__ import annotations

import pytest

from twin import mask
from twin.mask import masked

PHRASES = [
    ("Call me at (415) 555-2671 tomorrow.", "Call me at [phone] tomorrow."), ("My number is +44 20 7946 0958.", "My number is [phone]."),
    ("Ring 07911 123456 after six.", "Ring [phone] after six."), ("Write to ada.l+tw@example.co.uk!", "Write to [e-mail]!"),
    ("My name is Ada Lovelace.", "My name is [name]."), ("Please ask Dr. Brown about it.", "Please ask Dr. [name] about it."),
    ("Dear Margaret, thank you.", "Dear [name], thank you."), ("This is John Smith speaking.", "This is [name] speaking."),
    ("I live at 12 Baker Street, London NW1 6XE.", "I live at [address]."), ("Send it to 1600 Pennsylvania Avenue, Washington, DC 20500.", "Send it to [address]."),
    ("My card is 4111 1111 1111 1111.", "My card is [card number]."), ("SSN 536-90-4399 it is.", "SSN [ID number] it is."),
    ("Pay into GB82 WEST 1234 5698 7654 32.", "Pay into [card number]."), ("My passport C01234567 is old; passport: C01234567", "My passport [ID number] is old; passport: [ID number]"),
    ("National insurance QQ 12 34 56 C? AB 12 34 56 C!", "National insurance QQ 12 34 56 C? [ID number]!"), ("The box is 192.168.1.20.", "The box is [network address]."),
    ("My token is hf_abcdefghijklmnopqrstuvwx, keep it.", "My token is [key], keep it."), (f"It says {'5e' * 32}!", "It says [key]!"),
    ("key: sk-proj-abcDEF0123456789_x and AKIAABCDEFGHIJKLMNOP", "key: [key] and [key]"), ("我把我的密钥写在这里，请你不要告诉别人，密钥是hf_abcdefghijklmnop。", "我把我的密钥写在这里，请你不要告诉别人，密钥是[密钥]。"),
    ("打我电话13800138000。", "打我电话[电话]。"), ("座机是010-62511234。", "座机是[电话]。"), ("我叫王小明，今年三十。", "我叫[姓名]，今年三十。"),
    ("我是欧阳锋。", "我是[姓名]。"), ("王医生说没事，李女士也来了。", "[姓名]医生说没事，[姓名]女士也来了。"),
    ("身份证号11010519491231002X。", "身份证号[证件号]。"), ("邮箱是li.lei@example.com.cn。", "邮箱是[邮箱]。"),
    ("我住在北京市海淀区中关村大街27号3号楼502室。", "我住在[地址]。"), ("快递寄到上海市浦东新区世纪大道100号。", "快递寄到[地址]。"),
    ("银行卡6222 0212 3456 7894 吗？", "银行卡[卡号] 吗？"),
]
PLAIN = [
    "We meet at 10:30 on 12/05/2026.", "It costs 1,299.00 dollars, or 1299.", "Version 3.11.2 has 4711 lines.", "Call me later, dear Sir.", "This is great. This is the one.",
    "The order number is 1234 5678 9012 3456.", "Room 204, second street on the left.", "Dear customers, we open at 9.", "I am called to the bar every Monday.",
    "Flat tyres cost 12 to 18.", "ISBN 978-3-16-148410-0", "11010519491231002 is one digit short",
    "hf_transfer is a package, sk-learn is another.", "The hash abcdef0123456789 is short.",
    "明天上午十点开会，票价128元。", "我是老师，她是医生。", "路上有三号线，坐2号线也行。", "王者荣耀很好玩。", "编号110105194912310021不对。", "我叫它小白。",
]


@pytest.mark.parametrize(("text", "after"), PHRASES)
def test_what_is_personal_is_masked(text, after):
    assert masked(text) == after


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_not_is_left(text):
    assert masked(text) == text


def test_a_key_leaves_nowhere():
    token = "hf_" + "a" * 34
    assert mask.keys(f"name: Ada\nfacts: ['My key is {token}.']\n".encode()) == b"name: Ada\nfacts: ['My key is [key].']\n"
    assert masked(f"My key is {token}.", keep=[f"My key is {token}."]) == "My key is [key]." and mask.keys(b"\xff\xfe") == b"\xff\xfe"
    assert token not in mask.lines(f"- {{id: a, ask: [Which key?], say: ['{token}']}}\n".encode(), keep=[token]).decode()


def test_known_names_and_what_may_stay():
    assert masked("Ben said that Benjamin and Ben came.", known=["Ben"]) == "[name] said that Benjamin and [name] came."
    assert masked("小芳说她明天来", "zh", known=["小芳"]) == "[姓名]说她明天来"
    assert masked("Call the shop: (415) 555-2671, or me: (415) 555-2672.", keep=["Our shop has the number 415 555 2671."]) == "Call the shop: (415) 555-2671, or me: [phone]."


def test_lines_are_masked_and_stay_lines():
    from persona.lines import parse_lines
    raw = b"- {id: who, ask: [Who are you?], say: ['My name is Ada Lovelace.', 'Call (415) 555-2671']}\n- {id: tea, ask: [Tea?], say: [Yes.]}\n"
    done = mask.lines(raw)
    assert b"Lovelace" not in done and b"[name]" in done and b"[phone]" in done and len(parse_lines(done, "lines.en.yaml")) == 2
    assert mask.lines(raw, keep=["Ada Lovelace, 415 555 2671"]) == raw
    clean = b"- {id: tea, ask: [Tea?], say: [Yes.]}\n"
    assert mask.lines(clean) == clean


def test_a_text_of_any_length_takes_no_time():
    import time
    began = time.process_time()
    for text in ("1 " * 5_000, "A" * 50_000, "省市区" * 8_000, "a.b-c@" * 8_000, "My name is " * 5_000, "王" * 30_000):
        masked(text)
    assert time.process_time() - began < 20
