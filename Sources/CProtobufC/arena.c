#include "tonari_arena.h"

enum { ALIGNMENT = 16 };

static void *take(void *data, size_t size) {
  TonariArena *arena = data;
  size_t left = arena->capacity - arena->used;
  if (size > left) return NULL;
  void *taken = arena->block + arena->used;
  size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  arena->used = rounded < left ? arena->used + rounded : arena->capacity;
  return taken;
}

static void leave(void *data, void *taken) {
  (void)data;
  (void)taken;
}

ProtobufCAllocator tonari_arena_allocator(TonariArena *arena) {
  return (ProtobufCAllocator){.alloc = take, .free = leave, .allocator_data = arena};
}
