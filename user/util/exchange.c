/*
 * renameat2(RENAME_EXCHANGE) puts the new file in place and gives the old one back
 * in the same moment, so that it can be looked at: if it is not the one that was
 * read, it goes back. Three names: NAME; NAME's new text while it is written; and
 * what is exchanged with NAME.
 */
#include "util/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/file.h"

#define SUFFIX_NEW  ".portscribe-new"
#define SUFFIX_SWAP ".portscribe-swap"

struct names {
	char new[NAME_MAX + 1], swap[NAME_MAX + 1];
};

/* Hidden ones: patterns such as "/etc/nftables.d/" with a star do not match them. */
static bool make_names(const struct exchange *exchange, struct names *ret_names)
{
	size_t length = strlen(exchange->name);

	if (length + 1 + sizeof(SUFFIX_SWAP) > sizeof(ret_names->new))
		return false;
	snprintf(ret_names->new, sizeof(ret_names->new), ".%.*s" SUFFIX_NEW, (int)length,
		 exchange->name);
	snprintf(ret_names->swap, sizeof(ret_names->swap), ".%.*s" SUFFIX_SWAP, (int)length,
		 exchange->name);
	return true;
}

/* ---- opening ---- */

static int open_directory(struct exchange *exchange, struct fault *fault)
{
	_cleanup_free_ char *resolved = realpath(exchange->path, NULL);
	char *slash = resolved ? strrchr(resolved, '/') : NULL;

	if (!resolved)
		return fault_set(fault, -errno, "cannot read '%s': %s", exchange->path,
				 strerror(errno));
	if (strlen(slash + 1) >= sizeof(exchange->name))
		return fault_set(fault, -ENAMETOOLONG, "the name of '%s' is too long",
				 exchange->path);
	strcpy(exchange->name, slash + 1);
	slash[slash == resolved] = '\0';
	exchange->directory = open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (exchange->directory < 0)
		return fault_set(fault, -errno, "cannot open the directory '%s': %s", resolved,
				 strerror(errno));
	return 0;
}

/* Whether NAME is still the file that is open. */
static bool is_same_file(const struct exchange *exchange, const char *name)
{
	struct stat now;

	return !fstatat(exchange->directory, name, &now, AT_SYMLINK_NOFOLLOW) &&
	       now.st_dev == exchange->status.st_dev && now.st_ino == exchange->status.st_ino;
}

static int open_locked(struct exchange *exchange, struct fault *fault)
{
	do {
		cleanup_close(&exchange->file);
		/* Non-blocking: a named pipe must be refused, not waited for. */
		exchange->file = openat(exchange->directory, exchange->name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (exchange->file < 0 || fstat(exchange->file, &exchange->status))
			return fault_set(fault, -errno, "cannot read '%s': %s", exchange->path,
					 strerror(errno));
		if (!S_ISREG(exchange->status.st_mode))
			return fault_set(fault, -EINVAL,
					 "'%s' is no regular file, and cannot be replaced in place",
					 exchange->path);
		while (flock(exchange->file, LOCK_EX))
			if (errno != EINTR)
				return fault_set(fault, -errno, "cannot lock '%s': %s",
						 exchange->path, strerror(errno));
	} while (!is_same_file(exchange, exchange->name));
	if (exchange->status.st_nlink > 1)
		return fault_set(fault, -EMLINK,
				 "'%s' has %lu names (hard links), of which only one would change",
				 exchange->path, (unsigned long)exchange->status.st_nlink);
	return 0;
}

static int read_open(int fd, char **ret_text, size_t *ret_length)
{
	_cleanup_fclose_ FILE *stream = NULL;
	int again = dup(fd);

	if (again < 0)
		return -errno;
	stream = fdopen(again, "r");
	if (!stream) {
		close(again);
		return -ENOMEM;
	}
	rewind(stream);
	return file_read_stream(stream, ret_text, ret_length);
}

static int read_name(const struct exchange *exchange, const char *name, char **ret_text,
		     size_t *ret_length)
{
	_cleanup_close_ int fd =
		openat(exchange->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : read_open(fd, ret_text, ret_length);
}

static int remove_if_there(const struct exchange *exchange, const char *name)
{
	return unlinkat(exchange->directory, name, 0) && errno != ENOENT ? -errno : 0;
}

/* What a killed run left behind: a text that never was in place, or the one before. */
static int recover(struct exchange *exchange, const struct names *names,
		   bool (*is_ours)(void *data, const char *text, size_t length, const char *left,
				   size_t left_length),
		   void *data, struct fault *fault)
{
	_cleanup_free_ char *left = NULL;
	size_t length;
	int error = remove_if_there(exchange, names->new);

	if (!error)
		error = read_name(exchange, names->swap, &left, &length);
	if (error == -ENOENT)
		return 0;
	if (!error && !is_ours(data, exchange->text, exchange->length, left, length))
		return fault_set(
			fault, -EEXIST,
			"'%s' beside '%s' holds what somebody wrote there while an earlier "
			"run was killed; look at both, and remove it",
			names->swap, exchange->path);
	if (!error)
		error = remove_if_there(exchange, names->swap);
	return error ? fault_set(fault, error, "cannot tidy up beside '%s': %s", exchange->path,
				 strerror(-error))
		     : 0;
}

int exchange_open(const char *path, size_t limit,
		  bool (*is_ours)(void *data, const char *text, size_t length, const char *left,
				  size_t left_length),
		  void *data, struct exchange *ret_exchange, struct fault *fault)
{
	struct exchange *exchange = ret_exchange;
	struct names names;
	int error;

	*exchange = EXCHANGE_NONE;
	exchange->path = path;
	error = open_directory(exchange, fault);
	if (!error)
		error = open_locked(exchange, fault);
	if (error)
		return error;
	if ((size_t)exchange->status.st_size > limit)
		return fault_set(fault, -EFBIG, "'%s' is larger than %zu MiB", path, limit >> 20);
	if (!make_names(exchange, &names))
		return fault_set(fault, -ENAMETOOLONG, "the name of '%s' is too long", path);
	error = read_open(exchange->file, &exchange->text, &exchange->length);
	if (error)
		return fault_set(fault, error, "cannot read '%s': %s", path, strerror(-error));
	return recover(exchange, &names, is_ours, data, fault);
}

void exchange_release(struct exchange *exchange)
{
	free(exchange->text);
	cleanup_close(&exchange->file);
	cleanup_close(&exchange->directory);
	*exchange = EXCHANGE_NONE;
}

/* ---- the new file ---- */

static int copy_attribute(int from, int to, const char *name)
{
	char value[65536]; /* XATTR_SIZE_MAX */
	ssize_t length = fgetxattr(from, name, value, sizeof(value));

	if (length < 0)
		return errno == ENODATA ? 0 : -errno;
	return fsetxattr(to, name, value, length, 0) ? -errno : 0;
}

/* Extended attributes, access control lists and labels among them. */
static int copy_attributes(int from, int to, const char **ret_name)
{
	static char names[65536]; /* XATTR_LIST_MAX */
	ssize_t length = flistxattr(from, names, sizeof(names));

	if (length < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		int error = copy_attribute(from, to, name);

		if (error) {
			*ret_name = name;
			return error;
		}
	}
	return 0;
}

static int make_alike(const struct exchange *exchange, int fd, struct fault *fault)
{
	const struct stat *status = &exchange->status;
	const char *name = "";
	int error;

	/* The owner first: to change it takes set-user-ID bits away. */
	if (fchown(fd, status->st_uid, status->st_gid))
		return fault_set(fault, -errno, "cannot keep the owner of '%s' (%u:%u): %s",
				 exchange->path, status->st_uid, status->st_gid, strerror(errno));
	error = copy_attributes(exchange->file, fd, &name);
	if (error)
		return fault_set(fault, error, "cannot keep the attribute %s of '%s': %s", name,
				 exchange->path, strerror(-error));
	if (fchmod(fd, status->st_mode & 07777))
		return fault_set(fault, -errno, "cannot keep the mode of '%s': %s", exchange->path,
				 strerror(errno));
	return 0;
}

static int write_open(const struct exchange *exchange, int fd, const char *text, size_t length,
		      struct stat *ret_status, struct fault *fault)
{
	int error = file_write_all(fd, text, length);

	if (!error)
		error = make_alike(exchange, fd, fault);
	else
		fault_set(fault, error, "cannot write beside '%s': %s; it is as it was",
			  exchange->path, strerror(-error));
	if (error)
		return error;
	if (fsync(fd) || fstat(fd, ret_status))
		return fault_set(fault, -errno, "cannot write beside '%s': %s; it is as it was",
				 exchange->path, strerror(errno));
	return 0;
}

/* On an error, nothing is left of it. */
static int write_new(const struct exchange *exchange, const struct names *names, const char *text,
		     size_t length, struct stat *ret_status, struct fault *fault)
{
	_cleanup_close_ int fd = openat(exchange->directory, names->new,
					O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return fault_set(fault, -errno, "cannot write beside '%s': %s; it is as it was",
				 exchange->path, strerror(errno));
	error = write_open(exchange, fd, text, length, ret_status, fault);
	if (error)
		remove_if_there(exchange, names->new);
	return error;
}

/* ---- the exchange ---- */

static int rename_with(const struct exchange *exchange, const char *from, const char *to,
		       unsigned int flags)
{
	return renameat2(exchange->directory, from, exchange->directory, to, flags) ? -errno : 0;
}

static bool has_changed(const struct stat *before, const struct stat *after)
{
	return before->st_dev != after->st_dev || before->st_ino != after->st_ino ||
	       before->st_size != after->st_size ||
	       before->st_mtim.tv_sec != after->st_mtim.tv_sec ||
	       before->st_mtim.tv_nsec != after->st_mtim.tv_nsec;
}

/* Whether what the exchange gave back is what was read, and holds the same bytes. */
static bool is_what_was_read(const struct exchange *exchange, const char *name)
{
	_cleanup_free_ char *text = NULL;
	struct stat status;
	size_t length;

	return !fstatat(exchange->directory, name, &status, AT_SYMLINK_NOFOLLOW) &&
	       !has_changed(&exchange->status, &status) && S_ISREG(status.st_mode) &&
	       !read_name(exchange, name, &text, &length) && length == exchange->length &&
	       !memcmp(text, exchange->text, length);
}

/* Somebody else's file goes back to its place; ours, if it comes out, is removed. */
static int give_back(const struct exchange *exchange, const struct names *names,
		     const struct stat *ours, struct fault *fault)
{
	struct stat status;
	int error = rename_with(exchange, names->swap, exchange->name, RENAME_EXCHANGE);

	if (error)
		return fault_set(
			fault, error,
			"'%s' was changed by somebody else, whose text is now in '%s' beside "
			"it, and cannot be moved back: %s",
			exchange->path, names->swap, strerror(-error));
	if (fstatat(exchange->directory, names->swap, &status, AT_SYMLINK_NOFOLLOW) ||
	    has_changed(ours, &status))
		return fault_set(
			fault, -EBUSY,
			"'%s' was changed twice by somebody else; one of the texts is now in "
			"'%s' beside it",
			exchange->path, names->swap);
	remove_if_there(exchange, names->swap);
	return fault_set(fault, -EBUSY,
			 "'%s' was changed by somebody else meanwhile; their change is kept, and "
			 "nothing of ours is in it; run this again",
			 exchange->path);
}

static int swap_in(const struct exchange *exchange, const struct names *names,
		   const struct stat *ours, struct fault *fault)
{
	int error = rename_with(exchange, names->new, names->swap, RENAME_NOREPLACE);

	if (!error)
		error = rename_with(exchange, names->swap, exchange->name, RENAME_EXCHANGE);
	if (error == -EBUSY)
		return fault_set(fault, error,
				 "'%s' is a mount point of its own, and cannot be replaced in one "
				 "step; write to standard output instead",
				 exchange->path);
	if (error == -EINVAL)
		return fault_set(
			fault, error,
			"the filesystem of '%s' cannot exchange two files in one step; write "
			"to standard output instead",
			exchange->path);
	if (error)
		return fault_set(fault, error, "cannot replace '%s': %s; it is as it was",
				 exchange->path, strerror(-error));
	return is_what_was_read(exchange, names->swap) ? 0
						       : give_back(exchange, names, ours, fault);
}

/* The old file: to its backup name, or gone. */
static int put_away(const struct exchange *exchange, const struct names *names, const char *suffix,
		    struct fault *fault)
{
	char backup[2 * (NAME_MAX + 1)];
	int error;

	if (!suffix) {
		error = remove_if_there(exchange, names->swap);
		return error ? fault_set(fault, error,
					 "'%s' is replaced, but the text before cannot be removed "
					 "from "
					 "'%s' beside it: %s",
					 exchange->path, names->swap, strerror(-error))
			     : 0;
	}
	snprintf(backup, sizeof(backup), "%s%s", exchange->name, suffix);
	error = rename_with(exchange, names->swap, backup, RENAME_NOREPLACE);
	if (!error)
		return 0;
	if (rename_with(exchange, names->swap, exchange->name, RENAME_EXCHANGE))
		return fault_set(
			fault, error,
			"'%s' is replaced, but the text before stays in '%s' beside it: %s",
			exchange->path, names->swap, strerror(-error));
	remove_if_there(exchange, names->swap);
	return fault_set(fault, error, "cannot keep the old '%s' as '%s': %s; it is as it was",
			 exchange->path, backup, strerror(-error));
}

/* What is there under @name, if it is the file we wrote. */
static void remove_ours(const struct exchange *exchange, const char *name, const struct stat *ours)
{
	struct stat status;

	if (!fstatat(exchange->directory, name, &status, AT_SYMLINK_NOFOLLOW) &&
	    status.st_dev == ours->st_dev && status.st_ino == ours->st_ino)
		remove_if_there(exchange, name);
}

static int check_backup(const struct exchange *exchange, const char *suffix, struct fault *fault)
{
	char backup[2 * (NAME_MAX + 1)];
	struct stat status;

	if (!suffix)
		return 0;
	if (strlen(exchange->name) + strlen(suffix) > NAME_MAX)
		return fault_set(fault, -ENAMETOOLONG, "the name '%s%s' is too long",
				 exchange->name, suffix);
	snprintf(backup, sizeof(backup), "%s%s", exchange->name, suffix);
	if (!fstatat(exchange->directory, backup, &status, AT_SYMLINK_NOFOLLOW))
		return fault_set(
			fault, -EEXIST,
			"'%s' beside '%s' is there already, and may be the only copy of an "
			"older text; move it away first",
			backup, exchange->path);
	return 0;
}

int exchange_commit(struct exchange *exchange, const char *text, size_t length, const char *suffix,
		    struct fault *fault)
{
	struct names names;
	struct stat ours;
	int error = check_backup(exchange, suffix, fault);

	if (error)
		return error;
	make_names(exchange, &names);
	error = write_new(exchange, &names, text, length, &ours, fault);
	if (error)
		return error;
	error = swap_in(exchange, &names, &ours, fault);
	if (error) {
		remove_ours(exchange, names.new, &ours);
		remove_ours(exchange, names.swap, &ours);
		return error;
	}
	error = put_away(exchange, &names, suffix, fault);
	if (!error && fsync(exchange->directory))
		error = fault_set(fault, -EIO,
				  "'%s' is replaced, but may be lost in a power failure: %s",
				  exchange->path, strerror(errno));
	return error;
}
