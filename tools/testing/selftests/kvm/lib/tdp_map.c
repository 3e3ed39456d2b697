// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>

#include "tdp_check.h"
#include "tdp_map.h"

/* Room for the longest run, and for the dots that stand for all that follow. */
#define LONGEST_RUN	128

static void __printf(2, 3) map_print(struct tdp_map *map, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	map->len += vsnprintf(map->line + map->len, TDP_MAP_SIZE - map->len, fmt,
			      args);
	va_end(args);
}

static void map_print_pfn(struct tdp_map *map, u64 pfn)
{
	if (pfn == TDP_NO_PFN)
		map_print(map, "@none");
	else
		map_print(map, "@%lx", pfn);
}

static void map_print_leaf(struct tdp_map *map, const struct tdp_leaf *leaf,
			   bool scattered)
{
	if (leaf->ret == -ENOENT)
		map_print(map, "-");
	else if (leaf->ret < 0)
		map_print(map, "%d", leaf->ret);
	else if (leaf->ret >= PG_LEVEL_4K && leaf->ret <= PG_LEVEL_1G)
		map_print(map, "%s", tdp_level_name(leaf->ret));
	else
		map_print(map, "L%d", leaf->ret);
	if (leaf->state)
		map_print(map, ".%s", leaf->state);
	if (scattered)
		map_print(map, "@*");
	else if (leaf->ret >= 0 || leaf->pfn != TDP_NO_PFN)
		map_print_pfn(map, leaf->pfn);
}

static bool same_state(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_kind(const struct tdp_leaf *a, const struct tdp_leaf *b)
{
	return a->ret == b->ret && same_state(a->state, b->state) &&
	       (a->pfn == TDP_NO_PFN) == (b->pfn == TDP_NO_PFN);
}

/* Whether a page is where a run's next one would be. */
static bool in_order(const struct tdp_map *map, const struct tdp_leaf *first,
		     const struct tdp_leaf *next)
{
	return first->pfn == TDP_NO_PFN ||
	       next->pfn == first->pfn + map->nr * map->pages;
}

static bool is_wanted(const struct tdp_leaf *want, const struct tdp_leaf *got)
{
	return same_kind(want, got) && want->pfn == got->pfn;
}

/* Of what is as it should be, the order of the PFNs alone is no reason to split. */
static bool map_joins(struct tdp_map *map, const struct tdp_leaf *want,
		      const struct tdp_leaf *got)
{
	bool wanted = is_wanted(want, got);

	if (!map->nr || wanted != is_wanted(&map->want, &map->got) ||
	    !same_kind(want, &map->want) || !same_kind(got, &map->got))
		return false;
	if (!wanted)
		return in_order(map, &map->want, want) &&
		       in_order(map, &map->got, got);
	map->scattered |= !in_order(map, &map->want, want);
	return true;
}

void tdp_map_end(struct tdp_map *map)
{
	if (!map->line || !map->nr)
		return;
	if (map->len > TDP_MAP_SIZE - LONGEST_RUN) {
		map_print(map, " ...");
		map->line = NULL;
		return;
	}

	map_print(map, " %lu*", map->nr);
	map_print_leaf(map, &map->want, map->scattered);
	if (!is_wanted(&map->want, &map->got)) {
		map_print(map, ">");
		map_print_leaf(map, &map->got, false);
	}
	map->nr = 0;
}

void tdp_map_add(struct tdp_map *map, const struct tdp_leaf *want,
		 const struct tdp_leaf *got)
{
	if (!map_joins(map, want, got)) {
		tdp_map_end(map);
		map->want = *want;
		map->got = *got;
		map->scattered = false;
	}
	map->nr++;
}

void tdp_map_clear(struct tdp_msg *msg)
{
	int i;

	for (i = 0; i < TDP_MAP_LINES; i++)
		msg->map[i][0] = '\0';
}

void tdp_map_begin(struct tdp_map *map, struct tdp_msg *msg, const char *where,
		   u64 gpa, u64 stride, u64 nr)
{
	int i;

	*map = (struct tdp_map) { .pages = stride / PAGE_SIZE };
	for (i = 0; i < TDP_MAP_LINES && !map->line; i++)
		if (!msg->map[i][0])
			map->line = msg->map[i];
	if (map->line)
		map_print(map, "%s: gpa 0x%lx stride 0x%lx nr %lu:", where, gpa,
			  stride, nr);
}
