/* Asks a selector, or an echo, for picks and completes each of them: client ADDRESS WINDOW SECONDS.
 *
 * WINDOW picks are under way at a time; each answer is followed by its completion, which wants no answer, and another
 * pick. From an echo each pick comes back as it went, which is taken for its answer. Prints the picks answered, the
 * seconds that took, and with a window of 1 the median round trip and the 99th percentile in microseconds. */
#define TONARI_CLIENT_IMPLEMENTATION
#include "tonari_client.h"
#include <stdio.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static tonari_client *client;
static const tonari_pick_request request = {
    .service = "default/checkout", .node = "node-7", .zone = "zone-3", .cluster = "cluster"};

static void check(int status) {
  if (status == TONARI_OK) return;
  fprintf(stderr, "client: status %d\n", status);
  exit(1);
}

int main(int count, char **arguments) {
  enum { MOST_TIMES = 4000000 };
  if (count != 4 || !(client = tonari_open(arguments[1], 5000))) return 2;
  /* It has nothing else to do than to wait. */
  fcntl(tonari_descriptor(client), F_SETFL, 0);
  long window = atol(arguments[2]), answered = 0, times_count = 0;
  double *times = malloc(MOST_TIMES * sizeof *times), limit = atof(arguments[3]);
  uint64_t id = 0;
  for (long i = 0; i < window; i++) check(tonari_send_pick(client, ++id, &request));
  double start = seconds(), sent = start, now = start;
  while (now < start + limit) {
    check(tonari_flush(client));
    tonari_answer answer;
    int arrived = 0, status;
    while (!arrived) {
      check(tonari_receive(client));
      while ((status = tonari_next(client, &answer)) == TONARI_OK) {
        /* What comes back from an echo besides picks. */
        if (answer.id == 0) continue;
        check(answer.status);
        arrived++;
        check(tonari_send_complete(client, 0, answer.is_pick ? answer.picked.pick_id : id, TONARI_SUCCESS, 1000, NULL));
        check(tonari_send_pick(client, ++id, &request));
      }
      if (status != TONARI_AGAIN) check(status);
    }
    answered += arrived;
    if (window == 1 || (answered & 1023) < arrived) now = seconds();
    if (window == 1 && times_count < MOST_TIMES) times[times_count++] = now - sent;
    sent = now;
  }
  printf("%ld %.6f", answered, now - start);
  if (window == 1) {
    qsort(times, (size_t)times_count, sizeof *times, compare);
    printf(" %.3f %.3f", times[times_count / 2] * 1e6, times[times_count * 99 / 100] * 1e6);
  }
  printf("\n");
  tonari_close(client);
  return 0;
}
