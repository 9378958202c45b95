"""Keys and algorithms: the other key, the other algorithm, the public key as a secret."""

import json

from ..jose import algorithm_of, verifying_key
from ..profiles import FILE
from .build import TOKEN_KINDS, case, consume, get, kind_for, token

OTHER_ALGORITHM = {
    "HS256": "HS512", "HS384": "HS256", "HS512": "HS384", "RS256": "RS512", "RS384": "RS256", "RS512": "PS512",
    "PS256": "RS256", "PS512": "PS384",
}  # fmt: skip
OTHER_KEYS = json.loads(FILE.read_text(encoding="utf-8"))["other_keys"]


def cases(view):
    algorithm = algorithm_of(view.profile)
    for consumer in (*TOKEN_KINDS, "me", "stateless"):
        for name, description in _variants(view, kind_for(view, consumer), algorithm):
            yield case(f"{consumer}-alg-{name}", "algorithms", consume(view, consumer, mint=[description]))
    minted = token(view.claims("refresh"))
    steps = [consume(view, "refresh", mint=[minted], capture={"a": "access", "r": "refresh"})]
    yield case(
        "alg-refresh-chain", "algorithms", *steps, get(view, "me", "{{a}}"), consume(view, "refresh", variable="r")
    )


def _variants(view, kind, algorithm):
    claims = view.claims(kind)
    family = algorithm if algorithm in OTHER_KEYS else algorithm[:2]
    yield "other-key", token(claims, key={"kind": "key", "value": OTHER_KEYS[family]})
    yield "secret-key", token(claims, alg="HS256", key={"kind": "secret", "value": view.profile["secret_key"]})
    yield (
        "secret-key-lies",
        token(claims, alg="HS256", header={"alg": algorithm, "typ": "JWT"}, key={"kind": "secret", "value": "x" * 64}),
    )
    if not algorithm.startswith("HS"):
        public = {"kind": "secret", "value": verifying_key(view.profile)}
        yield "confusion", token(claims, alg="HS256", key=public)
        yield "confusion-lies", token(claims, alg="HS256", key=public, header={"alg": algorithm, "typ": "JWT"})
    if other := OTHER_ALGORITHM.get(algorithm):
        yield "other", token(claims, alg=other)
        yield "other-lies", token(claims, alg=other, header={"alg": algorithm, "typ": "JWT"})
        yield "header-lies", token(claims, header={"alg": other, "typ": "JWT"})
