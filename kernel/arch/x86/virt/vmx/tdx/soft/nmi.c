// SPDX-License-Identifier: GPL-2.0
/*
 * Non-maskable interrupts on demand: a CPU that runs a TD has to leave it for
 * one, and nothing else on an emulated machine sends any.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include "glue.h"

static DEFINE_PER_CPU(bool, is_expected);
static atomic_long_t nr_arrived;

/* Any other NMI is none of ours. */
static int take_nmi(unsigned int cmd, struct pt_regs *regs)
{
	if (!this_cpu_read(is_expected))
		return NMI_DONE;
	this_cpu_write(is_expected, false);
	atomic_long_inc(&nr_arrived);
	return NMI_HANDLED;
}

int soft_send_nmi(u32 cpu)
{
	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -ENXIO;
	per_cpu(is_expected, cpu) = true;
	__apic_send_IPI(cpu, NMI_VECTOR);
	return 0;
}

long soft_nmis_arrived(void)
{
	return atomic_long_read(&nr_arrived);
}

static int __init soft_nmi_init(void)
{
	return register_nmi_handler(NMI_LOCAL, take_nmi, 0, "tdx-soft");
}
late_initcall(soft_nmi_init);
