/* Memory for one message at a time: taken from a block from front to end, given back all at once. */
#ifndef TONARI_ARENA_H
#define TONARI_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *block;
  size_t capacity;
  size_t used;
} TonariArena;

/* An allocator for protobuf-c that takes from the arena and answers NULL once it is full. It never frees. It holds the
 * address of the arena. */
ProtobufCAllocator tonari_arena_allocator(TonariArena *arena);

/* Gives all of it back. */
static inline void tonari_arena_reset(TonariArena *arena) { arena->used = 0; }

#endif
