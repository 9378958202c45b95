"""Request bodies: broken JSON, odd field values, content types, forms, multipart."""

import base64
import re

from .build import ENDPOINTS, TOKEN_FIELDS, VIEWS, case, fields_of, request, token

JSON_TYPE = {"Content-Type": "application/json"}
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
BOUNDARY = "----confBoundary7"
MULTIPART_TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

MALFORMED = {
    "brace": "{", "text": "hello", "single-quotes": "{'F': 'a'}", "trailing-comma": '{"F":"a",}', "trailing-comma-list": '["a",]',
    "missing-colon": '{"F" "a"}', "missing-comma": '{"F":"a" "G":"b"}', "unterminated": '{"F":"a', "unterminated-key": '{"F',
    "bad-escape": '{"F":"\\x"}', "extra-data": "{} {}", "extra-data-2": '{"F":"a"}x', "nan": '{"F":NaN}', "infinity": '{"F":Infinity}',
    "minus-infinity": '{"F":-Infinity}', "no-value": '{"F":}', "bare-key": '{F:"a"}', "comment": "{/*x*/}", "comment-end": "{} //",
    "leading-zero": '{"F":01}', "plus": '{"F":+1}', "trailing-dot": '{"F":1.}', "leading-dot": '{"F":.5}', "python-true": '{"F":True}',
    "only-blanks": "   \n ", "deep-unclosed": "[[[[[", "short-unicode": '{"F":"\\u12"}', "bad-unicode": '{"F":"\\uZZZZ"}',
    "single-brace-close": "}", "undefined": '{"F":undefined}', "emoji-position": '{"a":"😀" x}', "crlf-lines": '{\r\n"a":1,\r\n!}',
    "cr-lines": '{\r"a":1,\r!}', "key-number": "{1:2}", "hex": '{"a":0x1}', "exponent": '{"a":1e}', "exponent-plus": '{"a":1e+}',
    "minus": '{"a":-}', "bom": '\ufeff{"F":"a"}', "newline-in-string": '{"F":"a\nb"}', "tab-in-string": '{"F":"a\tb"}',
    "nul-in-string": '{"F":"a\0b"}', "del-in-string": '{"F":"a\x7f"', "double-comma": '{"a":1,,"b":2}', "list-double-comma": "[1,,2]",
    "list-open": "[1,", "list-no-comma": "[1 2]", "colon-only": "{:}", "comma-only": "{,}", "key-only": '{"a"}', "value-null": '{"a":nul}',
    "value-tru": '{"a":tru}', "nested": '{"a":{"b":[1,{"c":}]}}', "wide-chars": '{"żółć":"日本" ?}', "escaped-end": '{"a":"\\',
    "unicode-end": '{"a":"\\u', "surrogate-half": '{"a":"\\ud83d\\u"}', "form": "F=a&G=b", "xml": "<a/>", "vertical-tab": "\x0b{}",
    "nbsp": "\u00a0{}", "form-feed": "\x0c{}", "close-list": '{"a":1]', "close-object": "[1}", "number": "1 2", "minus-zero": "-", "big-digits": "[" + "9" * 5000 + "]",
    "dot": ".", "slash": "/", "backslash": "\\", "quote": '"', "tilde": "~", "equals": '{"a"=1}', "semicolon": '{"a":1;"b":2}',
    "nan-top": "NaN", "inf-top": "-Infinity", "nan-lower": "nan", "minus-nan": "-NaN", "lines": "\n\n\n{\n\n\"a\"\n:\n}", "none": "None",
}  # fmt: skip
TOP_LEVEL = {
    "list": "[]", "list-object": '[{"F":"alice"}]', "null": "null", "string": '"x"', "int": "5", "float": "5.5", "zero": "0",
    "true": "true", "false": "false", "empty-string": '""', "empty-object": "{}", "big-int": "9" * 400, "exponent": "1e5", "spaces": "  {}  ",
    "minus-zero": "-0", "nested-list": "[[]]", "unknown-only": '{"x":1}',
}  # fmt: skip
FIELD_VALUES = {
    "null": "null", "true": "true", "false": "false", "int": "12345", "zero": "0", "negative": "-5", "float": "1.0", "exponent": "1E5",
    "small": "1e-7", "big-exponent": "1e400", "minus-zero": "-0.0", "big-int": "123456789012345678901234567890", "digits": "9" * 300, "list": "[]", "list-text": '["a"]', "object": "{}", "object-text": '{"a":1}',
    "empty": '""', "blank": '"   "', "tab": '"\\t\\n"', "nbsp": '"\\u00a0"', "em-space": '"\\u2003"', "zero-width": '"\\u200b"',
    "bom": '"\\ufeff"', "separators": '"\\u001c\\u001d\\u001e\\u001f"', "next-line": '"\\u0085"', "nul": '"\\u0000"', "nul-inside": '"a\\u0000b"',
    "surrogate": '"\\ud800"', "surrogate-low": '"a\\udfff"', "surrogates": '"\\ud800\\ud801"', "swapped-pair": '"\\udc00\\ud800"',
    "pair": '"\\ud83d\\ude00"', "nul-surrogate": '"\\u0000\\ud800"', "control": '"\\u0001\\u0007"', "del": '"\\u007f"', "garbage": '"garbage"',
    "dots": '".."', "three-dots": '"..."', "emoji": '"😀"', "escapes": '"\\"\\\\\\/\\b\\f\\n\\r\\t"', "line-separator": '"a\\u2028b\\u2029"', "one-char": '"x"',
    "trim": '"  x  "', "trim-nul": '" \\u0000 "', "rtl": '"\\u202e"', "noncharacter": '"\\uffff"', "private": '"\\ue000"', "float-long": "0.1234567890123456789",
    "float-round": "100000000000000000000.0", "float-e16": "1e16", "float-e15": "123456789012345.0", "float-tiny": "5e-324", "nested": '[[{"a":[]}]]',
}  # fmt: skip
CHARSETS = ("utf-8", "UTF-8", "utf8", "latin-1", "iso-8859-1", "ascii", "us-ascii", "utf-16", "utf-16-le", "utf-32", "cp1252", "koi8-r", "utf-7", "utf-8-sig",
            "shift_jis", "big5", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "unknown", "", "hex", "base64", "rot13", "zlib", "bz2_codec",
            "quopri", "uu", '"utf-8"', "'utf-8'", "utf-8 ", "undefined", "mbcs", "utf_8", "u8", "gbk", "euc-jp", "x" * 70, "utf-8\u00e9")  # fmt: skip
CONTENT_TYPES = {
    "plain": "text/plain", "xml": "application/xml", "octet": "application/octet-stream", "text-json": "text/json", "wild": "*/*",
    "app-wild": "application/*", "text-wild": "text/*", "multi-wild": "multipart/*", "json-version": "application/json; version=1", "json-semicolon": "application/json;",
    "json-junk": "application/json junk", "two": "application/json, text/plain", "long": f"application/{'x' * 300}", "long-json": f"application/json; {'x' * 300}",
    "upper": "APPLICATION/JSON", "mixed": "Application/Json; Charset=UTF-8", "problem": "application/problem+json", "api": "application/vnd.api+json",
    "spaces": "  application/json  ", "empty": "", "blank": " ", "slash": "/", "no-slash": "json", "double-slash": "application//json", "params": 'application/json; a="b;c"',
    "graphql": "application/graphql", "html": "text/html", "form-charset": "application/x-www-form-urlencoded; charset=latin-1", "form-upper": "APPLICATION/X-WWW-FORM-URLENCODED",
    "accented": "téxt/plain", "markup": "text/<b>&\"'", "comma": ",", "semicolon": ";", "json-eq": "application/json=", "wild-json": "*/json", "charset-only": "; charset=utf-8",
    "tab": "application/json\t; a=b", "json-quote": '"application/json"', "star": "*", "json-comma": "application/json,", "emoji": "text/😀", "backslash": "text\\plain",
    "256": "application/" + "y" * 244, "257": "application/" + "y" * 245, "percent": "text/%41", "separator": "text/\u2028", "json-x": "application/json-x", "json5": "application/json5",
}  # fmt: skip
FORMS = {
    "empty": "", "missing": "F=alice", "repeated": "F=bob&F=alice&G=x", "percent": "F=%61lice&G=%zz", "utf8": "F=j%C3%B3zef-%E6%97%A5%E6%9C%AC&G=x",
    "raw-utf8": "F=józef&G=x", "bad-utf8": "F=%FF&G=x", "nul": "F=a%00b&G=x", "noequals": "F&G", "semicolons": "F=a;G=b", "empty-pairs": "&&F=a&&G=b&", "plus": "F=a+b&G=+x+",
    "equals": "F=a=b&G==", "brackets": "F[]=a&G[x]=b", "spaces": " F =a&G= x ", "case": "f=a&g=b", "percent-name": "%46=a&%47=b", "only-amp": "&", "plus-blank": "F=+&G=+",
    "percent-end": "F=a%&G=b%2", "surrogate": "F=%ED%A0%80&G=x", "newline": "F=a%0Ab&G=x\r\n", "json": '{"F":"a","G":"b"}', "charset-field": "_charset_=latin-1&F=%E9&G=x",
    "overlong": "F=%C0%80&G=x", "many": "&".join(f"a{index}=1" for index in range(990)) + "&F=a&G=b", "too-many": "&".join(f"a{index}=1" for index in range(1100)), "truncated-utf8": "F=%E2%82&G=x",
    "hash": "F=a#b&G=c", "colon": "F:a&G:b", "question": "?F=a&G=b",
}  # fmt: skip
BYTES = {
    "bad-utf8": b'{"F":"\xff","G":"x"}', "continuation": b"\xc3(", "truncated": b'{"F":"\xe2\x82', "overlong": b'"\xc0\x80"', "surrogate-utf8": b'"\xed\xa0\x80"',
    "five-bytes": b'"\xf8"', "utf16": '{"F":"a","G":"x"}'.encode("utf-16"), "utf16-le": '{"F":"a","G":"x"}'.encode("utf-16-le"), "utf32": '{"F":"a"}'.encode("utf-32"),
    "latin1": b'{"F":"\xe9"}', "lone-continuation": b'{"F":"\x80"}', "nul": b"\0", "above-max": b'"\xf4\x90\x80\x80"', "nuls": b"{}\0\0", "late": b'{"' + b"x" * 70000 + b'":"\xff"}',
    "truncated-late": b"{" + b" " * 65533 + b"\xe2\x82", "cut-four": b'"\xf0\x9f\x98', "cut-then-text": b'"\xf0\x9f\x98"', "three-bad": b'"\xe0\x80\x80"', "bom-only": b"\xef\xbb\xbf",
}  # fmt: skip


def cases(view):
    for endpoint in ENDPOINTS:
        yield from _json_cases(view, endpoint)
        yield from _type_cases(view, endpoint)
        yield from _form_cases(view, endpoint)
        yield from _multipart_cases(view, endpoint)
    for name in ("brace", "bad-escape"):
        step = request("POST", VIEWS["readauth"], headers={**JSON_TYPE, **view.bearer()}, body=MALFORMED[name],
                       mint=[token(view.claims(view.bearer_kind))])  # fmt: skip
        yield case(f"json-{name}-readauth", "parsing", step)
    yield from _order_cases()


def _named(template, names):
    """F and G stand for the first and the last field of an endpoint."""
    return template.replace('"F"', f'"{names[0]}"').replace('"G"', f'"{names[-1]}"')


def _json_cases(view, endpoint):
    names, path = fields_of(view, endpoint), ENDPOINTS[endpoint]
    for name, text in {**MALFORMED, **TOP_LEVEL}.items():
        label = "toplevel" if name in TOP_LEVEL and name not in MALFORMED else "json"
        yield case(
            f"{label}-{name}-{endpoint}", "parsing", request("POST", path, headers=JSON_TYPE, body=_named(text, names))
        )
    for name, raw in BYTES.items():
        body = base64.b64encode(
            raw.replace(b'"F"', f'"{names[0]}"'.encode()).replace(b'"G"', f'"{names[-1]}"'.encode())
        ).decode()
        yield case(f"bytes-{name}-{endpoint}", "parsing", request("POST", path, headers=JSON_TYPE, body_b64=body))
    for field in names:
        others = "".join(f',"{other}":"x"' for other in names if other != field)
        for name, value in FIELD_VALUES.items():
            body = f'{{"{field}":{value}{others}}}'
            yield case(f"{endpoint}-{field}-{name}", endpoint, request("POST", path, headers=JSON_TYPE, body=body))
    for first, second in (
        ("null", "[]"),
        ('""', "null"),
        ("5", '"\\u0000"'),
        ('"\\ud800"', '"\\u0000"'),
        ("{}", '" "'),
    ):
        body = "{" + ",".join(f'"{name}":{value}' for name, value in zip(reversed(names), (first, second))) + "}"
        yield case(
            f"{endpoint}-mixed-{len(first)}{len(second)}", endpoint, request("POST", path, headers=JSON_TYPE, body=body)
        )
    duplicate = f'{{"{names[0]}":null,"{names[-1]}":"a","{names[0]}":"x"}}'
    yield case(f"json-duplicate-{endpoint}", "parsing", request("POST", path, headers=JSON_TYPE, body=duplicate))
    for depth in (50, 120, 500):
        body = f'{{"{names[0]}":{"[" * depth}{"]" * depth}}}'
        yield case(f"json-deep-{depth}-{endpoint}", "parsing", request("POST", path, headers=JSON_TYPE, body=body))


def _type_cases(view, endpoint):
    names, path = fields_of(view, endpoint), ENDPOINTS[endpoint]
    body = f'{{"{names[0]}":"\\u00e9x"}}'  # without a password: nothing to hash
    for index, charset in enumerate(CHARSETS):
        headers = {"Content-Type": f"application/json; charset={charset}"}
        yield case(f"charset-{index}-{endpoint}", "parsing", request("POST", path, headers=headers, body=body),
                   request("POST", path, headers=headers, body='{"é'))  # fmt: skip
    for name, value in CONTENT_TYPES.items():
        headers = {"Content-Type": value}
        steps = [request("POST", path, headers=headers, body=body), request("POST", path, headers=headers)]
        yield case(f"ctype-{name}-{endpoint}", "parsing", *steps)
    yield case(f"ctype-missing-{endpoint}", "parsing", request("POST", path, body=body), request("POST", path))


def _form_cases(view, endpoint):
    names, path = fields_of(view, endpoint), ENDPOINTS[endpoint]
    for name, text in FORMS.items():
        body = re.sub(r"(?<![%\w])F(?!\w)", names[0], text)
        body = re.sub(r"(?<![%\w])G(?!\w)", names[-1], body)
        yield case(f"form-{name}-{endpoint}", "parsing", request("POST", path, headers=FORM_TYPE, body=body))
    if endpoint in TOKEN_FIELDS:
        kind = {"refresh": "refresh", "blacklist": "refresh", "verify": "access"}.get(endpoint, "sliding")
        minted = [token(view.claims(kind))]
        yield case(
            f"form-ok-{endpoint}",
            "parsing",
            request("POST", path, headers=FORM_TYPE, body=f"{names[0]}={{{{t}}}}", mint=minted),
        )
        multipart = _multipart((names[0], "", "{{t}}"))
        yield case(
            f"multipart-ok-{endpoint}",
            "parsing",
            request("POST", path, headers=MULTIPART_TYPE, body=multipart, mint=minted),
        )


def _multipart(*parts):
    """A body of (name, further header text, value) parts."""
    texts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in parts
    ]
    return "".join(texts) + f"--{BOUNDARY}--\r\n"


def _multipart_cases(view, endpoint):
    first, last = (fields_of(view, endpoint) * 2)[:2]
    path = ENDPOINTS[endpoint]
    whole = _multipart((first, "", "alice"), (last, "", "x"))
    bodies = {
        "two": whole, "empty": _multipart(), "nothing": "", "file": _multipart((first, '; filename="p.txt"\r\nContent-Type: text/plain', "x")),
        "unicode": _multipart((first, "", "józef-日本"), (last, "", "ключ")), "repeated": _multipart((first, "", "a"), (first, "", "b")), "blank": _multipart((first, "", "  ")),
        "no-end": whole.replace(f"--{BOUNDARY}--\r\n", ""), "lf": whole.replace("\r\n", "\n"), "preamble": "preamble\r\n" + whole, "epilogue": whole + "tail", "no-name": whole.replace("; name=", "; nome="),
        "no-disposition": whole.replace("Content-Disposition", "X-Nothing"), "charset": _multipart((first, "\r\nContent-Type: text/plain; charset=latin-1", "é")),
        "base64": _multipart((first, "\r\nContent-Transfer-Encoding: base64", "YWxpY2U=")), "base64-bad": _multipart((first, "\r\nContent-Transfer-Encoding: base64", "?")),
        "nul": _multipart((first, "", "a\0b")), "empty-filename": _multipart((first, '; filename=""', "x")), "unquoted": whole.replace(f'"{first}"', first), "star-name": whole.replace(f'name="{first}"', f"name*=UTF-8''{first}"),
        "lines": _multipart((first, "", "a\r\nb")), "garbage": "garbage", "wrong-boundary": whole.replace("confBoundary7", "other"), "many": _multipart(*[("x", "", "1")] * 1100),
    }  # fmt: skip
    for name, body in bodies.items():
        yield case(f"multipart-{name}-{endpoint}", "parsing", request("POST", path, headers=MULTIPART_TYPE, body=body))
    types = {"none": "", "blank": "; boundary=", "accented": "; boundary=äö", "quoted": f'; boundary="{BOUNDARY}"', "upper": f"; BOUNDARY={BOUNDARY}",
             "spaces": f"; boundary= {BOUNDARY} ", "long": f"; boundary={'b' * 300}", "other": "; boundary=other", "charset": f"; charset=latin-1; boundary={BOUNDARY}",
             "trailing": f"; boundary={BOUNDARY}; x", "slash": "; boundary=a/b", "last-space": '; boundary="a "', "star": "; boundary*=utf-8''a", "semi": ";"}  # fmt: skip
    for name, parameters in types.items():
        headers = {"Content-Type": f"multipart/form-data{parameters}"}
        yield case(f"boundary-{name}-{endpoint}", "parsing", request("POST", path, headers=headers, body=whole))


def _order_cases():
    paths = {**ENDPOINTS, **VIEWS}
    for label, path in paths.items():
        bad_accept, bad_type, bad_login = (
            {"Accept": "image/png"},
            {"Content-Type": "text/plain"},
            {"Authorization": "Bearer a b"},
        )
        for method in ("POST", "PUT", "GET"):
            steps = [
                request(method, path, headers={**bad_accept, **bad_type, **bad_login}, body="{"),
                request(method, path, headers={**bad_type, **bad_login}, body="{"),
                request(method, path, headers={**bad_type}, body="{"),
                request(method, path, headers={**JSON_TYPE, **bad_login}, body="{"),
                request(method, path, headers={**JSON_TYPE}, body="{"),
                request(method, f"{path}?format=xml", headers={**bad_accept, **bad_type}, body="{"),
            ]
            yield case(f"order-{label}-{method.lower()}", "parsing", *steps)
