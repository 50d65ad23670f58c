/*
 * tonari_client.h: asks a Tonari replica selector which replica gets a request. One header, C99 or C++, needs nothing but
 * a POSIX libc. Define TONARI_CLIENT_IMPLEMENTATION in one file before including it there, before any other header.
 *
 *   #define TONARI_CLIENT_IMPLEMENTATION
 *   #include "tonari_client.h"
 *
 *   tonari_client *client = tonari_open("unix:/run/tonari/selector.sock", 1000);
 *   tonari_pick_request request = {0};
 *   tonari_picked picked;
 *   request.service = "default/checkout";
 *   request.node = "node-1";
 *   if (tonari_pick(client, &request, &picked, 50) == TONARI_OK) {
 *     // Send the request to picked.address, then say how it went:
 *     tonari_complete(client, picked.pick_id, TONARI_SUCCESS, latency_in_microseconds);
 *   }
 *   tonari_close(client);
 *
 * A pick is completed once the request has ended, with all of its response, or counts as in flight until the selector gives it
 * up, after a minute unless told otherwise. Streams and upgraded connections that last longer say meanwhile that they go on:
 *
 *     tonari_complete(client, picked.pick_id, TONARI_UNDER_WAY, 0);
 *
 * Pipelined, from an event loop: tonari_send_pick and tonari_send_complete write into a buffer, tonari_flush sends it,
 * tonari_receive reads what is there, tonari_next takes one answer after the other; none of them waits. tonari_descriptor
 * is what to poll: for reading always, for writing while tonari_flush answers TONARI_AGAIN.
 *
 * A pick is completed on the connection that it was made on; tonari_send_complete_pick completes it on any of this program.
 *
 * The connection is not encrypted: ask on a Unix socket or the loopback interface. A selector elsewhere is asked by gRPC
 * with TLS, or through a proxy on this machine that speaks TLS.
 *
 * A client belongs to one thread at a time. After an error below zero other than TONARI_TIMED_OUT and TONARI_TOO_LARGE the
 * connection is of no more use: close it and open another; meanwhile pick a replica yourself.
 */
#ifndef TONARI_CLIENT_H
#define TONARI_CLIENT_H

#if defined(TONARI_CLIENT_IMPLEMENTATION) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What functions answer: TONARI_OK, the selector's refusal above zero, or what went wrong below zero. */
enum {
  TONARI_OK = 0,
  TONARI_INVALID_ARGUMENT = 3,
  TONARI_NOT_FOUND = 5,
  TONARI_RESOURCE_EXHAUSTED = 8,
  TONARI_UNIMPLEMENTED = 12,
  TONARI_UNAVAILABLE = 14,
  /* The time was over. The answer that may still come is taken care of. */
  TONARI_TIMED_OUT = -1,
  /* The connection has ended or there is none; errno says why where it is known. */
  TONARI_DISCONNECTED = -2,
  /* The selector sent what is not its protocol. */
  TONARI_MALFORMED = -3,
  /* The request is larger than a selector reads. */
  TONARI_TOO_LARGE = -4,
  /* Not everything could be done without waiting. */
  TONARI_AGAIN = -5
};

/* How many bytes a pick's key is. */
enum { TONARI_KEY = 16 };

/* TONARI_UNDER_WAY: the request, or its response, goes on, and the pick stays open for as long again. */
typedef enum { TONARI_SUCCESS = 0, TONARI_FAILURE = 1, TONARI_CANCELLED = 2, TONARI_UNDER_WAY = 3 } tonari_outcome;
typedef enum { TONARI_REMOTE = 0, TONARI_NODE = 1, TONARI_ZONE = 2, TONARI_CLUSTER = 3 } tonari_tier;

/* What a pick is to be like; all but the service may be left zero. */
typedef struct {
  const char *service;
  /* Where the request comes from. */
  const char *node, *zone, *cluster;
  /* What ties requests to one replica. */
  const void *key;
  size_t key_length;
  /* Addresses that were tried already. */
  const char *const *excluded;
  size_t excluded_count;
  /* Labels that the replica must have, each "name=value". */
  const char *const *labels;
  size_t label_count;
  /* Whether this is a retry. */
  int retry;
  /* How many more replicas to name, at most 3. */
  unsigned alternatives;
  /* How often the request was sent from one cluster to another already: what came with it as x-tonari-hops, from a peer that
   * is trusted with it. One that was sent on as often as its policy allows is served in this cluster or refused. */
  unsigned hops;
} tonari_pick_request;

/* The replica that gets the request. */
typedef struct {
  /* To complete the pick with. */
  uint64_t pick_id;
  tonari_tier tier;
  /* Whether no replica was fit and this one was named all the same. */
  int panic;
  /* "host:port" */
  char address[256];
  /* More for retries, the best first. */
  size_t alternative_count;
  char alternatives[3][256];
  /* How often the request will have been sent from one cluster to another once it is there: to be sent along as
   * x-tonari-hops where it is not 0. */
  unsigned hops;
  /* The pick's key, to complete it with on another connection; key_length is 0 where none is needed. */
  size_t key_length;
  uint8_t key[TONARI_KEY];
} tonari_picked;

/* An answer in the order of arrival. */
typedef struct {
  /* The id of the request. */
  uint64_t id;
  /* TONARI_OK or the selector's refusal. */
  int status;
  /* Whether `picked` holds an answer to a pick. */
  int is_pick;
  tonari_picked picked;
  /* What the selector says about a refusal, cut off where it is long. */
  char message[256];
  /* After how many milliseconds to try again what was refused; 0 where the selector does not say. */
  unsigned retry_after_ms;
} tonari_answer;

typedef struct tonari_client tonari_client;

/* Connects to "unix:/path" or "tcp:host:port" (an IPv6 address in brackets, a port from 1 to 65535) within a time in
 * milliseconds. Answers NULL, with errno set, where that can't be done; EINVAL where the address is none. */
tonari_client *tonari_open(const char *address, int timeout_ms);

/* Ends the connection. Picks that are open count as cancelled. NULL is fine. */
void tonari_close(tonari_client *client);

/* Picks a replica and waits for the answer, at most for a time in milliseconds. Not to be mixed with pipelined picks that
 * are not answered yet. */
int tonari_pick(tonari_client *client, const tonari_pick_request *request, tonari_picked *picked, int timeout_ms);

/* After how many milliseconds to try again, where tonari_pick was refused last because no cluster has room; 0 where the
 * selector did not say. */
unsigned tonari_retry_after(const tonari_client *client);

/* Says how a pick's request ended, without waiting for an answer. latency_us: what it took in microseconds; 0 for the
 * time since the pick. Answers TONARI_AGAIN where what is sent must wait for the next call that sends. */
int tonari_complete(tonari_client *client, uint64_t pick_id, tonari_outcome outcome, uint64_t latency_us);

/* Writes a pick into the buffer. The answer carries its id, which must not be 0. TONARI_AGAIN: the buffer is full. */
int tonari_send_pick(tonari_client *client, uint64_t id, const tonari_pick_request *request);

/* Writes a completion into the buffer. With id 0 there will be no answer. served_by: the alternative that served the
 * request, or NULL. TONARI_AGAIN: the buffer is full. */
int tonari_send_complete(
    tonari_client *client, uint64_t id, uint64_t pick_id, tonari_outcome outcome, uint64_t latency_us,
    const char *served_by);

/* As tonari_send_complete, for a pick that may have been made on another connection of this program. */
int tonari_send_complete_pick(
    tonari_client *client, uint64_t id, const tonari_picked *picked, tonari_outcome outcome, uint64_t latency_us,
    const char *served_by);

/* Sends what is in the buffer. TONARI_AGAIN: not all of it went. */
int tonari_flush(tonari_client *client);

/* Reads what is there. TONARI_AGAIN: nothing at present. */
int tonari_receive(tonari_client *client);

/* Takes the next answer that was read. TONARI_AGAIN: there is none yet. */
int tonari_next(tonari_client *client, tonari_answer *answer);

/* What to poll. */
int tonari_descriptor(const tonari_client *client);

/* Decodes the message of a frame; for tests. Answers TONARI_OK or TONARI_MALFORMED. */
int tonari_decode_answer(const uint8_t *message, size_t length, tonari_answer *answer);

#ifdef __cplusplus
}
#endif

#ifdef TONARI_CLIENT_IMPLEMENTATION

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { TONARI_BUFFER = 128 * 1024, TONARI_LONGEST_MESSAGE = 64 * 1024, TONARI_HEAD = 5 };

struct tonari_client {
  int descriptor;
  uint64_t last_id;
  unsigned retry_after_ms;
  /* What is to be sent and what was received lie between begin and end. */
  size_t output_begin, output_end, input_begin, input_end;
  uint8_t output[TONARI_BUFFER];
  uint8_t input[TONARI_BUFFER];
};

/* Reading */

static const uint8_t *tonari__number(const uint8_t *at, const uint8_t *end, uint64_t *number) {
  uint64_t value = 0;
  int shift;
  for (shift = 0; shift < 70 && at < end; shift += 7) {
    uint8_t byte = *at++;
    if (shift < 64) value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *number = value;
      return at;
    }
  }
  return NULL;
}

/* A field: its number, its value where it is a number, its bytes where it has a length. */
typedef struct {
  uint64_t number, value;
  const uint8_t *bytes;
  size_t length;
  int wire;
} tonari__field;

/* Reads a field; answers where it ends, NULL where it is none. */
static const uint8_t *tonari__next_field(const uint8_t *at, const uint8_t *end, tonari__field *field) {
  uint64_t tag;
  size_t size, i;
  at = tonari__number(at, end, &tag);
  if (!at || tag >> 3 == 0) return NULL;
  field->number = tag >> 3;
  field->wire = (int)(tag & 7);
  field->value = 0;
  field->bytes = NULL;
  field->length = 0;
  switch (field->wire) {
  case 0: return tonari__number(at, end, &field->value);
  case 2:
    at = tonari__number(at, end, &field->value);
    if (!at || field->value > (uint64_t)(end - at)) return NULL;
    field->bytes = at;
    field->length = (size_t)field->value;
    return at + field->length;
  case 1:
  case 5:
    size = field->wire == 1 ? 8 : 4;
    if ((size_t)(end - at) < size) return NULL;
    for (i = size; i > 0; i--) field->value = field->value << 8 | at[i - 1];
    return at + size;
  default: return NULL;
  }
}

/* Takes an address over; one that is too long or has a zero byte is malformed. */
static int tonari__take_address(char *address, const tonari__field *field) {
  if (field->length > 255 || memchr(field->bytes, 0, field->length)) return TONARI_MALFORMED;
  memcpy(address, field->bytes, field->length);
  address[field->length] = 0;
  return TONARI_OK;
}

static int tonari__decode_picked(const uint8_t *at, const uint8_t *end, tonari_picked *picked) {
  tonari__field field;
  picked->pick_id = 0;
  picked->tier = TONARI_REMOTE;
  picked->panic = 0;
  picked->address[0] = 0;
  picked->alternative_count = 0;
  picked->hops = 0;
  picked->key_length = 0;
  while (at < end) {
    at = tonari__next_field(at, end, &field);
    if (!at) return TONARI_MALFORMED;
    if (field.number == 1 && field.wire == 1) {
      picked->pick_id = field.value;
    } else if (field.number == 2 && field.wire == 2) {
      if (tonari__take_address(picked->address, &field)) return TONARI_MALFORMED;
    } else if (field.number == 3 && field.wire == 0) {
      picked->tier = field.value <= 3 ? (tonari_tier)field.value : TONARI_REMOTE;
    } else if (field.number == 4 && field.wire == 0) {
      picked->panic = field.value != 0;
    } else if (field.number == 5 && field.wire == 2 && picked->alternative_count < 3) {
      if (tonari__take_address(picked->alternatives[picked->alternative_count], &field)) return TONARI_MALFORMED;
      picked->alternative_count++;
    } else if (field.number == 6 && field.wire == 0) {
      picked->hops = (unsigned)(field.value & UINT32_MAX);
    } else if (field.number == 7 && field.wire == 2 && field.length == TONARI_KEY) {
      memcpy(picked->key, field.bytes, TONARI_KEY);
      picked->key_length = TONARI_KEY;
    }
  }
  return picked->pick_id && picked->address[0] ? TONARI_OK : TONARI_MALFORMED;
}

static int tonari__decode_error(const uint8_t *at, const uint8_t *end, tonari_answer *answer) {
  tonari__field field;
  size_t length;
  answer->status = TONARI_UNAVAILABLE;
  while (at < end) {
    at = tonari__next_field(at, end, &field);
    if (!at) return TONARI_MALFORMED;
    if (field.number == 1 && field.wire == 0 && field.value > 0 && field.value <= INT_MAX) {
      answer->status = (int)field.value;
    } else if (field.number == 2 && field.wire == 2) {
      length = field.length < sizeof answer->message ? field.length : sizeof answer->message - 1;
      memcpy(answer->message, field.bytes, length);
      answer->message[length] = 0;
    } else if (field.number == 3 && field.wire == 0) {
      answer->retry_after_ms = (unsigned)(field.value & UINT32_MAX);
    }
  }
  return TONARI_OK;
}

int tonari_decode_answer(const uint8_t *message, size_t length, tonari_answer *answer) {
  const uint8_t *at = message, *end = message + length;
  tonari__field field;
  answer->id = 0;
  answer->status = TONARI_OK;
  answer->is_pick = 0;
  answer->message[0] = 0;
  answer->retry_after_ms = 0;
  while (at < end) {
    at = tonari__next_field(at, end, &field);
    if (!at) return TONARI_MALFORMED;
    if (field.number == 1 && field.wire == 0) {
      answer->id = field.value;
    } else if (field.number == 3 && field.wire == 2) {
      if (tonari__decode_picked(field.bytes, field.bytes + field.length, &answer->picked)) return TONARI_MALFORMED;
      answer->is_pick = 1;
    } else if (field.number == 14 && field.wire == 2) {
      if (tonari__decode_error(field.bytes, field.bytes + field.length, answer)) return TONARI_MALFORMED;
    }
  }
  return TONARI_OK;
}

int tonari_next(tonari_client *client, tonari_answer *answer) {
  const uint8_t *head = client->input + client->input_begin;
  size_t length, there = client->input_end - client->input_begin;
  if (there < TONARI_HEAD) return TONARI_AGAIN;
  length = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
  if (head[0] != 0 || length > TONARI_LONGEST_MESSAGE) return TONARI_MALFORMED;
  if (there < TONARI_HEAD + length) return TONARI_AGAIN;
  client->input_begin += TONARI_HEAD + length;
  return tonari_decode_answer(head + TONARI_HEAD, length, answer);
}

/* Writing */

static size_t tonari__number_size(uint64_t number) {
  size_t size = 1;
  for (; number >= 0x80; number >>= 7) size++;
  return size;
}

static size_t tonari__bytes_size(size_t length) { return 1 + tonari__number_size(length) + length; }

/* A string that may be left out. */
static size_t tonari__string_size(const char *string) { return string && *string ? tonari__bytes_size(strlen(string)) : 0; }

static uint8_t *tonari__put_number(uint8_t *at, uint64_t number) {
  for (; number >= 0x80; number >>= 7) *at++ = (uint8_t)(number | 0x80);
  *at++ = (uint8_t)number;
  return at;
}

static uint8_t *tonari__put_bytes(uint8_t *at, uint8_t tag, const void *bytes, size_t length) {
  *at++ = tag;
  at = tonari__put_number(at, length);
  if (length > 0) memcpy(at, bytes, length);
  return at + length;
}

static uint8_t *tonari__put_string(uint8_t *at, uint8_t tag, const char *string) {
  return string && *string ? tonari__put_bytes(at, tag, string, strlen(string)) : at;
}

/* Makes room for a frame and writes it up to the content of its message. NULL: there is no room; status says why. */
static uint8_t *tonari__begin(tonari_client *client, uint64_t id, uint8_t tag, size_t length, int *status) {
  size_t whole = (id ? 1 + tonari__number_size(id) : 0) + tonari__bytes_size(length);
  uint8_t *at;
  if (whole > TONARI_LONGEST_MESSAGE) {
    *status = TONARI_TOO_LARGE;
    return NULL;
  }
  if (TONARI_BUFFER - client->output_end < TONARI_HEAD + whole && client->output_begin > 0) {
    memmove(
        client->output, client->output + client->output_begin, client->output_end - client->output_begin);
    client->output_end -= client->output_begin;
    client->output_begin = 0;
  }
  if (TONARI_BUFFER - client->output_end < TONARI_HEAD + whole) {
    *status = TONARI_AGAIN;
    return NULL;
  }
  *status = TONARI_OK;
  at = client->output + client->output_end;
  client->output_end += TONARI_HEAD + whole;
  *at++ = 0;
  *at++ = (uint8_t)(whole >> 24);
  *at++ = (uint8_t)(whole >> 16);
  *at++ = (uint8_t)(whole >> 8);
  *at++ = (uint8_t)whole;
  if (id) {
    *at++ = 0x08;
    at = tonari__put_number(at, id);
  }
  *at++ = tag;
  return tonari__put_number(at, length);
}

int tonari_send_pick(tonari_client *client, uint64_t id, const tonari_pick_request *request) {
  size_t place, size, i;
  uint8_t *at;
  int status;
  if (!id || !request->service) return TONARI_INVALID_ARGUMENT;
  place = tonari__string_size(request->node) + tonari__string_size(request->zone) + tonari__string_size(request->cluster);
  size = tonari__string_size(request->service) + (place ? tonari__bytes_size(place) : 0);
  if (request->key_length > 0) size += tonari__bytes_size(request->key_length);
  for (i = 0; i < request->excluded_count; i++) size += tonari__bytes_size(strlen(request->excluded[i]));
  for (i = 0; i < request->label_count; i++) size += tonari__bytes_size(strlen(request->labels[i]));
  if (request->retry) size += 2;
  if (request->alternatives) size += 1 + tonari__number_size(request->alternatives);
  if (request->hops) size += 1 + tonari__number_size(request->hops);
  at = tonari__begin(client, id, 0x12, size, &status);
  if (!at) return status;
  at = tonari__put_string(at, 0x0A, request->service);
  if (place) {
    *at++ = 0x12;
    at = tonari__put_number(at, place);
    at = tonari__put_string(at, 0x0A, request->node);
    at = tonari__put_string(at, 0x12, request->zone);
    at = tonari__put_string(at, 0x1A, request->cluster);
  }
  if (request->key_length > 0) at = tonari__put_bytes(at, 0x1A, request->key, request->key_length);
  for (i = 0; i < request->excluded_count; i++)
    at = tonari__put_bytes(at, 0x22, request->excluded[i], strlen(request->excluded[i]));
  for (i = 0; i < request->label_count; i++)
    at = tonari__put_bytes(at, 0x2A, request->labels[i], strlen(request->labels[i]));
  if (request->retry) {
    *at++ = 0x30;
    *at++ = 1;
  }
  if (request->alternatives) {
    *at++ = 0x38;
    at = tonari__put_number(at, request->alternatives);
  }
  if (request->hops) {
    *at++ = 0x40;
    at = tonari__put_number(at, request->hops);
  }
  return TONARI_OK;
}

static int tonari__send_complete(
    tonari_client *client, uint64_t id, uint64_t pick_id, tonari_outcome outcome, uint64_t latency_us,
    const char *served_by, const uint8_t *key, size_t key_length) {
  size_t size = 9 + (outcome ? 2 : 0) + (latency_us ? 1 + tonari__number_size(latency_us) : 0) +
                tonari__string_size(served_by) + (key_length ? tonari__bytes_size(key_length) : 0);
  int status, i;
  uint8_t *at = tonari__begin(client, id, 0x22, size, &status);
  if (!at) return status;
  *at++ = 0x09;
  for (i = 0; i < 8; i++) *at++ = (uint8_t)(pick_id >> (8 * i));
  if (outcome) {
    *at++ = 0x10;
    *at++ = (uint8_t)outcome;
  }
  if (latency_us) {
    *at++ = 0x18;
    at = tonari__put_number(at, latency_us);
  }
  at = tonari__put_string(at, 0x22, served_by);
  if (key_length) tonari__put_bytes(at, 0x32, key, key_length);
  return TONARI_OK;
}

int tonari_send_complete(
    tonari_client *client, uint64_t id, uint64_t pick_id, tonari_outcome outcome, uint64_t latency_us,
    const char *served_by) {
  return tonari__send_complete(client, id, pick_id, outcome, latency_us, served_by, NULL, 0);
}

int tonari_send_complete_pick(
    tonari_client *client, uint64_t id, const tonari_picked *picked, tonari_outcome outcome, uint64_t latency_us,
    const char *served_by) {
  return tonari__send_complete(
      client, id, picked->pick_id, outcome, latency_us, served_by, picked->key, picked->key_length);
}

/* Sockets */

int tonari_descriptor(const tonari_client *client) { return client->descriptor; }

unsigned tonari_retry_after(const tonari_client *client) { return client->retry_after_ms; }

int tonari_flush(tonari_client *client) {
  while (client->output_begin < client->output_end) {
    ssize_t count = send(
        client->descriptor, client->output + client->output_begin, client->output_end - client->output_begin,
        MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return TONARI_AGAIN;
    if (count <= 0) return TONARI_DISCONNECTED;
    client->output_begin += (size_t)count;
  }
  client->output_begin = client->output_end = 0;
  return TONARI_OK;
}

int tonari_receive(tonari_client *client) {
  ssize_t count;
  if (client->input_begin > 0) {
    memmove(client->input, client->input + client->input_begin, client->input_end - client->input_begin);
    client->input_end -= client->input_begin;
    client->input_begin = 0;
  }
  /* Whoever does not take its answers has no room for more. */
  if (client->input_end == TONARI_BUFFER) return TONARI_OK;
  do {
    count = recv(client->descriptor, client->input + client->input_end, TONARI_BUFFER - client->input_end, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return TONARI_AGAIN;
  if (count == 0) errno = ECONNRESET;
  if (count <= 0) return TONARI_DISCONNECTED;
  client->input_end += (size_t)count;
  return TONARI_OK;
}

static int64_t tonari__milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for a socket until a time. */
static int tonari__wait(int descriptor, short events, int64_t deadline) {
  for (;;) {
    int64_t left = deadline - tonari__milliseconds();
    struct pollfd entry;
    int count;
    entry.fd = descriptor;
    entry.events = events;
    entry.revents = 0;
    count = poll(&entry, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
    if (count > 0) return TONARI_OK;
    if (count == 0) return TONARI_TIMED_OUT;
    if (errno != EINTR) return TONARI_DISCONNECTED;
  }
}

int tonari_complete(tonari_client *client, uint64_t pick_id, tonari_outcome outcome, uint64_t latency_us) {
  int status = tonari_send_complete(client, 0, pick_id, outcome, latency_us, NULL);
  if (status == TONARI_AGAIN) {
    status = tonari_flush(client);
    if (status != TONARI_DISCONNECTED) status = tonari_send_complete(client, 0, pick_id, outcome, latency_us, NULL);
  }
  return status == TONARI_OK ? tonari_flush(client) : status;
}

int tonari_pick(tonari_client *client, const tonari_pick_request *request, tonari_picked *picked, int timeout_ms) {
  int64_t deadline = tonari__milliseconds() + timeout_ms;
  tonari_answer answer;
  uint64_t id = ++client->last_id;
  int status = tonari_send_pick(client, id, request);
  client->retry_after_ms = 0;
  if (status == TONARI_AGAIN) {
    status = tonari_flush(client);
    if (status != TONARI_DISCONNECTED) status = tonari_send_pick(client, id, request);
  }
  if (status == TONARI_AGAIN) return TONARI_TIMED_OUT;
  if (status != TONARI_OK) return status;
  for (;;) {
    int flushed = tonari_flush(client);
    if (flushed == TONARI_DISCONNECTED) return flushed;
    while ((status = tonari_next(client, &answer)) == TONARI_OK) {
      if (answer.id == id) {
        if (answer.status == TONARI_OK && !answer.is_pick) return TONARI_MALFORMED;
        if (answer.is_pick) *picked = answer.picked;
        client->retry_after_ms = answer.retry_after_ms;
        return answer.status;
      }
      /* The answer to a pick for which nobody waits any more. */
      if (answer.is_pick) tonari_send_complete(client, 0, answer.picked.pick_id, TONARI_CANCELLED, 0, NULL);
    }
    if (status != TONARI_AGAIN) return status;
    status = tonari__wait(
        client->descriptor, (short)(flushed == TONARI_AGAIN ? POLLIN | POLLOUT : POLLIN), deadline);
    if (status != TONARI_OK) return status;
    status = tonari_receive(client);
    if (status != TONARI_OK && status != TONARI_AGAIN) return status;
  }
}

/* Connects a socket that does not block; answers its descriptor or -1. */
static int tonari__connect(
    int family, const struct sockaddr *address, socklen_t length, int64_t deadline) {
  int descriptor = socket(family, SOCK_STREAM, 0), yes = 1, error = 0;
  socklen_t size = sizeof error;
  if (descriptor < 0) return -1;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  if (family != AF_UNIX) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(descriptor, address, length) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      error = ETIMEDOUT;
      if (tonari__wait(descriptor, POLLOUT, deadline) == TONARI_OK)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error == 0) return descriptor;
  close(descriptor);
  errno = error;
  return -1;
}

static int tonari__connect_path(const char *path, int64_t deadline) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  return tonari__connect(AF_UNIX, (const struct sockaddr *)&address, sizeof address, deadline);
}

/* Whether a text is a number from 1 to 65535: getaddrinfo takes the last 16 bits of any. */
static int tonari__is_port(const char *text) {
  long number = 0;
  const char *at;
  for (at = text; *at >= '0' && *at <= '9' && number <= 65535; at++) number = 10 * number + (*at - '0');
  return *at == 0 && number >= 1 && number <= 65535;
}

static int tonari__connect_port(const char *text, int64_t deadline) {
  const char *colon = strrchr(text, ':');
  struct addrinfo hints, *found = NULL, *next;
  char host[256];
  size_t length = colon ? (size_t)(colon - text) : 0;
  int descriptor = -1;
  if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
    text++;
    length -= 2;
  }
  errno = EINVAL;
  if (length == 0 || length >= sizeof host || !tonari__is_port(colon + 1)) return -1;
  memcpy(host, text, length);
  host[length] = 0;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  errno = EADDRNOTAVAIL;
  if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return -1;
  for (next = found; next && descriptor < 0; next = next->ai_next)
    descriptor = tonari__connect(next->ai_family, next->ai_addr, next->ai_addrlen, deadline);
  freeaddrinfo(found);
  return descriptor;
}

tonari_client *tonari_open(const char *address, int timeout_ms) {
  int64_t deadline = tonari__milliseconds() + timeout_ms;
  tonari_client *client;
  int descriptor = -1;
  errno = EINVAL;
  if (strncmp(address, "unix:", 5) == 0)
    descriptor = tonari__connect_path(address + 5, deadline);
  else if (strncmp(address, "tcp:", 4) == 0)
    descriptor = tonari__connect_port(address + 4, deadline);
  if (descriptor < 0) return NULL;
  client = (tonari_client *)malloc(sizeof *client);
  if (!client) {
    close(descriptor);
    errno = ENOMEM;
    return NULL;
  }
  client->descriptor = descriptor;
  client->last_id = 0;
  client->retry_after_ms = 0;
  client->output_begin = client->output_end = client->input_begin = client->input_end = 0;
  return client;
}

void tonari_close(tonari_client *client) {
  if (!client) return;
  close(client->descriptor);
  free(client);
}

#ifdef __cplusplus
}
#endif

#endif /* TONARI_CLIENT_IMPLEMENTATION */
#endif
