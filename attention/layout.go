package attention

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
)

// keyGroup is the unit of runs of keys: the row group of the tile kernels.
const keyGroup = 8

// splitGap is the number of keys, hidden from all queries of a tile, at which a masked run is split: skipping a quarter of a block pays for
// one more kernel call.
const splitGap = 32

// layout is a pattern compiled for one sequence: for every tile of 32 queries, the keys they see.
type layout struct {
	seq   Seq
	first []int      // tile t's entries are entries[first[t]:first[t+1]]
	runs  []run      // ascending and disjoint within a tile
	masks [][]uint32 // each distinct mask once
	pairs pairs
	share *shareRows // where its rows stand, if they are a Share's

	transpose sync.Once // makes what follows, when a backward pass first asks for visits
	byChunk   [][]visit
	chunks    []int32
	wide      []int32 // the number of a tile among those that see several spans of keys, or −1
	wides     int
}

// pairs counts visible (query, key) pairs: of own queries, of own keys, and of both, long ones left out; and those of long queries with own
// keys, and of own queries with long keys. But in a Share, all are own and none is long.
type pairs struct{ queries, keys, both, longQueries, longKeys int64 }

func (p *pairs) add(more pairs) {
	p.queries, p.keys, p.both = p.queries+more.queries, p.keys+more.keys, p.both+more.both
	p.longQueries, p.longKeys = p.longQueries+more.longQueries, p.longKeys+more.longKeys
}

// run is a stretch of keys that a tile of queries sees: all of it by all queries, or what a mask says. Borders are multiples of
// keyGroup; hi may pass the last key, and then a mask hides what lies beyond. A masked run stays within one key block.
type run struct {
	lo, hi int32
	mask   int32 // index into masks, or noMask
}

const noMask = -1

func (l *layout) tiles() int { return len(l.first) - 1 }

func (l *layout) tile(t int) []run { return l.runs[l.first[t]:l.first[t+1]] }

// maskOf returns the mask of keys lo … of run r, nil if there is none.
func (l *layout) maskOf(r run, lo int) []uint32 {
	if r.mask == noMask {
		return nil
	}
	return l.masks[r.mask][lo-int(r.lo):]
}

// compileGroup is the number of tiles are compiled together: enough work for a thread, few enough to balance.
const compileGroup = 256

// compile lays out p for s. Cost: the spans of the pattern, sorted 32 queries at a time. It returns an error if the pattern
// gives spans that are unsorted or outside the keys, or more than limit runs.
func compile(p pattern.Pattern, s Seq, threads int, limit int64) (*layout, error) {
	return compileTiles(tileCompiler{pattern: p, seq: s, shape: s.shape(), limit: limit}, threads)
}

// compileShare is compile for the rows of a Share.
func compileShare(p pattern.Pattern, rows *shareRows, threads int, limit int64) (*layout, error) {
	return compileTiles(tileCompiler{pattern: p, seq: rows.seq(), shape: pattern.Square(rows.Tokens), rows: rows, limit: limit}, threads)
}

// compileTiles compiles groups of tiles side by side, each with a copy of blank.
func compileTiles(blank tileCompiler, threads int) (*layout, error) {
	tiles := ceil.Div(blank.seq.Q, kernel.Lanes)
	parts := make([]*tileCompiler, ceil.Div(tiles, compileGroup))
	var total atomic.Int64
	pool.Run(threads, len(parts), func(_, i int) {
		c := &tileCompiler{}
		*c = blank
		c.total, c.maskIndex = &total, map[string]int32{}
		parts[i] = c
		for t := i * compileGroup; t < min(tiles, (i+1)*compileGroup) && c.err == nil; t++ {
			c.compileTile(t)
		}
	})
	l := &layout{seq: blank.seq, share: blank.rows, first: []int{0}}
	index := map[string]int32{}
	for _, c := range parts {
		if c.err != nil {
			return nil, c.err
		}
		l.add(c, index)
	}
	return l, nil
}

// add appends what one compiler made, its masks merged with those there are.
func (l *layout) add(c *tileCompiler, index map[string]int32) {
	renumbered := make([]int32, len(c.masks))
	for i, key := range c.maskKeys {
		n, ok := index[key]
		if !ok {
			n = int32(len(l.masks))
			index[key] = n
			l.masks = append(l.masks, c.masks[i])
		}
		renumbered[i] = n
	}
	base := len(l.runs)
	for _, r := range c.runs {
		if r.mask != noMask {
			r.mask = renumbered[r.mask]
		}
		l.runs = append(l.runs, r)
	}
	for _, end := range c.ends {
		l.first = append(l.first, base+end)
	}
	l.pairs.add(c.pairs)
}

// tileCompiler turns the spans of 32 queries at a time into runs.
type tileCompiler struct {
	pattern pattern.Pattern
	seq     Seq
	shape   pattern.Shape // of the whole sequence
	rows    *shareRows    // of a Share, or nil
	limit   int64         // of runs
	total   *atomic.Int64 // runs of all compilers
	err     error

	runs      []run
	ends      []int // of each tile, in runs
	masks     [][]uint32
	maskKeys  []string
	maskIndex map[string]int32
	pairs     pairs

	spans   []pattern.Span
	events  []event
	canvas  []uint32     // for each key, the queries that see it; zeros between tiles
	painted pattern.Span // what of the canvas is in use
	pieces  []piece
}

// event is where a query begins or stops to see keys.
type event struct {
	at    int
	lane  uint8
	begin bool
}

// piece is a stretch of keys seen by the same queries.
type piece struct {
	lo, hi int
	seen   uint32
}

func (c *tileCompiler) compileTile(t int) {
	rows := min(kernel.Lanes, c.seq.Q-t*kernel.Lanes)
	if c.rows != nil {
		rows = min(kernel.Lanes, c.rows.Tokens-c.rows.tiles[t].at)
	}
	before := len(c.runs)
	c.events, c.painted = c.events[:0], pattern.Span{}
	for lane := range rows {
		if c.err = c.gather(t, lane); c.err != nil {
			return
		}
	}
	// Lanes past the last query compute nothing that is kept: they count as seeing what all the others see.
	beyond := ^uint32(0) << rows
	c.pieces = c.pieces[:0]
	if c.painted.Hi == 0 {
		c.sweep(beyond)
	} else {
		c.paintEvents()
		c.scan(beyond)
	}
	c.cut()
	c.ends = append(c.ends, len(c.runs))
	if c.total.Add(int64(len(c.runs)-before)) > c.limit {
		c.err = fmt.Errorf("attention: pattern %s parts what %d queries see of %d keys into more than %d runs, expected fewer; "+
			"scatter blocks of keys instead of single ones, or cut the sequence", c.pattern, c.seq.Q, c.seq.K, c.limit)
	}
}

// paintFrom is the number of spans of one query are painted, key by key, instead of sorted: single keys at every other place would make a
// list of events longer than the keys themselves.
const paintFrom = 64

// maxRuns bounds a layout, at 12 bytes a run, to 800 MB. A window at a million tokens has 300,000 runs; a pattern of scattered keys,
// one in each block of 128 for every 32 queries: 268 million.
const maxRuns = 1 << 26

// gather collects the spans of one query of tile t, as events or as paint.
func (c *tileCompiler) gather(t, lane int) error {
	if err := c.see(t, lane); err != nil {
		return err
	}
	for _, s := range c.spans {
		if len(c.spans) >= paintFrom {
			c.paint(s, 1<<lane)
		} else {
			c.events = append(c.events, event{s.Lo, uint8(lane), true}, event{s.Hi, uint8(lane), false})
		}
	}
	return nil
}

// see lists in c.spans the rows of keys that one query of tile t sees, and counts them.
func (c *tileCompiler) see(t, lane int) (err error) {
	q := t*kernel.Lanes + lane
	if c.rows != nil {
		q = c.rows.tiles[t].at + lane
	}
	c.spans = c.pattern.Spans(c.spans[:0], q, c.shape)
	if err := checkSpans(c.pattern, c.spans, q, c.shape.Tk); err != nil {
		return err
	}
	if c.rows == nil {
		c.spans = c.seq.cut(c.spans, 0)
		n := int64(length(c.spans))
		c.pairs.add(pairs{queries: n, keys: n, both: n})
		return nil
	}
	if c.spans, err = c.rows.cut(c.spans, t, lane); err != nil {
		return err
	}
	for _, s := range c.spans {
		c.rows.count(&c.pairs, t, s)
	}
	return nil
}

// paint marks keys as seen by a query.
func (c *tileCompiler) paint(s pattern.Span, bit uint32) {
	if c.canvas == nil {
		c.canvas = make([]uint32, c.seq.K)
	}
	if c.painted.Hi == 0 {
		c.painted = s
	}
	c.painted.Lo, c.painted.Hi = min(c.painted.Lo, s.Lo), max(c.painted.Hi, s.Hi)
	for k := s.Lo; k < s.Hi; k++ {
		c.canvas[k] |= bit
	}
}

// paintEvents moves the spans of the queries with few of them to the canvas of the others.
func (c *tileCompiler) paintEvents() {
	for i := 0; i < len(c.events); i += 2 { // each beginning is followed by its end
		c.paint(pattern.Span{Lo: c.events[i].at, Hi: c.events[i+1].at}, 1<<c.events[i].lane)
	}
}

// scan turns the canvas into pieces, as sweep does the events, and cleans it.
func (c *tileCompiler) scan(always uint32) {
	for k := c.painted.Lo; k < c.painted.Hi; {
		from, seen := k, c.canvas[k]
		for ; k < c.painted.Hi && c.canvas[k] == seen; k++ {
			c.canvas[k] = 0
		}
		if seen != 0 {
			c.pieces = append(c.pieces, piece{from, k, seen | always})
		}
	}
}

// checkSpans refuses the spans of a pattern that breaks its contract.
func checkSpans(p pattern.Pattern, spans []pattern.Span, query, tk int) error {
	last := 0
	for _, s := range spans {
		if s.Lo < last || s.Hi <= s.Lo || s.Hi > tk {
			return fmt.Errorf("attention: pattern %s gives keys %d … %d to query %d after key %d, expected ascending spans inside 0 … %d; "+
				"correct its Spans method", p, s.Lo, s.Hi-1, query, last, tk-1)
		}
		last = s.Hi
	}
	return nil
}

// sweep turns the events into pieces, ascending, empty ones left out. Bits of always are set in every piece that is seen at all.
func (c *tileCompiler) sweep(always uint32) {
	slices.SortFunc(c.events, func(a, b event) int { return a.at - b.at })
	seen, from := uint32(0), 0
	for i := 0; i < len(c.events); {
		at := c.events[i].at
		if seen != 0 && at > from {
			c.pieces = append(c.pieces, piece{from, at, seen | always})
		}
		// A span that ends where the next begins, of one lane, clears and sets the same bit: clear first.
		begin, end := uint32(0), uint32(0)
		for ; i < len(c.events) && c.events[i].at == at; i++ {
			if c.events[i].begin {
				begin |= 1 << c.events[i].lane
			} else {
				end |= 1 << c.events[i].lane
			}
		}
		seen = seen&^end | begin
		from = at
	}
}

// cut turns the pieces into runs. Work goes by block of KeyBlock keys: inside one, keys that every query sees become a run
// without mask, and anything else a masked run, trimmed and parted at wide gaps. Runs without mask join across blocks.
func (c *tileCompiler) cut() {
	const block = kernel.KeyBlock
	start := len(c.runs)
	for i := 0; i < len(c.pieces); {
		p := c.pieces[i]
		if p.seen == ^uint32(0) && p.lo%keyGroup == 0 && p.hi-p.lo >= block {
			whole := p.hi / block * block // what remains joins whatever follows in its block
			if whole > p.lo {
				c.join(start, p.lo, whole)
				c.pieces[i].lo = whole
				if whole == p.hi {
					i++
				}
				continue
			}
		}
		i = c.cutBlock(start, i)
	}
}

// cutBlock makes the runs of the block that piece i begins in and returns the first piece not used up.
func (c *tileCompiler) cutBlock(start, i int) int {
	const block = kernel.KeyBlock
	end := (c.pieces[i].lo/block + 1) * block
	from := i
	for i < len(c.pieces) && c.pieces[i].lo < end {
		i++
	}
	last := &c.pieces[i-1]
	pieces := slices.Clone(c.pieces[from:i])
	if last.hi > end {
		pieces[len(pieces)-1].hi = end
		last.lo = end
		i--
	}
	for a := 0; a < len(pieces); {
		b := a + 1
		for b < len(pieces) && pieces[b].lo-pieces[b-1].hi < splitGap {
			b++
		}
		c.emit(start, pieces[a:b])
		a = b
	}
	return i
}

// emit makes one run of neighbouring pieces of one block.
func (c *tileCompiler) emit(start int, pieces []piece) {
	lo := pieces[0].lo / keyGroup * keyGroup
	hi := ceil.Multiple(pieces[len(pieces)-1].hi, keyGroup)
	if n := len(c.runs); n > start {
		lo = max(lo, int(c.runs[n-1].hi)) // two runs of a block may not share a group
	}
	mask := make([]uint32, hi-lo)
	all := ^uint32(0)
	for _, p := range pieces {
		for k := max(p.lo, lo); k < p.hi; k++ {
			mask[k-lo] = p.seen
		}
	}
	for _, m := range mask {
		all &= m
	}
	if all == ^uint32(0) {
		c.join(start, lo, hi)
		return
	}
	c.runs = append(c.runs, run{int32(lo), int32(hi), c.intern(mask)})
}

// join appends a run without mask, to the one before where they touch.
func (c *tileCompiler) join(start, lo, hi int) {
	if n := len(c.runs); n > start && c.runs[n-1].mask == noMask && int(c.runs[n-1].hi) == lo {
		c.runs[n-1].hi = int32(hi)
		return
	}
	c.runs = append(c.runs, run{int32(lo), int32(hi), noMask})
}

// intern returns the number of a mask, storing it if it is new.
func (c *tileCompiler) intern(mask []uint32) int32 {
	key := make([]byte, 0, 4*len(mask))
	for _, m := range mask {
		key = append(key, byte(m), byte(m>>8), byte(m>>16), byte(m>>24))
	}
	if n, ok := c.maskIndex[string(key)]; ok {
		return n
	}
	n := int32(len(c.masks))
	c.maskIndex[string(key)] = n
	c.maskKeys = append(c.maskKeys, string(key))
	c.masks = append(c.masks, mask)
	return n
}
