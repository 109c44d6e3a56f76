#!/usr/bin/env python3
"""Asks the system's libpcre2 (byte mode) about random patterns and subjects and prints the answers as JSON.

    python3 make-corpus.py --count 900 --seed 1 > ../fixtures/pcre/corpus.json
    python3 make-corpus.py --probe            # prints the library's version, exit code 1 when there is none

Output: {"version": ..., "cases": [[pattern, caseless, [[subject, from, answer], ...]], ...]}. An answer is the list of
capture offsets (-1 for unset), 0 for no match, or "limit" where libpcre2 gave up; a case whose third member is a number
does not compile, the number being the error's offset. Strings are latin1: one character is one byte.
"""
import argparse
import ctypes
import ctypes.util
import json
import random
import sys

UNSET = ctypes.c_size_t(-1).value
CASELESS = 0x00000008
NEVER_UTF = 0x00001000


def load():
    for name in ("libpcre2-8.so.0", "libpcre2-8.0.dylib", ctypes.util.find_library("pcre2-8")):
        if name is None:
            continue
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        library.pcre2_compile_8.restype = pointer
        library.pcre2_compile_8.argtypes = [
            ctypes.c_char_p, size, ctypes.c_uint32, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(size), pointer]
        library.pcre2_match_data_create_from_pattern_8.restype = pointer
        library.pcre2_match_data_create_from_pattern_8.argtypes = [pointer, pointer]
        library.pcre2_match_context_create_8.restype = pointer
        library.pcre2_match_context_create_8.argtypes = [pointer]
        library.pcre2_set_match_limit_8.argtypes = [pointer, ctypes.c_uint32]
        library.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(size)
        library.pcre2_get_ovector_pointer_8.argtypes = [pointer]
        library.pcre2_get_ovector_count_8.argtypes = [pointer]
        library.pcre2_match_8.argtypes = [
            pointer, ctypes.c_char_p, size, size, ctypes.c_uint32, pointer, pointer]
        library.pcre2_code_free_8.argtypes = [pointer]
        library.pcre2_match_data_free_8.argtypes = [pointer]
        return library
    return None


def version(library):
    text = ctypes.create_string_buffer(64)
    library.pcre2_config_8(11, text)
    return text.value.decode()


class Oracle:
    def __init__(self, library):
        self.library = library
        self.context = library.pcre2_match_context_create_8(None)
        library.pcre2_set_match_limit_8(self.context, 20000)

    def compile(self, pattern, caseless):
        text = pattern.encode("latin1")
        code, offset = ctypes.c_int(), ctypes.c_size_t()
        options = NEVER_UTF | (CASELESS if caseless else 0)
        compiled = self.library.pcre2_compile_8(
            text, len(text), options, ctypes.byref(code), ctypes.byref(offset), None)
        return compiled, offset.value

    def match(self, compiled, subject, start):
        library = self.library
        text = subject.encode("latin1")
        data = library.pcre2_match_data_create_from_pattern_8(compiled, None)
        result = library.pcre2_match_8(compiled, text, len(text), start, 0, data, self.context)
        if result == -1:
            answer = 0
        elif result < 0:
            answer = "limit"
        else:
            vector = library.pcre2_get_ovector_pointer_8(data)
            count = 2 * library.pcre2_get_ovector_count_8(data)
            answer = [-1 if vector[at] == UNSET else vector[at] for at in range(count)]
        library.pcre2_match_data_free_8(data)
        return answer

    def free(self, compiled):
        self.library.pcre2_code_free_8(compiled)


ATOMS = ["a", "b", "c", "A", "ab", "ba", "bc", ".", "x", "1", " ", "-", "\\n", "\\.", "/", "=", ";"]
TYPES = ["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\h", "\\H", "\\v", "\\V", "\\N", "\\R"]
ESCAPES = ["\\x41", "\\x{62}", "\\061", "\\o{142}", "\\cA", "\\t", "\\Qa.b\\E", "\\Qa\\E", "\\e", "\\0", "\\xe9"]
ASSERTIONS = ["^", "$", "\\b", "\\B", "\\A", "\\Z", "\\z", "\\G"]
CLASS_PARTS = ["a", "b", "c", "a-c", "A-Z", "0-9", "\\d", "\\w", "\\s", "\\W", "\\D", "[:alpha:]", "[:^digit:]",
               "[:upper:]", "[:punct:]", "[:space:]", "-", ".", "/", "\\n", "\\x80-\\xff", "\\]", "^", "\\b",
               "[:^lower:]", "\\h", "\\V", "[:xdigit:]", "\\Qb-\\E", "x-z"]
QUANTIFIERS = ["*", "+", "?", "*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}", "{1,}", "{0}", "{1}", "{,2}", "{0,1}", "{3,4}"]
FLAGS = ["i", "s", "m", "x", "U", "n", "J", "-i", "i-s", "^", "^i", "xx", "-x", "im"]
VERBS = ["(*F)", "(*FAIL)", "(*ACCEPT)", "(*COMMIT)", "(*PRUNE)", "(*SKIP)", "(*THEN)", "(*MARK:m)", "(*:n)", "(*SKIP:m)",
         "(*SKIP:n)", "(*PRUNE:m)", "(*THEN:m)", "(*COMMIT:m)", "(*ACCEPT:m)"]
NAMES = ["n", "m", "R1", "name"]


class Generator:
    """Random patterns. `theme` makes some features likely in one pattern, so that they meet."""

    def __init__(self, rng):
        self.rng = rng

    def pattern(self):
        rng = self.rng
        self.theme = rng.choice(["plain", "plain", "groups", "groups", "look", "calls", "calls", "verbs", "verbs",
                                 "conditions", "references", "classes", "loops", "loops", "mixed", "wild"])
        self.groups = 0
        if self.theme == "wild":
            return self.wild()
        prefix = ""
        if rng.random() < 0.06:
            prefix = rng.choice(["(*LF)", "(*CR)", "(*CRLF)", "(*ANYCRLF)", "(*ANY)", "(*NUL)", "(*BSR_ANYCRLF)",
                                 "(*NOTEMPTY)", "(*NOTEMPTY_ATSTART)", "(*NO_START_OPT)", "(*NO_AUTO_POSSESS)"])
        return prefix + self.alternation(rng.choice([1, 2, 2, 3]))

    def wild(self):
        pieces = ATOMS + QUANTIFIERS + ["(", ")", "[", "]", "|", "(?", "(?:", "(?<", "(*", "\\", "{", "}", "^", "-", "?", "\\1",
                                        "(?1)", "(?R)", "[^", "[:", ":]", "(?#", "\\Q", "\\E", "\\g{", "(?<n>", "\\k<n>", "(?i)", "(?(",
                                        "(?=", "(?<=", "(?>", "(?|", "\\g1", "\\10", "\\c", "\\x{", ",", "<", ">", "'", ":", "#", "!"]
        return "".join(self.rng.choice(pieces) for _ in range(self.rng.randint(1, 9)))

    def alternation(self, depth):
        count = self.rng.choice([1, 1, 1, 2, 2, 3]) if depth > 0 else 1
        return "|".join(self.sequence(depth) for _ in range(count))

    def sequence(self, depth):
        return "".join(self.item(depth) for _ in range(self.rng.choice([0, 1, 1, 2, 2, 3])))

    def item(self, depth):
        text, quantifiable = self.atom(depth)
        chance = 0.6 if self.theme == "loops" else 0.35
        if quantifiable and self.rng.random() < chance:
            text += self.rng.choice(QUANTIFIERS) + self.rng.choice(["", "", "", "?", "+"])
        return text

    def atom(self, depth):
        rng, theme = self.rng, self.theme
        if theme == "verbs" and rng.random() < 0.25:
            return rng.choice(VERBS), False
        if theme == "calls" and rng.random() < 0.22:
            return self.call(), True
        if theme == "references" and rng.random() < 0.25:
            return self.reference(), True
        if theme == "classes" and rng.random() < 0.5:
            return self.char_class(), True
        roll = rng.random()
        if depth > 0 and roll < 0.38:
            return self.group(depth)
        if roll < 0.72:
            return rng.choice(ATOMS[:8] if rng.random() < 0.8 else ATOMS), True
        if roll < 0.78:
            return self.char_class(), True
        if roll < 0.84:
            return rng.choice(TYPES), True
        if roll < 0.87:
            return rng.choice(ESCAPES), True
        if roll < 0.93:
            return rng.choice(ASSERTIONS), False
        if roll < 0.95:
            return self.reference(), True
        if roll < 0.96:
            return self.call(), True
        if roll < 0.97:
            return "(?%s)" % rng.choice(FLAGS), False
        if roll < 0.98:
            return "\\K", False
        if roll < 0.99:
            return rng.choice(["(?#c)", " ", "#", "\\E", "\\Q\\E"]), False
        return rng.choice(VERBS), False

    def char_class(self):
        rng = self.rng
        parts = "".join(rng.choice(CLASS_PARTS) for _ in range(rng.choice([1, 1, 2, 2, 3])))
        return "[%s%s]" % (rng.choice(["", "", "^"]), parts)

    def reference(self):
        rng = self.rng
        number = rng.randint(1, max(1, self.groups + 1))
        return rng.choice(["\\%d", "\\%d", "\\%d", "\\g{%d}", "\\g%d", "\\g{-%d}", "\\k<n>", "(?P=n)", "\\k{m}"]
                          ).replace("%d", str(number))

    def call(self):
        rng = self.rng
        number = rng.randint(1, max(1, self.groups + 1))
        return rng.choice(["(?%d)", "(?%d)", "(?%d)", "(?R)", "(?-%d)", "(?+1)", "(?&n)", "(?P>n)", "\\g<%d>", "(?0)"]
                          ).replace("%d", str(number))

    def condition(self):
        rng = self.rng
        number = rng.randint(1, max(1, self.groups + 1))
        return rng.choice(["(%d)", "(%d)", "(%d)", "(-1)", "(+1)", "(R)", "(R%d)", "(R&n)", "(<n>)", "('m')", "(n)",
                           "(?=a)", "(?!a)", "(?<=a)", "(?<!b)", "(?=(a))", "(?!(b))", "(*pla:b)", "(VERSION>=10.0)"]
                          ).replace("%d", str(number))

    def group(self, depth):
        rng, theme = self.rng, self.theme
        kinds = ["(", "(", "(", "(?:", "(?:"]
        if theme in ("groups", "mixed", "calls", "verbs", "loops"):
            kinds += ["(?>", "(?>", "(?|", "(?<n>", "(?'m'", "(?P<name>", "(?i:", "(?s-i:", "(*atomic:"]
        if theme in ("look", "mixed", "verbs", "conditions", "references"):
            kinds += ["(?=", "(?!", "(?<=", "(?<!", "(?=", "(?*", "(?<*", "(*nla:", "(?>"]
        if theme in ("conditions", "mixed", "calls"):
            kinds += ["(?(", "(?(", "(?(DEFINE)"]
        kind = rng.choice(kinds)
        if kind in ("(", "(?<n>", "(?'m'", "(?P<name>"):
            self.groups += 1
        if kind == "(?(":
            branches = self.sequence(depth - 1)
            if rng.random() < 0.7:
                branches += "|" + self.sequence(depth - 1)
            return "(?" + self.condition() + branches + ")", True
        if kind in ("(?<=", "(?<!", "(?<*") and rng.random() < 0.8:
            fixed = "|".join("".join(rng.choice(["a", "b", ".", "\\w", "^", "(a)", "(?:ab|ba)", "[ab]", "c", "a{2}"])
                                     for _ in range(rng.randint(1, 3))) for _ in range(rng.randint(1, 2)))
            return kind + fixed + ")", True
        return kind + self.alternation(depth - 1) + ")", True

    def subject(self):
        rng = self.rng
        letters = rng.choice(["ab", "abc", "abc", "abcA1", "abc\n", "ab\r\n", "aB /=;.x-1\n", "ab\xe9\x85\0"])
        return "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 6, 8, 12])))


def make_case(oracle, generator, rng):
    pattern = generator.pattern()
    caseless = rng.random() < 0.1
    compiled, offset = oracle.compile(pattern, caseless)
    if not compiled:
        return [pattern, int(caseless), offset]
    answers = []
    subjects = [generator.subject() for _ in range(rng.choice([4, 6, 8]))]
    for subject in dict.fromkeys(subjects):
        start = 0 if rng.random() < 0.85 else rng.randint(0, len(subject))
        answers.append([subject, start, oracle.match(compiled, subject, start)])
    oracle.free(compiled)
    return [pattern, int(caseless), answers]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=900, help="patterns to make")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--probe", action="store_true")
    parser.add_argument("--ask", action="store_true", help="read [pattern, caseless, [[subject, from], ...]] from stdin")
    options = parser.parse_args()
    library = load()
    if library is None:
        sys.exit("libpcre2-8 was not found")
    if options.probe:
        print(version(library))
        return
    oracle = Oracle(library)
    if options.ask:
        cases = []
        for pattern, caseless, subjects in json.load(sys.stdin):
            compiled, offset = oracle.compile(pattern, caseless)
            if compiled:
                cases.append([pattern, caseless, [[s, f, oracle.match(compiled, s, f)] for s, f in subjects]])
                oracle.free(compiled)
            else:
                cases.append([pattern, caseless, offset])
    else:
        rng = random.Random(options.seed)
        generator = Generator(rng)
        cases = [make_case(oracle, generator, rng) for _ in range(options.count)]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    print('{"version":%s,"cases":[\n%s\n]}' % (json.dumps(version(library)), lines))


if __name__ == "__main__":
    main()
