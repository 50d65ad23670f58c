/* What the drivers of C modules share: a check that names its line, and seeded numbers. */
#ifndef TONARI_CHECK_H
#define TONARI_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds)                                                         \
  do {                                                                       \
    if (!(holds)) {                                                          \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
      exit(1);                                                               \
    }                                                                        \
  } while (0)

/* SplitMix64. */
static inline uint64_t next_random(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

#endif
