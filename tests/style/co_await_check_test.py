"""What the co_await check must find, and what it must leave alone."""

import unittest

from co_await_check import co_await_problems

BAD = [
    ("lambda that captures a value", "co_await run_blocking(files, [path] { return read(path); });", ["lambda"]),
    ("lambda that captures by reference", "auto x = co_await run_blocking(files, [&] { return 1; });", ["lambda"]),
    ("lambda with an initialiser", "co_await f([p = std::move(p)]() mutable { use(*p); });", ["lambda"]),
    ("lambda that captures this", "co_await f([this] { stop(); });", ["lambda"]),
    ("lambda over several lines",
     "const auto x =\n    co_await run(\n        pool,\n        [path]\n        { go(); });", ["lambda"]),
    ("lambda called at once", "co_await [q]() -> awaitable<void> { co_await q->pop(); }();", ["lambda"]),
    ("generic lambda", "co_await f([x]<class T>(T t) { return t + x; });", ["lambda"]),
    ("lambda after return", "co_return co_await f([x] { return x; });", ["lambda"]),
    ("lambda before the co_await", "f([x] { return x; }, co_await g());", ["lambda"]),
    ("braced argument", 'co_await f({"a", "b"});', ["braces"]),
    ("designated initialisers", "co_await f(Options{.a = 1, .b = name});", ["braces"]),
    ("named aggregate", "Options options{name, co_await f()};", ["braces"]),
    ("braced value assigned", "options = Options{name, co_await f()};", ["braces"]),
    ("braced value behind a call and an arrow", "all()->last = Options{co_await f()};", ["braces"]),
    ("returned aggregate", "co_return Options{name, co_await f()};", ["braces"]),
    ("templated type with braces", "items.push_back(Pair<int, Text>{1, co_await f()});", ["braces"]),
    ("empty braces", "co_await f({});", ["braces"]),
    ("number in braces", "co_await wait_for(seconds{5});", ["braces"]),
    ("braces in a condition", "if (co_await f(Options{1})) { g(); }", ["braces"]),
    ("braces in a loop over a result", "for (auto& x : co_await f(Options{1})) g(x);", ["braces"]),
    ("conditional value", "co_await f(c ? a : b);", ["ternary"]),
    ("conditional pointer", "co_await f(c ? pointer : nullptr);", ["ternary"]),
    ("conditional around it", "auto x = c ? co_await f() : Text();", ["ternary"]),
    ("conditional in while", "while (co_await f(c ? a : b)) {}", ["ternary"]),
    ("and in a loop condition", "while (more && co_await f()) { g(); }", ["short circuit"]),
    ("or in a loop condition", "for (; done || co_await f();) { g(); }", ["short circuit"]),
    ("and behind do", "do { g(); } while (co_await f() && more);", ["short circuit"]),
    ("all three", "co_await f([x] { return x; }, T{1}, c ? a : b);", ["lambda", "braces", "ternary"]),
    ("inside a lambda's own body", "auto run = [&]() -> awaitable<void> { co_await f(T{1}); };", ["braces"]),
    ("inside a case", "switch (x) { case Kind::a: co_await f(T{1}); break; default: break; }", ["braces"]),
    ("behind else", "if (a) g(); else co_await f(T{1});", ["braces"]),
    ("inside a section of a test", 'SECTION("sends") { co_await f(T{1}); }', ["braces"]),
    ("comment between", "co_await f(/* why */ T /* so */ {1});", ["braces"]),
    ("inside a local class", "struct Stage { awaitable<void> run() { co_await f(T{1}); } };", ["braces"]),
    ("array subscript before it", "items[i] = co_await f(T{1});", ["braces"]),
]

GOOD = [
    ("named lambda", "auto read = [path] { return read_tags(path); };\nco_await run_blocking(files, read);"),
    ("lambda without captures", "co_await f([] { return 1; });"),
    ("lambda without captures, with parameters", "co_await f([](int x) -> std::vector<int> { return T{x}; });"),
    ("coroutine lambda that captures, not awaited", "spawn([x]() -> awaitable<void> { co_await f(x); });"),
    ("coroutine lambda with braces elsewhere", "auto run = [x]() -> awaitable<void> { T t{1}; co_await f(t); };"),
    ("and in an if", "if (more && co_await f()) { g(); }"),
    ("and in a loop that awaits in its body", "while (more && !done) { co_await f(); }"),
    ("reference to a result", "for (auto&& x : co_await f()) { g(x); }"),
    ("block of an if", "if (co_await f()) { g(T{1}); }"),
    ("block of an if with initialiser", "if (auto x = co_await f(); !x) { throw T{1}; } else { g(T{}); }"),
    ("block of a while", "while (auto task = co_await incoming_.pop()) { g(c ? a : b); }"),
    ("block of a switch", "switch (co_await f()) { case 1: { g(T{1}); } break; }"),
    ("body of a loop over a result", "for (auto& x : co_await f()) { g(T{x}); }"),
    ("braces in the statement before", "const T value{1};\nco_await f(value);"),
    ("try block", "try { co_await f(); } catch (const E& e) { reason = T{e}; }"),
    ("do block", "do { g(T{1}); } while (co_await more());"),
    ("structured binding", "auto [error, count] = co_await f();"),
    ("structured binding by reference", "const auto& [error, count] = co_await f();"),
    ("subscript of a result", "auto x = (co_await f())[0];"),
    ("subscript in an argument", "co_await f(items[i], argv[1]);"),
    ("attribute", "[[maybe_unused]] auto x = co_await f();"),
    ("only in a comment", "co_await f();  // not f(T{1}), nor c ? a : b"),
    ("only in a string", 'co_await f("{c ? a : [x]}");'),
    ("only in a raw string", 'co_await f(R"x({"a": [1]} ? )")x");'),
    ("digit separators and characters", "co_await f(1'000'000, '{', '?', '\\'');"),
    ("braces without co_await", "co_return T{1};"),
    ("awaiting in the statement after a class", "struct T { int a{1}; int b = c ? 1 : 2; };\nco_await f();"),
    ("block behind an attribute", "if (a) [[likely]] { co_await f(); T t{1}; }"),
    ("block on its own", "{ T t{1}; }\nco_await f();"),
    ("section of a test", 'SECTION("sends") { T t{1}; co_await f(t); }'),
    ("template call", "co_await f<int, T>(x);"),
    ("array of nothing", "delete[] p; co_await f();"),
    ("preprocessor", "#define MAKE(x) \\\n    T{x}\nco_await f();"),
]

WHOLE_FILES = [
    ("constructor with braced members before a coroutine",
     "class A : public B {\npublic:\n    A(int x) : a_{x}, b_(x), c_{1, 2} { g(); }\n"
     "    awaitable<void> run() { co_await f(); }\nprivate:\n    int a_{1};\n"
     "    std::vector<int> c_ = {1, 2};\n};", []),
    ("function with a trailing type",
     "auto run(T t = {}) -> awaitable<void> {\n    T u{1};\n    co_await f();\n}", []),
    ("template function", "template <class T>\nawaitable<T> run(T t) {\n    co_await f();\n    T u{1};\n}", []),
    ("class with an attribute",
     "class [[nodiscard]] A {\n    awaitable<int> run() const {\n        co_return co_await f(T{1});\n    }\n};",
     [(3, "braces")]),
    ("nested namespaces", "namespace a::b {\nnamespace {\nawaitable<void> run() {\n    co_await f(c ? 1 : 2);\n}\n}\n}",
     [(4, "ternary")]),
    ("test case", 'TEST_CASE("a", "[b]") {\n    run([]() -> awaitable<void> {\n        co_await f(T{1});\n    });\n}',
     [(3, "braces")]),
    ("extern C", 'extern "C" {\nvoid g();\n}\nawaitable<void> run() { co_await f(); }', []),
    ("brace in a default argument", "awaitable<void> a(T t = T{1}) { co_await f(t); }\nT t{1};", []),
]


class CoAwaitCheck(unittest.TestCase):
    def test_finds_what_breaks(self):
        for name, code, kinds in BAD:
            with self.subTest(name):
                found = co_await_problems("awaitable<void> run() {\n" + code + "\n}\n")
                self.assertEqual(sorted(kind for _, kind in found), sorted(kinds))

    def test_leaves_the_rest_alone(self):
        for name, code in GOOD:
            with self.subTest(name):
                self.assertEqual(co_await_problems("awaitable<void> run() {\n" + code + "\n}\n"), [])

    def test_keeps_its_place_in_whole_files(self):
        for name, code, expected in WHOLE_FILES:
            with self.subTest(name):
                self.assertEqual(co_await_problems(code), expected)


if __name__ == "__main__":
    unittest.main()
