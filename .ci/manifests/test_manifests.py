"""The checks of the manifests find what they are for: each rule refuses a pod that is otherwise in order."""
import copy
import pathlib
import subprocess
import tempfile
import unittest

import arguments
import check
import house
import objects
import pod_security
import schemas

SOUND = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{
        "name": "main",
        "image": house.PLACEHOLDER,
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "1Mi"}},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": 80}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }],
    "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "csi": {"driver": "csi.tonari.dev"}}],
}


def put(path, value):
    """The sound pod with a value at a path such as "containers.0.ports"."""
    spec = copy.deepcopy(SOUND)
    *above, last = path.split(".")
    place = spec
    for part in above:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    if isinstance(place, list):
        place.append(value)
    else:
        place[last] = value
    return spec


# Each rule with pods that it refuses.
REFUSED = {
    "HostProcess": [
        put("securityContext.windowsOptions", {"hostProcess": True}),
        put("containers.0.securityContext.windowsOptions", {"hostProcess": True}),
    ],
    "Host Namespaces": [put("hostNetwork", True), put("hostPID", True), put("hostIPC", True)],
    "Privileged Containers": [put("containers.0.securityContext.privileged", True)],
    "Capabilities": [put("containers.0.securityContext.capabilities.add", ["SYS_ADMIN"])],
    "HostPath Volumes": [put("volumes.2", {"name": "c", "hostPath": {"path": "/run/tonari"}})],
    "Host Ports": [put("containers.0.ports", [{"containerPort": 80, "hostPort": 80}])],
    "Host Probes / Lifecycle Hooks": [
        put("containers.0.readinessProbe", {"httpGet": {"host": "10.0.0.1", "port": 80}}),
        put("containers.0.lifecycle", {"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}}),
    ],
    "AppArmor": [put("securityContext.appArmorProfile", {"type": "Unconfined"})],
    "SELinux": [
        put("securityContext.seLinuxOptions", {"type": "spc_t"}),
        put("containers.0.securityContext.seLinuxOptions", {"user": "system_u"}),
        put("containers.0.securityContext.seLinuxOptions", {"role": "system_r"}),
    ],
    "/proc Mount Type": [put("containers.0.securityContext.procMount", "Unmasked")],
    "Seccomp": [put("containers.0.securityContext.seccompProfile", {"type": "Unconfined"})],
    "Sysctls": [put("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}])],
    "Volume Types": [put("volumes.2", {"name": "c", "nfs": {"server": "a", "path": "/"}})],
    "Privilege Escalation": [
        put("containers.0.securityContext.allowPrivilegeEscalation", True),
        put("initContainers", [{"name": "init", "securityContext": {"capabilities": {"drop": ["ALL"]}}}]),
    ],
    "Running as Non-root": [
        put("securityContext.runAsNonRoot", None), put("containers.0.securityContext.runAsNonRoot", False),
    ],
    "Running as Non-root user": [
        put("securityContext.runAsUser", 0), put("containers.0.securityContext.runAsUser", 0),
    ],
    "Seccomp (restricted)": [put("securityContext.seccompProfile", None)],
    "Capabilities (restricted)": [
        put("containers.0.securityContext.capabilities", {"drop": ["NET_RAW"]}),
        put("containers.0.securityContext.capabilities.add", ["CHOWN"]),
    ],
}


class PodSecurity(unittest.TestCase):
    def test_a_sound_pod_violates_nothing_in_any_version(self):
        for version in schemas.VERSIONS:
            self.assertEqual(list(pod_security.violations({}, SOUND, "restricted", version)), [])

    def test_each_rule_refuses_its_pods(self):
        rules = [rule for level in pod_security.RULES.values() for rule in level]
        self.assertEqual(sorted(rules), sorted(REFUSED))
        for rule, specs in REFUSED.items():
            for spec in specs:
                found = list(pod_security.violations({}, spec, "restricted", (1, 36)))
                self.assertTrue([f for f in found if f.startswith(rule + ": ")], f"{rule}: {found}")

    def test_privileged_refuses_nothing_and_baseline_what_is_below_it(self):
        for rule, specs in REFUSED.items():
            for spec in specs:
                self.assertEqual(list(pod_security.violations({}, spec, "privileged", (1, 36))), [])
                found = list(pod_security.violations({}, spec, "baseline", (1, 36)))
                self.assertEqual(bool(found), rule in pod_security.RULES["baseline"], rule)

    def test_rules_hold_from_their_version_on(self):
        probe = put("containers.0.readinessProbe", {"tcpSocket": {"host": "a", "port": 1}})
        sysctl = put("securityContext.sysctls", [{"name": "net.ipv4.tcp_fin_timeout", "value": "1"}])
        engine = put("securityContext.seLinuxOptions", {"type": "container_engine_t"})
        for spec, before, after, refused_after in [
            (probe, (1, 33), (1, 34), True), (sysctl, (1, 28), (1, 29), False), (engine, (1, 30), (1, 31), False),
        ]:
            self.assertEqual(bool(list(pod_security.violations({}, spec, "baseline", before))), not refused_after)
            self.assertEqual(bool(list(pod_security.violations({}, spec, "baseline", after))), refused_after)

    def test_an_apparmor_annotation_counts(self):
        metadata = {"annotations": {pod_security.APPARMOR_ANNOTATION + "main": "unconfined"}}
        self.assertEqual(len(list(pod_security.violations(metadata, SOUND, "baseline", (1, 25)))), 1)


def deployment(spec=SOUND, replicas=1, name="web"):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "tonari"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": copy.deepcopy(spec)}},
    }


NAMESPACE = {
    "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tonari", "labels": {check.ENFORCE: "restricted"}}}
DENY = {
    "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "all", "namespace": "tonari"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
BUDGET = {
    "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": "tonari"},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}}


def faults(*documents):
    found, unchecked = check.check([objects.Manifest("test", [copy.deepcopy(d) for d in documents])])
    return [fault for _, _, fault in found], unchecked


class House(unittest.TestCase):
    def test_what_is_in_order_has_no_fault(self):
        self.assertEqual(faults(NAMESPACE, DENY, deployment())[0], [])

    def test_each_rule_finds_what_it_is_for(self):
        spread = put("topologySpreadConstraints", [
            {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}])
        self.assertEqual(faults(NAMESPACE, DENY, BUDGET, deployment(spread, 2))[0], [])
        bare = put("containers.0.livenessProbe", None)
        del bare["containers"][0]["livenessProbe"]
        for rule, documents in [
            ("image", [DENY, deployment(put("containers.0.image", "ghcr.io/tonari/tonari:0.1.0"))]),
            ("resources", [DENY, deployment(put("containers.0.resources", {}))]),
            ("probes", [DENY, deployment(bare)]),
            ("priority class", [DENY, deployment(put("priorityClassName", "system-cluster-critical"))]),
            ("priority class", [DENY, deployment(put("priorityClassName", "nowhere"))]),
            ("disruption", [DENY, deployment(spread, 2)]),
            ("disruption", [DENY, BUDGET, deployment(SOUND, 2)]),
            ("network policy", [deployment()]),
            ("secrets", [DENY, deployment(put("volumes.2", {"name": "c", "secret": {"secretName": "nobodys"}}))]),
            ("plain text", [DENY, deployment(put("containers.0.args", ["selector", "--insecure"]))]),
        ]:
            found = faults(NAMESPACE, *documents)[0]
            self.assertTrue(found and all(f.startswith(rule + ": ") for f in found), f"{rule}: {found}")

    def test_an_envoy_that_believes_what_clients_say_is_a_fault(self):
        def envoy(extensions):
            type = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
            return {"listeners": [{"filters": [{"typed_config": {"@type": type, **extensions}}]}]}

        remove = {"typed_config": {"mutations": [{"remove": "x-tonari-hops"}]}}
        self.assertEqual(list(house.stripped(envoy({"early_header_mutation_extensions": [remove]}))), [])
        (fault,) = house.stripped(envoy({}))
        self.assertIn("listeners[0].filters[0].typed_config", fault)

    def test_a_scheduler_that_asks_in_plain_text_is_a_fault(self):
        configuration = {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"scheduler.yaml": "extenders:\n- urlPrefix: http://tonari-extender.tonari.svc/scheduler\n"}}
        self.assertEqual(len(faults(configuration)[0]), 1)


class Levels(unittest.TestCase):
    def test_pods_are_held_to_what_their_namespace_enforces(self):
        rooted = deployment(put("volumes.2", {"name": "c", "hostPath": {"path": "/"}}))
        self.assertTrue(any("violates PodSecurity" in f for f in faults(NAMESPACE, DENY, rooted)[0]))
        self.assertTrue(any("violates PodSecurity" in f for f in faults(DENY, rooted)[0]))
        open_namespace = copy.deepcopy(NAMESPACE)
        open_namespace["metadata"]["labels"][check.ENFORCE] = "privileged"
        found = faults(open_namespace, DENY, rooted)[0]
        self.assertEqual(len(found), 1)
        self.assertIn(check.REASON, found[0])
        open_namespace["metadata"]["annotations"] = {check.REASON: "it mounts"}
        self.assertEqual(faults(open_namespace, DENY, rooted)[0], [])

    def test_a_namespace_without_a_level_is_a_fault(self):
        self.assertEqual(len(faults({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})[0]), 1)


DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.tonari.dev"},
    "spec": {
        "group": "tonari.dev", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object", "required": ["spec"], "properties": {"spec": {
                "type": "object", "properties": {
                    "weight": {"type": "number", "maximum": 10}, "port": {"x-kubernetes-int-or-string": True},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}}}}}}}}]},
}


class Schemas(unittest.TestCase):
    def test_there_are_schemas_of_each_version(self):
        for version in schemas.VERSIONS:
            self.assertIsNotNone(schemas.built_in("Deployment", "apps/v1", version), version)

    def test_a_field_that_is_misspelled_is_a_fault(self):
        for field in ["replica", "spec"]:
            document = deployment()
            document["spec"][field] = 2
            self.assertIn("1.25 to 1.37", faults(NAMESPACE, DENY, document)[0][0])

    def test_a_kind_that_a_version_lacks_is_a_fault_unless_it_says_since_when(self):
        policy = {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": "a"}, "spec": {}}
        self.assertTrue([f for f in faults(policy)[0] if "no such kind (Kubernetes 1.25 to 1.35)" in f])
        policy["metadata"]["annotations"] = {"tonari.dev/since": "1.36"}
        self.assertFalse([f for f in faults(policy)[0] if "no such kind" in f])
        budget = {**BUDGET, "apiVersion": "policy/v1beta1"}
        self.assertTrue([f for f in faults(budget)[0] if "no such kind" in f])

    def test_custom_resources_are_held_to_their_definition(self):
        def thing(spec):
            return {"apiVersion": "tonari.dev/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec}
        sound = thing({"weight": 1, "port": "http", "labels": {"a": "b"}})
        self.assertEqual(faults(DEFINITION, sound)[0], [])
        for spec in [{"weight": 11}, {"wait": 1}, {"labels": {"a": 1}}]:
            self.assertEqual(len(faults(DEFINITION, thing(spec))[0]), 1, spec)

    def test_what_has_no_schema_is_counted_or_refused(self):
        filter = {"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "metadata": {"name": "a"}}
        self.assertEqual(faults(filter)[1], {"networking.istio.io/v1alpha3 EnvoyFilter": 1})
        self.assertEqual(len(faults({"apiVersion": "a.example/v1", "kind": "B", "metadata": {"name": "a"}})[0]), 1)


class Arguments(unittest.TestCase):
    COMMAND = {"commandName": "tonari", "subcommands": [
        {"commandName": "selector", "arguments": [
            {"kind": "option", "names": [{"kind": "long", "name": "grpc"}]},
            {"kind": "flag", "names": [{"kind": "long", "name": "in-cluster"}]}]},
        {"commandName": "overflow", "defaultSubcommand": "run", "subcommands": [
            {"commandName": "run", "arguments": [{"kind": "option", "names": [{"kind": "long", "name": "cluster"}]}]}]},
    ]}

    def test_arguments_are_those_that_the_program_takes(self):
        for given, count in [
            (["selector", "--grpc=0.0.0.0:1", "--in-cluster"], 0), (["selector", "--grpc", "a", "b"], 0),
            (["overflow", "--cluster=a"], 0), (["overflow", "run", "--cluster", "a"], 0),
            (["selector", "--grcp=0.0.0.0:1"], 1), (["selector", "--in-cluster=yes"], 1), (["selector", "a"], 1),
            (["overflow", "--grpc=a"], 1), (["selektor"], 1), ([], 1),
        ]:
            self.assertEqual(len(list(arguments.faults(given, self.COMMAND))), count, given)


class Certificates(unittest.TestCase):
    """The Secrets that openssl makes are those of cert-manager."""

    def described(self, certificate):
        text = subprocess.run(
            ["openssl", "x509", "-noout", "-ext", "subjectAltName,extendedKeyUsage", "-in", certificate],
            check=True, capture_output=True, text=True).stdout
        names = [word.strip().removeprefix("DNS:") for line in text.splitlines() if "DNS:" in line
                 for word in line.split(",")]
        usages = [{"TLS Web Server Authentication": "server auth", "TLS Web Client Authentication": "client auth"}[w]
                  for line in text.splitlines() if "TLS Web" in line for w in map(str.strip, line.split(","))]
        return names, sorted(usages)

    def test_both_ways_make_the_same_certificates(self):
        script = objects.ROOT / "certificates" / "files" / "make.sh"
        wanted = {
            document["spec"]["secretName"]: document["spec"]
            for document in objects.build(objects.ROOT / "certificates" / "cert-manager")
            if document["kind"] == "Certificate" and not document["spec"].get("isCA")}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(2):
                # A second run keeps the authority.
                made = subprocess.run([script, folder], check=True, capture_output=True, text=True).stdout
                secrets = objects.load(made, script)
                self.assertEqual({secret["metadata"]["name"] for secret in secrets}, set(wanted))
                self.assertEqual([f for secret in secrets for f in schemas.faults(secret, {})], [])
                for name, spec in wanted.items():
                    file = pathlib.Path(folder) / f"{name.removesuffix('-tls')}.crt"
                    names, usages = self.described(file)
                    self.assertEqual(names, spec["dnsNames"])
                    self.assertEqual(usages, sorted(u for u in spec["usages"] if u.endswith(" auth")))
                    subprocess.run(
                        ["openssl", "verify", "-CAfile", pathlib.Path(folder) / "ca.crt", file],
                        check=True, capture_output=True)


class Files(unittest.TestCase):
    def test_every_file_is_built_with_a_kustomization_or_applied_by_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "base").mkdir()
            (root / "envoy").mkdir()
            (root / "base" / "kustomization.yaml").write_text(
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n")
            (root / "base" / "a.yaml").write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n")
            (root / "base" / "b.yaml").write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: b}\n")
            (root / "envoy" / "picker.yaml").write_text("node: {}\n")
            found = {m.name: [o["metadata"]["name"] for o in m.objects] for m in objects.manifests(root)}
            self.assertEqual(found, {"base": ["a"], "base/b.yaml": ["b"]})

    def test_a_kustomization_that_cannot_be_built_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "kustomization.yaml").write_text("resource: [a.yaml]\n")
            with self.assertRaises(objects.Refused):
                list(objects.manifests(root))

    def test_a_key_that_stands_twice_is_refused(self):
        with self.assertRaisesRegex(objects.Refused, "stands twice"):
            objects.load("a: 1\na: 2\n", "test")


if __name__ == "__main__":
    unittest.main()
