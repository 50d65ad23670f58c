/* Asks HTTP/1.1 servers at a rate that does not depend on their answers:
 *
 *   load [--rate 500 | --ramp 0:50,30:500 | --closed 1] [--seconds 10] [--warmup 2] [--requests N] [--timeout 5s] [--resets 0.1]
 *        [--reset-within 50ms] [--seed N] PORT...
 *
 * Requests are due at random (Poisson) times, each at the next of the ports of loopback, on as many kept connections as
 * that takes. Latencies are counted from when a request was due, whether or not it could be sent then.
 * With --ramp, the rate changes along straight lines between the rates at those times in seconds.
 * With --closed, that many requests are under way at a time instead, and each is due when one before it has ended.
 * With --resets, such a share of the requests has its connection reset at a random time within --reset-within.
 * With --requests, it ends after so many instead of after --seconds.
 *
 * Prints JSON: what became of the requests that were due after the warm-up, the latencies of those that were answered
 * with 2xx in milliseconds, and for each second the requests that were due in it: those answered with 2xx, and the
 * others without those that were reset. */
#define _GNU_SOURCE
#include "events.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_PORTS = 256, MOST_SECONDS = 100000, BUFFER = 8192 };
enum kind { DUE, TIMEOUT, RESET };

struct connection {
  int descriptor, under_way, port_index, connecting;
  uint64_t generation; /* how many requests it has carried, so that an event of an earlier one is known for it */
  double due;
  size_t filled;
  struct connection *next; /* among those that are idle */
  char buffer[BUFFER];
};

/* Buckets whose widths are a 256th of their values: 40 powers of two, in nanoseconds. */
enum { FINE = 256, BUCKETS = 40 * FINE };
static long buckets[BUCKETS], answered_in[MOST_SECONDS], failed_in[MOST_SECONDS];
static long statuses[1000], failed_connects, closed_early, timeouts, resets, counted, ok;
static double longest, sum;

static int ports[MOST_PORTS], port_count, poller;
static struct connection *idle[MOST_PORTS];
static double rate, run_for = 10, warmup = 2, request_timeout = 5, reset_share, reset_within = 50e-3;
static struct point { double at, rate; } ramp[MOST_PORTS];
static int ramp_count;
static long closed, most_requests, sent, under_way;
static double started;
static const char request[] = "GET / HTTP/1.1\r\nhost: cart.shop\r\n\r\n";

static void count_latency(double latency) {
  uint64_t value = (uint64_t)(latency * 1e9) + FINE;
  int power = 63 - __builtin_clzll(value) - 8;
  size_t bucket = (size_t)power * FINE + (value >> power) - FINE;
  buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
  if (latency > longest) longest = latency;
  sum += latency;
}

static double percentile(double share) {
  double wanted = share * ok;
  long passed = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++)
    if ((passed += buckets[bucket]) >= wanted && passed) {
      double low = (double)((uint64_t)(bucket % FINE + FINE) << (bucket / FINE)) - FINE;
      double high = (double)((uint64_t)(bucket % FINE + FINE + 1) << (bucket / FINE)) - FINE;
      return (low + high) / 2 * 1e-6;
    }
  return 0;
}

/* What became of a request: counter is one of those above, status 2xx counts as success. */
static void count_outcome(double due, long *counter, int status, double now) {
  under_way--;
  double second = due - started - warmup;
  if (second < 0 || second >= MOST_SECONDS) return;
  counted++;
  ++*counter;
  if (status / 100 == 2) {
    ok++;
    count_latency(now - due);
    answered_in[(int)second]++;
  } else if (counter != &resets) failed_in[(int)second]++;
}

/* Their memory is used again, never freed, since events point to it. */
static struct connection *spares;

static void discard(struct connection *connection) {
  close(connection->descriptor);
  connection->under_way = 0;
  connection->generation++;
  connection->next = spares;
  spares = connection;
}

static void send_request(struct connection *connection) {
  connection->connecting = 0;
  if (send(connection->descriptor, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1) return;
  count_outcome(connection->due, &closed_early, 0, 0);
  discard(connection);
}

/* A connection that carries nothing, an open one if there is one. */
static struct connection *connection_to(int port_index) {
  struct connection *connection = idle[port_index];
  if (connection) {
    idle[port_index] = connection->next;
    return connection;
  }
  if ((connection = spares)) spares = connection->next;
  else if (!(connection = calloc(1, sizeof *connection))) fail("memory");
  connection->port_index = port_index;
  connection->filled = 0;
  connection->connecting = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)ports[port_index])};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  connection->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->descriptor < 0) fail("socket");
  setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
    fail("connect");
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &event)) fail("epoll");
  return connection;
}

static int over(double now) { return most_requests ? sent >= most_requests : now - started >= warmup + run_for; }

static void ask(double due) {
  struct connection *connection = connection_to((int)(sent++ % port_count));
  under_way++;
  connection->due = due;
  connection->under_way = 1;
  connection->generation++;
  schedule((struct event){
    .at = due + request_timeout, .kind = TIMEOUT, .generation = connection->generation, .subject = connection});
  if (reset_share && uniform() < reset_share)
    schedule((struct event){
      .at = seconds() + uniform() * reset_within, .kind = RESET, .generation = connection->generation,
      .subject = connection});
  if (!connection->connecting) send_request(connection);
}

static void give_up(struct connection *connection, long *counter) {
  struct linger linger = {.l_onoff = 1};
  setsockopt(connection->descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  count_outcome(connection->due, counter, 0, 0);
  discard(connection);
}

static void come_to_end(struct connection *connection) {
  if (connection->under_way) {
    count_outcome(connection->due, connection->connecting ? &failed_connects : &closed_early, 0, 0);
  } else {
    struct connection **link = &idle[connection->port_index];
    while (*link != connection) link = &(*link)->next;
    *link = connection->next;
  }
  discard(connection);
}

/* The length of the answer in the buffer, or 0 where there is more to come of it. */
static size_t answer_length(struct connection *connection, int *status) {
  connection->buffer[connection->filled] = 0;
  const char *end = strstr(connection->buffer, "\r\n\r\n");
  if (!end) return 0;
  const char *body = strcasestr(connection->buffer, "\r\ncontent-length:");
  size_t length = (size_t)(end - connection->buffer) + 4;
  if (body && body < end) length += strtoul(body + strlen("\r\ncontent-length:"), NULL, 10);
  *status = atoi(connection->buffer + strlen("HTTP/1.1 "));
  return length <= connection->filled && *status >= 100 && *status < 1000 ? length : 0;
}

static void read_answer(struct connection *connection) {
  for (;;) {
    ssize_t got = read(
      connection->descriptor, connection->buffer + connection->filled, BUFFER - 1 - connection->filled);
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) return come_to_end(connection);
    connection->filled += (size_t)got;
  }
  int status = 0;
  if (!connection->under_way || !answer_length(connection, &status)) return;
  double now = seconds();
  int closing = strcasestr(connection->buffer, "\r\nconnection: close") != NULL;
  count_outcome(connection->due, &statuses[status], status, now);
  connection->under_way = 0;
  connection->generation++;
  connection->filled = 0;
  if (closing) return discard(connection);
  connection->next = idle[connection->port_index];
  idle[connection->port_index] = connection;
}

static void print_results(void) {
  double length = most_requests ? seconds() - started - warmup : run_for;
  printf("{\"requests\": %ld, \"seconds\": %.3f, \"ok\": %ld, \"statuses\": {", counted, length, ok);
  const char *comma = "";
  for (int status = 100; status < 1000; status++)
    if (statuses[status]) {
      printf("%s\"%d\": %ld", comma, status, statuses[status]);
      comma = ", ";
    }
  printf(
    "}, \"failed connects\": %ld, \"closed early\": %ld, \"timeouts\": %ld, \"resets\": %ld, \"mean\": %.4f, ",
    failed_connects, closed_early, timeouts, resets, ok ? sum / ok * 1e3 : 0);
  printf(
    "\"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f, \"p99.9\": %.4f, \"longest\": %.4f", percentile(0.5),
    percentile(0.9), percentile(0.99), percentile(0.999), longest * 1e3);
  printf(", \"each second\": [");
  for (int second = 0; second < length && second < MOST_SECONDS; second++)
    printf("%s[%ld, %ld]", second ? ", " : "", answered_in[second], failed_in[second]);
  puts("]}");
}

/* Reads the points of a ramp; its highest rate is that at which requests may be due. */
static void read_ramp(const char *text) {
  char *end = (char *)text;
  while (ramp_count < MOST_PORTS) {
    struct point *point = &ramp[ramp_count++];
    point->at = strtod(end, &end);
    if (*end != ':') fail("--ramp");
    point->rate = strtod(end + 1, &end);
    if (point->rate > rate) rate = point->rate;
    if (*end++ != ',') return;
  }
}

/* The rate at a time after the start. */
static double rate_at(double time) {
  int i = 0;
  while (i < ramp_count && ramp[i].at <= time) i++;
  if (i == 0 || i == ramp_count) return i ? ramp[i - 1].rate : ramp_count ? 0 : rate;
  struct point from = ramp[i - 1], to = ramp[i];
  return from.rate + (to.rate - from.rate) * (time - from.at) / (to.at - from.at);
}

static void read_arguments(int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
    if (name[0] != '-') {
      if (port_count < MOST_PORTS) ports[port_count++] = atoi(name);
      continue;
    }
    if (!strcmp(name, "--rate")) rate = atof(value);
    else if (!strcmp(name, "--ramp")) read_ramp(value);
    else if (!strcmp(name, "--closed")) closed = atol(value);
    else if (!strcmp(name, "--seconds")) run_for = atof(value);
    else if (!strcmp(name, "--warmup")) warmup = atof(value);
    else if (!strcmp(name, "--requests")) most_requests = atol(value);
    else if (!strcmp(name, "--timeout")) request_timeout = duration(value);
    else if (!strcmp(name, "--resets")) reset_share = atof(value);
    else if (!strcmp(name, "--reset-within")) reset_within = duration(value);
    else if (!strcmp(name, "--seed")) random_state = strtoull(value, NULL, 10);
    else port_count = -MOST_SECONDS;
    i++;
  }
  if (port_count > 0 && (rate > 0) != (closed > 0)) return;
  fprintf(stderr, "usage: load --rate R | --ramp T:R,... | --closed N [OPTIONS] PORT...; its first lines explain it\n");
  exit(2);
}

static void handle(struct event event) {
  struct connection *connection = event.subject;
  if (event.kind == DUE) {
    if (over(event.at)) return;
    if (!ramp_count || uniform() * rate < rate_at(event.at - started)) ask(event.at);
    schedule((struct event){.at = event.at + exponential(1 / rate), .kind = DUE});
  } else if (connection->generation == event.generation && connection->under_way)
    give_up(connection, event.kind == RESET ? &resets : &timeouts);
}

int main(int count, char **arguments) {
  read_arguments(count, arguments);
  if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) fail("epoll");
  started = seconds();
  if (rate) schedule((struct event){.at = started + exponential(1 / rate), .kind = DUE});
  for (double now = started; !over(now) || under_way; now = seconds()) {
    while (under_way < closed && !over(now)) ask(now);
    struct epoll_event ready[256];
    struct timespec wait = until_next_event();
    int ready_count = epoll_pwait2(poller, ready, 256, &wait, NULL);
    if (ready_count < 0 && errno != EINTR) fail("epoll");
    for (int i = 0; i < ready_count; i++) {
      struct connection *connection = ready[i].data.ptr;
      if (connection->connecting && ready[i].events & (EPOLLERR | EPOLLHUP)) come_to_end(connection);
      else if (connection->connecting && ready[i].events & EPOLLOUT) send_request(connection);
      else read_answer(connection);
    }
    while (event_count && events[1].at <= seconds()) handle(next_event());
  }
  print_results();
}
