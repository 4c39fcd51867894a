/* Findings as a person reads them; see audit.h. */
#include <string.h>

#include "audit/audit.h"
#include "render/text.h"
#include "what.h"

#define INDENT "  "
#define MARGIN 12 /* columns before what is said */
#define WIDTH  80

static void print_safe(FILE *out, const char *text, size_t length)
{
	char safe[1024];

	/* In pieces: a text may be longer, and no piece becomes more than four times as long. */
	while (length) {
		size_t some = length < sizeof(safe) / 4 - 1 ? length : sizeof(safe) / 4 - 1;

		/* Between characters. */
		while (some < length && some > 1 && (text[some] & 0xc0) == 0x80)
			some--;
		fputs(text_safe(safe, sizeof(safe), text, some), out);
		text += some;
		length -= some;
	}
}

/* At words, in lines that fit a terminal. */
static void print_wrapped(FILE *out, const char *label, const char *text)
{
	size_t column = MARGIN;

	if (!text)
		return;
	fprintf(out, INDENT "%-*s", (int)(MARGIN - strlen(INDENT)), label);
	while (*text) {
		size_t length = strcspn(text, " "), blanks;

		if (column > MARGIN && column + 1 + length > WIDTH) {
			fprintf(out, "\n%*s", MARGIN, "");
			column = MARGIN;
		} else if (column > MARGIN) {
			putc(' ', out);
			column++;
		}
		print_safe(out, text, length);
		column += length;
		blanks = strspn(text + length, " ");
		text += length + blanks;
	}
	putc('\n', out);
}

static const char *colour_of(enum finding_severity severity)
{
	switch (severity) {
	case SEVERITY_CRITICAL: return "\033[1;31m";
	case SEVERITY_WARNING: return "\033[1;33m";
	default: return "\033[1m";
	}
}

static void print_head(FILE *out, const struct finding *finding, bool colour)
{
	char transports[32];

	fprintf(out, "%s%s: %s%s", colour ? colour_of(finding->severity) : "",
		finding_severity_word(finding->severity), finding_code_word(finding->code),
		colour ? "\033[0m" : "");
	if (finding->code == FINDING_PROBED) {
		putc('\n', out);
		return;
	}
	fprintf(out, " %u", finding->first);
	if (finding->first != finding->last)
		fprintf(out, "-%u", finding->last);
	if (finding->transports)
		fprintf(out, "/%s",
			transports_text(transports, sizeof(transports), finding->transports));
	putc('\n', out);
}

void findings_print(FILE *out, const struct findings *findings, bool colour)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		if (i)
			putc('\n', out);
		print_head(out, finding, colour);
		print_wrapped(out, "rule", finding->rule);
		print_wrapped(out, "listener", finding->listener);
		print_wrapped(out, "evidence", finding->evidence);
		print_wrapped(out, "do", finding->advice);
	}
}
