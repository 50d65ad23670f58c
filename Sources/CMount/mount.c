#define _GNU_SOURCE
#include "CMount.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

enum { PATH_LENGTH = 320 };

int tonari_open_folder(const char *path) { return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); }

int tonari_open_entry(int directory, const char *name) {
  return openat(directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int tonari_bind(int source, int target) {
  char from[PATH_LENGTH], to[PATH_LENGTH];
  snprintf(from, sizeof from, "/proc/self/fd/%d", source);
  snprintf(to, sizeof to, "/proc/self/fd/%d", target);
  return mount(from, to, NULL, MS_BIND, NULL);
}

int tonari_restrict(int root, int is_read_only) {
  char path[PATH_LENGTH];
  snprintf(path, sizeof path, "/proc/self/fd/%d", root);
  unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return mount(NULL, path, NULL, is_read_only ? flags | MS_RDONLY : flags, NULL);
}

int tonari_unmount(int directory, const char *name) {
  char path[PATH_LENGTH];
  int length = snprintf(path, sizeof path, "/proc/self/fd/%d/%s", directory, name);
  if (length < 0 || length >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}
