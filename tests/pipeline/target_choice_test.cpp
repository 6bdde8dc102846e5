#include "quicksilver/pipeline/target_choice.hpp"

#include "support/catch.hpp"

#include <fmt/format.h>

#include <map>

using namespace quicksilver;
using Names = std::vector<std::string>;

namespace {

struct Loads {
    std::map<std::string, TargetLoad> of;
    TargetLoad operator()(const std::string& name) const {
        const auto found = of.find(name);
        return found == of.end() ? TargetLoad{} : found->second;
    }
};

TargetConfig ordinary(Names failover) {
    TargetConfig target;
    target.name = "a";
    target.type = "dicom";
    target.failover = std::move(failover);
    return target;
}

TargetConfig group(GroupChoice choose, Names members = {"a", "b", "c"}) {
    TargetConfig target;
    target.name = "g";
    target.type = "group";
    target.members = std::move(members);
    target.choose = choose;
    return target;
}

constexpr TargetLoad down{true, false, 0};
constexpr TargetLoad paused{false, true, 0};
TargetLoad busy(std::size_t tasks) {
    return TargetLoad{false, false, tasks};
}

}  // namespace

TEST_CASE("The next target of the failover list takes over while the first is down", "[pipeline][choice]") {
    struct Case {
        Names failover;
        Loads loads;
        Names order;
    };
    const Case cases[] = {
        {{}, {}, {"a"}},
        {{}, {{{"a", down}}}, {}},
        {{"b", "c"}, {}, {"a", "b", "c"}},
        {{"b", "c"}, {{{"a", down}}}, {"b", "c"}},
        {{"b", "c"}, {{{"a", down}, {"b", down}}}, {"c"}},
        {{"b"}, {{{"a", paused}}}, {"a", "b"}},
        {{"b"}, {{{"a", busy(100)}}}, {"a", "b"}},
    };
    for (const Case& c : cases) CHECK(delivery_order(ordinary(c.failover), "p", c.loads) == c.order);
}

TEST_CASE("A group takes its members in their order, or the least busy first", "[pipeline][choice]") {
    struct Case {
        GroupChoice choose;
        Loads loads;
        Names order;
    };
    const Case cases[] = {
        {GroupChoice::in_order, {}, {"a", "b", "c"}},
        {GroupChoice::in_order, {{{"a", down}}}, {"b", "c"}},
        {GroupChoice::in_order, {{{"a", paused}}}, {"b", "c", "a"}},
        {GroupChoice::least_busy, {{{"a", busy(2)}, {"b", busy(1)}, {"c", busy(3)}}}, {"b", "a", "c"}},
        {GroupChoice::least_busy, {{{"a", busy(2)}, {"b", down}, {"c", busy(3)}}}, {"a", "c"}},
        {GroupChoice::least_busy, {{{"a", busy(1)}, {"b", paused}, {"c", busy(1)}}}, {"a", "c", "b"}},
    };
    for (const Case& c : cases) CHECK(delivery_order(group(c.choose), "p", c.loads) == c.order);
}

TEST_CASE("By patient, a patient's series go to one member, and patients spread over all", "[pipeline][choice]") {
    std::map<std::string, int> patients;
    for (int i = 0; i < 300; ++i) {
        const std::string patient = fmt::format("patient-{}", i);
        const std::string chosen = delivery_order(group(GroupChoice::by_patient), patient, Loads{}).front();
        CHECK(delivery_order(group(GroupChoice::by_patient), patient, Loads{{{"a", busy(9)}}}).front() == chosen);
        ++patients[chosen];
    }
    for (const char* member : {"a", "b", "c"}) CHECK(patients[member] > 60);
}

TEST_CASE("When a member is down only its patients go elsewhere", "[pipeline][choice]") {
    for (int i = 0; i < 100; ++i) {
        const std::string patient = fmt::format("patient-{}", i);
        const std::string before = delivery_order(group(GroupChoice::by_patient), patient, Loads{}).front();
        const Names now = delivery_order(group(GroupChoice::by_patient), patient, Loads{{{"b", down}}});
        if (before != "b") CHECK(now.front() == before);
        CHECK(now.size() == 2);
    }
}
