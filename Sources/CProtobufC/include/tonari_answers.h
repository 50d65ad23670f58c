/* Frames with the answers that are given for each request of a user, written in place. */
#ifndef TONARI_ANSWERS_H
#define TONARI_ANSWERS_H

#include "tonari_requests.h"
#include <string.h>

/* No frame of these is longer, with strings of at most 255 bytes, four addresses at most. */
#define TONARI_LONGEST_ANSWER 1120

/* How many bytes a pick's key is. */
#define TONARI_PICK_KEY 16

static inline size_t tonari_varint_length(uint64_t number) {
  return number < 0x80 ? 1 : (size_t)(70 - __builtin_clzll(number)) / 7;
}

static inline uint8_t *tonari_put_varint(uint8_t *at, uint64_t number) {
  for (; number >= 0x80; number >>= 7) *at++ = (uint8_t)(number | 0x80);
  *at++ = (uint8_t)number;
  return at;
}

static inline uint8_t *tonari_put_bytes(uint8_t *at, uint8_t tag, const void *bytes, size_t length) {
  *at++ = tag;
  at = tonari_put_varint(at, length);
  memcpy(at, bytes, length);
  return at + length;
}

static inline uint8_t *tonari_put_fixed64(uint8_t *at, uint64_t number) {
  for (int i = 0; i < 8; i++) at[i] = (uint8_t)(number >> (8 * i));
  return at + 8;
}

/* Writes a frame up to the content of its envelope's message. */
static inline uint8_t *tonari_put_head(uint8_t *at, uint64_t id, uint8_t tag, size_t length) {
  uint32_t whole = (uint32_t)(1 + tonari_varint_length(length) + length + (id ? 1 + tonari_varint_length(id) : 0));
  *at++ = 0;
  for (int shift = 24; shift >= 0; shift -= 8) *at++ = (uint8_t)(whole >> shift);
  if (id) {
    *at++ = 0x08;
    at = tonari_put_varint(at, id);
  }
  *at++ = tag;
  return tonari_put_varint(at, length);
}

/* Writes the frame that names a replica, and more for retries; with the pick's key, or NULL for none. Answers where it
 * ends. */
static inline uint8_t *tonari_put_picked(
    uint8_t *at, uint64_t id, uint64_t pick_id, unsigned tier, bool is_panic, uint32_t hops,
    const TonariBytes *addresses, size_t count, const void *key) {
  size_t length = 9 + (key ? 2 + TONARI_PICK_KEY : 0) + (tier ? 2 : 0) + (is_panic ? 2 : 0) + (hops ? 1 + tonari_varint_length(hops) : 0);
  for (size_t i = 0; i < count; i++)
    length += 1 + tonari_varint_length(addresses[i].length) + addresses[i].length;
  at = tonari_put_head(at, id, 0x1A, length);
  *at++ = 0x09;
  at = tonari_put_fixed64(at, pick_id);
  at = tonari_put_bytes(at, 0x12, addresses[0].start, addresses[0].length);
  if (tier) {
    *at++ = 0x18;
    *at++ = (uint8_t)tier;
  }
  if (is_panic) {
    *at++ = 0x20;
    *at++ = 1;
  }
  for (size_t i = 1; i < count; i++) at = tonari_put_bytes(at, 0x2A, addresses[i].start, addresses[i].length);
  if (hops) {
    *at++ = 0x30;
    at = tonari_put_varint(at, hops);
  }
  if (key) at = tonari_put_bytes(at, 0x3A, key, TONARI_PICK_KEY);
  return at;
}

/* Writes the frame that says that a pick is complete. */
static inline uint8_t *tonari_put_completed(uint8_t *at, uint64_t id) { return tonari_put_head(at, id, 0x2A, 0); }

/* Writes the frame that says what went wrong, and after how many milliseconds to try again; 0 where nobody knows. */
static inline uint8_t *tonari_put_error(
    uint8_t *at, uint64_t id, unsigned code, const char *message, size_t length, uint32_t retry_after_ms) {
  size_t more = retry_after_ms ? 1 + tonari_varint_length(retry_after_ms) : 0;
  at = tonari_put_head(at, id, 0x72, 2 + 1 + tonari_varint_length(length) + length + more);
  *at++ = 0x08;
  *at++ = (uint8_t)code;
  at = tonari_put_bytes(at, 0x12, message, length);
  if (more) {
    *at++ = 0x18;
    at = tonari_put_varint(at, retry_after_ms);
  }
  return at;
}

#endif
