"""Makes, damages, reads and checks tokens; the same descriptions of tokens as in the recorded cases."""

import base64
import hashlib
import hmac
import json

from jwt.algorithms import get_default_algorithms

HMAC_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
ALGORITHMS = get_default_algorithms()
PREPARED_KEYS = {}


def encode_segment(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_segment(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def segments_of(token):
    """Header and payload as bytes; raises ValueError for anything else than three base64url segments."""
    header, payload, _signature = token.split(".")
    return decode_segment(header), decode_segment(payload)


def payload_of(token):
    return json.loads(segments_of(token)[1])


def algorithm_of(profile):
    return profile["simple_jwt"].get("ALGORITHM", "HS256")


def signing_key(profile):
    return profile["simple_jwt"].get("SIGNING_KEY") or profile["secret_key"]


def verifying_key(profile):
    return profile["simple_jwt"].get("VERIFYING_KEY") or signing_key(profile)


def prepared(algorithm, key):
    if (algorithm, key) not in PREPARED_KEYS:
        PREPARED_KEYS[algorithm, key] = ALGORITHMS[algorithm].prepare_key(key)
    return PREPARED_KEYS[algorithm, key]


def sign(algorithm, key, data):
    if algorithm == "none":
        return b""
    if algorithm in HMAC_DIGESTS:
        return hmac.new(key.encode(), data, HMAC_DIGESTS[algorithm]).digest()
    return ALGORITHMS[algorithm].sign(data, prepared(algorithm, key))


def signature_is_valid(profile, token):
    algorithm = algorithm_of(profile)
    data, _, signature = token.rpartition(".")
    raw = decode_segment(signature)
    if algorithm in HMAC_DIGESTS:
        return hmac.compare_digest(raw, sign(algorithm, signing_key(profile), data.encode()))
    return ALGORITHMS[algorithm].verify(data.encode(), prepared(algorithm, verifying_key(profile)), raw)


def signed(profile, header, payload):
    """A token of the profile's key over any bytes at all."""
    data = f"{encode_segment(header)}.{encode_segment(payload)}"
    signature = sign(algorithm_of(profile), signing_key(profile), data.encode())
    return f"{data}.{encode_segment(signature)}"


def mint(description, profile):
    """The token of a description whose placeholders are filled; `literal` is a token that is ready already."""
    if "literal" in description:
        return description["literal"]
    algorithm = description.get("alg") or algorithm_of(profile)
    key = _minting_key(description.get("key", "signing"), profile)
    data = f"{encode_segment(_header_bytes(description, algorithm))}.{encode_segment(_payload_bytes(description))}"
    token = f"{data}.{encode_segment(sign(algorithm, key, data.encode()))}"
    for name in description.get("transform", []):
        token = TRANSFORMS[name](token)
    return token


def _minting_key(choice, profile):
    if isinstance(choice, dict):
        return choice["value"]
    return {"signing": signing_key, "verifying": verifying_key}[choice](profile)


def _header_bytes(description, algorithm):
    if "header_raw" in description:
        return description["header_raw"].encode("utf-8", "surrogatepass")
    header = description.get("header") or {"alg": algorithm, "typ": "JWT"}
    return json.dumps(header, separators=(",", ":")).encode()


def _payload_bytes(description):
    if "claims_raw" in description:
        return description["claims_raw"].encode("utf-8", "surrogatepass")
    separators = (", ", ": ") if description.get("spaces") else (",", ":")
    ascii_only = not description.get("unicode")
    return json.dumps(description["claims"], separators=separators, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )


def _with_segment(index, change):
    def transform(token):
        parts = token.split(".")
        parts[index] = change(parts[index])
        return ".".join(parts)

    return transform


def _flip_bit(position):
    def change(segment):
        raw = bytearray(decode_segment(segment))
        if len(raw) < abs(position) + 1:
            return segment
        raw[position] ^= 1
        return encode_segment(bytes(raw))

    return change


TRANSFORMS = {
    "drop-signature": _with_segment(2, lambda _segment: ""),
    "two-segments": lambda token: token.rpartition(".")[0],
    "one-segment": lambda token: token.partition(".")[0],
    "four-segments": lambda token: f"{token}.{token.rpartition('.')[2]}",
    "flip-signature": _with_segment(2, _flip_bit(0)),
    "flip-payload": _with_segment(1, _flip_bit(-2)),
    "truncate-signature": _with_segment(2, lambda segment: encode_segment(decode_segment(segment)[:-1])),
    "pad": lambda token: ".".join(segment + "=" * (-len(segment) % 4) for segment in token.split(".")),
    "surround-spaces": lambda token: f"  {token}  ",
    "inner-space": _with_segment(1, lambda segment: " " + segment),
    "newline": _with_segment(1, lambda segment: segment + "\n"),
    "junk-char": _with_segment(2, lambda segment: f"{segment[:10]}!{segment[10:]}"),
    "upper": str.upper,
}


def revoke_digest(encoded_password):
    """The revoke claim that belongs to a stored password."""
    return hashlib.md5(encoded_password.encode()).hexdigest().upper()
