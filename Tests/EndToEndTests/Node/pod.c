/* A pod's only program: as `pause` it does nothing, as `pick` it asks the selector on the pod's socket, once a second. */
#define TONARI_CLIENT_IMPLEMENTATION
#include "../../../Sources/CTonariClient/include/tonari_client.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void try_to_write(void) {
  int file = open("/tonari/forged", O_CREAT | O_WRONLY, 0600);
  printf("write: %s\n", file < 0 ? strerror(errno) : "allowed");
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count < 2 || strcmp(arguments[1], "pick") != 0) {
    for (;;) pause();
  }
  printf("user: %d\n", (int)getuid());
  try_to_write();
  for (;; sleep(1)) {
    tonari_client *client = tonari_open("unix:/tonari/selector.sock", 1000);
    if (!client) {
      printf("open: %s\n", strerror(errno));
      continue;
    }
    tonari_pick_request request = {.service = "shop/cart"};
    tonari_picked picked;
    int status = tonari_pick(client, &request, &picked, 1000);
    if (status == 0) {
      int completed = tonari_complete(client, picked.pick_id, TONARI_SUCCESS, 1000);
      printf("picked: %s, completed: %d\n", picked.address, completed);
    } else {
      printf("pick: %d\n", status);
    }
    tonari_close(client);
  }
}
