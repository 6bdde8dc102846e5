"""mercure's rule evaluation in Python, for the differential test: what its evaluator does with each syntax node, its
limits, its tag object and its replacement of @Name@. Written from the description in docs/rules.md."""
import ast
import math
import operator
import types

MAX_EXPONENT, MAX_TEXT, MAX_SHIFT, MAX_RULE = 10000, 1 << 18, 1000, 50000


class TagMissing(Exception):
    pass


class Refused(Exception):
    """Not available in mercure's minimal evaluator."""


class Limit(Exception):
    """mercure's own limits."""


class Excluded(Exception):
    """A known difference; the text names it (see EXCLUSIONS in differential_test.py)."""


class Tags:
    def __init__(self, tags):
        self._tags_dict = tags
        self._tags_accessed = set()

    def tags_accessed(self):
        return self._tags_accessed

    def __getattr__(self, name):
        if name in self._tags_dict:
            self._tags_accessed.add(name)
            return self._tags_dict[name]
        for key in self._tags_dict:
            if key.lower() == name.lower():
                self._tags_accessed.add(key)
                return self._tags_dict[key]
        raise TagMissing(name)

    def __getitem__(self, name):
        if name in self._tags_dict:
            self._tags_accessed.add(name)
            return self._tags_dict[name]
        raise TagMissing(name)

    def __len__(self):
        return len(self._tags_dict)

    def __iter__(self):
        return iter(self._tags_dict)

    def __contains__(self, name):
        return name in self._tags_dict


BUILTINS = {f.__name__: f for f in (
    bool, int, float, str, complex, list, tuple, dict, set, frozenset, len, sum, min, max, abs, all, any, sorted,
    reversed, range, enumerate, zip, filter, map, round, pow, divmod, chr, ord, hex, oct, bin, format, repr)}
BUILTINS.update({name: getattr(math, name) for name in (
    "sqrt ceil floor log log10 log2 exp sin cos tan asin acos atan atan2 pi e isinf isnan fabs factorial trunc"
).split()})

ABSENT = {"to_bytes", "from_bytes", "hex", "fromhex", "maketrans", "as_integer_ratio", "encode"}
ORDER_FREE = {len, sorted, min, max, any, all, set, frozenset, bool, sum}


def refuse_complex_results(a, b):
    if type(a) in (int, float) and type(b) is float and a < 0 and b != b // 1:
        raise Excluded("complex numbers")


def power(a, b):
    if isinstance(b, (int, float, complex)) and not isinstance(b, complex) and b > MAX_EXPONENT:
        raise Limit("exponent")
    refuse_complex_results(a, b)
    return a ** b


def multiply(a, b):
    if isinstance(a, str) and isinstance(b, int) and len(a) * b > MAX_TEXT:
        raise Limit("string")
    if isinstance(a, int) and isinstance(b, (str, list, tuple)) and a * len(b) > MAX_TEXT:
        raise Excluded("limits of our own")
    return a * b


def add(a, b):
    if isinstance(a, str) and isinstance(b, str) and len(a) + len(b) > MAX_TEXT:
        raise Limit("string")
    return a + b


def left_shift(a, b):
    if isinstance(b, (int, float)) and b > MAX_SHIFT:
        raise Limit("shift")
    return a << b


BINARY = {ast.Add: add, ast.Sub: operator.sub, ast.Mult: multiply, ast.Div: operator.truediv,
          ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: power, ast.MatMult: operator.matmul,
          ast.LShift: left_shift, ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
          ast.BitXor: operator.xor}
UNARY = {ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_}
COMPARE = {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
           ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
           ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b}


def check(value, depth=0):
    """Raises Excluded for values that the rule language refuses or cannot have."""
    kind = type(value)
    if kind is int:
        if not -2 ** 63 <= value < 2 ** 63:
            raise Excluded("integers beyond 64 bits")
    elif kind is complex:
        raise Excluded("complex numbers")
    elif kind in (bytes, bytearray):
        raise Excluded("bytes")
    elif kind in (types.GenericAlias, types.UnionType):
        raise Excluded("type expressions")
    elif kind is str:
        if len(value) > MAX_TEXT:
            raise Excluded("limits of our own")
    elif kind in (list, tuple, set, frozenset, dict) and depth < 3:
        if len(value) > 100000:
            raise Excluded("limits of our own")
        for item in value.values() if kind is dict else value:
            check(item, depth + 1)
    return value


class Evaluator:
    def __init__(self, tags):
        self.names = {"True": True, "False": False, "None": None, **BUILTINS, "tags": Tags(tags)}

    def run(self, text):
        if len(text) > MAX_RULE:
            raise Limit("text")
        value = None
        for statement in ast.parse(text).body:
            value = self.statement(statement)
        return value

    def statement(self, node):
        if isinstance(node, ast.Expr):
            return self.value(node.value)
        if isinstance(node, ast.Assign):
            value = self.value(node.value)
            for target in node.targets:
                self.assign(target, value)
            return None
        if isinstance(node, ast.Pass):
            return None
        if isinstance(node, (ast.Break, ast.Continue)):
            raise Excluded("break and continue")
        raise Refused(type(node).__name__)

    def assign(self, target, value):
        if isinstance(target, ast.Name):
            if target.id in ("exec", "eval", "execfile", "__import__"):
                raise NameError(target.id)
            self.names[target.id] = value
        elif isinstance(target, ast.Attribute):
            setattr(self.value(target.value), target.attr, value)
        elif isinstance(target, ast.Subscript):
            self.value(target.value)[self.value(target.slice)] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            if len(value) != len(target.elts):
                raise ValueError("too many values to unpack")
            for element, item in zip(target.elts, value):
                self.assign(element, item)

    def value(self, node):
        method = getattr(self, "on_" + type(node).__name__, None)
        if method is None:
            raise Refused(type(node).__name__)
        value = check(method(node))
        return check(list(value)) if isinstance(value, enumerate) else value

    def on_Constant(self, node):
        return node.value

    def on_JoinedStr(self, node):
        return "".join(self.value(part) for part in node.values)

    def on_Name(self, node):
        if node.id not in self.names:
            raise NameError(node.id)
        return self.names[node.id]

    def on_List(self, node):
        return [self.value(item) for item in node.elts]

    def on_Tuple(self, node):
        return tuple(self.value(item) for item in node.elts)

    def on_Set(self, node):
        return set([self.value(item) for item in node.elts])

    def on_Dict(self, node):
        return {None if key is None else self.value(key): self.value(item) for key, item in zip(node.keys, node.values)}

    def on_Slice(self, node):
        return slice(*(None if part is None else self.value(part) for part in (node.lower, node.upper, node.step)))

    def on_Subscript(self, node):
        return self.value(node.value)[self.value(node.slice)]

    def on_UnaryOp(self, node):
        return UNARY[type(node.op)](self.value(node.operand))

    def on_BinOp(self, node):
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            self.order_matters(right)
            if "%(" not in left:
                self.refuse_addresses(right)
            self.refuse_large_arguments(left, right if isinstance(right, tuple) else (right,))
        return BINARY[type(node.op)](left, right)

    @staticmethod
    def refuse_addresses(value):
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, Tags) or callable(item) or hasattr(item, "__next__"):
                raise Excluded("printed addresses")

    @staticmethod
    def refuse_large_arguments(pattern, arguments):
        for item in arguments:
            if isinstance(item, float) and abs(item) >= 2 ** 63 and any(c in pattern for c in "diu"):
                raise Excluded("integers beyond 64 bits")
            if isinstance(item, int) and abs(item) > 100000 and "*" in pattern:
                raise Excluded("limits of our own")

    def on_BoolOp(self, node):
        for part in node.values:
            value = self.value(part)
            if bool(value) == isinstance(node.op, ast.Or):
                return value
        return value

    def on_Compare(self, node):
        left = self.value(node.left)
        for op, right_node in zip(node.ops, node.comparators):
            right = self.value(right_node)
            if isinstance(op, (ast.Is, ast.IsNot)) and not self.singleton(left) and not self.singleton(right):
                raise Excluded("identity of equal values")
            if not COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    @staticmethod
    def singleton(value):
        return value is None or value is Ellipsis or isinstance(value, bool)

    def on_Attribute(self, node):
        owner, name = self.value(node.value), node.attr
        if name == "mro" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        if (isinstance(owner, str) or owner is str) and name in ("format", "format_map"):
            raise AttributeError(name)
        value = getattr(owner, name)
        if name in ABSENT and not isinstance(owner, Tags):
            raise Excluded("methods that rules lack")
        if isinstance(owner, (set, frozenset)) and name == "pop":
            raise Excluded("order of sets")
        return value

    def order_matters(self, value):
        if isinstance(value, (set, frozenset)) and len(value) > 1:
            raise Excluded("order of sets")
        if isinstance(value, (list, tuple)):
            for item in value:
                self.order_matters(item)

    def on_Call(self, node):
        function = self.value(node.func)
        if not callable(function):
            raise TypeError("not callable")
        arguments = [self.value(item) for item in node.args]
        named = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                named.update(self.value(keyword.value))
            elif keyword.arg in named:
                raise SyntaxError("repeated")
            else:
                named[keyword.arg] = self.value(keyword.value)
        self.refuse_what_differs(function, arguments, named)
        return function(*arguments, **named)

    def refuse_what_differs(self, function, arguments, named):
        if function not in ORDER_FREE and not isinstance(getattr(function, "__self__", None), (set, frozenset)):
            for argument in arguments:
                self.order_matters(argument)
        if function is map and any(type(item) is float and abs(item) >= 2 ** 63 for argument in arguments[1:]
                                   if isinstance(argument, (list, tuple)) for item in argument):
            raise Excluded("integers beyond 64 bits")
        if named and function in (sorted, min, max):
            for argument in arguments:
                self.order_matters(argument)
        if function in (str, repr, format):
            for argument in arguments:
                self.refuse_addresses(argument)
        if function is pow and len(arguments) >= 2:
            refuse_complex_results(*arguments[:2])
        numbers = [a for a in arguments if isinstance(a, int) and not isinstance(a, bool)]
        if function is math.factorial and numbers and numbers[0] > 20:
            raise Excluded("integers beyond 64 bits")
        if function is pow and len(arguments) + len(named) == 2 and any(abs(n) > 10000 for n in numbers):
            raise Excluded("limits of our own")
        if function is range and any(abs(n) > 100000 for n in numbers):
            raise Excluded("limits of our own")
        name = getattr(function, "__name__", "")
        if name in ("ljust", "rjust", "center", "zfill", "expandtabs") and any(n > 100000 for n in numbers):
            raise Excluded("limits of our own")
        if function is sum and arguments and self.has_reals(arguments):
            raise Excluded("sum of floats")

    @staticmethod
    def has_reals(arguments):
        items = arguments[0] if isinstance(arguments[0], (list, tuple, set, frozenset)) else []
        return any(isinstance(item, float) for item in list(items) + arguments[1:])


def replace_tags(rule, tags):
    found, i = [], 0
    while i < len(rule):
        opening = rule.find("@", i)
        closing = rule.find("@", opening + 1) if opening >= 0 else -1
        if closing < 0:
            break
        if rule[opening + 1:closing] in tags:
            found.append(rule[opening + 1:closing])
        i = closing + 1
    for tag in found:
        rule = rule.replace("@" + tag + "@", 'tags["%s"]' % tag)
    return rule


def eval_rule(rule, tags):
    text = replace_tags(rule, tags)
    try:
        return Evaluator(tags).run(text)
    except SyntaxError:
        opening = text.find("@")
        if opening > -1 and text.find("@", opening + 1) > 1:
            raise TagMissing("leftover") from None
        raise


def completion(condition, received):
    if not received:
        return False
    if not condition:
        return True
    text, i, found = condition.lower(), 0, []
    while i < len(text):
        opening = text.find("'", i)
        closing = text.find("'", opening + 1) if opening >= 0 else -1
        if closing < 0:
            break
        found.append(text[opening + 1:closing])
        i = closing + 1
    for entry in found:
        present = any(entry in series.lower() for series in received)
        text = text.replace("'" + entry + "'", " True " if present else " False ")
    try:
        evaluator = Evaluator({})
        del evaluator.names["tags"]
        return bool(evaluator.run(text.strip()))
    except Excluded:
        raise
    except Exception:  # noqa: BLE001 - mercure takes every error for "not complete"
        return False


def check_completion(value):
    if not value:
        return "Value cannot be empty"
    if "'" not in value or '"' in value:
        return "Series names must be enclosed by '...'"
    if value.count("'") % 2:
        return "Series names not properly enclosed by '...'"
    try:
        evaluator = Evaluator({})
        del evaluator.names["tags"]
        evaluator.run(value)
    except Excluded:
        raise
    except Exception:  # noqa: BLE001
        return "Compare syntax with example shown above."
    for name in value.split("'")[1::2]:
        value = value.replace("'" + name + "'", " @@SERIES@@ ")
    if any(part not in ("@@SERIES@@", "or", "and", "(", ")", "") for part in value.split(" ")):
        return "Invalid entries. Are all series names enclosed?"
    return "True"


def has_refused_statement(rule):
    """mercure refuses such a statement when it comes to it, we when the rule is read; both are false."""
    try:
        return any(not isinstance(node, (ast.Expr, ast.Assign, ast.Pass)) for node in ast.parse(rule).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
