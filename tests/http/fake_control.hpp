#pragma once

#include "quicksilver/http/control.hpp"

#include <string>
#include <vector>

namespace quicksilver::test {

/// A pipeline that notes what it was told, and knows one study.
struct FakeControl final : Control {
    using Answer = boost::asio::awaitable<Result<void>>;

    Answer pause(Stage stage) override { return note(stage == Stage::process ? "pause process" : "pause dispatch"); }
    Answer resume(Stage stage) override { return note(stage == Stage::process ? "resume process" : "resume dispatch"); }
    std::vector<CollectedStudyView> studies() const override { return collected; }
    Answer complete_study(std::string id) override { return on_study("complete", id); }
    Answer discard_study(std::string id) override { return on_study("discard", id); }
    Answer extend_study(std::string id) override { return on_study("extend", id); }

    std::vector<CollectedStudyView> collected;
    std::vector<std::string> told;

private:
    Answer note(std::string what) {
        told.push_back(what);
        co_return Result<void>();
    }
    Answer on_study(std::string what, std::string id) {
        told.push_back(what + " " + id);
        for (const CollectedStudyView& study : collected) {
            if (study.id == id) co_return Result<void>();
        }
        co_return Error{Errc::not_found, "There is no such study."};
    }
};

}  // namespace quicksilver::test
