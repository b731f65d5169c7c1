"""kafka-configs for everything but topics and groups, and kafka-features where it changes something. Needs Java, and Maven Central once."""

import unittest

import clusters
import java_tools_test


class Configs(java_tools_test.Kafkas):
    def configs(self, *arguments, **how):
        return self.tool("kafka.admin.ConfigCommand", *arguments, **how)

    def refused(self, *arguments):
        done = self.configs(*arguments, check=False)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stdout + done.stderr

    def test_quotas_of_addresses(self):
        one, default = ("--entity-type", "ips", "--entity-name", "10.1.2.3"), ("--entity-type", "ips", "--entity-default")
        self.configs(*one, "--alter", "--add-config", "connection_creation_rate=5")
        self.configs(*default, "--alter", "--add-config", "connection_creation_rate=500")
        out = self.configs("--entity-type", "ips", "--describe")
        self.assertIn("Quota configs for ip '10.1.2.3' are connection_creation_rate=5.0", out)
        self.assertIn("Quota configs for the default ip are connection_creation_rate=500.0", out)
        for entity in (one, default):
            self.configs(*entity, "--alter", "--delete-config", "connection_creation_rate")
        self.assertNotIn("connection_creation_rate", self.configs("--entity-type", "ips", "--describe"))
        self.assertIn("producer_byte_rate", self.refused(*one, "--alter", "--add-config", "producer_byte_rate=5"))

    def test_default_quotas_of_users_and_clients(self):
        users, clients = ("--entity-type", "users", "--entity-default"), ("--entity-type", "clients", "--entity-default")
        wanted = ((users, "producer_byte_rate=1000000000", "producer_byte_rate=1.0E9"), (clients, "request_percentage=5000.5", "request_percentage=5000.5"),
                  ((*users, *clients), "controller_mutation_rate=5000", "controller_mutation_rate=5000.0"))
        for entity, setting, _ in wanted:
            self.configs(*entity, "--alter", "--add-config", setting)
        for entity, _, shown in wanted:
            self.assertIn(shown, self.configs(*entity, "--describe"))
        for entity, setting, _ in wanted:
            self.configs(*entity, "--alter", "--delete-config", setting.split("=")[0])
        self.assertNotIn("=", self.configs("--entity-type", "users", "--describe"))

    def test_settings_of_the_broker(self):
        one, default = ("--entity-type", "brokers", "--entity-name", 1), ("--entity-type", "brokers", "--entity-default")
        self.configs(*one, "--alter", "--add-config", "message.max.bytes=2000000")
        self.configs(*default, "--alter", "--add-config", "log.retention.ms=70000000,message.max.bytes=3000000")
        own = self.configs(*one, "--describe")
        self.assertRegex(own, r"(?m)^  message\.max\.bytes=2000000 sensitive=false synonyms=\{DYNAMIC_BROKER_CONFIG:message\.max\.bytes=2000000, "
                              r"DYNAMIC_DEFAULT_BROKER_CONFIG:message\.max\.bytes=3000000, ")
        self.assertRegex(self.configs(*default, "--describe"), r"(?m)^  log\.retention\.ms=70000000 sensitive=false")
        self.kcat("-P", "-t", self.topic, "-X", "message.max.bytes=3000000", stdin=b"x" * 1_500_000)  # more than before
        self.configs(*one, "--alter", "--delete-config", "message.max.bytes")
        self.assertNotIn("2000000", self.configs(*one, "--describe"))
        self.configs(*default, "--alter", "--delete-config", "message.max.bytes,log.retention.ms")
        self.assertNotIn("log.retention.ms", self.configs(*default, "--describe"))
        self.assertIn("Cannot update these configs dynamically", self.refused(*one, "--alter", "--add-config", "log.dirs=/elsewhere"))
        self.assertIn("message.max.bytes", self.refused(*one, "--alter", "--add-config", "message.max.bytes=many"))
        self.assertIn("other", self.refused("--entity-type", "brokers", "--entity-name", "other", "--alter", "--add-config", "message.max.bytes=1000"))

    def test_levels_of_loggers(self):
        loggers = ("--entity-type", "broker-loggers", "--entity-name", 1)
        self.assertRegex(self.configs(*loggers, "--describe"), r"(?m)^  root=INFO sensitive=false")
        self.configs(*loggers, "--alter", "--add-config", "root=DEBUG")
        self.assertRegex(self.configs(*loggers, "--describe"), r"(?m)^  root=DEBUG sensitive=false")
        self.configs(*loggers, "--alter", "--add-config", "root=INFO")
        self.assertRegex(self.configs(*loggers, "--describe"), r"(?m)^  root=INFO sensitive=false")
        self.assertIn("no.such.logger", self.refused(*loggers, "--alter", "--add-config", "no.such.logger=DEBUG"))
        self.assertIn("LOUD", self.refused(*loggers, "--alter", "--add-config", "root=LOUD"))
        self.assertIn("root", self.refused(*loggers, "--alter", "--delete-config", "root"))


class Features(java_tools_test.Kafkas):
    def features(self, *arguments, fails=False):
        done = self.tool("FeatureCommand", *arguments, check=False)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def level(self, name):
        out = self.features("describe")
        return [line.split("FinalizedVersionLevel: ")[1].split()[0] for line in out.splitlines() if line.startswith(f"Feature: {name}")]

    def test_down_and_up(self):
        name = "transaction.version"
        self.assertEqual(self.level(name), ["2"])
        self.assertIn(f"{name} can be downgraded to 1.", self.features("downgrade", "--feature", f"{name}=1", "--dry-run"))
        self.assertEqual(self.level(name), ["2"])
        self.assertIn(f"{name} was downgraded to 1.", self.features("downgrade", "--feature", f"{name}=1"))
        self.assertEqual(self.level(name), ["1"])
        self.assertIn(f"{name} was upgraded to 2.", self.features("upgrade", "--feature", f"{name}=2"))
        self.assertEqual(self.level(name), ["2"])

    def test_what_cannot_be(self):
        self.assertIn("Could not upgrade transaction.version to 9.", self.features("upgrade", "--feature", "transaction.version=9", fails=True))
        self.assertIn("Could not upgrade no.such.feature to 1.", self.features("upgrade", "--feature", "no.such.feature=1", fails=True))
        self.assertIn("Could not upgrade transaction.version to 1.", self.features("upgrade", "--feature", "transaction.version=1", fails=True))
        self.assertEqual(self.level("transaction.version"), ["2"])


if __name__ == "__main__":
    unittest.main()
