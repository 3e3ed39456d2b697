// SPDX-License-Identifier: GPL-2.0
#include "tdx/td_soft.h"

const char *td_soft_lacks(void)
{
	if (access(TD_SOFT_DIR "/pages", R_OK))
		return "only the software TDX module tells who has what";
	return NULL;
}

static FILE *open_soft(const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), TD_SOFT_DIR "/%s", name);
	file = fopen(path, "r");
	TDP_ASSERT(file, "Cannot open %s: %s", path, strerror(errno));
	return file;
}

static void read_counts(const char *name, struct td_census *census)
{
	FILE *file = open_soft(name);

	while (census->nr < TD_CENSUS_MAX &&
	       fscanf(file, "%15s %lu", census->counts[census->nr].name,
		      &census->counts[census->nr].count) == 2)
		census->nr++;
	fclose(file);
}

void td_take_census(struct td_census *census)
{
	u32 nr_pages;

	memset(census, 0, sizeof(*census));
	read_counts("pages", census);
	nr_pages = census->nr;
	read_counts("keyids", census);
	TDP_ASSERT(nr_pages && census->nr > nr_pages &&
		   census->nr < TD_CENSUS_MAX,
		   "The module's census has %u lines of pages and %u in all",
		   nr_pages, census->nr);
}

u64 td_census_count(const struct td_census *census, const char *name)
{
	u32 i;

	for (i = 0; i < census->nr; i++)
		if (!strcmp(census->counts[i].name, name))
			return census->counts[i].count;
	TDP_ASSERT(false, "The module's census has no \"%s\"", name);
	return 0;
}

bool td_check_census(const struct td_census *before, struct tdp_msg *msg)
{
	struct td_census now;
	u64 count;
	u32 i;

	td_take_census(&now);
	for (i = 0; i < before->nr; i++) {
		count = td_census_count(&now, before->counts[i].name);
		if (count == before->counts[i].count)
			continue;
		snprintf(msg->text, sizeof(msg->text),
			 "Wanted %lu %s as before, got %lu",
			 before->counts[i].count, before->counts[i].name, count);
		return false;
	}
	return true;
}

struct td_line {
	u64 tdr, children, pages[4];
};

static bool read_td(FILE *file, struct td_line *td)
{
	return fscanf(file, "%lx %*u %*s %lu %lu %lu %lu %lu", &td->tdr,
		      &td->children, &td->pages[0], &td->pages[1],
		      &td->pages[2], &td->pages[3]) == 6;
}

bool td_check_tds(u32 nr, struct tdp_msg *msg)
{
	FILE *file = open_soft("tds");
	struct td_line td;
	u64 counted;
	u32 found = 0;
	bool ok = true;

	while (ok && read_td(file, &td)) {
		counted = td.pages[0] + td.pages[1] + td.pages[2] + td.pages[3];
		ok = counted == td.children;
		if (!ok)
			snprintf(msg->text, sizeof(msg->text),
				 "The TD at 0x%lx counts %lu pages, the PAMT %lu",
				 td.tdr, td.children, counted);
		found++;
	}
	fclose(file);
	if (ok && found != nr)
		snprintf(msg->text, sizeof(msg->text),
			 "Wanted %u TDs, got %u", nr, found);
	return ok && found == nr;
}

u32 td_reclaim_lost(void)
{
	FILE *file = open_soft("tds");
	struct td_line td;
	char address[32];
	u32 found = 0;
	int r;

	while (read_td(file, &td)) {
		snprintf(address, sizeof(address), "0x%lx", td.tdr);
		r = __tdp_write_line(TD_SOFT_DIR "/reclaim", address);
		TDP_ASSERT(!r, "The TD at %s cannot be reclaimed: %s", address,
			   strerror(-r));
		found++;
	}
	fclose(file);
	return found;
}

u64 td_exit_count(enum td_exit_reason reason)
{
	FILE *file = open_soft("exits");
	u64 count, wanted = 0;
	u32 found;

	while (fscanf(file, "%u %lu", &found, &count) == 2)
		if (found == reason)
			wanted = count;
	fclose(file);
	return wanted;
}

/* An emulated second is more than any interrupt takes. */
#define NMI_TRIES	1000
#define NMI_USECS	1000

void td_send_nmi(u32 cpu)
{
	u64 before = strtoull(tdp_read_line(TD_SOFT_DIR "/nmi"), NULL, 0);
	char number[16];
	int r, i;

	snprintf(number, sizeof(number), "%u", cpu);
	r = __tdp_write_line(TD_SOFT_DIR "/nmi", number);
	TDP_ASSERT(!r, "CPU %u cannot be sent an NMI: %s", cpu, strerror(-r));
	for (i = 0; i < NMI_TRIES; i++) {
		if (strtoull(tdp_read_line(TD_SOFT_DIR "/nmi"), NULL, 0) > before)
			return;
		usleep(NMI_USECS);
	}
	TDP_ASSERT(false, "No NMI arrived at CPU %u", cpu);
}
