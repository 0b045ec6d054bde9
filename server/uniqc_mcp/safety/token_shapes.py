"""Tokens that are recognised by their documented format, whatever stands beside them.

The prefixes are facts of the platforms that issue the tokens, as secret scanners collect them.
Matching one takes no name, so each prefix is long or its body is.
"""

import re
from typing import Final

# Prefixes, the characters of the rest, and the fewest of them. Each begins a word.
_PREFIXED: Final = (
    ("ghp_ gho_ ghs_ ghr_ ghu_ github_pat_", r"\w", 16),
    ("glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-", r"[\w\-]", 16),
    ("sk_live_ rk_live_ sk_test_ rk_test_ whsec_", r"\w", 16),
    ("xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", r"[\w\-]", 10),
    ("AIza", r"[\w\-]", 30),
    ("ya29. GOCSPX- 1//0", r"[\w\-]", 20),
    ("AKIA ASIA ABIA ACCA LTAI AKID AKLT", "[A-Za-z0-9]", 12),
    ("hf_ r8_ gsk_ pplx- xai- tvly- tvly-dev- lsv2_pt_ lsv2_sk_", r"\w", 20),
    ("npm_ rubygems_ nfp_ figd_ sbp_ sb_secret_ rdme_ pnu_ tfp_ sgp_ ntn_", r"[\w\-]", 30),
    ("pypi-", r"[\w\-]", 30),
    ("dop_v1_ doo_v1_ dor_v1_", "[0-9a-f]", 32),
    ("shpat_ shpss_ shpca_ shppa_ dapi", "[0-9a-fA-F]", 32),
    ("hvs. hvb. hvr.", r"[\w\-]", 20),
    ("glc_ glsa_ sntrys_ sntryu_", "[A-Za-z0-9_+/=]", 20),
    ("lin_api_ lin_oauth_ dckr_pat_ dckr_oat_", r"[\w\-]", 20),
    ("ATATT3 ATCTT3 ATBB", r"[\w=\-]", 20),
    ("NRAK- NRJS- NRII- NRIQ- NRRA- PMAK- HRKU- CFPAT- xkeysib-", r"[\w\-]", 16),
    ("sq0atp- sq0csp- sha256~ AGE-SECRET-KEY-1 AKCp AQVN", r"[\w\-]", 22),
    ("dt0c01. dt0s01. dp.pt. dp.st. dp.ct. dp.sa.", r"[\w.\-]", 24),
    ("pscale_tkn_ pscale_pw_ pscale_oauth_ pul- fo1_ fm2_", r"[\w.=+/\-]", 24),
    ("pat-na1- pat-eu1- pat-na2- key-", "[0-9a-f-]", 32),
    ("MIIEv MIIEo MIIEp MIIJK MIIJQ MIICX MIICd MHcCAQ b3BlbnNzaC1rZXk", r"[\w+/=]", 40),
)
# Formats with parts in the middle or at the end, or with a digit that tells them from words.
_OTHER: Final = (
    r"sk-(?=[\w\-]{0,60}\d)[\w\-]{12,}+",
    r"secret_(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{40,}+",
    r"SG\.[\w\-]{16,40}\.[\w\-]{16,}+",
    r"SK[0-9a-f]{32}\b",
    r"s\.(?=[A-Za-z]{0,23}\d)[A-Za-z0-9]{24}\b",
    r"\d{8,10}:(?=[\w\-]{0,30}[A-Z])[\w\-]{35}(?![\w\-])",
    r"[0-9a-f]{36}NRAL\b",
    r"[0-9a-f]{32}-us\d{1,2}\b",
    r"[A-Za-z0-9]{14}\.atlasv1\.[\w\-]{40,}+",
    r"[MNO][\w\-]{22,26}\.[\w\-]{6}\.[\w\-]{27,}+",
    r"[\w~.]{3}\dQ~[\w~.\-]{31,34}",
)
_PREFIXED_PATTERN: Final = "|".join(
    f"(?:{'|'.join(map(re.escape, prefixes.split()))}){body}{{{fewest},}}+"
    for prefixes, body, fewest in _PREFIXED
)

KNOWN_FORMAT: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?s:.*?)(?:-----END [A-Z0-9 ]{0,30}-----|\Z)"
    r"|PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC:[\s⏎]*[0-9a-f]++|\Z)"
    rf"|(?<![A-Za-z0-9])(?:{_PREFIXED_PATTERN}|{'|'.join(_OTHER)})"
    r"|(?<![\w\-])eyJ[\w\-]{10,}+(?:\.[\w\-]*+){0,4}"
    r"|(?P<keep>hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/)[\w/\-]{16,}+"
    # "Bearer token" and "Basic gates" are prose; "Bearer x1" and "Basic dXNlcjpwYXNz" are not.
    r"|(?P<scheme>\b(?:(?i:bearer)[ \t]+(?![A-Za-z][a-z]{0,19}+\.?(?![\w\-.~+/=]))"
    r"|(?i:basic)[ \t]+(?=[\w+/]*+={1,2}(?!\w)|(?:[\w+/]*?[a-z\d][A-Z]){2})))[\w\-.~+/]++=*+"
)
"""A token of a documented format. ``keep`` and ``scheme`` are what is left in the text."""

LONG_WORD: Final = re.compile(r"[\w\-.~+/=:]{10}")
"""A part of each known format, schemes of HTTP excepted: a seventh of the time of a search."""

_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----")
_BASE64_AT_END: Final = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/=]++\Z")
# An escaped line break counts as space: the text may be the source of a string.
_SPACE_OR_WORD: Final = re.compile(
    r"(?>(?:\\[rn]|[\s⏎\"'])+)|(?P<word>(?>(?:(?!\\[rn])[^\s⏎\"'])+))"
)
_PEM_LINE: Final = 16
_MAX_PEM: Final = 12_000


def pem_tails(text: str) -> list[tuple[int, int]]:
    """Return the places of the ends of private keys whose head is missing."""
    tails: list[tuple[int, int]] = []
    done = 0
    for tail in _PEM_END.finditer(text):
        tails.append(
            (_first_base64(text, max(done, tail.start() - _MAX_PEM), tail.start()), tail.end())
        )
        done = tail.end()
    return tails


def _first_base64(text: str, start: int, end: int) -> int:
    """Return where the lines of base64 before `end` begin, at `start` at the earliest."""
    words = [word for word in _SPACE_OR_WORD.finditer(text, start, end) if word["word"]]
    first = end
    for number, word in enumerate(reversed(words)):
        base64 = _BASE64_AT_END.search(word[0])
        # The last line of a key is of any length; a short word before it is prose.
        if base64 is None or (len(base64[0]) < _PEM_LINE and number):
            break
        first = word.start() + base64.start()
        if base64.start():
            break
    return first
