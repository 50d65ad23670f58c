#define _GNU_SOURCE
#include "CEpoll.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

int tonari_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

/* Who is at the other end of a socket in the file system; false for another socket. */
static _Bool credentials(int descriptor, struct ucred *found) {
  socklen_t length = sizeof *found;
  int domain = 0;
  socklen_t size = sizeof domain;
  return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
         getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, found, &length) == 0;
}

long tonari_peer_user(int descriptor) {
  struct ucred found;
  return credentials(descriptor, &found) ? (long)found.uid : -1;
}

int tonari_peer_process(int descriptor) {
  struct ucred found;
  return credentials(descriptor, &found) ? found.pid : 0;
}

_Bool tonari_peer_host(int descriptor, char host[64]) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getpeername(descriptor, (struct sockaddr *)&address, &length) != 0) return 0;
  if (address.ss_family == AF_INET) return inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, host, 64) != NULL;
  if (address.ss_family != AF_INET6) return 0;
  struct in6_addr network = ((struct sockaddr_in6 *)&address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&network)) return inet_ntop(AF_INET, &network.s6_addr[12], host, 64) != NULL;
  memset(&network.s6_addr[8], 0, 8);
  return inet_ntop(AF_INET6, &network, host, 64) != NULL;
}
