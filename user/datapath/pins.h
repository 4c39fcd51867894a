/*
 * Where pinned counting lives: one directory a network namespace below
 * portscribe/ in bpffs. Trusts nothing it did not make: owner, mode and file
 * system are checked, symbolic links refused.
 */
#ifndef PORTSCRIBE_PINS_H
#define PORTSCRIBE_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "net/netns.h"
#include "util/fault.h"

#define BPFFS_DIRECTORY "/sys/fs/bpf"
#define PINS_DIRECTORY	BPFFS_DIRECTORY "/portscribe"

enum pins_mode {
	PINS_READ,   /* -ENOENT where nothing is there; shared lock, if nobody changes just now */
	PINS_CHANGE, /* -ENOENT where nothing is there; exclusive lock */
	PINS_CREATE, /* makes what is missing; mounts bpffs where that is safe; exclusive lock */
};

struct pins {
	char path[128]; /* PINS_DIRECTORY "/netns-..." */
	int lock;	/* the locked directory, -1 where none */
};

/*
 * Open the directory of @id and lock all of portscribe's pins. The lock ends
 * with pins_close(). 0, -ENOENT, or -errno with the reason in @fault: bpffs not
 * mounted, a directory that somebody else made.
 */
int pins_open(const struct netns_id *id, enum pins_mode mode, struct pins *ret_pins,
	      struct fault *fault);
void pins_close(struct pins *pins);

/* Path of the pin @name within @pins. */
struct pin_path {
	char text[192];
};
struct pin_path pins_path(const struct pins *pins, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Remove every pin in the directory, "meta" first. 0 or -errno. */
int pins_clear(const struct pins *pins, struct fault *fault);

/* Remove every pin in the directory and the directory, and the parent when empty. 0 or -errno. */
int pins_remove(const struct pins *pins, struct fault *fault);

/* Names of the namespace directories that exist, each "netns-...". Free with pins_list_release().
 */
struct pins_list {
	char **names;
	size_t count;
};
int pins_list_read(struct pins_list *ret_list, struct fault *fault);
void pins_list_release(struct pins_list *list);

/* The namespace a directory name stands for; -EINVAL where it is none of ours. */
int pins_parse_name(const char *name, struct netns_id *ret_id);

/* Whether bpffs is mounted at BPFFS_DIRECTORY in our mount namespace. */
bool bpffs_mounted(void);

#endif
