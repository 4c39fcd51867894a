/* See packet.h: streams of packets, parted and put together. */
#include "reach/packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *context_text(struct context *context, const char *format, ...)
{
	va_list arguments;
	char text[512];
	const char *copy;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	copy = arena_copy(context->arena, text, strlen(text));
	context->failed |= !copy;
	return copy ? copy : "";
}

/* ---- lists ---- */

void stream_copy(struct stream *target, const struct stream *source)
{
	*target = *source;
	space_copy(&target->space, &source->space);
}

void streams_add(struct streams *streams, struct stream *stream)
{
	if (space_is_empty(&stream->space)) {
		space_release(&stream->space);
		return;
	}
	streams->failed |= stream->space.failed;
	if (streams->count == streams->room) {
		size_t room = streams->room ? streams->room * 2 : 4;
		struct stream *grown = reallocarray(streams->list, room, sizeof(*grown));

		if (!grown) {
			streams->failed = true;
			space_release(&stream->space);
			return;
		}
		streams->list = grown;
		streams->room = room;
	}
	streams->list[streams->count++] = *stream;
	stream->space = (struct space){ 0 };
}

void streams_append(struct streams *streams, struct streams *more)
{
	streams->failed |= more->failed;
	for (size_t i = 0; i < more->count; i++)
		streams_add(streams, &more->list[i]);
	free(more->list);
	*more = (struct streams){ 0 };
}

void streams_release(struct streams *streams)
{
	for (size_t i = 0; i < streams->count; i++)
		space_release(&streams->list[i].space);
	free(streams->list);
	*streams = (struct streams){ 0 };
}

/* ---- literals ---- */

static bool same_question(const struct literal *a, const struct literal *b)
{
	return a->asked == b->asked && !strcmp(a->text, b->text);
}

static bool same_literals(const struct literal *a, const struct literal *b)
{
	for (; a && b && a != b; a = a->before, b = b->before)
		if (a->negated != b->negated || !same_question(a, b))
			return false;
	return a == b;
}

static bool add_literal(struct context *context, struct stream *stream, const char *text,
			const void *asked, bool negated)
{
	struct literal literal = { stream->literals, text, asked, negated };
	/* An arena knows nothing of alignment. */
	char *bytes = arena_bytes(context->arena, sizeof(literal) + _Alignof(struct literal));
	struct literal *copy;

	if (!bytes) {
		context->failed = true;
		return false;
	}
	bytes += -(uintptr_t)bytes & (_Alignof(struct literal) - 1);
	copy = memcpy(bytes, &literal, sizeof(literal));
	stream->literals = copy;
	return true;
}

void literal_part(struct context *context, struct stream *stream, const char *text,
		  const void *asked, struct streams *ret_in, struct streams *ret_out)
{
	struct literal question = { .text = text, .asked = asked };
	struct stream other;

	for (const struct literal *at = stream->literals; at && !asked; at = at->before) {
		if (!same_question(at, &question))
			continue;
		streams_add(at->negated ? ret_out : ret_in, stream);
		return;
	}
	stream_copy(&other, stream);
	add_literal(context, stream, text, asked, false);
	add_literal(context, &other, text, asked, true);
	streams_add(ret_in, stream);
	streams_add(ret_out, &other);
}

/* ---- together ---- */

static bool same_state(const struct stream *a, const struct stream *b)
{
	return !memcmp(&a->state, &b->state, sizeof(a->state));
}

/* One asked and was told yes, the other no: where both are, it did not matter. */
static bool join_opposites(struct stream *a, struct stream *b)
{
	if (!a->literals || !b->literals || a->literals->negated == b->literals->negated ||
	    !same_question(a->literals, b->literals) ||
	    !same_literals(a->literals->before, b->literals->before))
		return false;
	if (!spaces_are_equal(&a->space, &b->space))
		return false;
	space_release(&b->space);
	a->literals = a->literals->before;
	return true;
}

static bool join_two(struct stream *a, struct stream *b)
{
	if (!same_state(a, b))
		return false;
	if (same_literals(a->literals, b->literals)) {
		space_join(&a->space, &b->space);
		return true;
	}
	return join_opposites(a, b);
}

/* Join the one at @at with another one. False: there is none. */
static bool join_one(struct streams *streams, size_t at)
{
	for (size_t i = 0; i < streams->count; i++) {
		if (i == at || !join_two(&streams->list[at], &streams->list[i]))
			continue;
		streams->list[i] = streams->list[--streams->count];
		return true;
	}
	return false;
}

void streams_join(struct streams *streams)
{
	size_t at = 0;

	/* What one has become may go together with any of the others. */
	while (at < streams->count)
		at = join_one(streams, at) ? 0 : at + 1;
}
