/* Answers Envoy's external processing with one endpoint after the other and knows nothing: the least a picker costs.
 *
 *   bare_picker PATH ADDRESS...
 *
 * Of HTTP/2 it does what Envoy needs, header compression not included: which message came, the message says itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8 };
enum { ACKNOWLEDGED = 1, END_HEADERS = 4, FRAME = 9, MOST_ADDRESSES = 256, BUFFER = 1 << 18 };

struct text {
  size_t length;
  char bytes[1024];
};

static void add(struct text *text, const void *bytes, size_t length) {
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

/* A field of a message, which takes less than 16 KB. */
static struct text field(int number, const void *bytes, size_t length) {
  struct text text = {0};
  unsigned char head[3] = {(unsigned char)(number << 3 | 2), (unsigned char)length, (unsigned char)(length >> 7)};
  if (length > 127) head[1] |= 128;
  add(&text, head, length > 127 ? 3 : 2);
  add(&text, bytes, length);
  return text;
}

static struct text nested(struct text inner, int number) { return field(number, inner.bytes, inner.length); }

static struct text entry(const char *key, struct text value) {
  struct text text = field(1, key, strlen(key));
  value = nested(value, 2);
  add(&text, value.bytes, value.length);
  return nested(text, 1);
}

static struct text frame(int type, int flags, uint32_t stream, const void *bytes, size_t length) {
  struct text text = {0};
  unsigned char head[FRAME] = {
    (unsigned char)(length >> 16), (unsigned char)(length >> 8), (unsigned char)length, (unsigned char)type,
    (unsigned char)flags, (unsigned char)(stream >> 24), (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
    (unsigned char)stream};
  add(&text, head, FRAME);
  add(&text, bytes, length);
  return text;
}

/* A message of gRPC in a frame; the stream is filled in later. */
static struct text message(struct text text) {
  struct text whole = {.length = 5, .bytes = {0, 0, 0, (char)(text.length >> 8), (char)text.length}};
  add(&whole, text.bytes, text.length);
  return frame(DATA, 0, 0, whole.bytes, whole.length);
}

static const char name[] = "x-gateway-destination-endpoint";

static struct text pick(const char *address) {
  struct text header = field(1, name, strlen(name)), value = field(3, address, strlen(address));
  add(&header, value.bytes, value.length);
  struct text answer = nested(nested(nested(nested(nested(header, 1), 1), 2), 1), 1);
  struct text metadata = nested(entry("envoy.lb", nested(entry(name, field(3, address, strlen(address))), 5)), 8);
  add(&answer, metadata.bytes, metadata.length);
  return message(answer);
}

static void put_stream(char *frame_start, uint32_t stream) {
  unsigned char bytes[4] = {
    (unsigned char)(stream >> 24), (unsigned char)(stream >> 16), (unsigned char)(stream >> 8), (unsigned char)stream};
  memcpy(frame_start + 5, bytes, 4);
}

static struct text picks[MOST_ADDRESSES], noted, head;
static int pick_count, next_pick;

struct connection {
  int descriptor, greeted;
  size_t filled, to_write;
  uint32_t received;
  unsigned char in[BUFFER];
  char out[BUFFER];
};

static void put(struct connection *connection, const struct text *text, uint32_t stream) {
  if (connection->to_write + text->length > BUFFER) return;
  memcpy(connection->out + connection->to_write, text->bytes, text->length);
  put_stream(connection->out + connection->to_write, stream);
  connection->to_write += text->length;
}

static void put_window(struct connection *connection, uint32_t more) {
  unsigned char bytes[4] = {
    (unsigned char)(more >> 24), (unsigned char)(more >> 16), (unsigned char)(more >> 8), (unsigned char)more};
  struct text text = frame(WINDOW_UPDATE, 0, 0, bytes, sizeof bytes);
  put(connection, &text, 0);
}

static void take(
  struct connection *connection, int type, int flags, uint32_t stream, const unsigned char *bytes, size_t length) {
  if ((type == SETTINGS || type == PING) && !(flags & ACKNOWLEDGED)) {
    struct text answer = frame(type, ACKNOWLEDGED, 0, bytes, type == PING ? length : 0);
    put(connection, &answer, 0);
  } else if (type == DATA) {
    if ((connection->received += (uint32_t)length) > 1 << 24) {
      put_window(connection, connection->received);
      connection->received = 0;
    }
    if (length <= 5) return;
    /* Field 2 of ProcessingRequest is the request's headers, 3 the response's. */
    if (bytes[5] == (2 << 3 | 2)) {
      put(connection, &head, stream);
      put(connection, &picks[next_pick++ % pick_count], stream);
    } else put(connection, &noted, stream);
  }
}

/* Answers whether the connection is still there. */
static int serve(struct connection *connection) {
  ssize_t got = read(connection->descriptor, connection->in + connection->filled, BUFFER - connection->filled);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  connection->filled += (size_t)got;
  size_t at = 0;
  if (!connection->greeted) {
    const size_t preface = 24;
    if (connection->filled < preface) return 1;
    struct text settings = frame(SETTINGS, 0, 0, "", 0);
    put(connection, &settings, 0);
    put_window(connection, 1 << 30);
    connection->greeted = 1;
    at = preface;
  }
  while (connection->filled - at >= FRAME) {
    unsigned char *start = connection->in + at;
    size_t length = (size_t)start[0] << 16 | (size_t)start[1] << 8 | start[2];
    if (connection->filled - at < FRAME + length) break;
    uint32_t stream = (uint32_t)(start[5] & 127) << 24 | (uint32_t)start[6] << 16 | (uint32_t)start[7] << 8 | start[8];
    take(connection, start[3], start[4], stream, start + FRAME, length);
    at += FRAME + length;
  }
  memmove(connection->in, connection->in + at, connection->filled -= at);
  size_t written = 0;
  while (written < connection->to_write) {
    ssize_t now = send(connection->descriptor, connection->out + written, connection->to_write - written, MSG_NOSIGNAL);
    if (now <= 0) return 0;
    written += (size_t)now;
  }
  connection->to_write = 0;
  return 1;
}

int main(int count, char **arguments) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (count < 3 || count > MOST_ADDRESSES || strlen(arguments[1]) >= sizeof address.sun_path) return 2;
  strcpy(address.sun_path, arguments[1]);
  for (int i = 2; i < count; i++) picks[pick_count++] = pick(arguments[i]);
  noted = message(nested((struct text){0}, 2));
  /* :status 200 is the eighth, content-type the 31st of HPACK's static table. */
  static const char headers[] = "\x88\x0f\x10\x10" "application/grpc";
  head = frame(HEADERS, END_HEADERS, 0, headers, sizeof headers - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  if (
    bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)
    || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event)) {
    perror("bare_picker");
    return 1;
  }
  for (;;) {
    if (epoll_wait(poller, &event, 1, -1) < 1) continue;
    struct connection *connection = event.data.ptr;
    if (connection) {
      if (serve(connection)) continue;
      close(connection->descriptor);
      free(connection);
    } else if ((connection = calloc(1, sizeof *connection))) {
      connection->descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
      event = (struct epoll_event){.events = EPOLLIN, .data.ptr = connection};
      epoll_ctl(poller, EPOLL_CTL_ADD, connection->descriptor, &event);
    }
  }
}
