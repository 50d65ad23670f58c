/* The two requests that come for each request of a user, in the form that encoders give them, decoded in one pass and
 * without a copy. Whatever else there is, tonari_decode reads. */
#ifndef TONARI_REQUESTS_H
#define TONARI_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t *start; /* NULL where the field is left out. */
  size_t length;
} TonariBytes;

typedef enum {
  TONARI_ANOTHER = 0,
  TONARI_PICK = 1,
  TONARI_COMPLETE = 2,
} TonariRequestKind;

typedef struct {
  uint64_t id;
  /* Pick. Service and place are as they came: whether they are UTF-8 and a Locality, nobody looked yet. */
  TonariBytes service;
  TonariBytes from;
  TonariBytes key;
  uint32_t alternatives;
  uint32_t hops;
  bool is_retry;
  /* Complete. */
  uint64_t pick_id;
  uint64_t latency_us;
  uint64_t outcome;
  TonariBytes pick_key;
} TonariRequest;

/* Reads a varint of at most `most` bytes; answers where it ends, NULL where it does not. */
static inline const uint8_t *tonari_varint(const uint8_t *at, const uint8_t *end, unsigned most, uint64_t *number) {
  if (at < end && *at < 0x80) {
    *number = *at;
    return at + 1;
  }
  uint64_t value = 0;
  for (unsigned i = 0; i < most && at < end; i++) {
    uint8_t byte = *at++;
    value |= (uint64_t)(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      *number = value;
      return at;
    }
  }
  return NULL;
}

/* Reads bytes with their length before them. */
static inline const uint8_t *tonari_bytes(const uint8_t *at, const uint8_t *end, TonariBytes *bytes) {
  uint64_t length;
  at = tonari_varint(at, end, 4, &length);
  if (!at || length > (size_t)(end - at)) return NULL;
  bytes->start = at;
  bytes->length = length;
  return at + length;
}

/* Which of the two an envelope is where its fields stand in the order of their numbers and are all known here.
 * TONARI_ANOTHER says nothing about it, not even that it is well formed. */
static inline TonariRequestKind tonari_request(const uint8_t *at, size_t length, TonariRequest *request) {
  const uint8_t *end = at + length;
  uint64_t number;
  TonariBytes message;
  request->id = 0;
  if (at < end && *at == 0x08 && !(at = tonari_varint(at + 1, end, 9, &request->id))) return TONARI_ANOTHER;
  if (at == end) return TONARI_ANOTHER;
  uint8_t kind = *at;
  if (kind != 0x12 && kind != 0x22) return TONARI_ANOTHER;
  at = tonari_bytes(at + 1, end, &message);
  if (at != end) return TONARI_ANOTHER;
  at = message.start;
  if (kind == 0x22) {
    request->outcome = 0;
    request->latency_us = 0;
    request->pick_key = (TonariBytes){NULL, 0};
    if (end - at < 9 || *at != 0x09) return TONARI_ANOTHER;
    request->pick_id = 0;
    for (int i = 8; i > 0; i--) request->pick_id = request->pick_id << 8 | at[i];
    at += 9;
    if (at < end && *at == 0x10 && !(at = tonari_varint(at + 1, end, 4, &request->outcome))) return TONARI_ANOTHER;
    if (at < end && *at == 0x18 && !(at = tonari_varint(at + 1, end, 9, &request->latency_us))) return TONARI_ANOTHER;
    if (at < end && *at == 0x32 && !(at = tonari_bytes(at + 1, end, &request->pick_key))) return TONARI_ANOTHER;
    return at == end ? TONARI_COMPLETE : TONARI_ANOTHER;
  }
  request->from = request->key = (TonariBytes){NULL, 0};
  request->is_retry = false;
  request->alternatives = 0;
  request->hops = 0;
  if (at == end || *at != 0x0A || !(at = tonari_bytes(at + 1, end, &request->service))) return TONARI_ANOTHER;
  if (at < end && *at == 0x12 && !(at = tonari_bytes(at + 1, end, &request->from))) return TONARI_ANOTHER;
  if (at < end && *at == 0x1A && !(at = tonari_bytes(at + 1, end, &request->key))) return TONARI_ANOTHER;
  if (at < end && *at == 0x30) {
    if (!(at = tonari_varint(at + 1, end, 4, &number))) return TONARI_ANOTHER;
    request->is_retry = number != 0;
  }
  if (at < end && *at == 0x38) {
    if (!(at = tonari_varint(at + 1, end, 4, &number))) return TONARI_ANOTHER;
    request->alternatives = (uint32_t)number;
  }
  if (at < end && *at == 0x40) {
    if (!(at = tonari_varint(at + 1, end, 4, &number))) return TONARI_ANOTHER;
    request->hops = (uint32_t)number;
  }
  return at == end ? TONARI_PICK : TONARI_ANOTHER;
}

#endif
