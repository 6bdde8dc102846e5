#include "machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace quicksilver::rules {

namespace {

__extension__ using Wide = __int128;

Value narrow(Machine& machine, Wide value) {
    if (value < std::numeric_limits<std::int64_t>::min() || value > std::numeric_limits<std::int64_t>::max()) {
        machine.fail("limit_integer", "an integer beyond 64 bits: use float()");
    }
    return Value(static_cast<std::int64_t>(value));
}

[[noreturn]] void bad_operands(Machine& machine, Operator op, Value left, Value right) {
    machine.type_error(fmt::format("unsupported operand types for {}: '{}' and '{}'", to_string(op), type_name(left),
                                   type_name(right)));
}

bool is_set_like(Value v) {
    return v.is(Kind::set) || (v.is(Kind::view) && v.view().part != View::Part::values);
}

// Arithmetic ---------------------------------------------------------------------------------------------------------

/// The quotient of two integers, rounded once.
double divide_integers(std::int64_t a, std::int64_t b) {
    const auto exact = [](std::int64_t v) { return v >= -(std::int64_t{1} << 53) && v <= (std::int64_t{1} << 53); };
    if (exact(a) && exact(b)) return static_cast<double>(a) / static_cast<double>(b);
    const auto magnitude = [](std::int64_t v) {
        return v < 0 ? 0 - static_cast<std::uint64_t>(v) : static_cast<std::uint64_t>(v);
    };
    const std::uint64_t x = magnitude(a), y = magnitude(b);
    __extension__ using UnsignedWide = unsigned __int128;
    // At least 56 bits of quotient and one that says whether something is left: enough to round correctly.
    const int shift = std::max(0, 57 - (static_cast<int>(std::bit_width(x)) - static_cast<int>(std::bit_width(y))));
    const UnsignedWide scaled = static_cast<UnsignedWide>(x) << shift;
    auto quotient = static_cast<std::uint64_t>(scaled / y);
    const bool rest = scaled % y != 0;
    int exponent = -shift;
    if (quotient >> 62 == 0) {
        quotient <<= 1;
        --exponent;
    }
    const double value = std::ldexp(static_cast<double>(quotient | (rest ? 1U : 0U)), exponent);
    return (a < 0) != (b < 0) ? -value : value;
}

std::int64_t floor_remainder(std::int64_t a, std::int64_t b) {
    if (b == -1) return 0;
    const std::int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_remainder(double a, double b) {
    const double rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(0.0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

/// As CPython divides: the floor of the exact quotient, corrected for the rounding of the division.
double floor_quotient(double a, double b) {
    double rest = std::fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1.0;
    if (quotient == 0) return std::copysign(0.0, a / b);
    double floored = std::floor(quotient);
    if (quotient - floored > 0.5) floored += 1.0;
    return floored;
}

Value integer_power(Machine& machine, std::int64_t base, std::int64_t exponent) {
    Wide result = 1, factor = base;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) result = narrow(machine, result * factor).integer();
        if (exponent > 1) {
            if (factor == 0 || factor == 1) continue;
            if (factor == -1) {
                factor = 1;
                continue;
            }
            factor = narrow(machine, factor * factor).integer();
        }
    }
    return narrow(machine, result);
}

Value real_power(Machine& machine, double base, double exponent) {
    if (base == 0 && exponent < 0) {
        machine.fail("zero_division_error", "0.0 cannot be raised to a negative power");
    }
    if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
        machine.fail("unsupported", "complex numbers are not available in rules: a negative number has no such power");
    }
    const double result = std::pow(base, exponent);
    if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
        machine.fail("overflow_error", "the result is too large for a float");
    }
    return Value(result);
}

/// The operator has a limit, the function pow has none.
void check_exponent(Machine& machine, Value right) {
    if (right.is_number() && right.real() > static_cast<double>(machine.limits().exponent)) {
        machine.fail("limit_exponent", fmt::format("Invalid exponent, max exponent is {}", machine.limits().exponent));
    }
}

}  // namespace

Value power(Machine& machine, Value left, Value right) {
    if (!left.is_number() || !right.is_number()) bad_operands(machine, Operator::power, left, right);
    if (left.is_integral() && right.is_integral() && right.integer() >= 0) {
        return integer_power(machine, left.integer(), right.integer());
    }
    return real_power(machine, left.real(), right.real());
}

namespace {

Value arithmetic(Machine& machine, Operator op, Value left, Value right) {
    const bool integers = left.is_integral() && right.is_integral();
    const auto a = static_cast<Wide>(left.integer()), b = static_cast<Wide>(right.integer());
    switch (op) {
        case Operator::add:
            return integers ? narrow(machine, a + b) : Value(left.real() + right.real());
        case Operator::subtract:
            return integers ? narrow(machine, a - b) : Value(left.real() - right.real());
        case Operator::multiply:
            return integers ? narrow(machine, a * b) : Value(left.real() * right.real());
        default:
            break;
    }
    if (right.is_integral() ? right.integer() == 0 : right.real() == 0) {
        machine.fail("zero_division_error", fmt::format("division by zero in '{}'", to_string(op)));
    }
    switch (op) {
        case Operator::divide:
            return Value(integers ? divide_integers(left.integer(), right.integer()) : left.real() / right.real());
        case Operator::floor_divide:
            if (!integers) return Value(floor_quotient(left.real(), right.real()));
            return narrow(machine, (a - static_cast<Wide>(floor_remainder(left.integer(), right.integer()))) / b);
        default:
            return integers ? Value(floor_remainder(left.integer(), right.integer()))
                            : Value(floor_remainder(left.real(), right.real()));
    }
}

Value shift(Machine& machine, Operator op, Value left, Value right) {
    if (op == Operator::shift_left && right.is_number() && right.real() > static_cast<double>(machine.limits().shift)) {
        machine.fail("limit_shift", fmt::format("Invalid left shift, max left shift is {}", machine.limits().shift));
    }
    if (!left.is_integral() || !right.is_integral()) bad_operands(machine, op, left, right);
    const std::int64_t value = left.integer(), count = right.integer();
    if (count < 0) machine.value_error("negative shift count");
    if (op == Operator::shift_right)
        return Value(count > 63 ? (value < 0 ? std::int64_t{-1} : std::int64_t{0}) : value >> count);
    if (value == 0) return Value(std::int64_t{0});
    if (count > 63) machine.fail("limit_integer", "an integer beyond 64 bits: use float()");
    return narrow(machine, static_cast<Wide>(value) * (static_cast<Wide>(1) << count));
}

// Sequences and sets -------------------------------------------------------------------------------------------------

Value repeat(Machine& machine, Value sequence, std::int64_t count) {
    count = std::max<std::int64_t>(count, 0);
    const auto times = static_cast<std::uint64_t>(count);
    if (sequence.is(Kind::text)) {
        const Text& text = sequence.text();
        if (text.length != 0 && times > machine.limits().string_length / text.length) {
            machine.fail("limit_string", fmt::format("String length exceeded, max string length is {}",
                                                     machine.limits().string_length));
        }
        std::string out;
        for (std::uint64_t i = 0; text.length != 0 && i < times; ++i) out += text.bytes;
        return machine.make_text(std::move(out), text.length * times);
    }
    const std::vector<Value>& items = sequence.is(Kind::list) ? sequence.list().items : sequence.tuple().items;
    if (!items.empty() && times > machine.limits().memory_bytes / sizeof(Value) / items.size()) {
        machine.fail("limit_memory", "the repeated sequence is too long");
    }
    std::vector<Value> out;
    for (std::uint64_t i = 0; !items.empty() && i < times; ++i) out.insert(out.end(), items.begin(), items.end());
    return sequence.is(Kind::list) ? machine.make_list(std::move(out)) : machine.make_tuple(std::move(out));
}

Value concatenate(Machine& machine, Value left, Value right) {
    if (left.is(Kind::text)) {
        const Text &a = left.text(), &b = right.text();
        if (a.length + b.length > machine.limits().string_length) {
            machine.fail("limit_string", fmt::format("String length exceeded, max string length is {}",
                                                     machine.limits().string_length));
        }
        return machine.make_text(a.bytes + b.bytes, a.length + b.length);
    }
    std::vector<Value> out = left.is(Kind::list) ? left.list().items : left.tuple().items;
    const std::vector<Value>& tail = left.is(Kind::list) ? right.list().items : right.tuple().items;
    out.insert(out.end(), tail.begin(), tail.end());
    return left.is(Kind::list) ? machine.make_list(std::move(out)) : machine.make_tuple(std::move(out));
}

Value combine_sets(Machine& machine, Operator op, Value left, Value right) {
    const bool frozen = left.is(Kind::set) && left.set().frozen;
    const Value other = make_set(machine, right, true);
    Set& result = machine.make<Set>();
    result.frozen = frozen;
    const auto in = [&](Set& set, Value key) { return set.table.find(machine, key) != nullptr; };
    const Value mine = make_set(machine, left, true);
    for (const Table::Entry& entry : mine.set().table.entries) {
        machine.step();
        const bool both = op == Operator::bit_or || in(other.set(), entry.key) == (op == Operator::bit_and);
        if (both) result.table.set(machine, entry.key, Value());
    }
    if (op == Operator::bit_or || op == Operator::bit_xor) {
        for (const Table::Entry& entry : other.set().table.entries) {
            machine.step();
            if (op == Operator::bit_or || !in(mine.set(), entry.key)) result.table.set(machine, entry.key, Value());
        }
    }
    return Value(Kind::set, &result);
}

Value bitwise(Machine& machine, Operator op, Value left, Value right) {
    if (left.is_integral() && right.is_integral()) {
        const std::int64_t a = left.integer(), b = right.integer();
        const std::int64_t value = op == Operator::bit_and ? (a & b) : op == Operator::bit_or ? (a | b) : (a ^ b);
        return left.is(Kind::boolean) && right.is(Kind::boolean) ? Value(value != 0) : Value(value);
    }
    if (is_set_like(left) && is_set_like(right)) return combine_sets(machine, op, left, right);
    // dict.keys() and .items() take anything that can be iterated.
    if (left.is(Kind::view) && is_set_like(left)) return combine_sets(machine, op, left, right);
    if (op == Operator::bit_or && left.is(Kind::dict) && right.is(Kind::dict)) {
        Dict& merged = machine.make<Dict>();
        for (const Value part : {left, right}) {
            for (const Table::Entry& entry : part.dict().table.entries)
                merged.table.set(machine, entry.key, entry.value);
        }
        return Value(Kind::dict, &merged);
    }
    bad_operands(machine, op, left, right);
}

// Order --------------------------------------------------------------------------------------------------------------

bool ordered(Operator op, int order) {
    if (order == 2) return false;
    switch (op) {
        case Operator::less:
            return order < 0;
        case Operator::less_equal:
            return order <= 0;
        case Operator::greater:
            return order > 0;
        default:
            return order >= 0;
    }
}

bool compare_sequences(Machine& machine, Operator op, const std::vector<Value>& a, const std::vector<Value>& b) {
    const Machine::Nested guard(machine);
    const std::size_t shared = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < shared; ++i) {
        machine.step();
        if (!same(machine, a[i], b[i])) return compare(machine, op, a[i], b[i]);
    }
    return ordered(op, a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0);
}

bool is_subset(Machine& machine, Set& a, Set& b) {
    return std::all_of(a.table.entries.begin(), a.table.entries.end(),
                       [&](const Table::Entry& entry) { return b.table.find(machine, entry.key) != nullptr; });
}

bool compare_sets(Machine& machine, Operator op, Value left, Value right) {
    if (op == Operator::greater || op == Operator::greater_equal) {
        std::swap(left, right);
        op = op == Operator::greater ? Operator::less : Operator::less_equal;
    }
    const Value a = make_set(machine, left, true), b = make_set(machine, right, true);
    const std::size_t x = a.set().table.entries.size(), y = b.set().table.entries.size();
    return (op == Operator::less ? x < y : x <= y) && is_subset(machine, a.set(), b.set());
}

}  // namespace

Value unary(Machine& machine, Operator op, Value operand) {
    if (op == Operator::logical_not) return Value(!truth(machine, operand));
    if (operand.is(Kind::real) && op != Operator::invert)
        return Value(op == Operator::minus ? -operand.real() : operand.real());
    if (!operand.is_integral()) {
        machine.type_error(fmt::format("bad operand type for unary {}: '{}'", to_string(op), type_name(operand)));
    }
    if (op == Operator::plus) return Value(operand.integer());
    if (op == Operator::invert) return Value(~operand.integer());
    return narrow(machine, -static_cast<Wide>(operand.integer()));
}

Value binary(Machine& machine, Operator op, Value left, Value right) {
    const auto is_sequence = [](Value v) { return v.is(Kind::text) || v.is(Kind::list) || v.is(Kind::tuple); };
    switch (op) {
        case Operator::power:
            check_exponent(machine, right);
            return power(machine, left, right);
        case Operator::shift_left:
        case Operator::shift_right:
            return shift(machine, op, left, right);
        case Operator::bit_and:
        case Operator::bit_or:
        case Operator::bit_xor:
            return bitwise(machine, op, left, right);
        case Operator::matrix_multiply:
            bad_operands(machine, op, left, right);
        default:
            break;
    }
    if (left.is_number() && right.is_number()) return arithmetic(machine, op, left, right);
    if (op == Operator::add && left.kind() == right.kind() && is_sequence(left))
        return concatenate(machine, left, right);
    if (op == Operator::multiply && is_sequence(left) && right.is_integral())
        return repeat(machine, left, right.integer());
    if (op == Operator::multiply && is_sequence(right) && left.is_integral())
        return repeat(machine, right, left.integer());
    if (op == Operator::subtract && is_set_like(left) && (is_set_like(right) || left.is(Kind::view))) {
        return combine_sets(machine, op, left, right);
    }
    if (op == Operator::modulo && left.is(Kind::text)) {
        return machine.make_text(percent_format(machine, left.text().bytes, right));
    }
    bad_operands(machine, op, left, right);
}

bool compare(Machine& machine, Operator op, Value left, Value right) {
    switch (op) {
        case Operator::equal:
            return equal(machine, left, right);
        case Operator::not_equal:
            // nan is unequal to itself.
            return !equal(machine, left, right);
        case Operator::is:
            return identical(left, right);
        case Operator::is_not:
            return !identical(left, right);
        case Operator::in:
            return contains(machine, right, left);
        case Operator::not_in:
            return !contains(machine, right, left);
        default:
            break;
    }
    if (left.is_number() && right.is_number()) return ordered(op, compare_numbers(left, right));
    if (is_set_like(left) && is_set_like(right)) return compare_sets(machine, op, left, right);
    if (left.kind() == right.kind()) {
        if (left.is(Kind::text)) {
            // Code points order like their UTF-8.
            machine.step(std::min(left.text().bytes.size(), right.text().bytes.size()) / 1024);
            const int order = left.text().bytes.compare(right.text().bytes);
            return ordered(op, order < 0 ? -1 : order > 0 ? 1 : 0);
        }
        if (left.is(Kind::list)) return compare_sequences(machine, op, left.list().items, right.list().items);
        if (left.is(Kind::tuple)) return compare_sequences(machine, op, left.tuple().items, right.tuple().items);
    }
    machine.type_error(
        fmt::format("'{}' not supported between '{}' and '{}'", to_string(op), type_name(left), type_name(right)));
}

bool contains(Machine& machine, Value container, Value item) {
    switch (container.kind()) {
        case Kind::text:
            if (!item.is(Kind::text)) {
                machine.type_error(fmt::format("'in <text>' needs a text on its left side, not {}", type_name(item)));
            }
            machine.step_search(container.text().bytes.size(), item.text().bytes.size());
            return container.text().bytes.find(item.text().bytes) != std::string::npos;
        case Kind::dict:
            return container.dict().table.find(machine, item) != nullptr;
        case Kind::set:
            if (item.is(Kind::set)) item = make_set(machine, item, true);
            return container.set().table.find(machine, item) != nullptr;
        case Kind::range: {
            if (!item.is_number()) return false;
            const Range& range = container.range();
            const double real = item.real();
            if (item.is(Kind::real) && (real != std::floor(real) || std::fabs(real) > 9e18)) return false;
            const std::int64_t value = item.is(Kind::real) ? static_cast<std::int64_t>(real) : item.integer();
            const Wide offset = static_cast<Wide>(value) - range.start;
            return offset % range.step == 0 && offset / range.step >= 0 && offset / range.step < range.length;
        }
        case Kind::tags:
            hash(machine, item);
            return item.is(Kind::text) && machine.tags().contains(to_utf8(item.text().bytes));
        case Kind::view:
            if (container.view().part == View::Part::keys) {
                return container.view().dict->table.find(machine, item) != nullptr;
            }
            break;
        case Kind::list:
        case Kind::tuple:
        case Kind::iterator:
        case Kind::undefined:
            break;
        default:
            machine.type_error(fmt::format("argument of type '{}' is not iterable", type_name(container)));
    }
    Iterator& source = iterate(machine, container);
    Value element;
    while (source.next(machine, element)) {
        machine.step();
        if (same(machine, element, item)) return true;
    }
    return false;
}

}  // namespace quicksilver::rules
