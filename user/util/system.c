/* See system.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/system.h"

static int read_line(const char *path, char *line, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	return fgets(line, size, file) ? 0 : -EIO;
}

int cpus_parse(const char *text, uint32_t *ret_cpus, size_t size)
{
	size_t count = 0;

	while (*text && *text != '\n') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return -EINVAL;
		if (*end == '-') {
			text = end + 1;
			last = strtoul(text, &end, 10);
			if (end == text || last < first)
				return -EINVAL;
		}
		for (unsigned long cpu = first; cpu <= last && count < size; cpu++)
			ret_cpus[count++] = cpu;
		text = *end == ',' ? end + 1 : end;
		if (*end && *end != ',' && *end != '\n')
			return -EINVAL;
	}
	return count;
}

int cpus_read(const char *which, uint32_t *ret_cpus, size_t size)
{
	char path[128], line[4096];
	int error;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", which);
	error = read_line(path, line, sizeof(line));
	return error ? error : cpus_parse(line, ret_cpus, size);
}

uint64_t memory_total(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : (uint64_t)info.totalram * info.mem_unit;
}

bool kernel_is_realtime(void)
{
	char line[8];

	return !read_line("/sys/kernel/realtime", line, sizeof(line)) && line[0] == '1';
}

bool kernel_at_least(unsigned int major, unsigned int minor)
{
	struct utsname name;
	unsigned int a = 0, b = 0;

	if (uname(&name) || sscanf(name.release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

int ephemeral_range(uint16_t *ret_first, uint16_t *ret_last)
{
	unsigned int first, last;
	char line[64];
	int error = read_line("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof(line));

	if (error)
		return error;
	if (sscanf(line, "%u %u", &first, &last) != 2 || first > last || last > 65535)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

bool host_forwards(void)
{
	char line[8];

	return (!read_line("/proc/sys/net/ipv4/ip_forward", line, sizeof(line)) &&
		line[0] == '1') ||
	       (!read_line("/proc/sys/net/ipv6/conf/all/forwarding", line, sizeof(line)) &&
		line[0] == '1');
}

/* In the order in which people read them. */
static const struct {
	int number;
	const char *name;
} capabilities[] = {
	{ CAP_BPF, "CAP_BPF" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
};

static uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

bool capabilities_missing(uint64_t needed, char *ret_text, size_t size)
{
	uint64_t missing = needed & ~effective_capabilities();
	size_t length = 0;

	/* CAP_SYS_ADMIN stands in for CAP_BPF and CAP_PERFMON (capabilities(7)). */
	if (effective_capabilities() & CAPABILITY(CAP_SYS_ADMIN))
		missing &= ~(CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON));
	if (!missing)
		return false;
	ret_text[0] = '\0';
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		uint64_t bit = CAPABILITY(capabilities[i].number);

		if (!(missing & bit))
			continue;
		missing &= ~bit;
		length += snprintf(ret_text + length, length < size ? size - length : 0, "%s%s",
				   length == 0 ? ""
				   : missing   ? ", "
					       : " and ",
				   capabilities[i].name);
	}
	return true;
}
