/*
 * Frames made by hand, where sockets would not make them, for the tests in this
 * directory. Words build the frame from the outside in:
 *
 *   frames send DEVICE COUNT WORD...   out of DEVICE (AF_PACKET)
 *   frames tap DEVICE COUNT WORD...    into DEVICE, a tap with vnet_hdr, as if it arrived
 *   frames tun DEVICE COUNT WORD...    into DEVICE, a tun: no Ethernet header is made
 *
 *   to=MAC                   destination, else broadcast; the source is 02:00:00:00:00:99
 *   tag=ID  stag=ID          802.1Q and 802.1ad tags
 *   arp  type=HEX            neither IPv4 nor IPv6
 *   ip4  ip6                 10.9.9.1 to 10.9.9.2, fd09::1 to fd09::2
 *   offset=BYTES  more       IPv4 fragment (of the last ip4)
 *   hop  dst  frag=BYTES     IPv6 extension headers
 *   udp=FROM,TO  sctp=FROM,TO  tcp=FROM,TO,FLAGS   FLAGS: S, A, R ... or - for none
 *   tcpopt                   12 bytes of options in the tcp header before
 *   icmp  icmp6  proto=N     other payload of IP
 *   len=BYTES                payload
 *   cut=BYTES                of the whole frame only so many
 *   gso=tcp4|tcp6|udp:SIZE   tap: one frame that stands for many; gso_segs stays 0
 *   linear=BYTES             tap: hdr_len of the virtio header: how much of a frame
 *                            above a page the kernel puts in one piece
 *
 * Checksums are left 0: what is counted here is never delivered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned int if_nametoindex(const char *name); /* net/if.h clashes with linux/if.h */

struct frame {
	uint8_t bytes[70000];
	size_t size;
	size_t type;	  /* where the next ethertype belongs */
	size_t ip;	  /* of the last IP header; 0: none */
	size_t next;	  /* where the next protocol number belongs */
	size_t transport; /* of the last transport header */
	size_t cut;
	bool six, bare; /* IPv6; no Ethernet header */
	struct virtio_net_hdr virtio;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put8(struct frame *frame, uint8_t value)
{
	frame->bytes[frame->size++] = value;
}

static void set16(struct frame *frame, size_t at, uint16_t value)
{
	frame->bytes[at] = value >> 8;
	frame->bytes[at + 1] = value;
}

static void put16(struct frame *frame, uint16_t value)
{
	set16(frame, frame->size, value);
	frame->size += 2;
}

static void put_zeros(struct frame *frame, size_t count)
{
	memset(frame->bytes + frame->size, 0, count);
	frame->size += count;
}

static void set_type(struct frame *frame, uint16_t type)
{
	if (!frame->bare)
		set16(frame, frame->type, type);
}

static void put_tag(struct frame *frame, uint16_t protocol, uint16_t id)
{
	set_type(frame, protocol);
	put16(frame, id);
	frame->type = frame->size;
	put16(frame, 0);
}

static void put_ip4(struct frame *frame)
{
	static const uint8_t addresses[] = { 10, 9, 9, 1, 10, 9, 9, 2 };

	set_type(frame, ETH_P_IP);
	frame->ip = frame->size;
	frame->six = false;
	put16(frame, 0x4500);
	put_zeros(frame, 6); /* length is set at the end */
	put8(frame, 64);
	frame->next = frame->size;
	put_zeros(frame, 3);
	memcpy(frame->bytes + frame->size, addresses, sizeof(addresses));
	frame->size += sizeof(addresses);
}

static void put_ip6(struct frame *frame)
{
	set_type(frame, ETH_P_IPV6);
	frame->ip = frame->size;
	frame->six = true;
	put16(frame, 0x6000);
	put_zeros(frame, 4);
	frame->next = frame->size;
	put8(frame, 59);
	put8(frame, 64);
	put_zeros(frame, 32);
	frame->bytes[frame->size - 32] = frame->bytes[frame->size - 16] = 0xfd;
	frame->bytes[frame->size - 31] = frame->bytes[frame->size - 15] = 0x09;
	frame->bytes[frame->size - 17] = 1;
	frame->bytes[frame->size - 1] = 2;
}

static void put_extension(struct frame *frame, uint8_t number, uint16_t offset)
{
	frame->bytes[frame->next] = number;
	frame->next = frame->size;
	put8(frame, 59);
	put8(frame, 0);
	put16(frame, offset);
	put_zeros(frame, 4);
}

static void put_ports(struct frame *frame, uint8_t protocol, const char *text, size_t rest)
{
	unsigned int from, to;

	if (sscanf(text, "%u,%u", &from, &to) != 2)
		die(text);
	frame->bytes[frame->next] = protocol;
	frame->transport = frame->size;
	put16(frame, from);
	put16(frame, to);
	put_zeros(frame, rest);
}

static void put_tcp(struct frame *frame, const char *text)
{
	const char *flags = strrchr(text, ',') + 1;
	static const char letters[] = "FSRPAU";

	put_ports(frame, 6, text, 16);
	frame->bytes[frame->transport + 12] = 5 << 4;
	for (; *flags && *flags != '-'; flags++)
		frame->bytes[frame->transport + 13] |= 1 << (strchr(letters, *flags) - letters);
}

static void set_gso(struct frame *frame, const char *text)
{
	const char *size = strchr(text, ':') + 1;

	frame->virtio.gso_type = !strncmp(text, "tcp4", 4)   ? VIRTIO_NET_HDR_GSO_TCPV4
				 : !strncmp(text, "tcp6", 4) ? VIRTIO_NET_HDR_GSO_TCPV6
							     : 5 /* VIRTIO_NET_HDR_GSO_UDP_L4 */;
	frame->virtio.gso_size = atoi(size);
	frame->virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->virtio.csum_start = frame->transport;
	frame->virtio.csum_offset = text[0] == 't' ? 16 : 6;
	if (!frame->virtio.hdr_len)
		frame->virtio.hdr_len = frame->transport + (text[0] == 't' ? 20 : 8);
}

static bool value_of(const char *word, const char *name, const char **ret_value)
{
	size_t length = strlen(name);

	if (strncmp(word, name, length) || word[length] != '=')
		return false;
	*ret_value = word + length + 1;
	return true;
}

static void put_word(struct frame *frame, const char *word)
{
	const char *value;

	if (value_of(word, "to", &value))
		sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &frame->bytes[0], &frame->bytes[1],
		       &frame->bytes[2], &frame->bytes[3], &frame->bytes[4], &frame->bytes[5]);
	else if (value_of(word, "tag", &value))
		put_tag(frame, ETH_P_8021Q, atoi(value));
	else if (value_of(word, "stag", &value))
		put_tag(frame, ETH_P_8021AD, atoi(value));
	else if (value_of(word, "type", &value))
		set_type(frame, strtoul(value, NULL, 16));
	else if (!strcmp(word, "arp"))
		set_type(frame, ETH_P_ARP);
	else if (!strcmp(word, "ip4"))
		put_ip4(frame);
	else if (!strcmp(word, "ip6"))
		put_ip6(frame);
	else if (value_of(word, "offset", &value))
		set16(frame, frame->ip + 6, atoi(value) / 8);
	else if (!strcmp(word, "more"))
		frame->bytes[frame->ip + 6] |= 0x20;
	else if (!strcmp(word, "hop"))
		put_extension(frame, 0, 0);
	else if (!strcmp(word, "dst"))
		put_extension(frame, 60, 0);
	else if (value_of(word, "frag", &value))
		put_extension(frame, 44, atoi(value));
	else if (value_of(word, "udp", &value))
		put_ports(frame, 17, value, 4);
	else if (value_of(word, "sctp", &value))
		put_ports(frame, 132, value, 8);
	else if (value_of(word, "tcp", &value))
		put_tcp(frame, value);
	else if (!strcmp(word, "tcpopt")) {
		put_zeros(frame, 12);
		frame->bytes[frame->transport + 12] = 8 << 4;
	} else if (!strcmp(word, "icmp"))
		put_zeros(frame, (frame->bytes[frame->next] = 1, 8));
	else if (!strcmp(word, "icmp6"))
		put_zeros(frame, (frame->bytes[frame->next] = 58, 8));
	else if (value_of(word, "proto", &value))
		frame->bytes[frame->next] = atoi(value);
	else if (value_of(word, "len", &value))
		put_zeros(frame, atoi(value));
	else if (value_of(word, "cut", &value))
		frame->cut = atoi(value);
	else if (value_of(word, "linear", &value))
		frame->virtio.hdr_len = atoi(value);
	else if (value_of(word, "gso", &value))
		set_gso(frame, value);
	else {
		errno = EINVAL;
		die(word);
	}
}

static void make(struct frame *frame, char **words)
{
	static const uint8_t start[] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x99 };

	if (!frame->bare) {
		memcpy(frame->bytes, start, sizeof(start));
		frame->size = frame->type = sizeof(start);
		put16(frame, 0x88b5);
	}
	for (; *words; words++)
		put_word(frame, *words);
	if (frame->ip || frame->bare)
		set16(frame, frame->ip + (frame->six ? 4 : 2),
		      frame->size - frame->ip - (frame->six ? 40 : 0));
	if (frame->transport && frame->bytes[frame->next] == 17)
		set16(frame, frame->transport + 4, frame->size - frame->transport);
	if (frame->cut)
		frame->size = frame->cut;
}

static int send_packets(const char *device, long count, const struct frame *frame)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	address.sll_ifindex = if_nametoindex(device);
	if (fd < 0 || !address.sll_ifindex)
		die(device);
	for (; count; count--)
		if (sendto(fd, frame->bytes, frame->size, 0, (void *)&address, sizeof(address)) !=
		    (ssize_t)frame->size)
			die("sendto");
	return 0;
}

static int write_frames(const char *device, long count, struct frame *frame)
{
	size_t head = frame->bare ? 0 : sizeof(frame->virtio);
	struct ifreq request = { .ifr_flags = frame->bare ? IFF_TUN | IFF_NO_PI
							  : IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR);

	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		die(device);
	memmove(frame->bytes + head, frame->bytes, frame->size);
	memcpy(frame->bytes, &frame->virtio, head);
	for (; count; count--)
		if (write(fd, frame->bytes, frame->size + head) != (ssize_t)(frame->size + head))
			die("write");
	return 0;
}

int main(int argc, char **argv)
{
	static struct frame frame;

	if (argc < 5) {
		fputs("usage: see the head of tests/net/frames.c\n", stderr);
		return 2;
	}
	frame.bare = !strcmp(argv[1], "tun");
	make(&frame, argv + 4);
	if (!strcmp(argv[1], "send"))
		return send_packets(argv[2], atol(argv[3]), &frame);
	return write_frames(argv[2], atol(argv[3]), &frame);
}
