/* Plays replicas that serve HTTP/1.1 on loopback, each with a queue: replica [--seed N] --replica SETTINGS...
 *
 * SETTINGS are separated by commas:
 *   port=0                  where it listens; 0 is any port that is free
 *   concurrency=4           how many requests it serves at a time; others wait, first come, first served
 *   mean=20ms               the mean time it takes to serve a request
 *   service=exponential     how that time varies: exponential, lognormal or constant
 *   deviation=1             of lognormal: the standard deviation, in means
 *   pause=5s:200ms          now and then, here every 5 s in the mean, nothing goes on in it for a time, here 200 ms, as
 *                           where memory is collected or a neighbour takes the processor
 *   fail=0.1                the share of requests that it answers with an error, and at once
 *   status=500              the status of those answers
 *   orca=1                  whether answers say in endpoint-load-metrics how loaded it is
 * With mean=0us it answers at once and queues nothing.
 *
 * Prints `listening PORT PORT...`. GET /toy answers what a replica has done and is doing; GET /toy?fail=0.5&mean=40ms
 * changes settings first. Bodies of requests, of at most 4 KB, are ignored. The request of a connection that is closed
 * leaves the queue; if it is being served, it is served to the end. */
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

enum { MOST_REPLICAS = 256, MOST_CONCURRENCY = 256, BUFFER = 8192 };
enum kind { SERVED, PAUSE };
enum state { IDLE, QUEUED, SERVING };

struct connection {
  int descriptor; /* -1 where it was closed while it is served */
  enum state state;
  struct replica *replica;
  struct connection *next, *previous; /* in the queue */
  double finish;
  size_t filled;
  char buffer[BUFFER];
};

struct replica {
  int descriptor, port, concurrency, orca, status;
  enum { EXPONENTIAL, LOGNORMAL, CONSTANT } service;
  double mean, deviation, pause_every, pause_length, fail;
  struct connection *serving[MOST_CONCURRENCY], *first, *last;
  int busy;
  long queued, connections, requests, failures;
  double paused_until;
  /* Of about the last second, which utilization, requests and errors are told of. */
  double changed, utilization, rate, error_rate;
};

static struct replica replicas[MOST_REPLICAS];
static int replica_count, poller;

/* Takes what was until now into the averages. */
static void pass_time(struct replica *replica, double now) {
  double keep = exp(replica->changed - now);
  replica->utilization = keep * replica->utilization + (1 - keep) * replica->busy / replica->concurrency;
  replica->rate *= keep;
  replica->error_rate *= keep;
  replica->changed = now;
}

static void configure(struct replica *replica, char *settings, const char *separators) {
  for (char *rest, *name = strtok_r(settings, separators, &rest); name; name = strtok_r(NULL, separators, &rest)) {
    char *value = strchr(name, '=');
    if (!value) goto unknown;
    *value++ = 0;
    if (!strcmp(name, "port")) replica->port = atoi(value);
    else if (!strcmp(name, "concurrency")) replica->concurrency = atoi(value);
    else if (!strcmp(name, "mean")) replica->mean = duration(value);
    else if (!strcmp(name, "deviation")) replica->deviation = atof(value);
    else if (!strcmp(name, "fail")) replica->fail = atof(value);
    else if (!strcmp(name, "status")) replica->status = atoi(value);
    else if (!strcmp(name, "orca")) replica->orca = atoi(value);
    else if (!strcmp(name, "service") && !strcmp(value, "exponential")) replica->service = EXPONENTIAL;
    else if (!strcmp(name, "service") && !strcmp(value, "lognormal")) replica->service = LOGNORMAL;
    else if (!strcmp(name, "service") && !strcmp(value, "constant")) replica->service = CONSTANT;
    else if (!strcmp(name, "pause") && strchr(value, ':')) {
      char *length = strchr(value, ':');
      *length++ = 0;
      replica->pause_every = duration(value);
      replica->pause_length = duration(length);
    } else goto unknown;
    continue;
  unknown:
    fprintf(stderr, "replica: '%s' is no setting\n", name);
    exit(2);
  }
  if (replica->concurrency < 1 || replica->concurrency > MOST_CONCURRENCY) {
    fprintf(stderr, "replica: expected a concurrency from 1 to %d\n", MOST_CONCURRENCY);
    exit(2);
  }
}

static double normal(void) { return sqrt(exponential(2)) * cos(2 * M_PI * uniform()); }

static double service_time(const struct replica *replica) {
  if (replica->service == EXPONENTIAL) return exponential(replica->mean);
  if (replica->service == CONSTANT) return replica->mean;
  double variance = log1p(replica->deviation * replica->deviation);
  return replica->mean * exp(sqrt(variance) * normal() - variance / 2);
}

static void send_answer(struct connection *connection, int status, const char *body) {
  struct replica *replica = connection->replica;
  char answer[2048], load[160] = "";
  pass_time(replica, seconds());
  replica->requests++;
  replica->rate++;
  if (status != 200) {
    replica->failures++;
    replica->error_rate++;
  }
  if (replica->orca)
    snprintf(
      load, sizeof load, "endpoint-load-metrics: TEXT rps_fractional=%.3f,application_utilization=%.4f,eps=%.3f\r\n",
      replica->rate, replica->utilization, replica->error_rate);
  int length = snprintf(
    answer, sizeof answer, "HTTP/1.1 %d %s\r\ncontent-length: %zu\r\n%s\r\n%s", status,
    status == 200 ? "OK" : "Internal Server Error", strlen(body), load, body);
  connection->state = IDLE;
  /* So short an answer to a peer that waits for it fits the socket's buffer; where the peer is gone, epoll says so. */
  if (send(connection->descriptor, answer, (size_t)length, MSG_NOSIGNAL) < 0) connection->filled = 0;
}

static void serve_queued(struct replica *replica) {
  double now = seconds();
  while (replica->first && replica->busy < replica->concurrency) {
    struct connection *connection = replica->first;
    replica->first = connection->next;
    if (replica->first) replica->first->previous = NULL;
    else replica->last = NULL;
    replica->queued--;
    pass_time(replica, now);
    replica->serving[replica->busy++] = connection;
    connection->state = SERVING;
    connection->finish = (now > replica->paused_until ? now : replica->paused_until) + service_time(replica);
    schedule((struct event){.at = connection->finish, .kind = SERVED, .subject = connection});
  }
}

static void queue(struct connection *connection) {
  struct replica *replica = connection->replica;
  connection->state = QUEUED;
  connection->next = NULL;
  connection->previous = replica->last;
  if (replica->last) replica->last->next = connection;
  else replica->first = connection;
  replica->last = connection;
  replica->queued++;
  serve_queued(replica);
}

static void schedule_pause(struct replica *replica) {
  if (!replica->pause_every) return;
  double at = seconds() + exponential(replica->pause_every);
  schedule((struct event){.at = at, .kind = PAUSE, .subject = replica});
}

static void answer_toy(struct connection *connection, char *query) {
  struct replica *replica = connection->replica;
  char body[1024];
  double paused_every = replica->pause_every;
  if (query) configure(replica, query, "&");
  if (!paused_every) schedule_pause(replica);
  snprintf(
    body, sizeof body,
    "{\"port\": %d, \"connections\": %ld, \"serving\": %d, \"queued\": %ld, \"requests\": %ld, \"failures\": %ld, "
    "\"utilization\": %.4f}\n",
    replica->port, replica->connections, replica->busy, replica->queued, replica->requests, replica->failures,
    replica->utilization);
  send_answer(connection, 200, body);
}

/* Starts on the request at the front of the buffer, if all of it is there; answers whether it was. */
static int read_request(struct connection *connection) {
  char *end = memmem(connection->buffer, connection->filled, "\r\n\r\n", 4);
  if (!end) return 0;
  *end = 0;
  size_t length = (size_t)(end - connection->buffer) + 4;
  const char *body = strcasestr(connection->buffer, "\r\ncontent-length:");
  if (body) length += strtoul(body + strlen("\r\ncontent-length:"), NULL, 10);
  if (length > connection->filled) {
    *end = '\r';
    return 0;
  }
  char path[1024] = "";
  sscanf(connection->buffer, "%*15s %1023s", path);
  connection->filled -= length;
  memmove(connection->buffer, connection->buffer + length, connection->filled);
  char *query = strchr(path, '?');
  if (query) *query++ = 0;
  if (!strcmp(path, "/toy")) answer_toy(connection, query);
  else if (connection->replica->fail && uniform() < connection->replica->fail)
    send_answer(connection, connection->replica->status, "failed\n");
  else if (!connection->replica->mean) send_answer(connection, 200, "served\n");
  else queue(connection);
  return 1;
}

static void close_connection(struct connection *connection) {
  struct replica *replica = connection->replica;
  close(connection->descriptor);
  connection->descriptor = -1;
  replica->connections--;
  if (connection->state == SERVING) return;
  if (connection->state == QUEUED) {
    if (connection->previous) connection->previous->next = connection->next;
    else replica->first = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
    else replica->last = connection->previous;
    replica->queued--;
  }
  free(connection);
}

static void read_connection(struct connection *connection) {
  ssize_t got = recv(
    connection->descriptor, connection->buffer + connection->filled, BUFFER - connection->filled, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close_connection(connection);
  connection->filled += (size_t)got;
  while (connection->state == IDLE && read_request(connection)) continue;
}

static void accept_connection(struct replica *replica) {
  int descriptor = accept4(replica->descriptor, NULL, NULL, SOCK_CLOEXEC), one = 1;
  if (descriptor < 0) return;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection) fail("memory");
  connection->descriptor = descriptor;
  connection->replica = replica;
  replica->connections++;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event)) fail("epoll");
}

static void finish(struct connection *connection) {
  struct replica *replica = connection->replica;
  if (connection->finish > seconds()) {
    /* A pause came between. */
    schedule((struct event){.at = connection->finish, .kind = SERVED, .subject = connection});
    return;
  }
  pass_time(replica, seconds());
  for (int i = 0; i < replica->busy; i++)
    if (replica->serving[i] == connection) {
      replica->serving[i] = replica->serving[--replica->busy];
      break;
    }
  if (connection->descriptor < 0) free(connection);
  else {
    send_answer(connection, 200, "served\n");
    while (connection->state == IDLE && read_request(connection)) continue;
  }
  serve_queued(replica);
}

static void pause_replica(struct replica *replica) {
  double now = seconds(), from = now > replica->paused_until ? now : replica->paused_until;
  double until = now + replica->pause_length;
  for (int i = 0; i < replica->busy && until > from; i++) replica->serving[i]->finish += until - from;
  if (until > from) replica->paused_until = until;
  schedule_pause(replica);
}

static void start(struct replica *replica) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)replica->port)};
  socklen_t length = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  replica->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(replica->descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(replica->descriptor, (struct sockaddr *)&address, length) || listen(replica->descriptor, 1024))
    fail("replica: listen");
  getsockname(replica->descriptor, (struct sockaddr *)&address, &length);
  replica->port = ntohs(address.sin_port);
  replica->changed = seconds();
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = replica};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, replica->descriptor, &event)) fail("epoll");
  schedule_pause(replica);
}

int main(int count, char **arguments) {
  for (int i = 1; i < count; i += 2) {
    if (i + 1 < count && !strcmp(arguments[i], "--seed")) random_state = strtoull(arguments[i + 1], NULL, 10);
    else if (i + 1 < count && !strcmp(arguments[i], "--replica") && replica_count < MOST_REPLICAS) {
      struct replica *replica = &replicas[replica_count++];
      *replica = (struct replica){.concurrency = 4, .mean = 20e-3, .deviation = 1, .status = 500};
      configure(replica, arguments[i + 1], ",");
    } else {
      fprintf(stderr, "usage: replica [--seed N] --replica SETTINGS...\n");
      return 2;
    }
  }
  if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) fail("epoll");
  for (int i = 0; i < replica_count; i++) start(&replicas[i]);
  printf("listening");
  for (int i = 0; i < replica_count; i++) printf(" %d", replicas[i].port);
  puts("");
  fflush(stdout);
  for (;;) {
    struct epoll_event ready[256];
    struct timespec wait = until_next_event();
    int ready_count = epoll_pwait2(poller, ready, 256, &wait, NULL);
    if (ready_count < 0 && errno != EINTR) fail("epoll");
    for (int i = 0; i < ready_count; i++) {
      void *subject = ready[i].data.ptr;
      if (subject >= (void *)replicas && subject < (void *)(replicas + MOST_REPLICAS)) accept_connection(subject);
      else read_connection(subject);
    }
    while (event_count && events[1].at <= seconds()) {
      struct event event = next_event();
      if (event.kind == SERVED) finish(event.subject);
      else pause_replica(event.subject);
    }
  }
}
