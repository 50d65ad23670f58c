/* curl's typed calls and a transfer through them, with a body each way, from several threads; and taking connections. */
#include "CCurl.h"
#include "CEpoll.h"

#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { threads = 4, transfers = 25 };

static void *serve(void *argument) {
  int listener = *(int *)argument;
  for (int served = 0; served < threads * transfers; served++) {
    int peer;
    while ((peer = tonari_accept(listener)) < 0) {
      struct pollfd there = {.fd = listener, .events = POLLIN};
      poll(&there, 1, 1000);
    }
    char request[8192];
    size_t count = 0;
    while (count < sizeof request - 1) {
      struct pollfd there = {.fd = peer, .events = POLLIN};
      if (poll(&there, 1, 1000) <= 0) break;
      ssize_t more = recv(peer, request + count, sizeof request - 1 - count, 0);
      if (more <= 0) break;
      count += (size_t)more;
      request[count] = 0;
      const char *body = strstr(request, "\r\n\r\n");
      if (body && strlen(body + 4) >= 5) break;
    }
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    CHECK(send(peer, answer, sizeof answer - 1, MSG_NOSIGNAL) == sizeof answer - 1);
    close(peer);
  }
  return NULL;
}

static size_t take(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes;
  *(size_t *)context += size * count;
  return size * count;
}

static size_t take_head(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes, (void)context;
  return size * count;
}

static size_t give(char *bytes, size_t size, size_t count, void *context) {
  (void)context, (void)size, (void)count;
  memcpy(bytes, "12345", 5);
  return 5;
}

static int back(void *context, curl_off_t offset, int origin) {
  (void)context, (void)offset, (void)origin;
  return CURL_SEEKFUNC_OK;
}

static void *ask(void *argument) {
  tonari_curl_block_signals();
  for (int transfer = 0; transfer < transfers; transfer++) {
    CURL *easy = curl_easy_init();
    size_t received = 0;
    long status = 0;
    curl_off_t size = 0;
    CHECK(easy);
    CHECK(!tonari_curl_set_string(easy, CURLOPT_URL, argument));
    CHECK(!tonari_curl_set_long(easy, CURLOPT_UPLOAD, 1));
    CHECK(!tonari_curl_set_long(easy, CURLOPT_NOSIGNAL, 1));
    CHECK(!tonari_curl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, 5));
    CHECK(!tonari_curl_receive(easy, take_head, take, &received));
    CHECK(!tonari_curl_send(easy, give, back, &received));
    CHECK(!tonari_curl_notice_dead_peer(easy, 5));
    CHECK(!curl_easy_perform(easy));
    CHECK(!tonari_curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status) && status == 200);
    CHECK(!tonari_curl_get_offset(easy, CURLINFO_SIZE_DOWNLOAD_T, &size) && size == 5 && received == 5);
    curl_easy_cleanup(easy);
  }
  return NULL;
}

int main(void) {
  CHECK(!curl_global_init(CURL_GLOBAL_DEFAULT));
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CHECK(!bind(listener, (struct sockaddr *)&name, length) && !listen(listener, 64));
  CHECK(!getsockname(listener, (struct sockaddr *)&name, &length));
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(name.sin_port));
  pthread_t server, askers[threads];
  CHECK(!pthread_create(&server, NULL, serve, &listener));
  for (int i = 0; i < threads; i++) CHECK(!pthread_create(&askers[i], NULL, ask, url));
  for (int i = 0; i < threads; i++) pthread_join(askers[i], NULL);
  pthread_join(server, NULL);
  close(listener);
  curl_global_cleanup();
  return 0;
}
