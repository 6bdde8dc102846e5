"""Random rules for the differential test: well-typed mostly, mistyped often, and now and then with a typing error."""

TAGS = {
    "Modality": "MR", "SeriesDescription": "t1_mprage SAG Größe", "SliceThickness": "1.5",
    "PatientName": "Müller^Jürgen",
    "ImageType": "ORIGINAL\\PRIMARY\\M", "StationName": "", "SeriesNumber": "7", "PatientAge": "042Y",
    "StudyDate": "20240229", "InstitutionName": "ΚΛΙΝΙΚΗ ΑΣ", "PatientID": " 00123 ", "SenderAET": "CT_1",
}

KNOWN_RULES = [(rule, TAGS) for rule in (
    "'CINE' in tags.SeriesDescription", "tags.SeriesDescription == 'CINE'", "tags.SeriesDescription.lower() = 'cine'",
    "float(tags.SliceThickness) < 2.0", "tags.Modality = 'MR'", "tags.Modality = 'MR'; tags.Modality == 'MR'",
    "@Modality@ == 'MR'", "@Modality@ == 'MR' and @Nope@ == ''", "'x@y.com' == @Modality@", "'a@b' and 'c@d'",
    "@modality@ == 'MR'", "tags.modality == 'MR'", 'tags["modality"] == "MR"', "'Modality' in tags", "'Nope' in tags",
    "len(tags) > 3", "sorted(tags)[0]", "list(tags)", "not tags.Nope", "True or tags.Nope", "tags.Nope or True",
    "False and tags.Nope", " True", "True\n", "\nTrue", "True\nFalse", "(True\n)", "(True and\nFalse)",
    "True and\nFalse", "",
    "# comment", "True # comment", "bool('False')", "'a' < 1", "float('')", "float(tags.StationName)", "1 if 2 else 3",
    "[x for x in tags]", "lambda: 1", "f'abc'", "f'{1}'", "import os", "x := 1", "(x := 1)", "x += 1", "del tags",
    "'a' 'b' == 'ab'", "1; 2", "1;", ";", "tags", "len", "tags.Modality.lower", "tags.Modality.lower == 'mr'",
    "'MR' == tags.Modality != 'CT'", "1 < 2 < 3 > 2", "not 1 == 2", "-2 ** 2", "2 ** -1", "~5 & 3 | 8 ^ 2",
    "1 << 3 >> 1",
    "('Tr' in @Modality@) | (@Modality@ == 'MR')", "2 ** 10001", "'a' * 262145", "'a' * 262144 == ''", "1 << 1001",
    "tags.__class__", "''.format()", "str.format", "print(1)", "open('x')", "__import__('os')",
    "tags._tags_dict['Modality']",
    "tags.tags_accessed()", "tags.Modality and tags.tags_accessed()", "a = b = 2; a + b", "a, b = 1, 2; a - b",
    "[a, b] = 'xy'; b + a", "a = [1, 2]; b = a; b.append(3); a", "x = {}; x['k'] = 1; x", "a = [1,2,3]; a[1:] = [9]; a",
    "enumerate('ab')", "list(zip('ab', [1, 2]))", "map(int, ['x'])", "list(map(int, ['1', '2']))",
    "bool(map(int, ['x']))",
    "list(filter(None, [0, 1, '']))", "max(['a', 'bb'], key=len)", "sorted(['b', 'A'], key=str.lower, reverse=True)",
    "dict(a=1, **{'b': 2})", "{**{'a': 1}}", "[*'ab']", "(yield)", "...", "pass", "break", "0x1F + 0b11 + 0o17 + 1_000",
    "007", "1.e3", ".5", "1__0", "1if 2 else 3", "1or 2", "0xfor 1", "'\\x41\\u00e4\\101\\n'", "r'\\n'", "b'x'",
    "u'x'", "'''a\nb'''",
    "'a\\\nb'", "@@", "@", "tags@tags", "{1: 2}[1]", "{1, 2} < {1, 2, 3}", "frozenset('a') == {'a'}", "None is None",
    "1 is 1", "True + True", "range(10)[2:5]", "7 in range(0, 10, 7)", "'%s-%05.1f' % ('a', 2.25)",
    "'%(Modality)s' % tags",
    "divmod(-7, 2)", "round(2.5)", "round(-1.25, 1)", "round(1234, -2)", "int('0x1f', 16)", "int(' 12_3 ')",
    "float('1_0.5')",
    "format(1234567.891, ',.2f')", "format(5, '08b')", "1_000_000_007 ** 2", "9223372036854775807 + 1", "(1,)", "()",
    "(1)",
    "tags.Modality in ('MR', 'CT') and 't1' in tags.SeriesDescription", "if True: pass", "for x in y: pass", "a b",
    "1 +", "(",
    ")", "'abc", "tags.", "tags[", "tags['Modality'", "not", "and", "1 not 2", "1 ! 2", "$", "a ? b", "\\", "x\\\ny",
    "\x00",
)]


class Grammar:
    def __init__(self, rng):
        self.r = rng

    def rule(self):
        tags = dict(TAGS)
        for name in self.r.sample(sorted(tags), 3):
            tags[name] = self.text_value()
        if self.r.random() < 0.1:
            del tags[self.r.choice(sorted(tags))]
        text = self.statement()
        if self.r.random() < 0.12:
            text = self.typing_error(text)
        return text, tags

    def pick(self, *choices):
        return self.r.choice(choices)

    def text_value(self):
        return self.pick("", "MR", "ct", "1", "-2.5", " 7 ", "1e3", "0x10", "straße", "ΑΣ", "ǅungla", "ﬁn", "a b  c",
                         "A_B",
                         "\u0663", "x\ty", "12", "SAG T2", "İ", "1.0", "null", "\\", "'", "a,b;c", "\U0001d7d9")

    def literal(self):
        return repr(self.text_value()) if self.r.random() < 0.9 else '"%s"' % self.pick("a", "\\n", "\\x41", "it's")

    def tag(self):
        name = self.pick(*TAGS) if self.r.random() < 0.97 else "Nope"
        form = self.r.random()
        if form < 0.6:
            return "tags." + name
        if form < 0.65:
            return "tags." + name.lower()
        if form < 0.85:
            return 'tags["%s"]' % name
        return "@%s@" % name

    def statement(self):
        x = self.r.random()
        if x < 0.9:
            return self.any(self.r.randint(1, 4))
        if x < 0.94:
            return "%s = %s; %s" % ("v", self.any(2), self.pick("v", "v == v", "not v", "[v, v]", "v + v"))
        if x < 0.96:
            return "%s; %s" % (self.any(2), self.any(2))
        return "v = %s; v.%s; v" % (self.list(1), self.pick("append(1)", "reverse()", "pop()", "insert(0, 'a')",
                                                            "extend('ab')",
                                                            "sort()", "remove(1)", "clear()"))

    def any(self, depth):
        return self.pick(self.condition, self.condition, self.condition, self.text, self.number, self.list,
                         self.other)(depth)

    def wrong(self, depth, right):
        """Mostly what is asked for, sometimes anything."""
        return right(depth) if self.r.random() < 0.93 else self.any(depth)

    # Conditions

    def condition(self, depth):
        if depth <= 0:
            return self.pick("True", "False", "1", "''", "None", self.tag() + " == " + self.literal())
        d = depth - 1
        kind = self.r.randrange(12)
        if kind == 0:
            return "%s and %s" % (self.condition(d), self.condition(d))
        if kind == 1:
            return "%s or %s" % (self.condition(d), self.condition(d))
        if kind == 2:
            return "not %s" % self.condition(d)
        if kind == 3:
            return "(%s)" % self.condition(d)
        if kind == 4:
            return "%s %s %s" % (self.wrong(d, self.text), self.pick("in", "not in"), self.wrong(d, self.text))
        if kind == 5:
            return "%s %s %s" % (self.any(d), self.pick("in", "not in"), self.pick(self.list, self.set, self.dict)(d))
        if kind == 6:
            op = self.pick("<", "<=", ">", ">=", "==", "!=")
            return "%s %s %s" % (self.wrong(d, self.number), op, self.wrong(d, self.number))
        if kind == 7:
            op = self.pick("<", "<=", ">", ">=", "==", "!=")
            return "%s %s %s" % (self.wrong(d, self.text), op, self.wrong(d, self.text))
        if kind == 8:
            return "%s < %s %s %s" % (self.number(d), self.number(d), self.pick("<", "==", ">=", "!="), self.number(d))
        if kind == 9:
            return "%s.%s" % (self.operand(d), self.pick(
                "isdigit()", "isalpha()", "isalnum()", "isupper()", "islower()", "isspace()", "istitle()",
                "isnumeric()",
                "isdecimal()", "isascii()", "isidentifier()", "isprintable()",
                "startswith(%s)" % self.literal(), "endswith((%s, %s))" % (self.literal(), self.literal()),
                "startswith(%s, %d)" % (self.literal(), self.r.randint(-3, 5))))
        if kind == 10:
            return "%s is %s%s" % (self.any(d), self.pick("", "not "), self.pick("None", "True", "False"))
        return "%s %s %s" % (self.any(d), self.pick("==", "!="), self.any(d))

    def operand(self, depth):
        text = self.wrong(depth, self.text)
        return text if self.r.random() < 0.3 else "(%s)" % text

    # Texts

    def text(self, depth):
        if depth <= 0:
            return self.tag() if self.r.random() < 0.6 else self.literal()
        d = depth - 1
        kind = self.r.randrange(16)
        o = self.operand
        if kind < 4:
            return "%s.%s()" % (o(d), self.pick("lower", "upper", "title", "capitalize", "swapcase", "casefold",
                                                "strip", "lstrip",
                                                "rstrip"))
        if kind == 4:
            return "%s[%s]" % (o(d), self.index())
        if kind == 5:
            return "%s + %s" % (self.wrong(d, self.text), self.wrong(d, self.text))
        if kind == 6:
            return "%s * %s" % (o(d), self.pick("2", "0", "-1", "3", "True", "'a'"))
        if kind == 7:
            return "%s.replace(%s, %s%s)" % (o(d), self.wrong(0, self.text), self.literal(),
                                             self.pick("", "", ", 1", ", -1", ", 0"))
        if kind == 8:
            return "%s.%s(%s%s)" % (o(d), self.pick("center", "ljust", "rjust"), self.r.randint(-1, 12),
                                    self.pick("", ", '*'", ", ''"))
        if kind == 9:
            return "%s.%s" % (o(d), self.pick("zfill(%d)" % self.r.randint(-1, 9),
                                              "expandtabs(%d)" % self.r.randint(-1, 9),
                                              "removeprefix(%s)" % self.literal(), "removesuffix(%s)" % self.literal(),
                                              "strip(%s)" % self.literal(), "lstrip(%s)" % self.literal()))
        if kind == 10:
            return "%s.join(%s)" % (self.literal(), self.pick(self.list, self.text)(d))
        if kind == 11:
            return "%s(%s)" % (self.pick("str", "repr", "format"), self.any(d))
        if kind == 12:
            return "format(%s, %s)" % (self.wrong(d, self.number), repr(self.specification()))
        if kind == 13:
            return "%s %% %s" % (repr(self.pattern()), self.pick("(%s, %s)" % (self.any(d), self.any(d)),
                                                                 "(%s,)" % self.any(d)))
        if kind == 14:
            return "%s(%s)" % (self.pick("hex", "oct", "bin", "chr"), self.wrong(d, self.integer))
        return "%s %s %s" % (self.text(d), self.pick("or", "and"), self.text(d))

    def specification(self):
        return "".join((self.pick("", "", "<", ">", "^", "=", "*<", "0>", "ä^"), self.pick("", "", "+", "-", " "),
                        self.pick("", "", "#"),
                        self.pick("", "", "0"), self.pick("", "8", "12", "1"), self.pick("", "", ",", "_"),
                        self.pick("", "", ".0", ".2", ".5", ".17"),
                        self.pick("", "", "d", "f", "e", "g", "%", "x", "X", "b", "o", "s", "c", "n", "G", "E", "F",
                                  "z")))

    def pattern(self):
        one = "%" + self.pick("", "", "-", "0", "+", " ", "#", "-0") + self.pick("", "5", "12", "*") + self.pick("",
            ".2", ".0", ".10") + \
            self.pick("s", "s", "d", "f", "e", "g", "x", "X", "o", "c", "r", "i", "%", "G", "q")
        return self.pick("", "a") + one + self.pick("", "%s", " %%", "%d")

    def index(self):
        n = lambda: str(self.r.randint(-9, 9))  # noqa: E731
        return self.pick(n(), n(), n() + ":", ":" + n(), n() + ":" + n(), "::" + n(), n() + "::" + n(), ":", "::-1",
                         n() + ":" + n() + ":" + n(),
                         "None:" + n(), "True", "1.0", "'a'")

    # Numbers

    def integer(self, depth):
        if depth <= 0:
            return str(self.pick(0, 1, 2, 3, -1, 7, 10, 255, 1000, 65, 228, 1 << 40, -(1 << 62)))
        d = depth - 1
        kind = self.r.randrange(9)
        if kind == 0:
            return "len(%s)" % self.pick(self.text, self.list, self.set, self.dict, self.any)(d)
        if kind == 1:
            return "%s %s %s" % (self.wrong(d, self.integer), self.pick("+", "-", "*", "//", "%"),
                                 self.wrong(d, self.integer))
        if kind == 2:
            return "int(%s)" % self.pick(self.text, self.number, self.any)(d)
        if kind == 3:
            return "%s.%s(%s)" % (self.operand(d), self.pick("count", "find", "rfind", "index", "rindex"),
                                  self.literal())
        if kind == 4:
            return "(%s) %s (%s)" % (self.wrong(d, self.integer), self.pick("&", "|", "^", "<<", ">>"),
                                     self.wrong(d, self.integer))
        if kind == 5:
            return "%s(%s)" % (self.pick("abs", "-", "~", "+", "round", "floor", "ceil", "trunc", "ord"),
                               self.wrong(d, self.number))
        if kind == 6:
            return "sum(%s)" % self.list(d)
        if kind == 7:
            return "(%s)" % self.integer(d)
        return "%s ** %s" % (self.integer(0), self.pick("2", "3", "0", "-1", "0.5", "63"))

    def number(self, depth):
        if depth <= 0:
            return str(self.pick(0, 1, -1, 2, 3, 10, 0.5, 1.5, -2.5, 1e3, 1e300, 1e-5, 0.1, 2.675, 123456789.125, 1e16,
                                 1 << 53))
        if self.r.random() < 0.5:
            return self.integer(depth)
        d = depth - 1
        kind = self.r.randrange(8)
        if kind == 0:
            return "float(%s)" % self.pick(self.text, self.number, self.tag_number)(d)
        if kind == 1:
            return "%s %s %s" % (self.wrong(d, self.number), self.pick("+", "-", "*", "/", "//", "%"),
                                 self.wrong(d, self.number))
        if kind == 2:
            return "%s(%s)" % (self.pick("sqrt", "log", "log10", "log2", "exp", "sin", "cos", "tan", "asin", "acos",
                                         "atan", "fabs",
                                         "abs", "factorial"), self.wrong(d, self.number))
        if kind == 3:
            return "round(%s, %d)" % (self.wrong(d, self.number), self.r.randint(-4, 6))
        if kind == 4:
            return "%s(%s, %s)" % (self.pick("min", "max", "pow", "divmod", "atan2", "log"), self.wrong(d, self.number),
                                   self.wrong(d, self.number))
        if kind == 5:
            return self.pick("pi", "e", "-pi", "2 * e")
        if kind == 6:
            return "pow(%s, %s, %s)" % (self.integer(0), self.pick("2", "-1", "0", "5"),
                                        self.pick("7", "-5", "0", "1", "10"))
        return "(%s)" % self.number(d)

    def tag_number(self, _depth):
        return self.pick("tags.SliceThickness", "tags.SeriesNumber", "tags.PatientAge[:3]", "'inf'", "'nan'",
                         "'-1e-3'", "' 1_0 '")

    # Containers

    def list(self, depth):
        d = max(depth - 1, 0)
        kind = self.r.randrange(14) if depth > 0 else self.r.randrange(2)
        items = lambda f: ", ".join(f(d) for _ in range(self.r.randint(0, 3)))  # noqa: E731
        if kind == 0:
            return "[%s]" % items(self.text)
        if kind == 1:
            return "[%s]" % items(self.number)
        if kind == 2:
            return "(%s,)" % (items(self.any) or "1")
        if kind == 3:
            return "%s.split(%s)" % (self.operand(d), self.pick("", "'_'", "' '", "None, 1", "'a', 1", "''",
                                                                "maxsplit=1", "'\\\\'"))
        if kind == 4:
            return "%s.%s" % (self.operand(d), self.pick("rsplit()", "rsplit(None, 1)", "rsplit('_', 1)",
                                                         "splitlines()", "partition('_')",
                                                         "rpartition(' ')", "splitlines(True)"))
        if kind == 5:
            return "sorted(%s%s)" % (self.pick(self.list, self.set, self.text)(d),
                                     self.pick("", ", reverse=True", ", key=str", ", key=len"))
        if kind == 6:
            return "list(%s)" % self.pick("range(%d)" % self.r.randint(-2, 5), "range(%d, %d, %d)" % (
                self.r.randint(-5, 5), self.r.randint(-5, 5), self.r.randint(-2, 2)), self.text(d),
                "reversed(%s)" % self.list(d),
                "enumerate(%s)" % self.list(d), "zip(%s, %s)" % (self.list(d), self.text(d)), "map(%s, %s)" % (
                    self.pick("str", "int", "len", "float", "str.lower", "bool", "abs"), self.list(d)),
                    "filter(None, %s)" % self.list(d))
        if kind == 7:
            return "%s + %s" % (self.list(d), self.wrong(d, self.list))
        if kind == 8:
            return "%s[%s]" % (self.list(d), self.index())
        if kind == 9:
            return "tuple(%s)" % self.list(d)
        if kind == 10:
            return "%s * %s" % (self.list(d), self.pick("2", "0", "-1"))
        if kind == 11:
            return "list(%s.%s())" % (self.dict(d), self.pick("keys", "values", "items"))
        if kind == 12:
            return "[%s, %s]" % (self.any(d), self.any(d))
        return "%s.%s(%s)" % (self.list(d), self.pick("index", "count", "copy"), self.pick("1", "'MR'", ""))

    def set(self, depth):
        kind = self.pick("i", "t")
        make = (lambda: "{%s}" % ", ".join(str(self.r.randint(0, 4)) for _ in range(self.r.randint(1,
            4)))) if kind == "i" else (
            lambda: "{%s}" % ", ".join(repr(self.pick("a", "b", "MR")) for _ in range(self.r.randint(1, 3))))
        if depth <= 0:
            return make()
        return self.pick(make(), "(%s %s %s)" % (make(), self.pick("|", "&", "-", "^", "<", "<=", "==", ">="), make()),
                         "set(%s)" % make(), "frozenset(%s)" % make(), "%s.%s(%s)" % (
                             make(), self.pick("union", "intersection", "difference", "issubset", "isdisjoint",
                                               "symmetric_difference",
                                               "issuperset"), make()), "set(%s.lower())" % self.literal(), "set()")

    def dict(self, depth):
        d = max(depth - 1, 0)
        pairs = ", ".join("%s: %s" % (self.pick(self.text, self.integer, self.any)(0),
                                      self.any(d)) for _ in range(self.r.randint(0, 3)))
        return self.pick("{%s}" % pairs, "{%s}" % pairs, "dict(a=%s)" % self.any(d), "({%s} | {'a': 1})" % pairs)

    def other(self, depth):
        d = max(depth - 1, 0)
        return self.pick(
            lambda: "%s.get(%s)" % (self.dict(d), self.literal()), lambda: "%s[%s]" % (self.dict(d), self.literal()),
            lambda: "any(%s)" % self.list(d), lambda: "all(%s)" % self.list(d), lambda: "bool(%s)" % self.any(d),
            lambda: "%s(%s%s)" % (self.pick("min", "max"), self.list(d), self.pick("", ", default=0", ", key=len")),
            lambda: "isnan(%s)" % self.number(d), lambda: "%s in tags" % self.literal(), lambda: "len(tags)",
            lambda: "(%s)" % self.any(d), lambda: "%s(%s)" % (self.pick("float", "list", "dict", "set", "tuple", "sum",
                "len"), self.any(d)),
            lambda: self.pick("None", "True", "...", "range(3)", "unknown", "tags.Modality.lower"),
            lambda: self.dict(d), lambda: self.set(d),
            lambda: "%s.%s" % (self.any(d), self.pick("real", "bit_length()", "is_integer()", "nope", "keys()",
                                                      "__len__")),
            lambda: "not %s" % self.any(d), lambda: "-%s" % self.any(d),
            lambda: "%s if %s else %s" % (self.any(d), self.any(d), self.any(d)),
            lambda: "%s %s %s" % (self.any(d), self.pick("+", "-", "*", "/", "//", "%", "&", "|", "<", "@", "**"),
                                  self.any(d)),
            lambda: "[x for x in %s]" % self.list(d), lambda: "f'{%s}'" % "x")()

    # Typing errors

    def typing_error(self, text):
        for _ in range(self.r.randint(1, 2)):
            at = self.r.randint(0, len(text))
            kind = self.r.randrange(4)
            if kind == 0 and text:
                text = text[:at] + text[at + 1:]
            elif kind == 1:
                text = text[:at] + self.pick("(", ")", "[", "]", "'", '"', "=", "==", " ", "\n", "@", ",", ";", ":",
                                             "0", "1", "_", ".", "not ", "a",
                                             "#", "\\", "!", "{", "}", "*", "**", "%", "~", "\t", "$", "ä", "1e", "0x",
                                             "\r", "\x0c", "u", "r") + text[at:]
            elif kind == 2:
                text = text[:at]
            elif text:
                other = self.r.randint(0, len(text))
                text = text[:at] + text[min(at, other):max(at, other)] + text[at:]
        return text


def completions(rng, count):
    series = ["AX T2", "T1-COR", "sag", "FLAIR", "Größe"]
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 5)):
            parts.append(rng.choice(["'AX'", "'t1'", "'nope'", "'SAG'", "and", "or", "AND", "(", ")", "'FLAIR'", "x",
                                     "'größe'", "not", "''"]))
        text = rng.choice([" ", " ", ""]).join(parts)
        if rng.random() < 0.5:
            text = rng.choice(["'%s' %s '%s'", "('%s' %s '%s')", "'%s' %s ('%s')"]) % (
                rng.choice(["AX", "T1", "zz"]), rng.choice(["and", "or", "AND"]), rng.choice(["sag", "FLAIR", "q"]))
        yield rng.choice([text, text, text, "", '"a"']), rng.sample(series, rng.randint(0, 4))
