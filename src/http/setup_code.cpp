#include "quicksilver/http/setup_code.hpp"

#include "quicksilver/store/secrets.hpp"

namespace quicksilver {

void SetupCode::refresh(SteadyTime now) {
    const bool counts = !code_.empty() && tries_ < tries_max && now - made_ < lifetime;
    if (counts) return;
    code_ = secrets::random_code();
    made_ = now;
    tries_ = 0;
    announce_(code_);
}

bool SetupCode::matches(std::string_view code, SteadyTime now) {
    refresh(now);
    // Typed by people: case and hyphens do not count.
    std::string typed;
    for (const char c : code) {
        if (c == '-' || c == ' ') continue;
        if (typed.size() == 4 || typed.size() == 9) typed += '-';
        typed += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
    const bool matches = secrets::equal(typed, code_);
    if (!matches) ++tries_;
    return matches;
}

void SetupCode::retire() {
    code_.clear();
}

}  // namespace quicksilver
