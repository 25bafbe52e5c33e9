"""A root and a signer's certificate, as C2PA wants them, made anew for each test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def write(folder: Path) -> tuple[Path, Path]:
    """Write chain.pem and key.pem; return their paths. Needs the package cryptography, which c2pa-python brings."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(common: str) -> Any:
        parts = ((NameOID.ORGANIZATION_NAME, "Test Studio"), (NameOID.COMMON_NAME, common))
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def made(who: str, of: Any, is_root: bool) -> Any:
        now = datetime.now(UTC)
        usage = x509.KeyUsage(True, False, False, False, False, is_root, is_root, False, False)
        builder = (
            x509.CertificateBuilder(name("Root"), name(who), of.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(is_root, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(of.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        if not is_root:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made("Signer", key, is_root=False) + made("Root", root_key, is_root=True))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return chain, secret
