/*
 * Facts about the machine, read from /proc and /sys: CPUs, memory, kernel,
 * capabilities. Each a plain value; no state.
 */
#ifndef PORTSCRIBE_SYSTEM_H
#define PORTSCRIBE_SYSTEM_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * CPUs of the list in /sys/devices/system/cpu/@which ("online", "possible"), as
 * numbers, at most @size. Returns how many, or -errno.
 */
int cpus_read(const char *which, uint32_t *ret_cpus, size_t size);

/* Parse "0-3,8,10-11". As cpus_read(); -EINVAL. */
int cpus_parse(const char *text, uint32_t *ret_cpus, size_t size);

/* Bytes of RAM. */
uint64_t memory_total(void);

/* Whether the kernel is PREEMPT_RT. */
bool kernel_is_realtime(void);

/* Whether the running kernel is @major.@minor or newer. */
bool kernel_at_least(unsigned int major, unsigned int minor);

/* The first and last ephemeral port of the current network namespace. 0 or -errno. */
int ephemeral_range(uint16_t *ret_first, uint16_t *ret_last);

/* Whether this network namespace forwards IPv4 or IPv6 between interfaces. */
bool host_forwards(void);

/*
 * Effective capabilities that @needed (bits by CAP_* number) lists and we lack, as
 * "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"; false where none is missing.
 */
bool capabilities_missing(uint64_t needed, char *ret_text, size_t size);

#define CAPABILITY(number) (1ULL << (number))

#endif
