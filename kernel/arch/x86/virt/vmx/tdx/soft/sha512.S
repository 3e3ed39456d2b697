/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One block of SHA-512 and SHA-384, by the processor's own instructions for it.
 */
#include <linux/linkage.h>

/* Assemblers learn them from binutils 2.42 on; registers 0 to 7 are enough. */
.macro sha512rnds2 dest, other, input
	.byte	0xc4, 0xe2, ((15 - \other) << 3) | 7, 0xcb
	.byte	0xc0 | (\dest << 3) | \input
.endm

.macro sha512msg1 dest, next
	.byte	0xc4, 0xe2, 0x7f, 0xcc, 0xc0 | (\dest << 3) | \next
.endm

.macro sha512msg2 dest, last
	.byte	0xc4, 0xe2, 0x7f, 0xcd, 0xc0 | (\dest << 3) | \last
.endm

/*
 * YMM0 holds A, B, E, F and YMM1 C, D, G, H, the first in the highest word.
 * YMM2 to YMM5 are the last sixteen words of the message schedule.
 */
#define CONSTANTS	%rdx

.macro four_rounds words, number
	vpaddq	32 * \number(CONSTANTS), %ymm\words, %ymm6
	sha512rnds2 1, 0, 6
	vextracti128 $1, %ymm6, %xmm6
	sha512rnds2 0, 1, 6
.endm

/* The oldest four words become the next four. */
.macro schedule oldest, second, third, newest
	vpblendd $0x03, %ymm\newest, %ymm\third, %ymm7
	vpermq	$0x39, %ymm7, %ymm7
	sha512msg1 \oldest, \second
	vpaddq	%ymm7, %ymm\oldest, %ymm\oldest
	sha512msg2 \oldest, \newest
.endm

.macro sixteen_rounds first
	schedule 2, 3, 4, 5
	four_rounds 2, (\first)
	schedule 3, 4, 5, 2
	four_rounds 3, (\first + 1)
	schedule 4, 5, 2, 3
	four_rounds 4, (\first + 2)
	schedule 5, 2, 3, 4
	four_rounds 5, (\first + 3)
.endm

.macro load_words words, number
	vmovdqu	32 * \number(%rsi), %ymm\words
	vpshufb	%ymm7, %ymm\words, %ymm\words
.endm

/* Words change their order inside of each half; the same again puts it back. */
.macro turn_state
	vpermq	$0xb1, %ymm0, %ymm0
	vpermq	$0xb1, %ymm1, %ymm1
.endm

.macro move_vectors direction
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7
	.ifc	\direction, save
	vmovdqu	%ymm\number, 32 * \number(%rsp)
	.else
	vmovdqu	32 * \number(%rsp), %ymm\number
	.endif
	.endr
.endm

.section .rodata, "a"
.balign 32
.Lbig_endian:
	.octa	0x08090a0b0c0d0e0f0001020304050607
	.octa	0x08090a0b0c0d0e0f0001020304050607

.section .text, "ax"

/*
 * void soft_sha512_block(u64 state[8], const u8 block[128], const u64 constants[80])
 *
 * Leaves every vector register as it was: in a SEAMCALL they are the host's, in
 * a TDCALL the TD's, and nobody else saves them.  Where there are ZMM registers
 * their upper halves would be lost.
 */
SYM_FUNC_START(soft_sha512_block)
	sub	$256, %rsp
	move_vectors save

	vmovdqu	(%rdi), %ymm2
	vmovdqu	32(%rdi), %ymm3
	vperm2i128 $0x20, %ymm2, %ymm3, %ymm0
	vperm2i128 $0x31, %ymm2, %ymm3, %ymm1
	turn_state

	vmovdqa	.Lbig_endian(%rip), %ymm7
	load_words 2, 0
	load_words 3, 1
	load_words 4, 2
	load_words 5, 3

	four_rounds 2, 0
	four_rounds 3, 1
	four_rounds 4, 2
	four_rounds 5, 3
	sixteen_rounds 4
	sixteen_rounds 8
	sixteen_rounds 12
	sixteen_rounds 16

	/* E, F, G, H are in the lower halves. */
	turn_state
	vperm2i128 $0x13, %ymm0, %ymm1, %ymm2
	vperm2i128 $0x02, %ymm0, %ymm1, %ymm3
	vpaddq	(%rdi), %ymm2, %ymm2
	vpaddq	32(%rdi), %ymm3, %ymm3
	vmovdqu	%ymm2, (%rdi)
	vmovdqu	%ymm3, 32(%rdi)

	move_vectors restore
	add	$256, %rsp
	RET
SYM_FUNC_END(soft_sha512_block)
