"""Keys that tests sign releases with."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.params.release import KeySignature


def key(folder: Path, name: str) -> KeySignature:
    """Make an elliptic curve key."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    made = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(made.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain))
    said = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(made.public_key().public_bytes(pem, said))
    return KeySignature(method="key", private_key=str(private), public_key=str(public))
