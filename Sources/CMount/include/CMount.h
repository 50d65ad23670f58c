/* Bind mounts by descriptors, so that no path is looked up twice. Each returns 0, or -1 and errno. */
#ifndef TONARI_CMOUNT_H
#define TONARI_CMOUNT_H

/* Opens a directory only to be named by its descriptor; -1 and errno where there is none. Where it is an entry of a directory
   that is a link, that is not followed. */
int tonari_open_folder(const char *path);
int tonari_open_entry(int directory, const char *name);

/* Mounts the directory of one descriptor over that of another. */
int tonari_bind(int source, int target);

/* Forbids set-user-ID programs, devices and programs on the mount whose root a descriptor is, and writing where asked. */
int tonari_restrict(int root, int is_read_only);

/* Takes away what is mounted over a directory's entry; the entry is not followed where it is a link. */
int tonari_unmount(int directory, const char *name);

#endif
