r"""Synthetic credentials in the forms in which records hold them, and harmless look-alikes.

No value was ever issued. In the files, ``§`` stands for a secret and ``⏎`` for a line break. Forms
are as uniqc's platforms, their SDKs, HTTP libraries and shells write them. The shapes of tokens
are those that their issuers document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_DATA: Final = Path(__file__).parents[2] / "data" / "credentials"

SECRETS: Final = (
    "Zq7RkT2mWx9bLp4v",
    "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
    "tR8_kPq-3nVdYw6sHj1LmXcB0zGfE5uA2iOo7D4rT9eK",
)

NAMED: Final = tuple((_DATA / "named.txt").read_text("utf-8").splitlines())
"""Forms of credentials with a name, a program or a function beside them."""

_B62: Final = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEfGhIjKlMnOpQrStUvWxYz0123456789ABCDEFGHIJKLMNOPQ"
_HEX: Final = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
KNOWN: Final = (
    *(f"{prefix}{_B62[:36]}" for prefix in ("ghp_", "gho_", "ghs_", "ghr_", "ghu_", "hf_", "npm_")),
    *(
        f"{prefix}{_B62[:24]}"
        for prefix in ("glpat-", "sk_live_", "rk_live_", "sk_test_", "whsec_")
    ),
    *(f"{prefix}{_B62[:40]}" for prefix in ("lin_api_", "lin_oauth_", "r8_", "gsk_", "figd_")),
    *(f"{prefix}{_HEX}" for prefix in ("dop_v1_", "doo_v1_", "dor_v1_")),
    *(f"{prefix}{_HEX[:32]}" for prefix in ("shpat_", "shpss_", "dapi", "key-", "SK")),
    *(f"{prefix}{_B62[:27]}" for prefix in ("dckr_pat_", "dckr_oat_", "NRAK-", "sq0atp-", "hvs.")),
    *(
        f"{prefix}{_B62[:60]}"
        for prefix in ("ATATT3", "ATCTT3", "glsa_", "glc_", "sntrys_", "ATBB")
    ),
    f"github_pat_{_B62[:60]}",
    f"SG.{_B62[:22]}.{_B62[:43]}",
    f"123456789:AA{_B62[:33]}",
    f"s.{_B62[:24]}",
    f"sk-proj-{_B62[:48]}",
    f"sk-ant-api03-{_B62[:60]}",
    "xoxb-1234567890-1234567890-aB3dE5gH7jK9",
    f"xapp-1-A0-123-{_HEX}",
    f"AIza{_B62[:35]}",
    f"GOCSPX-{_B62[:28]}",
    f"ya29.{_B62[:50]}",
    "AKIAQZ7RK2TMWX9BLP4V",
    f"LTAI{_B62[:20]}",
    f"AKID{_B62[:32]}",
    f"pypi-AgEIcHlwaS5vcmc{_B62[:50]}",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.{_B62[:43]}",
    f"{_B62[:14]}.atlasv1.{_B62[:60]}",
    f"MTIzNDU2Nzg5MDEyMzQ1Njc4.Gh1jKl.{_B62[:38]}",
    f"{_HEX[:36]}NRAL",
    f"{_HEX[:32]}-us12",
    f"abc8Q~{_B62[:33]}",
    f"https://hooks.slack.com/services/T00000000/B00000000/{_B62[:24]}",
    f"https://discord.com/api/webhooks/123456789012345678/{_B62[:60]}",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA",
    "q1w2e3r4t5y6u7i8o9p0aQsWdE\nzZxXcCvVbBnN1234567890==\n-----END PRIVATE KEY-----",
    "PuTTY-User-Key-File-3: ssh-rsa\nAAAAIFq1w2e3r4t5y6u7i8o9p0\nPrivate-MAC: 0f1e2d3c4b5a",
)
"""Tokens of documented shapes, with no name beside them."""

_GATES: Final = ("H", "X", "CNOT", "CZ", "RX", "RZ", "ISWAP", "TOFFOLI", "MEASURE", "SX")
HARMLESS: Final = (
    *(
        f"QINIT {n}\nCREG {n}\n{gate} q[0]\nMEASURE q[0], c[0]\n"
        for n, gate in enumerate(_GATES, 2)
    ),
    *(
        f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[{n}];\ncreg c[{n}];\nh q[0];'
        for n in range(9)
    ),
    *("ZZII" * n for n in range(1, 9)),
    *(f'signature: "{pauli}"' for pauli in ("ZZII", "XXYY", "IXYZIXYZIXYZIXYZ", "Z" * 20)),
    *(f"{bits:b}" for bits in range(2**40, 2**40 + 9)),
    *(f"{_HEX[:n]}" for n in (7, 32, 40, 64)),
    *(f"uqt_{n:032x}" for n in range(10**30, 10**30 + 9)),
    *(f"1e3a0bee-41fc-fb5a-9d2b-{n:012x}" for n in range(9)),
    *(f"session: {n} jobs" for n in range(1, 6)),
    *(f"sha256:{_HEX}", f"md5 = {_HEX[:32]}", f"commit {_HEX[:40]}", f"alpine:3.18@sha256:{_HEX}"),
    *(text.replace("⏎", "\n") for text in (_DATA / "harmless.txt").read_text("utf-8").splitlines()),
)
"""Texts without a credential that resemble one: they must stay as they are."""
