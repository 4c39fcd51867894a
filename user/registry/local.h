/*
 * The administrator's own rows of practice: /etc/portscribe/ports.d/NAME.conf, and
 * for others than root $XDG_CONFIG_HOME/portscribe/ports.d (~/.config) as well.
 */
#ifndef PORTSCRIBE_LOCAL_H
#define PORTSCRIBE_LOCAL_H

#include "registry/overlay.h"

#define LOCAL_DIRECTORY "/etc/portscribe/ports.d"
#define LOCAL_SIZE_MAX	(1u << 20) /* of one file */

/*
 * Put the rows of all files over those of @list, in the order of the files'
 * names, the user's own directory last. A file that cannot be read, is not to be
 * trusted (file_read_trusted()) or is malformed is left out as a whole, and
 * @report is called with a sentence that says where and why. 0 or -ENOMEM.
 */
int local_overlays_read(struct overlay_list *list, void (*report)(void *data, const char *sentence),
			void *data);

#endif
