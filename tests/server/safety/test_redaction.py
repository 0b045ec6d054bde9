"""Hiding credentials and removing invisible characters."""

import json
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from uniqc_mcp.safety.credential_names import names_credential
from uniqc_mcp.safety.credentials import redact_text
from uniqc_mcp.safety.cuts import cut_text
from uniqc_mcp.safety.redaction import (
    MAX_DEPTH,
    METADATA,
    WHOLE,
    Budget,
    safe_text,
    safe_value,
)
from uniqc_mcp.safety.unicode import MARKER, strip_invisible
from uniqc_store import JsonValue

STORES = Path(__file__).parents[2] / "data" / "stores"
PLANTED = ("FAKE", "hunter2", "RkFLRQ")

no_deadline = settings(deadline=None)


def stored(kind: str) -> list[str]:
    """Return every text in the columns named *kind* of the real files."""
    return [text for store in sorted(STORES.glob("*.sqlite")) for text in _column(store, kind)]


def _column(store: Path, kind: str) -> Iterator[str]:
    with closing(sqlite3.connect(f"{store.as_uri()}?immutable=1", uri=True)) as reading:
        reading.row_factory = sqlite3.Row
        tables = reading.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for table in tables:
            for row in reading.execute(f'SELECT * FROM "{table["name"]}"'):
                value = row[kind] if kind in row.keys() else None  # noqa: SIM118 - a Row has values
                if value is not None:
                    yield str(value)


def parsed(text: str) -> JsonValue:
    return cast("JsonValue", json.loads(text))


def test_no_credential_in_the_stored_metadata_is_shown() -> None:
    texts = stored("metadata_json")
    assert any(secret in text for text in texts for secret in PLANTED)
    for text in texts:
        for budget in (METADATA, WHOLE):
            shown = json.dumps(safe_value(parsed(text), budget=budget).value)
            assert not any(secret in shown for secret in PLANTED), shown


@pytest.mark.parametrize(
    "column", ["error_message", "task_id", "backend", "status", "platform_task_id"]
)
def test_no_credential_in_the_stored_texts_is_shown(column: str) -> None:
    texts = stored(column)
    assert texts
    for text in texts:
        shown = safe_text(text)
        assert not any(secret in shown.text for secret in PLANTED), shown
        assert shown.hidden == any(secret in text for secret in PLANTED)


def test_no_credential_in_an_undecoded_column_is_shown() -> None:
    for text in stored("metadata_json") + stored("result_json"):
        shown = safe_text(text, limit=None).text
        assert not any(secret in shown for secret in PLANTED), shown


def test_stored_results_are_unchanged() -> None:
    results = stored("result_json")
    assert len(results) > 500
    for text in results:
        shown = safe_value(parsed(text), path="result", budget=WHOLE)
        assert json.dumps(shown.value) == json.dumps(parsed(text))
        assert shown.hidden == ()


def test_stored_metadata_loses_only_its_credentials() -> None:
    hidden_paths: set[str] = set()
    for text in stored("metadata_json"):
        before = parsed(text)
        after = safe_value(before, budget=WHOLE)
        hidden_paths.update(after.hidden)
        if not after.hidden:
            assert json.dumps(after.value) == json.dumps(before)
    assert hidden_paths == {
        *("api_key", "proxy", "api_token", "QUARK_API_KEY", "apikey", "Authorization"),
        *("nested.password", "nested.list[0].auth", "submission_error", "failure_error"),
    }


def test_the_names_and_the_paths_of_hidden_metadata_are_shown() -> None:
    record: JsonValue = {
        "api_token": "FAKE-tok-1",
        "nested": {"password": "FAKE-pw-3", "list": [{"auth": "Basic RkFLRQ=="}]},
        "token": "",
        "monkey": "ok",
    }
    shown = safe_value(record, path="metadata")
    assert shown.value == {
        "api_token": MARKER,
        "nested": {"password": MARKER, "list": [{"auth": MARKER}]},
        "token": "",
        "monkey": "ok",
    }
    assert shown.hidden == (
        "metadata.api_token",
        "metadata.nested.password",
        "metadata.nested.list[0].auth",
    )


def test_an_error_of_a_platform_keeps_its_reason_and_loses_its_credentials() -> None:
    refusal = (
        "HTTP 403 for https://alice:FAKE-pw-6@cloud.example.cn/api?token=FAKE-7&x=1"
        " (Authorization: Bearer FAKE-8)"
    )
    assert safe_text(refusal).text == (
        f"HTTP 403 for https://{MARKER}@cloud.example.cn/api?token={MARKER}&x=1"
        f" (Authorization: {MARKER})"
    )


CREDENTIAL_NAMES = """
    token api_key apikey apiToken API-TOKEN QUARK_API_KEY secret clientSecret client_secret pass
    password passwd pwd passphrase mysql_pwd dbPassword authorization Authorization auth cookie
    Proxy-Authorization Set-Cookie session session_id sessionid sessionToken credential jwt bearer
    credentials private_key privateKey access_key AWSAccessKeyId x-api-key id_token refresh_token
    ibmtoken login_key secretKey secretValue token2 tokens APIkey ToKeN X-Amz-Security-Token
    signature \uff54\uff4f\uff4b\uff45\uff4e 密码 API密钥 访问令牌 口令 秘钥 登录凭证 凭据
    user_pass dbpass app_key accountKey auth_key consumerKey encryption_key license_key master_key
    session_key shared_key signing_key ssh_key storage_key subscription_key authentication csrf
    oauth otp xsrf auths cookies
"""
OTHER_NAMES = """
    key value monkey keyboard turkey tokenizer tokenizer_count token_count token_type auth_url
    author authority password_policy primary_key public_key sort_key cache_key hotkey passes
    secret_key_rate AuthenticationError InvalidTokenError session_count token_expires_at bypass
    compass task_id backend circuit 0x0 00 proxy url counts 名称 signal design
    passed signatures cookiecutter oauthor
"""


@pytest.mark.parametrize("name", CREDENTIAL_NAMES.split())
def test_a_credential_name_is_recognised_in_any_spelling(name: str) -> None:
    assert names_credential(name)
    assert names_credential(f"  {name} ")


ATTRIBUTES = """
    at count counts enabled endpoint env error exception expiration expired expires expiry
    failed failure file in index invalid json length limit message method mode name path policy
    provider py rate reason required scheme second size status time toml ttl type uri url usage used
    valid yaml
"""


@pytest.mark.parametrize("last", ATTRIBUTES.split())
def test_an_attribute_of_a_credential_is_not_a_credential_name(last: str) -> None:
    assert not names_credential(f"token_{last}")
    assert not names_credential(f"token{last.capitalize()}")
    assert names_credential(f"{last}_token")


@pytest.mark.parametrize("name", OTHER_NAMES.split())
def test_a_name_that_only_resembles_a_credential_name_is_not_one(name: str) -> None:
    assert not names_credential(name)


HIDDEN = [
    "https://user:SECRET@host/path",
    "https://SECRET@host/path",
    "http://user:SE/CR#ET@host:3128",
    "http://user:p@SECRET@host",
    "user:SECRET@10.0.0.1:3128",
    "https://host/api?token=SECRET&x=1",
    "https://host/api?x=1&key=SECRET",
    "https://host/cb#access_token=SECRET",
    "token%3DSECRET",
    "Bearer SECRET-1",
    "Basic U0VDUkVU==",
    "Basic dXNlcjpTRUNSRVQ",
    "Authorization: Basic SECRET",
    'Authorization: Digest username="SECRET", response="SECRET"',
    "X-Auth-Token: SECRET",
    "Cookie: a=SECRET; b=SECRET",
    "api_key=SECRET",
    "apikey: SECRET",
    "API key: SECRET",
    "Incorrect API key provided: SECRET",
    "password is 'SECRET'",
    "wrong password 'SECRET'",
    "token = 'SECRET'",
    "token='SECR\\'ET SECRET'",
    "token='SECRET unclosed SECRET",
    'token="""SECRET"""',
    "token=b'SECRET'",
    "token=SecretStr('SECRET')",
    "token=[a]SECRET",
    "auth=('alice')SECRET",
    "auth=('alice', 'SECRET')",
    "credentials={'a': {'b': 'SECRET'}, 'c': ['SECRET']}",
    "credentials={'a': {'b': 'SECRET', 'cut off",
    '{"password": "SECRET"}',
    '{"body": "{\\"token\\": \\"SECRET\\"}"}',
    "{'headers': {'Authorization': 'Bearer SECRET'}}",
    "os.environ['QUARK_API_KEY'] = 'SECRET'",
    "uniqc --token SECRET submit",
    "uniqc --token=SECRET submit",
    "Command '['uniqc', '--token', 'SECRET']'",
    "invalid token 'SECRET-abc123' for user alice",
    "invalid token SECRET-abc123 for user alice",
    "invalid token 'SECRETwithoutdigits'",
    "PWD=SECRET;Server=x",
    "password=a,SECRET",
    "password=a)SECRET",
    "password=1234SECRET",
    "\x1b[31mtoken=SECRET\x1b[0m",
    "to\u200bken=SECRET",
    "t\u00adok\u2060en\u202e=SECRET",
    "\uff54\uff4f\uff4b\uff45\uff4e\uff1aSECRET",
    "密码\uff1aSECRET",
    "API密钥: SECRET",
    "-----BEGIN RSA PRIVATE KEY-----\nSECRET\nSECRET\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nSECRET cut off",
    "eyJhbGciOiJIUzI1NiJ9.eyJTRUNSRVQiOiJ4In0.SECRET-abc_def",
    "sk-SECRET-0123456789",
    "ghp_SECRET0123456789abcdefSECRET",
    "github_pat_SECRET0123456789abcdef",
    "glpat-SECRET-0123456789abc",
    "xoxb-SECRET-0123456789",
    "hf_SECRETabcdefghijklmnopqrst",
    "AIzaSECRET0123456789abcdefghijklmnopqrs",
    "npm_SECRET0123456789abcdefghijklmnopqr",
    "pypi-SECRET0123456789abcdefghijklmnop",
    "gho_SECRET0123456789",
    "ghu_SECRET0123456789",
    "ghs_SECRET0123456789",
    "ghr_SECRET0123456789",
    "sk_live_SECRET0123456789",
    "rk_live_SECRET0123456789",
    "xoxp-SECRET-0123456789",
    "ya29.SECRET-0123456789abcdef",
    "AKIASECRETABCDEFGHIJ",
    "ASIASECRETABCDEFGHIJ",
    "LTAISECRETabcdefghij",
    "AKIDSECRETabcdefghij",
]


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize("around", ["{}", "HTTP 401 ({})", "'{}'", "first line\n{}\nlast line"])
def test_a_credential_in_a_text_is_hidden(text: str, around: str) -> None:
    shown = safe_text(around.format(text), multiline=True)
    assert MARKER in shown.text
    assert shown.hidden
    assert not any(part in shown.text for part in ("SECRET", "SE/CR", "U0VDUkVU", "dXNlcjpT"))


@pytest.mark.parametrize("colons", range(6))
def test_a_password_with_colons_is_hidden_whole(colons: int) -> None:
    password = ":".join(["hunter2", *"abcdef"[:colons]])
    assert redact_text(f"by alice:{password}@10.0.0.1") == f"by {MARKER}@10.0.0.1"


def test_the_text_around_a_credential_is_kept() -> None:
    assert redact_text("https://host/api?token=abc&x=1#top") == (
        f"https://host/api?token={MARKER}&x=1#top"
    )
    assert redact_text("{'token': 'abc', 'x': [1]}") == f"{{'token': '{MARKER}', 'x': [1]}}"
    assert redact_text("token=abc, user=bob") == f"token={MARKER}, user=bob"
    assert redact_text("(password: abc) at line 3") == f"(password: {MARKER}) at line 3"


@pytest.mark.parametrize(
    "text",
    [
        "E58AE008C1F91D45D6F95222AA81B8C5",
        "uqt_92e1d48fe9944390a0f77cd5a81b2743",
        "1e3a0bee-41fc-fb5a-9d2b-0bbaf00a69d3",
        "0110100101010101010101010101010101010101",
        '[{"key": "0x0", "value": 0.498}, {"key": "0x3", "value": 0.502}]',
        "job/with:odd id #1?x=%20",
        "secrets-in-metadata",
        "dummy:local:mps-linear-32:chi=16",
        "QINIT 2\nCREG 2\nH q[0]\nCNOT q[0], q[1]\nRX q[0], (0.3)\nMEASURE q[0], c[0]\n",
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nctrl @ x q[0], q[1];\nint key = 5;\n',
        "Unexpected token: ';' at line 3",
        "unexpected token Token('RPAR', ')') at line 1, column 5.",
        "token budget exceeded: max_tokens=4096, tokens: 5",
        "bearer token expired. Basic gates only: OriginIR",
        "AuthenticationError: token rejected",
        "InvalidTokenError: Signature has expired",
        "Invalid API key: expired",
        "token = None, password=''",
        "monkey=1 keyboard: x tokenizer_count=5 primary key: 5",
        "secret=1011 found after 1 query",
        'File "/home/alice/.venv/lib/python3.11/site-packages/token.py", line 5, in f',
        "owner alice@example.org, mailto:alice@example.org",
        "git@github.com:o/r.git",
        "https://registry.example.org:5000/image@sha256",
        "quota exceeded: daily limit 200 circuits",
        "任务失败\uff1a拓扑不支持",
    ],
)
def test_a_text_without_a_credential_stays_as_it_is(text: str) -> None:
    shown = safe_text(text, multiline=True)
    assert shown.text == text
    assert not shown.hidden


NAMES = st.sampled_from(
    ["token", "api_key", "Authorization", "password", "'secret'", '"pwd"', "cookie", "--token"]
)
SEPARATORS = st.sampled_from(["=", ": ", ":", " = ", " => ", "\uff1a", "%3D"])
SECRETS = st.from_regex(
    r"[A-Za-z][A-Za-z0-9]{4}[A-Za-z0-9_.~+/=\-]{4,20}[A-Za-z0-9]", fullmatch=True
)
# Two dots stand for a space, here and in REPEATED.
FRAGMENTS = """
    token key api_key= password secret Bearer Basic Cookie --token [redacted] [redacted ghp_ 密码
    \uff1a eyJabcdefghijk. sk-abcdefgh12345 abc123def x1 a:b@ unexpected
    -----BEGIN··PRIVATE··KEY----- -----END··PRIVATE··KEY-----
    :// \\" \\ ⏎ ''' " ' [ ] ( ) { } < > , ; : = & ? @ # / . - %3D
"""
PIECES = st.sampled_from([" ", "\n", *FRAGMENTS.split()])
MESSY = st.lists(PIECES | st.text(max_size=3), max_size=30).map(
    lambda pieces: "".join(pieces).replace("··", " ")
)


@given(name=NAMES, separator=SEPARATORS, secret=SECRETS, before=MESSY)
@no_deadline
def test_any_value_after_a_credential_name_is_hidden(
    name: str, separator: str, secret: str, before: str
) -> None:
    for written in (secret, f"'{secret}'", f'"{secret}"', f"['{secret}']"):
        assert secret not in redact_text(f"{before}\n{name}{separator}{written}")


@given(MESSY | st.text())
@no_deadline
def test_redacting_is_idempotent(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@given(st.text(st.characters(), max_size=200) | MESSY, st.booleans())
@no_deadline
def test_strip_invisible_is_idempotent(text: str, multiline: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
    once = strip_invisible(text, multiline=multiline)
    assert strip_invisible(once, multiline=multiline) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b", "a b"),
        ("line1\nline2\ttab", "line1⏎line2 tab"),
        ("a\r\nb\rc\u2028d\x85e", "a⏎b⏎c⏎d⏎e"),
        ("a\u2029b\x0bc\x0cd", "a⏎b⏎c⏎d"),
        ("\u202eabc\u2066d\u200fe\u061cf", "abcdef"),
        ("a\u200bb\u200cc\u200dd\ufeffe\u2063f\u00adg", "abcdefg"),
        ("safe\U000e0069\U000e0067\U000e006e", "safe"),
        ("a\ufe0f\ufe0eb\U000e0101", "ab"),
        ("\ufff9shown\ufffahidden\ufffb", "shownhidden"),
        ("a\u3164b\u115fc\u034fd", "abcd"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07", "red  ]0;title "),
        ("\ud800 \ue000 \ufdd0 \U0001ffff", "\ufffd \ufffd \ufffd \ufffd"),
        ("⚛️ 贝尔态 №2 🎲", "⚛️ 贝尔态 №2 🎲"),
        ("naïve café שלום", "naïve café שלום"),
    ],
)
def test_invisible_characters_are_removed_or_replaced(text: str, shown: str) -> None:
    assert strip_invisible(text) == shown


IGNORABLE = """
    ad 34f 61c 115f-1160 17b4-17b5 180b-180f 200b-200f 202a-202e 2060-206f 3164 fe00-fe0f feff ffa0
    fff0-fffb 1bca0-1bca3 1d173-1d17a e0000-e0fff
"""
"""Default_Ignorable_Code_Point of Unicode 16 and the interlinear annotations."""


@pytest.mark.parametrize("stretch", IGNORABLE.split())
def test_default_ignorable_code_points_are_removed(stretch: str) -> None:
    first, _, last = stretch.partition("-")
    for code in range(int(first, 16), int(last or first, 16) + 1):
        assert strip_invisible(f"a{chr(code)}b") == "ab"


def test_a_multiline_text_keeps_its_line_breaks_and_tabs() -> None:
    assert strip_invisible("H q[0]\r\n\tX q[1]\x00", multiline=True) == "H q[0]\n\tX q[1] "


@given(st.text(st.characters(), max_size=300))
@no_deadline
def test_a_cleaned_text_can_be_encoded_and_has_one_line(text: str) -> None:
    shown = strip_invisible(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    kinds = {unicodedata.category(character) for character in shown}
    assert not kinds & {"Cc", "Cs", "Co", "Zl", "Zp"}


def test_a_cut_text_says_how_much_is_missing() -> None:
    assert cut_text("x" * 1_300, 88) == "x" * 67 + "… [+1,233 characters]"
    assert cut_text("short", 88) == "short"


def test_a_cut_of_a_very_long_text_counts_all_missing_characters() -> None:
    shown = safe_text("x" * 1_000_000, limit=100).text
    assert shown == "x" * 75 + "… [+999,925 characters]"


@given(MESSY, st.integers(0, 200))
@no_deadline
def test_no_limit_is_exceeded(text: str, limit: int) -> None:
    assert len(safe_text(text * 100, limit=limit).text) <= limit


@given(
    secret=st.text("QXZ", min_size=30, max_size=60),
    before=st.integers(0, 4_500),
    after=st.integers(0, 3_000),
    limit=st.integers(40, 300) | st.integers(3_000, 4_000),
    form=st.sampled_from(["token={}", "password='{}'", "https://u:{}@h", "ghp_{}", "auth=['{}']"]),
)
@no_deadline
def test_no_part_of_a_credential_is_shown_wherever_the_cut_falls(
    secret: str, before: int, after: int, limit: int, form: str
) -> None:
    text = "-" * before + " " + form.format(secret) + " " + "-" * after
    shown = safe_text(text, limit=limit).text
    assert not set("QXZ") & set(shown)


def test_hiding_a_long_credential_does_not_show_part_of_the_next() -> None:
    key = "-----BEGIN PRIVATE KEY-----" + "k" * 3_900 + "-----END PRIVATE KEY-----"
    text = f"{key} https://user:" + "QXZ" * 100 + "@host"
    assert "Q" not in safe_text(text, limit=50).text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | MESSY,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(MESSY | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
@example({"api_key=S": 0, "token=abc_type": "x"})
@no_deadline
def test_redacting_a_value_is_idempotent(value: JsonValue) -> None:
    for budget in (WHOLE, Budget(text=None, name=None, characters=None, entries=None)):
        once = safe_value(value, budget=budget)
        twice = safe_value(once.value, budget=budget)
        assert json.dumps(twice.value) == json.dumps(once.value)


@given(JSON)
@no_deadline
def test_keys_never_overwrite_one_another(value: JsonValue) -> None:
    def entries(value: JsonValue) -> int:
        if isinstance(value, list):
            return len(value) + sum(map(entries, value))
        return len(value) + sum(map(entries, value.values())) if isinstance(value, dict) else 0

    shown = safe_value(value, budget=Budget(entries=None))
    assert shown.hidden or entries(shown.value) == entries(value)


@given(
    JSON,
    st.sampled_from(["token", "Api-Key", "clientSecret", "pwd", "QUARK_API_KEY", "auth"]),
    st.sampled_from(["a", "list of", "ключ", "key", "nested"]),
)
@no_deadline
def test_a_whole_value_under_a_credential_name_is_hidden(
    value: JsonValue, name: str, around: str
) -> None:
    record: JsonValue = {around: [{name: [value, "SECRET"]}]}
    shown = safe_value(record, path="metadata")
    assert shown.value == {around: [{name: MARKER}]}
    assert shown.hidden == (f"metadata.{around}[0].{name}",)


@pytest.mark.parametrize("value", ["", "  ", None, True, False, [], {}, "missing", "None"])
def test_a_value_that_cannot_be_a_credential_is_not_hidden(value: JsonValue) -> None:
    shown = safe_value({"token": value})
    assert shown.value == {"token": value}
    assert shown.hidden == ()


def test_a_number_is_hidden_as_a_password_but_not_as_a_token_count() -> None:
    shown = safe_value({"password": 1234, "max_tokens": 5, "tokens": ["a"], "token_count": 5})
    assert shown.value == {
        "password": MARKER,
        "max_tokens": 5,
        "tokens": MARKER,
        "token_count": 5,
    }


@pytest.mark.parametrize("name", ["password", "api_key", "密码"])
@pytest.mark.parametrize("others", [{}, {"0": 1}, {"00": 507, "11": 507.5}])
def test_a_number_under_a_credential_name_is_hidden_beside_counts(
    name: str, others: dict[str, JsonValue]
) -> None:
    for budget in (WHOLE, METADATA):
        shown = safe_value({**others, name: 12_345_678}, path="result", budget=budget)
        assert shown.value == {**others, name: MARKER}
        assert shown.hidden == (f"result.{name}",)


def test_a_value_labelled_as_a_credential_is_hidden_and_an_outcome_is_not() -> None:
    shown = safe_value(
        [{"name": "X-Api-Key", "value": "SECRET"}, {"key": "0x0", "value": 0.498}], path="list"
    )
    assert shown.value == [
        {"name": "X-Api-Key", "value": MARKER},
        {"key": "0x0", "value": 0.498},
    ]
    assert shown.hidden == ("list[0].value",)


def test_a_bit_string_named_secret_is_not_hidden() -> None:
    assert safe_value({"secret": "10110"}).value == {"secret": "10110"}
    assert safe_value({"secret": "10112"}).value == {"secret": MARKER}


def test_a_credential_in_a_key_is_hidden_and_its_value_is_kept() -> None:
    shown = safe_value({"https://u:hunter2@host": 1, "https://v:hunter2@host": 2}, path="proxies")
    assert shown.value == {f"https://{MARKER}@host": 1, f"https://{MARKER}@host (2)": 2}
    assert shown.hidden == ("proxies",)


def test_keys_that_become_equal_are_told_apart() -> None:
    record: JsonValue = {"a": 1, "a\u200b": 2, "a (2)": 3}
    assert safe_value(record).value == {"a": 1, "a (2)": 2, "a (2) (3)": 3}


def test_a_name_split_by_an_invisible_character_is_recognised() -> None:
    assert safe_value({"tok\u200ben": "SECRET"}).value == {"token": MARKER}


def test_the_number_and_the_length_of_hidden_paths_are_limited() -> None:
    many = safe_value({f"token{n}": "SECRET" for n in range(60)}, path="metadata")
    assert many.hidden[49:] == ("metadata.token49", "… [+10 paths]")
    long = safe_value({"a" * 500: {"token": "SECRET"}}, path="metadata", budget=WHOLE)
    assert long.hidden == ("metadata." + "a" * 190 + "…",)


def test_a_resource_keeps_strings_as_they_are_unless_they_hold_a_credential() -> None:
    record: JsonValue = {"rtl": "\u202eabc", "nul": "a\x00b", "error": "to\u200bken=SECRET"}
    shown = safe_value(record, budget=WHOLE)
    assert shown.value == {"rtl": "\u202eabc", "nul": "a\x00b", "error": f"token={MARKER}"}
    assert shown.hidden == ("error",)


def test_a_deeply_nested_value_is_cut() -> None:
    value: JsonValue = {"token": "SECRET"}
    for _ in range(10_000):
        value = [value]
    text = json.dumps(safe_value(value).value)
    assert text == "[" * MAX_DEPTH + f'"\\u2026 [deeper than {MAX_DEPTH} levels]"' + "]" * MAX_DEPTH


def test_a_budget_of_entries_says_how_many_are_left_out() -> None:
    record: JsonValue = {"delays": list(range(10)), "a": 1, "b": 2, "c": 3}
    shown = safe_value(record, budget=Budget(entries=5))
    assert shown.value == {"delays": [0, 1, 2, 3, "… [+6 entries]"], "…": "[+3 entries]"}


def test_large_metadata_becomes_a_small_answer() -> None:
    texts: list[JsonValue] = ["text " * 1_000] * 10
    record: JsonValue = {f"k{n}": texts for n in range(1_000)}
    shown = json.dumps(safe_value(record).value, ensure_ascii=False)
    assert len(shown) < 50_000
    assert '"…": "[+' in shown


@given(
    st.dictionaries(st.text("01", min_size=1), st.integers() | st.floats())
    | st.dictionaries(st.integers(0).map(hex), st.integers())
)
@no_deadline
def test_counts_are_never_changed(counts: dict[str, JsonValue]) -> None:
    for budget in (WHOLE, Budget(entries=None, characters=None)):
        shown = safe_value({"counts": counts}, budget=budget)
        assert shown.value == {"counts": counts}
        assert shown.hidden == ()


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def test_counts_cost_little_beside_their_encoding_as_json() -> None:
    counts: JsonValue = {format(n, "020b"): n for n in range(100_000)}
    encoding = min(_seconds(lambda: json.dumps(counts)) for _ in range(3))
    # A sixth of it; 40 times as much if each key were looked at as a text.
    assert min(_seconds(lambda: safe_value(counts, budget=WHOLE)) for _ in range(3)) < 3 * encoding


REPEATED = """
    a A aB a. a_ a:b :/ ://a:b \\" eyJ sk- 密码 token= token=[ token=" token='a" token=&a \x1b[
    \u200b token:··\\\\ token··( x1:token=[a]@h·· Bearer·· Basic··aA --token·· Cookie:··a=b;
    -----BEGIN··PRIVATE··KEY
"""


@pytest.mark.parametrize("piece", REPEATED.split())
def test_redacting_a_text_takes_linear_time(piece: str) -> None:
    def spent(size: int) -> float:
        text = (piece.replace("··", " ") * size)[:size]
        return min(_seconds(lambda: safe_text(text, limit=None)) for _ in range(2))

    # Quadratic time would be 64 times as long. The constant allows for a coarse clock.
    assert spent(240_000) < 30 * spent(30_000) + 0.05


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "HTTP 401: token ghp_0123456789abcdefghij rejected",
            "HTTP 401: token [redacted] rejected",
        ),
        ("ghp_0123456789abcdefghij", "[redacted]"),
        ("key AKIAIOSFODNN7EXAMPLE, again", "key [redacted], again"),
        ("sent Bearer x1y2z3a4b5c6d7 once", "sent Bearer [redacted] once"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "[redacted]"),
    ],
)
def test_a_token_of_a_known_shape_leaves_only_the_marker(text: str, shown: str) -> None:
    assert redact_text(text) == shown
