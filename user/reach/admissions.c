/* See admissions.h. */
#include "reach/admissions.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>

enum { FAMILIES = 2 };

struct asking {
	struct host host;
	struct beside beside;
	struct reach *reach;
	struct reach_question *questions; /* owned; by port, then by family */
	struct reach_answer *answers;	  /* owned */
};

static void asking_release(struct asking *asking, size_t count)
{
	for (size_t i = 0; asking->answers && i < count * FAMILIES; i++)
		reach_answer_release(&asking->answers[i]);
	free(asking->answers);
	free(asking->questions);
	reach_free(asking->reach);
	beside_release(&asking->beside);
	host_release(&asking->host);
}

static int ask(struct asking *asking, const struct kernel_ruleset *ruleset,
	       const struct admission_port *ports, size_t count)
{
	static const uint8_t families[FAMILIES] = { NFPROTO_IPV4, NFPROTO_IPV6 };

	asking->questions = reallocarray(NULL, count * FAMILIES + 1, sizeof(*asking->questions));
	asking->answers = calloc(count * FAMILIES + 1, sizeof(*asking->answers));
	if (!asking->questions || !asking->answers ||
	    reach_new(ruleset, &asking->host, &asking->reach))
		return -ENOMEM;
	for (size_t i = 0; i < count * FAMILIES; i++)
		asking->questions[i] = (struct reach_question){
			.family = families[i % FAMILIES],
			.transport = ports[i / FAMILIES].transport,
			.port = ports[i / FAMILIES].port,
			.interface = REACH_ANY_INTERFACE,
		};
	return reach_ask(asking->reach, asking->questions, count * FAMILIES, asking->answers);
}

int admissions_of(const struct kernel_ruleset *ruleset, struct admission_port *ports, size_t count,
		  struct fault *fault)
{
	struct asking asking = { 0 };
	const struct reach_style style = { .host = &asking.host, .beside = &asking.beside };
	int error = host_read(&asking.host, fault);

	if (!error)
		error = beside_read(&asking.host, &asking.beside, fault);
	if (!error) {
		error = ask(&asking, ruleset, ports, count);
		if (error)
			fault_set(fault, error, "out of memory");
	}
	for (size_t i = 0; !error && i < count; i++)
		reach_brief_both(&asking.answers[i * FAMILIES], &asking.answers[i * FAMILIES + 1],
				 &style, ports[i].text);
	asking_release(&asking, count);
	return error;
}

int admissions_read(struct admission_port *ports, size_t count, struct fault *fault)
{
	struct kernel_ruleset ruleset = { 0 };
	int error = kernel_ruleset_read(ELEMENTS_ALL, &ruleset, fault);

	if (!error)
		error = ruleset.chain_count ? admissions_of(&ruleset, ports, count, fault)
					    : -ENOENT;
	kernel_ruleset_release(&ruleset);
	return error;
}
