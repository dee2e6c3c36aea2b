"""Certificates made by the test that needs them."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def self_signed(there: Path) -> tuple[Path, Path]:
    """One for localhost that signs itself, and its key."""
    cert, key = there / "cert.pem", there / "key.pem"
    _openssl(
        *("req", "-x509", *_KEY, "-days", "1", "-subj", "/CN=localhost", "-keyout", key),
        *("-addext", "subjectAltName=DNS:localhost", "-out", cert),
    )
    return cert, key


def of_own_authority(
    there: Path, name: str = "localhost", days: int = 1
) -> tuple[Path, tuple[Path, Path]]:
    """A private authority's certificate; and one for this name that it signed, with its key.

    It ends in so many days.
    """
    ca, ca_key = there / "ca.pem", there / "ca.key"
    cert, key, asked = there / "leaf.pem", there / "leaf.key", there / "leaf.csr"
    _openssl(
        *("req", "-x509", *_KEY, "-days", "1", "-subj", "/CN=our own authority"),
        *("-keyout", ca_key, "-out", ca),
    )
    _openssl("req", *_KEY, "-subj", "/CN=localhost", "-keyout", key, "-out", asked)
    names = there / "names"
    names.write_text(f"subjectAltName=DNS:{name}\n")
    _openssl(
        *("x509", "-req", "-in", asked, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial"),
        *("-days", days, "-extfile", names, "-out", cert),
    )
    return ca, (cert, key)


def served_by(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def _openssl(*command: object) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    subprocess.run([openssl, *map(str, command)], check=True, capture_output=True)
