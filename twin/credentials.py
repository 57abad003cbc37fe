"""Content credentials (C2PA): written with the app's own certificate (a CA and a leaf, made at first use, kept in the data folder, 0600) or with one
that the settings name; read back by the library's own reader."""
from __future__ import annotations

import io
import os
import re
import secrets
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .errors import Missing, TwinError

DAYS = 3650
MARGIN = timedelta(days=7)
_BLOCK = re.compile(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.S)
_GUARD = threading.Lock()


def sign(data: bytes, kind: str, manifest: str, folder: Path, certificate: str = "") -> bytes:
    """The file's bytes with signed credentials in them; `kind` is its MIME type, `certificate` a PEM file to sign with instead of our own. Raises
    Missing without c2pa-python or that file, TwinError when it can't be."""
    try:
        import c2pa
    except ImportError:
        raise Missing("c2pa-python is not installed.", "pip install c2pa-python") from None
    chain, key = _named(Path(certificate).expanduser()) if certificate else _pair(folder)
    out = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(b"es256", chain, key, None)      # no time stamp authority: it works offline
        plain = c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})       # it may weigh more than the picture
        with c2pa.Context(plain) as context, c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest, context) as builder:
            builder.sign(signer, kind, io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise TwinError(f"the file could not be signed ({str(error)[:120]}).", "Say yourself that it was made by an AI.") from None
    return out.getvalue()


def read(data: bytes, kind: str) -> dict[str, Any] | None:
    """The credentials in a file, as C2PA's JSON says them; None where there are none. Raises Missing without c2pa-python."""
    import json
    try:
        import c2pa
    except ImportError:
        raise Missing("c2pa-python is not installed.", "pip install c2pa-python") from None
    try:
        with c2pa.Reader(kind, io.BytesIO(data)) as reader:
            return json.loads(reader.json())
    except c2pa.C2paError:
        return None


def own(signed: dict[str, Any], folder: Path) -> bool:
    """Whether credentials were signed with the certificate in this data folder."""
    from cryptography import x509
    try:
        serial = x509.load_pem_x509_certificate((folder / "credentials" / "leaf.pem").read_bytes()).serial_number
    except (OSError, ValueError):
        return False
    active = signed.get("manifests", {}).get(signed.get("active_manifest", ""), {})
    return str((active.get("signature_info") or {}).get("cert_serial_number")) == str(serial)


def _named(place: Path) -> tuple[bytes, bytes]:
    """(certificate chain, private key) of a PEM file, in either order. Raises Missing, TwinError."""
    try:
        blocks = _BLOCK.findall(place.read_bytes())
    except OSError as error:
        raise Missing(f"the certificate {place} cannot be read ({error.strerror}).", "Mend the setting `certificate`, or empty it.") from None
    keys = [block for block in blocks if b"PRIVATE KEY" in block]
    if len(keys) != 1 or len(blocks) < 2:
        raise TwinError(f"{place} should hold a certificate chain and its private key.", "Put both into one PEM file, the leaf first.")
    return b"\n".join(block for block in blocks if block is not keys[0]) + b"\n", keys[0] + b"\n"


def _pair(folder: Path) -> tuple[bytes, bytes]:
    """(certificate chain, private key of the leaf) as PEM; made when they are not there or about to expire."""
    place = folder / "credentials"
    with _GUARD:
        try:
            both = (place / "leaf.pem").read_bytes()
            chain, key = both.split(b"-----BEGIN PRIVATE KEY-----")
            if _until(chain) > datetime.now(UTC) + MARGIN:
                return chain, b"-----BEGIN PRIVATE KEY-----" + key
        except (OSError, ValueError):
            pass
        chain, key = _make()
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = place / f".new-{os.getpid()}-{secrets.token_hex(4)}"                   # store/sweep.py takes it away after a sudden end
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(chain + key)
            os.replace(beside, place / "leaf.pem")
        except OSError as error:
            raise TwinError(f"the app's certificate could not be kept ({error.strerror}).", f"Make {place} writable.") from None
        return chain, key


def _until(chain: bytes) -> datetime:
    from cryptography import x509
    return x509.load_pem_x509_certificate(chain).not_valid_after_utc


def _make() -> tuple[bytes, bytes]:
    """A CA that is forgotten once it has signed, and a leaf as C2PA wants it: for e-mail protection, with a signature as its only use."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Twin"), x509.NameAttribute(NameOID.COMMON_NAME, common)])

    def usage(**on: bool) -> x509.KeyUsage:
        every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
                 "encipher_only", "decipher_only")
        return x509.KeyUsage(**{each: on.get(each, False) for each in every})

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    own = f"Twin on this machine {secrets.token_hex(4)}"

    def begin(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(name(own)).public_key(public).serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=DAYS))
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False))

    top = (begin(name(own), root.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
           .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True).sign(root, hashes.SHA256()))
    end = (begin(name("Twin, content made by an AI"), leaf.public_key()).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
           .add_extension(usage(digital_signature=True), critical=True)
           .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False).sign(root, hashes.SHA256()))
    pem = serialization.Encoding.PEM
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return end.public_bytes(pem) + top.public_bytes(pem), key
