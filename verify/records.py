"""What a record is: one line of canonical JSON (RFC 8785) without fractions, with a few fields that all have. A part of verify.py.

Most of the time of verify.py is spent here, so what is true of every line in order is asked first, of the line as a whole.
"""
import json, re  # noqa: E401
from signatures import expect

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HASH = re.compile("[0-9a-f]{64}")
# What the gateway replaces before it writes: controls, ends of lines, what turns the direction of writing or hides text.
TREACHEROUS = re.compile("[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
                         "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")
DEEPEST = 8
ALL_BUT_BRACKETS = bytes({*range(256)} - {*b"[]{}"})
WORDS = bytes({*range(256)} - {*b'[]{}:,"\\-0123456789'})
DIGITS = bytes.maketrans(b"123456789", b"000000000")
ESCAPE, NUMBER = b"\\", re.compile(b"[:,[](?:-|0{16})").search

def no_fraction(text):
    raise ValueError("a number that no record holds")

# Sorted and written without blanks: what was read is written as it stood only if no key is out of order or there twice.
READ = json.JSONDecoder(parse_float=no_fraction, parse_constant=no_fraction).decode
WRITE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False).encode

def is_plain(value, depth=0):
    """Whether a value is one that records hold: whole numbers below 2^53, no null, no controls or odd keys, nested eight deep."""
    if isinstance(value, dict):
        odd = any(re.search(r'^$|["\\\x00-\x1f]', key) for key in value)
        return depth < DEEPEST and not odd and all(is_plain(inner, depth + 1) for inner in value.values())
    if isinstance(value, list):
        return depth < DEEPEST and all(is_plain(inner, depth + 1) for inner in value)
    if isinstance(value, str):
        return not re.search(r"[\x00-\x1f]", value)
    return isinstance(value, bool) or (isinstance(value, int) and 0 <= value < 2**53)

def is_simple(line):
    """Whether a line cannot but be plain, told without looking at its values one by one: true of all but few."""
    frame = line.translate(DIGITS, WORDS)
    brackets = frame.translate(None, ALL_BUT_BRACKETS)
    for _ in range(DEEPEST // 2):  # Each turn takes away two levels at most.
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if not brackets:
            break
    return not (brackets or ESCAPE in frame or NUMBER(frame) or b"null" in line or b'"":' in line)

def read_line(line):
    """A dictionary of what records hold, if the line is one, in canonical form."""
    try:
        text = line.decode()
        read = READ(text)
        canonical = type(read) is dict and WRITE(read) == text and (is_simple(line) or is_plain(read))
    except RecursionError:
        raise ValueError("nested too deep") from None
    expect(canonical, "not canonical JSON of a record")
    return read

def read_record(line):
    """A record as a dictionary, if the line is one."""
    record = read_line(line)
    get = record.get
    numbers = {type(get("v")), type(get("seq")), type(get("t")), type(get("mono")), type(get("boot"))}
    texts = {type(get("kind")), type(get("id")), type(get("prev")), type(get("ref", ""))}
    expect(numbers == {int} and texts == {str}, "without a number or a text that every record has")
    fits = UUID.fullmatch(record["id"]) and UUID.fullmatch(get("ref", record["id"])) and HASH.fullmatch(record["prev"])
    expect(fits and not re.search(r'["\\]', record["kind"]), "a malformed id, hash or kind")
    expect(record["v"] == 1, "of another version")
    return record

class Story:
    """Reads what a ledger's story needs of its records, one after another.

    Of the records of calls that is what all records have, and most calls are alike: a line that a pattern fits, made from a line
    that was read whole, has the same keys, and numbers and plain texts where that one had them. So it is canonical too.
    """

    CALLS = {"intent", "outcome", "refuse", "beat"}
    BUT_FRAME = bytes({*range(256)} - {*b'"[]{}'})
    MOST = 64
    # Below 2^53, and nothing that would have to be escaped.
    NUMBER, TEXT = "(?:0|[1-9][0-9]{0,14})", r'"[^"\\\x00-\x1f]*"'
    NUMBERS = ("boot", "mono", "seq", "t")
    FIELDS = {"id": UUID.pattern, "prev": HASH.pattern, "ref": UUID.pattern}

    def __init__(self):
        self.patterns, self.count = {}, 0

    def read(self, line):
        """The record, or what all records have of it."""
        for kind, pattern in self.patterns.get(line.translate(None, self.BUT_FRAME), ()):
            if found := pattern.fullmatch(line.decode()):
                record = found.groupdict()
                record["kind"] = kind
                for name in self.NUMBERS:
                    record[name] = int(record[name])
                return record
        record = read_record(line)
        if self.count < self.MOST and record["kind"] in self.CALLS and "seal" not in record:
            self.learn(line, record)
        return record

    def learn(self, line, record):
        """Makes the pattern of a line that was read."""
        pattern = re.compile(self.pattern(record))
        self.patterns.setdefault(line.translate(None, self.BUT_FRAME), []).append((record["kind"], pattern))
        self.count += 1

    def pattern(self, value, top=True):
        if isinstance(value, dict):
            pairs = (f"{re.escape(WRITE(key))}:{self.field(key, value[key], top)}" for key in sorted(value))
            return r"\{" + ",".join(pairs) + r"\}"
        if isinstance(value, list):
            return r"\[" + ",".join(self.pattern(inner, False) for inner in value) + r"\]"
        if isinstance(value, bool):
            return WRITE(value)
        return self.TEXT if isinstance(value, str) else self.NUMBER

    def field(self, key, value, top):
        """The pattern of a value under a key: of a record's own keys, some are told apart."""
        if top and key in self.NUMBERS:
            return f"(?P<{key}>{self.NUMBER})"
        if top and key in self.FIELDS:
            return f'"(?P<{key}>{self.FIELDS[key]})"'
        return re.escape(WRITE(value)) if top and key in ("kind", "v") else self.pattern(value, False)

def read_whole(line):
    """The same of a record that stands by itself, and has every character looked at."""
    record = read_record(line)
    expect(not TREACHEROUS.search(line.decode()), "the record holds a character that no record holds")
    return record
