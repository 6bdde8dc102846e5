#include "dicom/log_bridge.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/oflog.h>

#include <string>
#include <vector>

using namespace quicksilver;

namespace {

struct Line {
    LogLevel level;
    std::string area, message;
};

class CapturingLog final : public LogSink {
public:
    explicit CapturingLog(LogLevel level) { set_level(level); }
    void write(LogLevel level, std::string_view area, std::string_view message,
               std::initializer_list<LogField>) override {
        lines.push_back({level, std::string(area), std::string(message)});
    }

    std::vector<Line> lines;
};

/// DCMTK's messages go to `sink` for the length of a test.
class Bridge {
public:
    explicit Bridge(LogLevel level) : sink(std::make_shared<CapturingLog>(level)), log(sink, "dcmtk") {
        dicom::bridge_dcmtk_log(log);
    }
    ~Bridge() { dicom::silence_dcmtk_log(); }
    Bridge(const Bridge&) = delete;
    Bridge& operator=(const Bridge&) = delete;

    std::shared_ptr<CapturingLog> sink;
    Log log;
};

void log_everything(const char* logger_name) {
    OFLogger logger = OFLog::getLogger(logger_name);
    OFLOG_ERROR(logger, "error");
    OFLOG_WARN(logger, "warning");
    OFLOG_INFO(logger, "info");
    OFLOG_DEBUG(logger, "debug");
    OFLOG_TRACE(logger, "dump");
}

}  // namespace

TEST_CASE("What DCMTK says about data sets appears at trace level only", "[dicom][log]") {
    test::require_dicom();
    const Bridge bridge(LogLevel::debug);
    log_everything("dcmtk.dcmdata");
    CHECK(bridge.sink->lines.empty());

    bridge.sink->set_level(LogLevel::trace);
    dicom::follow_log_level(bridge.log);
    log_everything("dcmtk.dcmdata");
    REQUIRE(bridge.sink->lines.size() == 4);
    for (const Line& line : bridge.sink->lines) CHECK(line.level == LogLevel::trace);
    CHECK(bridge.sink->lines.front().area == "dcmtk");
    CHECK(bridge.sink->lines.front().message == "error");
}

TEST_CASE("Of the network, DCMTK's errors are warnings and its warnings debug", "[dicom][log]") {
    test::require_dicom();
    const Bridge bridge(LogLevel::debug);
    log_everything("dcmtk.dcmnet");
    REQUIRE(bridge.sink->lines.size() == 2);
    CHECK(bridge.sink->lines[0].level == LogLevel::warn);
    CHECK(bridge.sink->lines[1].level == LogLevel::debug);
}

TEST_CASE("Messages that nobody will see are not composed", "[dicom][log]") {
    test::require_dicom();
    const Bridge bridge(LogLevel::warn);
    CHECK_FALSE(OFLog::getLogger("dcmtk.dcmnet").isEnabledFor(OFLogger::WARN_LOG_LEVEL));
    CHECK(OFLog::getLogger("dcmtk.dcmnet").isEnabledFor(OFLogger::ERROR_LOG_LEVEL));
}
