"""A fresh key for each algorithm, as both servers take it."""

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ALGORITHMS = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES256K", "ES384", "ES512", "EdDSA"),
)
CURVES = {"ES256": ec.SECP256R1, "ES256K": ec.SECP256K1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


@cache
def _rsa():
    return rsa.generate_private_key(65537, 2048)


def settings_for(algorithm):
    """`ALGORITHM` and the keys."""
    if algorithm.startswith("HS"):
        return {"ALGORITHM": algorithm}
    if algorithm in CURVES:
        key = ec.generate_private_key(CURVES[algorithm]())
    else:
        key = ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else _rsa()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"ALGORITHM": algorithm, "SIGNING_KEY": private.decode(), "VERIFYING_KEY": public.decode()}
