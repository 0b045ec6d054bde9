"""Secrets without a name beside them, by the program or the function that takes them."""

import re
from collections.abc import Iterator
from typing import Final

from uniqc_mcp.safety.credential_names import looks_secret, names_credential

# Between an option and its value: in a shell, or in Python's list of arguments.
_AFTER: Final = r"""(?:["']?,?[ \t]+|=)["']?"""
_VALUE: Final = r"""(?P<value>[^\s⏎"']+)"""
_PAIR: Final = r"""(?!\w+://)(?P<value>[^\s⏎"'\-][^\s⏎"':]*:[^\s⏎"']+)"""

# Programs, and the option whose value is a password.
_OPTIONS: Final = {
    "curl": rf"(?:-[a-zA-Z]*[uU]|--user|--proxy-user)(?:{_AFTER})?{_PAIR}",
    "sshpass mysql mysqldump mysqladmin mariadb": rf"-p(?:{_AFTER}(?!-)|[\"'])?{_VALUE}",
    "docker podman helm oc az": rf"login\b[^|;&⏎\r\n]{{0,200}}?[ \t\"']-p{_AFTER}{_VALUE}",
    "redis-cli": rf"-a{_AFTER}{_VALUE}",
    "mongo mongosh mongodump mongorestore": rf"-p{_AFTER}{_VALUE}",
    "smbclient": rf"-U{_AFTER}(?P<value>[^\s⏎\"'%]+%[^\s⏎\"']+)",
    "ldapsearch ldapmodify": rf"-w{_AFTER}{_VALUE}",
    "http https": rf"(?:-a|--auth){_AFTER}{_PAIR}",
    "sqlcmd zip unzip": rf"-P{_AFTER}{_VALUE}",
    "openssl": rf"pass:{_VALUE}",
    "twine": rf"-p{_AFTER}{_VALUE}",
    "vault": rf"login[ \t]+(?![\w\-]*=|-){_VALUE}",
    "htpasswd": rf"-[a-zA-Z]*b[a-zA-Z]*(?:[ \t]+[^\s⏎]+){{2}}[ \t]+{_VALUE}",
    "net": rf"use\b[^⏎\r\n]{{0,200}}?/user:[^\s⏎]+[ \t]+{_VALUE}",
    "echo": (
        rf"[\"']?{_VALUE}[\"']?[ \t]*\|[^⏎\r\n|]{{0,200}}"
        r"(?:sudo[^⏎\r\n|]{0,20} -S|--password-stdin)"
    ),
    "lftp": rf"-u{_AFTER}{_VALUE}",
}
_BY_PROGRAM: Final = {
    program: re.compile(rf"(?<![\w\-]){option}")
    for programs, option in _OPTIONS.items()
    for program in programs.split()
}
_PROGRAMS: Final = "|".join(map(re.escape, _BY_PROGRAM))
_PROGRAM: Final = re.compile(rf"(?<![\w.\-])(?:{_PROGRAMS})(?=[ \t\"'])")
_COMMAND: Final = re.compile(r"[^\r\n⏎;]{0,600}")

# Functions whose text arguments without a name are credentials.
_FUNCTIONS: Final = frozenset(
    (
        *("save_account", "enable_account", "set_token", "set_api_key", "save_apitoken"),
        *("init_qvm", "authenticate", "log_in", "HTTPBasicAuth", "HTTPDigestAuth"),
        *("HTTPProxyAuth", "BasicAuth", "DigestAuth", "AWS4Auth", "QCloudService", "QCloud"),
        *("QiskitRuntimeService", "IBMProvider", "TianYanPlatform", "IonQProvider"),
        *("AQTProvider", "IAMAuthenticator", "BearerTokenAuthenticator", "AzureKeyCredential"),
        *("SecretStr", "SecretBytes", "Fernet", "login", "logon", "sign_in"),
    )
)
_CALL: Final = re.compile(r"(?<!def )(?<![\w])(?P<function>[A-Za-z_]\w{3,60})\((?=[^)])")
_LITERAL: Final = re.compile(
    r"""[(,][ \t]*(?:(?:key|access|auth)[ \t]*=[ \t]*)?[bBuUrRfF]{0,2}(?P<quote>["'])"""
    r"""(?P<value>(?:(?!(?P=quote))[^\\\r\n⏎]|\\.)*)"""
)
# Functions whose first argument is a key.
_KEYED_CALL: Final = re.compile(
    r"(?<!\w)(?:hmac\.(?:new|digest|HMAC)|HMAC\.new|(?:AES|ARC4|Blowfish|ChaCha20|DES3?|Salsa20)\.new"
    r"|ChaCha20Poly1305|AESGCM)\([ \t]*(?:key[ \t]*=[ \t]*)?"
    r"[bBuUrR]{0,2}(?P<quote>[\"'])(?P<value>(?:(?!(?P=quote))[^\\\r\n⏎]|\\.)*)"
)
_ARGUMENTS: Final = re.compile(r"\([^\r\n⏎)]{0,600}")
# Functions that take a credential among others: an argument counts if it looks like a secret.
_LIKELY_FUNCTION: Final = re.compile(
    r"(?:Task|Client|Provider|Service|Platform|Auth|User|Account|Credential|login|connect)$"
)


def may_hold_positional(text: str) -> bool:
    """Return False if a text certainly holds no secret that `positional_spans` finds."""
    return "(" in text or (" " in text and bool(_PROGRAM.search(text)))


def positional_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each secret in a command line or a call, in no order."""
    for program in _PROGRAM.finditer(text):
        command = _COMMAND.match(text, program.end())
        found = command and _BY_PROGRAM[program[0]].search(text, command.start(), command.end())
        if found and found["value"] != "[redacted]":
            yield found.span("value")
    for keyed in _KEYED_CALL.finditer(text):
        if keyed["value"] not in ("", "[redacted]"):
            yield keyed.span("value")
    for call in _CALL.finditer(text):
        yield from _secret_arguments(text, call)


def _secret_arguments(text: str, call: re.Match[str]) -> Iterator[tuple[int, int]]:
    function = call["function"]
    certain = function in _FUNCTIONS
    of_jwt = text.endswith("jwt.", 0, call.start())
    if not (certain or of_jwt or _LIKELY_FUNCTION.search(function) or names_credential(function)):
        return
    arguments = _ARGUMENTS.match(text, call.end() - 1)
    if arguments is None:
        return
    for literal in _LITERAL.finditer(text, arguments.start(), arguments.end()):
        value = literal["value"]
        if value and value != "[redacted]" and (certain or looks_secret(value)):
            yield literal.span("value")
