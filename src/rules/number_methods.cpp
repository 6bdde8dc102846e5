#include "methods.hpp"

#include <array>
#include <bit>
#include <cmath>

namespace quicksilver::rules {

namespace {

std::uint64_t magnitude(std::int64_t value) {
    return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

Value do_bit_length(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "bit_length", a).count(0, 0).no_names();
    return Value(static_cast<std::int64_t>(std::bit_width(magnitude(self.integer()))));
}

Value do_bit_count(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "bit_count", a).count(0, 0).no_names();
    return Value(static_cast<std::int64_t>(std::popcount(magnitude(self.integer()))));
}

Value do_conjugate(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "conjugate", a).count(0, 0).no_names();
    return self.is(Kind::real) ? self : Value(self.integer());
}

Value do_integer_ratio(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "as_integer_ratio", a).count(0, 0).no_names();
    return m.make_tuple({Value(self.integer()), Value(std::int64_t{1})});
}

Value do_is_integer(Machine& m, Value self, Arguments& a) {
    ArgumentReader(m, "is_integer", a).count(0, 0).no_names();
    return Value(std::isfinite(self.real()) && self.real() == std::floor(self.real()));
}

}  // namespace

std::span<const MethodEntry> integer_methods() {
    static constexpr std::array methods{
        MethodEntry{"as_integer_ratio", do_integer_ratio}, MethodEntry{"bit_count", do_bit_count},
        MethodEntry{"bit_length", do_bit_length}, MethodEntry{"conjugate", do_conjugate}};
    return methods;
}

std::span<const MethodEntry> real_methods() {
    static constexpr std::array methods{MethodEntry{"conjugate", do_conjugate},
                                        MethodEntry{"is_integer", do_is_integer}};
    return methods;
}

}  // namespace quicksilver::rules
