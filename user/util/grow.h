/*
 * Arrays that grow as they are filled.
 */
#ifndef PORTSCRIBE_GROW_H
#define PORTSCRIBE_GROW_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Make room for one more than @count elements of @size bytes in an array, whose
 * address is at @array (an array's pointer's address: &list); at least twice as many
 * when it has to grow. False, and nothing changed, where there is no memory.
 */
bool array_room(void *array, size_t count, size_t *capacity, size_t size);

/* The same for @more elements. */
bool array_room_for(void *array, size_t count, size_t more, size_t *capacity, size_t size);

#endif
