"""Client quotas: who they are for, what they may be, and how they are found again. Nothing stays in the end."""

RATES = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate")


def entity(**names):
    return [{"entity_type": kind.replace("_", "-"), "entity_name": name} for kind, name in names.items()]


def op(key, value=0.0, remove=False):
    return {"key": key, "value": value, "remove": remove}


def alter(t, label, *entries, version=1, **fields):
    t.ask(label, "AlterClientQuotas", version, {"entries": [{"entity": who, "ops": list(ops)} for who, ops in entries], **fields})


def alter_client_quotas(t):
    alice = entity(user="quota-alice")
    for version in (0, 1):
        for key in RATES:
            alter(t, f"{key}-v{version}", (alice, [op(key, 1000)]), version=version)
        alter(t, f"removed-v{version}", (alice, [op(key, remove=True) for key in RATES]), version=version)
        alter(t, f"nothing-v{version}", version=version)
        alter(t, f"no-ops-v{version}", (alice, []), version=version)
    for name, who in {"client": entity(client_id="quota-c"), "both": entity(user="quota-u", client_id="quota-c"), "default-user": entity(user=None),
                      "default-client": entity(client_id=None), "default-both": entity(user=None, client_id=None),
                      "user-and-default-client": entity(user="quota-u", client_id=None), "default-user-and-client": entity(user=None, client_id="quota-c"),
                      "odd-name": entity(user="quota ä/%:é"), "long-name": entity(user="q" * 300)}.items():
        alter(t, f"set-{name}", (who, [op("producer_byte_rate", 5000)]))
        alter(t, f"unset-{name}", (who, [op("producer_byte_rate", remove=True)]))
        alter(t, f"address-rate-for-{name}", (who, [op("connection_creation_rate", 5)]))
    for name, who in {"address": entity(ip="10.1.2.3"), "default-address": entity(ip=None), "address-6": entity(ip="::1")}.items():
        alter(t, f"set-{name}", (who, [op("connection_creation_rate", 5)]))
        alter(t, f"unset-{name}", (who, [op("connection_creation_rate", remove=True)]))
        for key in RATES:
            alter(t, f"{key}-for-{name}", (who, [op(key, 5)]))
    for name, who in {"no-entity": [], "empty-user": entity(user=""), "empty-client": entity(client_id=""), "empty-address": entity(ip=""),
                      "unknown-kind": entity(group="x"), "empty-kind": [{"entity_type": "", "entity_name": "x"}],
                      "user-twice": entity(user="a") + entity(user="b"), "address-and-user": entity(ip="10.1.2.3", user="a"),
                      "address-and-client": entity(ip="10.1.2.3", client_id="a"), "word-as-address": entity(ip="nowhere invalid"),
                      "three": entity(user="a", client_id="b", ip="10.1.2.3")}.items():
        alter(t, f"for-{name}", (who, [op("producer_byte_rate", 5000)]), validate_only=True)
        alter(t, f"connections-for-{name}", (who, [op("connection_creation_rate", 5)]), validate_only=True)
    for name, value in {"zero": 0, "negative": -1, "half": 0.5, "one-and-a-half": 1.5, "infinite": float("inf"), "minus-infinite": float("-inf"),
                        "not-a-number": float("nan"), "large": 2.0 ** 63, "larger": 1e300, "small": 1e-300, "largest-whole": 9223372036854774784.0}.items():
        for key in RATES:
            alter(t, f"{key}-{name}", (alice, [op(key, value)]), validate_only=True)
        alter(t, f"connections-{name}", (entity(ip="10.1.2.3"), [op("connection_creation_rate", value)]), validate_only=True)
    alter(t, "unknown-key", (alice, [op("nothing", 5)]))
    alter(t, "empty-key", (alice, [op("", 5)]))
    alter(t, "remove-unknown-key", (alice, [op("nothing", remove=True)]))
    alter(t, "remove-unset", (alice, [op("producer_byte_rate", remove=True)]))
    alter(t, "remove-with-value", (alice, [op("producer_byte_rate", -5, remove=True)]))
    alter(t, "key-twice", (alice, [op("producer_byte_rate", 5000), op("producer_byte_rate", 6000)]))
    alter(t, "set-and-remove", (alice, [op("consumer_byte_rate", 5000), op("consumer_byte_rate", remove=True)]))
    alter(t, "good-and-bad-key", (alice, [op("producer_byte_rate", 7000), op("nothing", 5)]))
    alter(t, "good-and-bad-entity", (alice, [op("producer_byte_rate", 7000)]), (entity(user=""), [op("producer_byte_rate", 7000)]))
    alter(t, "entity-twice", (alice, [op("producer_byte_rate", 7000)]), (alice, [op("consumer_byte_rate", 7000)]), validate_only=True)
    alter(t, "three-keys", (alice, [op("request_percentage", 12.5), op("controller_mutation_rate", 1.5), op("consumer_byte_rate", 8000)]))
    alter(t, "validated", (alice, [op("producer_byte_rate", 9000)]), validate_only=True)
    of_alice = {"components": [{"entity_type": "user", "match_type": 0, "match": "quota-alice"}]}
    # Kafka's broker hears of a change a little after its controller has answered.
    t.until(lambda: len(t.ask(None, "DescribeClientQuotas", 1, of_alice)["entries"][0]["values"]) == 4, "the quotas")
    t.ask("after", "DescribeClientQuotas", 1, of_alice)
    alter(t, "cleaned", (alice, [op(key, remove=True) for key in RATES]))
    t.until(lambda: not t.ask(None, "DescribeClientQuotas", 1, of_alice)["entries"], "no quotas")
    t.ask("after-cleaning", "DescribeClientQuotas", 1, {"components": []})


def describe_client_quotas(t):
    wanted = [(entity(user="quota-a"), [op("producer_byte_rate", 1000), op("request_percentage", 50)]),
              (entity(user="quota-b"), [op("controller_mutation_rate", 2)]),
              (entity(user=None), [op("producer_byte_rate", 1_000_000_000)]),
              (entity(client_id="quota-c"), [op("consumer_byte_rate", 3000)]),
              (entity(client_id=None), [op("consumer_byte_rate", 1_000_000_000)]),
              (entity(user="quota-a", client_id="quota-c"), [op("producer_byte_rate", 4000)]),
              (entity(user=None, client_id="quota-c"), [op("producer_byte_rate", 5000)]),
              (entity(ip="10.1.2.3"), [op("connection_creation_rate", 100)]), (entity(ip=None), [op("connection_creation_rate", 1000)])]
    alter(t, "set", *wanted)
    t.until(lambda: len(t.ask(None, "DescribeClientQuotas", 1, {"components": []})["entries"] or ()) == len(wanted), "the quotas")

    def describe(label, *components, strict=False, version=1):
        t.ask(label, "DescribeClientQuotas", version, {"strict": strict, "components": [
            {"entity_type": kind, "match_type": match, "match": name} for kind, match, name in components]})

    for version in (0, 1):
        for strict in (False, True):
            how = f"{'strict' if strict else 'loose'}-v{version}"
            for name, components in {"all": [], "user": [("user", 0, "quota-a")], "users": [("user", 2, None)], "default-user": [("user", 1, None)],
                                     "client": [("client-id", 0, "quota-c")], "clients": [("client-id", 2, None)],
                                     "default-client": [("client-id", 1, None)], "user-and-client": [("user", 0, "quota-a"), ("client-id", 0, "quota-c")],
                                     "users-and-clients": [("user", 2, None), ("client-id", 2, None)], "nobody": [("user", 0, "quota-nobody")],
                                     "address": [("ip", 0, "10.1.2.3")], "addresses": [("ip", 2, None)], "default-address": [("ip", 1, None)]}.items():
                describe(f"{name}-{how}", *components, strict=strict, version=version)
    for name, components in {"user-twice": [("user", 0, "a"), ("user", 0, "b")], "unknown-kind": [("group", 2, None)], "empty-kind": [("", 2, None)],
                             "exact-without-name": [("user", 0, None)], "default-with-name": [("user", 1, "a")], "any-with-name": [("user", 2, "a")],
                             "match-3": [("user", 3, None)], "match-negative": [("user", -1, None)], "empty-user": [("user", 0, "")],
                             "empty-address": [("ip", 0, "")], "word-as-address": [("ip", 0, "nowhere invalid")],
                             "address-and-user": [("ip", 2, None), ("user", 2, None)], "address-and-client": [("ip", 2, None), ("client-id", 2, None)]}.items():
        describe(name, *components)
    alter(t, "cleaned", *((who, [op(each["key"], remove=True) for each in ops]) for who, ops in wanted))
    t.until(lambda: not t.ask(None, "DescribeClientQuotas", 1, {"components": []})["entries"], "no quotas")


def mutation_quotas(t):
    """11 seconds' worth may be created or deleted at once, and the last request may take more."""
    t.topics([("mutatee", 1, {})])

    def quota(label, client, *ops):
        alter(t, label, (entity(client_id=client), list(ops)))
        wanted = [op["key"] for op in ops if not op["remove"]]
        t.until(lambda: [value["key"] for each in t.ask(None, "DescribeClientQuotas", 1, {
            "components": [{"entity_type": "client-id", "match_type": 0, "match": client}]})["entries"] for value in each["values"]] == wanted, "the quota")

    def create(label, client, version, name, partitions, **fields):
        t.ask(label, "CreateTopics", version, {"topics": [{"name": name, "num_partitions": partitions}], **fields}, client=client, on=label)

    for version in (5, 6):  # the last that does not know of throttling, the first that does
        client = f"quota-mutations-{version}"
        quota(f"set-v{version}", client, op("controller_mutation_rate", 0.001))
        create(f"first-v{version}", client, version, f"mutatee-first-{version}", 2)
        create(f"second-v{version}", client, version, f"mutatee-second-{version}", 2)
        create(f"exists-v{version}", client, version, "mutatee", 2)
        create(f"invalid-v{version}", client, version, "a b", 2)
        create(f"validated-v{version}", client, version, f"mutatee-third-{version}", 2, validate_only=True)
        create(f"other-client-v{version}", "quota-other", version, f"mutatee-other-{version}", 2)
        t.ask(f"grow-v{version}", "CreatePartitions", version - 3, {"topics": [{"name": "mutatee", "count": version}]}, client=client, on=f"grow-{version}")
        t.ask(f"grow-validated-v{version}", "CreatePartitions", version - 3, {"topics": [{"name": "mutatee", "count": 9}], "validate_only": True},
              client=client, on=f"grow-validated-{version}")
        t.ask(f"grow-fewer-v{version}", "CreatePartitions", version - 3, {"topics": [{"name": "mutatee", "count": 1}]}, client=client, on=f"fewer-{version}")
        t.ask(f"delete-v{version}", "DeleteTopics", version - 1, {"topic_names": [f"mutatee-other-{version}"]}, client=client, on=f"delete-{version}")
        t.ask(f"delete-unknown-v{version}", "DeleteTopics", version - 1, {"topic_names": ["nowhere"]}, client=client, on=f"delete-unknown-{version}")
        quota(f"unset-v{version}", client, op("controller_mutation_rate", remove=True))


CASES = [alter_client_quotas, describe_client_quotas, mutation_quotas]
