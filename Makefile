# Everything a user or a developer does here, each in one command. `make help` lists them.

PACKAGES := libcurl4-openssl-dev libglpk-dev libmosquitto-dev libnghttp2-dev libprotobuf-c-dev zlib1g-dev pkg-config
EXAMPLE  := manifests/examples
SCRATCH  := .build
TONARI   := $(SCRATCH)/release/tonari
SOURCES  := Package.swift Sources Tests
SERVING  := ^(KubernetesTests|ExtenderTests)|Tests\.(PlanController|PrometheusSource|TrafficFeed|TrafficReading|Endpoint(Address|Board|Boards|Discovery|Picker|Weights)|EnvoyHostileNumbers|IncrementalSubscription|Load(Header|ReportingService)|NodePlace|Pick(Exchange|erConnection|erError)|ReportedLoads|StateOfTheWorldSubscription|SubscriptionAgreement|TierSpill)
STEERING := ^MeshControllerTests
BLOCKING := ^(DaemonTests|SelectorProtocolTests|SelectorServerTests|NodeDriverTests|TonariClientTests|CTonariClientTests)|\.Broker(Connection|Exchange)Tests
WHOLE    := SchedulingTests|EndToEndTests\.(HostileTests|RestartTests|SelectorTests|PodSocketsTests|DemoTests|CalibrateTests|Overflow|Envoy|GeneratedObject|Soak|PlanTests/interrupt)
FUZZING  := ^FuzzTests

.PHONY: help deps toolchain control-plane build demo test modules programs e2e fuzz sanitize rules objects soak hostile nightly lint manifests dist format bench clean

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

toolchain:
	@command -v swift >/dev/null 2>&1 || { \
	  echo "No 'swift' on the PATH. Install a Swift 6.1 (or later) toolchain: https://www.swift.org/install/linux/" >&2; \
	  exit 1; }

deps: ## Install the system packages that are missing.
	@.ci/packages $(PACKAGES)

build: toolchain deps ## Build for release.
	swift build -c release --scratch-path $(SCRATCH) --product tonari

demo: build ## Plan the example shop, let a scheduler follow the plan, pick replicas, overflow: leaves plan.yaml, report.html, overflow.html.
	$(TONARI) plan --cluster $(EXAMPLE)/cluster.yaml --traffic $(EXAMPLE)/traffic.csv \
	  --name teahouse --effort 3 --out plan.yaml --report report.html
	@echo
	@echo "The plan is in plan.yaml, the picture in report.html. Does a scheduler follow it?"
	@echo
	$(TONARI) demo extender --cluster $(EXAMPLE)/cluster.yaml --traffic $(EXAMPLE)/traffic.csv --plan plan.yaml
	@echo
	@echo "And which replica gets a request?"
	@echo
	$(TONARI) demo selector --cluster $(EXAMPLE)/cluster.yaml --traffic $(EXAMPLE)/traffic.csv --plan plan.yaml
	@echo
	@echo "And when there is a rush? The picture of it will be in overflow.html."
	@echo
	$(TONARI) demo overflow --report overflow.html

test: ## Run all tests.
	$(MAKE) modules
	$(MAKE) programs

modules: toolchain deps ## Run the tests of modules.
	swift build --build-tests
	swift test --skip-build --disable-xctest --skip '$(SERVING)|$(STEERING)|$(BLOCKING)|$(WHOLE)|$(FUZZING)'
	# Decoders: saved inputs, and changes of them for TONARI_FUZZ_SECONDS each.
	swift test --skip-build --disable-xctest --filter '$(FUZZING)'
	# These talk to servers and wait for them; beside tests that compute they would wait for a core.
	swift test --skip-build --disable-xctest --filter '$(SERVING)'
	# A controller that decides each second wants its seconds.
	swift test --skip-build --disable-xctest --no-parallel --filter '$(STEERING)'
	# Some of these block a thread, as a C client does, and some measure the memory of the process: one after another.
	swift test --skip-build --disable-xctest --no-parallel --filter '$(BLOCKING)' --skip '$(SERVING)'

programs: toolchain deps ## Run the tests of whole programs, which want the machine for themselves.
	swift build --build-tests
	swift test --skip-build --disable-xctest --no-parallel --filter '$(WHOLE)'

control-plane:
	@[ -n "$${KUBEBUILDER_ASSETS-}" ] || { \
	  echo "KUBEBUILDER_ASSETS is not set: it names a folder with etcd, kube-apiserver, kube-scheduler and kubectl." >&2; \
	  echo "setup-envtest use -p path (sigs.k8s.io/controller-runtime/tools/setup-envtest) makes one without" >&2; \
	  echo "kube-scheduler; take that from https://dl.k8s.io of the same version." >&2; \
	  exit 1; }

e2e: toolchain deps control-plane ## Schedule through the extender on a real control plane.
	swift build --build-tests
	swift test --skip-build --disable-xctest --filter SchedulingTests

fuzz: toolchain deps ## Look for inputs that decoders do not stand, FUZZ_SECONDS (60) each; see Tests/Fuzz/README.md.
	Tests/Fuzz/run

sanitize: toolchain deps ## Run C parts and tests under the address, undefined-behaviour and thread sanitizers.
	Tests/Sanitize/run

rules: toolchain deps ## Hold plans of RULES_CLUSTERS (1000000) random clusters to Kubernetes' rules; see Tests/KubernetesRulesTests/README.md.
	TONARI_TESTS=KubernetesRules TONARI_RULES_CLUSTERS=$${RULES_CLUSTERS-1000000} \
	  swift test -c release --scratch-path .build-rules --disable-xctest --filter KubernetesRulesTests

objects: toolchain deps control-plane ## Send generated objects to a real API server, TONARI_OBJECT_SECONDS (600) of each kind.
	swift build --build-tests
	TONARI_OBJECT_SECONDS=$${TONARI_OBJECT_SECONDS-600} swift test --skip-build --disable-xctest --filter GeneratedObjectTests

soak: toolchain deps control-plane ## Hold a selector, an extender and a controller under load for TONARI_SOAK_SECONDS (3600).
	swift build --build-tests
	TONARI_SOAK_SECONDS=$${TONARI_SOAK_SECONDS-3600} swift test --skip-build --disable-xctest --filter SoakTests

hostile: build ## What an innocent client sees under each attack, for a calm machine: fails where its p99 more than doubles.
	python3 benchmarks/Hostile/hostile.py --check

nightly: ## Everything that is too long for each change.
	$(MAKE) dist
	$(MAKE) sanitize
	$(MAKE) fuzz FUZZ_SECONDS=$${FUZZ_SECONDS-600}
	$(MAKE) rules RULES_CLUSTERS=$${RULES_CLUSTERS-100000}
	$(MAKE) objects
	$(MAKE) soak

lint: toolchain ## Check layout, documentation and a few rules of the house.
	swift format lint --strict --recursive --parallel $(SOURCES)
	@.ci/lint

manifests: ## Check what manifests/ applies: Kubernetes' schemas, Pod Security Standards, rules of the house.
	@.ci/manifests/check

dist: toolchain deps ## Make a tarball to pass on, with licences and a list of what is inside: .build/dist/tonari-….tar.gz.
	@.ci/image/dist

format: toolchain ## Lay the sources out.
	swift format --in-place --recursive --parallel $(SOURCES)

bench: toolchain deps ## Compare with the peers; see benchmarks/README.md.
	benchmarks/run

clean: ## Remove what was built.
	rm -rf .build .build-* plan.yaml report.html overflow.html
