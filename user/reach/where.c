/*
 * See where.h. Boxes are cut by chance, as rules came; here they are put together
 * again: for each combination of interfaces, destinations and source ports that is
 * told apart, the sources; then what is the same goes together.
 */
#include "reach/region.h"
#include "reach/where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMBINATIONS_MAX 4096
#define EDGES_MAX	 256 /* in one dimension */

/* Where intervals begin and end that some box tells apart. */
struct edges {
	struct interval *list; /* owned */
	size_t count;
};

/* Insert @number into the sorted @list, once. */
static void add_edge(number_t *list, size_t *count, number_t number)
{
	size_t low = 0, high = *count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < *count && list[low] == number)
		return;
	memmove(&list[low + 1], &list[low], (*count - low) * sizeof(*list));
	list[low] = number;
	(*count)++;
}

/*
 * The intervals that no box cuts any more; lo is always one. A hundred thousand boxes
 * have a handful of edges in all dimensions but the source's. 0; 1: there are too many;
 * -ENOMEM.
 */
static int edges_find(const struct region *region, enum dimension dimension,
		      const struct host *host, struct edges *ret_edges)
{
	number_t begins[EDGES_MAX + 4];
	size_t count = 0;

	for (size_t i = 0; i < region->count && count <= EDGES_MAX; i++) {
		const struct interval *side = &region->boxes[i].side[dimension];

		add_edge(begins, &count, side->first);
		if (side->last != ~(number_t)0)
			add_edge(begins, &count, side->last + 1);
	}
	for (size_t i = 0; dimension == DIM_INTERFACE && i < host->count && count <= EDGES_MAX; i++)
		if (host->interfaces[i].is_loopback) {
			add_edge(begins, &count, i);
			add_edge(begins, &count, i + 1);
		}
	if (count > EDGES_MAX)
		return 1;
	ret_edges->list = reallocarray(NULL, count + 1, sizeof(*ret_edges->list));
	if (!ret_edges->list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		ret_edges->list[ret_edges->count++] =
			(struct interval){ begins[i],
					   i + 1 < count ? begins[i + 1] - 1 : ~(number_t)0 };
	return 0;
}

/* One product before it is put together with others. */
struct product {
	struct interval *sides[REGION_DIMENSIONS]; /* owned */
	size_t counts[REGION_DIMENSIONS];
};

struct products {
	struct product *list; /* owned */
	size_t count;
};

static void products_release(struct products *products)
{
	for (size_t i = 0; i < products->count; i++)
		for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
			free(products->list[i].sides[d]);
	free(products->list);
	*products = (struct products){ 0 };
}

static struct interval *single(struct interval interval)
{
	struct interval *list = malloc(sizeof(*list));

	if (list)
		*list = interval;
	return list;
}

static int products_add(struct products *products, const struct interval *sides,
			struct interval *sources, size_t count)
{
	struct product *grown =
		reallocarray(products->list, products->count + 1, sizeof(*products->list));
	struct product *added;

	if (!grown) {
		free(sources);
		return -ENOMEM;
	}
	products->list = grown;
	added = &grown[products->count++];
	*added = (struct product){ 0 };
	added->sides[DIM_SOURCE] = sources;
	added->counts[DIM_SOURCE] = count;
	for (unsigned int d = DIM_DESTINATION; d < REGION_DIMENSIONS; d++) {
		added->sides[d] = single(sides[d]);
		added->counts[d] = 1;
		if (!added->sides[d])
			return -ENOMEM;
	}
	return 0;
}

/* Sources of one combination of what is told apart in the other dimensions. */
struct combination {
	struct interval *sources; /* owned */
	size_t count, room;
};

static bool add_source(struct combination *combination, struct interval source)
{
	if (combination->count == combination->room) {
		size_t room = combination->room ? combination->room * 2 : 8;
		void *grown = reallocarray(combination->sources, room, sizeof(source));

		if (!grown)
			return false;
		combination->sources = grown;
		combination->room = room;
	}
	combination->sources[combination->count++] = source;
	return true;
}

/* All combinations that @box covers, from dimension @d on. */
static bool add_box(struct combination *list, const struct edges *edges, const struct box *box,
		    unsigned int d, size_t at)
{
	const struct interval *side;
	size_t i;

	if (d == REGION_DIMENSIONS)
		return add_source(&list[at], box->side[DIM_SOURCE]);
	side = &box->side[d];
	i = interval_at(edges[d].list, edges[d].count, side->first);
	for (; i < edges[d].count && edges[d].list[i].first <= side->last; i++)
		if (!add_box(list, edges, box, d + 1, at * edges[d].count + i))
			return false;
	return true;
}

/* The products of all combinations that have sources. */
static int add_combinations(const struct region *region, const struct edges *edges,
			    struct products *products)
{
	size_t count = edges[DIM_DESTINATION].count * edges[DIM_INTERFACE].count *
		       edges[DIM_SOURCE_PORT].count;
	struct combination *list = calloc(count + 1, sizeof(*list));
	int error = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < region->count && !error; i++)
		if (!add_box(list, edges, &region->boxes[i], DIM_DESTINATION, 0))
			error = -ENOMEM;
	for (size_t i = 0; i < count && list; i++) {
		struct combination *combination = &list[i];
		struct interval sides[REGION_DIMENSIONS];
		size_t at = i;

		for (unsigned int d = REGION_DIMENSIONS; d-- > DIM_DESTINATION;) {
			sides[d] = edges[d].list[at % edges[d].count];
			at /= edges[d].count;
		}
		if (error || !combination->count)
			free(combination->sources);
		else
			error = products_add(
				products, sides, combination->sources,
				intervals_merge(combination->sources, combination->count));
	}
	free(list);
	return error;
}

/* Too many to tell apart: box by box. */
static int add_boxes(const struct region *region, struct products *products)
{
	int error = 0;

	for (size_t i = 0; i < region->count && !error; i++) {
		struct interval *source = single(region->boxes[i].side[DIM_SOURCE]);

		error = source ? products_add(products, region->boxes[i].side, source, 1) : -ENOMEM;
	}
	return error;
}

static int add_all(const struct region *region, const struct host *host, struct products *products)
{
	struct edges edges[REGION_DIMENSIONS] = { 0 };
	int error = 0;

	for (unsigned int d = DIM_DESTINATION; d < REGION_DIMENSIONS && !error; d++)
		error = edges_find(region, d, host, &edges[d]);
	if (error == 1 || (!error && edges[DIM_DESTINATION].count * edges[DIM_INTERFACE].count *
						     edges[DIM_SOURCE_PORT].count >
					     COMBINATIONS_MAX))
		error = add_boxes(region, products);
	else if (!error)
		error = add_combinations(region, edges, products);
	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
		free(edges[d].list);
	return error;
}

/* ---- what is the same goes together ---- */

static bool same_side(const struct product *a, const struct product *b, unsigned int d)
{
	return a->counts[d] == b->counts[d] &&
	       !memcmp(a->sides[d], b->sides[d], a->counts[d] * sizeof(*a->sides[d]));
}

static bool same_but(const struct product *a, const struct product *b, unsigned int dimension)
{
	for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
		if (d != dimension && !same_side(a, b, d))
			return false;
	return true;
}

static int product_take(struct product *product, struct product *other, unsigned int d)
{
	size_t count = product->counts[d] + other->counts[d];
	struct interval *grown = reallocarray(product->sides[d], count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	memcpy(grown + product->counts[d], other->sides[d], other->counts[d] * sizeof(*grown));
	product->sides[d] = grown;
	product->counts[d] = intervals_merge(grown, count);
	for (d = 0; d < REGION_DIMENSIONS; d++)
		free(other->sides[d]);
	return 0;
}

static bool is_loopback(const struct host *host, const struct product *product)
{
	for (size_t i = 0; i < product->counts[DIM_INTERFACE]; i++)
		for (number_t at = product->sides[DIM_INTERFACE][i].first;
		     at <= product->sides[DIM_INTERFACE][i].last; at++)
			if (at >= host->count || !host->interfaces[at].is_loopback)
				return false;
	return true;
}

static int products_join(const struct host *host, struct products *products, unsigned int dimension)
{
	for (size_t i = 0; i < products->count; i++)
		for (size_t j = i + 1; j < products->count;) {
			if (!same_but(&products->list[i], &products->list[j], dimension) ||
			    is_loopback(host, &products->list[i]) !=
				    is_loopback(host, &products->list[j])) {
				j++;
				continue;
			}
			if (product_take(&products->list[i], &products->list[j], dimension))
				return -ENOMEM;
			products->list[j] = products->list[--products->count];
		}
	return 0;
}

/* ---- any ---- */

static bool intervals_equal(const struct interval *a, size_t a_count, const struct interval *b,
			    size_t b_count)
{
	return a_count == b_count && !memcmp(a, b, a_count * sizeof(*a));
}

/* Of @dimension, what of everything that can arrive lies at the product's interfaces. */
static size_t everything_at(const struct everything *everything, const struct product *product,
			    enum dimension dimension, struct interval *all)
{
	const struct region *region = everything->region;
	size_t count = 0;

	for (size_t i = 0; i < region->count; i++) {
		const struct interval *by = &region->boxes[i].side[DIM_INTERFACE];
		bool here = false;

		for (size_t j = 0; j < product->counts[DIM_INTERFACE] && !here; j++)
			here = by->first <= product->sides[DIM_INTERFACE][j].last &&
			       product->sides[DIM_INTERFACE][j].first <= by->last;
		if (here)
			all[count++] = region->boxes[i].side[dimension];
	}
	return intervals_merge(all, count);
}

/* Whether it comes by all interfaces from elsewhere. */
static bool is_any_interface(const struct everything *everything, const struct product *product)
{
	const struct host *host = everything->host;

	for (size_t place = 0; place < host->count; place++) {
		const struct interval *by = product->sides[DIM_INTERFACE];
		size_t count = product->counts[DIM_INTERFACE];
		bool covered = false;

		if (host->interfaces[place].is_loopback)
			continue;
		for (size_t i = 0; i < everything->region->count && !covered; i++)
			covered = everything->region->boxes[i].side[DIM_INTERFACE].first <= place &&
				  place <= everything->region->boxes[i].side[DIM_INTERFACE].last;
		if (covered && (interval_at(by, count, place) == count ||
				by[interval_at(by, count, place)].first > place))
			return false;
	}
	return true;
}

static bool is_all(const struct everything *everything, const struct product *product,
		   enum dimension dimension)
{
	struct interval *all = reallocarray(NULL, everything->region->count + 1, sizeof(*all));
	size_t count = all ? everything_at(everything, product, dimension, all) : 0;
	bool same =
		intervals_equal(all, count, product->sides[dimension], product->counts[dimension]);

	free(all);
	return same;
}

static struct interval *both_lists(const struct interval *a, size_t a_count,
				   const struct interval *b, size_t b_count, size_t *ret_count)
{
	struct interval *both = reallocarray(NULL, a_count + b_count + 1, sizeof(*both));

	if (!both)
		return NULL;
	memcpy(both, a, a_count * sizeof(*both));
	memcpy(both + a_count, b, b_count * sizeof(*both));
	*ret_count = intervals_merge(both, a_count + b_count);
	return both;
}

/* Whether all sources are there but those that nothing comes from. */
static bool is_any_source(const struct everything *everything, const struct product *product)
{
	struct interval *all = reallocarray(NULL, everything->region->count + 1, sizeof(*all));
	size_t count = all ? everything_at(everything, product, DIM_SOURCE, all) : 0;
	size_t all_count = 0, mine_count = 0;
	struct interval *with =
		both_lists(all, count, everything->silent, everything->silent_count, &all_count);
	struct interval *mine =
		both_lists(product->sides[DIM_SOURCE], product->counts[DIM_SOURCE],
			   everything->silent, everything->silent_count, &mine_count);
	bool same = with && mine && intervals_equal(with, all_count, mine, mine_count);

	free(all);
	free(with);
	free(mine);
	return same;
}

/* Whether there is no source but those that nothing comes from. */
static bool is_silent(const struct everything *everything, const struct product *product)
{
	size_t at = 0;

	for (size_t i = 0; i < product->counts[DIM_SOURCE]; i++) {
		const struct interval *source = &product->sides[DIM_SOURCE][i];

		at = interval_at(everything->silent, everything->silent_count, source->first);
		if (at == everything->silent_count ||
		    everything->silent[at].first > source->first ||
		    everything->silent[at].last < source->last)
			return false;
	}
	return true;
}

static void finish(const struct everything *everything, struct product *product,
		   struct reach_where *ret_where)
{
	bool loopback = is_loopback(everything->host, product);

	*ret_where = (struct reach_where){
		.any_source = loopback ? is_all(everything, product, DIM_SOURCE)
				       : is_any_source(everything, product),
		.sources = product->sides[DIM_SOURCE],
		.source_count = product->counts[DIM_SOURCE],
		.any_interface = !loopback && is_any_interface(everything, product),
		.interfaces = product->sides[DIM_INTERFACE],
		.interface_count = product->counts[DIM_INTERFACE],
		.any_destination = is_all(everything, product, DIM_DESTINATION),
		.destinations = product->sides[DIM_DESTINATION],
		.destination_count = product->counts[DIM_DESTINATION],
		.any_source_port = is_all(everything, product, DIM_SOURCE_PORT),
		.source_ports = product->sides[DIM_SOURCE_PORT],
		.source_port_count = product->counts[DIM_SOURCE_PORT],
		.is_loopback = loopback,
	};
}

struct where_list *where_describe(const struct region *region, const struct everything *everything)
{
	static const enum dimension order[] = { DIM_DESTINATION, DIM_SOURCE_PORT, DIM_INTERFACE,
						DIM_SOURCE, DIM_DESTINATION };
	struct where_list *where = calloc(1, sizeof(*where));
	struct products products = { 0 };
	int error = where ? add_all(region, everything->host, &products) : -ENOMEM;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !error; i++)
		error = products_join(everything->host, &products, order[i]);
	if (!error) {
		where->references = 1;
		where->list = reallocarray(NULL, products.count + 1, sizeof(*where->list));
	}
	if (error || !where->list) {
		products_release(&products);
		free(where);
		return NULL;
	}
	for (size_t i = 0; i < products.count; i++) {
		struct product *product = &products.list[i];

		if (is_loopback(everything->host, product) || !is_silent(everything, product)) {
			finish(everything, product, &where->list[where->count++]);
			continue;
		}
		for (unsigned int d = 0; d < REGION_DIMENSIONS; d++)
			free(product->sides[d]);
	}
	free(products.list);
	return where;
}

void where_release(struct where_list *where)
{
	if (!where || --where->references)
		return;
	for (size_t i = 0; i < where->count; i++) {
		free(where->list[i].sources);
		free(where->list[i].interfaces);
		free(where->list[i].destinations);
		free(where->list[i].source_ports);
	}
	free(where->list);
	free(where);
}

/* ---- what was described already ---- */

struct where_known {
	struct region *region, *everything; /* NULL: a free slot */
	struct where_list *where;
};

static size_t slot_of(const struct where_cache *cache, const struct region *region,
		      const struct region *everything)
{
	size_t at = ((uintptr_t)region >> 4) * 0x9e3779b97f4a7c15u;

	for (at &= cache->room - 1; cache->slots[at].region; at = (at + 1) & (cache->room - 1))
		if (cache->slots[at].region == region && cache->slots[at].everything == everything)
			break;
	return at;
}

static bool cache_grow(struct where_cache *cache)
{
	struct where_cache bigger = { .count = cache->count,
				      .room = cache->room ? cache->room * 2 : 64 };

	if (cache->count * 2 < cache->room)
		return true;
	bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < cache->room; i++)
		if (cache->slots[i].region)
			bigger.slots[slot_of(&bigger, cache->slots[i].region,
					     cache->slots[i].everything)] = cache->slots[i];
	free(cache->slots);
	*cache = bigger;
	return true;
}

struct where_list *where_find(struct where_cache *cache, const struct region *region,
			      const struct everything *everything)
{
	struct where_known *known;

	if (!cache_grow(cache))
		return NULL;
	known = &cache->slots[slot_of(cache, region, everything->region)];
	if (!known->region) {
		known->where = where_describe(region, everything);
		if (!known->where)
			return NULL;
		known->region = region_share((struct region *)region);
		known->everything = region_share((struct region *)everything->region);
		cache->count++;
	}
	known->where->references++;
	return known->where;
}

void where_cache_release(struct where_cache *cache)
{
	for (size_t i = 0; i < cache->room; i++) {
		region_drop(cache->slots[i].region);
		region_drop(cache->slots[i].everything);
		where_release(cache->slots[i].where);
	}
	free(cache->slots);
	*cache = (struct where_cache){ 0 };
}
