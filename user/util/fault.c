/* See fault.h. */
#include <stdarg.h>
#include <stdio.h>

#include "util/fault.h"

int fault_set(struct fault *fault, int error, const char *format, ...)
{
	va_list arguments;

	if (fault) {
		va_start(arguments, format);
		vsnprintf(fault->text, sizeof(fault->text), format, arguments);
		va_end(arguments);
	}
	return error;
}
