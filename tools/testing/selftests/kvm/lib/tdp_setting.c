// SPDX-License-Identifier: GPL-2.0
#include <signal.h>

#include "tdp_setting.h"

#define KVM_PARAM	"/sys/module/kvm/parameters/"

static const char * const tdp_setting_paths[TDP_NR_SETTINGS] = {
	[TDP_EAGER_PAGE_SPLIT] = KVM_PARAM "eager_page_split",
	[TDP_NX_HUGE_PAGES] = KVM_PARAM "nx_huge_pages",
	[TDP_NX_RECOVERY_RATIO] = KVM_PARAM "nx_huge_pages_recovery_ratio",
	[TDP_NX_RECOVERY_PERIOD_MS] = KVM_PARAM "nx_huge_pages_recovery_period_ms",
	[TDP_KSM_RUN] = "/sys/kernel/mm/ksm/run",
};

struct tdp_value {
	char text[32];
};

/* Empty for a setting that this kernel does not have. */
static struct tdp_value tdp_kept[TDP_NR_SETTINGS];

/* No stdio below: a signal handler gets here. */
static void tdp_setting_read(enum tdp_setting setting, struct tdp_value *value)
{
	int fd = open(tdp_setting_paths[setting], O_RDONLY | O_CLOEXEC);
	ssize_t n;

	memset(value, 0, sizeof(*value));
	if (fd < 0)
		return;
	n = read(fd, value->text, sizeof(value->text) - 1);
	if (n <= 0)
		value->text[0] = '\0';
	close(fd);
}

static int tdp_setting_write(enum tdp_setting setting, const char *value)
{
	int fd = open(tdp_setting_paths[setting], O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	n = write(fd, value, strlen(value));
	if (n < 0)
		r = -errno;
	close(fd);
	return r;
}

void tdp_settings_restore(void)
{
	struct tdp_value now;
	int i;

	for (i = 0; i < TDP_NR_SETTINGS; i++) {
		tdp_setting_read(i, &now);
		if (tdp_kept[i].text[0] && strcmp(now.text, tdp_kept[i].text))
			tdp_setting_write(i, tdp_kept[i].text);
	}
}

static void tdp_settings_signal(int sig)
{
	tdp_settings_restore();
	raise(sig);
}

void tdp_settings_keep(void)
{
	struct sigaction action = {
		.sa_handler = tdp_settings_signal,
		.sa_flags = SA_RESETHAND,
	};
	int i;

	for (i = 0; i < TDP_NR_SETTINGS; i++)
		tdp_setting_read(i, &tdp_kept[i]);

	atexit(tdp_settings_restore);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

const char *tdp_setting_lacks(enum tdp_setting setting)
{
	static char why[128];

	if (access(tdp_setting_paths[setting], W_OK)) {
		snprintf(why, sizeof(why), "cannot write %s: %s",
			 tdp_setting_paths[setting], strerror(errno));
		return why;
	}
	if (setting == TDP_NX_HUGE_PAGES &&
	    !strncmp(tdp_kept[setting].text, "never", 5))
		return "KVM was told never to use the NX-huge-page mitigation";
	return NULL;
}

void tdp_setting_set(enum tdp_setting setting, const char *value)
{
	int r;

	TDP_ASSERT(tdp_kept[setting].text[0], "%s was not kept",
		   tdp_setting_paths[setting]);
	r = tdp_setting_write(setting, value);
	TDP_ASSERT(!r, "Cannot write \"%s\" to %s: %s", value,
		   tdp_setting_paths[setting], strerror(-r));
}
