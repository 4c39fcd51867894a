/*
 * Files that are not to be trusted, files larger than allowed, and replacing: what
 * is there after each way out. What a kill leaves is tests/net/registry.sh's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/file.h"

static char work[] = "/tmp/test_file.XXXXXX";

static const char *in_work(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", work, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(in_work(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The sentence; "" where it is read, and is @expected. */
static const char *trusted(const char *name, const char *expected)
{
	static struct fault fault;
	char *text = NULL;
	size_t length = 0;
	int error;

	fault.text[0] = '\0';
	error = file_read_trusted(in_work(name), 8, geteuid(), &text, &length, &fault);
	if (error) {
		assert_null(text);
		assert_string_not_equal(fault.text, "");
		return fault.text;
	}
	assert_int_equal(length, strlen(expected));
	assert_string_equal(text, expected);
	free(text);
	return "";
}

static void assert_says(const char *said, const char *part)
{
	if (!strstr(said, part))
		fail_msg("expected '%s' in '%s'", part, said);
}

/* ------------------------------------------------------------------ reading */

static void test_trusted_file(void **state)
{
	write_file("plain", "hello", 0644);
	assert_string_equal(trusted("plain", "hello"), "");
	write_file("plain", "", 0400);
	if (geteuid() == 0)
		assert_string_equal(trusted("plain", ""), "");
	write_file("plain", "12345678", 0644);
	assert_string_equal(trusted("plain", "12345678"), "");
	write_file("plain", "123456789", 0644);
	assert_says(trusted("plain", ""), "plain' is larger than 0 MiB");
	unlink(in_work("plain"));
	assert_says(trusted("plain", ""), "plain': No such file or directory");
	assert_says(trusted("none/plain", ""), "none': No such file or directory");
}

static void test_file_that_others_may_write(void **state)
{
	write_file("loose", "hello", 0664);
	assert_says(trusted("loose", ""), "may be written by its group (mode 0664)");
	assert_says(trusted("loose", ""), "chmod go-w '");
	write_file("loose", "hello", 0646);
	assert_says(trusted("loose", ""), "may be written by everybody (mode 0646)");
	unlink(in_work("loose"));
}

static void test_directory_that_others_may_write(void **state)
{
	mkdir(in_work("open"), 0700);
	write_file("open/file", "hello", 0644);
	assert_string_equal(trusted("open/file", "hello"), "");
	chmod(in_work("open"), 0777);
	assert_says(trusted("open/file", ""), "the directory '");
	assert_says(trusted("open/file", ""), "may be written by everybody (mode 0777)");
	/* One such as /tmp must stay so: nobody is told to change it. */
	chmod(in_work("open"), 01777);
	assert_says(trusted("open/file", ""), "is for everybody to write (mode 1777); put the file");
	assert_null(strstr(trusted("open/file", ""), "chmod"));
	unlink(in_work("open/file"));
	rmdir(in_work("open"));
}

static void test_file_of_another_user(void **state)
{
	struct fault fault = {};
	char *text = NULL;
	size_t length;

	if (geteuid() != 0)
		skip();
	write_file("foreign", "hello", 0644);
	assert_int_equal(chown(in_work("foreign"), 1234, 0), 0);
	assert_says(trusted("foreign", ""), "belongs to uid 1234");
	assert_int_equal(file_read_trusted(in_work("foreign"), 8, 1234, &text, &length, &fault), 0);
	free(text);
	assert_int_equal(file_read_trusted(in_work("foreign"), 8, 1235, &text, &length, &fault),
			 -EPERM);
	unlink(in_work("foreign"));
	mkdir(in_work("theirs"), 0755);
	assert_int_equal(chown(in_work("theirs"), 1234, 0), 0);
	write_file("theirs/file", "hello", 0644);
	assert_says(trusted("theirs/file", ""), "the directory '");
	unlink(in_work("theirs/file"));
	rmdir(in_work("theirs"));
}

static void test_what_is_not_a_regular_file(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	write_file("target", "hello", 0644);
	assert_int_equal(symlink("target", in_work("link")), 0);
	assert_says(trusted("link", ""), "is a symbolic link");
	mkdir(in_work("directory"), 0755);
	assert_says(trusted("directory", ""), "is not a regular file");
	/* Must not wait for a writer. */
	mkfifo(in_work("pipe"), 0644);
	assert_says(trusted("pipe", ""), "is not a regular file");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", work);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_says(trusted("socket", ""), "cannot read '");
	close(fd);
	unlink(in_work("socket"));
	unlink(in_work("pipe"));
	rmdir(in_work("directory"));
	unlink(in_work("link"));
	unlink(in_work("target"));
}

static const char *limited(const char *path)
{
	static struct fault fault;
	char *text = NULL;
	size_t length = 0;

	fault.text[0] = '\0';
	if (!file_read_limited(path, 1u << 20, &text, &length, &fault)) {
		assert_int_equal(text[length], 0);
		free(text);
	}
	return fault.text;
}

static void test_limited(void **state)
{
	char expected[PATH_MAX + 64];

	write_file("plain", "hello", 0666);
	assert_string_equal(limited(in_work("plain")), "");
	assert_string_equal(limited("/tmp"), "'/tmp' is a directory; a file or a pipe is needed");
	assert_string_equal(limited("/dev/zero"),
			    "'/dev/zero' is a device or terminal; a file or a pipe is needed");
	assert_string_equal(limited("/dev/null"),
			    "'/dev/null' is a device or terminal; a file or a pipe is needed");
	assert_int_equal(truncate(in_work("plain"), (1u << 20) + 1), 0);
	snprintf(expected, sizeof(expected), "'%s' is larger than 1 MiB", in_work("plain"));
	assert_string_equal(limited(in_work("plain")), expected);
	assert_int_equal(truncate(in_work("plain"), 1u << 20), 0);
	assert_string_equal(limited(in_work("plain")), "");
	unlink(in_work("plain"));
	snprintf(expected, sizeof(expected), "cannot read '%s': No such file or directory",
		 in_work("plain"));
	assert_string_equal(limited(in_work("plain")), expected);
}

/* ------------------------------------------------------------------ replacing */

static void assert_file(const char *name, const char *expected)
{
	char text[64] = "";
	FILE *file = fopen(in_work(name), "re");

	if (!expected) {
		assert_null(file);
		return;
	}
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
}

static unsigned int count_files(const char *name)
{
	DIR *directory = opendir(in_work(name));
	unsigned int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

static struct file_lock *lock_store(void)
{
	static struct file_lock lock = FILE_LOCK_NONE;
	static char path[PATH_MAX];
	struct fault fault = {};

	/* A test that failed has not given it back. */
	file_unlock(&lock);
	snprintf(path, sizeof(path), "%s/store", work);
	if (file_lock(path, &lock, &fault))
		fail_msg("%s", fault.text);
	return &lock;
}

static int replace(const struct file_lock *lock, const char *text, bool keep_previous)
{
	struct fault fault = {};
	int error = file_replace(lock, "f", text, strlen(text), 0644, keep_previous, &fault);

	assert_int_equal(fault.text[0] != '\0', error != 0);
	return error;
}

static void clear_store(struct file_lock *lock)
{
	file_unlock(lock);
	assert_int_equal(lock->directory, -1);
	unlink(in_work("store/f"));
	unlink(in_work("store/f.previous"));
	assert_int_equal(rmdir(in_work("store")), 0);
}

static void test_replace(void **state)
{
	mode_t mask = umask(0077);
	struct file_lock *lock = lock_store();
	struct stat status;

	assert_int_equal(stat(in_work("store"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0755);
	assert_int_equal(replace(lock, "one", true), 0);
	assert_file("store/f", "one");
	assert_file("store/f.previous", NULL);
	assert_int_equal(replace(lock, "two", true), 0);
	assert_file("store/f", "two");
	assert_file("store/f.previous", "one");
	assert_int_equal(replace(lock, "three", false), 0);
	assert_file("store/f", "three");
	assert_file("store/f.previous", "one");
	assert_int_equal(replace(lock, "", true), 0);
	assert_file("store/f", "");
	assert_file("store/f.previous", "three");
	assert_int_equal(stat(in_work("store/f"), &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0644);
	assert_int_equal(count_files("store"), 2);
	umask(mask);
	clear_store(lock);
}

/* A directory in the file's place: the old is kept, no temporary file is left. */
static void test_replace_that_fails(void **state)
{
	/* One more than leaves room for ".previous". */
	char name[NAME_MAX - 9 + 1 + 1] = "";
	struct file_lock *lock = lock_store();
	struct fault fault = {};

	assert_int_equal(mkdir(in_work("store/f"), 0755), 0);
	assert_int_equal(replace(lock, "one", false), -EISDIR);
	assert_int_equal(replace(lock, "one", true), -EPERM);
	assert_int_equal(count_files("store"), 1);
	assert_int_equal(rmdir(in_work("store/f")), 0);
	/* A file in place of the previous one's, so that the last rename fails. */
	assert_int_equal(replace(lock, "one", true), 0);
	assert_int_equal(mkdir(in_work("store/f.previous"), 0755), 0);
	assert_int_equal(replace(lock, "two", true), -EISDIR);
	assert_file("store/f", "one");
	assert_int_equal(count_files("store"), 2);
	assert_int_equal(rmdir(in_work("store/f.previous")), 0);
	memset(name, 'a', sizeof(name) - 1);
	assert_int_equal(file_replace(lock, name, "", 0, 0644, false, &fault), -ENAMETOOLONG);
	name[strlen(name) - 1] = '\0';
	assert_int_equal(file_replace(lock, name, "", 0, 0644, false, &fault), 0);
	unlinkat(lock->directory, name, 0);
	clear_store(lock);
}

/* The states that a kill between two steps leaves, made by hand. */
static void test_recover(void **state)
{
	struct file_lock *lock = lock_store();
	struct fault fault = {};

	/* While writing. */
	assert_int_equal(replace(lock, "one", true), 0);
	write_file("store/.f.new", "tw", 0600);
	assert_int_equal(file_recover(lock, "f", &fault), 0);
	assert_file("store/f", "one");
	assert_int_equal(count_files("store"), 1);
	/* After the second name, before the new file is in place. */
	write_file("store/.f.new", "two", 0600);
	assert_int_equal(link(in_work("store/f"), in_work("store/.f.old")), 0);
	assert_int_equal(file_recover(lock, "f", &fault), 0);
	assert_file("store/f", "one");
	assert_file("store/f.previous", NULL);
	assert_int_equal(count_files("store"), 1);
	/* After the new file is in place. */
	assert_int_equal(link(in_work("store/f"), in_work("store/.f.old")), 0);
	write_file("store/.f.new", "two", 0600);
	assert_int_equal(rename(in_work("store/.f.new"), in_work("store/f")), 0);
	assert_int_equal(replace(lock, "three", true), 0);
	assert_file("store/f", "three");
	assert_file("store/f.previous", "two");
	assert_int_equal(count_files("store"), 2);
	/* Both names the same file, as a person may have made them. */
	unlink(in_work("store/f"));
	assert_int_equal(link(in_work("store/f.previous"), in_work("store/f")), 0);
	assert_int_equal(replace(lock, "four", true), 0);
	assert_file("store/f", "four");
	assert_file("store/f.previous", "two");
	assert_int_equal(count_files("store"), 2);
	clear_store(lock);
}

static void test_lock_refuses_what_others_may_write(void **state)
{
	struct file_lock lock = FILE_LOCK_NONE;
	struct fault fault = {};

	assert_int_equal(mkdir(in_work("shared"), 0700), 0);
	assert_int_equal(chmod(in_work("shared"), 0775), 0);
	assert_int_equal(file_lock(in_work("shared"), &lock, &fault), -EPERM);
	assert_says(fault.text, "may be written by its group (mode 0775)");
	assert_int_equal(lock.directory, -1);
	file_unlock(&lock);
	rmdir(in_work("shared"));
	write_file("shared", "", 0644);
	assert_int_equal(file_lock(in_work("shared"), &lock, &fault), -ENOTDIR);
	unlink(in_work("shared"));
}

static int make_work(void **state)
{
	return mkdtemp(work) ? 0 : -1;
}

static int remove_work(void **state)
{
	return rmdir(work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trusted_file),
		cmocka_unit_test(test_file_that_others_may_write),
		cmocka_unit_test(test_directory_that_others_may_write),
		cmocka_unit_test(test_file_of_another_user),
		cmocka_unit_test(test_what_is_not_a_regular_file),
		cmocka_unit_test(test_limited),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_replace_that_fails),
		cmocka_unit_test(test_recover),
		cmocka_unit_test(test_lock_refuses_what_others_may_write),
	};

	return cmocka_run_group_tests(tests, make_work, remove_work);
}
