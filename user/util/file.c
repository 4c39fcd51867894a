/* See file.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"

int file_read_stream(FILE *stream, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = 0;

	for (;;) {
		size_t got;

		if (room - length < 2) {
			char *grown = realloc(text, room ? room * 2 : 65536);

			if (!grown)
				return -ENOMEM;
			room = room ? room * 2 : 65536;
			text = grown;
		}
		got = fread(text + length, 1, room - length - 1, stream);
		if (!got)
			break;
		length += got;
	}
	if (ferror(stream))
		return errno ? -errno : -EIO;
	text[length] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int file_read(const char *path, char **ret_text, size_t *ret_length)
{
	_cleanup_fclose_ FILE *file = NULL;

	if (!strcmp(path, "-"))
		return file_read_stream(stdin, ret_text, ret_length);
	file = fopen(path, "re");
	return file ? file_read_stream(file, ret_text, ret_length) : -errno;
}

/* -EFBIG after one byte more than @limit, however much there is. */
static int read_limited(int fd, size_t limit, char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = 0;

	for (;;) {
		ssize_t got;

		if (length == room) {
			char *grown;

			if (room > limit)
				return -EFBIG;
			room = room ? room * 2 : 65536;
			if (room > limit + 1)
				room = limit + 1;
			grown = realloc(text, room + 1);
			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		got = read(fd, text + length, room - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		length += got;
	}
	if (length > limit)
		return -EFBIG;
	text[length] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

static int read_checked(int fd, const char *path, size_t limit, char **ret_text, size_t *ret_length,
			struct fault *fault)
{
	int error = read_limited(fd, limit, ret_text, ret_length);

	if (error == -EFBIG)
		return fault_set(fault, error, "'%s' is larger than %zu MiB", path, limit >> 20);
	if (error)
		return fault_set(fault, error, "cannot read '%s': %s", path, strerror(-error));
	return 0;
}

static int refuse_kind(mode_t mode, const char *path, struct fault *fault)
{
	const char *kind = S_ISDIR(mode)		    ? "a directory"
			   : S_ISCHR(mode) || S_ISBLK(mode) ? "a device or terminal"
							    : "not a file";

	return fault_set(fault, S_ISDIR(mode) ? -EISDIR : -EINVAL,
			 "'%s' is %s; a file or a pipe is needed", path, kind);
}

int file_read_limited(const char *path, size_t limit, char **ret_text, size_t *ret_length,
		      struct fault *fault)
{
	bool standard = !strcmp(path, "-");
	const char *shown = standard ? "(standard input)" : path;
	_cleanup_close_ int opened = -1;
	struct stat status;
	int fd = STDIN_FILENO;

	/* Before opening, because to open some devices is to use them. */
	if (!standard && !stat(path, &status) && !S_ISREG(status.st_mode) &&
	    !S_ISFIFO(status.st_mode))
		return refuse_kind(status.st_mode, shown, fault);
	if (!standard)
		fd = opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status))
		return fault_set(fault, -errno, "cannot read '%s': %s", shown, strerror(errno));
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode))
		return refuse_kind(status.st_mode, shown, fault);
	return read_checked(fd, shown, limit, ret_text, ret_length, fault);
}

/* Only root and @owner can have written it, or there is a sentence that says who else. */
static int check_trust(const struct stat *status, uid_t owner, const char *path,
		       struct fault *fault)
{
	bool directory = S_ISDIR(status->st_mode);

	if (status->st_uid != 0 && status->st_uid != owner)
		return fault_set(fault, -EPERM,
				 "%s'%s' belongs to uid %u, who may write what they like there; "
				 "look at it, then: chown root '%s'",
				 directory ? "the directory " : "", path, status->st_uid, path);
	/* Such as /tmp, which must stay as it is. */
	if (directory && status->st_mode & S_ISVTX && status->st_mode & (S_IWGRP | S_IWOTH))
		return fault_set(
			fault, -EPERM,
			"the directory '%s' is for everybody to write (mode %04o); put the "
			"file into one that only you may write",
			path, status->st_mode & 07777);
	if (status->st_mode & (S_IWGRP | S_IWOTH))
		return fault_set(fault, -EPERM,
				 "%s'%s' may be written by %s (mode %04o); look at it, then: chmod "
				 "go-w '%s'",
				 directory ? "the directory " : "", path,
				 status->st_mode & S_IWOTH ? "everybody" : "its group",
				 status->st_mode & 07777, path);
	return 0;
}

/* "/a/b" is "b" in "/a". -ENAMETOOLONG, -EINVAL. */
static int split_path(const char *path, char *ret_directory, size_t size, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? slash - path : 0;

	if (length >= size)
		return -ENAMETOOLONG;
	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name)
		return -EINVAL;
	snprintf(ret_directory, size, "%.*s", (int)length, path);
	if (!length)
		snprintf(ret_directory, size, "%s", slash ? "/" : ".");
	return 0;
}

static int open_trusted(const char *path, uid_t owner, int *ret_fd, struct fault *fault)
{
	_cleanup_close_ int directory = -1, fd = -1;
	char parent[PATH_MAX];
	struct stat status;
	const char *name;
	int error = split_path(path, parent, sizeof(parent), &name);

	if (error)
		return fault_set(fault, error, "cannot read '%s': %s", path, strerror(-error));
	directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || fstat(directory, &status))
		return fault_set(fault, -errno, "cannot open '%s': %s", parent, strerror(errno));
	error = check_trust(&status, owner, parent, fault);
	if (error)
		return error;
	/* Non-blocking: a named pipe must be refused, not waited for. */
	fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		return fault_set(fault, -EPERM,
				 "'%s' is a symbolic link, and they are not followed there; put "
				 "the file itself in its place",
				 path);
	if (fd < 0 || fstat(fd, &status))
		return fault_set(fault, -errno, "cannot read '%s': %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return fault_set(fault, -EPERM, "'%s' is not a regular file; remove it", path);
	error = check_trust(&status, owner, path, fault);
	if (!error)
		*ret_fd = TAKE_FD(fd);
	return error;
}

int file_read_trusted(const char *path, size_t limit, uid_t owner, char **ret_text,
		      size_t *ret_length, struct fault *fault)
{
	_cleanup_close_ int fd = -1;
	int error = open_trusted(path, owner, &fd, fault);

	return error ? error : read_checked(fd, path, limit, ret_text, ret_length, fault);
}

/* ------------------------------------------------------------------ replacing */

int file_lock(const char *path, struct file_lock *ret_lock, struct fault *fault)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	mode_t mask = umask(0);
	int made = mkdir(path, 0755), error = errno;

	umask(mask);
	if (made && error != EEXIST)
		return fault_set(fault, -error, "cannot make the directory '%s': %s%s", path,
				 strerror(error), error == EACCES ? " (needs root; try sudo)" : "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		return fault_set(fault, -errno, "cannot open the directory '%s': %s", path,
				 strerror(errno));
	error = check_trust(&status, geteuid(), path, fault);
	if (error)
		return error;
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return fault_set(fault, -errno, "cannot lock the directory '%s': %s", path,
					 strerror(errno));
	*ret_lock = (struct file_lock){ path, TAKE_FD(fd) };
	return 0;
}

void file_unlock(struct file_lock *lock)
{
	if (lock->directory >= 0)
		close(lock->directory);
	lock->directory = -1;
}

/*
 * The names that a replacement goes through. NEW is written and fsynced, then
 * renamed over NAME. OLD is a second name of the file that NAME was before, so that
 * it has a name at every moment until it is renamed to PREVIOUS.
 */
struct names {
	char new[NAME_MAX + 1], old[NAME_MAX + 1], previous[NAME_MAX + 1];
};

static int make_names(const struct file_lock *lock, const char *name, struct names *ret_names,
		      struct fault *fault)
{
	struct names *names = ret_names;

	if (strlen(name) + sizeof(".previous") > sizeof(names->new))
		return fault_set(fault, -ENAMETOOLONG, "the name '%s/%s' is too long", lock->path,
				 name);
	snprintf(names->new, sizeof(names->new), ".%.*s.new", NAME_MAX - 8, name);
	snprintf(names->old, sizeof(names->old), ".%.*s.old", NAME_MAX - 8, name);
	snprintf(names->previous, sizeof(names->previous), "%.*s.previous", NAME_MAX - 9, name);
	return 0;
}

static int remove_if_there(int directory, const char *name)
{
	return unlinkat(directory, name, 0) && errno != ENOENT ? -errno : 0;
}

/* rename() does nothing where both names are the same file already. */
static int keep_old(int directory, const struct names *names)
{
	if (renameat(directory, names->old, directory, names->previous))
		return -errno;
	return remove_if_there(directory, names->old);
}

static int recover(int directory, const char *name, const struct names *names)
{
	struct stat old, current;
	int error = remove_if_there(directory, names->new);

	if (error)
		return error;
	if (fstatat(directory, names->old, &old, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	/* Still the file itself: killed before NAME became another. */
	if (!fstatat(directory, name, &current, AT_SYMLINK_NOFOLLOW) &&
	    current.st_dev == old.st_dev && current.st_ino == old.st_ino)
		return remove_if_there(directory, names->old);
	return keep_old(directory, names);
}

int file_recover(const struct file_lock *lock, const char *name, struct fault *fault)
{
	struct names names;
	int error = make_names(lock, name, &names, fault);

	if (error)
		return error;
	error = recover(lock->directory, name, &names);
	return error ? fault_set(fault, error, "cannot tidy up in '%s': %s", lock->path,
				 strerror(-error))
		     : 0;
}

int file_write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		length -= written;
	}
	return 0;
}

static int write_new(int directory, const char *new, const char *text, size_t length, mode_t mode)
{
	_cleanup_close_ int fd =
		openat(directory, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return -errno;
	error = file_write_all(fd, text, length);
	if (!error && (fchmod(fd, mode) || fsync(fd)))
		error = -errno;
	return error;
}

/* NEW is written. On an error NAME and PREVIOUS are as they were. */
static int swap_in(int directory, const char *name, const struct names *names, bool keep_previous)
{
	bool linked = keep_previous && !linkat(directory, name, directory, names->old, 0);
	int error;

	if (keep_previous && !linked && errno != ENOENT)
		return -errno;
	if (renameat(directory, names->new, directory, name)) {
		error = -errno;
		if (linked)
			remove_if_there(directory, names->old);
		return error;
	}
	error = linked ? keep_old(directory, names) : 0;
	if (error)
		renameat(directory, names->old, directory, name);
	return error;
}

int file_replace(const struct file_lock *lock, const char *name, const char *text, size_t length,
		 mode_t mode, bool keep_previous, struct fault *fault)
{
	struct names names;
	int error = make_names(lock, name, &names, fault);

	if (error)
		return error;
	error = recover(lock->directory, name, &names);
	if (!error)
		error = write_new(lock->directory, names.new, text, length, mode);
	if (!error)
		error = swap_in(lock->directory, name, &names, keep_previous);
	if (error) {
		remove_if_there(lock->directory, names.new);
		return fault_set(fault, error, "cannot write '%s/%s': %s; it is as it was",
				 lock->path, name, strerror(-error));
	}
	if (fsync(lock->directory))
		return fault_set(fault, -EIO,
				 "'%s/%s' is replaced, but may be lost in a power failure: %s",
				 lock->path, name, strerror(errno));
	return 0;
}
