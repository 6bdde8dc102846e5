#include "quicksilver/core/unique_id.hpp"

#include "quicksilver/core/dicom_uid.hpp"

#include "support/catch.hpp"

#include <set>
#include <thread>

TEST_CASE("Task ids are version 1 UUIDs and never repeat, also from several threads", "[core][id]") {
    std::vector<std::string> ids[4];
    std::vector<std::thread> threads;
    for (auto& mine : ids) {
        threads.emplace_back([&mine] {
            for (int i = 0; i < 2000; ++i) mine.push_back(quicksilver::make_task_id());
        });
    }
    for (auto& thread : threads) thread.join();
    std::set<std::string> all;
    for (const auto& mine : ids) all.insert(mine.begin(), mine.end());
    CHECK(all.size() == 8000);
    const std::string& id = ids[0].front();
    REQUIRE(id.size() == 36);
    CHECK(id[14] == '1');
    CHECK(id[8] == '-');
}

TEST_CASE("A UID that names a folder has no path characters", "[core][uid]") {
    CHECK(quicksilver::is_file_safe_uid("1.2.840.10008.5.1.4.1.1.2"));
    CHECK(quicksilver::is_file_safe_uid("1.02.a_b-c"));
    for (const char* bad : {"", ".", "..", ".1", "1/2", "1\\2", "1 2", "1\n2"}) {
        CAPTURE(bad);
        CHECK_FALSE(quicksilver::is_file_safe_uid(bad));
    }
    CHECK_FALSE(quicksilver::is_file_safe_uid(std::string(65, '1')));
}
