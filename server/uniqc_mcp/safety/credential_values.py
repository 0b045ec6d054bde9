"""The value that follows a credential's name: the grammar in which credentials are written.

These are assignments, JSON, XML, table cells, Python and Rust reprs, HTTP headers, command lines,
URLs and sentences, with quotation marks as written, escaped or encoded. ``⏎`` stands for a line
break that :func:`uniqc_mcp.safety.unicode.strip_invisible` replaced.
"""

import re
from typing import Final

from uniqc_mcp.safety.credential_names import is_ordinary, is_placeholder, looks_secret

# Quotation marks that close as they open, and pairs of them.
_ENCODED_QUOTE: Final = r"(?:%(?:25)*2[27]|&(?:quot|apos|#0*3[49]|#[xX]2[27]);|\\+(?:u00|x)2[27])"
_PAIRS: Final = dict(zip("“‘„«‹「『【《〈〔＂", "”’“»›」』】》〉〕＂", strict=True))
_OPENING_QUOTES: Final = "".join(_PAIRS)
_QUOTE: Final = rf"""(?:\\*+["'`]|{_ENCODED_QUOTE}|[{_OPENING_QUOTES}”’»›」』】》〉〕])?"""
_SPACE: Final = r"(?:[ \t\u00a0\u3000]|\\[nrt])"
_BREAK: Final = r"[\r\n⏎]"
_TYPE: Final = (
    r"(?:Optional\[)?&?(?:'\w+[ ])?(?:str|bytes|[Ss]tring|SecretStr)\]?(?:[ ]?\|[ ]?None)?"
)

# The separator of an assignment, from the end of the name: `=`, `:`, `->`, `=>`, their encoded and
# full-width forms, also after a type, "is", "was" or "value"; or only a space before a quotation.
_EQUALS: Final = (
    r"(?:[:=]?=>?|->|::?=|[:\uff1a\uff1d]|%(?:25)*3[AaDd]|\\+(?:u00|x)3[AaDd]|&#(?:58|61);)"
)
_ASSIGNMENT: Final = re.compile(
    rf"{_QUOTE}\]?{_SPACE}*(?:,{_SPACE}*{_QUOTE})?"
    rf"(?:(?:is|was|provided|given|value|default){_QUOTE}{_SPACE}*)?"
    rf"(?::{_SPACE}*{_TYPE}{_SPACE}*(?==))?{_EQUALS}{_SPACE}*"
    # Markdown's emphasis, YAML's tags and block signs, and "+" for a space before a quotation.
    rf"(?:[*:=>]{{1,3}}{_SPACE}+|!!?\w+{_SPACE}+|[|>][+\-]?{_SPACE}*(?={_BREAK})|\+(?={_ENCODED_QUOTE}))?"
    # Not after "token": parsers quote the tokens of a program ("unexpected token ';'").
    rf"""|(?<![Tt]oken)(?:{_SPACE}+(?:is|was))?{_SPACE}+(?=["'`])"""
    rf"|(?:{_SPACE}+(?:is|was))?{_SPACE}*(?=[{_OPENING_QUOTES}])"
    # Rust: Token {{ value: "x" }}.
    rf"|{_SPACE}*\{{{_SPACE}*(?:value|inner|raw|key|0){_SPACE}*:{_SPACE}*"
)
# After an option of a command line comes its value, whatever it looks like.
_AFTER_OPTION: Final = re.compile(rf"{_QUOTE},?{_SPACE}+(?!\w+=)")
# Separators before a value that must look like a secret: punctuation, tags, some words of a
# sentence, a line break.
_LOOSE: Final = (
    re.compile(rf"{_QUOTE}(?:[^\w\s⏎/.@]|{_SPACE}|[ ]/[ ]){{1,10}}(?:[bBuUrR](?=[\"']))?"),
    re.compile(
        rf"(?:{_SPACE}+(?:in|is|of|given|provided|sent|used|value|was)){{1,3}}"
        rf"(?:[^\w\s⏎/.@]|{_SPACE}){{1,4}}"
    ),
    re.compile(r"[\"']?[^<>\w\r\n⏎/.@]{0,4}>?(?:\s*</?[\w:]{1,40}>){0,3}\s*"),
    re.compile(rf"(?:{_SPACE}+(?:is|was))?{_SPACE}*{_BREAK}+{_SPACE}*"),
    re.compile(
        rf"{_QUOTE}(?:{_SPACE}+(?!(?:user|job|task|backend|device|account|region|file|limit|budget"
        r"|count|usage|length|size|rate)\b)"
        rf"[A-Za-z'’]{{1,14}}){{1,7}}"
        rf"(?:{_SPACE}*[:：=]{_SPACE}*|{_SPACE}+(?=[\"'`{_OPENING_QUOTES}])|{_SPACE}*\([\"'`]?)"
    ),
)
# Words before "token" in the message of a parser, whose tokens are shorter than a secret.
_PARSERS_WORDS: Final = ("expected ", "recognized ", "near ", "lexer ", "unknown ")
_LONGER_THAN_A_GATE: Final = 16
# A value on the next line after a separator: in quotation marks, or alone there up to the end of
# the line, of the text, or of the string of JSON or Python that the text is in.
_NEXT_LINE: Final = re.compile(
    rf"{_BREAK}+{_SPACE}*(?:(?=[\"'`{_OPENING_QUOTES}])"
    rf"|(?=[^\s⏎:=]{{4,400}}?(?:{_SPACE}*(?:{_BREAK}|\Z)|[\"'][,\])}}])))"
)
_UNQUOTED_LOOK: Final = re.compile(rf"{_QUOTE}(?P<value>[\w\-.~+/=]+)(?![\[(])")
# Chinese sentences: 密码错误：x, 用户密钥为x, API 密钥“x”无效. No space sets off the name.
_CHINESE: Final = re.compile(
    r"(?:密码|口令|令牌|密钥|秘钥|凭证|凭据|验证码|授权码|PIN码"
    r"|(?:[Tt]oken|TOKEN|[Kk]ey|KEY|[Pp]assword|[Ss]ecret)(?=[ ]?[一-鿿]))"
    r"[ ]?(?:错误|无效|不正确|有误|失效|已过期|过期|不存在|被拒绝|验证失败|校验失败|不匹配)*"
    rf"[”』」》】]?{_SPACE}*"
    rf"(?:(?:为|是)?(?P<colon>[:：=＝]){_SPACE}*|(?:为|是|[(（])?{_SPACE}*(?=[!-~{_OPENING_QUOTES}]))"
)
_LOGIN_PAIR: Final = re.compile(
    r"(?<![A-Za-z])[Ll]og[\-_ ]?(?:in|on)[\"']?(?:[ \t]*[:=][ \t]*|[ \t]+)[\"']?"
    r"[\w.@+\-]{1,64}(?:[:|]|[ ][/|][ ])[\"']?(?P<value>[^\s⏎\"'/]+)"
)
_PIN: Final = re.compile(
    r"(?<![A-Za-z])PIN(?:[ ](?:code|is|was))*[ :=#]{1,3}(?P<value>\d{4,8})(?!\w)"
)
# "key" alone names no credential, but one that was refused does, where it looks random. Its parts
# are bounded, because "key=key=…" would take the square of its length.
_KEY: Final = re.compile(
    r"""[Kk]ey(?:[ ](?:is|was))?[ :=]{1,3}["'`(<\[]?(?P<value>(?=\S{0,99}\d)"""
    r"""(?:(?=\S{0,99}[a-z])(?=\S{0,99}[A-Z])|(?=[\d\-]{0,99}[a-f][\da-f\-]{0,99}(?![\w+/=])))"""
    r"""[\w\-+/=]{16,512}+)(?P<refused>["'`)>\]]?[ ](?:is|was|has[ ]been)[ ](?:not[ ](?:accepted"""
    r"""|recogni[sz]ed|valid)|invalid|incorrect|wrong|expired|revoked|rejected|refused|disabled))?"""
)
_REFUSED: Final = re.compile(
    r"(?:invalid|incorrect|wrong|bad|expired|revoked|rejected|refused|unauthori[sz]ed|disabled"
    r"|(?:log[ ]?in|auth\w*|access)[ ](?:failed|denied|refused)[ ](?:for|with))"
    r"(?:[ ](?:the|your))?[ ]\Z"
)
_LONGEST_REFUSAL: Final = 40
_CHINESE_VALUE: Final = re.compile(r"(?:\[redacted\]|[!-~])+?(?=[\s,;)}\]]|[^!-~]|\Z)")
# The rest of an XML tag and the text of its element, which the end of the text may cut.
_XML_TEXT: Final = re.compile(
    r"(?:[ \t][^<>\r\n⏎]{0,200})?>[\s⏎]*(?:<!\[CDATA\[)?(?P<content>[^<\]]*+)(?=\]\]>|</)"
    r"|>[\s⏎]*(?:<!\[CDATA\[)?(?P<cut>[^<>\]]*+)\Z"
)

# A quoted value, Python's string prefixes included, up to the same quotation mark or the line end.
_QUOTED: Final = re.compile(
    r"""[bBuUrRfF]{0,2}(?P<quote>\\*+(?P<mark>["'`])(?:(?P=mark){1,2}(?=\w))?)"""
    r"""(?P<content>(?>(?:(?!(?P=quote))(?:\\[^\r\n⏎]|[^\r\n⏎]))*))"""
)
# "Bearer " + "x"
_CONCATENATED: Final = re.compile(r"""["'][ \t]*\+[ \t]*["'][^"'\r\n⏎]*""")
_ENCODED: Final = re.compile(
    rf"(?P<quote>{_ENCODED_QUOTE})(?P<content>(?>(?:(?!(?P=quote))[^\s⏎])*))"
)
_IN_PAIR: Final = re.compile(
    "|".join(
        f"{opening}(?P<p{number}>[^{closing}\\r\\n⏎]*)"
        for number, (opening, closing) in enumerate(_PAIRS.items())
    )
)
# A value in brackets, such as a dict, a list or a call like "SecretStr(…)".
_OPENING: Final = re.compile(r"[\w.]*+(?=[\[({])")
_BRACKET: Final = re.compile(r"[\[({]|[\])}]")
# An unquoted value, up to a space, a quotation mark or a separator. A separator or closing bracket
# belongs to the value only if more of the value follows directly, and no other "name=".
_BARE: Final = (
    rf"""(?>(?:\[redacted\]|(?!{_ENCODED_QUOTE})(?:\\(?!["'`])|[^\s⏎"'`&;,)\]}}\\<|”’»」』】》]"""
    r"""|[&;,)\]}](?=\w)(?![\w.%\-]++["']?[=:])))+)"""
)
# An unquoted value after the name of an HTTP authentication scheme, if there is one.
_UNQUOTED: Final = re.compile(
    r"(?:(?i:bearer|basic|token|digest|negotiate|apikey|oauth|aws4-hmac-sha256)[ \t]+)?" + _BARE
)
# The scheme of an Authorization header that is not among those: "SharedKey account:signature".
_SCHEME: Final = re.compile(r"[A-Za-z][\w\-]{2,30}[ \t]+(?=[^\s⏎]*[\d=:/+])")
# The other pairs of a Cookie or Authorization header: "; b=2, realm=\"x\"".
_MORE_OF_HEADER: Final = re.compile(
    rf'(?:(?<==)"[^"\r\n⏎]*")?(?>(?:[;,][ \t]*[\w.%\-]++=(?:"[^"\r\n⏎]*"|{_BARE})?)*)'
)


def value_span(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Return the start and end of the value of a credential's name; None if nothing is secret."""
    tag = text[max(name.start() - 1, 0) : name.start()] in ("<", ":")
    element = _XML_TEXT.match(text, name.end()) if tag else None
    if element and not is_placeholder(name[0], text[slice(*_content(element))].strip()):
        return _content(element)
    start = _value_start(text, name)
    if start is None:
        return None
    if quoted := quoted_span(text, start):
        return None if is_placeholder(name[0], text[slice(*quoted)]) else quoted
    if opening := _OPENING.match(text, start):
        return _bracket_span(text, name[0], opening)
    return _bare_span(text, name[0], start)


def _content(element: re.Match[str]) -> tuple[int, int]:
    return element.span("content" if element["content"] is not None else "cut")


def chinese_spans(text: str) -> list[tuple[int, int]]:
    """Return the places of the values in Chinese sentences about credentials."""
    spans: list[tuple[int, int]] = []
    for name in _CHINESE.finditer(text):
        value = quoted_span(text, name.end())
        if value is None and (bare := _CHINESE_VALUE.match(text, name.end())):
            sure = name["colon"] or looks_secret(bare[0])
            value = bare.span() if sure else None
        if value and not is_placeholder(name[0], text[slice(*value)]):
            spans.append(value)
    return spans


def login_spans(text: str) -> list[tuple[int, int]]:
    """Return the places of passwords after an account, ``login: alice / …``, and of PINs."""
    pairs = _LOGIN_PAIR.finditer(text)
    spans = [pair.span("value") for pair in pairs if looks_secret(pair["value"])]
    return spans + [pin.span("value") for pin in _PIN.finditer(text)]


def refused_key_spans(text: str) -> list[tuple[int, int]]:
    """Return the places of keys that were refused: ``invalid key …``, ``key … is revoked``."""
    return [
        key.span("value")
        for key in _KEY.finditer(text)
        if key["refused"]
        or _REFUSED.search(text[max(key.start() - _LONGEST_REFUSAL, 0) : key.start()].lower())
    ]


def quoted_span(text: str, start: int) -> tuple[int, int] | None:
    """Return the start and end of what stands in quotation marks of any kind at a place."""
    if quoted := _QUOTED.match(text, start) or _ENCODED.match(text, start):
        more = _CONCATENATED.match(text, quoted.end())
        return quoted.start("content"), more.end() if more else quoted.end()
    if pair := _IN_PAIR.match(text, start):
        return pair.start() + 1, pair.end()
    return None


def _bracket_span(text: str, name: str, opening: re.Match[str]) -> tuple[int, int] | None:
    end = _closing_bracket(text, opening.end())
    if is_placeholder(name, text[opening.start() : end]):
        return None
    rest = _UNQUOTED.match(text, end)
    return opening.start(), rest.end() if rest else end


def _bare_span(text: str, name: str, start: int) -> tuple[int, int] | None:
    header = re.search("cookie|authorization", name, re.IGNORECASE)
    scheme = _SCHEME.match(text, start) if header else None
    value = _UNQUOTED.match(text, scheme.end() if scheme else start)
    if value is None or is_placeholder(name, value[0]):
        return None
    if header:
        value = _MORE_OF_HEADER.match(text, value.end()) or value
    return start, value.end()


def _value_start(text: str, name: re.Match[str]) -> int | None:
    """Return where the value after a name begins; None if the name and what follows are prose."""
    # A parser's "unexpected token: ';'" is the reason why a circuit failed.
    before = text[max(name.start() - 11, 0) : name.start()].lower()
    fewest = _LONGER_THAN_A_GATE if before.endswith(_PARSERS_WORDS) else 0
    if separator := _ASSIGNMENT.match(text, name.end()):
        next_line = _NEXT_LINE.match(text, separator.end())
        end = next_line.end() if next_line else separator.end()
        return end if not fewest or _looks_secret_at(text, end, fewest=fewest) else None
    option = name[0].startswith("-") and _AFTER_OPTION.match(text, name.end())
    if option:
        return option.end()
    if is_ordinary(name[0]):
        return None
    separators = (loose.match(text, name.end()) for loose in _LOOSE)
    ends = (separator.end() for separator in separators if separator)
    return next((end for end in ends if _looks_secret_at(text, end, fewest=fewest)), None)


def _looks_secret_at(text: str, start: int, *, fewest: int) -> bool:
    value = _UNQUOTED_LOOK.match(text, start)
    return value is not None and len(value[0]) >= fewest and looks_secret(value["value"])


def _closing_bracket(text: str, start: int) -> int:
    """Return the end of the bracket that opens at `start`, or of a text that was cut before it."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        depth += 1 if bracket[0] in "[({" else -1
        if depth == 0:
            return bracket.end()
    return len(text)
