/*
 * Reads Ethernet frames out of capture files: classic pcap of either byte order
 * and pcapng. Every length is checked against the file; a file that ends early
 * or contradicts itself yields the frames before that point.
 */
#ifndef PORTSCRIBE_TESTS_CAPTURES_H
#define PORTSCRIBE_TESTS_CAPTURES_H

#include <byteswap.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKTYPE_ETHERNET 1
#define CAPTURE_FILES_MAX 4096
#define INTERFACES_MAX	  64

struct capture_frame {
	const uint8_t *data;
	uint32_t length;   /* as captured */
	uint32_t original; /* on the wire */
	uint32_t number;   /* in its file, from 1, as capture tools count */
	const char *file;
};

struct captures {
	struct capture_frame *frames;
	size_t count, room;
	uint8_t *contents[CAPTURE_FILES_MAX];
	char *names[CAPTURE_FILES_MAX];
	size_t files;
};

/* A file, and how far it has been read. */
struct capture_reader {
	const uint8_t *at;
	size_t left;
	bool swapped;
	bool ethernet[INTERFACES_MAX]; /* pcapng: by interface of the section */
	uint32_t interfaces;
	uint32_t number;
	const char *file;
};

static inline uint32_t reader_u32(const struct capture_reader *reader, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return reader->swapped ? bswap_32(value) : value;
}

static inline uint16_t reader_u16(const struct capture_reader *reader, const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return reader->swapped ? bswap_16(value) : value;
}

static inline void skip_bytes(struct capture_reader *reader, size_t count)
{
	reader->at += count;
	reader->left -= count;
}

/* Frames of another link layer are numbered too, but not kept. */
static inline int add_frame(struct captures *captures, struct capture_reader *reader,
			    const uint8_t *data, uint32_t length, uint32_t original, bool ethernet)
{
	reader->number++;
	if (!ethernet)
		return 0;
	if (captures->count == captures->room) {
		size_t room = captures->room ? captures->room * 2 : 1024;
		void *frames = realloc(captures->frames, room * sizeof(*captures->frames));

		if (!frames)
			return -ENOMEM;
		captures->frames = frames;
		captures->room = room;
	}
	captures->frames[captures->count++] = (struct capture_frame){
		.data = data,
		.length = length,
		.original = original,
		.number = reader->number,
		.file = reader->file,
	};
	return 0;
}

static inline int read_classic(struct captures *captures, struct capture_reader *reader)
{
	bool ethernet;

	if (reader->left < 24)
		return 0;
	ethernet = (reader_u32(reader, reader->at + 20) & 0xffff) == LINKTYPE_ETHERNET;
	skip_bytes(reader, 24);
	while (reader->left >= 16) {
		uint32_t length = reader_u32(reader, reader->at + 8);
		uint32_t original = reader_u32(reader, reader->at + 12);

		skip_bytes(reader, 16);
		if (length > reader->left)
			break;
		if (add_frame(captures, reader, reader->at, length, original, ethernet))
			return -ENOMEM;
		skip_bytes(reader, length);
	}
	return 0;
}

#define BLOCK_SECTION	0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET	2
#define BLOCK_SIMPLE	3
#define BLOCK_ENHANCED	6

/* @body: after type and length, @size bytes without the trailing length. */
static inline int read_block(struct captures *captures, struct capture_reader *reader,
			     uint32_t type, const uint8_t *body, uint32_t size)
{
	uint32_t interface, length, original;

	if (type == BLOCK_INTERFACE && size >= 8 && reader->interfaces < INTERFACES_MAX) {
		reader->ethernet[reader->interfaces++] =
			reader_u16(reader, body) == LINKTYPE_ETHERNET;
		return 0;
	}
	if ((type != BLOCK_ENHANCED && type != BLOCK_PACKET) || size < 20)
		return 0;
	interface = type == BLOCK_PACKET ? reader_u16(reader, body) : reader_u32(reader, body);
	length = reader_u32(reader, body + 12);
	original = reader_u32(reader, body + 16);
	if (length > size - 20)
		return 0;
	return add_frame(captures, reader, body + 20, length, original,
			 interface < reader->interfaces && reader->ethernet[interface]);
}

static inline int read_ng(struct captures *captures, struct capture_reader *reader)
{
	while (reader->left >= 12) {
		uint32_t type = reader_u32(reader, reader->at), size;

		if (type == BLOCK_SECTION) { /* reads the same in either order */
			uint32_t magic;

			memcpy(&magic, reader->at + 8, sizeof(magic));
			reader->swapped = magic == 0x4d3c2b1a;
			reader->interfaces = 0;
		}
		size = reader_u32(reader, reader->at + 4);
		if (size < 12 || size > reader->left || size % 4)
			break;
		if (read_block(captures, reader, type, reader->at + 8, size - 12))
			return -ENOMEM;
		skip_bytes(reader, size);
	}
	return 0;
}

static inline int read_capture(struct captures *captures, const uint8_t *content, size_t size,
			       const char *name)
{
	struct capture_reader reader = { .at = content, .left = size, .file = name };
	uint32_t magic = 0;

	if (size >= sizeof(magic))
		memcpy(&magic, content, sizeof(magic));
	switch (magic) {
	case 0xa1b2c3d4:
	case 0xa1b23c4d: /* nanoseconds */ return read_classic(captures, &reader);
	case 0xd4c3b2a1:
	case 0x4d3cb2a1: reader.swapped = true; return read_classic(captures, &reader);
	case BLOCK_SECTION: return read_ng(captures, &reader);
	default: return 0;
	}
}

static inline uint8_t *read_whole_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	uint8_t *content = NULL;
	long size = -1;

	if (file && !fseek(file, 0, SEEK_END))
		size = ftell(file);
	if (size >= 0) {
		rewind(file);
		content = malloc(size + 1);
		*ret_size = content ? fread(content, 1, size, file) : 0;
	}
	if (file)
		fclose(file);
	return content;
}

static inline int is_capture(const struct dirent *entry)
{
	const char *ending = strrchr(entry->d_name, '.');

	return ending && (!strcmp(ending, ".pcap") || !strcmp(ending, ".pcapng"));
}

/* All captures of @folder, by name. -errno where there is no such folder. */
static inline int captures_read(struct captures *captures, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_capture, alphasort), error = 0;

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		char path[4096];
		size_t size = 0, file = captures->files;

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (!error && file < CAPTURE_FILES_MAX) {
			captures->contents[file] = read_whole_file(path, &size);
			captures->names[file] = strdup(entries[i]->d_name);
			captures->files++;
			error = captures->contents[file] && captures->names[file]
					? read_capture(captures, captures->contents[file], size,
						       captures->names[file])
					: -ENOMEM;
		}
		free(entries[i]);
	}
	free(entries);
	return error;
}

static inline void captures_release(struct captures *captures)
{
	for (size_t i = 0; i < captures->files; i++) {
		free(captures->contents[i]);
		free(captures->names[i]);
	}
	free(captures->frames);
}

#endif
