/* What the replicas and the load share: the time, random numbers, and a heap of what is due when. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

/* SplitMix64. */
static uint64_t random_state;

static double uniform(void) {
  uint64_t z = random_state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return ((z ^ z >> 31) >> 11) * 0x1p-53;
}

static double exponential(double mean) { return -mean * log1p(-uniform()); }

/* What is due first is events[1]. An event cannot be taken back: whoever is told of it asks whether it still holds. */
struct event {
  double at;
  int kind;
  uint64_t generation;
  void *subject;
};
static struct event *events;
static size_t event_count, event_room;

static void schedule(struct event event) {
  if (event_count + 2 > event_room) {
    event_room = 2 * event_room + 64;
    if (!(events = realloc(events, event_room * sizeof *events))) fail("memory");
  }
  size_t place = ++event_count;
  for (; place > 1 && events[place / 2].at > event.at; place /= 2) events[place] = events[place / 2];
  events[place] = event;
}

static struct event next_event(void) {
  struct event first = events[1], last = events[event_count--];
  size_t place = 1;
  for (size_t child; (child = 2 * place) <= event_count; place = child) {
    if (child < event_count && events[child + 1].at < events[child].at) child++;
    if (events[child].at >= last.at) break;
    events[place] = events[child];
  }
  events[place] = last;
  return first;
}

/* The time until the first event, for epoll_pwait2; a second where there is none. */
static struct timespec until_next_event(void) {
  double wait = event_count ? events[1].at - seconds() : 1;
  if (wait < 0) wait = 0;
  if (wait > 1) wait = 1;
  return (struct timespec){.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (time_t)wait) * 1e9)};
}

/* A duration such as 1.5s, 20ms or 300us. */
static double duration(const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end != text && value >= 0) {
    if (!strcmp(end, "s")) return value;
    if (!strcmp(end, "ms")) return value * 1e-3;
    if (!strcmp(end, "us")) return value * 1e-6;
  }
  fprintf(stderr, "'%s': expected a duration such as 20ms\n", text);
  exit(2);
}
