/* Linux's readiness notification, which Swift's Glibc module leaves out. */
#ifndef TONARI_CEPOLL_H
#define TONARI_CEPOLL_H

#include <sys/epoll.h>
#include <sys/eventfd.h>

/* Takes a connection that does not block and is not inherited; -1 and errno where there is none. */
int tonari_accept(int listener);

/* The user at the other end of a socket in the file system; -1 for another socket. */
long tonari_peer_user(int descriptor);

/* The process there, when it connected; 0 for another socket, and where it is out of sight. */
int tonari_peer_process(int descriptor);

/* Writes the host at the other end of a socket of IPv4 or IPv6, of the latter the half that names its network: a host has
 * that for itself alone. False for another socket. */
_Bool tonari_peer_host(int descriptor, char host[64]);

#endif
