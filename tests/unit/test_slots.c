/* Slots over a long life: devices come and go, counts stay, indexes are given out again. */
#include <errno.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/slots.h"

static int set_up(void **state)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));

	datapath->meta = calloc(1, sizeof(*datapath->meta));
	datapath->meta->rows = 2;
	datapath->tallies = calloc(2, sizeof(*datapath->tallies));
	datapath->placement = calloc(1, sizeof(*datapath->placement));
	*state = datapath;
	return 0;
}

static int tear_down(void **state)
{
	struct datapath *datapath = *state;

	free(datapath->meta);
	free(datapath->tallies);
	free(datapath->placement);
	free(datapath);
	return 0;
}

static int take(struct datapath *datapath, uint32_t ifindex, bool *fresh)
{
	struct device device = { .ifindex = ifindex, .type = ARPHRD_ETHER };
	int slot;

	snprintf(device.name, sizeof(device.name), "dev%u", ifindex);
	slot = slot_take(datapath, &device, fresh, NULL);
	if (slot > 0)
		datapath->meta->ifaces[slot].hooks[DIR_IN].hook = HOOK_TCX;
	return slot;
}

static void let_go(struct datapath *datapath, int slot)
{
	datapath->meta->ifaces[slot].hooks[DIR_IN] = (struct meta_hook){};
	slot_drop(datapath, slot);
}

/* As the kernel's half looks an interface up. */
static int placed(const struct datapath *datapath, uint32_t ifindex)
{
	for (int probe = 0; probe < IFACE_PROBES; probe++) {
		const struct iface_entry *entry =
			&datapath->placement->ifaces[(ifindex & (IFACE_TABLE - 1)) + probe];

		if (entry->ifindex == ifindex)
			return entry->slot;
	}
	return IFACE_UNLISTED;
}

static uint64_t all_seen(const struct datapath *datapath)
{
	uint64_t sum = datapath->meta->folded.packets[DIR_IN][BUCKET_SEEN];

	for (int row = 0; row < 2; row++)
		for (int slot = 0; slot < IFACE_SLOTS; slot++)
			sum += datapath->tallies[row].ifaces[slot].packets[DIR_IN][BUCKET_SEEN];
	return sum;
}

static void count(struct datapath *datapath, int slot, int row)
{
	datapath->tallies[row].ifaces[slot].packets[DIR_IN][BUCKET_SEEN]++;
}

static void test_many_devices_over_time(void **state)
{
	struct datapath *datapath = *state;
	bool fresh;

	for (uint32_t ifindex = 1; ifindex <= 20000; ifindex++) {
		int slot = take(datapath, ifindex, &fresh);

		assert_in_range(slot, 1, IFACE_SLOTS - 1);
		assert_true(fresh);
		assert_int_equal(placed(datapath, ifindex), slot);
		count(datapath, slot, ifindex % 2);
		assert_int_equal(all_seen(datapath), ifindex);
		let_go(datapath, slot);
	}
}

static void test_all_attached_at_once(void **state)
{
	struct datapath *datapath = *state;
	bool fresh;

	for (uint32_t ifindex = 1; ifindex < IFACE_SLOTS; ifindex++)
		assert_int_equal(take(datapath, ifindex, &fresh), ifindex);
	assert_int_equal(take(datapath, IFACE_SLOTS, &fresh), -ENOSPC);
	/* One goes, with counts: its slot serves the next, its counts stay in the sum. */
	count(datapath, 7, 0);
	let_go(datapath, 7);
	assert_int_equal(take(datapath, IFACE_SLOTS, &fresh), 7);
	assert_int_equal(placed(datapath, 7), 7); /* its entry is void: nothing is attached */
	assert_int_equal(all_seen(datapath), 1);
	assert_int_equal(datapath->meta->folded.packets[DIR_IN][BUCKET_SEEN], 1);
}

static void test_index_again(void **state)
{
	struct datapath *datapath = *state;
	bool fresh;
	int first = take(datapath, 5, &fresh), second;

	assert_true(fresh);
	assert_int_equal(take(datapath, 5, &fresh), first); /* still the same device */
	assert_false(fresh);
	count(datapath, first, 0);
	let_go(datapath, first);
	second = take(datapath, 5, &fresh);
	assert_true(fresh);
	assert_int_not_equal(second, first);
	assert_int_equal(placed(datapath, 5), second);
	assert_true(datapath->meta->ifaces[first].history);
	let_go(datapath, second); /* never counted: free at once */
	assert_int_equal(datapath->meta->ifaces[second].ifindex, 0);
}

static void test_colliding_indexes(void **state)
{
	struct datapath *datapath = *state;
	int slots[IFACE_PROBES];
	bool fresh;

	for (int i = 0; i < IFACE_PROBES; i++) {
		slots[i] = take(datapath, 9 + i * IFACE_TABLE, &fresh);
		assert_true(slots[i] > 0);
	}
	assert_int_equal(take(datapath, 9 + IFACE_PROBES * IFACE_TABLE, &fresh), -ENOSPC);
	let_go(datapath, slots[3]);
	assert_true(take(datapath, 9 + IFACE_PROBES * IFACE_TABLE, &fresh) > 0);
	for (int i = 0; i < IFACE_PROBES; i++)
		if (i != 3)
			assert_int_equal(placed(datapath, 9 + i * IFACE_TABLE), slots[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_devices_over_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_attached_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_index_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_colliding_indexes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
