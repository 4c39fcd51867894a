/* Which devices are counted by default: the lowest ones, so that a packet counts once. */
#include <errno.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/pins.h"
#include "net/devices.h"
#include "util/system.h"

#define LIST(...)                                                                          \
	{                                                                                  \
		.devices = (struct device[]){ __VA_ARGS__ },                               \
		.count = sizeof((struct device[]){ __VA_ARGS__ }) / sizeof(struct device), \
	}
#define ETHER(index, called, what)                                                   \
	{                                                                            \
		.ifindex = index, .name = called, .kind = what, .type = ARPHRD_ETHER \
	}

static void check(struct device_list list, const char *expected)
{
	char names[256] = "";
	size_t chosen = device_choose(&list), found = 0;

	for (size_t i = 0; i < list.count; i++) {
		/* Each, chosen or not, has its reason in words. */
		assert_non_null(list.devices[i].reason);
		assert_true(strlen(list.devices[i].reason) > 5);
		if (!list.devices[i].chosen)
			continue;
		strcat(names, found++ ? " " : "");
		strcat(names, list.devices[i].name);
	}
	assert_string_equal(names, expected);
	assert_int_equal(chosen, found);
}

static void test_server(void **state)
{
	struct device_list list =
		LIST({ .ifindex = 1, .name = "lo", .type = ARPHRD_LOOPBACK }, ETHER(2, "eth0", ""),
		     ETHER(3, "docker0", "bridge"), ETHER(4, "veth1", "veth"),
		     ETHER(5, "dummy0", "dummy"), ETHER(6, "ifb0", "ifb"), ETHER(7, "tap0", "tun"));

	check(list, "eth0");
}

static void test_bond_and_bridge(void **state)
{
	struct device_list list = LIST(
		ETHER(2, "eth0", ""), ETHER(3, "eth1", ""), ETHER(4, "bond0", "bond"),
		ETHER(5, "br0", "bridge"), ETHER(6, "bond0.5", "vlan"), ETHER(7, "vxlan1", "vxlan"),
		{ .ifindex = 8, .name = "wg0", .kind = "wireguard", .type = ARPHRD_NONE });

	list.devices[0].master = 4;
	list.devices[1].master = 4;
	check(list, "eth0 eth1");
}

static void test_container(void **state)
{
	struct device_list list = LIST({ .ifindex = 1, .name = "lo", .type = ARPHRD_LOOPBACK },
				       ETHER(2, "eth0", "veth"));

	check(list, "eth0");
}

static void test_container_with_upper(void **state)
{
	struct device_list list = LIST(ETHER(2, "eth0", "veth"), ETHER(3, "vlan7", "vlan"),
				       ETHER(4, "dummy0", "dummy"));

	check(list, "eth0");
}

static void test_switch_port(void **state)
{
	struct device_list list = LIST(ETHER(2, "eth0", ""), ETHER(3, "lan1", ""));

	list.devices[1].lower = 2; /* a DSA port before it had a kind */
	check(list, "eth0");
}

static void test_nothing(void **state)
{
	struct device_list list = LIST({ .ifindex = 1, .name = "lo", .type = ARPHRD_LOOPBACK },
				       ETHER(2, "dummy0", "dummy"));

	check(list, "");
}

static void test_link_layers(void **state)
{
	assert_int_equal(device_l2_len(&(struct device){ .type = ARPHRD_ETHER }), 14);
	assert_int_equal(device_l2_len(&(struct device){ .type = ARPHRD_LOOPBACK }), 14);
	assert_int_equal(device_l2_len(&(struct device){ .type = ARPHRD_NONE }), 0);
	assert_int_equal(device_l2_len(&(struct device){ .type = ARPHRD_INFINIBAND }),
			 -EAFNOSUPPORT);
}

static void check_cpus(const char *text, int count, uint32_t last)
{
	uint32_t cpus[64];

	assert_int_equal(cpus_parse(text, cpus, 64), count);
	if (count > 0)
		assert_int_equal(cpus[count - 1], last);
}

static void test_cpus(void **state)
{
	check_cpus("0\n", 1, 0);
	check_cpus("0-3\n", 4, 3);
	check_cpus("0-1,4,8-9\n", 5, 9);
	check_cpus("\n", 0, 0);
	check_cpus("x", -EINVAL, 0);
	check_cpus("3-1", -EINVAL, 0);
	check_cpus("1-", -EINVAL, 0);
	check_cpus("1;2", -EINVAL, 0);
}

static void test_pin_names(void **state)
{
	struct netns_id id;

	assert_int_equal(pins_parse_name("netns-1", &id), 0);
	assert_int_equal(id.cookie, 1);
	assert_int_equal(pins_parse_name("netns-ino-4026531840", &id), 0);
	assert_int_equal(id.inode, 4026531840);
	assert_int_equal(id.cookie, 0);
	assert_int_equal(pins_parse_name("netns-", &id), -EINVAL);
	assert_int_equal(pins_parse_name("netns-1x", &id), -EINVAL);
	assert_int_equal(pins_parse_name("other", &id), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),	    cmocka_unit_test(test_bond_and_bridge),
		cmocka_unit_test(test_container),   cmocka_unit_test(test_container_with_upper),
		cmocka_unit_test(test_switch_port), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_link_layers), cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_pin_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
