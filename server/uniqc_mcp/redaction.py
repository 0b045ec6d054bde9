"""What must not leave the machine, and text made safe to show to a language model.

uniqc writes a platform's raw exception into a record, and whatever its user put into the
metadata. Both may hold credentials, characters that nobody sees, or far too much. The order
is fixed: clean, so that an invisible character cannot split a name from its secret; redact;
and only then cut, so that no cut leaves half a secret that nothing recognises any more.

Nothing here raises, and work grows linearly with what is read. A secret without a known shape
and without a name beside it cannot be told from a task id, and stays. So do e-mail addresses and
paths: they are the user's own, and often what the platform complains about.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from uniqc_store import JsonValue

MARKER: Final = "[redacted]"
DEEPEST: Final = 20
_MOST_PATHS: Final = 50
_LONGEST_PATH: Final = 200
# How far a text is read beyond what may be shown: what is hidden takes less room than it did.
_BEYOND: Final = 4_000
# At most this much of a secret is seen before `redact_text` knows it: the userinfo of a URL.
_UNSURE: Final = 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of a value is shown. ``None`` is no limit.

    ``text`` and ``name`` bound one string and one key, ``characters`` all of them together,
    ``entries`` those of all dicts and lists. A string for which no characters are left keeps a
    stub of 40. Without ``clean``, a string that holds no credential stays as it is, invisible
    characters included: for JSON that escapes them.
    """

    text: int | None = 2_000
    name: int | None = 120
    characters: int | None = 20_000
    entries: int | None = 200
    clean: bool = True


METADATA: Final = Budget()
WHOLE: Final = Budget(text=None, name=None, characters=None, entries=None, clean=False)


@dataclass(frozen=True, slots=True)
class SafeText:
    """Text to show, and whether a credential was taken out of it."""

    text: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class SafeValue:
    """A value to show, and the paths (``metadata.list[0].auth``) of what it hides.

    Of more than fifty paths, the last says how many are left out.
    """

    value: JsonValue
    hidden: tuple[str, ...]


# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt): what is drawn as
# nothing, zero-width joiners, directions and tags included; and the interlinear annotations.
# The two variation selectors that emoji need are left to _STRAY_SELECTOR.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
# Anywhere but behind a symbol, the choice between the two could spell out hidden bits.
_STRAY_SELECTOR: Final = re.compile("(?<![\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")
_TERMINAL_STYLE: Final = re.compile(r"\x1b\[[0-?]*+[ -/]*+[@-~]")
_LINE_BREAK: Final = re.compile("\r\n|[\n\x0b\x0c\r\x85\u2028\u2029]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# Half a surrogate pair cannot be encoded; private and non-characters mean nothing to a reader.
_MEANINGLESS: Final = re.compile(
    "[\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff"
    + "".join(chr(plane << 16 | last) for plane in range(1, 15) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def clean_text(text: str, *, multiline: bool = False) -> str:
    """*text* without the characters that nobody sees or that change how others are read.

    A line break becomes ``⏎``, a tab or another control a space. *multiline* keeps line breaks,
    as ``\\n``, and tabs.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _TERMINAL_STYLE.sub("", _INVISIBLE.sub("", text))
    text = _LINE_BREAK.sub("\n" if multiline else "⏎", text)
    text = _CONTROL.sub(" ", text if multiline else text.replace("\t", " "))
    return _STRAY_SELECTOR.sub("", _MEANINGLESS.sub("\ufffd", text))


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
    name = unicodedata.normalize("NFKC", clean_text(name))
    forms = [_NO_LETTERS.sub("_", form).strip("_") for form in (name, _CAMEL.sub("_", name))]
    lowered = [form.lower() for form in forms]
    return any(map(_CREDENTIAL.search, lowered)) and not any(map(_ABOUT.search, lowered))


def _says_nothing(name: str, value: JsonValue) -> bool:
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
        return None if _says_nothing(name[0], quoted["content"]) else quoted.span("content")
    if opening := _OPENING.match(text, start):
        end = _closing(text, opening.end())
        rest = _UNQUOTED.match(text, end)
        return start, rest.end() if rest else end
    value = _UNQUOTED.match(text, start)
    if value is None or _says_nothing(name[0], value[0]):
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


def cut_text(text: str, limit: int, *, unseen: int = 0) -> str:
    """At most *limit* characters of *text*, the last of which say how many are missing.

    *unseen* is how many there were beyond those in *text*.
    """
    if len(text) <= limit and not unseen:
        return text
    whole = len(text) + unseen
    keep = min(len(text), max(limit - len(f"… [+{whole:,} characters]"), 0))
    # A marker is shown whole or not at all.
    marker = text.find(MARKER, max(keep - len(MARKER) + 1, 0), keep + len(MARKER) - 1)
    keep = marker if 0 <= marker < keep else keep
    return f"{text[:keep]}… [+{whole - keep:,} characters]"[: max(limit, 0)]


def safe_text(
    text: str, *, limit: int | None = 2_000, multiline: bool = False, clean: bool = True
) -> SafeText:
    """*text* cleaned, redacted, then cut to *limit* characters. *clean*: see `Budget`."""
    seen = text if limit is None else text[: limit + _BEYOND]
    cleaned = clean_text(seen, multiline=multiline)
    shown = redact_text(cleaned)
    hidden = shown != cleaned
    shown = shown if clean or hidden else seen
    unseen = len(text) - len(seen)
    if unseen:
        # The end of what was read may be the beginning of a secret: not recognised, not shown.
        unseen, shown = unseen + min(_UNSURE, len(shown)), shown[:-_UNSURE]
    return SafeText(shown if limit is None else cut_text(shown, limit, unseen=unseen), hidden)


# The counts of a 20-qubit result are a million entries. Bitstrings and hexadecimal outcomes,
# however many are joined, spell none of the words above.
_OUTCOMES: Final = re.compile("[0-9a-fx ]*")
_NUMBERS: Final = frozenset({int, float})


def safe_value(value: JsonValue, *, path: str = "", budget: Budget = METADATA) -> SafeValue:
    """*value* without credentials, within *budget*, and where in it something was hidden.

    What a credential's name holds is hidden whole, unless it is empty, a boolean or says
    nothing; every other string goes through `safe_text`. Keys stay, also two that become equal.
    Numbers are never changed. What lies deeper than `DEEPEST` levels is left out and said to be.
    """
    walk = _Walk(budget, budget.entries, budget.characters)
    shown = walk.show(value, path, 0)
    paths = list(dict.fromkeys(walk.hidden))
    more = len(paths) - _MOST_PATHS
    return SafeValue(shown, (*paths[:_MOST_PATHS], *([f"… [+{more:,} paths]"] if more > 0 else ())))


@dataclass(slots=True)
class _Walk:
    """One pass over a value: what is left of the budget, and what was hidden so far."""

    budget: Budget
    entries: int | None
    characters: int | None
    hidden: list[str] = field(default_factory=list[str])

    def show(self, value: JsonValue, path: str, depth: int) -> JsonValue:
        if isinstance(value, str):
            return self._text(value, self.budget.text, path)
        if isinstance(value, dict | list) and value and depth == DEEPEST:
            return f"… [deeper than {DEEPEST} levels]"
        if isinstance(value, dict):
            return self._dict(value, path, depth)
        return self._list(value, path, depth) if isinstance(value, list) else value

    def _list(self, items: list[JsonValue], path: str, depth: int) -> list[JsonValue]:
        if self.entries is None and _NUMBERS.issuperset(map(type, items)):
            return items
        shown: list[JsonValue] = []
        for index, item in enumerate(items):
            if not self._has_entry():
                return [*shown, f"… [+{len(items) - index:,} entries]"]
            shown.append(self.show(item, f"{path}[{index}]", depth + 1))
        return shown

    def _dict(self, members: dict[str, JsonValue], path: str, depth: int) -> dict[str, JsonValue]:
        numeric = self.entries is None and _NUMBERS.issuperset(map(type, members.values()))
        if numeric and _OUTCOMES.fullmatch("".join(members)):
            return members
        # A header or variable as {"name": "token", "value": "…"}.
        labels = (members.get("name"), members.get("key"))
        labelled = any(isinstance(label, str) and names_credential(label) for label in labels)
        shown: dict[str, JsonValue] = {}
        for name, value in members.items():
            if not self._has_entry():
                return shown | {_free("…", shown): f"[+{len(members) - len(shown):,} entries]"}
            key = _free(self._text(name, self.budget.name, path or "…"), shown)
            where = f"{path}.{key}" if path else key
            where = where if len(where) <= _LONGEST_PATH else f"{where[: _LONGEST_PATH - 1]}…"
            # By the name as it is shown, only whole: a second pass judges no differently.
            meant = redact_text(clean_text(name))
            secret = names_credential(meant) or (labelled and meant == "value")
            if secret and not _says_nothing(meant, value):
                self.hidden.append(where)
                shown[key] = MARKER
            else:
                shown[key] = self.show(value, where, depth + 1)
        return shown

    def _text(self, text: str, limit: int | None, path: str) -> str:
        if self.characters is not None:
            left = max(self.characters, 40)
            limit = left if limit is None else min(limit, left)
        safe = safe_text(text, limit=limit, multiline=True, clean=self.budget.clean)
        if safe.hidden:
            self.hidden.append(path)
        if self.characters is not None:
            self.characters -= len(safe.text)
        return safe.text

    def _has_entry(self) -> bool:
        if self.entries is not None:
            self.entries -= 1
        return self.entries is None or self.entries >= 0


def _free(key: str, taken: dict[str, JsonValue]) -> str:
    while key in taken:
        key = f"{key} ({len(taken) + 1})"
    return key
