/* See grow.h. */
#include "util/grow.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST = 16 };

bool array_room_for(void *array, size_t count, size_t more, size_t *capacity, size_t size)
{
	void **list = array, *grown;
	size_t wanted = *capacity ? *capacity : FIRST;

	if (more <= *capacity - count)
		return true;
	if (more > SIZE_MAX / 2 - count)
		return false;
	while (wanted < count + more)
		wanted *= 2;
	grown = reallocarray(*list, wanted, size);
	if (!grown)
		return false;
	*list = grown;
	*capacity = wanted;
	return true;
}

bool array_room(void *array, size_t count, size_t *capacity, size_t size)
{
	return array_room_for(array, count, 1, capacity, size);
}
