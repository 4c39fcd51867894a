/*
 * What went wrong, in words for the person at the terminal: the object, the
 * reason, the next step. Modules fill a fault, commands print it; so a module
 * needs no stderr, and a test can read the sentence.
 */
#ifndef PORTSCRIBE_FAULT_H
#define PORTSCRIBE_FAULT_H

struct fault {
	char text[768]; /* one line, no newline at its end; "" where there is none */
};

/*
 * Write the sentence and return @error (a negative errno), so that a caller can
 * `return fault_set(...)`. @fault may be NULL.
 */
int fault_set(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
