"""Records keys.json: keys as OpenSSL writes them and tokens as PyJWT signs them (test keys, made anew each run).

pip install 'pyjwt[crypto]==2.15.1' && python3 record.py
"""

import datetime
import json
import pathlib

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

PEM = serialization.Encoding.PEM
PRIVATE = serialization.PrivateFormat
PUBLIC = serialization.PublicFormat
CLEAR = serialization.NoEncryption()


def private(key, form=PRIVATE.PKCS8, encryption=CLEAR):
    return key.private_bytes(PEM, form, encryption).decode()


def public(key, form=PUBLIC.SubjectPublicKeyInfo):
    return key.public_key().public_bytes(PEM, form).decode()


def certificate(key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    start = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(1))
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM).decode()


RSA = rsa.generate_private_key(65537, 2048)
CURVES = {"ES256": ec.SECP256R1(), "ES256K": ec.SECP256K1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
KEYS = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
KEYS["ES521"] = KEYS["ES512"]
KEYS["EdDSA"] = ed25519.Ed25519PrivateKey.generate()
KEYS |= {family + size: RSA for family in ("RS", "PS") for size in ("256", "384", "512")}


def asymmetric(algorithm, key):
    forms = [private(key)]
    publics = [public(key)]
    if algorithm != "EdDSA":
        forms.append(private(key, PRIVATE.TraditionalOpenSSL))
    if key is RSA:
        publics.append(public(key, PUBLIC.PKCS1))
    implementation = jwt.get_algorithm_by_name(algorithm)
    return {
        "algorithm": algorithm,
        "private": forms,
        "public": publics,
        "jwk": implementation.to_jwk(key.public_key(), as_dict=True),
        "token": jwt.encode({"user_id": "1"}, forms[0], algorithm),
    }


def symmetric(algorithm, length):
    secret = "schlüssel-" + "k" * length
    jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(secret, as_dict=True)
    token = jwt.encode({"user_id": "1"}, secret, algorithm)
    return {"algorithm": algorithm, "private": [secret], "public": [secret], "jwk": jwk, "token": token}


SHORT = rsa.generate_private_key(65537, 1024)
OTHERS = {
    "certificate": certificate(RSA),
    "encrypted": private(RSA, encryption=serialization.BestAvailableEncryption(b"x")),
    "encrypted_legacy": private(RSA, PRIVATE.TraditionalOpenSSL, serialization.BestAvailableEncryption(b"x")),
    "ssh": RSA.public_key().public_bytes(serialization.Encoding.OpenSSH, PUBLIC.OpenSSH).decode(),
    "rsa_3072_public": public(rsa.generate_private_key(65537, 3072)),
    "rsa_1024": private(SHORT),
    "rsa_1024_public": public(SHORT),
    "rsa_1024_token": jwt.encode({"user_id": "1"}, private(SHORT), "RS256"),
    "ed448": private(ed448.Ed448PrivateKey.generate()),
    "ed448_public": public(ed448.Ed448PrivateKey.generate()),
}

asymmetrics = [asymmetric(name, key) for name, key in KEYS.items()]
symmetrics = [symmetric("HS256", 32), symmetric("HS384", 48), symmetric("HS512", 64)]
target = pathlib.Path(__file__).with_name("keys.json")
target.write_text(json.dumps({"algorithms": symmetrics + asymmetrics, "others": OTHERS}, indent=1) + "\n")
