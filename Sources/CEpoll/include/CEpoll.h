/* Linux's readiness notification, which Swift's Glibc module leaves out. */
#ifndef TONARI_CEPOLL_H
#define TONARI_CEPOLL_H

#include <sys/epoll.h>
#include <sys/eventfd.h>

/* Takes a connection that does not block and is not inherited; -1 and errno where there is none. */
int tonari_accept(int listener);

#endif
