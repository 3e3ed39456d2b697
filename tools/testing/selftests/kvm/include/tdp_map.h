/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was wanted and what was found, in a line for programs: the report draws
 * a picture of it.  Written when a check has failed, never before.
 *
 *	HELPER, private: gpa 0x100000000 stride 0x1000 nr 1024: 3*4K@1a2 1*4K@7f>- 1020*4K@*
 *
 * A run is COUNT*LEAF where the answer is the wanted one, else COUNT*WANTED>FOUND.
 * A leaf is "-" for -ENOENT, another negative errno, or LEVEL@PFN: the PFN of the
 * 4K page at the run's first GPA, in hex, that of the next is as many pages on as
 * its GPA.  "@*" are PFNs in no order, "@none" is no PFN, "-@PFN" one that came
 * with an errno.  A state of the Secure EPT follows the level: "4K.pending@7f".
 * A line that grew too long ends in "...".
 */
#ifndef SELFTEST_TDP_MAP_H
#define SELFTEST_TDP_MAP_H

#include "tdp_walk.h"

struct tdp_msg;

/* Bytes of a line, and lines of a message: the two roots of a TD. */
#define TDP_MAP_SIZE	1024
#define TDP_MAP_LINES	2

/**
 * struct tdp_leaf - one answer
 * @ret: level, or a negative errno
 * @pfn: PFN of the 4K page at the GPA, TDP_NO_PFN for none
 * @state: what the Secure EPT says beside it, or NULL
 */
struct tdp_leaf {
	int ret;
	u64 pfn;
	const char *state;
};

/**
 * struct tdp_map - a line that is being written
 * @line: where it goes, or NULL if the message has no room for another
 * @len: bytes in @line
 * @pages: 4K pages from one GPA to the next
 * @nr: number of GPAs of the run that is not written yet
 * @scattered: the wanted PFNs of that run are in no order
 * @want: what was wanted at the run's first GPA
 * @got: what was found there
 */
struct tdp_map {
	char *line;
	size_t len;
	u64 pages;
	u64 nr;
	bool scattered;
	struct tdp_leaf want;
	struct tdp_leaf got;
};

/**
 * tdp_map_clear() - make room for all lines of a message
 * @msg: the message
 */
void tdp_map_clear(struct tdp_msg *msg);

/**
 * tdp_map_begin() - start a line in a message that has room for it
 * @map: out: the line
 * @msg: the message
 * @where: how the answers were got, without a colon
 * @gpa: the first GPA, in bytes
 * @stride: bytes from one GPA to the next
 * @nr: number of GPAs
 */
void tdp_map_begin(struct tdp_map *map, struct tdp_msg *msg, const char *where,
		   u64 gpa, u64 stride, u64 nr);

/**
 * tdp_map_add() - add the next GPA
 * @map: the line
 * @want: what was wanted
 * @got: what was found
 */
void tdp_map_add(struct tdp_map *map, const struct tdp_leaf *want,
		 const struct tdp_leaf *got);

/**
 * tdp_map_end() - write down what was added last
 * @map: the line
 */
void tdp_map_end(struct tdp_map *map);

#endif /* SELFTEST_TDP_MAP_H */
