"""The conditions that a task's name contains a part, which reject most tasks without parsing."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import Final

from uniqc_store.query.where import Where
from uniqc_store.rows import raw_text

_HAS_ESCAPES: Final = "metadata_json GLOB '*\\u*'"
_IS_NOT_ASCII: Final = "length(metadata_json) <> length(CAST(metadata_json AS BLOB))"

# Every text with the name passes each of these. JSON need not escape ASCII, but may. LIKE folds the
# case of ASCII only: the whole part is a pattern for a text of nothing else, which costs two passes
# over the text to find out. Hence that comes last.
_IN_ANY_TEXT: Final = """(
    metadata_json LIKE :name_in_any_text ESCAPE '!' OR metadata_json GLOB '*\\u00[0-7]*'
)"""
_WITHOUT_CASE: Final = f"(instr(metadata_json, :name_without_case) > 0 OR {_HAS_ESCAPES})"
_IN_ASCII: Final = f"""(
    metadata_json LIKE :name_in_ascii ESCAPE '!' OR {_IS_NOT_ASCII} OR {_HAS_ESCAPES}
)"""
_NAME_CONTAINS: Final = f"name_contains({raw_text('metadata_json')}, :name)"

ALSO_FOLDED: Final = "afhijklnstwy"
"""The ASCII letters that other characters fold to: the long s, the kelvin sign, ligatures …"""

# JSON may escape quotes, slashes and control characters. All others of ASCII stand for themselves.
_ESCAPED: Final = r'"/\\\x00-\x1f\x7f-\U0010ffff'
_LIKE_SPECIAL: Final = re.compile(r"[%_!]")
_LONGEST: Final = 1000
"""Characters of a part that become a pattern. SQLite refuses patterns of more than 50,000 bytes."""


def name_contains(part: str) -> Where:
    """Return the conditions that ``metadata.task_name`` contains a part, compared without case.

    SQLite tests them in this order, so that few texts are parsed.

    Args:
        part: The part; an empty one has no condition.
    """
    where = Where()
    if not part:
        return where
    folded = part.casefold()
    anywhere = _certain(folded, _ESCAPED + ALSO_FOLDED)
    if len(max(anywhere, key=len)) > 1:  # Nearly every text has any one letter.
        where.add(_IN_ANY_TEXT, name_in_any_text=_pattern(anywhere))
    if letters := _without_case(folded):
        where.add(_WITHOUT_CASE, name_without_case=letters)
    where.add(_IN_ASCII, name_in_ascii=_pattern(_certain(folded, _ESCAPED)))
    where.add(_NAME_CONTAINS, name=folded)
    return where


def is_without_case(character: str) -> bool:
    """Return whether a character is a letter that folds to itself, and no other folds to it.

    True of the letters of scripts without case, such as Chinese.
    """
    return unicodedata.category(character) == "Lo"


def _without_case(part: str) -> str:
    """Return the longest run of letters without case; empty if there are none."""
    runs = ("".join(run) for alike, run in groupby(part, is_without_case) if alike)
    return max(runs, key=len, default="")


def _certain(part: str, uncertain: str) -> list[str]:
    """Return what is between runs of uncertain characters, of the beginning of a long part."""
    return re.split(f"[{uncertain}]+", part[:_LONGEST])


def _pattern(certain: list[str]) -> str:
    """Return a pattern of LIKE in which anything may stand between these."""
    literal = (_LIKE_SPECIAL.sub(r"!\g<0>", each) for each in certain)
    return f'%"task!_name"%{"%".join(literal)}%'
