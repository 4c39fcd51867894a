/*
 * See where.h. Boxes are cut by chance, as rules came; here they are put together
 * again: for each combination of interfaces, destinations and source ports that is
 * told apart, the sources; then what is the same goes together.
 */
#include "reach/where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMBINATIONS_MAX 4096

/* Where intervals begin and end that some box tells apart. */
struct edges {
	struct interval *list; /* owned */
	size_t count;
};

static int compare_numbers(const void *left, const void *right)
{
	const number_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The intervals that no box cuts any more. */
static int edges_find(const struct region *region, enum dimension dimension,
		      struct edges *ret_edges)
{
	number_t *begins = reallocarray(NULL, 2 * region->count + 1, sizeof(*begins));
	struct edges edges = { reallocarray(NULL, 2 * region->count + 1, sizeof(*edges.list)), 0 };
	size_t count = 0, kept = 0;

	if (!begins || !edges.list) {
		free(begins);
		free(edges.list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < region->count; i++) {
		const struct interval *side = &region->boxes[i].side[dimension];

		begins[count++] = side->first;
		if (side->last != ~(number_t)0)
			begins[count++] = side->last + 1;
	}
	qsort(begins, count, sizeof(*begins), compare_numbers);
	for (size_t i = 0; i < count; i++)
		if (!i || begins[i] != begins[i - 1])
			begins[kept++] = begins[i];
	for (size_t i = 0; i < kept; i++)
		edges.list[edges.count++] =
			(struct interval){ begins[i],
					   i + 1 < kept ? begins[i + 1] - 1 : ~(number_t)0 };
	free(begins);
	*ret_edges = edges;
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

static bool covers(const struct box *box, const struct interval *sides)
{
	for (unsigned int d = DIM_DESTINATION; d < REGION_DIMENSIONS; d++)
		if (box->side[d].first > sides[d].first || box->side[d].last < sides[d].last)
			return false;
	return true;
}

static int add_combination(const struct region *region, const struct interval *sides,
			   struct products *products)
{
	struct interval *sources = reallocarray(NULL, region->count + 1, sizeof(*sources));
	size_t count = 0;

	if (!sources)
		return -ENOMEM;
	for (size_t i = 0; i < region->count; i++)
		if (covers(&region->boxes[i], sides))
			sources[count++] = region->boxes[i].side[DIM_SOURCE];
	count = intervals_merge(sources, count);
	if (count)
		return products_add(products, sides, sources, count);
	free(sources);
	return 0;
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

static int add_all(const struct region *region, struct products *products)
{
	struct edges edges[REGION_DIMENSIONS] = { 0 };
	struct interval sides[REGION_DIMENSIONS] = { 0 };
	int error = 0;

	for (unsigned int d = DIM_DESTINATION; d < REGION_DIMENSIONS && !error; d++)
		error = edges_find(region, d, &edges[d]);
	if (!error && edges[DIM_DESTINATION].count * edges[DIM_INTERFACE].count *
				      edges[DIM_SOURCE_PORT].count >
			      COMBINATIONS_MAX)
		error = add_boxes(region, products);
	else
		for (size_t i = 0; i < edges[DIM_INTERFACE].count && !error; i++)
			for (size_t j = 0; j < edges[DIM_DESTINATION].count && !error; j++)
				for (size_t k = 0; k < edges[DIM_SOURCE_PORT].count && !error;
				     k++) {
					sides[DIM_INTERFACE] = edges[DIM_INTERFACE].list[i];
					sides[DIM_DESTINATION] = edges[DIM_DESTINATION].list[j];
					sides[DIM_SOURCE_PORT] = edges[DIM_SOURCE_PORT].list[k];
					error = add_combination(region, sides, products);
				}
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

static int products_join(struct products *products, unsigned int dimension)
{
	for (size_t i = 0; i < products->count; i++)
		for (size_t j = i + 1; j < products->count;) {
			if (!same_but(&products->list[i], &products->list[j], dimension)) {
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

/* What of everything that can arrive lies at these interfaces. */
static bool is_all(const struct everything *everything, const struct product *product,
		   enum dimension dimension)
{
	const struct region *region = everything->region;
	struct interval *all = reallocarray(NULL, region->count + 1, sizeof(*all));
	size_t count = 0;
	bool same;

	for (size_t i = 0; all && i < region->count; i++) {
		const struct interval *by = &region->boxes[i].side[DIM_INTERFACE];
		bool here = dimension == DIM_INTERFACE &&
			    !everything->host->interfaces[by->first].is_loopback;

		for (size_t j = 0; j < product->counts[DIM_INTERFACE] && !here; j++)
			here = by->first <= product->sides[DIM_INTERFACE][j].last &&
			       product->sides[DIM_INTERFACE][j].first <= by->last;
		if (here)
			all[count++] = region->boxes[i].side[dimension];
	}
	count = intervals_merge(all, count);
	same = all && count == product->counts[dimension] &&
	       !memcmp(all, product->sides[dimension], count * sizeof(*all));
	free(all);
	return same;
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

static void finish(const struct everything *everything, struct product *product,
		   struct reach_where *ret_where)
{
	*ret_where = (struct reach_where){
		.any_source = is_all(everything, product, DIM_SOURCE),
		.sources = product->sides[DIM_SOURCE],
		.source_count = product->counts[DIM_SOURCE],
		.any_interface = is_all(everything, product, DIM_INTERFACE),
		.interfaces = product->sides[DIM_INTERFACE],
		.interface_count = product->counts[DIM_INTERFACE],
		.any_destination = is_all(everything, product, DIM_DESTINATION),
		.destinations = product->sides[DIM_DESTINATION],
		.destination_count = product->counts[DIM_DESTINATION],
		.any_source_port = is_all(everything, product, DIM_SOURCE_PORT),
		.source_ports = product->sides[DIM_SOURCE_PORT],
		.source_port_count = product->counts[DIM_SOURCE_PORT],
		.is_loopback = is_loopback(everything->host, product),
	};
}

int where_describe(const struct region *region, const struct everything *everything,
		   struct reach_where **where, size_t *count)
{
	static const enum dimension order[] = { DIM_DESTINATION, DIM_SOURCE_PORT, DIM_INTERFACE,
						DIM_SOURCE, DIM_DESTINATION };
	struct products products = { 0 };
	struct reach_where *grown;
	int error = add_all(region, &products);

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !error; i++)
		error = products_join(&products, order[i]);
	grown = error ? NULL : reallocarray(*where, *count + products.count + 1, sizeof(**where));
	if (!grown) {
		products_release(&products);
		return -ENOMEM;
	}
	*where = grown;
	for (size_t i = 0; i < products.count; i++)
		finish(everything, &products.list[i], &grown[(*count)++]);
	free(products.list);
	return 0;
}

void where_release(struct reach_where *where, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(where[i].sources);
		free(where[i].interfaces);
		free(where[i].destinations);
		free(where[i].source_ports);
	}
	free(where);
}
