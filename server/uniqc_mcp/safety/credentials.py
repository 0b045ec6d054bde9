"""What is a credential, told by its shape or by the name beside it."""

import re
import unicodedata
from typing import Final

from uniqc_mcp.safety.unicode import MARKER, strip_invisible
from uniqc_store import JsonValue

# Names in lower case, their words joined by "_": those of Sentry's deny list, of gitleaks' rules
# and of uniqc's own platforms. All but the last group may end a longer word, as in "ibmtoken"; a
# "key" alone is a column or an outcome.
_CREDENTIAL: Final = re.compile(
    r"(?:(?:token|secret|pass_?word|passwd|pass_?phrase|(?:user|db)_?pass|credential"
    r"|(?:api|app|access|account|auth|client|consumer|encryption|license|login|master|private"
    r"|secret|session|shared|signing|ssh|storage|subscription)_?key"
    r"|密码|口令|令牌|密钥|秘钥|凭证|凭据"
    r"|(?<![^_])(?:auth|authentication|authorization|bearer|cookie|csrf|jwt|oauth|otp|pwd|session"
    r"|session_?id|xsrf))s?(?![^_])|^(?:pass|signature)$)"
)
# Last words of names that tell something about a credential: token_count, auth_url, AuthError.
_ABOUT: Final = re.compile(
    r"(?<![^_])(?:at|counts?|enabled|endpoint|env|error|exception|expir(?:ation|ed|es|y)"
    r"|fail(?:ed|ure)|file|in|index|invalid|json|length|limit|message|method|mode|name|path|policy"
    r"|provider|py|rate|reason|required|scheme|second|size|status|time|toml|ttl|type|ur[il]|usage"
    r"|used|valid|yaml)$"
)
# Searched in lower case rather than with IGNORECASE, which is thirty times as slow.
_HINT: Final = re.compile(
    "auth|bearer|cookie|credential|csrf|jwt|key|otp|pass|pwd|secret|session|sig|token|xsrf"
)
_CAMEL: Final = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_LETTERS: Final = re.compile(r"[\W\d_]+")
_PLURAL: Final = re.compile(r"[^\W\d_s]s[\W\d_]*\Z")
_NUMBER: Final = re.compile(r"[\d.,_]+%?")
_NOTHING: Final = re.compile(
    r"\s*|(?:none|null|nil|undefined|true|false|empty|missing|expired|invalid|required|not)[.:!?]*",
    re.IGNORECASE,
)


def names_credential(name: str) -> bool:
    """Whether what stands under *name* is a credential, however the name is written."""
    if name.isascii() and not _HINT.search(name.lower()):
        return False
    name = unicodedata.normalize("NFKC", strip_invisible(name))
    forms = [_NO_LETTERS.sub("_", form).strip("_") for form in (name, _CAMEL.sub("_", name))]
    lowered = [form.lower() for form in forms]
    return any(map(_CREDENTIAL.search, lowered)) and not any(map(_ABOUT.search, lowered))


def says_nothing(name: str, value: JsonValue) -> bool:
    """Whether a credential's *name* holds no secret: nothing, "missing", the 4096 of max_tokens.

    Nor is it one if all of it is zeros and ones: people call ``secret`` what a
    Bernstein-Vazirani circuit looks for.
    """
    name = name.lower()
    counts = bool(_PLURAL.search(name))
    if isinstance(value, str):
        word = _NOTHING.fullmatch(value) or (counts and _NUMBER.fullmatch(value))
        return bool(word) or ("secret" in name and not value.strip("01"))
    if isinstance(value, dict | list):
        return not value
    return counts or value is None or isinstance(value, bool)


# Prefixes that their issuers document, for the most part; gitleaks collects them.
_SHAPES: Final = re.compile(
    # The first characters of all of them: ten times as fast as trying each everywhere.
    r"(?=[-ABLbeghnprsxy])(?:"
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?s:.*?)(?:-----END [A-Z0-9 ]{0,30}-----|\Z)"
    r"|(?<![\w\-])eyJ[\w\-]{10,}+(?:\.[\w\-]*+){0,4}"
    r"|\b(?:gh[opsru]_\w{16,}+|github_pat_\w{16,}+|glpat-[\w\-]{16,}+|[rs]k_live_\w{16,}+"
    r"|sk-(?=[\w\-]{0,60}\d)[\w\-]{12,}+|xox[abeoprs]-[\w\-]{10,}+|ya29\.[\w\-]{20,}+"
    r"|(?:AKIA|ASIA|LTAI|AKID)[A-Za-z0-9]{12,}+|AIza[\w\-]{30,}+|hf_[A-Za-z0-9]{20,}+"
    r"|npm_[A-Za-z0-9]{30,}+|pypi-[\w\-]{30,}+)"
    # "Bearer token" and "Basic gates" are prose; "Bearer x1" and "Basic dXNlcjpwYXNz" are not.
    r"|(?P<keep>\b(?:(?i:bearer)[ \t]+(?![A-Za-z][a-z]{0,19}+\.?(?![\w\-.~+/=]))"
    r"|(?i:basic)[ \t]+(?=[\w+/]*+={1,2}(?!\w)|(?:[\w+/]*?[a-z\d][A-Z]){2})))[\w\-.~+/]++=*+)"
)
# Userinfo of a URL; of one whose password holds a raw "/", "?" or "#"; and without a scheme.
_USERINFO: Final = re.compile(
    r"""(?<=://)[^\s⏎/?#"'<>]{1,512}@"""
    r"""|(?<=://)[^\s⏎/?#"'<>@:]{1,128}:(?!\d+[/?#])[^\s⏎"'<>@]{1,256}+@"""
    r"""|(?<![\w.%+\-/])(?!mailto:|e?mail:)[\w.%+\-]{1,64}+:[^\s⏎:/@"'<>,;()]{1,128}+@(?=[\w\[])"""
)
_NAME: Final = re.compile(r"(?<![\w.\-])[\w.\-]++(?:[ ](?:keys?|id|phrase)\b)?")
_QUERY_NAME: Final = re.compile("[?&](?:key|sig)", re.IGNORECASE)
_QUOTE: Final = r"""(?:\\*+["'`])?"""
_ASSIGNED: Final = re.compile(
    rf"{_QUOTE}\]?[ \t]*(?:(?:is|was|provided|given|value)[ \t]*)?"
    "(?:[:=]?=>?|->|[:\uff1a\uff1d]|%3[AaDd])[ \\t]*"
    # A parser, too, quotes its tokens, but no passwords.
    r"""|(?<![Tt]oken)(?:[ \t]+(?:is|was))?[ \t]+(?=["'`])"""
)
_BESIDE: Final = re.compile(rf"{_QUOTE},?[ \t]+(?:(?:is|was|value)[ \t]+)?")
_LOOKS_SECRET: Final = re.compile(
    rf"{_QUOTE}(?=[^\s\"'`]*\d|[\w\-.~+/=]{{16}})[\w\-.~+/=]{{6,}}+(?![\[(])"
)
_QUOTED: Final = re.compile(
    r"""[bBuUrRfF]{0,2}(?P<quote>\\*+(?P<mark>["'`])(?:(?P=mark){1,2}(?=\w))?)"""
    r"""(?P<content>(?:(?!(?P=quote))(?:\\[^\r\n⏎]|[^\r\n⏎]))*+)"""
)
_OPENING: Final = re.compile(r"[\w.]*+(?=[\[({])")
_BRACKET: Final = re.compile(r"[\[({]|[\])}]")
# A separator or closing bracket belongs to the value only if more of it follows directly.
_BARE: Final = (
    r"""(?:\[redacted\]|\\(?!["'`])|[^\s⏎"'`&;,)\]}\\]"""
    r"""|[&;,)\]}](?=\w)(?![\w.%\-]++["']?[=:]))++"""
)
_UNQUOTED: Final = re.compile(
    r"(?:(?i:bearer|basic|token|digest|negotiate|apikey|oauth|aws4-hmac-sha256)[ \t]+)?" + _BARE
)
_MORE_OF_HEADER: Final = re.compile(
    rf'(?:(?<==)"[^"\r\n⏎]*")?(?:[;,][ \t]*[\w.%\-]++=(?:"[^"\r\n⏎]*"|{_BARE})?)*+'
)


def redact_text(text: str) -> str:
    """*text* with each credential in it replaced by `MARKER`. Clean it before, cut it after.

    Hides private keys, tokens of a known shape, what precedes the ``@`` of a URL, Bearer and
    Basic credentials, and any value that a name declares to be one: ``token=``,
    ``"apiKey": "…"``, ``Cookie: a=b; c=d``, ``--password …``, ``invalid token '…'``. The names
    and the hosts stay. Redacting twice is redacting once.
    """
    # What surrounds a hidden span can come together as something new; each round leaves less.
    for _ in range(8):
        before = text
        text = _SHAPES.sub(_marked, text)
        text = _USERINFO.sub(f"{MARKER}@", text) if "@" in text else text
        text = _hide_named(text)
        if text == before:
            break
    return text


def _marked(secret: re.Match[str]) -> str:
    """Not a template: Python would take that apart for each text, secret or not."""
    return f"{secret['keep']}{MARKER}"


def _hide_named(text: str) -> str:
    if text.isascii() and not _HINT.search(text.lower()):
        return text
    shown: list[str] = []
    done = 0
    for name in _NAME.finditer(text):
        query = _QUERY_NAME.fullmatch(text, max(name.start() - 1, 0), name.end())
        if name.start() < done or not (query or names_credential(name[0])):
            continue
        if span := _value_of(text, name):
            shown += (text[done : span[0]], MARKER)
            done = span[1]
    return "".join((*shown, text[done:]))


def _value_of(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Where the value of a credential's name stands, if there is one to hide."""
    if separator := _ASSIGNED.match(text, name.end()):
        # A parser's "unexpected token: ';'" is the reason why a circuit failed.
        before = text[max(name.start() - 11, 0) : name.start()].lower()
        sure = not before.endswith(("expected ", "recognized "))
    else:
        separator = _BESIDE.match(text, name.end())
        sure = name[0].startswith("-")
    if separator is None or not (sure or _LOOKS_SECRET.match(text, separator.end())):
        return None
    start = separator.end()
    if quoted := _QUOTED.match(text, start):
        return None if says_nothing(name[0], quoted["content"]) else quoted.span("content")
    if opening := _OPENING.match(text, start):
        end = _closing(text, opening.end())
        rest = _UNQUOTED.match(text, end)
        return start, rest.end() if rest else end
    value = _UNQUOTED.match(text, start)
    if value is None or says_nothing(name[0], value[0]):
        return None
    if re.search("cookie|authorization", name[0], re.IGNORECASE):
        value = _MORE_OF_HEADER.match(text, value.end()) or value
    return start, value.end()


def _closing(text: str, start: int) -> int:
    """The end of the bracket that opens at *start*; of the text, if that was cut before it."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket[0] in "[({" else -1
        if depth == 0:
            return bracket.end()
    return len(text)
