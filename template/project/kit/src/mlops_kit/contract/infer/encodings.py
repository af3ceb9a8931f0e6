"""The encoding of a text file: its byte order mark, else UTF-8 where the whole file is, else the one that fits best.

No encoding but UTF-8 can be proved. charset-normalizer ranks those in which the file can be read at all; what its
ranking leaves close (cp1250 or cp1252 for a few names) is settled by how well the text fits a language.
"""

# ruff: noqa: RUF001  (letters and signs of other languages are meant)

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from mlops_kit.contract.errors import ContractError
from mlops_kit.contract.infer.findings import Findings

SAMPLE = 1 << 16  # bytes of lines that are not ASCII
# What programs write, the likelier first: Windows, then Unix, then macOS and DOS.
ONE_BYTE = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp1255", "cp1256", "iso8859_15", "iso8859_2"),
    *("iso8859_5", "iso8859_7", "iso8859_9", "koi8_r", "koi8_u", "latin_1", "mac_roman", "mac_cyrillic", "cp850"),
    *("cp866", "cp852"),
)
# Of two bytes a character: the encoding that orders those in daily use, their first bytes in it, and the most frequent.
_JAPANESE = (
    "euc_jp",
    frozenset({0xA1, 0xA3, 0xA4, 0xA5, *range(0xB0, 0xD0)}),
    "のにはをたがでてとしれさいるなもあかうりっこまスンルトアイラリク日一国人年大十本中長出時行見月分後前生間上東四今金入"
    "高子外気山話女北百先名川水西校土木車南白天左右雨京阪市町村県区都府道島古屋新横浜福岡広田小野松原神戸",
)
_CHINESE = (
    "gb2312",
    frozenset({0xA1, 0xA3, *range(0xB0, 0xD8)}),
    "的一是不了人我在有他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心市区县省州海京广北南东西江山河湖安武门成重庆天津",
)
_TAIWANESE = (
    "big5",
    frozenset({0xA1, *range(0xA4, 0xC7)}),
    "的一是不了人我在有他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作里用道行所然家種事成方"
    "多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心市區縣鄉鎮臺台北高雄新竹南東西山花蓮港香",
)
_KOREAN = (
    "euc_kr",
    frozenset({0xA1, 0xA3, *range(0xB0, 0xC9)}),
    "이다는의에가을를한고지서로하기도시대인정사자수아나리해어보부일전상제구경주원공장동스그년은들것있으과국게우니라여만위성조유"
    "민선북남울산광천김박최강안면음없않호오비미용군읍",
)
TWO_BYTES = {
    **dict.fromkeys(("shift_jis", "cp932", "euc_jp"), _JAPANESE),
    "gb18030": _CHINESE,
    **dict.fromkeys(("big5", "cp950"), _TAIWANESE),
    **dict.fromkeys(("euc_kr", "cp949"), _KOREAN),
}
SAME = {"cp932": "shift_jis", "cp950": "big5", "cp949": "euc_kr"}  # with more characters
LANGUAGES = tuple(
    frozenset(letters + letters.upper())
    for letters in (
        *(
            "äöüß",
            "àâæçéèêëîïôœùûüÿ",
            "áéíñóúü",
            "áâãàçéêíóôõúü",
            "àèéìíîòóù",
            "åäöé",
            "åæøé",
            "áéëèïóöü",
            "àçèéíïòóúü",
        ),
        *("äöõüšž", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
        *("ąčęėįšųūž", "āčēģīķļņšūž", "çğıöşüİ", "áðéíóúýþæö", "абвгдежзийклмнопрстуфхцчшщъыьэюяё"),
        *(
            "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
            "абвгдђежзијклљмнњопрстћуфхцчџш",
            "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
        ),
        *("אבגדהוזחטיךכלםמןנסעףפץצקרשת", "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأؤإئ"),
    )
)
RARE = frozenset("ðþÐÞ")  # of Icelandic: in their places Turkish has letters that are in every second word
FREQUENT = frozenset("оеаинтсрαοιετσνηיוהלארתבاليمونرة")
SIGNS = frozenset("€£¥§°²³µ·±×½¼«»–—‘’‚“”„…©®™¿¡ºª№\xa0")


def find_encoding(path: Path, head: bytes, found: Findings) -> str:
    """The encoding in which the whole file can be read: a sample could miss a late character."""
    marks = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32"}
    marks |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    for mark, encoding in marks.items():
        if head.startswith(mark):
            check_encoding(path, encoding)
            return encoding
    if b"\x00" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        encoding = "utf-16-le" if odd > len(head) // 3 > even else "utf-16-be" if even > len(head) // 3 > odd else ""
        if not encoding or not can_be_read(path, encoding):
            if head.count(0) < len(head) / 100:
                line = head[: head.index(0)].count(b"\n") + 1
                raise ContractError(f"{path.name}, line {line} has a zero byte.", "Remove it.")
            raise ContractError(f"{path.name} is a binary file, not a table.", "Give a CSV, JSON or Parquet file.")
        return encoding
    if can_be_read(path, "utf-8"):
        return "utf-8"
    return _likeliest(path, found)


def check_encoding(path: Path, encoding: str) -> None:
    """Raise ContractError for an encoding that there is not, or in which the file cannot be read whole."""
    try:
        known = codecs.lookup(encoding)
    except LookupError:
        raise ContractError(
            f"There is no encoding {encoding!r}.", "Name it as Python does: cp1250, shift_jis."
        ) from None
    if not known._is_text_encoding:
        raise ContractError(f"{encoding!r} is no encoding of text.", "Name it as Python does: cp1250, shift_jis.")
    with path.open("rb") as file:
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 1
        while chunk := file.read(1 << 20):
            try:
                decoder.decode(chunk)
            except UnicodeError as error:
                line += chunk[: getattr(error, "start", 0)].count(b"\n")
                raise ContractError(
                    f"{path.name} cannot be read as {encoding}: line {line} has bytes that are none of its characters.",
                    "Name another one with --encoding.",
                ) from None
            line += chunk.count(b"\n")
        try:
            decoder.decode(b"", final=True)
        except UnicodeError:
            raise ContractError(f"{path.name} ends in the middle of a character of {encoding}.", "Check it.") from None


def can_be_read(path: Path, encoding: str) -> bool:
    """Whether the whole file can."""
    try:
        check_encoding(path, encoding)
    except ContractError:
        return False
    return True


def _likeliest(path: Path, found: Findings) -> str:
    """The encoding that fits best; where the next one fits nearly as well and reads a cell otherwise, warn."""
    sample = _sample(path)
    ranked = _ranked(sample)
    readable = (encoding for encoding, _ in ranked if can_be_read(path, encoding))
    best = next(readable, "latin_1")
    encoding = "latin-1" if best == "latin_1" else best
    found.info(f"read as {encoding}: it is not UTF-8")
    fits = dict(ranked)
    for other in readable:
        if SAME.get(other, other) == SAME.get(best, best) or fits[other] < fits.get(best, 0) - 0.2:
            continue
        if cells := _first_difference(sample, best, other):
            found.warn(
                f"the encoding could be {other}, not {encoding}: a cell is {cells[0]!r} in {encoding} and {cells[1]!r} "
                f"in {other} (--encoding {other} or `source.encoding` in contract.yaml changes it)"
            )
            break
    return encoding


def _sample(path: Path) -> bytes:
    """The first lines that are not ASCII, each once: they alone tell anything."""
    lines: dict[bytes, None] = {}
    size = 0
    with path.open("rb") as file:
        for line in file:
            if not line.isascii() and line not in lines:
                lines[line] = None
                size += len(line)
                if size > SAMPLE:
                    break
    return b"".join(lines)


def _ranked(sample: bytes) -> list[tuple[str, float]]:
    """The encodings in which a sample can be read, with how well it fits (at most 1), the best first."""
    from charset_normalizer import from_bytes

    candidates = [*ONE_BYTE, *TWO_BYTES]
    order = [match.encoding for match in from_bytes(sample, cp_isolation=candidates)]
    ranks = {encoding: order.index(encoding) if encoding in order else len(candidates) for encoding in candidates}
    fits = {}
    for encoding in candidates:
        try:
            fits[encoding] = round(_fit(sample.decode(encoding), encoding), 2)
        except UnicodeDecodeError:
            continue
    place = {encoding: number for number, encoding in enumerate(candidates)}

    def key(encoding: str) -> tuple[float, int, int]:
        return -fits[encoding], ranks[encoding] if encoding in TWO_BYTES else 0, place[encoding]

    return [(encoding, fits[encoding]) for encoding in sorted(fits, key=key)]


def _fit(text: str, encoding: str) -> float:
    """The share of characters beyond ASCII that fit: letters of one language and signs, less what words do not have."""
    beyond = Counter(character for character in text if character > "\x7f")
    total = sum(beyond.values())
    if encoding in TWO_BYTES:
        common = sum(count for character, count in beyond.items() if _in_daily_use(character, encoding))
        mixed = len(re.findall(r"[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]|\d[ｦ-ﾟ]\d", text))  # as in Orl斬ns, or 1ﾕ059
        frequent = sum(beyond[character] for character in set(TWO_BYTES[encoding][2])) / 10
        # That all can be decoded tells much already.
        return 0.55 + ((common - mixed) / 2 + frequent) / total if common else 0.0
    letters = max(sum(beyond[letter] for letter in language) for language in LANGUAGES)
    # Preferred are languages over signs: Polish read as cp1252 is full of them.
    signs = sum(beyond[sign] for sign in SIGNS) if encoding.startswith(("cp125", "iso", "latin")) else 0
    wrong = sum(map(_wrong, re.findall(r"\w*[^\x00-\x7f]+\w*", text))) + sum(beyond[letter] for letter in RARE) / 10
    if signs == total and not wrong and not re.search(r"[^\x00-\x7f]{2}", text):
        return 1.2  # 12 °C, 5,50 €: single signs, in a text that has no letters beyond ASCII
    frequent = sum(count for letter, count in beyond.items() if letter.lower() in FREQUENT) / 10
    return (letters + 0.9 * signs + frequent - wrong) / total if total else 0.0


def _wrong(word: str) -> int:
    """How many characters of a word are not where a person would put them."""
    pairs = list(pairwise(word))
    odd = sum(a.islower() and b.isupper() and b > "\x7f" for a, b in pairs)  # capitals within words
    odd += sum(a.isalpha() and b.isalpha() and (a > "\u036f") != (b > "\u036f") for a, b in pairs)  # two scripts
    odd += sum(a.isalpha() and b in "°²³µ±×½¼º¿¡€£¥§©®" for a, b in pairs)  # signs within words
    return odd + sum(a in "²³±®©·" and b.isalpha() for a, b in pairs)


@cache
def _in_daily_use(character: str, encoding: str) -> bool:
    order, first, _ = TWO_BYTES[encoding]
    if "\u3041" <= character <= "\u30ff":  # kana
        return order == "euc_jp"
    try:
        return character.encode(order)[0] in first
    except UnicodeEncodeError:
        return False


def _first_difference(sample: bytes, one: str, other: str) -> tuple[str, str] | None:
    """The first cell that two encodings read otherwise."""
    pairs: Iterator[tuple[str, str]] = zip(
        *(re.split(r"[,;\t|\r\n]", sample.decode(encoding, errors="replace")) for encoding in (one, other)),
        strict=False,
    )
    return next(((a.strip(" \"'"), b.strip(" \"'")) for a, b in pairs if a != b), None)
