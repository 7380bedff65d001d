from __future__ import annotations

import pytest

from crm_helpers.ingest.encodings import guess_encoding

SIMPLIFIED = "客户编号,姓名,地址\n001,张伟,北京市朝阳区建国路八十八号\n002,李娜,上海市浦东新区世纪大道\n"
TRADITIONAL = "客戶編號,姓名,地址\n001,張偉,臺北市信義區市府路四十五號\n002,李娜,高雄市三民區建國三路\n"
FRENCH = "numéro,nom,ville\n1,Hélène Müller,Besançon\n2,Françoise Lefèvre,Orléans – Sud\n"


@pytest.mark.parametrize(
    ("text", "written", "guessed"),
    [
        (SIMPLIFIED, "gb18030", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (FRENCH, "cp1252", "cp1252"),
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (FRENCH, "utf-16-le", "utf-16-le"),
        (FRENCH, "utf-16-be", "utf-16-be"),
        ("id,name\n1,Ann\n", "ascii", "utf-8"),
    ],
)
def test_an_encoding_is_guessed_from_its_text(tmp_path, text, written, guessed):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(written))
    name, score = guess_encoding(path)
    assert name == guessed
    assert path.read_text(encoding=name) == text
    assert 0.5 <= score <= 1


def test_bytes_that_are_no_text_have_no_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\x81\x8d\x8f\x90\xff\xff\x81")
    assert guess_encoding(path) is None
