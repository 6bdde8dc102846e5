#include "pipeline/runners/docker_runner.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("Paths are given to the engine as it sees them", "[pipeline][runners]") {
    const std::vector<PathMount> mounts{{"/data", "/srv/volume"}, {"/data/processing", "/fast"}};
    CHECK(path_for_engine("/data/processing/t/in", mounts) == "/fast/t/in");
    CHECK(path_for_engine("/data/persistence/x", mounts) == "/srv/volume/persistence/x");
    CHECK(path_for_engine("/data", mounts) == "/srv/volume");
    CHECK(path_for_engine("/database/x", mounts) == "/database/x");
    CHECK(path_for_engine("/data/x", {}) == "/data/x");
}

TEST_CASE("The container that we run in is known by what its engine mounts", "[pipeline][runners]") {
    const std::string id(64, 'a');
    const std::string root =
        "633 605 0:116 / / rw - overlay overlay rw,lowerdir=/var/lib/containers/storage/overlay/l/X\n";
    const std::string docker =
        "640 633 8:1 /var/lib/docker/containers/" + id + "/hostname /etc/hostname rw - ext4 /dev/x rw\n";
    const std::string podman = "641 633 0:26 /containers/overlay-containers/" + id + "/userdata/hosts /etc/hosts rw\n";
    CHECK(container_id_of(root + docker) == id);
    CHECK(container_id_of(root + podman) == id);
    CHECK(container_id_of(root).empty());
    CHECK(container_id_of("").empty());
}

TEST_CASE("A run is found again by the labels of its container", "[pipeline][runners]") {
    const RunId run{"task-1", 2, "attempt-1"};
    CHECK(run_of(nlohmann::json(labels_of(run, "here"))) == run);
    CHECK_FALSE(run_of(nlohmann::json::object()));
    CHECK_FALSE(run_of({{"quicksilver.task", "t"}, {"quicksilver.step", "x"}}));
    CHECK_FALSE(run_of(nullptr));
}

TEST_CASE("The time of a log line becomes one that the engine can be asked with", "[pipeline][runners]") {
    CHECK(unix_time_of("1970-01-02T00:00:01.000000005Z") == "86401.000000005");
    CHECK(unix_time_of("1970-01-01T00:00:00Z") == "0.0");
    CHECK(unix_time_of("1970-01-01T00:00:00+01:00").empty());
    CHECK(unix_time_of("hello").empty());
}
