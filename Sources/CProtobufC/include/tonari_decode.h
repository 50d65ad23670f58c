/* Any envelope, by protobuf-c. */
#ifndef TONARI_DECODE_H
#define TONARI_DECODE_H

#include "selector.pb-c.h"
#include "tonari_arena.h"
#include <stddef.h>
#include <stdint.h>

typedef enum {
  TONARI_FINE = 0,
  /* It is no message of this type: cut off, a wire type that there is not, a string that is not UTF-8. */
  TONARI_MALFORMED = 1,
  /* It is one by the letter, but no encoder writes it, and protobuf-c reads it in another way than protobuf says or
   * not at all: a group, a known field of another wire type, a message field or a member of a oneof given twice, a
   * string with a zero byte, a number longer than it needs to be. */
  TONARI_UNUSUAL = 2,
  /* The arena is too small for it. */
  TONARI_TOO_LARGE = 3,
} TonariVerdict;

/* Whether bytes are a message of a type; takes no memory. */
TonariVerdict tonari_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t length);

/* Decodes an envelope into the arena, after it checked it. Answers NULL, and why, where it can't. */
const Tonari__Selector__V1__Envelope *tonari_decode(
    TonariArena *arena, const uint8_t *bytes, size_t length, TonariVerdict *verdict);

#endif
