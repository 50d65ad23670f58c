/* The codec of framed connections: requests in one pass and by protobuf-c, from memory of exactly their size into an arena
   of exactly its own, however small; and the answers that are written by hand. Several threads, each with its arena. */
#include "CProtobufC.h"

#include "check.h"
#include <pthread.h>

/* An envelope with a pick that has all fields, and a completion. */
static const uint8_t pick[] = {
    0x08, 0x07, 0x12, 0x2B, 0x0A, 0x04, 's', 'h', 'o', 'p', 0x12, 0x0B, 0x0A, 0x01, 'n', 0x12, 0x01, 'z', 0x1A, 0x03,
    'c',  'l',  'u',  0x1A, 0x03, 'k',  'e', 'y', 0x22, 0x04, 'h', ':', '8', '0', 0x2A, 0x03, 'a', '=', 'b', 0x30, 0x01,
    0x38, 0x02, 0x40, 0x03, 0x0A, 0x00};
static const uint8_t completion[] = {0x08, 0x07, 0x22, 0x0E, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x01, 0x18, 0x80, 0x01};

static void read_one(const uint8_t *bytes, size_t length, size_t capacity) {
  TonariRequest request;
  if (tonari_request(bytes, length, &request) == TONARI_PICK) {
    CHECK(request.service.length <= length && request.from.length <= length && request.key.length <= length);
  }
  TonariArena arena = {.block = malloc(capacity ? capacity : 1), .capacity = capacity, .used = 0};
  TonariVerdict verdict;
  const Tonari__Selector__V1__Envelope *envelope = tonari_decode(&arena, bytes, length, &verdict);
  CHECK((envelope != NULL) == (verdict == TONARI_FINE));
  CHECK(arena.used <= capacity);
  if (envelope && envelope->message_case == TONARI__SELECTOR__V1__ENVELOPE__MESSAGE_PICK)
    CHECK(strlen(envelope->pick->service) <= length);
  free(arena.block);
}

static void *read_many(void *argument) {
  uint64_t state = (uint64_t)(uintptr_t)argument;
  for (int round = 0; round < 60000; round++) {
    const uint8_t *from = next_random(&state) % 3 ? pick : completion;
    size_t whole = from == pick ? sizeof pick - 2 : sizeof completion;
    size_t length = next_random(&state) % 4 ? whole : next_random(&state) % (whole + 1);
    uint8_t *bytes = malloc(length ? length : 1);
    memcpy(bytes, from, length);
    for (uint64_t changes = next_random(&state) % 4; changes > 0 && length > 0; changes--)
      bytes[next_random(&state) % length] = (uint8_t)next_random(&state);
    read_one(bytes, length, next_random(&state) % 2 ? 1 << 16 : next_random(&state) % 700);
    free(bytes);
  }
  return NULL;
}

static void write_answers(void) {
  char longest[255];
  memset(longest, 'a', sizeof longest);
  for (size_t count = 1; count <= 4; count++) {
    for (size_t length = 1; length <= sizeof longest; length++) {
      TonariBytes addresses[4];
      for (size_t i = 0; i < count; i++) addresses[i] = (TonariBytes){(const uint8_t *)longest, length};
      uint8_t *frame = malloc(TONARI_LONGEST_ANSWER);
      uint8_t key[TONARI_PICK_KEY];
      memset(key, 0xFF, sizeof key);
      uint8_t *end = tonari_put_picked(
          frame, UINT64_MAX, UINT64_MAX, 3, true, UINT32_MAX, addresses, count, key);
      CHECK((size_t)(end - frame) <= TONARI_LONGEST_ANSWER);
      end = tonari_put_error(frame, UINT64_MAX, 14, longest, length, UINT32_MAX);
      CHECK((size_t)(end - frame) <= TONARI_LONGEST_ANSWER);
      end = tonari_put_completed(frame, UINT64_MAX);
      CHECK((size_t)(end - frame) <= TONARI_LONGEST_ANSWER);
      free(frame);
    }
  }
}

int main(void) {
  read_one((const uint8_t[]){0}, 0, 64);
  pthread_t threads[4];
  for (uintptr_t i = 0; i < 4; i++) CHECK(!pthread_create(&threads[i], NULL, read_many, (void *)(i + 1)));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  write_answers();
  return 0;
}
