"""g++ 12 destroys some temporaries twice when they live in one statement with co_await.

A statement with co_await holds no capturing lambda, no braced value and no ?: value. A loop condition with co_await
holds no && and no ||, because g++ 12 awaits the second operand whatever the first says. docs/hacking.md tells more.
"""

import re
from dataclasses import dataclass

from project_files import cpp_files, finish, read, without_comments_and_strings

FIXES = {
    "lambda": "capturing lambda in a statement with co_await: give the lambda a name on the line above",
    "braces": "braced value in a statement with co_await: give the value a name on the line above",
    "short circuit": "&& or || beside co_await in a loop condition: await in a statement of the loop's body",
    "ternary": "?: in a statement with co_await: choose with if, or give the value a name on the line above",
}

_TOKEN = re.compile(r"[A-Za-z_]\w*|\.?\d(?:'?[\w.])*|->|::|\S")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)

_CONDITION_KEYWORDS = {"if", "for", "while", "switch", "catch"}
_PLAIN_KEYWORDS = {"else", "do", "try"}
_SCOPE_KEYWORDS = {"namespace", "struct", "class", "union", "enum"}
_BEFORE_SCOPE_KEYWORD = {"inline", "export", "typedef", "static", "friend"}
# Words that a value may follow; after any other word a [ is a subscript.
_VALUE_FOLLOWS = {"return", "co_return", "co_await", "co_yield", "case", "else", "throw", "and", "or", "not"}


@dataclass
class Token:
    text: str
    line: int


class Statement:
    """One statement: whether it awaits, and what it holds that g++ 12 cannot take beside that."""

    def __init__(self, is_loop=False):
        self.is_loop = is_loop  # the head of a loop
        self.awaits = False
        self.found = []  # (kind, line)


class Reader:
    """Splits C++ into statements. Bodies of blocks and lambdas are statements of their own."""

    def __init__(self, text):
        text = without_comments_and_strings(text)
        text = _DIRECTIVE.sub(lambda match: "\n" * match.group(0).count("\n"), text)
        self._tokens = []
        for number, line in enumerate(text.split("\n"), 1):
            self._tokens += [Token(found, number) for found in _TOKEN.findall(line)]
        self._at = 0
        self.problems = []  # (line, kind)

    def run(self):
        while self._at < len(self._tokens):
            self._read_declarations()
            self._at += 1  # a closing brace too many: go on behind it
        return sorted(set(self.problems))

    # Outside of functions: namespaces, classes, and functions whose bodies hold the statements.

    def _read_declarations(self):
        begin = self._at
        while self._text() not in ("", "}"):
            if self._text() == ";":
                self._at += 1
                begin = self._at
            elif self._text() == "{":
                inside_is_code = not self._opens_scope(begin)
                self._at += 1
                self._read_code() if inside_is_code else self._read_declarations()
                self._at += 1
                if not self._continues_initialisers():
                    begin = self._at
            elif self._text() in "([":
                self._read_brackets(Statement())
            else:
                self._at += 1

    def _opens_scope(self, begin):
        """Whether the brace here opens a namespace, a class or the like: not a function body, not an initialiser."""
        if self._text(-1) == ")":
            return False
        at = begin
        while at < self._at:
            text = self._tokens[at].text
            if text == "template" and self._tokens[at + 1].text == "<":
                at = self._behind_angle_brackets(at + 1)
            elif text in _BEFORE_SCOPE_KEYWORD or text == ":" or text in ("public", "private", "protected"):
                at += 1
            else:
                return text in _SCOPE_KEYWORDS or (text == "extern" and self._tokens[at + 1].text == '"')
        return False

    def _continues_initialisers(self):
        """After `: member_{…}` the constructor goes on with a comma or with its body."""
        return self._text() in (",", "{")

    # Inside functions.

    def _read_code(self):
        while self._text() not in ("", "}"):
            self._read_statement()

    def _read_statement(self):
        text = self._text()
        if text == "{":
            self._at += 1
            self._read_code()
            self._at += 1
        elif text == "[" and self._text(1) == "[":  # [[likely]] { … }
            self._read_brackets(Statement())
        elif text in _CONDITION_KEYWORDS:
            self._at += 1
            if self._text() in ("constexpr", "consteval", "!"):
                self._at += 1
            if self._text() == "(":
                head = Statement(is_loop=text in ("for", "while"))
                self._read_brackets(head)
                self._judge(head)
        elif text in _PLAIN_KEYWORDS:
            self._at += 1
        elif text in ("case", "default"):
            while self._text() not in ("", ":", ";", "}"):
                self._at += 1
            self._at += 1
        elif text in _SCOPE_KEYWORDS or (text == "template" and self._text(1) == "<"):
            self._read_local_type()
        else:
            self._read_expression_statement()

    def _read_local_type(self):
        begin = self._at
        while self._text() not in ("", ";", "{", "=", "("):
            self._at += 1
        if self._text() == "{" and self._opens_scope(begin):
            self._at += 1
            self._read_declarations()
            self._at += 1
        else:
            self._read_expression_statement()

    def _read_expression_statement(self):
        statement = Statement()
        while self._text() not in ("", ";", "}"):
            # A brace after a closed parenthesis is the block of a macro such as SECTION("…") { … }.
            if self._text() == "{" and self._text(-1) == ")":
                break
            self._read_piece(statement)
        if self._text() == ";":
            self._at += 1
        self._judge(statement)

    def _read_piece(self, statement):
        token = self._tokens[self._at]
        if token.text == "[" and self._begins_lambda():
            self._read_lambda(statement)
        elif token.text == "{":
            statement.found.append(("braces", token.line))
            self._read_brackets(statement)
        elif token.text in "([":
            self._read_brackets(statement)
        else:
            if token.text == "co_await":
                statement.awaits = True
            elif token.text == "?":
                statement.found.append(("ternary", token.line))
            elif statement.is_loop and self._is_short_circuit():
                statement.found.append(("short circuit", token.line))
            self._at += 1

    def _is_short_circuit(self):
        """At the first of two & or |, unless it is the && of a reference."""
        text = self._text()
        return text in "&|" and self._text(1) == text and self._text(-1) not in ("auto", ">", text)

    def _read_brackets(self, statement):
        closing = {"(": ")", "[": "]", "{": "}"}[self._text()]
        self._at += 1
        while self._text() not in ("", closing):
            self._read_piece(statement)
        self._at += 1

    def _begins_lambda(self):
        before = self._text(-1)
        if self._text(1) == "[" or before == "[":  # [[attribute]]
            return False
        if re.match(r"\w", before) and before not in _VALUE_FOLLOWS:
            return False
        if before in (")", "]", '"'):
            return False
        after = self._tokens[self._closing_bracket() + 1:][:1]
        return bool(after) and after[0].text in ("(", "{", "<", "mutable", "noexcept", "constexpr", "->")

    def _closing_bracket(self):
        depth = 0
        for at in range(self._at, len(self._tokens)):
            depth += {"[": 1, "]": -1}.get(self._tokens[at].text, 0)
            if depth == 0:
                return at
        return len(self._tokens)

    def _read_lambda(self, statement):
        closing = self._closing_bracket()
        if closing > self._at + 1:
            statement.found.append(("lambda", self._tokens[self._at].line))
        self._at += 1
        while self._at < closing:  # captures may have initialisers, and these belong to the statement
            self._read_piece(statement)
        self._at = closing + 1
        if self._text() == "<":
            self._at = self._behind_angle_brackets(self._at)
        if self._text() == "(":
            self._read_brackets(Statement())
        while self._text() not in ("", "{", ";"):  # mutable, noexcept, -> type
            self._at += 1
        if self._text() == "{":
            self._at += 1
            self._read_code()
            self._at += 1

    def _behind_angle_brackets(self, at):
        depth = 0
        while at < len(self._tokens):
            depth += {"<": 1, ">": -1}.get(self._tokens[at].text, 0)
            at += 1
            if depth == 0:
                break
        return at

    def _judge(self, statement):
        if statement.awaits:
            self.problems += [(line, kind) for kind, line in statement.found]

    def _text(self, offset=0):
        at = self._at + offset
        return self._tokens[at].text if 0 <= at < len(self._tokens) else ""


def co_await_problems(text):
    """The places of `text` that g++ 12 would miscompile, as (line, kind)."""
    return Reader(text).run()


def main():
    problems = []
    for name in cpp_files("include", "src", "tests", "bench"):
        problems += [f"{name}:{line}: {FIXES[kind]}" for line, kind in co_await_problems(read(name))]
    finish(problems, "co_await")


if __name__ == "__main__":
    main()
