"""Configurations of Envoy, HAProxy and the selector, as text."""

import textwrap

ENVOY = """\
admin:
  address:
    socket_address: {{address: 127.0.0.1, port_value: 0}}
static_resources:
  listeners:
{listeners}  clusters:
{clusters}"""

LISTENER = """\
- name: {name}
  address:
    socket_address: {{address: 127.0.0.1, port_value: 0}}
  filter_chains:
  - filters:
    - name: envoy.filters.network.http_connection_manager
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: {name}
        route_config:
          virtual_hosts:
          - name: cart
            domains: ["*"]
            routes:
            - match: {{prefix: /}}
              route:
                cluster: {name}
                timeout: {timeout}
{retries}        http_filters:
{filters}        - name: envoy.filters.http.router
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
"""

RETRIES = """\
retry_policy:
  retry_on: 5xx,reset,connect-failure
  num_retries: 1
"""

PICKER_FILTER = """\
- name: envoy.filters.http.ext_proc
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
    grpc_service:
      envoy_grpc: {cluster_name: picker}
      initial_metadata:
      - {key: x-tonari-service, value: shop/cart}
    failure_mode_allow: true
    message_timeout: 0.2s
    processing_mode:
      request_header_mode: SEND
      response_header_mode: SEND
      request_body_mode: NONE
      response_body_mode: NONE
      request_trailer_mode: SKIP
      response_trailer_mode: SEND
    metadata_options:
      forwarding_namespaces: {untyped: [envoy.lb, envoy.lb.subset_hint]}
      receiving_namespaces: {untyped: [envoy.lb]}
"""

PICKER_CLUSTER = """\
- name: picker
  type: STATIC
  connect_timeout: 0.2s
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config: {{http2_protocol_options: {{}}}}
  # Each request has a stream for as long as it is under way.
  circuit_breakers:
    thresholds:
    - {{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}}
  load_assignment:
    cluster_name: picker
    endpoints:
    - lb_endpoints:
      - endpoint: {{address: {{pipe: {{path: "{socket}"}}}}}}
"""

CLUSTER = """\
- name: {name}
  type: STATIC
  connect_timeout: 0.25s
  # HAProxy has no such limits: they would answer 503 when there is too much to do.
  circuit_breakers:
    thresholds:
    - {{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000, max_retries: 100000}}
  load_balancing_policy:
    policies:
{policy}  load_assignment:
    cluster_name: {name}
    endpoints:
    - lb_endpoints:
{endpoints}"""

POLICIES = {
    "round robin": """\
- typed_extension_config:
    name: envoy.load_balancing_policies.round_robin
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin
""",
    "least request": """\
- typed_extension_config:
    name: envoy.load_balancing_policies.least_request
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
""",
    "weighted round robin": """\
- typed_extension_config:
    name: envoy.load_balancing_policies.client_side_weighted_round_robin
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3.\
ClientSideWeightedRoundRobin
""",
    "picker": """\
- typed_extension_config:
    name: envoy.load_balancing_policies.override_host
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost
      # Not the header too: a client could send it, and with both sources the list is gone through twice.
      override_host_sources:
      - metadata:
          key: envoy.lb
          path: [{key: x-gateway-destination-endpoint}]
      selected_host_key:
        key: envoy.lb
        path: [{key: x-gateway-destination-endpoint-served}]
      fallback_policy:
        policies:
        - typed_extension_config:
            name: envoy.load_balancing_policies.least_request
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
""",
}


def indented(depth, text):
    return textwrap.indent(text, " " * depth)


def envoy(policy, addresses, clients=1, timeout="1s", picker=None, retries=False):
    """An Envoy with a listener and a cluster for each client, so that none knows of the requests of another.

    picker is the path of the selector's socket, wanted with the policy of that name.
    """
    listeners, clusters = "", ""
    endpoints = "".join(
        f"- endpoint: {{address: {{socket_address: {{address: {host}, port_value: {port}}}}}}}\n"
        for host, port in (address.rsplit(":", 1) for address in addresses))
    for client in range(clients):
        name = f"cart-{client}"
        listeners += LISTENER.format(
            name=name, timeout=timeout, retries=indented(16, RETRIES) if retries else "",
            filters=indented(8, PICKER_FILTER) if picker else "")
        clusters += CLUSTER.format(
            name=name, policy=indented(4, POLICIES[policy]), endpoints=indented(6, endpoints))
    if picker:
        clusters += PICKER_CLUSTER.format(socket=picker)
    return ENVOY.format(listeners=indented(2, listeners), clusters=indented(2, clusters))


def haproxy(descriptors, addresses, timeout="1s"):
    """A HAProxy with a frontend and a backend for each client's listening socket."""
    text = (
        "global\n  maxconn 8000\n  nbthread 1\n"
        "defaults\n  mode http\n  retries 0\n  http-reuse always\n"
        f"  timeout connect 250ms\n  timeout client 60s\n  timeout server {timeout}\n")
    for client, descriptor in enumerate(descriptors):
        text += f"frontend front-{client}\n  bind fd@{descriptor}\n  default_backend cart-{client}\n"
        text += f"backend cart-{client}\n  balance leastconn\n"
        for index, address in enumerate(addresses):
            text += f"  server replica-{index} {address}\n"
    return text


def replicas(service, addresses):
    """The selector's replicas of a service."""
    return f"services:\n- name: {service}\n  replicas:\n" + "".join(
        f'  - {{address: "{address}"}}\n' for address in addresses)
