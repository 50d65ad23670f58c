/* The client in C: what it makes of answers of any bytes, each in memory of exactly its size; and whole connections from
   several threads at once to a peer that answers, cuts its answers anywhere, and goes. */
#define TONARI_CLIENT_IMPLEMENTATION
#include "tonari_client.h"

#include "check.h"
#include <pthread.h>
#include <stdio.h>

static size_t put_picked(uint8_t *at, uint64_t id, uint64_t pick_id) {
  static const char address[] = "10.0.0.1:8080";
  uint8_t *start = at, *length = at;
  *at++ = 0x08;
  for (; id >= 0x80; id >>= 7) *at++ = (uint8_t)(id | 0x80);
  *at++ = (uint8_t)id;
  *at++ = 0x1A;
  length = at++;
  *at++ = 0x09;
  for (int i = 0; i < 8; i++) *at++ = (uint8_t)(pick_id >> (8 * i));
  *at++ = 0x12;
  *at++ = sizeof address - 1;
  memcpy(at, address, sizeof address - 1);
  at += sizeof address - 1;
  *length = (uint8_t)(at - length - 1);
  return (size_t)(at - start);
}

static void decode_anything(void) {
  uint64_t state = 1;
  uint8_t whole[64];
  size_t length = put_picked(whole, 7, 42);
  for (int round = 0; round < 200000; round++) {
    size_t count = next_random(&state) % 4 ? length : next_random(&state) % (length + 1);
    uint8_t *bytes = malloc(count ? count : 1);
    memcpy(bytes, whole, count);
    for (uint64_t changes = next_random(&state) % 4; changes > 0 && count > 0; changes--)
      bytes[next_random(&state) % count] = (uint8_t)next_random(&state);
    tonari_answer answer;
    if (tonari_decode_answer(bytes, count, &answer) == TONARI_OK && answer.is_pick) {
      CHECK(memchr(answer.picked.address, 0, sizeof answer.picked.address));
      CHECK(answer.picked.alternative_count <= 3);
    }
    free(bytes);
  }
}

/* Answers each frame that begins with 0 by a pick, in two pieces; ends after some, or sends nonsense. */
static void *serve(void *argument) {
  int listener = *(int *)argument;
  for (int connection = 0; connection < 24; connection++) {
    int peer = accept(listener, NULL, NULL);
    CHECK(peer >= 0);
    for (int answered = 0; answered < 100 * (connection % 3 + 1); answered++) {
      uint8_t head[5], body[1024], frame[80] = {0};
      if (recv(peer, head, sizeof head, MSG_WAITALL) != sizeof head) break;
      size_t length = (size_t)head[3] << 8 | head[4];
      CHECK(length <= sizeof body);
      if (recv(peer, body, length, MSG_WAITALL) != (ssize_t)length) break;
      uint64_t id = 0;
      size_t at = 1;
      if (length == 0 || body[0] != 0x08) continue; /* A completion wants no answer. */
      for (int shift = 0; at < length; shift += 7) {
        id |= (uint64_t)(body[at] & 0x7F) << shift;
        if (body[at++] < 0x80) break;
      }
      size_t size = put_picked(frame + 5, id, (uint64_t)answered + 1);
      frame[4] = (uint8_t)size;
      if (connection % 5 == 4 && answered == 50) frame[0] = 9;
      if (send(peer, frame, 3, MSG_NOSIGNAL) < 0 || send(peer, frame + 3, size + 2, MSG_NOSIGNAL) < 0) break;
    }
    close(peer);
  }
  return NULL;
}

static void *ask(void *argument) {
  const char *address = argument;
  static const char *const labels[] = {"version=1", "zone=a"};
  for (int connection = 0; connection < 6; connection++) {
    tonari_client *client = tonari_open(address, 5000);
    CHECK(client);
    tonari_pick_request request = {0};
    request.service = "default/checkout";
    request.node = "node-1";
    request.key = "key";
    request.key_length = 3;
    request.labels = labels;
    request.label_count = 2;
    request.excluded = labels;
    request.excluded_count = 1;
    request.alternatives = 3;
    for (;;) {
      tonari_picked picked;
      int status = tonari_pick(client, &request, &picked, 5000);
      if (status != TONARI_OK) {
        CHECK(status == TONARI_DISCONNECTED || status == TONARI_MALFORMED);
        break;
      }
      CHECK(!strcmp(picked.address, "10.0.0.1:8080"));
      tonari_complete(client, picked.pick_id, TONARI_SUCCESS, 10);
    }
    tonari_close(client);
  }
  return NULL;
}

int main(void) {
  decode_anything();
  char path[64], address[80];
  snprintf(path, sizeof path, "/tmp/tonari-sanitize-%d.sock", getpid());
  snprintf(address, sizeof address, "unix:%s", path);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  strcpy(name.sun_path, path);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  unlink(path);
  CHECK(!bind(listener, (struct sockaddr *)&name, sizeof name) && !listen(listener, 16));
  pthread_t servers[2], askers[8];
  for (int i = 0; i < 2; i++) CHECK(!pthread_create(&servers[i], NULL, serve, &listener));
  for (int i = 0; i < 8; i++) CHECK(!pthread_create(&askers[i], NULL, ask, address));
  for (int i = 0; i < 8; i++) pthread_join(askers[i], NULL);
  for (int i = 0; i < 2; i++) pthread_join(servers[i], NULL);
  close(listener);
  unlink(path);
  CHECK(!tonari_open("tcp:nowhere", 10) && !tonari_open("", 10) && !tonari_open(address, 10));
  tonari_close(NULL);
  return 0;
}
