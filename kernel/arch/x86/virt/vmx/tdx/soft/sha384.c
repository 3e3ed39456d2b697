// SPDX-License-Identifier: GPL-2.0
/*
 * SHA-384 as FIPS 180-4 defines it.
 */
#include "sha384.h"

/* Fractions of the cube roots of the first 80 primes. */
static const u64 round_constants[80] = {
	0x428a2f98d728ae22ULL, 0x7137449123ef65cdULL,
	0xb5c0fbcfec4d3b2fULL, 0xe9b5dba58189dbbcULL,
	0x3956c25bf348b538ULL, 0x59f111f1b605d019ULL,
	0x923f82a4af194f9bULL, 0xab1c5ed5da6d8118ULL,
	0xd807aa98a3030242ULL, 0x12835b0145706fbeULL,
	0x243185be4ee4b28cULL, 0x550c7dc3d5ffb4e2ULL,
	0x72be5d74f27b896fULL, 0x80deb1fe3b1696b1ULL,
	0x9bdc06a725c71235ULL, 0xc19bf174cf692694ULL,
	0xe49b69c19ef14ad2ULL, 0xefbe4786384f25e3ULL,
	0x0fc19dc68b8cd5b5ULL, 0x240ca1cc77ac9c65ULL,
	0x2de92c6f592b0275ULL, 0x4a7484aa6ea6e483ULL,
	0x5cb0a9dcbd41fbd4ULL, 0x76f988da831153b5ULL,
	0x983e5152ee66dfabULL, 0xa831c66d2db43210ULL,
	0xb00327c898fb213fULL, 0xbf597fc7beef0ee4ULL,
	0xc6e00bf33da88fc2ULL, 0xd5a79147930aa725ULL,
	0x06ca6351e003826fULL, 0x142929670a0e6e70ULL,
	0x27b70a8546d22ffcULL, 0x2e1b21385c26c926ULL,
	0x4d2c6dfc5ac42aedULL, 0x53380d139d95b3dfULL,
	0x650a73548baf63deULL, 0x766a0abb3c77b2a8ULL,
	0x81c2c92e47edaee6ULL, 0x92722c851482353bULL,
	0xa2bfe8a14cf10364ULL, 0xa81a664bbc423001ULL,
	0xc24b8b70d0f89791ULL, 0xc76c51a30654be30ULL,
	0xd192e819d6ef5218ULL, 0xd69906245565a910ULL,
	0xf40e35855771202aULL, 0x106aa07032bbd1b8ULL,
	0x19a4c116b8d2d0c8ULL, 0x1e376c085141ab53ULL,
	0x2748774cdf8eeb99ULL, 0x34b0bcb5e19b48a8ULL,
	0x391c0cb3c5c95a63ULL, 0x4ed8aa4ae3418acbULL,
	0x5b9cca4f7763e373ULL, 0x682e6ff3d6b2b8a3ULL,
	0x748f82ee5defb2fcULL, 0x78a5636f43172f60ULL,
	0x84c87814a1f0ab72ULL, 0x8cc702081a6439ecULL,
	0x90befffa23631e28ULL, 0xa4506cebde82bde9ULL,
	0xbef9a3f7b2c67915ULL, 0xc67178f2e372532bULL,
	0xca273eceea26619cULL, 0xd186b8c721c0c207ULL,
	0xeada7dd6cde0eb1eULL, 0xf57d4f7fee6ed178ULL,
	0x06f067aa72176fbaULL, 0x0a637dc5a2c898a6ULL,
	0x113f9804bef90daeULL, 0x1b710b35131c471bULL,
	0x28db77f523047d84ULL, 0x32caab7b40c72493ULL,
	0x3c9ebe0a15c9bebcULL, 0x431d67c49c100d4cULL,
	0x4cc5d4becb3e42b6ULL, 0x597f299cfc657e2aULL,
	0x5fcb6fab3ad6faecULL, 0x6c44198c4a475817ULL,
};

static u64 rotate(u64 x, int bits)
{
	return x >> bits | x << (64 - bits);
}

static u64 big_endian(const u8 *bytes)
{
	u64 value;

	memcpy(&value, bytes, sizeof(value));
	return __builtin_bswap64(value);
}

static void put_big_endian(u8 *bytes, u64 value)
{
	int i;

	for (i = 7; i >= 0; i--, value >>= 8)
		bytes[i] = value;
}

/* Sixteen words at a time: the message schedule is made as it is used. */
static inline u64 schedule(u64 w[16], int t)
{
	u64 s0, s1, a, b;

	if (t < 16)
		return w[t];

	a = w[(t - 15) % 16];
	b = w[(t - 2) % 16];
	s0 = rotate(a, 1) ^ rotate(a, 8) ^ a >> 7;
	s1 = rotate(b, 19) ^ rotate(b, 61) ^ b >> 6;
	w[t % 16] += s0 + s1 + w[(t - 7) % 16];
	return w[t % 16];
}

/* What comes in as A leaves as B, and so on; only D and H are new. */
static inline void round_step(u64 a, u64 b, u64 c, u64 *d, u64 e, u64 f, u64 g,
			      u64 *h, u64 input)
{
	u64 t1 = *h + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) +
		 ((e & f) ^ (~e & g)) + input;

	*d += t1;
	*h = t1 + (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) +
	     ((a & b) ^ (a & c) ^ (b & c));
}

/* Words change their places instead of their values: eight rounds are a turn. */
static void compress(u64 *s, const u8 *block)
{
	u64 w[16];
	u64 a = s[0], b = s[1], c = s[2], d = s[3];
	u64 e = s[4], f = s[5], g = s[6], h = s[7];
	int i;

#define INPUT(n)	(round_constants[i + (n)] + schedule(w, i + (n)))

	for (i = 0; i < 16; i++)
		w[i] = big_endian(block + 8 * i);
	for (i = 0; i < 80; i += 8) {
		round_step(a, b, c, &d, e, f, g, &h, INPUT(0));
		round_step(h, a, b, &c, d, e, f, &g, INPUT(1));
		round_step(g, h, a, &b, c, d, e, &f, INPUT(2));
		round_step(f, g, h, &a, b, c, d, &e, INPUT(3));
		round_step(e, f, g, &h, a, b, c, &d, INPUT(4));
		round_step(d, e, f, &g, h, a, b, &c, INPUT(5));
		round_step(c, d, e, &f, g, h, a, &b, INPUT(6));
		round_step(b, c, d, &e, f, g, h, &a, INPUT(7));
	}

	s[0] += a;
	s[1] += b;
	s[2] += c;
	s[3] += d;
	s[4] += e;
	s[5] += f;
	s[6] += g;
	s[7] += h;
}

static void add_block(struct sha384 *sha, const u8 *block)
{
	if (!soft_sha512(sha->state, block, round_constants))
		compress(sha->state, block);
}

/* The state begins as fractions of the square roots of further primes. */
void sha384_begin(struct sha384 *sha)
{
	static const u64 initial[8] = {
		0xcbbb9d5dc1059ed8ULL, 0x629a292a367cd507ULL,
		0x9159015a3070dd17ULL, 0x152fecd8f70e5939ULL,
		0x67332667ffc00b31ULL, 0x8eb44a8768581511ULL,
		0xdb0c2e0d64f98fa7ULL, 0x47b5481dbefa4fa4ULL,
	};

	memset(sha, 0, sizeof(*sha));
	memcpy(sha->state, initial, sizeof(initial));
}

void sha384_add(struct sha384 *sha, const void *data, size_t length)
{
	const u8 *bytes = data;

	while (length) {
		size_t used = sha->length % SHA384_BLOCK;
		size_t part = min(length, SHA384_BLOCK - used);
		const u8 *block = bytes;

		if (part < SHA384_BLOCK) {
			memcpy(sha->buffer + used, bytes, part);
			block = sha->buffer;
		}
		sha->length += part;
		bytes += part;
		length -= part;
		if (used + part == SHA384_BLOCK)
			add_block(sha, block);
	}
}

void sha384_end(struct sha384 *sha, u8 digest[SHA384_DIGEST])
{
	static const u8 one = 0x80, zero;
	u64 bits = sha->length * 8;
	u8 size[16] = {};
	int i;

	sha384_add(sha, &one, 1);
	while (sha->length % SHA384_BLOCK != SHA384_BLOCK - sizeof(size))
		sha384_add(sha, &zero, 1);
	put_big_endian(size + 8, bits);
	sha384_add(sha, size, sizeof(size));

	for (i = 0; i < SHA384_DIGEST / 8; i++)
		put_big_endian(digest + 8 * i, sha->state[i]);
}
