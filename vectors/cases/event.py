"""event.json: what may be an event, how it is minified, and the reason of each refusal (docs/spec/event.md).

Every expectation is written by hand beside its input. textbook/event.py must agree with all of them.
"""

import hashlib
import itertools

from textbook import event as textbook
from textbook.files import b64

SAME = object()  # the minified form is the input
MIB = 1 << 20
cases = []


def add(name, data, expect, limit=None, stored=False):
    """`data` is text, bytes, or (prefix, repeat, count, suffix); `expect` is SAME, minified bytes, or a reason."""
    case = {"name": name}
    if isinstance(data, tuple):
        prefix, repeat, count, suffix = (part.encode() if isinstance(part, str) else part for part in data)
        case |= {"prefix_b64": b64(prefix), "repeat_b64": b64(repeat), "count": count, "suffix_b64": b64(suffix)}
        data = prefix + repeat * count + suffix
    else:
        data = data.encode() if isinstance(data, str) else data
        case["input_b64"] = b64(data)
    if limit is not None:
        case["limit"] = limit
    if stored:
        case["stored"] = True
    if isinstance(expect, str):
        case["expect"] = {"refuse": expect}
        wanted = ("refuse", expect)
    else:
        kept = data if expect is SAME else expect
        case["expect"] = (
            {"minified_b64": b64(kept)}
            if len(kept) <= 4096
            else {"minified_len": len(kept), "minified_sha256": hashlib.sha256(kept).hexdigest()}
        )
        wanted = ("minified", kept)
    found = textbook.judge(data, textbook.DEFAULT_LIMIT if limit is None else limit, stored)
    assert found == wanted, (name, found[0], found[1][:80], wanted[0], wanted[1][:80])
    cases.append(case)


def in_value(name, inner, expect):
    """A string value with these bytes between its quotes."""
    inner = inner.encode() if isinstance(inner, str) else inner
    add(name, b'{"a":"' + inner + b'"}', expect)


def number(text, expect):
    add(f"number {text if len(text) < 40 else text[:24] + '… of ' + str(len(text)) + ' bytes'}", '{"a":' + text + "}", expect)


def accepted():
    add("empty object", "{}", SAME)
    add("one member", '{"a":1}', SAME)
    add("empty name", '{"":0}', SAME)
    add("every type", '{"s":"x","n":-1.5e+3,"t":true,"f":false,"z":null,"o":{},"a":[]}', SAME)
    add("nested empties", '{"a":[[],{},[{}]]}', SAME)
    add("members keep their order", '{"b":1,"a":2}', SAME)
    add("equal values are no duplicates", '{"a":1,"b":1,"c":[1,1]}', SAME)
    add("empty string", '{"a":""}', SAME)
    add("structural characters in a string", '{"a":"{}[],:"}', SAME)


def white_space():
    add("spaces between all tokens", ' { "a" : [ 1 , 2 ] , "b" : { } } ', b'{"a":[1,2],"b":{}}')
    add("tab, LF, CR between tokens", '\t{\r\n"a"\t:\n1\r}\n', b'{"a":1}')
    add("LF after the object", '{"a":1}\n', b'{"a":1}')
    add("white space inside strings stays", '{ "a b" : " c  d " }', b'{"a b":" c  d "}')
    add("white space after an escaped quote is inside", r'{"a":"\" x" }', rb'{"a":"\" x"}')
    add("white space after an escaped backslash and the quote is outside", r'{"a":"\\" , "b":1}', rb'{"a":"\\","b":1}')
    add("empty object with space", "{ }", b"{}")
    add("empty array with space", '{"a":[ \n ]}', b'{"a":[]}')
    add("white space around numbers", '{"a":[ -1 , 2.5 ,3e1 ]}', b'{"a":[-1,2.5,3e1]}')
    add("white space around literals", '{"a":[ true , false , null ]}', b'{"a":[true,false,null]}')
    for name, byte in [("vertical tab", b"\v"), ("form feed", b"\f"), ("NUL", b"\0"), ("NBSP", b"\xc2\xa0"),
                       ("U+2028", b"\xe2\x80\xa8"), ("U+0085", b"\xc2\x85"), ("U+FEFF", b"\xef\xbb\xbf"), ("DEL", b"\x7f")]:
        add(f"{name} between tokens", b'{"a":' + byte + b"1}", "unexpected-character")
    add("NBSP after the object", b'{"a":1}\xc2\xa0', "trailing-data")
    add("NBSP before the object", b'\xc2\xa0{"a":1}', "not-an-object")
    add("form feed before the object", b"\x0c{}", "not-an-object")
    add("space inside a number splits it", '{"a":1 2}', "unexpected-character")
    add("space inside a literal", '{"a":tr ue}', "unexpected-character")
    add("space after minus", '{"a":- 1}', "bad-number")


def beginnings():
    add("empty input", "", "unexpected-end")
    add("white space alone", " \t\r\n", "unexpected-end")
    add("array at the top", "[]", "not-an-object")
    add("string at the top", '"a"', "not-an-object")
    add("number at the top", "1", "not-an-object")
    add("null at the top", "null", "not-an-object")
    add("closing brace at the top", "}", "not-an-object")
    add("comma at the top", ",{}", "not-an-object")
    add("BOM", b"\xef\xbb\xbf{}", "bom")
    add("BOM alone", b"\xef\xbb\xbf", "bom")
    add("BOM wins over what follows", b"\xef\xbb\xbf[", "bom")
    add("BOM after white space", b" \xef\xbb\xbf{}", "not-an-object")
    add("half a BOM", b"\xef\xbb{}", "not-an-object")
    add("UTF-16 big-endian", '{"a":1}'.encode("utf-16-be"), "not-an-object")
    add("UTF-16 little-endian", '{"a":1}'.encode("utf-16-le"), "unexpected-character")
    add("UTF-16 little-endian with BOM", b"\xff\xfe" + '{"a":1}'.encode("utf-16-le"), "not-an-object")
    add("UTF-16 big-endian with BOM", b"\xfe\xff" + '{"a":1}'.encode("utf-16-be"), "not-an-object")
    add("UTF-32 little-endian", '{"a":1}'.encode("utf-32-le"), "unexpected-character")
    add("NUL first", b"\0{}", "not-an-object")


def endings():
    for text in ["{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":[', '{"a":[1', '{"a":[1,', '{"a":{', '{"a":{}', '{"a":{"b":1}',
                 '{"', '{"a', '{"a":"', '{"a":"x', '{"a":"\\', '{"a":"\\u', '{"a":"\\u0', '{"a":"\\u004', '{"a":"\\u0041', '{"a":t', '{"a":tru',
                 '{"a":fals', '{"a":nul', '{"a":true', '{ ', '{"a":0']:
        add(f"ends after {text}", text, "unexpected-end")
    add("two objects", "{}{}", "trailing-data")
    add("two objects with a line end", "{}\n{}", "trailing-data")
    add("comma after the object", "{},", "trailing-data")
    add("brace after the object", "{}}", "trailing-data")
    add("NUL after the object", b"{}\0", "trailing-data")
    add("BOM after the object", b"{}\xef\xbb\xbf", "trailing-data")
    add("invalid UTF-8 after the object", b"{}\xff", "trailing-data")
    add("a quote after the object", '{"a":1} "', "trailing-data")


def grammar():
    for text in ["{a:1}", "{'a':1}", "{1:1}", "{null:1}", '{"a" 1}', '{"a"=1}', '{"a":1,}', "{,}", '{,"a":1}', '{"a":1,,"b":2}',
                 '{"a":1 "b":2}', '{"a":1;"b":2}', '{"a"}', '{"a":}', '{:1}', '{"a"::1}', '{"a":[1,]}', '{"a":[,1]}', '{"a":[,]}', '{"a":[1 2]}', '{"a":[1,,2]}',
                 '{"a":[1}', '{"a":1]', '{"a":{]}', '{"a":[}', '{"a":["b":1]}', "{[]:1}", "{{}:1}", "{/**/}", '{"a":1//x\n}', '{"a":#1}', '{"a":\'x\'}',
                 '{"a":undefined}', '{"a":NaN}', '{"a":Infinity}', '{"a":+1}', '{"a":.5}', '{"a":e5}', '{"a":0x10}', '{"a":1f}', '{"a":1_000}', '{"a":1,000}',
                 '{"a":(1)}', '{"a":"x""y"}', '{"a":"x"1}']:
        add(f"grammar {text!r}", text, "unexpected-character")
    for text in ["tru}", "truE}", "True}", "TRUE}", "truex}", "fals}", "False}", "nul}", "nill}", "Null}", "nulll}", "t}", "n1}"]:
        add(f"literal {text[:-1]}", '{"a":' + text, "unexpected-character")
    add("minus infinity", '{"a":-Infinity}', "bad-number")
    add("a stray continuation byte outside strings", b'{"a":\x80}', "unexpected-character")
    add("a letter outside ASCII outside strings", '{"a":é}', "unexpected-character")
    add("backslash outside strings", '{"a":\\u0031}', "unexpected-character")


def strings():
    for byte in (0x00, 0x01, 0x08, 0x09, 0x0A, 0x0D, 0x1F):
        in_value(f"control byte {byte:02x} in a value", bytes([byte]), "control-character")
    add("control byte in a name", b'{"a\tb":1}', "control-character")
    in_value("DEL is legal", b"\x7f", SAME)
    in_value("U+0080 is legal", "\u0080", SAME)
    in_value("U+2028 and U+2029 raw are legal", "\u2028\u2029", SAME)
    in_value("U+202E is legal", "a\u202eb", SAME)
    in_value("U+FEFF inside a string is legal", "\ufeff", SAME)
    in_value("NBSP inside a string is legal", "\u00a0", SAME)
    in_value("noncharacters are legal", "\uffff\ufffe\U0010fffe", SAME)
    in_value("U+FFFD is legal", "\ufffd", SAME)
    in_value("two-byte border U+07FF, three-byte border U+0800", "\u07ff\u0800", SAME)
    in_value("U+D7FF and U+E000 are legal", "\ud7ff\ue000", SAME)
    in_value("U+FFFF, U+10000 and U+10FFFF", "\uffff\U00010000\U0010ffff", SAME)
    for name, data in [("overlong c0 80", b"\xc0\x80"), ("overlong slash c0 af", b"\xc0\xaf"), ("overlong c1 bf", b"\xc1\xbf"),
                       ("overlong e0 80 80", b"\xe0\x80\x80"), ("overlong e0 9f bf", b"\xe0\x9f\xbf"),
                       ("overlong f0 80 80 80", b"\xf0\x80\x80\x80"), ("overlong f0 8f bf bf", b"\xf0\x8f\xbf\xbf"),
                       ("encoded surrogate ed a0 80", b"\xed\xa0\x80"), ("encoded surrogate ed bf bf", b"\xed\xbf\xbf"),
                       ("encoded surrogate pair", b"\xed\xa0\xbd\xed\xb8\x80"), ("above U+10FFFF f4 90 80 80", b"\xf4\x90\x80\x80"),
                       ("f5 80 80 80", b"\xf5\x80\x80\x80"), ("f8 lead", b"\xf8\x88\x80\x80\x80"), ("fe", b"\xfe"), ("ff", b"\xff"),
                       ("stray 80", b"\x80"), ("stray bf", b"a\xbfb"), ("truncated c3 before the quote", b"\xc3"),
                       ("truncated e2 82 before the quote", b"\xe2\x82"), ("truncated f0 9f 98 before the quote", b"\xf0\x9f\x98"),
                       ("truncated e2 82 before a letter", b"\xe2\x82x"), ("latin-1", b"caf\xe9 au lait")]:
        in_value(f"UTF-8 {name}", data, "invalid-utf8")
    add("UTF-8 truncated at the end of the input", b'{"a":"\xe2\x82', "invalid-utf8")
    add("UTF-8 lead at the end of the input", b'{"a":"\xc3', "invalid-utf8")
    add("UTF-8 invalid in a name", b'{"\xff":1}', "invalid-utf8")


def escapes():
    in_value("every short escape", r"\"\\\/\b\f\n\r\t", SAME)
    in_value("u escapes in both cases", r"\u00e9\u00E9\uAbCd", SAME)
    in_value("escaped NUL in a value is legal", r"\u0000", SAME)
    in_value("escaped control character is legal", r"\u001f\u0009", SAME)
    in_value("escaped U+FEFF and U+FFFF are legal", r"\ufeff\uffff", SAME)
    in_value("an escape is not rewritten", r"\u0061\/", SAME)
    for inner in [r"\a", r"\x41", r"\'", r"\0", r"\U0041", r"\ ", r"\N", r"\u12G4", r"\u 123", r"\u+123", r"\u-123", r"\u{41}", r"\u12", r"\u", r"\v", "\\é"]:
        in_value(f"bad escape {inner}", inner, "bad-escape")
    add("bad escape in a name", r'{"\a":1}', "bad-escape")
    in_value("pair", r"\ud83d\ude00", SAME)
    in_value("pair in mixed case", r"\uD83d\uDe00", SAME)
    in_value("first and last pair", r"\ud800\udc00\udbff\udfff", SAME)
    in_value("escapes beside the surrogates", r"\ud7ff\ue000", SAME)
    for name, inner in [("high alone", r"\ud800"), ("high before a letter", r"\ud800a"), ("high before a short escape", r"\ud800\n"),
                        ("high before another high", r"\ud800\ud800"), ("high before a high and a low", r"\ud800\ud800\udc00"), ("high before an escaped letter", r"\ud800\u0041"),
                        ("high before an unfinished escape", r"\ud800\udc0"), ("high before a bad hex digit", r"\ud800\uzzzz"),
                        ("high before a bad escape", r"\ud800\x"), ("high before U", r"\ud800\UDC00"), ("low alone", r"\udc00"), ("last low alone", r"\udfff"),
                        ("last high alone", r"\udbff"), ("reversed", r"\ude00\ud83d"), ("low after a pair", r"\ud83d\ude00\ude00"), ("low before another low", r"\udc00\udc00"),
                        ("high before e000", r"\ud800\ue000")]:
        in_value(f"surrogate {name}", inner, "lone-surrogate")
    in_value("surrogate high before a control byte", b"\\ud800\x01", "lone-surrogate")
    in_value("surrogate high before invalid UTF-8", b"\\ud800\xff", "lone-surrogate")
    add("surrogate high at the end of the input", r'{"a":"\ud800', "lone-surrogate")
    add("surrogate high and backslash at the end of the input", '{"a":"\\ud800\\', "lone-surrogate")
    add("surrogate high and half a low at the end of the input", r'{"a":"\ud800\udc0', "lone-surrogate")
    add("surrogate alone in a name", r'{"\ud800":1}', "lone-surrogate")


def names():
    add("NUL in a name", r'{"\u0000":1}', "nul-in-name")
    add("NUL inside a name", r'{"a\u0000b":1}', "nul-in-name")
    add("NUL in a nested name", r'{"a":[{"b":{"\u0000":1}}]}', "nul-in-name")
    add("NUL in a name comes before what follows in it", r'{"\u0000\ud800":1}', "nul-in-name")
    add("backslash u0000 spelled out is no NUL", r'{"\\u0000":1}', SAME)
    add("duplicate", '{"a":1,"a":2}', "duplicate-name")
    add("duplicate, same value", '{"a":1,"a":1}', "duplicate-name")
    add("duplicate by escape", r'{"a":1,"\u0061":2}', "duplicate-name")
    add("duplicate by escape, reversed", r'{"\u0061":1,"a":2}', "duplicate-name")
    add("duplicate by hex case", r'{"\u00e9":1,"\u00E9":2}', "duplicate-name")
    add("duplicate by escape beyond ASCII", '{"é":1,"\\u00e9":2}', "duplicate-name")
    add("duplicate by surrogate pair", '{"😀":1,"\\ud83d\\ude00":2}', "duplicate-name")
    add("duplicate by escaped slash", r'{"a/b":1,"a\/b":2}', "duplicate-name")
    add("duplicate by escaped quote", r'{"\"":1,"\u0022":2}', "duplicate-name")
    add("duplicate by escaped line feed", r'{"\n":1,"\u000a":2}', "duplicate-name")
    add("duplicate by escaped backslash", r'{"\\":1,"\u005c":2}', "duplicate-name")
    add("duplicate empty names", '{"":1,"":2}', "duplicate-name")
    add("duplicate, not neighbours", '{"a":1,"b":2,"c":3,"a":4}', "duplicate-name")
    add("duplicate in a nested object", '{"a":{"b":1,"b":2}}', "duplicate-name")
    add("duplicate in an object in an array", '{"a":[1,{"b":1,"b":2}]}', "duplicate-name")
    add("duplicate at depth 64", '{"a":' * 63 + '{"b":1,"b":2}' + "}" * 63, "duplicate-name")
    add("duplicate behind a nested object", '{"a":{"b":1},"a":2}', "duplicate-name")
    add("same name at two depths", '{"a":{"a":{"a":1}}}', SAME)
    add("same name in two objects of an array", '{"a":[{"b":1},{"b":2}]}', SAME)
    add("names of different case", '{"a":1,"A":2}', SAME)
    add("one name the beginning of another", '{"a":1,"ab":2,"":3}', SAME)
    add("names equal only after normalisation", '{"\u00e9":1,"e\u0301":2}', SAME)
    add("escaped backslash is no escape", r'{"\\u0061":1,"a":2}', SAME)
    add("__proto__ and constructor are names", '{"__proto__":1,"constructor":2}', SAME)
    add("names with spaces differ", '{"a":1,"a ":2," a":3}', SAME)


def order():
    add("duplicate is found only at the brace: end", '{"a":1,"a":2', "unexpected-end")
    add("duplicate is found only at the brace: comma", '{"a":1,"a":2,}', "unexpected-character")
    add("duplicate is found only at the brace: number", '{"a":1,"a":01}', "bad-number")
    add("an inner duplicate comes first", '{"a":{"b":1,"b":2},"c":01}', "duplicate-name")
    add("a bad number before an inner duplicate", '{"c":01,"a":{"b":1,"b":2}}', "bad-number")
    add("duplicate before trailing data", '{"a":1,"a":2}x', "duplicate-name")
    add("control character before invalid UTF-8", b'{"a":"\x01\xff"}', "control-character")
    add("invalid UTF-8 before a control character", b'{"a":"\xff\x01"}', "invalid-utf8")
    add("bad escape before a control character", b'{"a":"\\q\x01"}', "bad-escape")
    add("range before the end", '{"a":1e309', "number-out-of-range")
    add("grammar of a number before the end", '{"a":1.', "bad-number")
    add("minus at the end", '{"a":-', "bad-number")


def numbers():
    for text in ["0", "-0", "-0.0", "-0e0", "0e0", "0E+0", "0.0", "1", "-1", "10", "1.5", "1.50", "100e-2", "1E5", "1e+5", "1e-5", "1e05", "1e-0", "0.1e1",
                 "9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "18446744073709551616", "0.1000000000000000055511151231257827",
                 "1e308", "-1e308", "1e-308", "5e-324", "1e-324", "1e-400", "0e999999", "0e99999999999999999999", "-0.000e400", "1e-99999999999999999999",
                 "1.7976931348623157e308", "1.7976931348623158e308", "-1.7976931348623158e308", "0.00017976931348623158e312", "17976931348623158e292",
                 "10000e304", "0.0001e312"]:
        number(text, SAME)
    for text in ["00", "01", "-00", "-01", "-", "--1", "1.", "1.e5", "-.5", "1e", "1e+", "1e-", "1E", "1e5.0", "1e5e5", "1.2.3", "1-2", "1+1", "1e+-5", "0-", "-e5", "0.e1", "1..2", "00.5", "-0-0"]:
        number(text, "bad-number")
    for text in ["1e309", "-1e309", "1E309", "1.7976931348623159e308", "-1.7976931348623159e308", "1e400", "10000e305", "0.0001e313", "1e99999999999999999999", "179769313486231590e291", "2e308"]:
        number(text, "number-out-of-range")
    # 2^1024 − 2^970 has 309 digits; cut to 120 it lies just below the border, one more in the last place just above.
    border = str(2**1024 - 2**970)
    number(f"{border[0]}.{border[1:120]}e308", SAME)
    number(f"{border[0]}.{int(border[1:120]) + 1}e308", "number-out-of-range")
    number("1" * 128, SAME)
    number("1" * 129, "number-too-long")
    number("-" + "1" * 127, SAME)
    number("-" + "1" * 128, "number-too-long")
    number("0." + "0" * 125 + "1", SAME)
    number("0." + "0" * 126 + "1", "number-too-long")
    number("1e" + "0" * 125 + "1", SAME)
    number("1e" + "0" * 126 + "1", "number-too-long")
    number("0" * 129, "bad-number")
    number("1" * 128 + ".", "bad-number")
    number("1" * 125 + "e9999", "number-too-long")
    number("1" * 124 + "e999", "number-out-of-range")
    add("number of 128 bytes followed by space", '{"a":' + "1" * 128 + " }", ('{"a":' + "1" * 128 + "}").encode())


def depth():
    add("depth 64, objects", '{"a":' * 63 + "{}" + "}" * 63, SAME)
    add("depth 65, objects", '{"a":' * 64 + "{}" + "}" * 64, "too-deep")
    add("depth 64, arrays", '{"a":' + "[" * 63 + "]" * 63 + "}", SAME)
    add("depth 65, arrays", '{"a":' + "[" * 64 + "]" * 64 + "}", "too-deep")
    add("depth 64, mixed", '{"a":[' * 31 + '{"a":[]}' + "]}" * 31, SAME)
    add("depth 65, mixed, array last", '{"a":' + '[{"a":' * 31 + "[[]]" + "}]" * 31 + "}", "too-deep")
    add("depth 65, mixed, object last", '{"a":[' * 32 + "{}" + "]}" * 32, "too-deep")
    add("depth 64 with a value inside", '{"a":' + "[" * 63 + "1" + "]" * 63 + "}", SAME)
    add("depth 64 twice, side by side", '{"a":' + "[" * 63 + "]" * 63 + ',"b":' + "[" * 63 + "]" * 63 + "}", SAME)
    add("depth 64, then 65 beside it", '{"a":' + "[" * 63 + "]" * 63 + ',"b":' + "[" * 64 + "]" * 64 + "}", "too-deep")
    add("too deep at the opening byte, not at the end", '{"a":' + "[" * 64, "too-deep")
    add("depth 64 and the end", '{"a":' + "[" * 63, "unexpected-end")
    add("100,000 opening brackets", ('{"a":', "[", 100_000, ""), "too-deep")
    add("brackets in a string have no depth", '{"a":"' + "[{" * 65 + '"}', SAME)


def members():
    many = ["".join(letters) for letters in itertools.product("0123456789abcdefghijklmnopqrstuvwxyz", repeat=3)][:10_000]
    add("10,000 members", "{" + ",".join(f'"{name}":0' for name in many) + "}", SAME)
    add("10,000 members, the last a duplicate", "{" + ",".join(f'"{name}":0' for name in many[:9_999]) + ',"000":0}', "duplicate-name")
    add("10,000 members of one name", ("{", '"a":0,', 9_999, '"a":0}'), "duplicate-name")
    add("10,001 members", ("{", '"a":0,', 10_000, '"a":0}'), "too-many-members")
    add("10,001 members, and then the end", ("{", '"a":0,', 10_000, '"a"'), "too-many-members")
    add("10,000 members and a comma", ("{", '"a":0,', 10_000, "}"), "unexpected-character")
    add("10,001 members in a nested object", ('{"o":[{', '"a":0,', 10_000, '"a":0}]}'), "too-many-members")
    add("10,001 values in an array", ('{"a":[', "0,", 10_000, "0]}"), SAME)
    add("10,001 objects of one member", ('{"a":[', '{"b":0},', 10_000, "{}]}"), SAME)


def size():
    fill = MIB - len('{"a":""}')
    add("1 MiB", ('{"a":"', "x", fill, '"}'), SAME)
    add("1 MiB and one byte", ('{"a":"', "x", fill + 1, '"}'), "too-large")
    add("1 MiB after white space is removed", (' { "a" : "', "x", fill, '" } \n'), b'{"a":"' + b"x" * fill + b'"}')
    add("2 MiB of white space", ("{", " ", 2 * MIB, "}"), b"{}")
    add("2 MiB with a limit of 2 MiB", ('{"a":"', "x", 2 * MIB - 8, '"}'), SAME, limit=2 * MIB)
    add("16 MiB with a limit of 16 MiB", ('{"a":"', "x", 16 * MIB - 8, '"}'), SAME, limit=16 * MIB)
    add("16 MiB and one byte", ('{"a":"', "x", 16 * MIB - 7, '"}'), "too-large", limit=16 * MIB)
    add("limit met", '{"a":1}', SAME, limit=7)
    add("limit met, with white space", ' {"a" : 1 } ', b'{"a":1}', limit=7)
    add("limit passed by the closing brace", '{"a":1}', "too-large", limit=6)
    add("limit passed inside a string", '{"a":"xyz"}', "too-large", limit=8)
    add("limit passed inside a name", '{"abcdef":1}', "too-large", limit=5)
    add("limit counts bytes, not characters", '{"a":"éé"}', "too-large", limit=10)
    add("limit met in bytes", '{"a":"éé"}', SAME, limit=12)
    add("escapes count as written", r'{"a":"\u0061"}', "too-large", limit=9)
    add("too large comes before a later fault", '{"a":"xyz",}', "too-large", limit=8)
    add("a fault comes before too large", '{"a":x"yzxyzxyz"}', "unexpected-character", limit=12)
    add("a byte that is not kept is not counted", '{"a":x', "unexpected-character", limit=5)
    add("trailing data is not kept", '{"a":1}x', "trailing-data", limit=7)
    add("limit and the end", '{"a":1', "unexpected-end", limit=6)


def stored():
    add("stored, minified", '{"a":[1,{"b":" x "}]}', SAME, stored=True)
    add("stored, empty", "{}", SAME, stored=True)
    for text in [' {"a":1}', '{"a":1}\n', '{ "a":1}', '{"a" :1}', '{"a": 1}', '{"a":1 }', '{"a":[1, 2]}', "{ }", '{"a":[\t]}', '{"a":{\r}}']:
        add(f"stored, white space in {text!r}", text, "not-minified", stored=True)
    add("stored, white space before a fault", '{ "a":x}', "not-minified", stored=True)
    add("stored, a fault before white space", '{"a":x }', "unexpected-character", stored=True)
    add("stored, white space alone", " ", "not-minified", stored=True)
    add("stored, trailing data", "{}x", "trailing-data", stored=True)
    add("stored, duplicate", '{"a":1,"a":2}', "duplicate-name", stored=True)
    add("stored, too large", '{"a":1}', "too-large", limit=6, stored=True)


def document():
    cases.clear()
    for group in (accepted, white_space, beginnings, endings, grammar, strings, escapes, names, order, numbers, depth, members, size, stored):
        group()
    return {"file": "event", "spec": "docs/spec/event.md", "cases": list(cases)}
