/* Sends back what it gets, whatever it is: the least that a server on a socket costs. echo PATH */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[256 * 1024];

int main(int count, char **arguments) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (count != 2 || strlen(arguments[1]) >= sizeof address.sun_path) return 2;
  strcpy(address.sun_path, arguments[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) {
    perror("echo");
    return 1;
  }
  puts("listening");
  fflush(stdout);
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    ssize_t there;
    while ((there = read(peer, buffer, sizeof buffer)) > 0)
      for (ssize_t sent = 0, now; sent < there; sent += now)
        if ((now = write(peer, buffer + sent, (size_t)(there - sent))) <= 0) break;
    close(peer);
  }
}
