/*
 * What becomes of one frame, for every shape of frame the parser knows, whole
 * and cut short at every length, at every hook: the verdict, the bytes that
 * come back, and exactly which counters moved.
 *
 * BPF_PROG_TEST_RUN cannot say everything: tags that a device took off, frames
 * in fragments of an skb, and frames above 64 KiB are in test_devices.c.
 */
#include <pthread.h>
#include <linux/if_ether.h>
#include <sched.h>

#include "bpf/shapes.h"

/* Frames that stand for several packets: tc only. */
/* clang-format off */
static const struct gso {
	struct shape shape;
	uint32_t segs, size;
	uint64_t packets, bytes; /* bytes: length + (packets - 1) * header */
} gsos[] = {
	{ { "TCP of 3 segments", { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(3000) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 3, 1000, 3, 3054 + 2 * 54 },
	{ { "TCP with timestamps",
	    { ETH(IP), IP4(TCP_), TCP_OPTIONS(50123, 443, ACK, 3), FILL(2897) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 3, 1448, 3, 2963 + 2 * 66 },
	{ { "TCP with all options there can be",
	    { ETH(IP), IP4_OPTIONS(TCP_, 10), TCP_OPTIONS(50123, 443, ACK, 10), FILL(1200) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 600, 2, 1334 + 134 },
	{ { "TCP over IPv6", { ETH(V6), IP6(TCP_), TCP_OPTIONS(50123, 443, ACK, 3), FILL(2800) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 1400, 2, 2886 + 86 },
	{ { "TCP over IPv6 with an extension header",
	    { ETH(V6), IP6(DSTOPTS), EXTENSION(TCP_, 1), TCP(50123, 443, ACK), FILL(2800) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 1400, 2, 2890 + 90 },
	/* As Linux builds them from 5.19 to 6.18: the jumbo header is not sent with the segments. */
	{ { "BIG TCP over IPv6 with a jumbo header",
	    { ETH(V6), IP6(HOPOPTS), JUMBO(TCP_), TCP(50123, 443, ACK), FILL(2800) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 1400, 2, 2800 + 2 * 74 },
	{ { "TCP with its tag in the frame",
	    { ETH(DOT1Q), VLAN(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(2000) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 1000, 2, 2058 + 58 },
	{ { "TCP with two tags in the frame",
	    { ETH(DOT1AD), VLAN(DOT1Q), VLAN(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(2000) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 1000, 2, 2062 + 62 },
	{ { "UDP of 2 segments",
	    { ETH(IP), IP4(UDP_), UDP(50123, 443), FILL(2400) }, PORTED(UDP, 50123, 443), 0, 0 },
	  2, 1200, 2, 2442 + 42 },
	{ { "UDP over IPv6 of 2 segments",
	    { ETH(V6), IP6(UDP_), UDP(50123, 443), FILL(2400) }, PORTED(UDP, 50123, 443), 0, 0 },
	  2, 1200, 2, 2462 + 62 },
	/* Segment sizes differ: gso_size is GSO_BY_FRAGS. A frame so long that dividing by it
	 * would be seen to be wrong is beyond TEST_RUN, and tap has no SCTP. */
	{ { "SCTP of 3 segments", { ETH(IP), IP4(SCTP_), SCTP(50123, 2905), FILL(1200) },
	    PORTED(SCTP, 50123, 2905), 0, 0 }, 3, 0xffff, 3, 1246 + 2 * 46 },
	{ { "SCTP that does not say how many",
	    { ETH(IP), IP4(SCTP_), SCTP(50123, 2905), FILL(1200) },
	    PORTED(SCTP, 50123, 2905), 0, 0 }, 0, 0xffff, 1, 1246 },
	{ { "size only, the last segment short",
	    { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(2001) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 0, 1000, 3, 2055 + 2 * 54 },
	{ { "size only, the last segment full",
	    { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(2000) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 0, 1000, 2, 2054 + 54 },
	{ { "size only, above the payload",
	    { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(900) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 0, 1000, 1, 954 },
	{ { "size only, no payload",
	    { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK) }, PORTED(TCP, 50123, 443), ACK, 0 },
	  0, 1000, 1, 54 },
	{ { "one segment", { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(900) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 1, 1000, 1, 954 },
	{ { "a SYN that is several", { ETH(IP), IP4(TCP_), TCP(50123, 443, SYN), FILL(2000) },
	    PORTED(TCP, 50123, 443), SYN, 0 }, 2, 1000, 2, 2054 + 54 },
	{ { "as many segments as there can be",
	    { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(2000) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 65535, 1, 65535, 2054 + 65534ULL * 54 },
	{ { "BIG TCP over IPv4",
	    { ETH(IP), IP4(TCP_), TCP(50123, 443, ACK), FILL(2000), SET16(16, 0) },
	    PORTED(TCP, 50123, 443), ACK, 0 }, 2, 1000, 2, 2054 + 54 },
	{ { "a cut-off GSO frame of UDP",
	    { ETH(IP), IP4(UDP_), PAD(3) }, NO_PORTS(UNPARSED), 0, 0 }, 2, 1000, 2, 0 },
	{ { "another protocol in segments",
	    { ETH(IP), IP4(GRE), FILL(2000) }, NO_PORTS(OTHER_IP), 0, 0 }, 2, 1000, 2, 0 },
};
/* clang-format on */

static struct frame frame;
static struct span_list spans; /* the spans that ship with the program */

/* All CPUs in one row, spans counted. */
static struct harness *open_plain(void)
{
	static const struct harness_shape plain = { 1, NO_SHARED_ROW, false, false, &spans };

	return harness_open(&plain);
}

/* The first @length bytes of the frame. */
static void run_cut(struct harness *harness, enum place place, const struct shape *shape,
		    uint32_t length)
{
	struct run run = { .data = frame.bytes, .length = length };
	struct expect expect = expect_of(shape, length);
	int error;

	snprintf(harness->doing, sizeof(harness->doing), "'%s' at %s, %u of %u bytes", shape->name,
		 place_names[place], length, frame.length);
	error = harness_run(harness, place, &run);
	if (error)
		fail_msg("%s: %s", harness->doing, strerror(-error));
	harness_take(harness, direction_of(place), &expect);
}

static void run_whole_at(struct harness *harness, enum place place, const struct shape *shape)
{
	frame_build(&frame, shape->layers);
	run_cut(harness, place, shape, frame.length);
	harness_expect_rest_zero(harness);
}

static void run_whole(struct harness *harness, const struct shape *shape)
{
	for (int place = 0; place < PLACE_COUNT; place++)
		if (harness->programs[place] >= 0)
			run_whole_at(harness, place, shape);
}

static void test_shapes(void **state)
{
	struct harness *harness = open_plain();

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		run_whole(harness, &shapes[i]);
	print_message("# %zu shapes\n", ARRAY_SIZE(shapes));
	harness_close(harness);
}

/*
 * TEST_RUN takes no frame below an Ethernet header, and at tc none that ends
 * within an IP header that follows it. (test_devices.c sends those.)
 */
static uint32_t least_length(enum place place)
{
	uint32_t ethertype = frame.bytes[12] << 8 | frame.bytes[13];

	if (place > AT_TC_OUT)
		return ETH_HLEN;
	return ETH_HLEN + (ethertype == IP ? 20 : ethertype == V6 ? 40 : 1);
}

static void run_every_cut(struct harness *harness, enum place place, const struct shape *shape)
{
	frame_build(&frame, shape->layers);
	for (uint32_t length = least_length(place); length <= frame.length; length++)
		run_cut(harness, place, shape, length);
	harness_expect_rest_zero(harness);
}

static void test_cut_short(void **state)
{
	struct harness *harness = open_plain();

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (int place = 0; place < PLACE_COUNT; place++)
			if (harness->programs[place] >= 0)
				run_every_cut(harness, place, &shapes[i]);
	harness_close(harness);
}

/*
 * TEST_RUN insists on an Ethernet header and takes the ethertype from where it
 * would be: bytes 12 and 13 are those of the source address, which the shapes
 * have chosen to say the right thing.
 */
static void test_without_link_layer(void **state)
{
	static const struct shape contradiction = { "IPv4 where the type says IPv6",
						    { IP4_FROM(UDP_, 0x86dd0001), UDP(50123, 53),
						      FILL(40) },
						    NO_PORTS(UNPARSED),
						    0,
						    0 };
	struct harness *harness = open_plain();

	harness_place_iface(harness, 0, LO, LO_SLOT, 0);
	for (size_t i = 0; i < ARRAY_SIZE(l3_shapes); i++)
		for (int place = AT_TC_IN; place <= AT_TC_OUT; place++)
			run_every_cut(harness, place, &l3_shapes[i]);
	run_every_cut(harness, AT_TC_IN, &contradiction);
	harness_close(harness);
}

static void run_gso(struct harness *harness, enum place place, const struct gso *gso)
{
	struct run run = { .data = frame.bytes,
			   .length = frame.length,
			   .gso_segs = gso->segs,
			   .gso_size = gso->size };
	struct expect expect = expect_of(&gso->shape, frame.length);
	int error;

	expect.packets = gso->packets;
	expect.bytes = gso->bytes;
	snprintf(harness->doing, sizeof(harness->doing), "'%s' at %s", gso->shape.name,
		 place_names[place]);
	error = harness_run(harness, place, &run);
	if (error)
		fail_msg("%s: %s", harness->doing, strerror(-error));
	harness_take(harness, direction_of(place), &expect);
	harness_expect_rest_zero(harness);
}

static void test_offloaded(void **state)
{
	struct harness *harness = open_plain();

	for (size_t i = 0; i < ARRAY_SIZE(gsos); i++) {
		frame_build(&frame, gsos[i].shape.layers);
		run_gso(harness, AT_TC_IN, &gsos[i]);
		run_gso(harness, AT_TC_OUT, &gsos[i]);
	}
	harness_close(harness);
}

/* Frames above a page: only xdp.frags can take them. */
static void test_jumbo_frames(void **state)
{
	static const struct shape shape = {
		"jumbo frame", { ETH(IP) }, PORTED(UDP, 50123, 53), 0, 38
	};
	/* Nine buffers deep. At tc, where other buffers are read as well, it is counted. */
	static const struct shape long_chain = { "8 of the longest extension headers", LONG_CHAIN,
						 NO_PORTS(UNPARSED), 0, 0 };
	static const uint32_t lengths[] = { 3520, 3521, 4096, 9014, 9018, 16384, 65000 };
	struct harness *harness = open_plain();

	if (harness->programs[AT_XDP_FRAGS] < 0) {
		print_message("# skipped: xdp.frags needs Linux 5.18\n");
		harness_close(harness);
		skip();
	}
	run_whole_at(harness, AT_XDP_FRAGS, &long_chain);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct layer layers[LAYERS_MAX] = { ETH(IP), IP4(UDP_), UDP(50123, 53),
						    FILL(lengths[i] - 42) };

		frame_build(&frame, layers);
		run_cut(harness, AT_XDP_FRAGS, &shape, frame.length);
		harness_expect_rest_zero(harness);
	}
	harness_close(harness);
}

/* What XDP cannot read directly, it calls unparsed: headers beyond the first buffer. */
static void test_headers_beyond_first_buffer(void **state)
{
	static const struct shape *shape = &shapes[0];
	struct harness *harness = open_plain();
	int refused = 0;

	frame_build(&frame, shape->layers);
	for (uint32_t linear = ETH_HLEN; linear < frame.length; linear++) {
		struct run run = { .data = frame.bytes, .length = frame.length, .linear = linear };
		struct expect expect = expect_of(shape, linear);

		expect.bytes = frame.length;
		snprintf(harness->doing, sizeof(harness->doing), "first buffer of %u bytes",
			 linear);
		refused = harness->programs[AT_XDP_FRAGS] < 0
				  ? -EOPNOTSUPP
				  : harness_run(harness, AT_XDP_FRAGS, &run);
		if (refused)
			break;
		harness_take(harness, DIR_IN, &expect);
	}
	harness_expect_rest_zero(harness);
	harness_close(harness);
	if (refused) {
		print_message("# skipped: this kernel's TEST_RUN cannot split a short frame\n");
		skip();
	}
}

/* ---- every port ---- */

static void expect_every_port(struct harness *harness, enum transport transport,
			      enum direction direction)
{
	struct tally *tally = harness_tally(harness, 0);

	for (int side = 0; side < SIDE_COUNT; side++) {
		struct counter *ports = harness_block(harness, 0, transport)->side[side][direction];

		for (uint32_t i = 0; i < harness->plan.count; i++) {
			const struct segment *segment = &harness->plan.segments[i];
			uint64_t size = segment->last - segment->first + 1;
			struct expect expect = { .packets = size, .bytes = size * 42 };

			if (segment->transport == transport)
				take_counter(harness,
					     &tally->segments[side][direction][segment->id],
					     &expect, "segment", segment->id);
		}
		for (uint32_t port = 0; port < PORT_COUNT; port++) {
			struct expect expect = { .packets = 1, .bytes = 42 };

			take_counter(harness, &ports[port], &expect, "port", port);
		}
	}
}

static void run_every_port(struct harness *harness, enum place place, enum transport transport)
{
	static const uint8_t protocols[TRANSPORT_COUNT] = { TCP_, UDP_, SCTP_ };
	struct layer layers[LAYERS_MAX] = { ETH(IP), IP4(protocols[transport]), FILL(8) };
	struct run run = { .data = frame.bytes, .length = 42 };
	uint64_t *buckets =
		(uint64_t *)harness_tally(harness, 0)->ifaces[LO_SLOT].packets[direction_of(place)];

	snprintf(harness->doing, sizeof(harness->doing), "every port at %s", place_names[place]);
	frame_build(&frame, layers);
	for (uint32_t port = 0; port < PORT_COUNT; port++) {
		set16(frame.bytes + 34, 65535 - port);
		set16(frame.bytes + 36, port);
		assert_int_equal(harness_run(harness, place, &run), 0);
	}
	expect_every_port(harness, transport, direction_of(place));
	take_cell(harness, &buckets[BUCKET_SEEN], PORT_COUNT, "seen", 0);
	take_cell(harness, &buckets[BUCKET_PORTED], PORT_COUNT, "ported", 0);
	harness_expect_rest_zero(harness);
}

static void test_every_port(void **state)
{
	struct harness *harness = open_plain();

	run_every_port(harness, AT_TC_IN, TRANSPORT_UDP);
	run_every_port(harness, AT_TC_OUT, TRANSPORT_TCP);
	run_every_port(harness, AT_XDP, TRANSPORT_SCTP);
	if (harness->programs[AT_XDP_FRAGS] >= 0)
		run_every_port(harness, AT_XDP_FRAGS, TRANSPORT_UDP);
	harness_close(harness);
}

/* ---- spans ---- */

/* One packet to @dest at tc ingress, whatever it moves. */
static void send_to(struct harness *harness, uint8_t protocol, uint16_t dest)
{
	struct layer layers[LAYERS_MAX] = { ETH(IP), IP4(protocol), FILL(20) };
	struct run run = { .data = frame.bytes };

	frame_build(&frame, layers);
	run.length = frame.length;
	set16(frame.bytes + 34, 50000);
	set16(frame.bytes + 36, dest);
	assert_int_equal(harness_run(harness, AT_TC_IN, &run), 0);
}

static void test_framehawk(void **state)
{
	struct harness *harness = open_plain();
	uint16_t segment = harness_segment(harness, TRANSPORT_UDP, 3248);
	struct counter *in = &harness_tally(harness, 0)->segments[SIDE_LOCAL][DIR_IN][segment];
	struct counter *port = harness_block(harness, 0, TRANSPORT_UDP)->side[SIDE_LOCAL][DIR_IN];

	assert_int_not_equal(segment, SEGMENT_NONE);
	send_to(harness, UDP_, 3248);
	assert_int_equal(in->packets, 1);
	assert_int_equal(in->bytes, 54);
	assert_int_equal(port[3248].packets, 1);
	send_to(harness, UDP_, 3223);
	send_to(harness, UDP_, 3325);
	send_to(harness, TCP_, 3248);
	assert_int_equal(in->packets, 1);

	harness_zero(harness);
	for (uint32_t dest = 3223; dest <= 3325; dest++) {
		struct shape udp = { "udp",
				     { ETH(IP), IP4(UDP_), UDP(50000, dest) },
				     PORTED(UDP, 50000, dest),
				     0,
				     38 };
		struct shape tcp = { "tcp",
				     { ETH(IP), IP4(TCP_), TCP(50000, dest, 0) },
				     PORTED(TCP, 50000, dest),
				     0,
				     38 };

		run_whole(harness, &udp);
		run_whole(harness, &tcp);
	}
	harness_close(harness);
}

/* Packets a span counted, by its segments, and by its ports. */
static uint64_t by_segments(struct harness *harness, const struct span *span, int side)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < harness->plan.count; i++) {
		const struct segment *segment = &harness->plan.segments[i];

		if (segment->transport == span->transport && segment->first >= span->first &&
		    segment->last <= span->last)
			sum += harness_tally(harness, 0)
				       ->segments[side][DIR_IN][segment->id]
				       .packets;
	}
	return sum;
}

static uint64_t by_ports(struct harness *harness, const struct span *span, int side)
{
	uint64_t sum = 0;

	for (uint32_t port = span->first; port <= span->last; port++)
		sum += harness_block(harness, 0, span->transport)->side[side][DIR_IN][port].packets;
	return sum;
}

static void test_overlapping_spans(void **state)
{
	struct span overlapping[] = {
		{ "whole", 0, 65535, TRANSPORT_UDP, "", "" },
		{ "one", 3248, 3248, TRANSPORT_UDP, "", "" },
		{ "same", 3248, 3248, TRANSPORT_UDP, "", "" },
		{ "around", 3240, 3260, TRANSPORT_UDP, "", "" },
		{ "across", 3250, 3300, TRANSPORT_UDP, "", "" },
		{ "next", 3301, 3400, TRANSPORT_UDP, "", "" },
		{ "page", 3264, 3327, TRANSPORT_UDP, "", "" },
		{ "first", 0, 0, TRANSPORT_UDP, "", "" },
		{ "last", 65535, 65535, TRANSPORT_UDP, "", "" },
		{ "tcp", 3200, 3299, TRANSPORT_TCP, "", "" },
		{ "sctp", 3000, 4000, TRANSPORT_SCTP, "", "" },
	};
	struct span_list list = { overlapping, ARRAY_SIZE(overlapping) };
	struct harness_shape shape = { 1, NO_SHARED_ROW, false, false, &list };
	struct harness *harness = harness_open(&shape);
	static const uint8_t protocols[TRANSPORT_COUNT] = { TCP_, UDP_, SCTP_ };

	for (uint32_t i = 0; i < 30000; i++) {
		struct layer layers[LAYERS_MAX] = { ETH(IP), IP4(protocols[i % 3]), FILL(8) };
		uint32_t dest = i * 7919 % 5 ? 3190 + i * 31 % 260 : i * 40503;

		frame_build(&frame, layers);
		set16(frame.bytes + 34, 3190 + i * 17 % 260);
		set16(frame.bytes + 36, dest);
		assert_int_equal(harness_run(harness, AT_TC_IN,
					     &(struct run){ .data = frame.bytes, .length = 42 }),
				 0);
	}
	for (size_t i = 0; i < list.count; i++)
		for (int side = 0; side < SIDE_COUNT; side++)
			assert_int_equal(by_segments(harness, &overlapping[i], side),
					 by_ports(harness, &overlapping[i], side));
	assert_int_equal(by_segments(harness, &overlapping[0], SIDE_LOCAL), 10000);
	assert_true(by_segments(harness, &overlapping[1], SIDE_LOCAL) > 0);
	harness_close(harness);
}

/* ---- rows ---- */

static bool pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

static void unpin(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	sched_setaffinity(0, sizeof(set), &set);
}

static void skip_on_one_cpu(void)
{
	bool two = pin_to_cpu(1);

	unpin();
	if (two)
		return;
	print_message("# skipped: needs CPUs 0 and 1\n");
	skip();
}

static void test_rows(void **state)
{
	static const struct harness_shape two = { 3, 2, false, false, &spans };
	static const enum place places[] = { AT_TC_IN, AT_TC_OUT, AT_XDP };
	struct harness *harness;

	skip_on_one_cpu();
	harness = harness_open(&two);
	harness_place_cpus(harness, 2);
	for (int cpu = 0; cpu < 2; cpu++) {
		harness->datapath->placement->row[cpu] = cpu;
		assert_true(pin_to_cpu(cpu));
		for (size_t i = 0; i < ARRAY_SIZE(shapes) * ARRAY_SIZE(places); i++) {
			const struct shape *shape = &shapes[i / ARRAY_SIZE(places)];
			enum place place = places[i % ARRAY_SIZE(places)];
			struct run run = { .data = frame.bytes };
			struct expect expect;

			frame_build(&frame, shape->layers);
			run.length = frame.length;
			expect = expect_of(shape, frame.length);
			expect.row = cpu;
			snprintf(harness->doing, sizeof(harness->doing), "'%s' on CPU %d",
				 shape->name, cpu);
			assert_int_equal(harness_run(harness, place, &run), 0);
			harness_take(harness, direction_of(place), &expect);
		}
		harness_expect_rest_zero(harness);
	}
	unpin();
	harness_close(harness);
}

#define TIMES 1000000u

struct runner {
	pthread_t thread;
	int program, cpu, error;
};

/* Two at once: the answers are not looked at, harness->out is one. */
static void *run_many(void *argument)
{
	struct runner *runner = argument;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.bytes,
		    .data_size_in = frame.length, .repeat = TIMES);

	if (!pin_to_cpu(runner->cpu))
		runner->error = -errno;
	else
		runner->error = bpf_prog_test_run_opts(runner->program, &options);
	return NULL;
}

/* The frame through a program, TIMES on CPU 0 and on CPU 1 at once. */
static void run_on_two_cpus(struct harness *harness, enum place place)
{
	struct runner runners[2];

	for (int cpu = 0; cpu < 2; cpu++) {
		runners[cpu] = (struct runner){ .program = harness->programs[place], .cpu = cpu };
		assert_int_equal(
			pthread_create(&runners[cpu].thread, NULL, run_many, &runners[cpu]), 0);
	}
	for (int cpu = 0; cpu < 2; cpu++) {
		pthread_join(runners[cpu].thread, NULL);
		assert_int_equal(runners[cpu].error, 0);
	}
}

/* Both CPUs write to @row: not one packet may be lost. */
static void race(struct harness *harness, enum place place, const struct shape *shape, uint32_t row)
{
	struct expect expect;

	frame_build(&frame, shape->layers);
	run_on_two_cpus(harness, place);
	expect = expect_of(shape, frame.length);
	expect.row = row;
	expect.packets = 2ULL * TIMES;
	expect.bytes = 2ULL * TIMES * frame.length;
	snprintf(harness->doing, sizeof(harness->doing), "'%s' on two CPUs at once", shape->name);
	harness_take(harness, direction_of(place), &expect);
	harness_expect_rest_zero(harness);
}

static const struct shape syn_in_span = {
	"SYN to vnc", { ETH(IP), IP4(TCP_), TCP(5905, 5901, SYN) }, PORTED(TCP, 5905, 5901), SYN, 38
};
static const struct shape udp_in_span = {
	"framehawk", { ETH(IP), IP4(UDP_), UDP(3224, 3248) }, PORTED(UDP, 3224, 3248), 0, 38
};
static const struct shape fragment = {
	"fragment", { ETH(IP), IP4_FRAGMENT(UDP_, 0, 4), FILL(40) }, NO_PORTS(FRAGMENT), 0, 34
};

static void test_shared_row(void **state)
{
	static const struct harness_shape shared = { 2, 1, false, false, &spans };
	struct harness *harness;

	skip_on_one_cpu();
	harness = harness_open(&shared);
	harness_place_cpus(harness, 1);
	race(harness, AT_TC_IN, &syn_in_span, 1);
	race(harness, AT_TC_OUT, &udp_in_span, 1);
	race(harness, AT_XDP, &fragment, 1);
	harness_close(harness);
}

/* SCTP has one block for all rows, so its ports are atomic although the row is a CPU's own. */
static void test_sctp_on_two_cpus(void **state)
{
	static const struct harness_shape two = { 2, NO_SHARED_ROW, false, false, NULL };
	static const struct layer layers[LAYERS_MAX] = { ETH(IP), IP4(SCTP_), SCTP(50123, 2905) };
	struct expect expect = { .transport = TRANSPORT_SCTP };
	struct harness *harness;

	skip_on_one_cpu();
	harness = harness_open(&two);
	harness->datapath->placement->row[1] = 1;
	frame_build(&frame, layers);
	run_on_two_cpus(harness, AT_TC_IN);
	for (int row = 0; row < 2; row++) {
		struct iface_buckets *iface = &harness_tally(harness, row)->ifaces[LO_SLOT];
		uint64_t *buckets = (uint64_t *)iface->packets[DIR_IN];

		take_cell(harness, &buckets[BUCKET_SEEN], TIMES, "seen in row", row);
		take_cell(harness, &buckets[BUCKET_PORTED], TIMES, "ported in row", row);
	}
	expect.packets = 2ULL * TIMES;
	expect.bytes = 2ULL * TIMES * frame.length;
	take_port(harness, SIDE_LOCAL, DIR_IN, 2905, &expect);
	take_port(harness, SIDE_PEER, DIR_IN, 50123, &expect);
	harness_expect_rest_zero(harness);
	harness_close(harness);
}

/* As on PREEMPT_RT, where a row's owner may be preempted: every add is atomic, in any row. */
static void test_all_atomic(void **state)
{
	static const struct harness_shape atomic = { 1, NO_SHARED_ROW, false, true, &spans };
	struct harness *harness;

	skip_on_one_cpu();
	harness = harness_open(&atomic);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		run_whole(harness, &shapes[i]);
	race(harness, AT_TC_IN, &syn_in_span, 0);
	race(harness, AT_XDP, &udp_in_span, 0);
	harness_close(harness);
}

static void test_local_only(void **state)
{
	static const struct harness_shape local = { 1, NO_SHARED_ROW, true, false, &spans };
	struct harness *harness = harness_open(&local);
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(harness->datapath->fds[MAP_PORTS], &info, &length),
			 0);
	assert_int_equal(info.value_size, sizeof(struct port_block) / 2);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		run_whole(harness, &shapes[i]);
	run_whole(harness, &syn_in_span);
	run_whole(harness, &udp_in_span);
	harness_close(harness);
}

/* ---- interfaces ---- */

static void expect_slot(struct harness *harness, uint32_t slot)
{
	for (int place = 0; place < PLACE_COUNT; place++) {
		struct run run = { .data = frame.bytes, .length = frame.length };
		struct expect expect = expect_of(&udp_in_span, frame.length);

		if (harness->programs[place] < 0)
			continue;
		expect.slot = slot;
		snprintf(harness->doing, sizeof(harness->doing), "slot %u at %s", slot,
			 place_names[place]);
		assert_int_equal(harness_run(harness, place, &run), 0);
		harness_take(harness, direction_of(place), &expect);
	}
	harness_expect_rest_zero(harness);
}

/* Other interfaces than lo need devices: test_devices.c. */
static void test_slots(void **state)
{
	struct harness *harness = open_plain();

	frame_build(&frame, udp_in_span.layers);
	expect_slot(harness, LO_SLOT);
	harness_place_iface(harness, 0, LO, IFACE_SLOTS - 1, 14);
	expect_slot(harness, IFACE_SLOTS - 1);

	/* Others that share its place push it along, as far as the program looks and one further.
	 */
	for (uint32_t step = 0; step <= IFACE_PROBES; step++) {
		struct iface_entry *entry = &harness->datapath->placement->ifaces[LO + step];

		*entry = (struct iface_entry){ .ifindex = LO, .slot = 500 + step, .l2_len = 14 };
		expect_slot(harness, step < IFACE_PROBES ? 500 + step : IFACE_UNLISTED);
		*entry = (struct iface_entry){ .ifindex = LO + (step + 1) * IFACE_TABLE,
					       .slot = 1000,
					       .l2_len = 0 };
	}
	harness_close(harness);
}

static void test_unlisted(void **state)
{
	struct harness *harness = open_plain();

	frame_build(&frame, udp_in_span.layers);
	memset(harness->datapath->placement->ifaces, 0,
	       sizeof(harness->datapath->placement->ifaces));
	expect_slot(harness, IFACE_UNLISTED);
	harness_close(harness);
}

static int make_spans(void **state)
{
	return span_list_builtin(&spans);
}

static int free_spans(void **state)
{
	span_list_release(&spans);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_without_link_layer),
		cmocka_unit_test(test_offloaded),
		cmocka_unit_test(test_jumbo_frames),
		cmocka_unit_test(test_headers_beyond_first_buffer),
		cmocka_unit_test(test_every_port),
		cmocka_unit_test(test_framehawk),
		cmocka_unit_test(test_overlapping_spans),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_shared_row),
		cmocka_unit_test(test_sctp_on_two_cpus),
		cmocka_unit_test(test_all_atomic),
		cmocka_unit_test(test_local_only),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_unlisted),
	};

	return cmocka_run_group_tests(tests, make_spans, free_spans);
}
