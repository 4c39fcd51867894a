/*
 * What BPF_PROG_TEST_RUN cannot express, over real devices: tags that the
 * kernel took off before tc, frames whose headers lie in fragments of an skb,
 * devices without a link layer, frames above 64 KiB, interfaces other than lo.
 *
 * The devices are tap and tun, in a network namespace of the test's own. What
 * is written to one has passed tc ingress when write() returns.
 */
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bpf/shapes.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* headers of before 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define DEVICE_SLOT 9

static struct frame frame;
static struct span_list spans;
static const char *no_devices; /* why there can be none; NULL: there can */

static const struct harness_shape plain = { 1, NO_SHARED_ROW, false, false, &spans };

struct device_under_test {
	char name[IFNAMSIZ];
	uint32_t ifindex;
	int fd;		     /* what is written here arrives */
	int link[DIR_COUNT]; /* tcx; -1: none, or a filter */
};

static struct harness *open_or_skip(void)
{
	if (no_devices) {
		print_message("# skipped: %s\n", no_devices);
		skip();
	}
	return harness_open(&plain);
}

/* Else the device talks by itself: neighbour discovery, MLD. */
static void silence(const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs("1", file);
	fclose(file);
}

static void set_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_NOARP };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/* @kind: IFF_TAP or IFF_TUN. Closing its descriptor removes it. */
static struct device_under_test device_open_at(short kind, uint32_t ifindex)
{
	struct device_under_test device = { .ifindex = ifindex, .link = { -1, -1 } };
	struct ifreq request = { .ifr_flags = kind | IFF_NO_PI | IFF_VNET_HDR };

	snprintf(device.name, sizeof(device.name), "t%u", ifindex);
	memcpy(request.ifr_name, device.name, sizeof(device.name));
	device.fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	assert_true(device.fd >= 0);
	assert_int_equal(ioctl(device.fd, TUNSETIFINDEX, &ifindex), 0);
	assert_int_equal(ioctl(device.fd, TUNSETIFF, &request), 0);
	silence(device.name);
	set_up(device.name);
	return device;
}

/* An index of its own each: what a failed test leaves behind disturbs no other. */
static struct device_under_test device_open(short kind)
{
	static uint32_t next = 77;

	return device_open_at(kind, next++);
}

static void device_close(struct device_under_test *device)
{
	for (int direction = 0; direction < DIR_COUNT; direction++)
		if (device->link[direction] >= 0)
			close(device->link[direction]);
	close(device->fd);
}

/* As attach does: tcx, or a filter where there is none (before Linux 6.6). */
static void count_on(struct harness *harness, struct device_under_test *device, uint8_t l2_len)
{
	for (int direction = 0; direction < DIR_COUNT; direction++) {
		struct clsact_filter filter = { FILTER_HANDLE_PINNED, 0 };
		int program = harness->programs[direction == DIR_IN ? AT_TC_IN : AT_TC_OUT];
		int link = hook_attach_tcx(program, device->ifindex, direction);

		device->link[direction] = link;
		if (link >= 0)
			continue;
		assert_true(hook_make_clsact(device->ifindex) >= 0);
		assert_int_equal(hook_attach_clsact(program, device->ifindex, direction, &filter),
				 0);
	}
	harness_place_iface(harness, 0, device->ifindex, DEVICE_SLOT, l2_len);
}

/* 0 or -errno. */
static int send_in(const struct device_under_test *device, struct virtio_net_hdr header,
		   const void *data, uint32_t length)
{
	struct iovec parts[2] = { { &header, sizeof(header) }, { (void *)data, length } };

	return writev(device->fd, parts, 2) < 0 ? -errno : 0;
}

static void expect_arrived(struct harness *harness, struct expect expect)
{
	expect.slot = DEVICE_SLOT;
	harness_take(harness, DIR_IN, &expect);
}

/* ---- Ethernet, whole and cut short ---- */

/*
 * Linux takes a tag off before tc and drops a frame in which nothing follows
 * the tag's own type: vlan.c wants two bytes beyond.
 */
static bool reaches_tc(uint32_t length)
{
	uint32_t ethertype = frame.bytes[12] << 8 | frame.bytes[13];

	return (ethertype != DOT1Q && ethertype != DOT1AD) || length >= ETH_HLEN + 4 + 2;
}

static void arrive_cut(struct harness *harness, const struct device_under_test *device,
		       const struct shape *shape)
{
	frame_build(&frame, shape->layers);
	for (uint32_t length = ETH_HLEN; length <= frame.length; length++) {
		snprintf(harness->doing, sizeof(harness->doing), "'%s' by tap, %u of %u bytes",
			 shape->name, length, frame.length);
		assert_int_equal(send_in(device, (struct virtio_net_hdr){}, frame.bytes, length),
				 0);
		if (reaches_tc(length))
			expect_arrived(harness, expect_of(shape, length));
	}
	harness_expect_rest_zero(harness);
}

/* Of tagged frames, the outer tag is not in the frame any more: its bytes count all the same. */
static void test_arriving(void **state)
{
	struct harness *harness = open_or_skip();
	struct device_under_test device = device_open(IFF_TAP);

	count_on(harness, &device, ETH_HLEN);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		arrive_cut(harness, &device, &shapes[i]);
	device_close(&device);
	harness_close(harness);
}

static void test_leaving(void **state)
{
	struct harness *harness = open_or_skip();
	struct device_under_test device = device_open(IFF_TAP);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = device.ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	count_on(harness, &device, ETH_HLEN);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct expect expect;

		frame_build(&frame, shapes[i].layers);
		if (frame.length > 1500 + ETH_HLEN) /* the MTU */
			continue;
		memcpy(&to.sll_protocol, frame.bytes + 12, sizeof(to.sll_protocol));
		snprintf(harness->doing, sizeof(harness->doing), "'%s' leaving", shapes[i].name);
		assert_int_equal(sendto(fd, frame.bytes, frame.length, 0, (struct sockaddr *)&to,
					sizeof(to)),
				 frame.length);
		expect = expect_of(&shapes[i], frame.length);
		expect.slot = DEVICE_SLOT;
		harness_take(harness, DIR_OUT, &expect);
		harness_expect_rest_zero(harness);
	}
	close(fd);
	device_close(&device);
	harness_close(harness);
}

/* ---- headers in fragments of the skb ---- */

/* From a page on, tap puts as many bytes into the skb's own buffer as the header asks for. */
#define PAGED 5000

static void arrive_paged(struct harness *harness, const struct device_under_test *device,
			 const struct shape *shape)
{
	uint32_t headers;
	struct expect expect;

	frame_build(&frame, shape->layers);
	headers = frame.length;
	grow(&frame, PAGED - headers, 0);
	expect = expect_of(shape, PAGED);
	for (uint32_t linear = ETH_HLEN; linear <= headers && linear < 160; linear++) {
		struct virtio_net_hdr header = { .hdr_len = linear };

		snprintf(harness->doing, sizeof(harness->doing), "'%s', %u bytes in its buffer",
			 shape->name, linear);
		assert_int_equal(send_in(device, header, frame.bytes, PAGED), 0);
		expect_arrived(harness, expect);
	}
	harness_expect_rest_zero(harness);
}

static void test_paged(void **state)
{
	static const struct shape long_chain = { "8 of the longest extension headers", LONG_CHAIN,
						 PORTED(TCP, 50123, 443), SYN, 0 };
	struct harness *harness = open_or_skip();
	struct device_under_test device = device_open(IFF_TAP);

	count_on(harness, &device, ETH_HLEN);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		arrive_paged(harness, &device, &shapes[i]);

	frame_build(&frame, long_chain.layers);
	for (uint16_t linear = ETH_HLEN; linear < 4000; linear += 997) {
		struct virtio_net_hdr header = { .hdr_len = linear };

		assert_int_equal(send_in(&device, header, frame.bytes, frame.length), 0);
		expect_arrived(harness, expect_of(&long_chain, frame.length));
		harness_expect_rest_zero(harness);
	}
	device_close(&device);
	harness_close(harness);
}

/* ---- no link layer ---- */

static void test_without_link_layer(void **state)
{
	struct harness *harness = open_or_skip();
	struct device_under_test device = device_open(IFF_TUN);

	count_on(harness, &device, 0);
	for (size_t i = 0; i < ARRAY_SIZE(l3_shapes); i++) {
		frame_build(&frame, l3_shapes[i].layers);
		for (uint32_t length = 1; length <= frame.length; length++) {
			snprintf(harness->doing, sizeof(harness->doing),
				 "'%s' by tun, %u of %u bytes", l3_shapes[i].name, length,
				 frame.length);
			assert_int_equal(
				send_in(&device, (struct virtio_net_hdr){}, frame.bytes, length),
				0);
			expect_arrived(harness, expect_of(&l3_shapes[i], length));
		}
		harness_expect_rest_zero(harness);
	}
	device_close(&device);
	harness_close(harness);
}

/* ---- offload: as a guest or a tap hands it in, with a segment size and no count ---- */

/* clang-format off */
static const struct offloaded {
	struct shape shape;
	uint8_t type;	       /* VIRTIO_NET_HDR_GSO_ */
	uint16_t size, header; /* header: bytes of a packet before its payload, tags in the frame */
	uint16_t checksum;     /* its place in the transport's header */
	uint16_t transport_len;
	uint32_t payload;
} offloads[] = {
	{ { "TCP", { ETH(IP), IP4(TCP_), TCP_OPTIONS(50123, 443, ACK, 3), FILL(60000) },
	    PORTED(TCP, 50123, 443), ACK, 0 },
	  VIRTIO_NET_HDR_GSO_TCPV4, 1448, 66, 16, 32, 60000 },
	{ { "TCP over IPv6", { ETH(V6), IP6(TCP_), TCP(50123, 443, ACK), FILL(4200) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, VIRTIO_NET_HDR_GSO_TCPV6, 1400, 74, 16, 20, 4200 },
	{ { "tagged TCP", { ETH(DOT1Q), VLAN(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(10001) },
	    PORTED(TCP, 50123, 443), ACK, 0 },
	  VIRTIO_NET_HDR_GSO_TCPV4, 1000, 58, 16, 20, 10001 },
	{ { "TCP in two tags",
	    { ETH(DOT1AD), VLAN(DOT1Q), VLAN(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(10001) },
	    PORTED(TCP, 50123, 443), ACK, 0 },
	  VIRTIO_NET_HDR_GSO_TCPV4, 1000, 62, 16, 20, 10001 },
	{ { "BIG TCP", { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(100000) },
	    PORTED(TCP, 50123, 443), ACK, 0 },
	  VIRTIO_NET_HDR_GSO_TCPV4, 1460, 54, 16, 20, 100000 },
	/* As Linux builds them since 6.19: no jumbo payload option. */
	{ { "BIG TCP over IPv6", { ETH(V6), IP6(TCP_), TCP(50123, 443, ACK), FILL(100000) },
	    PORTED(TCP, 50123, 443), ACK, 0 },
	  VIRTIO_NET_HDR_GSO_TCPV6, 1440, 74, 16, 20, 100000 },
	{ { "UDP",
	    { ETH(IP), IP4(UDP_), UDP(50123, 443), FILL(12001) }, PORTED(UDP, 50123, 443), 0, 0 },
	  VIRTIO_NET_HDR_GSO_UDP_L4, 1200, 42, 6, 8, 12001 },
};
/* clang-format on */

static void arrive_offloaded(struct harness *harness, const struct device_under_test *device,
			     const struct offloaded *offload)
{
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = offload->type,
		.hdr_len = offload->header,
		.gso_size = offload->size,
		.csum_start = offload->header - offload->transport_len,
		.csum_offset = offload->checksum,
	};
	struct expect expect;
	int error;

	frame_build(&frame, offload->shape.layers);
	snprintf(harness->doing, sizeof(harness->doing), "offloaded %s", offload->shape.name);
	error = send_in(device, header, frame.bytes, frame.length);
	/* UDP: Linux 6.2; above 64 KiB: not everywhere */
	if (error == -EINVAL || error == -EMSGSIZE) {
		print_message("# %s: this kernel does not take it\n", harness->doing);
		return;
	}
	assert_int_equal(error, 0);
	expect = expect_of(&offload->shape, frame.length);
	expect.packets = (offload->payload + offload->size - 1) / offload->size;
	expect.bytes = offload->payload + expect.packets * offload->header;
	expect_arrived(harness, expect);
	harness_expect_rest_zero(harness);
}

static void test_offloaded(void **state)
{
	struct harness *harness = open_or_skip();
	struct device_under_test device = device_open(IFF_TAP);

	count_on(harness, &device, ETH_HLEN);
	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		arrive_offloaded(harness, &device, &offloads[i]);
	device_close(&device);
	harness_close(harness);
}

/* ---- interfaces that share a place in the table ---- */

static void expect_slot(struct harness *harness, uint32_t ifindex, uint32_t slot)
{
	static const struct shape udp = {
		"UDP", { ETH(IP), IP4(UDP_), UDP(50123, 53) }, PORTED(UDP, 50123, 53), 0, 0
	};

	frame_build(&frame, udp.layers);
	for (int place = 0; place < PLACE_COUNT; place++) {
		struct run run = { .data = frame.bytes,
				   .length = frame.length,
				   .ifindex = ifindex };
		struct expect expect = expect_of(&udp, frame.length);

		if (harness->programs[place] < 0)
			continue;
		/* TEST_RUN takes a context for XDP since Linux 5.15. */
		if (place > AT_TC_OUT && !kernel_at_least(5, 15))
			continue;
		expect.slot = slot;
		snprintf(harness->doing, sizeof(harness->doing), "interface %u at %s", ifindex,
			 place_names[place]);
		assert_int_equal(harness_run(harness, place, &run), 0);
		harness_take(harness, direction_of(place), &expect);
	}
	harness_expect_rest_zero(harness);
}

/* One more than find room: the last is not listed. @first: the index of the first. */
static void collide(struct harness *harness, uint32_t first)
{
	struct device_under_test devices[IFACE_PROBES + 1];

	for (uint32_t i = 0; i <= IFACE_PROBES; i++) {
		devices[i] = device_open_at(IFF_TAP, first + i * IFACE_TABLE);
		if (i < IFACE_PROBES)
			harness_place_iface(harness, i, devices[i].ifindex, 100 + i, ETH_HLEN);
	}
	for (uint32_t i = 0; i < IFACE_PROBES; i++)
		expect_slot(harness, devices[i].ifindex, 100 + i);
	expect_slot(harness, devices[IFACE_PROBES].ifindex, IFACE_UNLISTED);
	for (uint32_t i = 0; i <= IFACE_PROBES; i++)
		device_close(&devices[i]);
}

static void test_colliding_interfaces(void **state)
{
	struct harness *harness = open_or_skip();
	struct device_under_test neighbour = device_open_at(IFF_TAP, 20);

	collide(harness, 17); /* their places reach over that of the neighbour, who has none */
	expect_slot(harness, neighbour.ifindex, IFACE_UNLISTED);
	collide(harness, IFACE_TABLE - 1); /* beyond the table's end */
	device_close(&neighbour);
	harness_close(harness);
}

static int enter_own_namespace(void **state)
{
	if (access("/dev/net/tun", R_OK | W_OK))
		no_devices = "cannot open /dev/net/tun";
	else if (unshare(CLONE_NEWNET))
		no_devices = "no network namespace of our own (needs CAP_SYS_ADMIN)";
	return span_list_builtin(&spans);
}

static int release_spans(void **state)
{
	span_list_release(&spans);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arriving),  cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_paged),	  cmocka_unit_test(test_without_link_layer),
		cmocka_unit_test(test_offloaded), cmocka_unit_test(test_colliding_interfaces),
	};

	return cmocka_run_group_tests(tests, enter_own_namespace, release_spans);
}
