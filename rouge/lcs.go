package rouge

import "math/bits"

// table computes longest common subsequences with 64 columns of the classical table in a word (Crochemore, Iliopoulos, Pinzon and Reid
// 2001, "A fast and practical bit-vector algorithm for the longest common subsequence problem"; Hyyrö 2004). A row of the table t stands
// for a token of a, a column for one of b. Bit j of row i is 0 where t[i][j+1] = t[i][j] + 1, so that t[i][j] is the number of zeros below
// bit j.
type table struct {
	words int     // of a row
	slot  []int32 // by token: 1 + the place of its mask; 0: not in b
	masks []uint64
	used  []int32 // tokens of b

	limit   int      // words of a block; 0: blockWords
	rows    []uint64 // of a block of rows, with the row before them first
	borders []uint64 // the row before each block
}

// blockWords bounds the rows that exist at once, 32 MiB, unless the square root of their number is more.
const blockWords = 1 << 22

// mask prepares b, whose tokens are below n. b is not empty.
func (t *table) mask(b []int32, n int) {
	for _, token := range t.used {
		t.slot[token] = 0
	}
	t.used = t.used[:0]
	if len(t.slot) < n {
		t.slot = append(t.slot, make([]int32, n-len(t.slot))...)
	}
	t.words = (len(b) + 63) / 64
	for _, token := range b {
		if t.slot[token] == 0 {
			t.used = append(t.used, token)
			t.slot[token] = int32(len(t.used))
		}
	}
	t.masks = grown(t.masks, t.words*len(t.used))
	clear(t.masks)
	for j, token := range b {
		t.masks[(int(t.slot[token])-1)*t.words+j/64] |= 1 << (j % 64)
	}
}

// next computes the row below row from for a token. The rows may be the same. Bits beyond the last token of b stay 1.
func (t *table) next(to, from []uint64, token int32) {
	slot := t.slot[token]
	if slot == 0 { // b does not have the token
		copy(to, from)
		return
	}
	mask := t.masks[(int(slot)-1)*t.words:][:t.words]
	carry := uint64(0)
	for k, v := range from {
		m := mask[k]
		sum, c := bits.Add64(v, v&m, carry)
		to[k], carry = sum|v&^m, c
	}
}

// length is the length of the longest common subsequence of a and b.
func (t *table) length(a []int32) int {
	row := grown(t.rows, t.words)
	t.rows = row
	first(row)
	for _, token := range a {
		t.next(row, row, token)
	}
	return zeros(row, 64*t.words)
}

// first is the row above the first: t[0][j] = 0 for every j.
func first(row []uint64) {
	for k := range row {
		row[k] = ^uint64(0)
	}
}

// zeros counts the zeros below bit j.
func zeros(row []uint64, j int) (n int) {
	for _, v := range row[:j/64] {
		n += bits.OnesCount64(^v)
	}
	if j%64 != 0 {
		n += bits.OnesCount64(^row[j/64] & (1<<(j%64) - 1))
	}
	return n
}

// trace marks the tokens of a in the common subsequence with b that rouge-score finds. From the last row and column it steps to the row and
// the column before where the tokens are equal, else to the column before if t[i][j−1] > t[i−1][j], else to the row before. Of several
// subsequences of the greatest length the unions differ, so the choice is part of the definition.
//
// Rows are kept a block at a time: where a has many, the row before each block is kept first and the block is computed again.
func (t *table) trace(a, b []int32, hit []bool) {
	block := t.block(len(a))
	t.rows = grown(t.rows, (block+1)*t.words)
	blocks := (len(a) + block - 1) / block
	t.borders = grown(t.borders, max(blocks, 1)*t.words)
	first(t.borders[:t.words])
	for k := 1; k < blocks; k++ {
		row := t.borders[k*t.words:][:t.words]
		copy(row, t.borders[(k-1)*t.words:])
		for _, token := range a[(k-1)*block : k*block] {
			t.next(row, row, token)
		}
	}
	j := len(b)
	for k := blocks - 1; k >= 0 && j > 0; k-- {
		from := k * block
		part := a[from:min(from+block, len(a))]
		t.fill(part, k)
		j = t.back(part, b, hit[from:], j)
	}
}

// block is the number of rows that are kept for a reference line of n tokens.
func (t *table) block(n int) int {
	limit := t.limit
	if limit == 0 {
		limit = blockWords
	}
	block := max(1, limit/t.words)
	for block < n && block*block < n {
		block *= 2
	}
	return max(1, min(block, n))
}

// fill computes the rows of block k.
func (t *table) fill(part []int32, k int) {
	copy(t.rows[:t.words], t.borders[k*t.words:])
	for i, token := range part {
		t.next(t.rows[(i+1)*t.words:][:t.words], t.rows[i*t.words:][:t.words], token)
	}
}

// back steps back through the rows of a block from column j, and returns the column in which it leaves the block.
func (t *table) back(part, b []int32, hit []bool, j int) int {
	row := func(i int) []uint64 { return t.rows[i*t.words:][:t.words] }
	i := len(part)
	here, above := zeros(row(i), j), zeros(row(i-1), j) // t[i][j] and t[i−1][j]
	for j > 0 && here > 0 {
		left := here - zeroAt(row(i), j-1)
		switch {
		case part[i-1] == b[j-1]:
			hit[i-1] = true
			above -= zeroAt(row(i-1), j-1)
			i, j = i-1, j-1
		case left > above:
			here, above = left, above-zeroAt(row(i-1), j-1)
			j--
			continue
		default:
			i--
		}
		if i == 0 {
			return j
		}
		here, above = above, zeros(row(i-1), j)
	}
	return 0
}

// zeroAt is 1 where bit j is 0.
func zeroAt(row []uint64, j int) int { return int(^row[j/64] >> (j % 64) & 1) }
