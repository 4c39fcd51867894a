/* See json.h. */
#include <stdlib.h>
#include <string.h>

#include "render/json.h"
#include "util/cleanup.h"

json_t *json_foreign(const char *text, size_t length)
{
	_cleanup_free_ char *safe = NULL;
	json_t *string = json_stringn(text, length);
	size_t used = 0;

	if (string)
		return string;
	/* Not UTF-8 somewhere: keep ASCII, replace the rest byte by byte. */
	safe = malloc(length * 3 + 1);
	for (size_t i = 0; safe && i < length; i++) {
		if (text[i] & 0x80) {
			memcpy(safe + used, "\xef\xbf\xbd", 3);
			used += 3;
		} else {
			safe[used++] = text[i];
		}
	}
	return safe ? json_stringn(safe, used) : NULL;
}

json_t *json_slice(struct slice slice)
{
	return slice.length ? json_foreign(slice.text, slice.length) : json_null();
}

json_t *json_transports(uint8_t transports)
{
	static const char *const names[] = { "tcp", "udp", "sctp", "dccp" };
	json_t *array = json_array();

	for (int i = 0; i < 4; i++)
		if (transports >> i & 1)
			json_array_append_new(array, json_string(names[i]));
	return array;
}

json_t *json_time(struct timespec time)
{
	char text[40];
	struct tm tm;

	gmtime_r(&time.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}
