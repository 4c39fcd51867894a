/* See scene.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "net/netns.h"
#include "registry/local.h"
#include "registry/store.h"
#include "scene.h"
#include "util/system.h"

/* The kernel's default, where /proc cannot be read. */
#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_LAST	60999

static int add_ephemeral(struct scene *scene)
{
	static const enum transport transports[] = { TRANSPORT_TCP, TRANSPORT_UDP };
	int error = 0;

	for (int i = 0; i < 2 && !error; i++)
		error = span_list_add(&scene->knowledge.spans,
				      &(struct span){ .name = "ephemeral",
						      .first = scene->ephemeral_first,
						      .last = scene->ephemeral_last,
						      .transport = transports[i],
						      .label = "this host's ephemeral ports",
						      .source = "net.ipv4.ip_local_port_range" });
	return error;
}

static void complain(void *data, const char *sentence)
{
	struct scene *scene = data;
	char **complaints =
		reallocarray(scene->complaints, scene->complaint_count + 1, sizeof(*complaints));
	char *copy = strdup(sentence);

	if (complaints)
		scene->complaints = complaints;
	if (complaints && copy)
		complaints[scene->complaint_count++] = copy;
	else
		free(copy);
}

static int load_knowledge(struct scene *scene)
{
	struct knowledge *knowledge = &scene->knowledge;
	struct fault fault = {};
	int error;

	knowledge->registry = registry_load(&fault);
	if (fault.text[0]) {
		struct fault sentence;

		fault_set(&sentence, 0, "the imported table is not in use: %s", fault.text);
		complain(scene, sentence.text);
	}
	error = overlay_list_builtin(&knowledge->overlays);
	if (!error)
		error = local_overlays_read(&knowledge->overlays, complain, scene);
	if (!error && registry_is_imported(knowledge->registry))
		knowledge_settle(knowledge, registry_builtin());
	if (!error)
		error = overlay_list_spans(&knowledge->overlays, &knowledge->spans);
	if (!error)
		error = companion_list_builtin(&knowledge->companions);
	return error ? error : add_ephemeral(scene);
}

int scene_enter(const char *netns, struct scene *ret_scene, struct fault *fault)
{
	struct scene scene = {};
	int error = netns ? netns_enter(netns, fault) : 0;

	if (error)
		return error;
	if (ephemeral_range(&scene.ephemeral_first, &scene.ephemeral_last)) {
		scene.ephemeral_first = EPHEMERAL_FIRST;
		scene.ephemeral_last = EPHEMERAL_LAST;
	}
	scene.forwards = host_forwards();
	error = load_knowledge(&scene);
	if (error) {
		scene_release(&scene);
		return fault_set(fault, error, "cannot load what is known of ports: %s",
				 strerror(-error));
	}
	*ret_scene = scene;
	return 0;
}

void scene_release(struct scene *scene)
{
	for (size_t i = 0; i < scene->complaint_count; i++)
		free(scene->complaints[i]);
	free(scene->complaints);
	scene->complaints = NULL;
	scene->complaint_count = 0;
	knowledge_release(&scene->knowledge);
}

int scene_service_port(const char *name)
{
	/* nft asks getaddrinfo(), whose first answer is that for tcp where there is one. */
	const struct servent *service = getservbyname(name, "tcp");

	if (!service)
		service = getservbyname(name, "udp");
	return service ? ntohs(service->s_port) : -1;
}
