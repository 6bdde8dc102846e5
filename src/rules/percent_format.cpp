#include "format_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace quicksilver::rules {

namespace {

class PercentFormatter {
public:
    PercentFormatter(Machine& machine, std::string_view pattern, Value arguments)
        : m_(machine), pattern_(to_characters(pattern)), arguments_(arguments) {
        if (arguments.is(Kind::tuple))
            items_ = arguments.tuple().items;
        else
            items_ = {arguments};
        // Python takes everything with [] for a mapping, except texts and tuples, and then allows unused arguments.
        mapping_ = arguments.is(Kind::dict) || arguments.is(Kind::list) || arguments.is(Kind::range) ||
                   arguments.is(Kind::tags);
    }

    std::string run() {
        while (position_ < pattern_.size()) {
            const char32_t c = pattern_[position_++];
            if (c != U'%')
                append_character(out_, c);
            else
                conversion();
            if (out_.size() > m_.limits().string_length * 4) too_wide(m_);
        }
        if (next_ < items_.size() && !mapping_) {
            m_.type_error("not all arguments converted during string formatting");
        }
        return std::move(out_);
    }

private:
    char32_t take() {
        if (position_ >= pattern_.size()) m_.value_error("incomplete format");
        return pattern_[position_++];
    }
    char32_t here() const { return position_ < pattern_.size() ? pattern_[position_] : U'\0'; }

    Value argument() {
        if (keyed_) return *keyed_;
        if (next_ >= items_.size()) m_.type_error("not enough arguments for format string");
        return items_[next_++];
    }

    void conversion() {
        Specification spec;
        bool left = false, plus = false, blank = false;
        keyed_.reset();
        if (here() == U'%') {
            ++position_;
            out_ += '%';
            return;
        }
        if (here() == U'(') key();
        for (;; ++position_) {
            if (here() == U'-')
                left = true;
            else if (here() == U'+')
                plus = true;
            else if (here() == U' ')
                blank = true;
            else if (here() == U'#')
                spec.alternate = true;
            else if (here() == U'0')
                spec.zero = true;
            else
                break;
        }
        spec.width = amount();
        if (spec.width < 0) {
            left = true;
            spec.width = -spec.width;
        }
        if (here() == U'.') {
            ++position_;
            spec.precision = std::max<std::int64_t>(amount(), 0);
        }
        while (here() == U'h' || here() == U'l' || here() == U'L') ++position_;
        const char32_t type = take();
        spec.sign = plus ? '+' : blank ? ' ' : '\0';
        spec.align = left ? '<' : '\0';
        spec.type = type < 0x80 ? static_cast<char>(type) : '?';
        const Value value = argument();
        out_ += convert(value, spec, left);
    }

    void key() {
        if (!mapping_) m_.type_error("format requires a mapping");
        ++position_;
        std::u32string name;
        for (unsigned depth = 1; depth > 0;) {
            const char32_t c = position_ < pattern_.size() ? pattern_[position_++] : U'\0';
            if (c == U'\0') m_.value_error("incomplete format key");
            depth += c == U'(' ? 1 : 0;
            depth -= c == U')' ? 1 : 0;
            if (depth > 0) name += c;
        }
        keyed_ = subscript(m_, arguments_, m_.make_text(to_text(name)));
    }

    /// A number or `*`.
    std::int64_t amount() {
        if (here() != U'*') return read_number(m_, pattern_, position_);
        ++position_;
        const Value value = argument();
        if (!value.is_integral()) m_.type_error("* wants int");
        if (std::abs(value.integer()) > static_cast<std::int64_t>(m_.limits().string_length)) too_wide(m_);
        return value.integer();
    }

    std::string convert(Value value, Specification spec, bool left) {
        const char align = left ? '<' : '>';
        switch (spec.type) {
            case 's':
                return text(to_str(m_, value), spec, align);
            case 'r':
            case 'a':
                return text(repr(m_, value), spec, align);
            case 'c':
                return text(character(value), spec, align);
            case 'd':
            case 'i':
            case 'u':
            case 'o':
            case 'x':
            case 'X':
                return integer(value, spec, left);
            case 'e':
            case 'E':
            case 'f':
            case 'F':
            case 'g':
            case 'G':
                return real(value, spec, left);
            default:
                m_.value_error(fmt::format("unsupported format character '{}'", spec.type));
        }
    }

    std::string text(const std::string& value, Specification spec, char align) {
        if (spec.type == 'c') spec.precision = -1;
        spec.type = 's';
        spec.sign = '\0';
        spec.alternate = false;
        spec.align = align;
        return format_text(m_, value, spec);
    }

    std::string character(Value value) {
        std::string out;
        if (value.is_integral()) {
            if (value.integer() < 0 || value.integer() > 0x10FFFF) {
                m_.fail("overflow_error", "%c arg not in range(0x110000)");
            }
            append_character(out, static_cast<char32_t>(value.integer()));
            return out;
        }
        if (!value.is(Kind::text) || value.text().length != 1) m_.type_error("%c requires int or char");
        return value.text().bytes;
    }

    std::string integer(Value value, Specification spec, bool left) {
        const bool decimal = spec.type == 'd' || spec.type == 'i' || spec.type == 'u';
        if (value.is(Kind::real) && decimal) {
            if (!std::isfinite(value.real())) {
                m_.fail(std::isnan(value.real()) ? "value_error" : "overflow_error", "cannot convert float to integer");
            }
            if (std::fabs(value.real()) >= 9.2e18) m_.fail("limit_integer", "an integer beyond 64 bits");
            value = Value(static_cast<std::int64_t>(value.real()));
        }
        if (!value.is_integral()) {
            m_.type_error(fmt::format("%{} format: a number is required, not {}", spec.type, type_name(value)));
        }
        if (decimal) spec.type = 'd';
        NumberText number = split_integer(value.integer(), spec);
        if (spec.precision > static_cast<std::int64_t>(number.whole.size())) {
            number.whole.insert(0, static_cast<std::size_t>(spec.precision) - number.whole.size(), '0');
        }
        return finish(number, spec, left);
    }

    std::string real(Value value, Specification spec, bool left) {
        if (!value.is_number()) m_.type_error(fmt::format("must be real number, not {}", type_name(value)));
        return finish(split_real(m_, value.real(), spec), spec, left);
    }

    std::string finish(const NumberText& number, Specification spec, bool left) {
        spec.zero = spec.zero && !left;
        spec.fill = spec.zero ? U'0' : U' ';
        return assemble(m_, number, spec);
    }

    Machine& m_;
    std::u32string pattern_;
    Value arguments_;
    std::vector<Value> items_;
    std::optional<Value> keyed_;
    bool mapping_ = false;
    std::size_t position_ = 0, next_ = 0;
    std::string out_;
};

}  // namespace

std::string percent_format(Machine& machine, std::string_view pattern, Value arguments) {
    return PercentFormatter(machine, pattern, arguments).run();
}

}  // namespace quicksilver::rules
