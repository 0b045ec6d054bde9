"""Detection of credentials in text, by their format or by the name beside them.

A pattern below is either a list of names or a piece of the grammar ``name, separator, value`` in
which credentials are written: assignments, JSON, Python reprs, HTTP headers, command lines, URLs.
``⏎`` stands for a line break that :func:`uniqc_mcp.safety.unicode.strip_invisible` replaced.
"""

import re
import unicodedata
from typing import Final

from uniqc_mcp.safety.unicode import MARKER, strip_invisible
from uniqc_store import JsonValue

# Names of credentials, in lower case and snake_case: Sentry's deny list, gitleaks' rules and the
# settings of uniqc's platforms. Most may end a longer word ("ibmtoken"); from "auth" on they must
# be a word of their own. "key" alone is not listed: it is a column, or an outcome of a result.
_CREDENTIAL_NAME: Final = re.compile(
    r"(?:(?:token|secret|pass_?word|passwd|pass_?phrase|(?:user|db)_?pass|credential"
    r"|(?:api|app|access|account|auth|client|consumer|encryption|license|login|master|private"
    r"|secret|session|shared|signing|ssh|storage|subscription)_?key"
    r"|密码|口令|令牌|密钥|秘钥|凭证|凭据"
    r"|(?<![^_])(?:auth|authentication|authorization|bearer|cookie|csrf|jwt|oauth|otp|pwd|session"
    r"|session_?id|xsrf))s?(?![^_])|^(?:pass|signature)$)"
)
# Last words of names whose value only describes a credential: token_count, auth_url, AuthError.
_DESCRIPTIVE_NAME: Final = re.compile(
    r"(?<![^_])(?:at|counts?|enabled|endpoint|env|error|exception|expir(?:ation|ed|es|y)"
    r"|fail(?:ed|ure)|file|in|index|invalid|json|length|limit|message|method|mode|name|path|policy"
    r"|provider|py|rate|reason|required|scheme|second|size|status|time|toml|ttl|type|ur[il]|usage"
    r"|used|valid|yaml)$"
)
# A substring of every ASCII name in _CREDENTIAL_NAME: texts without one are skipped early.
# Callers lower the text first, because IGNORECASE takes thirty times as long.
_NAME_HINT: Final = re.compile(
    "auth|bearer|cookie|credential|csrf|jwt|key|otp|pass|pwd|secret|session|sig|token|xsrf"
)
# Hexadecimal digits cannot spell a hint; neither can the prefix of uniqc's own ids before them.
_HEX_ID: Final = re.compile("(?:uqt_)?[0-9a-f]+")
# Word boundaries inside camelCase and "HTTPToken".
_CAMEL_BOUNDARY: Final = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Anything between the words of a name, to be replaced by "_".
_WORD_SEPARATOR: Final = re.compile(r"[\W\d_]+")
# A plural name, such as "max_tokens" or "tokens_2": its value may be a number of tokens.
_PLURAL_NAME: Final = re.compile(r"[^\W\d_s]s[\W\d_]*\Z")
# A number as text: "4096", "1,000", "12.5%".
_NUMBER: Final = re.compile(r"[\d.,_]+%?")
# The value of a credential that is not set, or a word about it in prose ("token expired").
_PLACEHOLDER: Final = re.compile(
    r"\s*|(?:none|null|nil|undefined|true|false|empty|missing|expired|invalid|required|not)[.:!?]*",
    re.IGNORECASE,
)


def names_credential(name: str) -> bool:
    """Return whether a value under this name is a credential.

    Case, camelCase, separators, full-width letters and invisible characters make no difference.
    """
    if not _may_name_credential(name):
        return False
    name = unicodedata.normalize("NFKC", strip_invisible(name))
    spellings = (name, _CAMEL_BOUNDARY.sub("_", name))
    snake_cased = [_WORD_SEPARATOR.sub("_", text).strip("_").lower() for text in spellings]
    return any(map(_CREDENTIAL_NAME.search, snake_cased)) and not any(
        map(_DESCRIPTIVE_NAME.search, snake_cased)
    )


def _may_name_credential(text: str) -> bool:
    return not text.isascii() or bool(_NAME_HINT.search(text.lower()))


def is_placeholder(name: str, value: JsonValue) -> bool:
    """Return whether the value under a credential's name is no secret.

    That is an empty value, a boolean, a word such as "missing", a number under a plural name
    (``max_tokens: 4096``), or a bit string under a name with "secret" in it: the secret of a
    Bernstein-Vazirani circuit is its result.
    """
    name = name.lower()
    plural = bool(_PLURAL_NAME.search(name))
    if isinstance(value, str):
        harmless = _PLACEHOLDER.fullmatch(value) or (plural and _NUMBER.fullmatch(value))
        return bool(harmless) or ("secret" in name and not value.strip("01"))
    if isinstance(value, dict | list):
        return not value
    return plural or value is None or isinstance(value, bool)


# Credentials of a documented format, as collected by gitleaks: PEM private keys; JSON Web Tokens;
# GitHub, GitLab, Stripe, OpenAI, Slack, Google, AWS, Alibaba and Tencent Cloud, Hugging Face, npm
# and PyPI tokens; HTTP's Bearer and Basic schemes, whose name (`keep`) is left in the text.
_KNOWN_FORMAT: Final = re.compile(
    # The first characters of all formats: ten times as fast as trying each one everywhere.
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
# The userinfo of a URL with its "@": regular; with a raw "/", "?" or "#" in the password; and of
# a URL without a scheme, "user:password@host".
_USERINFO: Final = re.compile(
    r"""(?<=://)[^\s⏎/?#"'<>]{1,512}@"""
    r"""|(?<=://)[^\s⏎/?#"'<>@:]{1,128}:(?!\d+[/?#])[^\s⏎"'<>@]{1,256}+@"""
    r"""|(?<![\w.%+\-/])(?!mailto:|e?mail:)[\w.%+\-]{1,64}+:[^\s⏎:/@"'<>,;()]{1,128}+@(?=[\w\[])"""
)
# A word that may be the name of a credential, or two words such as "api key".
_NAME: Final = re.compile(r"(?<![\w.\-])[\w.\-]++(?:[ ](?:keys?|id|phrase)\b)?")
# Parameters of a signed URL, "?key=" and "&sig=", whose names alone are too common to count.
_QUERY_NAME: Final = re.compile("[?&](?:key|sig)", re.IGNORECASE)
# A quotation mark, escaped or not, as it closes a name or opens a value.
_QUOTE: Final = r"""(?:\\*+["'`])?"""
# The separator of an assignment, from the end of the name: `=`, `:`, `->`, `=>`, "%3A" and their
# full-width forms, also after "is", "was" or "value"; or only a space before a quoted value.
_ASSIGNMENT: Final = re.compile(
    rf"{_QUOTE}\]?[ \t]*(?:(?:is|was|provided|given|value)[ \t]*)?"
    "(?:[:=]?=>?|->|[:\uff1a\uff1d]|%3[AaDd])[ \\t]*"
    # Not after "token": parsers quote the tokens of a program ("unexpected token ';'").
    r"""|(?<![Tt]oken)(?:[ \t]+(?:is|was))?[ \t]+(?=["'`])"""
)
# The separator of a value that only follows its name: "--password hunter2", "the token is …".
_JUXTAPOSITION: Final = re.compile(rf"{_QUOTE},?[ \t]+(?:(?:is|was|value)[ \t]+)?")
# A value that does not read as prose: at least 6 characters with a digit, or at least 16.
_LOOKS_SECRET: Final = re.compile(
    rf"{_QUOTE}(?=[^\s\"'`]*\d|[\w\-.~+/=]{{16}})[\w\-.~+/=]{{6,}}+(?![\[(])"
)
# A quoted value, Python's string prefixes included, up to the same quotation mark or the line end.
_QUOTED: Final = re.compile(
    r"""[bBuUrRfF]{0,2}(?P<quote>\\*+(?P<mark>["'`])(?:(?P=mark){1,2}(?=\w))?)"""
    r"""(?P<content>(?:(?!(?P=quote))(?:\\[^\r\n⏎]|[^\r\n⏎]))*+)"""
)
# A value in brackets, such as a dict, a list or a call like "SecretStr(…)".
_OPENING: Final = re.compile(r"[\w.]*+(?=[\[({])")
_BRACKET: Final = re.compile(r"[\[({]|[\])}]")
# An unquoted value, up to a space, a quotation mark or a separator. A separator or closing bracket
# belongs to the value only if more of the value follows directly, and no other "name=".
_BARE: Final = (
    r"""(?:\[redacted\]|\\(?!["'`])|[^\s⏎"'`&;,)\]}\\]"""
    r"""|[&;,)\]}](?=\w)(?![\w.%\-]++["']?[=:]))++"""
)
# An unquoted value after the name of an HTTP authentication scheme, if there is one.
_UNQUOTED: Final = re.compile(
    r"(?:(?i:bearer|basic|token|digest|negotiate|apikey|oauth|aws4-hmac-sha256)[ \t]+)?" + _BARE
)
# The other pairs of a Cookie or Authorization header: "; b=2, realm=\"x\"".
_MORE_OF_HEADER: Final = re.compile(
    rf'(?:(?<==)"[^"\r\n⏎]*")?(?:[;,][ \t]*[\w.%\-]++=(?:"[^"\r\n⏎]*"|{_BARE})?)*+'
)


def may_hold_credential(text: str) -> bool:
    """Return False if `redact_text` certainly leaves the text unchanged.

    A faster answer for the many texts that hold none, task ids above all.
    """
    if _HEX_ID.fullmatch(text):
        return False
    return _may_name_credential(text) or "@" in text or bool(_KNOWN_FORMAT.search(text))


def redact_text(text: str) -> str:
    """Return the text with `MARKER` in place of each credential.

    Hides private keys, tokens of a known format, the userinfo of a URL, Bearer and Basic
    credentials, and any value that a name declares to be one: ``token=``, ``"apiKey": "…"``,
    ``Cookie: a=b; c=d``, ``--password …``, ``invalid token '…'``. Names and hosts stay.
    Redacting a text twice is redacting it once. Strip invisible characters before, cut after.
    """
    # The text around a hidden value can join into a new match; each round leaves fewer.
    for _ in range(8):
        before = text
        text = _KNOWN_FORMAT.sub(_mark, text)
        text = _USERINFO.sub(f"{MARKER}@", text) if "@" in text else text
        text = _hide_named_values(text)
        if text == before:
            break
    return text


def _mark(credential: re.Match[str]) -> str:
    # A function, because `re` parses a template again for each text, whether it matches or not.
    return f"{credential['keep'] or ''}{MARKER}"


def _hide_named_values(text: str) -> str:
    if not _may_name_credential(text):
        return text
    shown: list[str] = []
    done = 0
    for name in _NAME.finditer(text):
        in_query = _QUERY_NAME.fullmatch(text, max(name.start() - 1, 0), name.end())
        if name.start() < done or not (in_query or names_credential(name[0])):
            continue
        if span := _value_span(text, name):
            shown += (text[done : span[0]], MARKER)
            done = span[1]
    return "".join((*shown, text[done:]))


def _value_span(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Return the start and end of the value of a credential's name; None if nothing is secret."""
    start = _value_start(text, name)
    if start is None:
        return None
    if quoted := _QUOTED.match(text, start):
        return None if is_placeholder(name[0], quoted["content"]) else quoted.span("content")
    if opening := _OPENING.match(text, start):
        end = _closing_bracket(text, opening.end())
        rest = _UNQUOTED.match(text, end)
        return start, rest.end() if rest else end
    value = _UNQUOTED.match(text, start)
    if value is None or is_placeholder(name[0], value[0]):
        return None
    if re.search("cookie|authorization", name[0], re.IGNORECASE):
        value = _MORE_OF_HEADER.match(text, value.end()) or value
    return start, value.end()


def _value_start(text: str, name: re.Match[str]) -> int | None:
    """Return where the value after a name begins; None if the name and what follows are prose."""
    if separator := _ASSIGNMENT.match(text, name.end()):
        # A parser's "unexpected token: ';'" is the reason why a circuit failed.
        before = text[max(name.start() - 11, 0) : name.start()].lower()
        certain = not before.endswith(("expected ", "recognized "))
    else:
        separator = _JUXTAPOSITION.match(text, name.end())
        certain = name[0].startswith("-")
    if separator is None or not (certain or _LOOKS_SECRET.match(text, separator.end())):
        return None
    return separator.end()


def _closing_bracket(text: str, start: int) -> int:
    """Return the end of the bracket that opens at `start`, or of a text that was cut before it."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket[0] in "[({" else -1
        if depth == 0:
            return bracket.end()
    return len(text)
