#include "quicksilver/pipeline/module_slots.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("A module runs as often at a time as it may", "[pipeline][module_slots]") {
    ModuleSlots slots;
    const SlotNeeds one{"seg", 1, 0, ""};
    CHECK(slots.fits(one, 0));
    slots.take(one);
    CHECK_FALSE(slots.fits(one, 0));
    CHECK(slots.fits(SlotNeeds{"other", 1, 0, ""}, 0));
    slots.give_back(one);
    CHECK(slots.fits(one, 0));
    CHECK(slots.runs_of("seg") == 0);
}

TEST_CASE("Graphics processors are shared out, and too large a wish gets all", "[pipeline][module_slots]") {
    ModuleSlots slots;
    const SlotNeeds two{"a", 0, 2, ""};
    const SlotNeeds nine{"b", 0, 9, ""};
    CHECK(slots.fits(nine, 3));
    slots.take(two);
    CHECK(slots.gpus() == 2);
    CHECK_FALSE(slots.fits(two, 3));
    CHECK(slots.fits(SlotNeeds{"c", 0, 1, ""}, 3));
    CHECK(slots.fits(SlotNeeds{"c", 0, 0, ""}, 2));
    CHECK_FALSE(slots.fits(nine, 3));
    CHECK(slots.fits(two, 0));
}

TEST_CASE("A persistence folder has one user at a time", "[pipeline][module_slots]") {
    ModuleSlots slots;
    const SlotNeeds keeps{"a", 0, 0, "shared"};
    slots.take(keeps);
    CHECK_FALSE(slots.fits(SlotNeeds{"b", 0, 0, "shared"}, 0));
    CHECK(slots.fits(SlotNeeds{"b", 0, 0, "other"}, 0));
    slots.give_back(keeps);
    CHECK(slots.fits(keeps, 0));
}
