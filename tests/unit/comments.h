/* What tests of comments begin with: the knowledge of fixture.h, as comments want it. */
#ifndef PORTSCRIBE_TESTS_COMMENTS_H
#define PORTSCRIBE_TESTS_COMMENTS_H

#include "nft/comment.h"
#include "unit/fixture.h"

struct fixture {
	struct fixture_knowledge known;
	struct comment_facts facts;
};

static inline int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture_knowledge_load(&fixture->known);
	fixture->facts.knowledge = &fixture->known.knowledge;
	*state = fixture;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *fixture = *state;

	fixture_knowledge_release(&fixture->known);
	free(fixture);
	return 0;
}

#endif
