#include "commands/commands.hpp"

#include <CLI/CLI.hpp>

int main(int argc, char* argv[]) {
    CLI::App app("Quicksilver: a DICOM orchestrator. Receives images, decides by rules, delivers, cleans up.",
                 "quicksilver");
    app.require_subcommand(1);
    app.failure_message(CLI::FailureMessage::help);
    int status = 0;
    quicksilver::add_serve_command(app, status);
    quicksilver::add_demo_command(app, status);
    quicksilver::add_send_command(app, status);
    quicksilver::add_echo_command(app, status);
    quicksilver::add_tags_command(app, status);
    quicksilver::add_rule_command(app, status);
    quicksilver::add_config_command(app, status);
    quicksilver::add_user_command(app, status);
    quicksilver::add_tls_command(app, status);
    quicksilver::add_version_command(app, status);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong) == 0 ? 0 : 2;
    } catch (const std::exception& failed) {
        return quicksilver::fail(failed.what());
    }
    return status;
}
