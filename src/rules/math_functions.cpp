#include "methods.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

namespace quicksilver::rules {

namespace {

double number_of(Machine& m, Value value) {
    if (!value.is_number()) m.type_error(fmt::format("must be real number, not {}", type_name(value)));
    return value.real();
}

/// C's function with Python's errors: a nan from a number, or an infinity at a pole, is a domain error; an infinity
/// from a finite number elsewhere is an overflow.
template <double (*f)(double), bool may_overflow = false>
Value real_function(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "this function", a);
    arguments.count(1, 1).no_names();
    const double x = number_of(m, arguments[0]);
    const double result = f(x);
    if (std::isnan(result) && !std::isnan(x)) m.value_error("math domain error");
    if (std::isinf(result) && std::isfinite(x)) {
        if (may_overflow) m.fail("overflow_error", "math range error");
        m.value_error("math domain error");
    }
    return Value(result);
}

double logarithm(Machine& m, Value value, double (*f)(double)) {
    const double x = number_of(m, value);
    if (x <= 0) m.value_error("math domain error");
    return f(x);
}

Value do_log(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "log", a);
    arguments.count(1, 2).no_names();
    const double numerator = logarithm(m, arguments[0], std::log);
    if (!arguments.has(1)) return Value(numerator);
    const double denominator = logarithm(m, arguments[1], std::log);
    return binary(m, Operator::divide, Value(numerator), Value(denominator));
}

template <double (*f)(double)>
Value do_logarithm(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "log", a);
    arguments.count(1, 1).no_names();
    return Value(logarithm(m, arguments[0], f));
}

Value do_atan2(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "atan2", a);
    arguments.count(2, 2).no_names();
    const double y = number_of(m, arguments[0]);
    return Value(std::atan2(y, number_of(m, arguments[1])));
}

template <double (*f)(double)>
Value to_integer_by(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "this function", a);
    arguments.count(1, 1).no_names();
    const Value value = arguments[0];
    if (value.is_integral()) return Value(value.integer());
    return integer_from_real(m, f(number_of(m, value)));
}

Value do_isinf(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "isinf", a);
    arguments.count(1, 1).no_names();
    return Value(std::isinf(number_of(m, arguments[0])));
}

Value do_isnan(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "isnan", a);
    arguments.count(1, 1).no_names();
    return Value(std::isnan(number_of(m, arguments[0])));
}

Value do_factorial(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "factorial", a);
    arguments.count(1, 1).no_names();
    const std::int64_t n = index_of(m, arguments[0]);
    if (n < 0) m.value_error("factorial() not defined for negative values");
    if (n > 20) m.fail("limit_integer", "an integer beyond 64 bits");
    std::int64_t result = 1;
    for (std::int64_t i = 2; i <= n; ++i) result *= i;
    return Value(result);
}

constexpr Builtin function(std::string_view name, Function call) {
    return {name, call, FunctionKind::function, 0};
}
constexpr Builtin constant(std::string_view name, double value) {
    return {name, nullptr, FunctionKind::constant, value};
}

}  // namespace

std::span<const Builtin> math_functions() {
    static constexpr std::array functions{
        function("sqrt", real_function<std::sqrt>),
        function("ceil", to_integer_by<std::ceil>),
        function("floor", to_integer_by<std::floor>),
        function("trunc", to_integer_by<std::trunc>),
        function("log", do_log),
        function("log10", do_logarithm<std::log10>),
        function("log2", do_logarithm<std::log2>),
        function("exp", real_function<std::exp, true>),
        function("sin", real_function<std::sin>),
        function("cos", real_function<std::cos>),
        function("tan", real_function<std::tan>),
        function("asin", real_function<std::asin>),
        function("acos", real_function<std::acos>),
        function("atan", real_function<std::atan>),
        function("atan2", do_atan2),
        constant("pi", 3.141592653589793),
        constant("e", 2.718281828459045),
        function("isinf", do_isinf),
        function("isnan", do_isnan),
        function("fabs", real_function<std::fabs>),
        function("factorial", do_factorial),
    };
    return functions;
}

}  // namespace quicksilver::rules
