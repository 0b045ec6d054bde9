"""Names of credentials, and values under such names that are no secret."""

import re
import unicodedata
from typing import Final

from uniqc_mcp.safety.edits import unescaped
from uniqc_mcp.safety.unicode import strip_invisible
from uniqc_store import JsonValue

# Names of credentials, in lower case and snake_case: Sentry's deny list, gitleaks' rules and the
# settings of uniqc's platforms. Most may end a longer word ("ibmtoken"); from "auth" on they must
# be a word of their own. "key" alone is not listed: it is a column, or an outcome of a result.
_CREDENTIAL_NAME: Final = re.compile(
    r"(?:(?:token|secret|pass_?word|passwd|pass_?phrase|pass_?code|pass_?key|credential|sess_?id"
    r"|(?:admin|db|ftp|mysql|pg|redis|root|smtp|ssh|user)_?pass|seed_?phrase|(?:access|secret)_?id"
    r"|(?:access|activation|auth|backup|pin|recovery|reset|security|unlock|verification)_?code"
    r"|security_?answer"
    r"|(?:api|app|access|account|auth|client|consumer|encryption|licen[cs]e|login|master|private"
    r"|secret|session|shared|signing|ssh|storage|subscription)_?key(?:_?id)?"
    r"|密码|口令|令牌|密钥|秘钥|凭证|凭据|pin码|验证码|授权码"
    r"|(?<![^_])(?:auth|authentication|authorization|bearer|cookie|csrf|jwt|login|oauth|otp|pin|pwd|session"
    r"|pw|psw|pswd|passw|creds?|ak|sk|[a-z]*session_?id|aspsessionid[a-z]*|aspxauth|connect_sid|(?:x_)?(?:amz|goog|oss|cos|obs|ms)_signature"
    r"|xsrf))s?(?![^_])|^(?:pass|signature)$)"
)
# Last words of names whose value only describes a credential: token_count, auth_url, AuthError.
_DESCRIPTIVE_NAME: Final = re.compile(
    r"(?<![^_])(?:at|counts?|enabled|endpoint|env|error|exception|expir(?:ation|ed|es|y)"
    r"|fail(?:ed|ure)|file|in|index|invalid|json|length|limit|message|method|mode|name|path|policy"
    r"|provider|py|rate|reason|required|scheme|second|size|status|time|toml|ttl|type|ur[il]|usage"
    r"|used|valid|yaml)$"
)
# Names that are ordinary words too: their value counts as a secret only if it looks like one.
_ORDINARY_NAME: Final = re.compile(r"(?:^|_)(?:sessions?|signature|[as]k|pw|login)$")
# An environment variable such as TIANYAN_KEY; a key of a table or a cache is none.
_ENVIRONMENT_KEY: Final = re.compile(
    r"(?!(?:\w+_)?(?:PRIMARY|FOREIGN|PUBLIC|SORT|CACHE|PARTITION|IDEMPOTENCY|UNIQUE|GROUP|HASH)_KEY)"
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_KEY"
)
_PIN: Final = re.compile(r"(?:^|_)pin(?:_?code|码)?$")
_FEWEST_PIN_DIGITS: Final = 4
# A substring of every ASCII name in _CREDENTIAL_NAME: texts without one are skipped early.
# Callers lower the text first, because IGNORECASE takes thirty times as long.
_NAME_HINT: Final = re.compile(
    "access|answer|auth|basic|bearer|code|cookie|cred|csrf|jwt|key|login|logon|otp|pass|phrase|pin|psw|pw|secret|sess|sig|sid"
    r"|token|xsrf|\b[as]k\b"
)
# Word boundaries inside camelCase and "HTTPToken".
_CAMEL_BOUNDARY: Final = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Anything between the words of a name, to be replaced by "_".
_WORD_SEPARATOR: Final = re.compile(r"[\W\d_]+")
# A plural name, such as "max_tokens" or "tokens_2": its value may be a number of tokens.
_PLURAL_NAME: Final = re.compile(r"[^\W\d_s]s[\W\d_]*\Z")
# A number as text: "4096", "1,000", "12.5%".
_NUMBER: Final = re.compile(r"[\d.,_]+%?")
# The value of a credential that is not set, a word about it in prose ("token expired"), a type, a
# mask or a variable in its place.
_PLACEHOLDER: Final = re.compile(
    r"[\s,;:+\"'\\}\])]*|(?:none|null|nil|undefined|true|false|empty|missing|expired|invalid|required|not"
    r"|rejected|denied|failed|str|string|bytes|bool|int|any|secretstr|object"
    r"|optional(?:\[\w+\])?)[.:!?]*"
    r"|[*•x.…]{3,}|<[\w .\-]{0,40}>|\$?\{[\w.]{0,60}\}?|\$\w{1,60}|%\(?\w{0,30}\)?s|&?str"
    r"|(?:self|cls|args|config|settings|os|cfg|opts|options)\.[A-Za-z_.]{1,60}"
    r"|(?:os\.environ|os\.getenv|getenv|process\.env|getpass\.getpass|getpass|input)"
    r"(?:\.get)?[\[(][^\])]{0,80}[\])]",
    re.IGNORECASE,
)
# Letters of other scripts that are drawn like Latin ones.
_LOOKALIKES: Final = str.maketrans(
    "асԁеһіјӏкмоԛрѕтԝхуАВСЕНІЈКМОРЅТХУΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαεικνρτυχ",
    "acdehijlkmoqpstwxyABCEHIJKMOPSTXYABEZHIKMNOPTYXoaeikvptux",
)
_LAST_WORD: Final = re.compile(r"(\w+)\W*\Z")
_ID: Final = re.compile("[^A-Za-z][Ii][Dd]$")
_PAULIS_OR_BITS: Final = re.compile("[IXYZ]+|[01]+")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T\d:.+Z\-]*|v?\d+(?:\.\d+)+")
_ASSIGNMENT: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*=[^=].*")
_SECRET: Final = re.compile(r"(?=[^\s\"'`]*\d|[\w\-.~+/=]{16})[\w\-.~+/=]{6,}+(?![\[(])")
_ERROR_CLASS: Final = re.compile(r"[A-Za-z_.]+(?:Error|Exception|Warning)")
_PATH: Final = re.compile(
    r"~?(?:/[\w.\-]+){2,}|[\w.~/\-]+\.(?:cfg|conf|env|html|ini|json|log|py|toml|txt|ya?ml)"
)


def names_credential(name: str) -> bool:
    r"""Return whether a value under this name is a credential.

    Case, camelCase, separators, full-width letters, letters of other scripts that look Latin,
    invisible characters and escapes such as ``\u0074`` make no difference.
    """
    if "\\" in name:
        name = unescaped(name).text
    if not may_name_credential(name):
        return False
    if not name.isascii():
        name = unicodedata.normalize("NFKC", strip_invisible(name)).translate(_LOOKALIKES)
    if _ENVIRONMENT_KEY.fullmatch(name):
        return True
    spellings = (name, _CAMEL_BOUNDARY.sub("_", name))
    snake_cased = [_snake_case(spelling) for spelling in spellings]
    return any(map(_CREDENTIAL_NAME.search, snake_cased)) and not any(
        map(_DESCRIPTIVE_NAME.search, snake_cased)
    )


def may_name_credential(text: str) -> bool:
    """Return False if a text certainly holds no name of a credential."""
    return not text.isascii() or bool(_NAME_HINT.search(text.lower()))


def is_placeholder(name: str, value: JsonValue) -> bool:
    """Return whether the value under a credential's name is no secret.

    That is an empty value, a boolean, a word such as "missing", a type, a number under a plural
    name (``max_tokens: 4096``), or a bit string under a name with "secret" in it: the secret of a
    Bernstein-Vazirani circuit is its result. Under a name that is an ordinary word, such as
    "session", it is every value that does not look like a secret.
    """
    plural = bool(_PLURAL_NAME.search(name.lower()))
    if isinstance(value, str):
        value = value.rstrip("\\")  # of an escaped quotation mark that follows
        harmless = _PLACEHOLDER.fullmatch(value) or (plural and _NUMBER.fullmatch(value))
        return (
            bool(harmless)
            # An id of a word ("token_id": 3), not of an access key.
            or bool(_ID.search(name) and value.isdigit())
            # Code hands on a variable: token=token.
            or [value] == _LAST_WORD.findall(name)
            or ("secret" in name.lower() and not value.strip("01"))
            or (is_ordinary(name) and not looks_secret(value))
            # The place of a wire, not a number to log in with.
            or (len(value) < _FEWEST_PIN_DIGITS and bool(_PIN.search(_snake_case(name))))
            # The name of an account.
            or ("@" in value and name.lower().endswith("login"))
        )
    if isinstance(value, dict | list):
        return not value
    return plural or value is None or isinstance(value, bool)


def looks_secret(value: str) -> bool:
    """Return whether a value does not read as prose.

    It has at least 6 characters with a digit, or at least 16. It is no Pauli string, no bits, no
    date, no version, no assignment, no path, no class of an error and no id of uniqc's.
    """
    value = value.strip("\"'`.,;:!?")
    return bool(_SECRET.match(value)) and not (
        _PAULIS_OR_BITS.fullmatch(value)
        or _DATE.fullmatch(value)
        or _ASSIGNMENT.fullmatch(value)
        or _PATH.fullmatch(value)
        or _ERROR_CLASS.fullmatch(value)
        or value.startswith("uqt_")
    )


def is_ordinary(name: str) -> bool:
    """Return whether a credential's name is an ordinary word too, such as "session"."""
    snake_cased = _snake_case(name)
    if _ENVIRONMENT_KEY.fullmatch(name):
        return not _CREDENTIAL_NAME.search(snake_cased)
    return bool(_ORDINARY_NAME.search(snake_cased))


def _snake_case(text: str) -> str:
    return _WORD_SEPARATOR.sub("_", text).strip("_").lower()
