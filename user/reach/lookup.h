/* Sets and maps: which packets' keys are in which of their elements. For reach/ alone. */
#ifndef PORTSCRIBE_REACH_LOOKUP_H
#define PORTSCRIBE_REACH_LOOKUP_H

#include "reach/packet.h"

/*
 * Part the packets of @frame, whose stream is used up, by the elements of the set of
 * @instruction. @take is called with each part that has elements with the same data,
 * which it uses up; what is in none is added to @ret_out, what an element with a limit
 * turns away to @ret_refused.
 */
void lookup_part(struct context *context, struct frame *frame,
		 const struct instruction *instruction,
		 void (*take)(void *data, struct stream *stream, const struct set_element *element),
		 void *data, struct streams *ret_out, struct streams *ret_refused);

#endif
