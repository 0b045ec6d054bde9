"""The condition that a task's name contains a part, which rejects most tasks without parsing."""

from __future__ import annotations

import re

from uniqc_store.query.where import Where
from uniqc_store.rows import raw_text

# Every text with the name passes both patterns, or has escaped characters. LIKE folds the case of
# ASCII only: the pattern of the whole part counts for a text of nothing else, which costs a pass
# over the text to find out. Hence the other pattern comes first.
_NAME_CONTAINS = f"""(
    (
        metadata_json GLOB '*\\u*'
        OR (
            metadata_json LIKE :name_in_any_text ESCAPE '!'
            AND (
                metadata_json LIKE :name_in_ascii ESCAPE '!'
                OR length(metadata_json) <> length(CAST(metadata_json AS BLOB))
            )
        )
    )
    AND name_contains({raw_text("metadata_json")}, :name)
)"""

ALSO_FOLDED = "afhijklnstwy"
"""The ASCII letters that other characters fold to: the long s, the kelvin sign, ligatures …"""

# JSON may escape quotes, slashes and control characters. All others stand for themselves in a text
# of ASCII without `\u`.
_ESCAPED = r'"/\\\x00-\x1f\x7f-\U0010ffff'
_KEY = '%"task!_name"%'
_LIKE_SPECIAL = re.compile(r"[%_!]")
_LONGEST = 1000
"""Characters of a part that become a pattern. SQLite refuses patterns of more than 50,000 bytes."""


def name_contains(part: str) -> Where:
    """Return the condition that ``metadata.task_name`` contains a part, compared without case.

    Args:
        part: The part; an empty one has no condition.
    """
    if not part:
        return Where()
    folded = part.casefold()
    return Where(
        [_NAME_CONTAINS],
        {
            "name": folded,
            "name_in_any_text": _pattern(folded, _ESCAPED + ALSO_FOLDED),
            "name_in_ascii": _pattern(folded, _ESCAPED),
        },
    )


def _pattern(part: str, uncertain: str) -> str:
    """Return a pattern of LIKE in which anything may stand for runs of uncertain characters."""
    certain = re.split(f"[{uncertain}]+", part[:_LONGEST])
    return _KEY + "%".join(_LIKE_SPECIAL.sub(r"!\g<0>", each) for each in certain) + "%"
