package attention

import (
	"fmt"
	"sort"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// cacheRows are the positions of a cache's rows.
type cacheRows struct {
	spans  []pattern.Span // positions, ascending, not touching
	first  []int          // the row of the first position of each span
	tokens int            // of the sequence: the last position and one
}

// keyRows is neighbouring rows lo … hi−1 of a cache: row r is the key at position r+shift.
type keyRows struct{ lo, hi, shift int }

// newCacheRows checks that n queries stand on neighbouring rows at the end of the cache. nil spans are the positions 0 … rows−1.
func newCacheRows(spans []pattern.Span, n, rows int) (cacheRows, error) {
	if n > rows {
		return cacheRows{}, fmt.Errorf("attention: found %d queries and %d keys to decode, expected no more queries than keys; append the "+
			"new keys to the cache first", n, rows)
	}
	if spans == nil {
		spans = []pattern.Span{{Lo: 0, Hi: rows}}
	}
	h := cacheRows{spans: spans}
	count, end := 0, -1
	for _, s := range spans {
		if s.Lo <= end || s.Hi < s.Lo || s.Hi == s.Lo && rows > 0 || s.Hi > pattern.MaxTokens {
			return h, fmt.Errorf("attention: found cached positions %d … %d after position %d, expected spans that ascend, do not touch and "+
				"end at %d or before",
				s.Lo, s.Hi-1, end, pattern.MaxTokens)
		}
		h.first = append(h.first, count)
		count, end = count+s.Len(), s.Hi
	}
	if count != rows {
		return h, fmt.Errorf("attention: found %d positions for %d cached keys, expected one each", count, rows)
	}
	h.tokens = max(end, 0)
	if last := len(spans) - 1; last >= 0 && spans[last].Len() < n {
		return h, fmt.Errorf("attention: found %d queries to decode and %d neighbouring keys at the end of the cache, expected the keys of "+
			"all queries there; append them first", n, spans[last].Len())
	}
	return h, nil
}

// shift is the position of a row, less the row.
func (h cacheRows) shift(row int) int {
	i := sort.SearchInts(h.first, row+1) - 1
	if i < 0 {
		return 0
	}
	return h.spans[i].Lo - h.first[i]
}

// find appends the rows of the keys in spans, which query q of p sees.
func (h cacheRows) find(dst []keyRows, p pattern.Pattern, spans []pattern.Span, q int) ([]keyRows, error) {
	for _, s := range spans {
		i := sort.Search(len(h.spans), func(i int) bool { return h.spans[i].Hi > s.Lo })
		if i == len(h.spans) || s.Lo < h.spans[i].Lo || s.Hi > h.spans[i].Hi {
			return dst, fmt.Errorf("attention: pattern %s shows keys %d … %d to query %d, expected all of them in the cache; keep what "+
				"pattern.Retained returns", p, s.Lo, s.Hi-1, q)
		}
		shift := h.spans[i].Lo - h.first[i]
		dst = append(dst, keyRows{s.Lo - shift, s.Hi - shift, shift})
	}
	return dst, nil
}

// forward takes the queries of seq through Forward, which sees the rows as if they were the sequence: distances are
// true where positions have no gaps.
func (h cacheRows) forward(x tensor.Exec, c Config, seq Seq, out Out, in In) error {
	if _, ok := c.Bias.(Matrix); ok && h.tokens != in.K.Rows {
		return fmt.Errorf("attention: found %d of %d keys in the cache under a matrix of bias, expected all of them", in.K.Rows, h.tokens)
	}
	if _, ok := c.Bias.(Repeat); ok && h.tokens != in.K.Rows {
		return fmt.Errorf("attention: found %d of %d keys in the cache, of which some are repeated, expected all of them", in.K.Rows, h.tokens)
	}
	if h.tokens != in.K.Rows {
		if err := c.checkSeqs([]Seq{seq}); err != nil {
			return err
		}
		over := rowPattern{c.Pattern, h, seq.shape()}
		if err := over.check(); err != nil {
			return err
		}
		c.Pattern = over
	}
	a, err := New(c, []Seq{{Q: in.Q.Rows, K: in.K.Rows, Offset: in.K.Rows - in.Q.Rows}})
	if err != nil {
		return err
	}
	return a.Forward(x, out, in)
}

// rowPattern is a pattern of positions, over rows.
type rowPattern struct {
	pattern.Pattern
	h     cacheRows
	shape pattern.Shape // in positions
}

// check refuses a pattern that shows a key that is not in the cache.
func (p rowPattern) check() error {
	var spans []pattern.Span
	var rows []keyRows
	for q := range p.shape.Tq {
		spans = p.Pattern.Spans(spans[:0], q, p.shape)
		err := checkSpans(p.Pattern, spans, q, p.shape.Tk)
		if err == nil {
			rows, err = p.h.find(rows[:0], p.Pattern, spans, q)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Spans are rows, all of them in the cache: check has seen to that. Rows that touch across a gap are joined.
func (p rowPattern) Spans(dst []pattern.Span, q int, _ pattern.Shape) []pattern.Span {
	base := len(dst)
	dst = p.Pattern.Spans(dst, q, p.shape)
	kept := base
	for _, s := range dst[base:] {
		i := sort.Search(len(p.h.spans), func(i int) bool { return p.h.spans[i].Hi > s.Lo })
		shift := p.h.spans[i].Lo - p.h.first[i]
		if s.Lo, s.Hi = s.Lo-shift, s.Hi-shift; kept > base && dst[kept-1].Hi == s.Lo {
			dst[kept-1].Hi = s.Hi
			continue
		}
		dst[kept] = s
		kept++
	}
	return dst[:kept]
}

// Check accepts every shape: check has seen to positions.
func (p rowPattern) Check(pattern.Shape) error { return nil }
