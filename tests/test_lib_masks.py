"""Promises of the masks: nothing that identifies a person is left in what is shown, and ordinary text is left alone."""

import pytest

from weilianxin.lib.masks import is_masked, mask_name, mask_phone, redact


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13800001234", "138****1234"),
        ("138 0000-1234", "138****1234"),
        ("+8613800001234", "138****1234"),
        ("１３８００００１２３４", "138****1234"),
        ("0571-88001234", "0571-****1234"),
        ("01088001234", "010-****1234"),
        ("12345", "*****"),
        ("not a number at all", "********"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_telephone_number_keeps_only_what_its_owner_recognises(phone, masked):
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("虚日", "虚*"),
        ("虚日鼠", "虚**"),
        ("阿凡提·买买提江", "阿***"),
        ("虚", "*"),
        ("Star Light", "S***"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_keeps_its_first_character(name, masked):
    assert mask_name(name) == masked


PERSONAL = [
    "13800001234",
    "138 0000 1234",
    "138-0000-1234",
    "+86 13800001234",
    "86-138-0000-1234",
    "13 800 001 234",
    "1 3 8 0 0 0 0 1 2 3 4",
    "１３８００００１２３４",
    "138\u200b0000\u200b1234",
    "138—0000—1234",
    "一三八零零零零一二三四",
    "幺三八〇〇〇〇幺二三四",
    "0571-88001234",
    "0571 8800 1234",
    "(0571)88001234",
    "（0571）88001234",
    "010-8800 1234",
    "0663-8801234",
    "330102199001011234",
    "33010219900101123X",
    "33010219900101123x",
    "３３０１０２１９９００１０１１２３Ｘ",
    "330102 19900101 1234",
    "330102 1990 0101 1234",
    "330102900101123",
    "6222021202000012345",
    "6222 0212 0200 0012 345",
    "浙A12345",
    "浙a·12345",
    "浙A D12345",
    "浙AD12345",
    "沪A1234学",
    "浙ＡＤ１２３４５",
    "star.light@example.com",
    "star+light_1@mail.example.com.cn",
    "star＠example．com",
]


@pytest.mark.parametrize("personal", PERSONAL)
@pytest.mark.parametrize("sentence", ["{}", "我的是{}，请联系", "请找：{}。谢谢", "业主{}三楼"])
def test_nothing_of_a_persons_number_is_left_in_free_text(personal, sentence):
    before, after = sentence.split("{}")
    shown = redact(sentence.format(personal))
    assert shown.startswith(before) and shown.endswith(after)
    middle = shown[len(before) : len(shown) - len(after)]
    assert is_masked(middle)
    assert not any(c.isalnum() for c in middle), middle


@pytest.mark.parametrize("sentence", ["电话88001234", "请致电 8800-1234", "座机：88001234"])
def test_a_local_number_is_known_by_the_word_before_it(sentence):
    assert "1234" not in redact(sentence)


ORDINARY = [
    "6幢2单元301室的灯坏了",
    "2026年11月24日 20:15 开始漏水",
    "2026-11-24 08:30",
    "20261124",
    "编号 261124-0387",
    "请打 12345 热线或 110、119",
    "客服 400-800-1234",
    "花了 1380.50 元，共 13800 元",
    "面积 88.5 平方米，户数 2560",
    "在新A座大厅门口",
    "条款第1388号",
    "三百二十一号楼一二三单元",
    "坐标 30.2400,120.1800",
    "@所有人 请看",
    "",
]


@pytest.mark.parametrize("sentence", ORDINARY)
def test_ordinary_text_is_left_as_it_is(sentence):
    assert redact(sentence) == sentence


def test_several_in_one_text_are_all_hidden_and_the_words_between_stay():
    shown = redact("张三 13800001234，车牌浙A12345，邮箱 a@b.cn，电话0571-88001234，灯坏了")
    assert shown == "张三 ***********，车牌*******，邮箱 ******，电话*************，灯坏了"


def test_a_text_without_end_is_searched_quickly():
    for piece in ("1", "1 ", "138", "a@", "浙A", "0571-", "一", "a."):
        redact(piece * (20_000 // len(piece)))


@pytest.mark.parametrize("value", [mask_phone("13800001234"), mask_name("虚日"), "138＊＊＊＊1234", "138••••1234", "*"])
def test_a_masked_value_is_recognised(value):
    assert is_masked(value)


@pytest.mark.parametrize("value", ["13800001234", "虚日", "阿凡提·买买提", "O'Star-Light", "", None])
def test_a_plain_value_is_not_taken_for_a_masked_one(value):
    assert not is_masked(value)
