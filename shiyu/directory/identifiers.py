"""证件与号码 — whether a number of the state or a telephone can be what it claims to be. Pure.

A wrong check digit is told, not thrown: registers that already exist carry real numbers with wrong digits, so an import warns.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

_ID_FORM = re.compile(r"[1-9]\d{16}[\dX]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_OLDEST_YEAR = 1900
_MONTHS = 12

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_FORM = re.compile(rf"[{_USCC_ALPHABET}]{{2}}\d{{6}}[{_USCC_ALPHABET}]{{10}}")
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0\d{9,11}")
_LOCAL = re.compile(r"[2-9]\d{6,7}")
_SHORT = re.compile(r"1(?:10|19|20|22|23\d{2})|955\d{2}")
_SEPARATORS = re.compile(r"[\s()（）\-－—.]+")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋Ｘｘ", "0123456789+XX")


@dataclass(frozen=True, slots=True)
class CitizenId:
    """公民身份号码 (GB 11643) — what the number says: division at birth (a code that may be dead today), birthday, sex."""

    division: str
    born_on: date
    male: bool
    check_right: bool


def citizen_id(number: str) -> CitizenId | None:
    """The parts of a citizen's number; ``None`` when it cannot be one. A wrong check character is ``check_right=False``."""
    number = number.strip().translate(_FULL_WIDTH).upper()
    if not _ID_FORM.fullmatch(number):
        return None
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    if year < _OLDEST_YEAR or not 1 <= month <= _MONTHS or not 1 <= day <= monthrange(year, month)[1]:
        return None
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return CitizenId(number[:6], date(year, month, day), int(number[16]) % 2 == 1, _ID_CHECKS[total % 11] == number[17])


def is_citizen_id(number: str) -> bool:
    """Whether it is a citizen's number with a right check character."""
    found = citizen_id(number)
    return found is not None and found.check_right


def uscc_check(first_seventeen: str) -> str:
    """The check character of a 统一社会信用代码 (GB 32100-2015)."""
    total = sum(
        _USCC_ALPHABET.index(mark) * weight for mark, weight in zip(first_seventeen, _USCC_WEIGHTS, strict=True)
    )
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def has_uscc_form(code: str) -> bool:
    """Whether it looks like a 统一社会信用代码, right check or not."""
    return _USCC_FORM.fullmatch(code) is not None


def is_uscc(code: str) -> bool:
    """Whether it is a 统一社会信用代码 with a right check character."""
    code = code.strip().translate(_FULL_WIDTH).upper()
    return has_uscc_form(code) and uscc_check(code[:17]) == code[17]


def telephone(number: str, area_code: str = "0412") -> str | None:
    """A telephone in its one form: +86 and the number without its leading nought; a short number such as 12345 as it is.

    ``area_code`` is put before a local number. ``None`` when it cannot be a telephone in China.
    """
    digits = _SEPARATORS.sub("", number.strip().translate(_FULL_WIDTH))
    digits = re.sub(r"^(?:\+|00)86", "", digits)
    if _MOBILE.fullmatch(digits):
        return "+86" + digits
    if _SHORT.fullmatch(digits):
        return digits
    if _LANDLINE.fullmatch(digits):
        return "+86" + digits[1:]
    if _LOCAL.fullmatch(digits):
        return "+86" + area_code[1:] + digits
    return None
