/* See ruleset.h. */
#include <errno.h>
#include <string.h>

#include "nft/program.h"
#include "nft/ruleset.h"
#include "util/cleanup.h"

int ruleset_list(char **ret_text, size_t *ret_length, struct fault *fault)
{
	static const char *const arguments[] = { "list", "ruleset", NULL };
	struct nft_output output;
	int error = nft_run(arguments, "", 0, &output, fault);

	if (error)
		return error;
	if (output.status)
		error = fault_set(fault, -EIO, "nft list ruleset failed: %.*s",
				  (int)strcspn(output.errors, "\n"), output.errors);
	if (!error) {
		*ret_text = TAKE_PTR(output.text);
		*ret_length = output.length;
	}
	nft_output_release(&output);
	return error;
}
