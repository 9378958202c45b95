"""Every damage to a token at every place that takes one."""

import json
import uuid

from ..jose import algorithm_of, signed
from ..profiles import DROP
from .build import TOKEN_KINDS, case, consume, get, kind_for, token

CONSUMERS = (*TOKEN_KINDS, "me", "stateless")
OTHER_KINDS = {"refresh": "access", "access": "refresh", "sliding": "access"}
FAR = 253402300799  # the last second of the year 9999: literal tokens stay usable in replays
BIG = 10**400
ACCEPTED_EVERYWHERE = ("minted-ok", "no-iat", "header-order-kid", "nested-claims")

CLAIM_VALUES = {
    "exp": {
        "float": "<float:now+300.5>",
        "null": None,
        "text": "soon",
        "empty": "",
        "bool": True,
        "false": False,
        "zero": 0,
        "negative": -1,
        "list": [1],
        "object": {"a": 1},
        "far": FAR,
        "too-far": FAR + 1,
        "string": str(FAR),
        "string-expired": "1000",
        "string-spaces": " 4102444800 ",
        "string-float": "4102444800.5",
        "huge": BIG,
        "float-past": 1000.9,
        "just": "<now>",
        "passed": "<now-10>",
        "minus-float": -1.5,
        "underscore": "4_102_444_800",
    },
    "iat": {
        "future": "<now+120>",
        "near-future": "<now+3>",
        "null": None,
        "string": "abc",
        "numeric-string": "1000",
        "float": "<float:now-10>",
        "bool": True,
        "list": [1],
        "object": {},
        "negative": -5,
        "zero": 0,
        "huge": BIG,
        "future-float": "<float:now+120>",
        "future-string": "99999999999",
        "old": 1,
    },
    "nbf": {
        "future": "<now+120>",
        "past": "<now-120>",
        "string": "abc",
        "numeric-string": "1000",
        "null": None,
        "float": "<float:now-10>",
        "future-float": "<float:now+120>",
        "bool": True,
        "list": [],
        "zero": 0,
        "future-string": "99999999999",
        "now": "<now>",
        "object": {},
    },
    "sub": {"int": 1, "string": "x", "null": None, "empty": "", "list": [], "bool": False, "unicode": "é"},
    "aud": {"present": "someone", "int": [1, {}], "null": None, "empty": "", "object": {"a": 1}, "list": ["a", "b"]},
    "iss": {"present": "someone", "int": 5, "null": None, "empty": "", "list": ["a"]},
    "typ": {"claim": "JWT"},
    "kid": {"claim": 5},
    "null": {"claim": "x"},
}
TYPE_VALUES = {
    "null": None,
    "int": 1,
    "list": ["refresh"],
    "empty": "",
    "bool": True,
    "object": {},
    "untyped": "untyped",
    "unknown": "bogus",
    "space": "refresh ",
}
EXTRA_CLAIMS = {
    "unicode-claims": {"name": "Zoë 日本 🔑", "ключ": "значение"},
    "nested-claims": {"roles": ["a", "b"], "org": {"id": 7, "tags": [None, True, 1.5]}},
    "escapes": {"a": "/\\\"\b\f\n\r\t\u007f\u2028\u2029<>&'", "": "empty name"},
    "reserved-names": {"__class__": "x", "payload": 1, "token": 2, "current_time": 3},
    "numbers": {"big": 2**70, "f": 1.0, "e": 1e22, "tiny": 5e-324, "neg": -0.0, "third": 1 / 3},
    "surrogate": {"s": "\ud83d"},
    "deep": {"d": json.loads("[" * 60 + "]" * 60)},
    "too-deep": {"d": json.loads("[" * 200 + "]" * 200)},
    "huge": {"blob": "<repeat:z:60000>"},
}
HEADERS = {
    "no-alg-header": {"typ": "JWT"},
    "alg-null": {"alg": None, "typ": "JWT"},
    "alg-int": {"alg": 1, "typ": "JWT"},
    "alg-list": {"alg": ["ALG"], "typ": "JWT"},
    "alg-empty": {"alg": "", "typ": "JWT"},
    "alg-unknown": {"alg": "XX999", "typ": "JWT"},
    "alg-header-lies": {"alg": "HS384", "typ": "JWT"},
    "no-typ-header": {"alg": "ALG"},
    "typ-other": {"alg": "ALG", "typ": "at+jwt"},
    "typ-lower": {"alg": "ALG", "typ": "jwt"},
    "typ-null": {"alg": "ALG", "typ": None},
    "typ-int": {"alg": "ALG", "typ": 1},
    "header-order-kid": {"typ": "JWT", "kid": "k1", "alg": "ALG", "x": 1},
    "kid-int": {"typ": "JWT", "kid": 1, "alg": "ALG"},
    "kid-null": {"typ": "JWT", "kid": None, "alg": "ALG"},
    "kid-empty": {"typ": "JWT", "kid": "", "alg": "ALG"},
    "kid-list": {"typ": "JWT", "kid": ["k"], "alg": "ALG"},
    "kid-long": {"typ": "JWT", "kid": "k" * 300, "alg": "ALG"},
    "crit-empty": {"typ": "JWT", "alg": "ALG", "crit": []},
    "crit-unknown": {"typ": "JWT", "alg": "ALG", "crit": ["exp2"], "exp2": 1},
    "crit-null": {"typ": "JWT", "alg": "ALG", "crit": None},
    "crit-text": {"typ": "JWT", "alg": "ALG", "crit": "b64"},
    "crit-int-entry": {"typ": "JWT", "alg": "ALG", "crit": [1]},
    "crit-absent-name": {"typ": "JWT", "alg": "ALG", "crit": ["b64"]},
    "crit-b64-true": {"typ": "JWT", "alg": "ALG", "crit": ["b64"], "b64": True},
    "crit-b64-false": {"typ": "JWT", "alg": "ALG", "crit": ["b64"], "b64": False},
    "b64-false": {"typ": "JWT", "alg": "ALG", "b64": False},
    "b64-true": {"typ": "JWT", "alg": "ALG", "b64": True},
    "zip-header": {"typ": "JWT", "alg": "ALG", "zip": "DEF"},
    "jwk-header": {"typ": "JWT", "alg": "ALG", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "http://127.0.0.1/"},
    "cty-header": {"typ": "JWT", "alg": "ALG", "cty": "JWT"},
    "header-unicode": {"typ": "JWT", "alg": "ALG", "ключ": "é"},
}
RAW_HEADERS = {
    "header-not-json": "{alg", "header-not-object": "[]", "header-string": '"x"', "header-null": "null", "header-empty": "",
    "header-spaces": '{ "alg" : "ALG" , "typ" : "JWT" }', "header-newline": '{"alg":"ALG","typ":"JWT"}\n',
    "header-escaped": '{"\\u0061lg":"ALG","typ":"JWT"}', "header-dup-alg": '{"alg":"none","alg":"ALG"}',
    "header-dup-last-wrong": '{"alg":"ALG","alg":"none"}', "header-bom": '\ufeff{"alg":"ALG"}',
    "header-trailing": '{"alg":"ALG"} x',
}  # fmt: skip
RAW_PAYLOADS = {
    "payload-string": '"x"', "payload-list": "[1,2]", "payload-empty": "", "payload-not-json": "{", "payload-null": "null",
    "payload-number": "5", "payload-true": "true", "payload-empty-object": "{}", "payload-pairs": '[["exp",1]]',
}  # fmt: skip
RAW_VARIANTS = {  # text before and after the members of a valid payload, and what stands for exp in it
    "exp-nan": ("{", "}", "NaN"),
    "exp-infinity": ("{", "}", "Infinity"),
    "exp-overflow": ("{", "}", "1e30"),
    "exp-exponent": ("{", "}", "2.5e9"),
    "exp-duplicate": ('{"exp": 1, ', "}", str(FAR)),
    "claim-nan": ("{", ', "x": NaN}', str(FAR)),
    "claim-numbers": ("{", ', "f":1.0,"g":1e2,"h":-0.0,"i":12345678901234567890,"j":1E-7}', str(FAR)),
    "claim-duplicate": ("{", ', "x": 1, "x": 2}', str(FAR)),
    "claim-duplicate-nested": ("{", ', "x": {"y": 1, "y": 2}}', str(FAR)),
    "payload-bom": ("\ufeff{", "}", str(FAR)),
    "payload-trailing": ("{", "} x", str(FAR)),
    "payload-trailing-space": ("{", "} \n", str(FAR)),
    "payload-comma": ("{", ",}", str(FAR)),
    "payload-control": ("{", ', "x": "a\nb"}', str(FAR)),
}
TRANSFORMS = (
    "drop-signature", "two-segments", "one-segment", "four-segments", "flip-signature", "flip-payload", "truncate-signature",
    "pad", "surround-spaces", "inner-space", "newline", "junk-char", "upper",
)  # fmt: skip


def cases(view):
    for consumer in CONSUMERS:
        for name, description in mutations(view, kind_for(view, consumer), consumer):
            if name == "newline" and consumer not in TOKEN_KINDS:
                continue  # no header can hold it
            steps = [consume(view, consumer, mint=[description], capture={"a": "access"})]
            if consumer == "refresh" and name in ACCEPTED_EVERYWHERE:
                steps += [consume(view, "refresh"), get(view, "me", "{{a}}")]
            yield case(f"{consumer}-tok-{name}", "tokens", *steps)


def mutations(view, kind, salt):
    """(name, mint description) pairs: one flaw each, then combinations of flaws; `salt` keeps ids of cases apart."""
    yield "minted-ok", token(view.claims(kind))
    yield "payload-spaces", token(view.claims(kind), spaces=True)
    yield "payload-raw-unicode", token(view.claims(kind, name="Zoë"), unicode=True)
    yield from _missing_claims(view, kind)
    yield from _odd_ids(view, kind, salt)
    yield from _odd_claims(view, kind)
    yield from _keys_and_headers(view, kind)
    yield from _raw_segments(view, kind)
    for name in TRANSFORMS:
        yield name, token(view.claims(kind), transform=[name])


def _missing_claims(view, kind):
    names = {"type": view.type_claim, "exp": "exp", "jti": view.id_claim, "iat": "iat", "user": view.user_claim}
    if kind == "sliding":
        names["window"] = view.window_claim
    for label, claim in names.items():
        if claim:
            yield f"no-{label}", token(view.claims(kind, **{claim: DROP}))
    absent = {name: DROP for name in (view.id_claim, view.type_claim) if name}
    yield "no-jti-no-type", token(view.claims(kind, **absent))
    yield "no-exp-no-jti", token(view.claims(kind, exp=DROP, **absent))
    yield "expired-no-jti", token(view.claims(kind, exp="<now-5>", **absent))
    yield "order", token(dict(reversed(view.claims(kind, b=1, a=2).items())))


def _odd_ids(view, kind, salt):
    texts = {
        "unicode": f"żółć-🔑-{salt}", "255": salt.ljust(255, "j"), "256": salt.ljust(256, "j"), "nul": f"{salt}\0b",
        "quote": f"{salt}'\"--", "newline": f"{salt}\n", "surrogate": f"{salt}\ud800", "upper": uuid.uuid4().hex.upper(),
        "hyphens": str(uuid.uuid4()),
    }  # fmt: skip
    number = CONSUMERS.index(salt)
    others = {"int": number, "float": number + 0.5, "list": [salt], "object": {salt: 1}, "space": " " * (number + 1),
              "null": None, "empty": "", "bool": True}  # fmt: skip
    for label, value in {**texts, **others}.items():
        yield f"jti-{label}", token(view.claims(kind, **{view.id_claim or "jti": value}))


def _odd_claims(view, kind):
    for claim, values in CLAIM_VALUES.items():
        for label, value in values.items():
            yield f"{claim}-{label}", token(view.claims(kind, **{claim: value}))
    if kind == "sliding":
        for label, value in CLAIM_VALUES["exp"].items():
            yield f"window-{label}", token(view.claims(kind, **{view.window_claim: value}))
    if view.type_claim:
        typed = {"case": kind.upper(), "wrong": OTHER_KINDS[kind], **TYPE_VALUES}
        for label, value in typed.items():
            yield f"type-{label}", token(view.claims(kind, **{view.type_claim: value}))
        wrong = {view.type_claim: OTHER_KINDS[kind]}
        yield "expired-wrong-type", token(view.claims(kind, exp="<now-5>", **wrong))
        yield "no-exp-wrong-type", token(view.claims(kind, exp=DROP, **wrong))
    yield "nbf-future-expired", token(view.claims(kind, nbf="<now+60>", exp="<now-60>"))
    yield "iat-future-expired", token(view.claims(kind, iat="<now+60>", exp="<now-60>"))
    yield "sub-int-expired", token(view.claims(kind, sub=1, exp="<now-60>"))
    for name, extra in EXTRA_CLAIMS.items():
        yield name, token(view.claims(kind, **extra))


def _keys_and_headers(view, kind):
    algorithm = algorithm_of(view.profile)
    secret = {"kind": "secret", "value": "another-secret-key-another-secret-key-another-secret"}
    yield "wrong-key", token(view.claims(kind), alg="HS256", key=secret)
    yield "expired-bad-signature", token(view.claims(kind, exp="<now-5>"), alg="HS256", key=secret)
    for label, spelling in {"": "none", "-case": "NoNe", "-upper": "NONE"}.items():
        yield f"alg-none{label}", token(view.claims(kind), alg="none", header={"alg": spelling, "typ": "JWT"})
    yield "alg-none-lies", token(view.claims(kind), alg="none", header={"alg": algorithm, "typ": "JWT"})
    yield "alg-lower", token(view.claims(kind), header={"alg": algorithm.lower(), "typ": "JWT"})
    yield "alg-space", token(view.claims(kind), header={"alg": f"{algorithm} ", "typ": "JWT"})
    for name, header in HEADERS.items():
        yield name, token(view.claims(kind), header=_with_algorithm(header, algorithm))
    for name, text in RAW_HEADERS.items():
        yield name, token(view.claims(kind), header_raw=text.replace("ALG", algorithm))


def _with_algorithm(header, algorithm):
    return json.loads(json.dumps(header).replace('"ALG"', json.dumps(algorithm)))


def _raw_segments(view, kind):
    for name, text in RAW_PAYLOADS.items():
        yield name, token(claims_raw=text)
    for name, (before, after, exp) in RAW_VARIANTS.items():
        body = _claims_text(view, kind).replace(str(FAR), exp, 1)
        yield name, token(claims_raw=f"{before}{body}{after}")
    header = json.dumps({"alg": algorithm_of(view.profile), "typ": "JWT"}, separators=(",", ":")).encode()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "latin-1"):
        payload = f'{{{_claims_text(view, kind)}, "x": "é"}}'.encode(encoding)
        yield f"payload-{encoding}", {"var": "t", "literal": signed(view.profile, header, payload)}


def _claims_text(view, kind):
    """The members of a valid payload as JSON text, with an id of their own."""
    claims = view.claims(kind, exp=FAR, iat=1, **{view.id_claim or "jti": uuid.uuid4().hex})
    if kind == "sliding":
        claims[view.window_claim] = FAR
    return json.dumps(claims)[1:-1]
