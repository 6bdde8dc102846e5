"""Configuration from outside: reload, refusal, checking, showing, origins, first start, one server a data folder."""

import json
import unittest

from server import PATIENCE_S, SystemTest, config, delivered, quicksilver, wait_until

# The file that mercure's installer puts in place, as far as it says anything about routing.
MERCURE_DEFAULT = {
    "appliance_name": "mercure-appliance", "port": 11112, "incoming_folder": "/opt/mercure/data/incoming",
    "studies_folder": "/opt/mercure/data/studies", "outgoing_folder": "/opt/mercure/data/outgoing",
    "success_folder": "/opt/mercure/data/success", "error_folder": "/opt/mercure/data/error",
    "discard_folder": "/opt/mercure/data/discard", "processing_folder": "/opt/mercure/data/processing",
    "jobs_folder": "/opt/mercure/data/jobs", "router_scan_interval": 1, "dispatcher_scan_interval": 1,
    "cleaner_scan_interval": 60, "retention": 259200, "emergency_clean_percentage": 90, "retry_delay": 900,
    "retry_max": 5, "series_complete_trigger": 60, "study_complete_trigger": 900, "study_forcecomplete_trigger": 5400,
    "dicom_receiver": {"additional_tags": {}}, "graphite_ip": "", "graphite_port": 2003,
    "bookkeeper": "0.0.0.0:8080", "bookkeeper_api_key": "BOOKKEEPER_TOKEN_PLACEHOLDER", "offpeak_start": "22:00",
    "offpeak_end": "06:00", "targets": {}, "rules": {}, "modules": {}, "process_runner": "docker",
    "features": {"dummy_target": False}, "processing_logs": {"discard_logs": False},
}


class Reload(SystemTest):
    def setUp(self):
        super().setUp()
        self.out, self.target = self.folder_target("out")
        self.server = self.start_server(self.settings({"none": {"rule": "False", "target": "out"}}))

    def settings(self, rules):
        return config(targets={"out": self.target}, rules=rules)

    def test_a_new_rule_counts_after_sighup(self):
        self.server.write_config(self.settings({"all": {"rule": "True", "target": "out"}}))
        self.server.reload()
        self.server.wait_for_log("configuration taken over")
        self.server.send(*self.make_series(instances=1))
        delivered(self.out, 1)

    def test_a_new_rule_counts_when_the_file_changes(self):
        self.server.write_config(self.settings({"all": {"rule": "True", "target": "out"}}))
        self.server.wait_for_log("configuration taken over")
        self.server.send(*self.make_series(instances=1))
        delivered(self.out, 1)

    def test_a_file_that_is_wrong_is_refused_and_the_old_configuration_goes_on(self):
        self.server.write_config(self.settings({"all": {"rule": "True", "target": "out"}}))
        self.server.reload()
        self.server.wait_for_log("configuration taken over")
        for wrong, said in (("{", "quicksilver.json"), (config(port=99999), "port: "),
                            (config(targets={"t": {}}), "targets.t")):
            with self.subTest(said):
                self.server.write_config(wrong)
                self.server.reload()
                self.server.wait_for_log(said)
                wait_until(lambda: self.server.metrics()["quicksilver_config_last_reload_successful"] == 0,
                           "the metric tells of the refusal")
        self.server.send(*self.make_series(instances=1))
        delivered(self.out, 1)
        self.server.write_config(self.settings({"all": {"rule": "True", "target": "out"}}))
        self.server.reload()
        wait_until(lambda: self.server.metrics()["quicksilver_config_last_reload_successful"] == 1,
                   "the metric tells of the success")

    def test_a_setting_that_needs_a_restart_says_so(self):
        settings = self.settings({})
        settings["dicom"]["max_associations"] = 7
        self.server.write_config(settings)
        self.server.reload()
        self.server.wait_for_log("dicom.max_associations")


class Start(SystemTest):
    def test_the_first_start_makes_a_configuration_that_a_second_one_uses(self):
        made = self.folder / "data" / "config" / "quicksilver.json"
        server = self.start_server(arguments=("--set", "port=0", "--set", "http.port=0"))
        self.assertTrue(made.exists())
        self.assertEqual(server.stop(), 0)
        content = made.read_text()
        server.start()
        self.assertEqual(made.read_text(), content)
        checked = quicksilver("config", "check", made)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_a_second_server_on_the_same_data_folder_is_told_the_pid_of_the_first(self):
        first = self.start_server(config())
        second = self.make_server().launch()
        self.assertEqual(second.process.wait(PATIENCE_S), 1)
        self.assertIn(f"pid {first.process.pid}", second.log())
        self.assertEqual(first.get("/readyz")[0], 200)

    def test_a_data_folder_is_free_again_after_a_crash(self):
        server = self.start_server(config())
        server.kill()
        server.start()
        self.assertIn("last_stop=crash", server.log())

    def test_the_command_line_goes_over_the_environment_and_that_over_the_file(self):
        server = self.start_server(
            config(appliance_name="file", dicom={"address": "127.0.0.1", "ae_title": "FILE"}),
            environment={"QUICKSILVER_APPLIANCE_NAME": "environment", "QUICKSILVER_DICOM__AE_TITLE": "ENVIRONMENT"},
            arguments=("--set", "appliance_name=command line"))
        shown = quicksilver(
            "config", "show", "--json", "--config", server.config_file, "--data", server.data,
            "--set", "appliance_name=command line",
            env={"QUICKSILVER_APPLIANCE_NAME": "environment", "QUICKSILVER_DICOM__AE_TITLE": "ENVIRONMENT"})
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("command line", shown.stdout)
        self.assertIn("ENVIRONMENT", shown.stdout)
        self.assertNotIn('"file"', shown.stdout.replace('"origin": "file"', ""))

    def test_a_configuration_that_is_wrong_stops_the_start_with_every_problem(self):
        server = self.make_server(config(port=99999, retry_delay="soon")).launch()
        self.assertEqual(server.process.wait(PATIENCE_S), 1)
        self.assertIn("port: ", server.log())
        self.assertIn("retry_delay: ", server.log())


class Commands(SystemTest):
    def file(self, content):
        path = self.folder / "mercure.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def test_mercures_default_file_passes(self):
        checked = quicksilver("config", "check", self.file(MERCURE_DEFAULT))
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_every_problem_is_listed_with_its_path(self):
        wrong = {"port": 70000, "retention": [], "targets": {"t": {"target_type": "dicom", "port": "x"}},
                 "rules": {"r": {"rule": "True", "action": "rout", "target": "t"}}}
        checked = quicksilver("config", "check", self.file(wrong))
        self.assertEqual(checked.returncode, 1)
        for path in ("port: ", "retention: ", "targets.t.ip: ", "targets.t.port: ", "rules.r.action: "):
            self.assertIn(path, checked.stdout + checked.stderr)

    def test_a_rule_that_cannot_be_parsed_is_a_warning_that_says_where(self):
        # mercure runs with such a rule, which then never triggers.
        checked = quicksilver("config", "check", self.file({"rules": {"r": {"rule": "tags.Modality = = 'CT'"}}}))
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertRegex(checked.stdout + checked.stderr, r"rules\.r\.rule: line 1, column 17: [ -~]+ '='")

    def test_slips_in_rules_are_warnings_that_say_what_to_do(self):
        study = {"rule": "True", "action_trigger": "study", "study_trigger_condition": "received_series"}
        rules = {
            "assigns": {"rule": "tags.Modality = 'CT'"},
            "misspelt": {"rule": "tags.Modalty == 'CT'"},
            "unfinished": dict(study, study_trigger_series="'T1' and"),
            "empty": study,
            "a/b": {"rule": "True", "action_trigger": "study"},
        }
        checked = quicksilver("config", "check", self.file({"rules": rules}))
        said = checked.stdout + checked.stderr
        self.assertEqual(checked.returncode, 0, said)
        for pattern in (r"rules\.assigns\.rule: .*write '=='", r"rules\.misspelt\.rule: Modalty is no keyword",
                        r"rules\.unfinished\.study_trigger_series: is no condition",
                        r"rules\.empty\.study_trigger_series: names no series",
                        r"rules\.a/b\.action_trigger: .*rename the rule"):
            self.assertRegex(said, pattern)

    def test_rules_may_ask_for_anything_that_can_be_in_a_header(self):
        asked = ("tags.modality == 'CT' and tags['0018,0080'] and @SenderAET@ and '(0019,100c,X)' in tags and "
                 "tags['RequestAttributesSequence[0].ScheduledProcedureStepID'] and tags.Rows and %ImageType%")
        checked = quicksilver("config", "check", self.file({"rules": {"r": {"rule": asked}}}))
        self.assertNotIn("no keyword", checked.stdout + checked.stderr)

    def test_problems_are_there_for_machines_too(self):
        checked = quicksilver("config", "check", self.file({"port": 70000, "prot": 1}), "--json")
        self.assertEqual(checked.returncode, 1)
        text = json.dumps(json.loads(checked.stdout))
        self.assertIn('"port"', text)
        self.assertIn('"prot"', text)

    def test_a_file_that_is_not_there_fails(self):
        checked = quicksilver("config", "check", self.folder / "nothing.json")
        self.assertEqual(checked.returncode, 1)
        self.assertIn("nothing.json", checked.stdout + checked.stderr)

    def test_show_masks_secrets(self):
        path = self.file({"bookkeeper_api_key": "very-secret", "influxdb_token": "also-secret"})
        for arguments in ((), ("--json",)):
            shown = quicksilver("config", "show", "--config", path, "--data", self.folder, *arguments)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn("bookkeeper_api_key", shown.stdout)
            self.assertNotIn("-secret", shown.stdout)


if __name__ == "__main__":
    unittest.main()
