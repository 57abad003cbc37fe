"""A certificate of this machine's own, so that a phone on the same network gets its microphone: browsers give one only to https.

Made at start, kept in the data folder, used until it expires or the machine's addresses change. Nothing is asked of the network.
"""
from __future__ import annotations

import io
import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAYS = 397               # browsers refuse certificates that last longer
MARGIN = timedelta(days=7)


def addresses() -> list[str]:
    """This machine's IPv4 addresses in its networks, the one of the default route first. No packet is sent."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        try:
            trial.connect(("192.0.2.1", 9))              # an address for documentation (RFC 5737): only the route is looked up
            found.append(trial.getsockname()[0])
        except OSError:
            pass
    try:
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    except OSError:
        pass
    return [address for address in dict.fromkeys(found) if not ipaddress.ip_address(address).is_loopback]


def names() -> list[str]:
    """Every name and address that a browser may use for this machine."""
    host = socket.gethostname()
    all_ = dict.fromkeys(("localhost", host, f"{host}.local", "127.0.0.1", "::1", *addresses()))
    return [name for name in all_ if name.isascii() and len(name) < 64]


def certificate(data: Path, wanted: list[str] | None = None) -> tuple[Path, Path]:
    """(certificate, key) as PEM files in the data folder, for `wanted` names or all of this machine's."""
    wanted = wanted or names()
    cert, key = data / "certificate.pem", data / "certificate.key"
    if not _good(cert, key, wanted):
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(cert, key, wanted)
    return cert, key


def picture(url: str) -> str:
    """A QR code in characters of a terminal."""
    import segno
    out = io.StringIO()
    segno.make(url, error="m").terminal(out, compact=True)
    return out.getvalue()


def _good(cert: Path, key: Path, wanted: list[str]) -> bool:
    from cryptography import x509
    try:
        made = x509.load_pem_x509_certificate(cert.read_bytes())
        holds = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    known = set(holds.get_values_for_type(x509.DNSName)) | {str(ip) for ip in holds.get_values_for_type(x509.IPAddress)}
    return key.is_file() and made.not_valid_after_utc > datetime.now(UTC) + MARGIN and set(wanted) <= known


def _make(cert: Path, key: Path, wanted: list[str]) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    private = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Twin on " + socket.gethostname()[:50])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(private.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=DAYS - 1))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in wanted]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256()))
    secret = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.unlink(missing_ok=True)
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _name(name: str):
    from cryptography import x509
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
