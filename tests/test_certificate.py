"""The certificate of one's own: names, reuse, renewal, a key that only its owner reads."""
from __future__ import annotations

import ssl
import stat
import sys

import pytest
from cryptography import x509

from twin.certificate import addresses, certificate, names, picture


def test_it_names_this_machine_and_is_used_again(tmp_path):
    cert, key = certificate(tmp_path / "data")
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    made = x509.load_pem_x509_certificate(cert.read_bytes())
    held = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in held.get_values_for_type(x509.DNSName)
    assert {"127.0.0.1", *addresses()} <= {str(ip) for ip in held.get_values_for_type(x509.IPAddress)}
    before = cert.read_bytes()
    assert certificate(tmp_path / "data")[0].read_bytes() == before
    assert "localhost" in names()


def test_a_new_address_or_a_damaged_file_makes_a_new_one(tmp_path):
    before = certificate(tmp_path, ["localhost"])[0].read_bytes()
    assert certificate(tmp_path, ["localhost", "192.0.2.7"])[0].read_bytes() != before
    (tmp_path / "certificate.pem").write_text("damaged")
    cert, key = certificate(tmp_path, ["localhost"])
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_key_is_its_owners(tmp_path):
    assert stat.S_IMODE(certificate(tmp_path, ["localhost"])[1].stat().st_mode) == 0o600


def test_the_picture_for_the_phone():
    assert picture("https://192.0.2.7:7860/").count("\n") > 10
