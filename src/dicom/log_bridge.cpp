#include "log_bridge.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/helpers/loglog.h>
#include <dcmtk/oflog/nullap.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/spi/logevent.h>

#include <string_view>

namespace quicksilver::dicom {

namespace {

namespace oflog = dcmtk::log4cplus;

bool quotes_attribute_values(std::string_view logger) {
    return logger.find("dcmnet") == std::string_view::npos && logger.find("dcmtls") == std::string_view::npos;
}

LogLevel our_level(oflog::LogLevel level, std::string_view logger) {
    if (level < oflog::WARN_LOG_LEVEL || quotes_attribute_values(logger)) return LogLevel::trace;
    return level < oflog::ERROR_LOG_LEVEL ? LogLevel::debug : LogLevel::warn;
}

oflog::LogLevel lowest_level_of_interest(const Log& log) {
    if (log.enabled(LogLevel::trace)) return oflog::DEBUG_LOG_LEVEL;
    if (log.enabled(LogLevel::debug)) return oflog::WARN_LOG_LEVEL;
    if (log.enabled(LogLevel::warn)) return oflog::ERROR_LOG_LEVEL;
    return oflog::OFF_LOG_LEVEL;
}

/// DCMTK's sink that is our log.
class BridgeAppender final : public oflog::Appender {
public:
    explicit BridgeAppender(Log log) : log_(std::move(log)) {}
    ~BridgeAppender() override { destructorImpl(); }
    void close() override { closed = true; }

protected:
    void append(const oflog::spi::InternalLoggingEvent& event) override {
        const LogField origin = kv("logger", event.getLoggerName());
        switch (our_level(event.getLogLevel(), event.getLoggerName())) {
            case LogLevel::warn:
                return log_.warn(event.getMessage(), origin);
            case LogLevel::debug:
                return log_.debug(event.getMessage(), origin);
            default:
                return log_.trace(event.getMessage(), origin);
        }
    }

private:
    Log log_;
};

void replace_appenders(oflog::SharedAppenderPtr appender) {
    oflog::Logger root = oflog::Logger::getRoot();
    root.removeAllAppenders();
    root.addAppender(appender);
}

}  // namespace

void bridge_dcmtk_log(const Log& log) {
    // The logger's complaints about itself go to standard error otherwise.
    oflog::helpers::LogLog::getLogLog()->setQuietMode(true);
    replace_appenders(oflog::SharedAppenderPtr(new BridgeAppender(log)));
    follow_log_level(log);
}

void follow_log_level(const Log& log) {
    oflog::Logger::getRoot().setLogLevel(lowest_level_of_interest(log));
}

void silence_dcmtk_log() {
    oflog::Logger::getRoot().setLogLevel(oflog::OFF_LOG_LEVEL);
    replace_appenders(oflog::SharedAppenderPtr(new oflog::NullAppender));
}

}  // namespace quicksilver::dicom
