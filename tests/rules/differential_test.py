#!/usr/bin/env python3
"""Evaluates random rules by our language and by Python with mercure's restrictions, and compares values and errors.

    differential_test.py EVALUATE_LINES [--count 200000] [--seed 1]

Prints the number of rules compared and of those excluded, by the name of the exclusion; fails at any difference.
"""
import argparse
import json
import random
import subprocess
import sys
import threading
import warnings

import reference
from rule_grammar import Grammar, KNOWN_RULES, completions

EXCLUSIONS = {
    "integers beyond 64 bits": "refused with limit_integer; no DICOM value needs them",
    "complex numbers": "refused with a clear error",
    "bytes": "refused with a clear error",
    "type expressions": "list[int] and int | str make types, which no rule can use",
    "limits of our own": "memory and steps are limited here and not in mercure",
    "identity of equal values": "`is` between equal numbers or texts depends on CPython's caches",
    "break and continue": "mercure's evaluator returns a syntax node, which is true",
    "order of sets": "arbitrary in Python; here the order of insertion, and sorted when printed",
    "methods that rules lack": "to_bytes, from_bytes, hex, fromhex, maketrans, as_integer_ratio, encode",
    "printed addresses": "methods and iterators print their address in Python",
    "sum of floats": "Python 3.12 and later round it differently from 3.11",
    "Python's recursion limit": "deep nesting ends at another depth",
    "inside of f-strings": "refused when evaluated; what stands in their fields is not parsed",
    "extensions": "conditional, %Tag%, matches(): mercure refuses them",
}

ERRORS = {
    "TypeError": "type_error", "ValueError": "value_error", "ZeroDivisionError": "zero_division_error",
    "NameError": "name_error", "IndexError": "index_error", "KeyError": "key_error",
    "AttributeError": "attribute_error", "OverflowError": "overflow_error", "TagMissing": "tag_missing",
    "Refused": "unsupported", "SyntaxError": "syntax_error", "IndentationError": "syntax_error",
    "RuntimeError": "runtime_error",
}


def printed(value):
    """repr, with sets sorted; None for what prints an address."""
    kind = type(value)
    if kind is list:
        parts = [printed(item) for item in value]
        return None if None in parts else "[" + ", ".join(parts) + "]"
    if kind is tuple:
        parts = [printed(item) for item in value]
        return None if None in parts else "(" + ", ".join(parts) + (",)" if len(parts) == 1 else ")")
    if kind is dict:
        parts = [(printed(key), printed(item)) for key, item in value.items()]
        return None if any(None in p for p in parts) else "{" + ", ".join("%s: %s" % p for p in parts) + "}"
    if kind in (set, frozenset):
        parts = [printed(item) for item in value]
        if None in parts:
            return None
        inside = ", ".join(sorted(parts))
        if kind is set:
            return "{%s}" % inside if parts else "set()"
        return "frozenset({%s})" % inside if parts else "frozenset()"
    if value is None or kind in (bool, int, float, str, range, slice, type(...)):
        return repr(value).encode("utf-8", "replace").decode() if kind is not str else clean(repr(value))
    return None


def clean(text):
    return "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)


def expected(rule, tags):
    """(triggers, printed value or None, error code or None), or raises Excluded."""
    try:
        value = reference.eval_rule(rule, tags)
        return bool(value), printed(value), None
    except reference.Excluded:
        raise
    except reference.Limit as limit:
        return False, None, "limit_" + str(limit)
    except (RecursionError, MemoryError):
        raise reference.Excluded("Python's recursion limit") from None
    except Exception as error:  # noqa: BLE001
        message = str(error)
        if "4300" in message or "too large to convert" in message or "int too large" in message:
            raise reference.Excluded("integers beyond 64 bits") from None
        if "shift count" in message and "negative" not in message:
            raise reference.Excluded("integers beyond 64 bits") from None
        return False, None, ERRORS.get(type(error).__name__, type(error).__name__)


def cases(count, seed):
    for rule, tags in KNOWN_RULES:
        yield {"e": rule, "t": tags}
    for condition, series in completions(random.Random(seed), count // 40):
        yield {"c": condition, "s": series}
    grammar = Grammar(random.Random(seed))
    for _ in range(count):
        rule, tags = grammar.rule()
        yield {"e": rule, "t": tags}


def compare(case, ours, excluded):
    """A description of the difference, or None."""
    try:
        if "c" in case:
            theirs = [reference.completion(case["c"], case["s"]), reference.check_completion(case["c"])]
            return None if theirs == ours else "mercure %r, ours %r" % (theirs, ours)
        triggers, value, error = expected(case["e"], case["t"])
    except reference.Excluded as exclusion:
        excluded[str(exclusion)] = excluded.get(str(exclusion), 0) + 1
        return None
    if error in ("unsupported", "syntax_error") and ours[2] not in ("unsupported", "syntax_error"):
        if any(mark in case["e"] for mark in ("if", "%", "matches")):
            excluded["extensions"] = excluded.get("extensions", 0) + 1
            return None
    refusals = ("unsupported", "syntax_error", "tag_missing", "limit_nesting")
    if error and not ours[0] and reference.has_refused_statement(reference.replace_tags(case["e"], case["t"])):
        error = ours[2]
    if "f'" in case["e"] and error == "syntax_error" and not ours[0] and ours[2]:
        excluded["inside of f-strings"] = excluded.get("inside of f-strings", 0) + 1
        return None
    same_error = error == ours[2] or (error in refusals and ours[2] in refusals)
    if triggers != ours[0] or not same_error:
        return "mercure %r, ours %r" % ((triggers, value, error), ours)
    if value is not None and error is None and value != ours[1]:
        return "mercure prints %s, ours %s" % (value, ours[1])
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("evaluate_lines")
    parser.add_argument("--count", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    everything = list(cases(options.count, options.seed))
    process = subprocess.Popen([options.evaluate_lines], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        for case in everything:
            process.stdin.write(json.dumps(case).encode() + b"\n")
        process.stdin.close()

    threading.Thread(target=feed, daemon=True).start()
    excluded, differences, values, errors = {}, 0, 0, 0
    for case in everything:
        line = process.stdout.readline()
        if not line:
            sys.exit("the language ended at %r" % (case,))
        ours = json.loads(line)
        difference = compare(case, ours, excluded)
        values += ours[0] is True
        errors += len(ours) == 3 and ours[2] is not None
        if difference:
            differences += 1
            if differences <= options.show:
                print("DIFFERENCE %s\n  %s" % (json.dumps(case), difference))
    unknown = set(excluded) - set(EXCLUSIONS)
    print("%d rules compared, %d triggered, %d with an error, seed %d" % (len(everything), values, errors,
        options.seed))
    for name, number in sorted(excluded.items()):
        print("  excluded %6d  %s: %s" % (number, name, EXCLUSIONS.get(name, "NOT A KNOWN EXCLUSION")))
    print("%d differences" % differences)
    sys.exit(1 if differences or unknown else 0)


if __name__ == "__main__":
    main()
