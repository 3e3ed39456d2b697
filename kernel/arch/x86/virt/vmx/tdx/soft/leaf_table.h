/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SEAMCALLs: one row each.
 *
 * TDHLEAF(name, number, version, system, td, td_lock, vp, vp_lock,
 *	   vp_states, op_states, zeroed, stops, handler)
 *
 * @version: the highest one that is known
 * @system: states of the module in which it may be called
 * @td: the register that holds the TDR's address; RAX for none, or for the
 *	owner of the vCPU where there is one
 * @td_lock: how the TD is locked meanwhile
 * @vp: the register that holds the TDVPR's address; RAX for none
 * @vp_lock: how the vCPU is locked meanwhile
 * @vp_states: states of the vCPU, VP() of them; 0 for no check
 * @op_states: states of the TD, OP() of them; 0 for no check
 * @zeroed: registers that come back as 0 if the handler does not set them
 * @stops: STOPS if it looks for interrupts on its way, RUNS if it does not
 * @handler: what remains to be checked, and what is done
 *
 * Included wherever something is to be made of every row.
 */
TDHLEAF(VP_ENTER, 0, 0, SYS_READY, RAX, SHARED, RCX, SHARED,
	VP_COMPLETE | VP(READY), OP(RUNNABLE), 0, RUNS, leaf_vp_enter)
TDHLEAF(MNG_ADDCX, 1, 0, SYS_READY, RDX, EXCLUSIVE, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_mng_addcx)
TDHLEAF(MEM_PAGE_ADD, 2, 0, SYS_READY, RDX, EXCLUSIVE, RAX, UNLOCKED,
	0, OP_INIT, ZERO_WALK, RUNS, leaf_mem_page_add)
TDHLEAF(MEM_SEPT_ADD, 3, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_sept_add)
TDHLEAF(VP_ADDCX, 4, 0, SYS_READY, RAX, SHARED, RDX, EXCLUSIVE,
	VP(UNINITIALIZED), OP_INIT, 0, RUNS, leaf_vp_addcx)
TDHLEAF(MEM_PAGE_AUG, 6, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_page_aug)
TDHLEAF(MEM_RANGE_BLOCK, 7, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_range_block)
TDHLEAF(MNG_KEY_CONFIG, 8, 0, SYS_READY, RCX, EXCLUSIVE, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_mng_key_config)
TDHLEAF(MNG_CREATE, 9, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_mng_create)
TDHLEAF(VP_CREATE, 10, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_INIT, 0, RUNS, leaf_vp_create)
TDHLEAF(MNG_RD, 11, 1, SYS_READY, RCX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, REG(R8), RUNS, leaf_mng_rd)
TDHLEAF(MEM_RD, 12, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK | REG(R8), RUNS, leaf_mem_rd)
TDHLEAF(MNG_WR, 13, 0, SYS_READY, RCX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, REG(R8), RUNS, leaf_mng_wr)
TDHLEAF(MEM_WR, 14, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK | REG(R8), RUNS, leaf_mem_wr)
TDHLEAF(MEM_PAGE_DEMOTE, 15, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, STOPS, leaf_mem_page_demote)
TDHLEAF(MR_EXTEND, 16, 0, SYS_READY, RDX, EXCLUSIVE, RAX, UNLOCKED,
	0, OP_INIT, ZERO_WALK, RUNS, leaf_mr_extend)
TDHLEAF(MR_FINALIZE, 17, 0, SYS_READY, RCX, EXCLUSIVE, RAX, UNLOCKED,
	0, OP_INIT, 0, RUNS, leaf_mr_finalize)
TDHLEAF(VP_FLUSH, 18, 0, SYS_READY, RAX, SHARED, RCX, EXCLUSIVE,
	0, 0, 0, RUNS, leaf_vp_flush)
TDHLEAF(MNG_VPFLUSHDONE, 19, 0, SYS_READY, RCX, EXCLUSIVE, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_mng_vpflushdone)
TDHLEAF(MNG_KEY_FREEID, 20, 0, SYS_READY, RCX, EXCLUSIVE, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_mng_key_freeid)
TDHLEAF(MNG_INIT, 21, 0, SYS_READY, RCX, EXCLUSIVE, RAX, UNLOCKED,
	0, OP_BUILD, REG(RCX), RUNS, leaf_mng_init)
TDHLEAF(VP_INIT, 22, 1, SYS_READY, RAX, SHARED, RCX, EXCLUSIVE,
	VP_COMPLETE | VP(UNINITIALIZED), OP_INIT, 0, RUNS, leaf_vp_init)
TDHLEAF(MEM_PAGE_PROMOTE, 23, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_page_promote)
TDHLEAF(PHYMEM_PAGE_RDMD, 24, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, ZERO_METADATA, RUNS, leaf_phymem_page_rdmd)
TDHLEAF(MEM_SEPT_RD, 25, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_sept_rd)
TDHLEAF(VP_RD, 26, 1, SYS_READY, RAX, SHARED, RCX, SHARED,
	VP_COMPLETE | VP(READY) | VP(DISABLED), OP_LIVE, REG(R8), RUNS, leaf_vp_rd)
TDHLEAF(PHYMEM_PAGE_RECLAIM, 28, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, ZERO_METADATA, RUNS, leaf_phymem_page_reclaim)
TDHLEAF(MEM_PAGE_REMOVE, 29, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_page_remove)
TDHLEAF(MEM_SEPT_REMOVE, 30, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_sept_remove)
TDHLEAF(SYS_KEY_CONFIG, 31, 0, SYS_BEFORE_SHUTDOWN, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_sys_key_config)
TDHLEAF(SYS_INIT, 33, 0, SYS_BEFORE_SHUTDOWN, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_sys_init)
TDHLEAF(SYS_RD, 34, 0, SYS_BEFORE_SHUTDOWN, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, REG(R8), RUNS, leaf_sys_rd)
TDHLEAF(SYS_LP_INIT, 35, 0, SYS_BEFORE_SHUTDOWN, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_sys_lp_init)
TDHLEAF(SYS_TDMR_INIT, 36, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, REG(RDX), RUNS, leaf_sys_tdmr_init)
TDHLEAF(MEM_TRACK, 38, 0, SYS_READY, RCX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, 0, RUNS, leaf_mem_track)
TDHLEAF(MEM_RANGE_UNBLOCK, 39, 0, SYS_READY, RDX, SHARED, RAX, UNLOCKED,
	0, OP_LIVE, ZERO_WALK, RUNS, leaf_mem_range_unblock)
TDHLEAF(PHYMEM_CACHE_WB, 40, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, STOPS, leaf_phymem_cache_wb)
TDHLEAF(PHYMEM_PAGE_WBINVD, 41, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_phymem_page_wbinvd)
TDHLEAF(VP_WR, 43, 0, SYS_READY, RAX, SHARED, RCX, SHARED,
	VP_COMPLETE | VP(READY), OP_LIVE, REG(R8), RUNS, leaf_vp_wr)
TDHLEAF(SYS_CONFIG, 45, 0, SYS_BEFORE_SHUTDOWN, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_sys_config)
TDHLEAF(SYS_SHUTDOWN, 52, 0, SYS_READY, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_sys_shutdown)
TDHLEAF(SYS_UPDATE, 53, 0, SYS_BEFORE_SHUTDOWN, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, RUNS, leaf_sys_update)
TDHLEAF(SYS_DISABLE, 69, 0, SYS_BEFORE_SHUTDOWN | SYS_DISABLING, RAX, UNLOCKED, RAX, UNLOCKED,
	0, 0, 0, STOPS, leaf_sys_disable)

#undef TDHLEAF
