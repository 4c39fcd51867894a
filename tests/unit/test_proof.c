/*
 * The comparison of two listings, and the proof with the real nft: comments of
 * ours make no difference, anything else does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "nft/proof.h"
#include "nft/program.h"
#include "unit/comments.h"

#define OLD                                                            \
	"table ip t {\n"                                               \
	"\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80,\n" \
	"\t\t\t     443 }\n\t}\n\n"                                    \
	"\tchain c {\n\t\ttcp dport 22 accept\n\t\taccept\n\t}\n}\n"

static const struct {
	const char *new;
	bool equal;
} listings[] = {
	{ OLD, true },
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n"
	  "\t\telements = { 22 comment \"[ps] 22 ssh\",\n80 comment \"[ps] 80 http\", 443 "
	  "}\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 accept comment \"[ps] 22 ssh\"\n\t\taccept\n\t}\n}\n",
	  true },
	/* A human's comment, another verdict, one rule or element more or less. */
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80,\n443 }\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 accept comment \"[ps] ask Bob\"\n\t\taccept\n\t}\n}\n",
	  false },
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80,\n443 }\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 drop\n\t\taccept\n\t}\n}\n",
	  false },
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80 }\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 accept\n\t\taccept\n\t}\n}\n",
	  false },
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80,\n443 }\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 accept\n\t}\n}\n",
	  false },
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80,\n443 }\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 accept\n\t\taccept\n\t\taccept\n\t}\n}\n",
	  false },
	/* One rule made of two. */
	{ "table ip t {\n\tset s {\n\t\ttype inet_service\n\t\telements = { 22, 80,\n443 }\n\t}\n\n"
	  "\tchain c {\n\t\ttcp dport 22 accept accept\n\t}\n}\n",
	  false },
	{ "table ip t {\n}\n", false },
	{ "", false },
	{ OLD "table ip u {\n}\n", false },
	{ OLD "}", false },
};

static void test_listings(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
		struct fault fault = { 0 };
		bool equal = listings_equal(slice_of(OLD), slice_of(listings[i].new),
					    &fixture->facts, &fault);

		if (equal != listings[i].equal)
			print_error("%s\n", listings[i].new);
		assert_int_equal(equal, listings[i].equal);
		assert_int_equal(*fault.text == '\0', equal);
	}
}

#define CHAIN(rule) "table ip t {\n\tchain c {\n\t\t" rule "\n\t}\n}\n"

static const struct {
	const char *old, *new;
	enum proof_result result;
	const char *says;
} proofs[] = {
	{ CHAIN("tcp dport 22 accept"), CHAIN("tcp dport 22 accept comment \"[ps] 22 ssh\""),
	  PROOF_EQUAL, "" },
	{ CHAIN("iif eth7 oif { eth8, eth9 } tcp dport 22"),
	  CHAIN("iif eth7 oif { eth8, eth9 } tcp dport 22 comment \"[ps] 22 ssh\""), PROOF_EQUAL,
	  "" },
	{ "define D = { eth3, eth4 }\n" CHAIN("iif $D accept"),
	  "define D = { eth3, eth4 }\n" CHAIN("iif $D accept"), PROOF_EQUAL, "" },
	{ "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress devices = { eth5, eth6 } "
	  "priority 0\n\t}\n}\n",
	  "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress devices = { eth5, eth6 } "
	  "priority 0\n\t}\n}\n",
	  PROOF_EQUAL, "" },
	{ "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device eth5 priority 0\n"
	  "\t\ttcp dport 22 dup to eth7\n\t\tfwd to \"eth8\"\n\t}\n}\n",
	  "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device eth5 priority 0\n"
	  "\t\ttcp dport 22 dup to eth7 comment \"[ps] 22 ssh\"\n\t\tfwd to \"eth8\"\n\t}\n}\n",
	  PROOF_EQUAL, "" },
	{ "table ip t {\n\tset s { typeof iif; elements = { \"eth7\" }; }\n"
	  "\tmap m { typeof tcp dport : meta oif; elements = { 22 : eth8 }; }\n}\n",
	  "table ip t {\n\tset s { typeof iif; elements = { \"eth7\" }; }\n"
	  "\tmap m { typeof tcp dport : meta oif; elements = { 22 : eth8 }; }\n}\n",
	  PROOF_EQUAL, "" },
	{ CHAIN("tcp dport 22 dup to 10.0.0.1 device eth9"),
	  CHAIN("tcp dport 22 dup to 10.0.0.1 device eth9"), PROOF_EQUAL, "" },
	{ "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device eth5 priority 0\n"
	  "\t\tfwd to meta mark map { 1 : eth7, 2 : \"eth8\" }\n\t}\n}\n",
	  "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device eth5 priority 0\n"
	  "\t\tfwd to meta mark map { 1 : eth7, 2 : \"eth8\" }\n\t}\n}\n",
	  PROOF_EQUAL, "" },
	{ "flush ruleset\n" CHAIN("accept"), "flush ruleset\n" CHAIN("accept"), PROOF_EQUAL, "" },
	{ CHAIN("tcp dport 22 accept"), CHAIN("tcp dport 22 accept comment \"ask Bob\""),
	  PROOF_DIFFERENT, "it would change the ruleset, which then lists: tcp dport 22 accept" },
	{ CHAIN("accept\n\t\taccept"), CHAIN("accept"), PROOF_DIFFERENT, "it would" },
	{ CHAIN("tcp dport 22 accept"), CHAIN("tcp dport 22 accept commend"), PROOF_DIFFERENT,
	  "nft would not load it any more (/dev/stdin:3:" },
	{ CHAIN("tcp dport 22 akzept"), CHAIN("tcp dport 22 accept"), PROOF_NONE,
	  "nft does not load it by itself (/dev/stdin:3:" },
	/* What nft says of an included file begins with where it is included. */
	{ "include \"./.clang-format\"\n" CHAIN("accept"),
	  "include \"./.clang-format\"\n" CHAIN("accept"), PROOF_NONE,
	  "nft does not load it by itself (./.clang-format:2:13-13: Error: " },
	{ "monitor ruleset\n", "monitor ruleset\n", PROOF_NONE, "it holds a \"monitor\" command" },
	{ "list ruleset; " CHAIN("accept"), CHAIN("accept"), PROOF_EQUAL, "" },
};

static void test_proofs(void **state)
{
	struct fixture *fixture = *state;
	struct fault fault = { 0 };

	if (nft_prove(slice_of(CHAIN("accept")), slice_of(CHAIN("accept")), &fixture->facts, NULL,
		      &fault) == PROOF_NONE) {
		print_message("%s\n", fault.text);
		skip();
	}
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		fault.text[0] = '\0';
		assert_int_equal(nft_prove(slice_of(proofs[i].old), slice_of(proofs[i].new),
					   &fixture->facts, NULL, &fault),
				 proofs[i].result);
		if (strncmp(fault.text, proofs[i].says, strlen(proofs[i].says)) != 0)
			assert_string_equal(fault.text, proofs[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listings),
		cmocka_unit_test(test_proofs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
