/* See namespaces.h. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listeners/namespaces.h"
#include "util/cleanup.h"

#define OURS  "/proc/self/ns/net"
#define NAMED "/run/netns"

static bool holds(const struct namespaces *namespaces, uint64_t inode)
{
	/* There are few: the last one found is the most likely one. */
	for (size_t i = namespaces->count; i-- > 0;)
		if (namespaces->items[i].inode == inode)
			return true;
	return false;
}

/* 0 also where it is there already. */
static int add(struct namespaces *namespaces, uint64_t inode, const char *path, const char *name)
{
	struct namespace_found *grown, found = { .inode = inode };

	if (holds(namespaces, inode))
		return 0;
	grown = reallocarray(namespaces->items, namespaces->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	namespaces->items = grown;
	found.path = strdup(path);
	found.name = strdup(name);
	if (!found.path || !found.name) {
		free(found.path);
		free(found.name);
		return -ENOMEM;
	}
	grown[namespaces->count++] = found;
	return 0;
}

/* All namespaces are on one small file system of the kernel's. */
static int add_path(struct namespaces *namespaces, const char *path, const char *name, dev_t nsfs)
{
	struct stat status;

	if (stat(path, &status) || status.st_dev != nsfs)
		return 0;
	return add(namespaces, status.st_ino, path, name);
}

static int add_named(struct namespaces *namespaces, dev_t nsfs)
{
	_cleanup_closedir_ DIR *directory = opendir(NAMED);
	struct dirent *entry;
	char path[PATH_MAX];
	int error = 0;

	while (!error && directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), NAMED "/%s", entry->d_name);
		error = add_path(namespaces, path, entry->d_name, nsfs);
	}
	return error;
}

/* proc_pid_mountinfo(5) writes blanks and the like as \040. In place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		unsigned int byte;

		if (at[0] == '\\' && strspn(at + 1, "01234567") >= 3 &&
		    sscanf(at + 1, "%3o", &byte) == 1) {
			*to++ = byte;
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

/* ID PARENT MAJOR:MINOR net:[INODE] MOUNTPOINT ... */
static int add_mounted(struct namespaces *namespaces, dev_t nsfs)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int error = 0;

	while (!error && mounts && getline(&line, &size, mounts) > 0) {
		char *at = strstr(line, " net:["), *end;

		if (!at || !(at = strchr(at + 1, ' ')))
			continue;
		end = strchr(++at, ' ');
		if (!end)
			continue;
		*end = '\0';
		unescape(at);
		error = add_path(namespaces, at, at, nsfs);
	}
	return error;
}

static int add_of_process(struct namespaces *namespaces, const char *pid)
{
	char path[64], link[64];
	unsigned long long inode;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0) {
		namespaces->hidden += errno == EACCES || errno == EPERM;
		return 0;
	}
	link[length] = '\0';
	return sscanf(link, "net:[%llu]", &inode) == 1 ? add(namespaces, inode, path, path) : 0;
}

static int add_of_processes(struct namespaces *namespaces)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;
	int error = 0;

	while (!error && proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			error = add_of_process(namespaces, entry->d_name);
	return error;
}

int namespaces_find(struct namespaces *ret_namespaces)
{
	struct namespaces namespaces = {};
	struct stat ours;
	int error;

	if (stat(OURS, &ours))
		return -EIO;
	error = add(&namespaces, ours.st_ino, OURS, "");
	if (!error)
		error = add_named(&namespaces, ours.st_dev);
	if (!error)
		error = add_mounted(&namespaces, ours.st_dev);
	if (!error)
		error = add_of_processes(&namespaces);
	if (error) {
		namespaces_release(&namespaces);
		return error;
	}
	*ret_namespaces = namespaces;
	return 0;
}

void namespaces_release(struct namespaces *namespaces)
{
	for (size_t i = 0; i < namespaces->count; i++) {
		free(namespaces->items[i].path);
		free(namespaces->items[i].name);
	}
	free(namespaces->items);
	*namespaces = (struct namespaces){};
}
