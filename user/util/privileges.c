/* See privileges.h. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/privileges.h"

static void drop_bounding(uint64_t keep)
{
	/* The kernel answers EINVAL to the first number that it has no capability for. */
	for (int number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++)
		if (!(keep >> number & 1))
			prctl(PR_CAPBSET_DROP, number);
}

int privileges_keep(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	drop_bounding(keep);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
	    syscall(SYS_capget, &header, data))
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= keep >> 32 * i;
		data[i].effective &= keep >> 32 * i;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}
