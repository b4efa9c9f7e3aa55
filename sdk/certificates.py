"""Certificates for tests, signed by the plant's own authority or by a stranger's."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def issue(
    folder, name, names, authority=None, days=1, began=-1, use=ExtendedKeyUsageOID.CLIENT_AUTH, addresses=(), own=False
):
    """Writes NAME.pem and NAME.key; `authority` is the plant's pki folder, or None for a stranger, who signs itself if `own`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    if authority:
        issuer = x509.load_pem_x509_certificate((authority / "authority.pem").read_bytes()).subject
        signer = serialization.load_pem_private_key((authority / "authority.key").read_bytes(), None)
    else:
        issuer = subject if own else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
        signer = key if own else ec.generate_private_key(ec.SECP256R1())
    alternatives = [
        x509.UniformResourceIdentifier(one) if "://" in one else x509.DNSName(one) for one in names
    ]
    alternatives += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=began))
        .not_valid_after(now + datetime.timedelta(days=began + days + 1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / f"{name}.pem", folder / f"{name}.key"
