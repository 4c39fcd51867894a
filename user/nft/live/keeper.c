/*
 * By the names that programs give to their tables (their documentation and source of
 * 2025); iptables-nft by its tables and built-in chains (iptables, nft.c).
 */
#include "nft/live/keeper.h"

#include <linux/netfilter.h>

enum { ANY_FAMILY = 255 };

static const struct {
	const char *name; /* of the table; a trailing * stands for anything */
	uint8_t family;
	struct keeper keeper;
} known[] = {
	{ "firewalld", ANY_FAMILY, { "firewalld", "firewall-cmd" } },
	{ "fw4", NFPROTO_INET, { "OpenWrt's fw4", "uci" } },
	{ "libvirt_network", ANY_FAMILY, { "libvirt", "virsh" } },
	{ "kube-proxy", ANY_FAMILY, { "kube-proxy", "Kubernetes services" } },
	{ "kube-router*", ANY_FAMILY, { "kube-router", "Kubernetes" } },
	{ "docker-bridges", ANY_FAMILY, { "docker", "docker" } },
	{ "netavark", ANY_FAMILY, { "netavark (podman)", "podman" } },
	{ "cni_hostport*", ANY_FAMILY, { "CNI's portmap", "the container runtime" } },
	{ "f2b-table", ANY_FAMILY, { "fail2ban", "fail2ban-client" } },
	{ "f2b-*", ANY_FAMILY, { "fail2ban", "fail2ban-client" } },
	{ "crowdsec*", ANY_FAMILY, { "crowdsec", "cscli" } },
	{ "sshguard", ANY_FAMILY, { "sshguard", "sshguard" } },
	{ "wg-quick-*", ANY_FAMILY, { "wg-quick", "wg-quick" } },
	{ "tailscale*", ANY_FAMILY, { "tailscale", "tailscale" } },
	{ "ts-*", ANY_FAMILY, { "tailscale", "tailscale" } },
	{ "mullvad*", ANY_FAMILY, { "mullvad", "mullvad" } },
	{ "io.systemd.nat", ANY_FAMILY, { "systemd-networkd", "systemd.network files" } },
};

static const struct keeper iptables = { "iptables-nft", "iptables" };
static const struct keeper owner = { "the process that made it, as its owner", "that process" };

static bool name_matches(struct slice name, const char *pattern)
{
	size_t length = strlen(pattern);

	if (!length || pattern[length - 1] != '*')
		return slice_equals(name, pattern);
	return name.length >= length - 1 && !memcmp(name.text, pattern, length - 1);
}

static bool is_one_of(struct slice name, const char *const *words)
{
	for (; *words; words++)
		if (slice_equals(name, *words))
			return true;
	return false;
}

/* One of its tables, with a built-in chain in capitals. */
static bool is_of_iptables(const struct kernel_ruleset *ruleset, const struct kernel_table *table)
{
	static const char *const tables[] = { "filter",	  "nat",    "mangle", "raw",
					      "security", "broute", NULL };
	static const char *const chains[] = { "INPUT",	     "FORWARD",	 "OUTPUT", "PREROUTING",
					      "POSTROUTING", "BROUTING", NULL };

	if (table->item.family == NFPROTO_INET || table->item.family == NFPROTO_NETDEV ||
	    !is_one_of(table->item.name, tables))
		return false;
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct kernel_chain *chain = &ruleset->chains[i];

		if (chain->is_base && chain->item.family == table->item.family &&
		    slices_equal(chain->item.table, table->item.name) &&
		    is_one_of(chain->item.name, chains))
			return true;
	}
	return false;
}

const struct keeper *table_keeper(const struct kernel_ruleset *ruleset,
				  const struct kernel_table *table)
{
	if (table->has_owner)
		return &owner;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (name_matches(table->item.name, known[i].name) &&
		    (known[i].family == ANY_FAMILY || known[i].family == table->item.family))
			return &known[i].keeper;
	return is_of_iptables(ruleset, table) ? &iptables : NULL;
}
