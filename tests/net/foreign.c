/*
 * A BPF program of somebody else, for the tests in this directory: counts the
 * frames it sees and returns what it is told to. Its link and its counter are
 * pinned, so it works on like ours does.
 *
 *   foreign attach tcx|clsact|xdp|xdpgeneric DEVICE in|out VERDICT DIRECTORY
 *   foreign count DIRECTORY          frames seen so far
 *   foreign poke MAP OFFSET BYTE     write into the only value of a pinned map
 *
 * tcx and clsact programs go before those that are there.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include "tcx.h"

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "foreign: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int load(int xdp, int verdict, int map)
{
	struct bpf_insn program[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_VALUE,
		  .imm = map },
		{},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 1 },
		{ .code = BPF_STX | BPF_DW | BPF_ATOMIC,
		  .dst_reg = 1,
		  .src_reg = 2,
		  .imm = BPF_ADD },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, "neighbour",
			       "GPL", program, sizeof(program) / sizeof(program[0]), NULL);

	if (fd < 0)
		die("load");
	return fd;
}

static int attach_clsact(int program, int ifindex, int out)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = out ? BPF_TC_EGRESS : BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program);
	int error;

	libbpf_set_print(NULL);
	error = bpf_tc_hook_create(&hook);
	if (error && error != -EEXIST)
		return error;
	return bpf_tc_attach(&hook, &options);
}

static int attach_link(int program, int ifindex, const char *hook, int out, const char *directory)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	char path[256];
	int type, link;

	if (!strcmp(hook, "tcx")) {
		type = out ? KERNEL_TCX_EGRESS : KERNEL_TCX_INGRESS;
		options.flags = KERNEL_F_BEFORE;
	} else {
		type = BPF_XDP;
		options.flags = strcmp(hook, "xdp") ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	}
	link = bpf_link_create(program, ifindex, type, &options);
	if (link < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/link", directory);
	return bpf_obj_pin(link, path) ? -errno : 0;
}

static int attach(char **words)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "neighbour", 4, 8, 1, &options), program,
	    error;
	int out = !strcmp(words[2], "out");
	unsigned int ifindex = if_nametoindex(words[1]);
	char path[256];

	snprintf(path, sizeof(path), "%s/map", words[4]);
	if (map < 0 || bpf_obj_pin(map, path))
		die(path);
	program = load(!strncmp(words[0], "xdp", 3), atoi(words[3]), map);
	error = !strcmp(words[0], "clsact")
			? attach_clsact(program, ifindex, out)
			: attach_link(program, ifindex, words[0], out, words[4]);
	errno = -error;
	if (error)
		die("attach");
	return 0;
}

static int count(const char *directory)
{
	unsigned long long seen;
	char path[256];
	int map, key = 0;

	snprintf(path, sizeof(path), "%s/map", directory);
	map = bpf_obj_get(path);
	if (map < 0 || bpf_map_lookup_elem(map, &key, &seen))
		die(path);
	printf("%llu\n", seen);
	return 0;
}

static int poke(char **words)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	int map = bpf_obj_get(words[0]), key = 0;
	unsigned char *value;

	if (map < 0 || bpf_obj_get_info_by_fd(map, &info, &length))
		die(words[0]);
	value = malloc(info.value_size);
	if (!value || bpf_map_lookup_elem(map, &key, value))
		die("read");
	value[atoi(words[1])] = atoi(words[2]);
	if (bpf_map_update_elem(map, &key, value, BPF_ANY))
		die("write");
	free(value);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "attach"))
		return attach(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "count"))
		return count(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "poke"))
		return poke(argv + 2);
	fputs("usage: see the head of tests/net/foreign.c\n", stderr);
	return 2;
}
