"""Goods: how people write their files, what is wrong in which line, what is found, recommended, priced and refused."""
from __future__ import annotations

import json
import time
from datetime import datetime

import pytest

from persona import scene as scenes
from persona import tools
from persona.card import CardError, Persona
from persona.catalogue import MOST_GOODS, MOST_NOTES, Catalogue, _price
from persona.mind import Mind

NOW = datetime(2026, 11, 21, 20, 5)
SHOP = """name;price (EUR);tags;description;stock
Canvas tent;1.249,00;camping, family;"Four people; it stands in ten minutes.";3
Tin mug;7,50;camping, gift;Doesn't mind a fall.;40
;12;camping;no name here;1
Enamel pot;on request;camping, cooking;For six.;2
Tin mug;8;camping;Another one.;1

Wool blanket;64;camping, home, gift;Warm when wet.;9
"""
SHOP_ZH = "商品,价格（元）,标签,介绍\n帆布帐篷,\"1,299\",露营、家庭,四人用，十分钟搭好\n搪瓷杯,¥29.9,露营、礼物,摔不坏\n羊毛毯,1.2万,家居,湿了也暖\n"


def test_a_table_as_a_spreadsheet_writes_it():
    goods = Catalogue(SHOP.encode(), "shop.csv")
    assert [(good.said("name", "en"), good.price) for good in goods.goods] == [("Canvas tent", 1249.0), ("Tin mug", 7.5), ("Enamel pot", None), ("Tin mug", 8.0), ("Wool blanket", 64.0)]
    assert goods.currency == "euros" and goods.price(goods.goods[1], "en") == "7.50 euros" and goods.price(goods.goods[0], "zh") == "1249欧元"
    assert goods.notes == [("Line 4 has no name and was left out.", "第4行没有名称，未采用。"), ("Line 5: 'on request' is no price; it is kept without one.", "第5行：“on request”不是价格，按没有价格保留。"),
                           ("Line 6: 'Tin mug' stands in line 3 already.", "第6行：“Tin mug”重复了。")]
    zh = Catalogue(SHOP_ZH.encode("gb18030"), "goods.csv")
    assert [good.price for good in zh.goods] == [1299.0, 29.9, 12000.0] and zh.price(zh.goods[1], "zh") == "29.90元" and zh.price(zh.goods[1], "en") == "29.90 yuan"
    assert Catalogue(SHOP.replace("\n", "\r\n").encode("utf-16"), "a.csv").goods[0].price == 1249.0
    assert Catalogue(b"sep=;\r\nname;price\r\nCup;5\r\n;6\r\n", "a.csv").notes[0][0].startswith("Line 4")
    assert Catalogue("name,price\nCafé crème,3\n".encode("cp1252"), "a.csv").goods[0].said("name", "en") == "Café crème"


@pytest.mark.parametrize(("text", "price"), [("1,299.00", 1299.0), ("1.299,00 €", 1299.0), ("24,50", 24.5), ("$5", 5.0), ("USD 1,299", 1299.0), ("0.125", 0.125), ("1 299", 1299.0), ("CHF 1'250.50", 1250.5), ("12.5", 12.5),
                                             ("on request", None), ("-5", None), ("", None), (None, None), (7, 7.0), (True, None), (1e12, None), ("9" * 30, None), ("¥1.2万", 12000.0), ("29.9元/个", 29.9)])
def test_prices(text, price):
    assert _price(text) == price


def test_it_is_bounded_and_reads_the_same_again():
    rows = "name,price\n" + "".join(f"Thing {n},{n}\n" for n in range(MOST_GOODS + 50)) + ",5\n" * 40
    goods = Catalogue(rows.encode(), "many.csv")
    assert len(goods.goods) == MOST_GOODS and "Only the first" in goods.notes[-1][0]
    many = Catalogue(("name,price\nCup,5\n" + ",5\n" * 40).encode(), "many.csv")
    assert len(many.notes) == MOST_NOTES and many.left == 20
    again = Catalogue(many.packed(), "catalogue.json")
    assert again.goods == many.goods and again.name == "many.csv" and not again.notes
    shop = Catalogue(SHOP.encode(), "shop.csv")
    kept = Catalogue(shop.packed(), "catalogue.json")
    assert kept.goods == shop.goods and kept.currency == "euros" and [fit.good for fit in kept.find("camping", "en")] == [fit.good for fit in shop.find("camping", "en")]
    began = time.process_time()
    for _ in range(5):
        goods.find("thing 17 under 50 euros", "en")
    assert (time.process_time() - began) / 5 < 0.25
    with pytest.raises(CardError, match="larger"):
        Catalogue(b"x" * (2**21 + 1), "a.csv")


@pytest.mark.parametrize(("data", "told"), [(b"a,b\n1,2\n3,4\n", "Line 2"), (b"\x00\x01\x02" * 50, "holds no goods|cannot be read"), (json.dumps({"goods": {"a": 1}}).encode(), "cannot be read|no goods"),
                                            (json.dumps([1, "x", None]).encode(), "no goods")])
def test_what_is_no_catalogue(data, told):
    with pytest.raises(CardError, match=told) as caught:
        Catalogue(data, "x.csv" if data[:1] not in b"{[" else "x.json")
    assert caught.value.hint and caught.value.zh[0]


def asked(goods, own="shopping_adviser", language="en", **more):
    return tools.Asked(language, NOW, catalogue=goods, scene=scenes.load(own) if own else None, **more)


def test_it_recommends_with_reasons_and_prices():
    goods, shop = Catalogue(SHOP.encode(), "shop.csv"), tools.ALL["catalogue"]

    def said(text, **more):
        on = asked(goods, **more)
        return shop.run(shop.when(text, on) or {"wish": text}, on)

    done = said("I'm looking for something for camping under 10 euros")
    assert "Tin mug" in done.text and "7.50 euros" in done.text and "camping" in done.text and done.data["found"][0]["why"]
    liked = said("a present, please recommend one", history=[{"role": "user", "content": "My home is always cold, I love warm wool."}])
    assert "Wool blanket" in liked.text and "you spoke of" in liked.text
    dear = said("a tent under 500 euros")
    assert "Canvas tent" in dear.text and "1249 euros" in dear.text and dear.data["found"] == []
    for nothing in ("Do you have a violin?", "do you sell bicycles"):
        none = said(nothing, history=[{"role": "user", "content": "I like camping"}])
        assert none.data == {"found": []} and "Tin mug" not in none.text
    assert "8 euros" in said("How much is the tin mug?").text or "7.50 euros" in said("How much is the tin mug?").text
    assert "Tin mug" in said("what's the cheapest you have?").text and "Canvas tent" in said("show me the most expensive one").text
    zh = Catalogue(SHOP_ZH.encode(), "a.csv")
    done = said_zh(zh, "想买露营用的，一百元以内")
    assert "搪瓷杯" in done.text and "29.90元" in done.text
    assert "没有" in said_zh(zh, "有小提琴吗？").text and "29.90元" in said_zh(zh, "搪瓷杯多少钱？").text and "帆布帐篷" in said_zh(zh, "有没有帐篷，五百以内").text


def said_zh(goods, text):
    on = asked(goods, language="zh")
    return tools.ALL["catalogue"].run(tools.ALL["catalogue"].when(text, on) or {"wish": text}, on)


def test_a_twin_that_is_no_shop_speaks_of_goods_only_where_it_has_them():
    card = {"name": {"en": "Robin"}, "description": {"en": "Robin keeps a small shop by the lake."}, "languages": ["en"]}
    mind = Mind(Persona.parse(card), catalogue=Catalogue(SHOP.encode(), "shop.csv"))
    answer = mind.answer([], "Do you have anything for camping?", now=NOW)
    assert answer.step == "tool" and "Tin mug" in answer.text
    assert "64 euros" in mind.answer([], "How much is the wool blanket?", now=NOW).text
    for other in ("I need somebody to talk to", "Do you have children?", "How much do you love your lake?"):
        assert mind.answer([], other, now=NOW).step != "tool", other
    assert [row["function"]["name"] for row in mind.answer([], "Tell me what the sea means to you, would you", now=NOW, capable=True).functions.schemas] == ["clock", "calculator", "catalogue"]
