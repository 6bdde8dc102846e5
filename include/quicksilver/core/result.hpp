#pragma once

#include <string>
#include <utility>
#include <variant>

namespace quicksilver {

/// What kind of failure it was, for code that has to choose; people read the message.
enum class Errc {
    invalid,         ///< input that can never work: a bad file, expression, setting
    not_found,       ///< the file, target, rule … does not exist
    already_exists,  ///< the name is taken
    io,              ///< the operating system refused; the message carries its reason
    no_space,        ///< disk full, or below the configured reserve
    network,         ///< the peer cannot be reached, or went away
    refused,         ///< the peer answered no
    timed_out,       ///< the peer did not answer in time
    cancelled,       ///< the server is stopping, or a person asked for it
    busy,            ///< a limit is reached; the same may work later
};

/// An expected failure: what was being done, to what, and what the reader can do about it.
struct Error {
    Errc code = Errc::invalid;
    std::string message;
};

/// A value, or the reason why there is none. Bugs are asserts, expected failures are Results, the rest throws.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& { return std::get<1>(state_); }
    Error&& error() && { return std::get<1>(std::move(state_)); }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), ok_(false) {}

    bool ok() const { return ok_; }
    explicit operator bool() const { return ok_; }
    const Error& error() const& { return error_; }
    Error&& error() && { return std::move(error_); }

private:
    Error error_;
    bool ok_ = true;
};

}  // namespace quicksilver
