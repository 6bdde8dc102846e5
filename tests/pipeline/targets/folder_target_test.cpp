#include "quicksilver/core/tags.hpp"
#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/pipeline/targets/target.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"
#include "support/temporary_folder.hpp"

#include <set>

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

struct Fixture {
    test::TemporaryFolder root;
    test::FailingFileOps ops;
    Delivery delivery;
    std::vector<std::string> confirmed;
    const StopFlag stop{false};

    Fixture() {
        test::require_dicom();
        dicom::PhantomOptions options;
        options.instances = 2;
        options.rows = options.columns = 16;
        delivery.folder = root / "task";
        delivery.instances = dicom::write_phantom_series(options, delivery.folder).value();
        test::write_file(delivery.folder / "task.json", "{}");
        test::write_file(delivery.folder / "sent.log", "");
        test::write_file(delivery.folder / "result.pdf", "a result that is no image");
        delivery.task.id = "0001";
        fs::create_directories(root / "share");
    }

    Result<Receipt> send(FileOps& file_ops, const std::string& filter = "") {
        CommitmentReports reports;
        TargetRegistry registry;
        register_builtin_targets(registry, file_ops, reports);
        TargetConfig config;
        config.name = "archive";
        config.type = "folder";
        config.settings = {{"folder", (root / "share").string()}, {"file_filter", filter}};
        auto target = registry.make(config, Config{});
        if (!target) return target.error();
        const auto record = [this](const std::string& file, std::uint16_t) { confirmed.push_back(file); };
        return (*target)->send(delivery, record, stop);
    }
    std::set<std::string> delivered(const std::string& folder = "0001") const {
        std::set<std::string> names;
        for (const auto& entry : fs::directory_iterator(root / "share" / folder)) names.insert(entry.path().filename());
        return names;
    }
    std::string name(std::size_t index, const char* extension) const {
        return delivery.instances[index].stem().string() + extension;
    }
};

}  // namespace

TEST_CASE("A folder target gets every file, tags beside each instance, and .complete", "[pipeline][targets]") {
    Fixture f;
    const auto receipt = f.send(f.ops);
    REQUIRE(receipt.ok());
    CHECK(receipt->instances == 2);
    CHECK(f.delivered() == std::set<std::string>({".complete", "task.json", "result.pdf", f.name(0, ".dcm"),
                                                  f.name(0, ".tags"), f.name(1, ".dcm"), f.name(1, ".tags")}));
    CHECK(f.confirmed.size() == 2);
    const auto copy = f.root / "share" / "0001" / f.name(0, ".dcm");
    CHECK(test::read_file(copy) == test::read_file(f.delivery.instances[0]));
    CHECK(test::read_file(f.root / "share" / "0001" / f.name(0, ".tags")).find("\"Modality\": \"CT\"") !=
          std::string::npos);
}

TEST_CASE("What the file filter names is left out", "[pipeline][targets]") {
    Fixture f;
    REQUIRE(f.send(f.ops, "*.tags, task.json,*.pdf").ok());
    CHECK(f.delivered() == std::set<std::string>({".complete", f.name(0, ".dcm"), f.name(1, ".dcm")}));
}

TEST_CASE("A task that is there already is confirmed, not delivered twice", "[pipeline][targets]") {
    Fixture f;
    REQUIRE(f.send(f.ops).ok());
    f.confirmed.clear();
    REQUIRE(f.send(f.ops).ok());
    CHECK(f.confirmed.size() == 2);
    CHECK(std::distance(fs::directory_iterator(f.root / "share"), {}) == 1);
}

TEST_CASE("A folder of the same name with other content is replaced, not taken for the delivery",
          "[pipeline][targets]") {
    Fixture f;
    REQUIRE(f.send(f.ops).ok());
    test::write_file(f.delivery.folder / "result.pdf", "a longer result, made by another run");
    REQUIRE(f.send(f.ops).ok());
    CHECK(test::read_file(f.root / "share" / "0001" / "result.pdf") == "a longer result, made by another run");
    CHECK(f.delivered().size() == 7);
}

TEST_CASE("Results in folders arrive in their folders", "[pipeline][targets]") {
    Fixture f;
    test::write_file(f.delivery.folder / "masks" / "liver" / "1.nii", "a mask");
    REQUIRE(f.send(f.ops).ok());
    CHECK(test::read_file(f.root / "share" / "0001" / "masks" / "liver" / "1.nii") == "a mask");
    CHECK(f.delivered().size() == 8);
}

TEST_CASE("Whatever fails, the folder appears whole or not at all, and the next attempt delivers it",
          "[pipeline][targets]") {
    for (const auto how : {test::FailingFileOps::How::once, test::FailingFileOps::How::disk_full}) {
        test::for_every_failure(how, [](test::FailingFileOps& ops) {
            Fixture f;
            const auto sent = f.send(ops);
            if (fs::exists(f.root / "share" / "0001")) CHECK(f.delivered().size() == 7);
            if (!sent) CHECK(f.confirmed.empty());
            ops.heal();
            REQUIRE(f.send(f.ops).ok());
            CHECK(f.delivered().size() == 7);
        });
    }
}

TEST_CASE("A share that is not mounted is a clear error", "[pipeline][targets]") {
    Fixture f;
    fs::remove(f.root / "share");
    const auto sent = f.send(f.ops);
    REQUIRE_FALSE(sent.ok());
    CHECK(sent.error().message.find("not a folder") != std::string::npos);
}
