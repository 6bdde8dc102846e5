#include "methods.hpp"
#include "number_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace quicksilver::rules {

Value integer_from_real(Machine& m, double value) {
    if (std::isnan(value)) m.value_error("cannot convert float NaN to integer");
    if (std::isinf(value)) m.fail("overflow_error", "cannot convert float infinity to integer");
    if (value < -9223372036854775808.0 || value >= 9223372036854775808.0) {
        m.fail("limit_integer", "an integer beyond 64 bits");
    }
    return Value(static_cast<std::int64_t>(value));
}

namespace {

__extension__ using Wide = __int128;

Value do_abs(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "abs", a);
    arguments.count(1, 1).no_names();
    const Value value = arguments[0];
    if (value.is(Kind::real)) return Value(std::fabs(value.real()));
    if (!value.is_integral()) m.type_error(fmt::format("bad operand type for abs(): '{}'", type_name(value)));
    return value.integer() < 0 ? unary(m, Operator::minus, value) : Value(value.integer());
}

/// Halves go to the even neighbour, as Python rounds.
Value round_integer(Machine& m, std::int64_t value, std::int64_t digits) {
    if (digits >= 0) return Value(value);
    if (digits < -19) return Value(std::int64_t{0});
    Wide unit = 1;
    for (std::int64_t i = digits; i < 0; ++i) unit *= 10;
    Wide rest = static_cast<Wide>(value) % unit;
    if (rest < 0) rest += unit;
    Wide rounded = static_cast<Wide>(value) - rest;
    if (rest * 2 > unit || (rest * 2 == unit && (rounded / unit) % 2 != 0)) rounded += unit;
    if (rounded > std::numeric_limits<std::int64_t>::max() || rounded < std::numeric_limits<std::int64_t>::min()) {
        m.fail("limit_integer", "an integer beyond 64 bits");
    }
    return Value(static_cast<std::int64_t>(rounded));
}

Value round_real(Machine& m, double value, std::int64_t digits) {
    if (!std::isfinite(value) || value == 0) return Value(value);
    if (digits > 323) return Value(value);
    if (digits < -308) return Value(std::copysign(0.0, value));
    // The C library prints the exact value correctly rounded, halves to even: what CPython does.
    if (digits >= 0) return Value(to_real(fmt::format("{:.{}f}", value, digits)));
    const int exponent = std::stoi(fmt::format("{:.17e}", value).substr(fmt::format("{:.17e}", value).find('e') + 1));
    const std::int64_t precision = exponent + digits;
    double rounded = 0;
    if (precision >= 0) {
        rounded = to_real(fmt::format("{:.{}e}", value, precision));
    } else if (precision == -1) {
        const double unit = to_real(fmt::format("1e{}", -digits));
        rounded = std::fabs(value) > unit / 2 ? std::copysign(unit, value) : std::copysign(0.0, value);
    } else {
        rounded = std::copysign(0.0, value);
    }
    if (std::isinf(rounded)) m.fail("overflow_error", "rounded value too large to represent");
    return Value(rounded);
}

Value do_round(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "round", a);
    arguments.count(0, 2);
    const bool given = arguments.has(0) || arguments.has_named("number");
    const Value value = arguments.at_or_named(0, "number", Value());
    const Value digits = arguments.at_or_named(1, "ndigits", Value());
    arguments.finish();
    if (!given || !value.is_number()) {
        m.type_error(fmt::format("type {} doesn't define __round__ method", type_name(value)));
    }
    if (value.is_integral()) {
        return digits.is_none() ? Value(value.integer()) : round_integer(m, value.integer(), index_of(m, digits));
    }
    if (digits.is_none()) return integer_from_real(m, std::nearbyint(value.real()));
    return round_real(m, value.real(), index_of(m, digits));
}

Value modular_power(Machine& m, Value base, Value exponent, Value modulus) {
    const std::int64_t n = index_of(m, modulus);
    std::int64_t e = index_of(m, exponent);
    const std::int64_t b = index_of(m, base);
    if (n == 0) m.value_error("pow() 3rd argument cannot be 0");
    const auto floor_mod = [](Wide x, Wide y) {
        const Wide rest = x % y;
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
    };
    Wide factor = floor_mod(b, n);
    if (e < 0) {
        // The inverse by Euclid's algorithm.
        Wide r0 = n < 0 ? -static_cast<Wide>(n) : n, r1 = floor_mod(b, r0), t0 = 0, t1 = 1;
        while (r1 != 0) {
            const Wide q = r0 / r1;
            r0 -= q * r1;
            std::swap(r0, r1);
            t0 -= q * t1;
            std::swap(t0, t1);
        }
        if (r0 != 1) m.value_error("base is not invertible for the given modulus");
        factor = floor_mod(t0, n);
        e = -e;
    }
    const auto multiply = [&](Wide x, Wide y) { return floor_mod(x * y, n); };
    Wide result = floor_mod(1, n);
    for (; e > 0; e >>= 1) {
        if (e & 1) result = multiply(result, factor);
        factor = multiply(factor, factor);
    }
    return Value(static_cast<std::int64_t>(result));
}

Value do_pow(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "pow", a);
    arguments.count(0, 3);
    const std::size_t given = arguments.size() + a.named.size();
    const Value base = arguments.at_or_named(0, "base", Value());
    const Value exponent = arguments.at_or_named(1, "exp", Value());
    const Value modulus = arguments.at_or_named(2, "mod", Value());
    arguments.finish();
    if (given < 2) m.type_error("pow() needs a base and an exponent");
    if (modulus.is_none()) return power(m, base, exponent);
    return modular_power(m, base, exponent, modulus);
}

Value do_divmod(Machine& m, Arguments& a) {
    ArgumentReader arguments(m, "divmod", a);
    arguments.count(2, 2).no_names();
    if (!arguments[0].is_number() || !arguments[1].is_number()) {
        m.type_error(fmt::format("unsupported operand types for divmod(): '{}' and '{}'", type_name(arguments[0]),
                                 type_name(arguments[1])));
    }
    return m.make_tuple({binary(m, Operator::floor_divide, arguments[0], arguments[1]),
                         binary(m, Operator::modulo, arguments[0], arguments[1])});
}

}  // namespace

std::span<const Builtin> number_functions() {
    static constexpr std::array functions{
        Builtin{"abs", do_abs, FunctionKind::function, 0},
        Builtin{"divmod", do_divmod, FunctionKind::function, 0},
        Builtin{"pow", do_pow, FunctionKind::function, 0},
        Builtin{"round", do_round, FunctionKind::function, 0},
    };
    return functions;
}

}  // namespace quicksilver::rules
